//! `decimal`, as text and in the native form.

use super::guid::sixteen;
use super::{malformed, no_such, refuse};
use crate::codec::{CodecError, Decode, Encode, Reader, Result, Writer};
use std::fmt;
use std::str::FromStr;

const TARGET: &str = "decimal";

/// How many digits may stand behind the point.
const MAX_SCALE: u8 = 28;

/// The largest value: 96 bits.
const MAX: u128 = (1 << 96) - 1;

const SIGN: u32 = 1 << 31;

/// `decimal`: a whole number of 96 bits, divided by a power of ten up to 28, which is kept: 1.5 and 1.50 are two values here,
/// though .NET's `==` calls them equal.
///
/// On the wire a text without an exponent, whose zeros say the scale. A zero loses its sign there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    digits: u128,
    scale: u8,
    negative: bool,
}

/// A `decimal` as the native resolver writes it: 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NativeDecimal(
    /// The same value.
    pub Decimal,
);

impl Decimal {
    /// From whole digits and how many of them stand behind the point; `None`: more than 96 bits, or more than 28.
    #[must_use]
    pub const fn new(digits: u128, scale: u8, negative: bool) -> Option<Self> {
        if digits > MAX || scale > MAX_SCALE {
            return None;
        }
        Some(Self { digits, scale, negative })
    }

    /// From the four words of .NET's `decimal.GetBits`: low, middle, high, flags. `None` where no `decimal` has such flags.
    #[must_use]
    pub const fn from_bits(bits: [u32; 4]) -> Option<Self> {
        let [low, middle, high, flags] = bits;
        let [_, scale, _, _] = (flags & !SIGN).to_be_bytes();
        if flags & !SIGN != (scale as u32) << 16 {
            return None;
        }
        Self::new(low as u128 | (middle as u128) << 32 | (high as u128) << 64, scale, flags & SIGN != 0)
    }

    /// The four words of .NET's `decimal.GetBits`: low, middle, high, flags.
    #[must_use]
    pub const fn to_bits(self) -> [u32; 4] {
        let flags = (self.scale as u32) << 16 | if self.negative { SIGN } else { 0 };
        [self.digits as u32, (self.digits >> 32) as u32, (self.digits >> 64) as u32, flags]
    }

    /// Its digits without the point: of 1.50, 150.
    #[must_use]
    pub const fn digits(self) -> u128 {
        self.digits
    }

    /// How many of its digits stand behind the point.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Whether it is less than zero, or a zero with a sign.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.negative
    }

    /// Its text in the end of the buffer.
    pub(in crate::codec) fn text(self, buffer: &mut [u8; 32]) -> &[u8] {
        let scale = usize::from(self.scale);
        let mut at = buffer.len();
        let mut put = |byte: u8| {
            at -= 1;
            buffer[at] = byte;
        };
        let (mut left, mut written) = (self.digits, 0);
        while left != 0 || written <= scale {
            if written == scale && scale > 0 {
                put(b'.');
            }
            // By machine words where they do: a division of 128 bits costs many times as much.
            let digit = match u64::try_from(left) {
                Ok(narrow) => {
                    left = (narrow / 10).into();
                    narrow % 10
                }
                Err(_) => {
                    let digit = left % 10;
                    left /= 10;
                    digit as u64
                }
            };
            put(b'0' + digit as u8);
            written += 1;
        }
        if self.negative && self.digits != 0 {
            put(b'-');
        }
        &buffer[at..]
    }

    /// As .NET's `Utf8Parser` reads it, to its last rounding: `Err` says why it does not.
    fn parse(text: &[u8]) -> std::result::Result<Self, &'static str> {
        let (number, left) =
            Scanned::of(text).ok_or("digits were expected, with at most a sign, a point and an exponent")?;
        if left != 0 {
            return Err("something follows the number");
        }
        number.round().ok_or("it is more than 79228162514264337593543950335")
    }
}

/// So many significant digits are kept of a text; of the others only whether they are all zero.
const KEPT: usize = 30;

/// A number as its digits stand in a text, without leading zeros: 0.d1d2d3... times 10 to the exponent.
struct Scanned {
    negative: bool,
    digits: [u8; KEPT],
    count: usize,
    exponent: i32,
    /// Digits that were not kept are not all zero. The last that is kept counts with them: so it does in .NET.
    has_tail: bool,
}

impl Scanned {
    /// The number at the beginning of a text, and how many bytes are left.
    fn of(text: &[u8]) -> Option<(Self, usize)> {
        let (negative, mut rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let mut number = Self { negative, digits: [0; KEPT], count: 0, exponent: 0, has_tail: false };
        // How many digits were seen, leading zeros of the whole part aside.
        let mut seen = 0_usize;
        let mut any = false;
        while let [b'0', after @ ..] = rest {
            (any, rest) = (true, after);
        }
        while let [digit @ b'0'..=b'9', after @ ..] = rest {
            (any, rest) = (true, after);
            seen += 1;
            // A text is no longer than its 32 bits of length.
            number.exponent = number.exponent.saturating_add(1);
            number.keep(digit - b'0', seen);
        }
        if let [b'.', after @ ..] = rest {
            rest = after;
            while let [digit @ b'0'..=b'9', after @ ..] = rest {
                (any, rest) = (true, after);
                seen += 1;
                if number.count == 0 && *digit == b'0' {
                    number.exponent = number.exponent.saturating_sub(1);
                } else {
                    number.keep(digit - b'0', seen);
                }
            }
        }
        if !any {
            return None;
        }
        if let [b'e' | b'E', after @ ..] = rest {
            rest = number.scale_by(after)?;
        }
        Some((number, rest.len()))
    }

    fn keep(&mut self, digit: u8, seen: usize) {
        if let Some(place) = self.digits.get_mut(self.count) {
            *place = digit;
            self.count += 1;
        }
        self.has_tail |= seen >= KEPT && digit != 0;
    }

    /// Takes an exponent; what follows it.
    fn scale_by<'t>(&mut self, text: &'t [u8]) -> Option<&'t [u8]> {
        let (negative, mut rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if !matches!(rest, [b'0'..=b'9', ..]) {
            return None;
        }
        let mut by = 0_u32;
        while let [digit @ b'0'..=b'9', after @ ..] = rest {
            rest = after;
            by = by.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
        }
        self.exponent = match negative {
            true => self.exponent.saturating_sub_unsigned(by),
            false => self.exponent.saturating_add_unsigned(by),
        };
        Some(rest)
    }

    /// The nearest that a `decimal` can hold; a half goes to the even one.
    fn round(&self) -> Option<Decimal> {
        let negative = self.negative;
        let digits = &self.digits[..self.count];
        if digits.is_empty() {
            // A zero keeps its scale, as far as there is one. .NET negates the smallest exponent to itself.
            let scale = self.exponent.wrapping_neg().clamp(0, MAX_SCALE.into());
            return Some(Decimal { digits: 0, scale: scale as u8, negative });
        }
        let least = -i32::from(MAX_SCALE);
        let (mut value, mut exponent, mut rest) = (0_u128, self.exponent, digits);
        while exponent > 0 || !rest.is_empty() && exponent > least {
            let (digit, after) = rest.split_first().map_or((0, rest), |(digit, after)| (*digit, after));
            let longer = value * 10 + u128::from(digit);
            if longer > MAX {
                break;
            }
            (value, rest) = (longer, after);
            exponent -= 1;
        }
        let up = match rest {
            [5, after @ ..] => value & 1 == 1 || self.has_tail || after.iter().any(|digit| *digit != 0),
            [digit, ..] => *digit > 5,
            [] => false,
        };
        if up {
            value += 1;
            if value > MAX {
                value = MAX / 10 + 1;
                exponent += 1;
            }
        }
        match u8::try_from(-i64::from(exponent)) {
            Ok(scale @ ..=MAX_SCALE) => Some(Decimal { digits: value, scale, negative }),
            // Too small to be seen.
            _ if exponent < 0 => Some(Decimal { digits: 0, scale: MAX_SCALE, negative }),
            _ => None,
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(self.text(&mut [0; 32])).unwrap_or_default())
    }
}

/// Takes what the wire takes: also an exponent, a leading plus, `.5` and `5.`. What has more digits than fit is rounded.
impl FromStr for Decimal {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text.as_bytes()).map_err(|why| no_such(TARGET, why))
    }
}

macro_rules! from_integers {
    ($($type:ty),*) => {$(
        impl From<$type> for Decimal {
            fn from(value: $type) -> Self {
                let value = i128::from(value);
                Self { digits: value.unsigned_abs(), scale: 0, negative: value < 0 }
            }
        }
    )*};
}

from_integers!(i32, i64, u32, u64);

impl Encode for Decimal {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.str_of(self.text(&mut [0; 32]))
    }
}

impl Decode<'_> for Decimal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        let text = reader.str_bytes()?;
        match Self::parse(text) {
            Ok(value) => Ok(value),
            Err(why) => refuse(reader, begun, malformed(TARGET, why)),
        }
    }
}

impl Encode for NativeDecimal {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        let [low, middle, high, flags] = self.0.to_bits();
        let mut bytes = [0; 16];
        for (place, word) in bytes.chunks_exact_mut(4).zip([flags, high, low, middle]) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        writer.bin(&bytes)
    }
}

/// Flags that no `decimal` has are refused, while .NET makes a broken value of them.
impl Decode<'_> for NativeDecimal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        let bytes = sixteen(reader, "a native decimal")?;
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        match Decimal::from_bits([word(8), word(12), word(4), word(0)]) {
            Some(value) => Ok(Self(value)),
            None => refuse(reader, begun, malformed(TARGET, "its flags say no scale of 0 to 28")),
        }
    }
}
