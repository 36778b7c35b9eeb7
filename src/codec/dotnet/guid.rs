//! `Guid`, as text and in the native form.

use super::{no_such, refuse};
use crate::codec::{CodecError, Decode, Encode, Problem, Reader, Result, Writer};
use std::fmt;
use std::str::FromStr;

const TARGET: &str = "a Guid";

/// How long the text is: 8-4-4-4-12.
const TEXT: usize = 36;

/// `Guid`: on the wire a text of 36 characters, in lower case. Read in either case, and in no other form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(
    /// In the order of the text (that of RFC 9562), which is not the order of `Guid.ToByteArray()`: see
    /// [`Guid::to_bytes_le`].
    pub [u8; 16],
);

/// A `Guid` as the native resolver writes it: 16 bytes, in .NET's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NativeGuid(
    /// The same value.
    pub Guid,
);

impl Guid {
    /// From the bytes of .NET's `ToByteArray()`, whose first three groups are little-endian.
    #[must_use]
    pub const fn from_bytes_le(bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
        let [i, j, k, l, m, n, o, p] = rest;
        Self([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
    }

    /// The bytes of .NET's `ToByteArray()`.
    #[must_use]
    pub const fn to_bytes_le(self) -> [u8; 16] {
        // The same exchange leads back.
        Self::from_bytes_le(self.0).0
    }

    pub(in crate::codec) fn text(self) -> [u8; TEXT] {
        let mut text = [b'-'; TEXT];
        for (byte, at) in self.0.iter().zip(PLACES) {
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 0xf)];
        }
        text
    }

    /// From the text; `Err` is the character where it is another's.
    fn parse(text: &[u8; TEXT]) -> std::result::Result<Self, usize> {
        let mut bytes = [0; 16];
        // No branch a digit: whether one of them was none is looked at once.
        let mut wrong = 0;
        for (byte, at) in bytes.iter_mut().zip(PLACES) {
            let (high, low) = (VALUES[usize::from(text[at])], VALUES[usize::from(text[at + 1])]);
            wrong |= high | low;
            *byte = high << 4 | low & 0xf;
        }
        for at in DASHES {
            wrong |= u8::from(text[at] != b'-') << 7;
        }
        if wrong < NO_DIGIT {
            return Ok(Self(bytes));
        }
        let is_wrong = |at: &usize| match DASHES.contains(at) {
            true => text[*at] != b'-',
            false => VALUES[usize::from(text[*at])] == NO_DIGIT,
        };
        Err((0..TEXT).find(is_wrong).unwrap_or(0))
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What stands for a byte that is no hexadecimal digit.
const NO_DIGIT: u8 = 0x80;

/// What each byte says as a hexadecimal digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        let digit = DIGITS[value as usize];
        values[digit as usize] = value;
        values[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    values
};

/// Where the dashes stand.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// Where the digits of each byte stand.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl FromStr for Guid {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self> {
        match text.as_bytes().try_into() {
            Ok(text) => Self::parse(text).map_err(|at| CodecError { offset: at, ..no_such(TARGET, WHY) }),
            Err(_) => {
                Err(CodecError::at(0, Problem::WrongLength { target: TARGET, expected: TEXT, found: text.len() }))
            }
        }
    }
}

const WHY: &str = "hexadecimal digits in groups of 8-4-4-4-12 were expected";

impl Encode for Guid {
    #[inline]
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.str_of(&self.text())
    }
}

impl Decode<'_> for Guid {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        let text = reader.str_bytes()?;
        match <&[u8; TEXT]>::try_from(text) {
            Ok(text) => Self::parse(text).map_err(|at| {
                let offset = reader.offset() - TEXT + at;
                *reader = begun;
                CodecError { offset, ..no_such(TARGET, WHY) }
            }),
            Err(_) => refuse(reader, begun, Problem::WrongLength { target: TARGET, expected: TEXT, found: text.len() }),
        }
    }
}

impl Encode for NativeGuid {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.bin(&self.0.to_bytes_le())
    }
}

impl Decode<'_> for NativeGuid {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        sixteen(reader, "a native Guid").map(|bytes| Self(Guid::from_bytes_le(bytes)))
    }
}

/// Takes 16 bytes.
pub(super) fn sixteen(reader: &mut Reader<'_>, target: &'static str) -> Result<[u8; 16]> {
    let begun = *reader;
    let bytes = reader.bin()?;
    match bytes.try_into() {
        Ok(bytes) => Ok(bytes),
        Err(_) => refuse(reader, begun, Problem::WrongLength { target, expected: 16, found: bytes.len() }),
    }
}
