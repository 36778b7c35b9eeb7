//! Values whose form is a text: `Uri` and `Version`.

use super::{malformed, no_such, refuse};
use crate::codec::short::Short;
use crate::codec::{CodecError, Decode, Encode, Problem, Reader, Result, Writer};
use std::fmt;
use std::str::FromStr;

/// `Uri`, by the text that it was made of, absolute or relative.
///
/// What stands in it is not looked at: .NET refuses some texts when it reads them (`http://`), and this does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uri(
    /// The text.
    pub String,
);

impl Encode for Uri {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.str(&self.0)
    }
}

impl Decode<'_> for Uri {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        reader.string().map(Self)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

const TARGET: &str = "Version";

/// `Version`: two to four numbers. On the wire the text of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct VersionNumber {
    /// The first. No part is more than 2,147,483,647.
    pub major: u32,
    /// The second.
    pub minor: u32,
    /// The third, if there is one.
    pub build: Option<u32>,
    /// The fourth, which there is only behind a third.
    pub revision: Option<u32>,
}

/// The largest part of a version.
const MAX: u32 = i32::MAX as u32;

impl VersionNumber {
    /// Of two parts.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor, build: None, revision: None }
    }

    /// As .NET reads it: blanks around the parts, a sign and leading zeros are taken.
    fn parse(text: &[u8]) -> std::result::Result<Self, &'static str> {
        let mut parts = [None; 4];
        let mut places = parts.iter_mut();
        for part in text.split(|byte| *byte == b'.') {
            *places.next().ok_or("there are more than four parts")? = Some(Self::part(part)?);
        }
        match parts {
            [Some(major), Some(minor), build, revision] => Ok(Self { major, minor, build, revision }),
            _ => Err("two to four parts were expected, with points between them"),
        }
    }

    fn part(text: &[u8]) -> std::result::Result<u32, &'static str> {
        const WHY: &str = "a part is no number";
        let blank = |byte: &u8| matches!(byte, 0x09..=0x0d | b' ');
        let begin = text.iter().position(|byte| !blank(byte)).ok_or(WHY)?;
        // .NET takes zeros at the end of a number as it takes blanks there.
        let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let text = text.get(begin..end).ok_or(WHY)?;
        let end = text.iter().rposition(|byte| !blank(byte)).map_or(0, |last| last + 1);
        let (negative, digits) = match &text[..end] {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            digits => (false, digits),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(WHY);
        }
        let value =
            digits.iter().fold(0_u32, |value, digit| value.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
        match value {
            1.. if negative => Err("a part is less than 0"),
            0..=MAX => Ok(value),
            _ => Err("a part is more than 2147483647"),
        }
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        [self.build, self.revision].into_iter().flatten().try_for_each(|part| write!(f, ".{part}"))
    }
}

impl FromStr for VersionNumber {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text.as_bytes()).map_err(|why| no_such(TARGET, why))
    }
}

impl Encode for VersionNumber {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        let parts = [Some(self.major), Some(self.minor), self.build, self.revision];
        if let Some(part) = parts.into_iter().flatten().find(|part| *part > MAX) {
            let target = "a part of a Version (31 bits)";
            return Err(writer.error(Problem::OutOfRange { value: part.into(), target }));
        }
        if self.build.is_none() && self.revision.is_some() {
            return Err(writer.error(malformed(TARGET, "it has a revision and no build")));
        }
        // At most four times ten digits, and three points.
        match Short::<43>::of(format_args!("{self}")) {
            Ok(text) => writer.str_of(text.bytes()),
            Err(fmt::Error) => Err(writer.error(malformed(TARGET, "it is too long"))),
        }
    }
}

impl Decode<'_> for VersionNumber {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let begun = *reader;
        match Self::parse(reader.str_bytes()?) {
            Ok(version) => Ok(version),
            Err(why) => refuse(reader, begun, malformed(TARGET, why)),
        }
    }
}
