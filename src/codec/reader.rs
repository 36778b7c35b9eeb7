//! Takes values from bytes that nobody has looked at before.

use crate::alloc::{Ensure, Text};
use crate::codec::code::*;
use crate::codec::{CodecError, Problem, Result, Settings, Version};

mod skip;

/// Takes one value after the other from bytes, which it borrows. Copyable: a copy looks ahead.
///
/// After an error it stands at the byte that the error names, or before the value that was refused.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    settings: Settings,
}

/// An integer as it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Integer {
    Unsigned(u64),
    Negative(i64),
}

impl Integer {
    pub(crate) fn wide(self) -> i128 {
        match self {
            Integer::Unsigned(value) => value.into(),
            Integer::Negative(value) => value.into(),
        }
    }
}

impl<'a> Reader<'a> {
    /// At the beginning of some bytes, with the default settings.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_settings(bytes, Settings::default())
    }

    /// At the beginning of some bytes.
    #[must_use]
    pub fn with_settings(bytes: &'a [u8], settings: Settings) -> Self {
        Self { bytes, at: 0, depth: 0, settings }
    }

    /// How it reads.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many bytes it has taken.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// What it has not taken.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Whether it has taken all.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(crate) fn error<T>(&self, problem: Problem) -> Result<T> {
        Err(CodecError::at(self.at, problem))
    }

    #[cold]
    pub(crate) fn unexpected<T>(&self, expected: &'static str, code: u8) -> Result<T> {
        self.error(Problem::Unexpected { expected, code })
    }

    /// The first byte of the next value, which stays where it is.
    ///
    /// # Errors
    /// [`Problem::End`].
    #[inline]
    pub fn peek_code(&self) -> Result<u8> {
        match self.bytes.get(self.at) {
            Some(code) => Ok(*code),
            None => self.error(Problem::End { needed: 1 }),
        }
    }

    /// The sort of the next value, which stays where it is.
    ///
    /// # Errors
    /// [`Problem::End`].
    #[inline]
    pub fn peek(&self) -> Result<Kind> {
        self.peek_code().map(Kind::of)
    }

    /// Bytes at a distance from here.
    #[inline]
    fn fixed<const N: usize>(&self, distance: usize) -> Result<[u8; N]> {
        let from = self.at + distance;
        match self.bytes.get(from..).and_then(|rest| rest.first_chunk()) {
            Some(bytes) => Ok(*bytes),
            None => self.error(Problem::End { needed: distance + N - (self.bytes.len() - self.at) }),
        }
    }

    /// Takes nil, if the next value is that. Whether it was.
    ///
    /// # Errors
    /// [`Problem::End`].
    #[inline]
    pub fn try_nil(&mut self) -> Result<bool> {
        let is_nil = self.peek_code()? == NIL;
        self.at += usize::from(is_nil);
        Ok(is_nil)
    }

    /// Takes nil.
    ///
    /// # Errors
    /// [`Problem::Unexpected`], [`Problem::End`], as of all that follow.
    pub fn nil(&mut self) -> Result<()> {
        if self.try_nil()? {
            return Ok(());
        }
        self.unexpected("nil", self.peek_code()?)
    }

    /// Takes a truth value. An integer is none.
    #[inline]
    pub fn bool(&mut self) -> Result<bool> {
        let value = match self.peek_code()? {
            TRUE => true,
            FALSE => false,
            code => return self.unexpected("a truth value", code),
        };
        self.at += 1;
        Ok(value)
    }

    /// Takes an integer of any width.
    #[inline]
    pub(crate) fn integer(&mut self) -> Result<Integer> {
        let signed = |value: i64| match u64::try_from(value) {
            Ok(value) => Integer::Unsigned(value),
            Err(_) => Integer::Negative(value),
        };
        let code = self.peek_code()?;
        let (value, size) = match code {
            0x00..=0x7f => (Integer::Unsigned(code.into()), 1),
            NEGATIVE_FIXINT..=0xff => (Integer::Negative((code as i8).into()), 1),
            UINT8 => (Integer::Unsigned(u8::from_be_bytes(self.fixed(1)?).into()), 2),
            UINT16 => (Integer::Unsigned(u16::from_be_bytes(self.fixed(1)?).into()), 3),
            UINT32 => (Integer::Unsigned(u32::from_be_bytes(self.fixed(1)?).into()), 5),
            UINT64 => (Integer::Unsigned(u64::from_be_bytes(self.fixed(1)?)), 9),
            INT8 => (signed(i8::from_be_bytes(self.fixed(1)?).into()), 2),
            INT16 => (signed(i16::from_be_bytes(self.fixed(1)?).into()), 3),
            INT32 => (signed(i32::from_be_bytes(self.fixed(1)?).into()), 5),
            INT64 => (signed(i64::from_be_bytes(self.fixed(1)?)), 9),
            _ => return self.unexpected("an integer", code),
        };
        self.at += size;
        Ok(value)
    }

    /// Takes an integer of any width, if the target can hold it.
    ///
    /// # Errors
    /// [`Problem::OutOfRange`] too.
    #[inline]
    pub(crate) fn integer_as<T: TryFrom<u64> + TryFrom<i64>>(&mut self, target: &'static str) -> Result<T> {
        let begun = self.at;
        let value = self.integer()?;
        let held = match value {
            Integer::Unsigned(value) => T::try_from(value).ok(),
            Integer::Negative(value) => T::try_from(value).ok(),
        };
        match held {
            Some(held) => Ok(held),
            None => {
                self.at = begun;
                self.error(Problem::OutOfRange { value: value.wide(), target })
            }
        }
    }

    /// Takes an integer that fits 64 bits with a sign.
    #[inline]
    pub fn int(&mut self) -> Result<i64> {
        self.integer_as("a signed integer of 64 bits")
    }

    /// Takes an integer that fits 64 bits without a sign.
    #[inline]
    pub fn uint(&mut self) -> Result<u64> {
        self.integer_as("an unsigned integer of 64 bits")
    }

    /// Takes a `float`: also a `double`, which is made narrower, or an integer.
    #[inline]
    pub fn f32(&mut self) -> Result<f32> {
        let (value, size) = match self.peek_code()? {
            FLOAT32 => (f32::from_bits(u32::from_be_bytes(self.fixed(1)?)), 5),
            FLOAT64 => (f64::from_bits(u64::from_be_bytes(self.fixed(1)?)) as f32, 9),
            code => return self.integer_in_float(code).map(|value| value.map_or_else(|u| u as f32, |i| i as f32)),
        };
        self.at += size;
        Ok(value)
    }

    /// Takes a `double`: also a `float` or an integer.
    #[inline]
    pub fn f64(&mut self) -> Result<f64> {
        let (value, size) = match self.peek_code()? {
            FLOAT64 => (f64::from_bits(u64::from_be_bytes(self.fixed(1)?)), 9),
            FLOAT32 => (f32::from_bits(u32::from_be_bytes(self.fixed(1)?)).into(), 5),
            code => return self.integer_in_float(code).map(|value| value.map_or_else(|u| u as f64, |i| i as f64)),
        };
        self.at += size;
        Ok(value)
    }

    /// An integer where a floating-point number is due: `Ok` the negative ones, `Err` the others.
    fn integer_in_float(&mut self, code: u8) -> Result<std::result::Result<i64, u64>> {
        if Kind::of(code) != Kind::Int {
            return self.unexpected("a number", code);
        }
        Ok(match self.integer()? {
            Integer::Negative(value) => Ok(value),
            Integer::Unsigned(value) => Err(value),
        })
    }

    /// The length that a header tells, and the header's own.
    fn header(&self, code: u8) -> Result<Option<(usize, usize)>> {
        Ok(Some(match code {
            FIXSTR..=0xbf => (usize::from(code & 0x1f), 1),
            FIXARRAY..=0x9f | FIXMAP..=0x8f => (usize::from(code & 0xf), 1),
            STR8 | BIN8 | EXT8 => (usize::from(u8::from_be_bytes(self.fixed(1)?)), 2),
            STR16 | BIN16 | EXT16 | ARRAY16 | MAP16 => (usize::from(u16::from_be_bytes(self.fixed(1)?)), 3),
            STR32 | BIN32 | EXT32 | ARRAY32 | MAP32 => (u32::from_be_bytes(self.fixed(1)?) as usize, 5),
            _ => return Ok(None),
        }))
    }

    /// The length and the size of a header of the sort that is due.
    fn header_of(&self, code: u8, is_due: bool, expected: &'static str) -> Result<(usize, usize)> {
        match self.header(code) {
            Ok(Some(header)) if is_due => Ok(header),
            Err(cut) if is_due => Err(cut),
            _ => self.unexpected(expected, code),
        }
    }

    /// Takes so many bytes after a header, which the input must have.
    #[inline]
    fn body(&mut self, header: usize, length: usize, what: &'static str) -> Result<&'a [u8]> {
        let from = self.at + header;
        match self.bytes[from..].get(..length) {
            Some(body) => {
                self.at = from + length;
                Ok(body)
            }
            None => self.error(Problem::TooMany { what, claimed: length as u64, left: self.bytes.len() - from }),
        }
    }

    /// Takes text, as its bytes stand there: they need not be UTF-8.
    #[inline]
    pub fn str_bytes(&mut self) -> Result<&'a [u8]> {
        let code = self.peek_code()?;
        // What most texts are.
        if let FIXSTR..=0xbf = code {
            return self.body(1, usize::from(code & 0x1f), "bytes of text");
        }
        self.long_str_bytes(code)
    }

    fn long_str_bytes(&mut self, code: u8) -> Result<&'a [u8]> {
        let (length, header) = self.header_of(code, Kind::of(code) == Kind::Str, "text")?;
        self.body(header, length, "bytes of text")
    }

    /// Takes text that is UTF-8.
    ///
    /// # Errors
    /// [`Problem::Malformed`] too, at the first byte that is not. [`Reader::string`] takes such text as MessagePack-CSharp does.
    pub fn str(&mut self) -> Result<&'a str> {
        let begun = self.at;
        let bytes = self.str_bytes()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(error) => {
                let offset = self.at - bytes.len() + error.valid_up_to();
                self.at = begun;
                let why = Text::fixed("it is not UTF-8");
                Err(CodecError::at(offset, Problem::Malformed { target: "text", why }))
            }
        }
    }

    /// Takes text as .NET does: what is not UTF-8 becomes U+FFFD.
    ///
    /// # Errors
    /// [`Problem::NoMemory`] too.
    pub fn string(&mut self) -> Result<String> {
        let begun = self.at;
        let bytes = self.str_bytes()?;
        let mut text = String::new();
        if let Ok(whole) = std::str::from_utf8(bytes) {
            text.ensure(whole.len()).map_err(|refused| CodecError::no_memory(begun, refused))?;
            text.push_str(whole);
            return Ok(text);
        }
        for chunk in bytes.utf8_chunks() {
            let lost = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
            if let Err(refused) = text.ensure(chunk.valid().len() + lost.len()) {
                return Err(CodecError::no_memory(begun, refused));
            }
            text.push_str(chunk.valid());
            text.push_str(lost);
        }
        Ok(text)
    }

    /// Takes bytes. Also a text, as peers of the old specification write bytes; version 2.5 takes no str8 there.
    #[inline]
    pub fn bin(&mut self) -> Result<&'a [u8]> {
        let code = self.peek_code()?;
        let is_due = match Kind::of(code) {
            Kind::Bin => true,
            Kind::Str => code != STR8 || self.settings.version != Version::V2_5,
            _ => false,
        };
        let (length, header) = self.header_of(code, is_due, "bytes")?;
        self.body(header, length, "bytes")
    }

    /// Takes the header of an array. How many values follow; the input has at least a byte for each.
    #[inline]
    pub fn array_header(&mut self) -> Result<usize> {
        let code = self.peek_code()?;
        if let FIXARRAY..=0x9f = code {
            return self.counted(1, usize::from(code & 0xf), 1, "elements");
        }
        let (count, header) = self.header_of(code, Kind::of(code) == Kind::Array, "an array")?;
        self.counted(header, count, 1, "elements")
    }

    /// Takes the header of a map. How many keys follow, each with a value; the input has at least two bytes for each.
    #[inline]
    pub fn map_header(&mut self) -> Result<usize> {
        let code = self.peek_code()?;
        if let FIXMAP..=0x8f = code {
            return self.counted(1, usize::from(code & 0xf), 2, "keys with values");
        }
        let (count, header) = self.header_of(code, Kind::of(code) == Kind::Map, "a map")?;
        self.counted(header, count, 2, "keys with values")
    }

    #[inline]
    fn counted(&mut self, header: usize, count: usize, least: usize, what: &'static str) -> Result<usize> {
        let left = self.bytes.len() - self.at - header;
        // Divided, since the product may not fit.
        if count > left / least {
            return self.error(Problem::TooMany { what, claimed: count as u64, left });
        }
        self.at += header;
        Ok(count)
    }

    /// Takes the header of an extension: its type and how many bytes follow, which the input has.
    pub fn ext_header(&mut self) -> Result<(i8, usize)> {
        let (code, length, header) = self.look_at_ext()?;
        let left = self.bytes.len() - self.at - header;
        if length > left {
            return self.error(Problem::TooMany { what: "bytes of an extension", claimed: length as u64, left });
        }
        self.at += header;
        Ok((code, length))
    }

    /// Takes an extension: its type and its bytes.
    pub fn ext(&mut self) -> Result<(i8, &'a [u8])> {
        let (_, length) = self.ext_header()?;
        let code = self.bytes[self.at - 1] as i8;
        let body = &self.bytes[self.at..][..length];
        self.at += length;
        Ok((code, body))
    }

    /// The type of the extension that comes next, which stays where it is; `None`: it is no extension.
    pub fn peek_ext(&self) -> Result<Option<i8>> {
        match self.peek()? {
            Kind::Ext => self.look_at_ext().map(|(code, _, _)| Some(code)),
            _ => Ok(None),
        }
    }

    /// Type, length of the body and of the header.
    fn look_at_ext(&self) -> Result<(i8, usize, usize)> {
        let code = self.peek_code()?;
        let (length, header) = match code {
            FIXEXT1 => (1, 1),
            FIXEXT2 => (2, 1),
            FIXEXT4 => (4, 1),
            FIXEXT8 => (8, 1),
            FIXEXT16 => (16, 1),
            EXT8..=EXT32 => match self.header(code)? {
                Some(header) => header,
                None => return self.unexpected("an extension", code),
            },
            _ => return self.unexpected("an extension", code),
        };
        let [ext] = self.fixed(header)?;
        Ok((ext as i8, length, header + 1))
    }

    /// Takes a timestamp of any of the three forms: seconds since 1970 UTC, and nanoseconds as they stand there, which may be a
    /// second and more.
    ///
    /// # Errors
    /// [`Problem::WrongExt`], [`Problem::WrongLength`] too.
    pub fn timestamp(&mut self) -> Result<(i64, u32)> {
        let begun = self.at;
        // 3.1 looks at the type before it asks whether the bytes are there, 2.5 after.
        if self.settings.version == Version::V3_1 {
            if let Some(code) = self.peek_ext()?.filter(|code| *code != TIMESTAMP) {
                return timestamp_of(code, &[]).or_else(|problem| self.error(problem));
            }
        }
        let (code, body) = self.ext()?;
        timestamp_of(code, body).or_else(|problem| {
            self.at = begun;
            self.error(problem)
        })
    }

    /// Goes into an array or a map, whose header was just taken. To be left by [`Reader::leave`].
    ///
    /// # Errors
    /// [`Problem::TooDeep`].
    #[inline]
    pub fn enter(&mut self) -> Result<()> {
        if self.depth >= self.settings.max_depth {
            return self.error(Problem::TooDeep { limit: self.settings.max_depth });
        }
        self.depth += 1;
        Ok(())
    }

    /// Comes out of an array or a map.
    #[inline]
    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    #[inline]
    fn pass(&mut self, size: usize) -> Result<()> {
        let left = self.bytes.len() - self.at;
        if left < size {
            return self.error(Problem::End { needed: size - left });
        }
        self.at += size;
        Ok(())
    }
}

/// The seconds and nanoseconds of an extension that was read.
pub(super) fn timestamp_of(code: i8, body: &[u8]) -> std::result::Result<(i64, u32), Problem> {
    match (code, body.len()) {
        (TIMESTAMP, 4) => {
            let seconds = u32::from_be_bytes(body.try_into().unwrap_or_default());
            Ok((seconds.into(), 0))
        }
        (TIMESTAMP, 8) => {
            let both = u64::from_be_bytes(body.try_into().unwrap_or_default());
            // 34 bits of seconds, 30 of nanoseconds: neither cast loses anything.
            Ok(((both & 0x3_ffff_ffff) as i64, (both >> 34) as u32))
        }
        (TIMESTAMP, 12) => {
            let (nanos, seconds) = body.split_at(4);
            let nanos = u32::from_be_bytes(nanos.try_into().unwrap_or_default());
            Ok((i64::from_be_bytes(seconds.try_into().unwrap_or_default()), nanos))
        }
        (TIMESTAMP, found) => Err(Problem::WrongLength { target: "a timestamp", expected: 4, found }),
        (code, _) => Err(Problem::WrongExt { expected: "a timestamp", code }),
    }
}
