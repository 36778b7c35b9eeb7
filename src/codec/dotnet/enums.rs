//! Enums, by number and by name.

use super::{malformed, refuse, whole, Object};
use crate::codec::short::Short;
use crate::codec::{Decode, Encode, Problem, Reader, Result, Writer};

/// The integer under an enum. It says which numbers there are, and how wide one is in a slot of type `object`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Underlying {
    /// `sbyte`.
    I8,
    /// `byte`.
    U8,
    /// `short`.
    I16,
    /// `ushort`.
    U16,
    /// `int`.
    #[default]
    I32,
    /// `uint`.
    U32,
    /// `long`.
    I64,
    /// `ulong`.
    U64,
}

/// Runs the same with each of the types.
macro_rules! with_type {
    ($underlying:expr, $type:ident => $run:expr) => {
        with_type!($underlying, $type => $run; I8 i8, U8 u8, I16 i16, U16 u16, I32 i32, U32 u32, I64 i64, U64 u64)
    };
    ($underlying:expr, $type:ident => $run:expr; $($variant:ident $of:ty),*) => {
        match $underlying {
            $(Underlying::$variant => {
                type $type = $of;
                $run
            })*
        }
    };
}

const NUMBER: &str = "the type under this enum";

impl Underlying {
    fn outside(number: i128) -> Problem {
        Problem::OutOfRange { value: number, target: NUMBER }
    }

    /// Writes the number of an enum as everywhere but in slots of type `object`: as short as can be.
    ///
    /// # Errors
    /// [`Problem::OutOfRange`]: the type has no such number. [`Problem::NoMemory`].
    pub fn encode(self, number: i128, writer: &mut Writer) -> Result<()> {
        with_type!(self, T => match T::try_from(number) {
            Ok(number) => number.encode(writer),
            Err(_) => Err(writer.error(Self::outside(number))),
        })
    }

    /// The number of an enum for a slot of type `object`: at the full width of its type. `None`: the type has no such number.
    #[must_use]
    pub fn boxed(self, number: i128) -> Option<Object> {
        with_type!(self, T => T::try_from(number).ok().map(Object::from))
    }

    /// Takes the number of an enum: any that the type has, with a name or without.
    ///
    /// # Errors
    /// [`Problem::OutOfRange`], [`Problem::Unexpected`], [`Problem::End`].
    pub fn decode(self, reader: &mut Reader<'_>) -> Result<i128> {
        with_type!(self, T => T::decode(reader).map(i128::from))
    }

    fn holds(self, number: i128) -> bool {
        with_type!(self, T => T::try_from(number).is_ok())
    }

    /// The bits of a number, as wide as the type: by these .NET orders the members of an enum, and takes flags apart.
    fn bits(self, number: i128) -> u64 {
        let width = with_type!(self, T => T::BITS);
        number as u64 & (u64::MAX >> (64 - width))
    }
}

/// A member of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnumMember<'t> {
    /// Its name in C#.
    pub name: &'t str,
    /// Its number.
    pub number: i128,
    /// The name that an `EnumMember` attribute gives it on the wire.
    pub wire_name: Option<&'t str>,
}

impl<'t> EnumMember<'t> {
    /// One without an attribute.
    #[must_use]
    pub const fn new(name: &'t str, number: i128) -> Self {
        Self { name, number, wire_name: None }
    }

    fn on_the_wire(&self) -> &'t str {
        self.wire_name.unwrap_or(self.name)
    }
}

/// What is known of an enum, for peers that send its names (`DynamicEnumAsStringResolver`).
///
/// ```
/// use backrun::codec::dotnet::{EnumMember, EnumTable, Underlying};
/// use backrun::codec::{Reader, Writer};
///
/// const MEMBERS: [EnumMember<'static>; 3] =
///     [EnumMember::new("None", 0), EnumMember::new("Read", 1), EnumMember::new("Write", 2)];
/// let rights = EnumTable { underlying: Underlying::I32, members: &MEMBERS, flags: true };
/// let mut writer = Writer::new();
/// rights.encode_name(3, &mut writer)?;
/// assert_eq!(writer.bytes(), b"\xabRead, Write");
/// assert_eq!(rights.decode_name(&mut Reader::new(writer.bytes()))?, 3);
/// # Ok::<(), backrun::codec::CodecError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnumTable<'t> {
    /// Its integer.
    pub underlying: Underlying,
    /// Its members, in the order of their declaration.
    pub members: &'t [EnumMember<'t>],
    /// Whether it has the attribute `Flags`: a number without a name is then written as the names that it is made of.
    pub flags: bool,
}

impl EnumTable<'_> {
    /// Writes the name of a number. One that has none is written in decimal digits.
    ///
    /// # Errors
    /// [`Problem::OutOfRange`]: the type has no such number. [`Problem::NoMemory`].
    pub fn encode_name(&self, number: i128, writer: &mut Writer) -> Result<()> {
        if !self.underlying.holds(number) {
            return Err(writer.error(Underlying::outside(number)));
        }
        // Of several names .NET's formatter knows the last.
        if let Some(member) = self.members.iter().rfind(|member| member.number == number) {
            return writer.str(member.on_the_wire());
        }
        let mut places = [0; 64];
        if let Some(places) = self.parts(number, &mut places) {
            let names = || places.iter().rev().map(|place| self.members[*place].on_the_wire());
            let length = names().map(|name| name.len() + SEPARATOR.len()).sum::<usize>() - SEPARATOR.len();
            return whole(writer, |writer| {
                writer.str_header(length)?;
                names().enumerate().try_for_each(|(at, name)| {
                    writer.raw(if at == 0 { b"" } else { SEPARATOR })?;
                    writer.raw(name.as_bytes())
                })
            });
        }
        match Short::<40>::of(format_args!("{number}")) {
            Ok(digits) => writer.str_of(digits.bytes()),
            Err(_) => Err(writer.error(Underlying::outside(number))),
        }
    }

    /// The members that a number is made of, from the largest down, if it is made of some.
    fn parts<'p>(&self, number: i128, places: &'p mut [usize; 64]) -> Option<&'p [usize]> {
        let mut left = self.underlying.bits(number);
        if !self.flags || left == 0 {
            return None;
        }
        let mut count = 0;
        // Each takes a bit at least, so there are no more than the places.
        while left != 0 {
            let (place, bits) = self
                .members
                .iter()
                .map(|member| self.underlying.bits(member.number))
                .enumerate()
                .filter(|(_, bits)| *bits != 0 && left & bits == *bits)
                .max_by_key(|(_, bits)| *bits)?;
            *places.get_mut(count)? = place;
            count += 1;
            left -= bits;
        }
        Some(&places[..count])
    }

    /// Takes the number of a name: as .NET does, also of several with commas between them, and of decimal digits.
    ///
    /// # Errors
    /// [`Problem::Malformed`]: there is no such name. [`Problem::OutOfRange`]. A number is refused, and so is nil.
    pub fn decode_name(&self, reader: &mut Reader<'_>) -> Result<i128> {
        let begun = *reader;
        let text = reader.str()?;
        self.parse(text).or_else(|problem| refuse(reader, begun, problem))
    }

    fn parse(&self, text: &str) -> std::result::Result<i128, Problem> {
        if let Some(member) = self.members.iter().rfind(|member| member.on_the_wire() == text) {
            return Ok(member.number);
        }
        let trimmed = text.trim_start();
        if trimmed.starts_with(|first: char| first.is_ascii_digit() || first == '-' || first == '+') {
            // .NET takes zeros at the end of a number as it takes blanks there.
            let number = trimmed.trim_end_matches('\0').trim_end();
            let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                let value = digits
                    .bytes()
                    .fold(0_i128, |value, digit| value.saturating_mul(10).saturating_add(i128::from(digit - b'0')));
                let value = if number.starts_with('-') { -value } else { value };
                return match self.underlying.holds(value) {
                    true => Ok(value),
                    false => Err(Underlying::outside(value)),
                };
            }
        }
        let mut bits = 0;
        // .NET looks for the names of attributes only where several are joined as it joins them.
        let translate = self.flags && text.contains(", ");
        for (at, part) in text.split(',').enumerate() {
            let joined = if at == 0 { part } else { part.strip_prefix(' ').unwrap_or(part) };
            let named = |member: &&EnumMember<'_>| {
                member.name == part.trim() || translate && member.wire_name.is_some_and(|wire| wire == joined)
            };
            match self.members.iter().find(named) {
                Some(member) => bits |= self.underlying.bits(member.number),
                None => return Err(malformed("member of this enum", "it has none of that name")),
            }
        }
        // The bits of a number of the type, and so one of it again.
        Ok(with_type!(self.underlying, T => i128::from(bits as T)))
    }
}

const SEPARATOR: &[u8] = b", ";
