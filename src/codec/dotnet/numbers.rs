//! Numbers and characters that Rust has not, or that have another form than it would give them.

use super::guid::sixteen;
use super::{no_such, refuse};
use crate::alloc::{self, Ensure, Text};
use crate::codec::{CodecError, Decode, Encode, Problem, Reader, Result, Version, Writer};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// `char`: a unit of UTF-16, which is a number on the wire. It need not be a whole character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Char(
    /// The unit.
    pub u16,
);

impl Encode for Char {
    #[inline]
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.uint(self.0.into())
    }
}

impl Decode<'_> for Char {
    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        reader.integer_as("a char (16 bits without a sign)").map(Self)
    }
}

/// The type, where a version has it: 2.5 has not all that 3.1 has.
fn since_3_1(version: Version, name: &'static str) -> std::result::Result<(), Problem> {
    match version {
        Version::V2_5 => Err(Problem::NotSupported(Text::say(format_args!(
            "{name} has no form in MessagePack-CSharp 2.5: send another type, or use 3.1 on both sides"
        )))),
        Version::V3_1 => Ok(()),
    }
}

/// `Rune`: a whole character, which is a number on the wire. Version 2.5 has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rune(
    /// The character.
    pub char,
);

impl Encode for Rune {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        since_3_1(writer.settings().version, "Rune").map_err(|problem| writer.error(problem))?;
        writer.uint(u32::from(self.0).into())
    }
}

impl Decode<'_> for Rune {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        const TARGET: &str = "a Rune (a character, no half of one)";
        let begun = *reader;
        if let Err(problem) = since_3_1(reader.settings().version, "Rune") {
            return reader.error(problem);
        }
        let point: u32 = reader.integer_as(TARGET)?;
        match char::from_u32(point) {
            Some(char) => Ok(Self(char)),
            None => refuse(reader, begun, Problem::OutOfRange { value: point.into(), target: TARGET }),
        }
    }
}

macro_rules! wide_integers {
    ($($type:ty, $name:literal, $target:literal;)*) => {$(
        /// 16 bytes, little-endian. Version 2.5 has none.
        impl Encode for $type {
            fn encode(&self, writer: &mut Writer) -> Result<()> {
                since_3_1(writer.settings().version, $name).map_err(|problem| writer.error(problem))?;
                writer.bin(&self.to_le_bytes())
            }
        }

        impl Decode<'_> for $type {
            fn decode(reader: &mut Reader<'_>) -> Result<Self> {
                if let Err(problem) = since_3_1(reader.settings().version, $name) {
                    return reader.error(problem);
                }
                sixteen(reader, $target).map(Self::from_le_bytes)
            }
        }
    )*};
}

wide_integers! {
    i128, "Int128", "an Int128";
    u128, "UInt128", "a UInt128";
}

/// `Half`, by its bits. On the wire it is a `float`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Half(
    /// Sign, five bits of exponent, ten of fraction.
    pub u16,
);

impl Half {
    /// The nearest to a `float`; a half goes to the even one.
    #[must_use]
    pub const fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let (sign, exponent, fraction) = ((bits >> 16) as u16 & 0x8000, bits >> 23 & 0xff, bits & 0x7f_ffff);
        if exponent == 0xff {
            // What is not a number stays so, with the upper bits of its payload, as .NET has it.
            let quiet = if fraction == 0 { 0 } else { 0x200 | (fraction >> 13) as u16 };
            return Self(sign | 0x7c00 | quiet);
        }
        // The fraction with its leading 1, as a multiple of a unit that shrinks by as many bits as are lost.
        let (whole, lost) = match exponent {
            0x71.. => ((exponent - 0x70) << 23 | fraction, 13),
            // Below the normal ones of 16 bits: the 1 is one of the digits, and more of them are lost. 26 lose them all.
            0x66..=0x70 => (1 << 23 | fraction, 0x7e - exponent),
            _ => return Self(sign),
        };
        let (kept, rest, half) = (whole >> lost, whole & ((1 << lost) - 1), 1 << (lost - 1));
        let up = rest > half || rest == half && kept & 1 == 1;
        // A carry goes into the exponent, where it belongs. What is past the largest is infinite.
        let rounded = kept + up as u32;
        Self(sign | if rounded > 0x7c00 { 0x7c00 } else { rounded as u16 })
    }

    /// As a `float`, which holds every one of them.
    #[must_use]
    pub const fn to_f32(self) -> f32 {
        let sign = (self.0 as u32 & 0x8000) << 16;
        let (exponent, fraction) = (self.0 as u32 >> 10 & 0x1f, self.0 as u32 & 0x3ff);
        f32::from_bits(match (exponent, fraction) {
            (0, 0) => sign,
            (0, _) => {
                // The highest digit that is 1 becomes the leading one.
                let shift = fraction.leading_zeros() - 21;
                sign | (0x71 - shift) << 23 | (fraction << (shift + 13)) & 0x7f_ffff
            }
            (0x1f, 0) => sign | 0x7f80_0000,
            (0x1f, _) => sign | 0x7fc0_0000 | fraction << 13,
            _ => sign | (exponent + 0x70) << 23 | fraction << 13,
        })
    }
}

impl Encode for Half {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.f32(self.to_f32())
    }
}

impl Decode<'_> for Half {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        reader.f32().map(Self::from_f32)
    }
}

/// `Complex`: an array of two `double`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Complex {
    /// The real part.
    pub real: f64,
    /// The imaginary part.
    pub imaginary: f64,
}

impl Encode for Complex {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.ensure(1 + 2 * 9)?;
        writer.array_header(2)?;
        writer.f64(self.real)?;
        writer.f64(self.imaginary)
    }
}

impl Decode<'_> for Complex {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        match reader.array_header()? {
            2 => Ok(Self { real: reader.f64()?, imaginary: reader.f64()? }),
            found => refuse(reader, begun, Problem::WrongLength { target: "a Complex", expected: 2, found }),
        }
    }
}

/// `BigInteger`. On the wire bytes, as few as say its sign. Two are equal where their values are, whatever the bytes.
#[derive(Debug, Clone, Default)]
pub struct BigInteger(
    /// Two's complement, little-endian, as .NET's `ToByteArray()`; none at all are a 0.
    pub Vec<u8>,
);

impl BigInteger {
    /// As few of the bytes as say it; of a 0, none.
    fn significant(&self) -> &[u8] {
        let mut bytes = self.0.as_slice();
        while let [shorter @ .., last] = bytes {
            // A byte at the end that only repeats the sign.
            let sign = shorter.last().map_or(0, |byte| byte >> 7);
            if (sign, *last) != (0, 0) && (sign, *last) != (1, 0xff) {
                break;
            }
            bytes = shorter;
        }
        bytes
    }

    fn is_negative(&self) -> bool {
        self.0.last().is_some_and(|byte| byte >> 7 == 1)
    }

    /// The value, if 128 bits hold it.
    #[must_use]
    pub fn to_i128(&self) -> Option<i128> {
        let bytes = self.significant();
        let mut wide = [if self.is_negative() { 0xff } else { 0 }; 16];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(i128::from_le_bytes(wide))
    }

    fn from_wide(value: i128) -> std::result::Result<Self, alloc::NoMemory> {
        alloc::copy(&value.to_le_bytes()).map(|bytes| Self(bytes).shortened())
    }

    fn shortened(mut self) -> Self {
        let length = self.significant().len().max(1);
        self.0.truncate(length);
        self
    }
}

impl TryFrom<i128> for BigInteger {
    type Error = CodecError;

    fn try_from(value: i128) -> Result<Self> {
        Self::from_wide(value).map_err(|refused| CodecError::no_memory(0, refused))
    }
}

impl PartialEq for BigInteger {
    fn eq(&self, other: &Self) -> bool {
        self.significant() == other.significant()
    }
}

impl Eq for BigInteger {}

impl Hash for BigInteger {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.significant().hash(state);
    }
}

impl PartialOrd for BigInteger {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for BigInteger {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mine, others) = (self.significant(), other.significant());
        let by_digits = || mine.len().cmp(&others.len()).then_with(|| mine.iter().rev().cmp(others.iter().rev()));
        match (self.is_negative(), other.is_negative()) {
            (false, false) => by_digits(),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            // Of negative ones the longer is the lesser; of the same length the digits say it as they are.
            (true, true) => others.len().cmp(&mine.len()).then_with(|| mine.iter().rev().cmp(others.iter().rev())),
        }
    }
}

impl Encode for BigInteger {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        match self.significant() {
            [] => writer.bin(&[0]),
            bytes => writer.bin(bytes),
        }
    }
}

/// More bytes than needed are taken, and none at all for a 0.
impl Decode<'_> for BigInteger {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        let bytes = match reader.bin()? {
            [] => &[0],
            bytes => bytes,
        };
        match alloc::copy(bytes) {
            Ok(bytes) => Ok(Self(bytes).shortened()),
            Err(refused) => refuse(reader, begun, Problem::NoMemory { bytes: refused.bytes }),
        }
    }
}

/// So many decimal digits fit a word of 64 bits.
const DIGITS: usize = 19;
const RADIX: u128 = 10_000_000_000_000_000_000;

/// Decimal digits. The time grows with the square of the length.
impl fmt::Display for BigInteger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let negative = self.is_negative();
        let bytes = self.significant();
        let mut words = alloc::list::<u64>(bytes.len() / 8 + 1).map_err(|_| fmt::Error)?;
        let mut carry = negative;
        for at in 0..bytes.len() / 8 + 1 {
            let mut word = [if negative { 0xff } else { 0 }; 8];
            let from = bytes.get(at * 8..).unwrap_or_default();
            let from = &from[..from.len().min(8)];
            word[..from.len()].copy_from_slice(from);
            let mut word = u64::from_le_bytes(word);
            if negative {
                (word, carry) = (!word).overflowing_add(carry.into());
            }
            words.push(word);
        }
        // At most 20 digits of each word, and so fewer than two pieces.
        let mut pieces = alloc::list::<u64>(words.len() * 2).map_err(|_| fmt::Error)?;
        while words.last() == Some(&0) {
            words.pop();
        }
        while !words.is_empty() {
            let mut left = 0_u128;
            for word in words.iter_mut().rev() {
                let dividend = left << 64 | u128::from(*word);
                *word = (dividend / RADIX) as u64;
                left = dividend % RADIX;
            }
            pieces.push(left as u64);
            while words.last() == Some(&0) {
                words.pop();
            }
        }
        let Some((first, rest)) = pieces.split_last() else {
            return f.write_str("0");
        };
        write!(f, "{}{first}", if negative { "-" } else { "" })?;
        rest.iter().rev().try_for_each(|piece| write!(f, "{piece:0width$}", width = DIGITS))
    }
}

/// Decimal digits, with a sign or without. The time grows with the square of the length.
impl FromStr for BigInteger {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            digits => (false, digits),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(no_such("BigInteger", "decimal digits were expected, with at most a sign"));
        }
        let no_memory = |refused| CodecError::no_memory(0, refused);
        // A byte holds more than two digits; one more for the sign.
        let mut words = alloc::list::<u64>(digits.len() / 16 + 2).map_err(no_memory)?;
        for piece in digits.chunks(DIGITS) {
            let (mut factor, mut carry) = (1_u128, 0_u128);
            for digit in piece {
                factor *= 10;
                carry = carry * 10 + u128::from(digit - b'0');
            }
            for word in &mut words {
                let product = u128::from(*word) * factor + carry;
                (*word, carry) = (product as u64, product >> 64);
            }
            if carry != 0 {
                words.ensure(1).map_err(no_memory)?;
                words.push(carry as u64);
            }
        }
        let mut bytes = alloc::list(words.len() * 8 + 1).map_err(no_memory)?;
        words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        bytes.push(0);
        if negative {
            let mut carry = true;
            for byte in &mut bytes {
                (*byte, carry) = (!*byte).overflowing_add(carry.into());
            }
        }
        Ok(Self(bytes).shortened())
    }
}
