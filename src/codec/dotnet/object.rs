//! What a slot of type `object` holds.

use super::dictionary::refuse_duplicates;
use super::{list_for, push, refuse, whole, Char, DateTime};
use crate::codec::code::*;
use crate::codec::{CodecError, Decode, Encode, Problem, Reader, Result, Writer};
use std::mem;

/// A value of a slot of type `object`: it says its own type.
///
/// Integers are written at the full width of their type, and read as what their first byte says, so that `1` and `1L` are not
/// the same; all else is as everywhere. Lists and maps hold such values again.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Object {
    /// `null`.
    Null,
    /// `bool`.
    Bool(bool),
    /// `sbyte`.
    I8(i8),
    /// `byte`.
    U8(u8),
    /// `short`.
    I16(i16),
    /// `ushort`.
    U16(u16),
    /// `int`.
    I32(i32),
    /// `uint`.
    U32(u32),
    /// `long`.
    I64(i64),
    /// `ulong`.
    U64(u64),
    /// `float`.
    F32(f32),
    /// `double`.
    F64(f64),
    /// `char`, which is a short integer on the wire. It comes back as one.
    Char(Char),
    /// `string`.
    String(String),
    /// `byte[]`.
    Bytes(Vec<u8>),
    /// `DateTime`.
    DateTime(DateTime),
    /// `object[]`, and what else is a list of objects.
    Array(Vec<Object>),
    /// `Dictionary<object, object>`, and what else is a map to objects.
    Map(Vec<(Object, Object)>),
    /// Any other type, in the form of its own ([`Object::of`]). It comes back as what that form looks like: a `Guid` as text.
    Other(Vec<u8>),
}

impl Object {
    /// How deep arrays and maps may lie in each other here, whatever the settings allow: a value is dropped from the inside, and
    /// that takes stack.
    pub const MAX_DEPTH: u32 = 1000;

    /// A value of a type that has its own form in a slot of type `object` too: `Guid`, `decimal`, tuples, lists and maps of one
    /// type, classes.
    ///
    /// # Errors
    /// As [`Encode::encode`].
    pub fn of<T: Encode + ?Sized>(value: &T) -> Result<Self> {
        crate::codec::encode(value).map(Self::Other)
    }

    /// A value that holds no others, or the beginning of one that does.
    fn begin<'a>(reader: &mut Reader<'a>) -> Result<Begun<'a>> {
        let code = reader.peek_code()?;
        Ok(Begun::Whole(match code {
            NIL => {
                reader.nil()?;
                Self::Null
            }
            TRUE | FALSE => Self::Bool(reader.bool()?),
            0x00..=0x7f | UINT8 => Self::U8(u8::decode(reader)?),
            NEGATIVE_FIXINT..=0xff | INT8 => Self::I8(i8::decode(reader)?),
            UINT16 => Self::U16(u16::decode(reader)?),
            UINT32 => Self::U32(u32::decode(reader)?),
            UINT64 => Self::U64(u64::decode(reader)?),
            INT16 => Self::I16(i16::decode(reader)?),
            INT32 => Self::I32(i32::decode(reader)?),
            INT64 => Self::I64(i64::decode(reader)?),
            FLOAT32 => Self::F32(reader.f32()?),
            FLOAT64 => Self::F64(reader.f64()?),
            FIXSTR..=0xbf | STR8..=STR32 => Self::String(reader.string()?),
            BIN8..=BIN32 => {
                let bytes = reader.bin()?;
                let copy = crate::alloc::copy(bytes);
                Self::Bytes(copy.map_err(|refused| CodecError::no_memory(reader.offset(), refused))?)
            }
            FIXARRAY..=0x9f | ARRAY16 | ARRAY32 => match reader.array_header()? {
                0 => Self::Array(Vec::new()),
                left => return Ok(Begun::Part(Part::Array { elements: list_for(left, reader)?, left })),
            },
            FIXMAP..=0x8f | MAP16 | MAP32 => match reader.map_header()? {
                0 => Self::Map(Vec::new()),
                left => {
                    let (entries, first) = (list_for(left, reader)?, *reader);
                    return Ok(Begun::Part(Part::Map { entries, first, key: None, left }));
                }
            },
            EXT8..=EXT32 | FIXEXT1..=FIXEXT16 => match reader.peek_ext()? {
                Some(TIMESTAMP) | None => Self::DateTime(DateTime::decode(reader)?),
                Some(code) => {
                    // One that is cut short is refused as such.
                    let mut ahead = *reader;
                    ahead.ext_header()?;
                    let expected = "a time (the one extension that a slot of type object holds)";
                    return refuse(reader, *reader, Problem::WrongExt { expected, code });
                }
            },
            NEVER_USED => return reader.unexpected("a value", code),
        }))
    }

    /// Reads with a list of what is open instead of the stack: that one is the caller's, and may be short.
    fn read<'a>(reader: &mut Reader<'a>, open: &mut Vec<Part<'a>>) -> Result<Self> {
        loop {
            if let (Some(Part::Map { key: None, .. }), NIL) = (open.last(), reader.peek_code()?) {
                return reader.unexpected("a key", NIL);
            }
            let mut whole = match Self::begin(reader)? {
                Begun::Whole(whole) => whole,
                Begun::Part(part) => {
                    if open.len() >= Self::MAX_DEPTH as usize {
                        return reader.error(Problem::TooDeep { limit: Self::MAX_DEPTH });
                    }
                    reader.enter()?;
                    push(open, part, reader)?;
                    continue;
                }
            };
            loop {
                let Some(part) = open.last_mut() else {
                    return Ok(whole);
                };
                if part.add(whole, reader)? {
                    break;
                }
                whole = part.close(reader)?;
                open.pop();
                reader.leave();
            }
        }
    }
}

enum Begun<'a> {
    Whole(Object),
    Part(Part<'a>),
}

/// An array or a map of which more is to come.
enum Part<'a> {
    Array { elements: Vec<Object>, left: usize },
    Map { entries: Vec<(Object, Object)>, first: Reader<'a>, key: Option<Object>, left: usize },
}

impl Part<'_> {
    /// Whether more is to come.
    fn add(&mut self, value: Object, reader: &Reader<'_>) -> Result<bool> {
        let left = match self {
            Self::Array { elements, left } => {
                push(elements, value, reader)?;
                left
            }
            Self::Map { entries, key, left, .. } => match key.take() {
                None => {
                    *key = Some(value);
                    return Ok(true);
                }
                Some(key) => {
                    push(entries, (key, value), reader)?;
                    left
                }
            },
        };
        *left -= 1;
        Ok(*left > 0)
    }

    fn close(&mut self, reader: &Reader<'_>) -> Result<Object> {
        match self {
            Self::Array { elements, .. } => Ok(Object::Array(mem::take(elements))),
            Self::Map { entries, first, .. } => {
                let mut keys = list_for(entries.len(), reader)?;
                for (number, (key, _)) in entries.iter().enumerate() {
                    if let Some(identity) = Identity::of(key) {
                        push(&mut keys, (identity, number), reader)?;
                    }
                }
                refuse_duplicates(&mut keys, *first)?;
                Ok(Object::Map(mem::take(entries)))
            }
        }
    }
}

/// What a boxed key is equal by: the type counts, as `object.Equals` has it. Arrays and maps are only equal to themselves.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity<'o> {
    Bool(bool),
    /// The type, and the number.
    Int(u8, i128),
    F32(u32),
    F64(u64),
    Text(&'o str),
    Time(i64),
}

impl<'o> Identity<'o> {
    fn of(key: &'o Object) -> Option<Self> {
        Some(match key {
            Object::Bool(value) => Self::Bool(*value),
            Object::I8(value) => Self::Int(0, (*value).into()),
            Object::U8(value) => Self::Int(1, (*value).into()),
            Object::I16(value) => Self::Int(2, (*value).into()),
            Object::U16(value) => Self::Int(3, (*value).into()),
            Object::I32(value) => Self::Int(4, (*value).into()),
            Object::U32(value) => Self::Int(5, (*value).into()),
            Object::I64(value) => Self::Int(6, (*value).into()),
            Object::U64(value) => Self::Int(7, (*value).into()),
            Object::Char(value) => Self::Int(8, value.0.into()),
            // Both zeros are equal, and so are all that are not numbers.
            Object::F32(value) if value.is_nan() => Self::F32(f32::NAN.to_bits()),
            Object::F32(value) => Self::F32((value + 0.0).to_bits()),
            Object::F64(value) if value.is_nan() => Self::F64(f64::NAN.to_bits()),
            Object::F64(value) => Self::F64((value + 0.0).to_bits()),
            Object::String(text) => Self::Text(text),
            Object::DateTime(time) => Self::Time(time.ticks),
            Object::Null | Object::Bytes(_) | Object::Array(_) | Object::Map(_) | Object::Other(_) => return None,
        })
    }
}

impl Encode for Object {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        match self {
            Self::Null => writer.nil(),
            Self::Bool(value) => writer.bool(*value),
            Self::I8(value) => writer.full_i8(*value),
            Self::U8(value) => writer.full_u8(*value),
            Self::I16(value) => writer.full_i16(*value),
            Self::U16(value) => writer.full_u16(*value),
            Self::I32(value) => writer.full_i32(*value),
            Self::U32(value) => writer.full_u32(*value),
            Self::I64(value) => writer.full_i64(*value),
            Self::U64(value) => writer.full_u64(*value),
            Self::F32(value) => writer.f32(*value),
            Self::F64(value) => writer.f64(*value),
            Self::Char(value) => value.encode(writer),
            Self::String(text) => writer.str(text),
            Self::Bytes(bytes) => writer.bin(bytes),
            Self::DateTime(time) => time.encode(writer),
            Self::Array(elements) => elements.encode(writer),
            Self::Map(entries) => whole(writer, |writer| {
                writer.map_header(entries.len())?;
                entries.iter().try_for_each(|(key, value)| {
                    key.encode(writer)?;
                    value.encode(writer)
                })
            }),
            Self::Other(bytes) => writer.raw(bytes),
        }
    }
}

impl Decode<'_> for Object {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let mut open = Vec::new();
        let read = Self::read(reader, &mut open);
        // After an error, what was gone into is left.
        open.iter().for_each(|_| reader.leave());
        read
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident;)*) => {$(
        impl From<$type> for Object {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

from! {
    bool => Bool;
    i8 => I8;
    u8 => U8;
    i16 => I16;
    u16 => U16;
    i32 => I32;
    u32 => U32;
    i64 => I64;
    u64 => U64;
    f32 => F32;
    f64 => F64;
    Char => Char;
    String => String;
    DateTime => DateTime;
    Vec<Object> => Array;
    Vec<(Object, Object)> => Map;
}

/// `None` is `null`.
impl<T: Into<Object>> From<Option<T>> for Object {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
