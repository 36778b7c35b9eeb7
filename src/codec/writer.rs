//! Appends values, each in the one form that MessagePack-CSharp gives it.

use crate::alloc::Ensure;
use crate::codec::code::*;
use crate::codec::{CodecError, Problem, Result, Settings};

/// How many bytes the first allocation has.
const FIRST: usize = 256;

/// Appends values to a buffer of its own, which grows.
///
/// Where something cannot be written, nothing of it is: the buffer is as it was before the call.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    settings: Settings,
}

impl Writer {
    /// An empty one, with the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one.
    #[must_use]
    pub fn with_settings(settings: Settings) -> Self {
        Self { bytes: Vec::new(), settings }
    }

    /// One that appends to these bytes.
    #[must_use]
    pub fn append_to(bytes: Vec<u8>, settings: Settings) -> Self {
        Self { bytes, settings }
    }

    /// How it writes.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What was written so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Takes back what was written after the first `length` bytes; the memory is kept.
    pub fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// Makes sure that so many more bytes can be written without an allocation.
    ///
    /// # Errors
    /// [`Problem::NoMemory`].
    #[inline]
    pub fn ensure(&mut self, more: usize) -> Result<()> {
        if self.bytes.capacity() - self.bytes.len() >= more {
            return Ok(());
        }
        self.grow(more)
    }

    #[cold]
    fn grow(&mut self, more: usize) -> Result<()> {
        let offset = self.bytes.len();
        // Most messages are a few hundred bytes: they are not to grow their way there by doubling a few of them.
        let more = if self.bytes.capacity() == 0 { more.max(FIRST) } else { more };
        self.bytes.ensure(more).map_err(|refused| CodecError::no_memory(offset, refused))
    }

    /// Writes over bytes that were written: a count that was not known before.
    pub(crate) fn patch(&mut self, at: usize, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            room.copy_from_slice(bytes);
        }
    }

    /// Puts other bytes where so many are, at most as many; what follows moves.
    pub(crate) fn replace(&mut self, at: usize, length: usize, with: &[u8]) {
        self.patch(at, with);
        if at + length <= self.bytes.len() && with.len() <= length {
            self.bytes.copy_within(at + length.., at + with.len());
            self.bytes.truncate(self.bytes.len() - (length - with.len()));
        }
    }

    pub(crate) fn error(&self, problem: Problem) -> CodecError {
        CodecError::at(self.bytes.len(), problem)
    }

    /// Appends bytes as they are: values that somebody else has written.
    ///
    /// # Errors
    /// [`Problem::NoMemory`].
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.ensure(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Result<()> {
        self.raw(&bytes)
    }

    /// A code and what follows it, in one piece, so that room is asked for once.
    #[inline]
    fn coded<const N: usize>(&mut self, code: u8, rest: [u8; N]) -> Result<()> {
        self.ensure(1 + N)?;
        self.bytes.push(code);
        self.bytes.extend_from_slice(&rest);
        Ok(())
    }

    /// Nil.
    ///
    /// # Errors
    /// [`Problem::NoMemory`], as of all that follow.
    #[inline]
    pub fn nil(&mut self) -> Result<()> {
        self.put([NIL])
    }

    /// A truth value.
    #[inline]
    pub fn bool(&mut self, value: bool) -> Result<()> {
        self.put([if value { TRUE } else { FALSE }])
    }

    /// An integer that is not negative, as short as can be.
    #[inline]
    pub fn uint(&mut self, value: u64) -> Result<()> {
        // Whatever fits a width is below the next one's limit, so the casts lose nothing.
        match value {
            0..=0x7f => self.put([value as u8]),
            0x80..=0xff => self.coded(UINT8, [value as u8]),
            0x100..=0xffff => self.coded(UINT16, (value as u16).to_be_bytes()),
            0x1_0000..=0xffff_ffff => self.coded(UINT32, (value as u32).to_be_bytes()),
            _ => self.coded(UINT64, value.to_be_bytes()),
        }
    }

    /// An integer as short as can be: one that is not negative in an unsigned form, whatever its type.
    #[inline]
    pub fn int(&mut self, value: i64) -> Result<()> {
        match value {
            0.. => self.uint(value as u64),
            -32..=-1 => self.put([value as u8]),
            -128..=-33 => self.coded(INT8, [value as u8]),
            -0x8000..=-129 => self.coded(INT16, (value as i16).to_be_bytes()),
            -0x8000_0000..=-0x8001 => self.coded(INT32, (value as i32).to_be_bytes()),
            _ => self.coded(INT64, value.to_be_bytes()),
        }
    }

    /// A `byte` at its full width, as in slots of type `object`. So are the seven that follow.
    pub fn full_u8(&mut self, value: u8) -> Result<()> {
        self.coded(UINT8, [value])
    }

    /// A `ushort` at its full width.
    pub fn full_u16(&mut self, value: u16) -> Result<()> {
        self.coded(UINT16, value.to_be_bytes())
    }

    /// A `uint` at its full width.
    pub fn full_u32(&mut self, value: u32) -> Result<()> {
        self.coded(UINT32, value.to_be_bytes())
    }

    /// A `ulong` at its full width.
    pub fn full_u64(&mut self, value: u64) -> Result<()> {
        self.coded(UINT64, value.to_be_bytes())
    }

    /// An `sbyte` at its full width.
    pub fn full_i8(&mut self, value: i8) -> Result<()> {
        self.coded(INT8, value.to_be_bytes())
    }

    /// A `short` at its full width.
    pub fn full_i16(&mut self, value: i16) -> Result<()> {
        self.coded(INT16, value.to_be_bytes())
    }

    /// An `int` at its full width.
    pub fn full_i32(&mut self, value: i32) -> Result<()> {
        self.coded(INT32, value.to_be_bytes())
    }

    /// A `long` at its full width.
    pub fn full_i64(&mut self, value: i64) -> Result<()> {
        self.coded(INT64, value.to_be_bytes())
    }

    /// A `float`, bit for bit.
    #[inline]
    pub fn f32(&mut self, value: f32) -> Result<()> {
        self.coded(FLOAT32, value.to_bits().to_be_bytes())
    }

    /// A `double`, bit for bit. It is never made shorter.
    #[inline]
    pub fn f64(&mut self, value: f64) -> Result<()> {
        self.coded(FLOAT64, value.to_bits().to_be_bytes())
    }

    /// Text.
    #[inline]
    pub fn str(&mut self, text: &str) -> Result<()> {
        self.str_of(text.as_bytes())
    }

    /// Text that is known to be UTF-8, or is to be written whatever it is.
    #[inline]
    pub fn str_of(&mut self, utf8: &[u8]) -> Result<()> {
        self.ensure(5 + utf8.len())?;
        if utf8.len() <= 31 {
            self.bytes.push(FIXSTR | utf8.len() as u8);
            self.bytes.extend_from_slice(utf8);
            return Ok(());
        }
        self.str_header(utf8.len())?;
        self.bytes.extend_from_slice(utf8);
        Ok(())
    }

    /// The header of a text of so many bytes of UTF-8, which are to follow ([`Writer::raw`]).
    #[inline]
    pub fn str_header(&mut self, length: usize) -> Result<()> {
        match length {
            0..=31 => self.put([FIXSTR | length as u8]),
            32..=0xff if !self.settings.old_spec => self.coded(STR8, [length as u8]),
            32..=0xffff => self.coded(STR16, (length as u16).to_be_bytes()),
            _ => self.long_header(STR32, "text in bytes", length),
        }
    }

    /// The name of a member, as the key of an object that is a map. As a text, but that `OldSpec` does not reach it:
    /// MessagePack-CSharp encodes names beforehand.
    #[inline]
    pub fn key(&mut self, name: &str) -> Result<()> {
        match name.len() {
            length @ 32..=0xff => {
                self.ensure(5 + name.len())?;
                self.coded(STR8, [length as u8])?;
                self.bytes.extend_from_slice(name.as_bytes());
                Ok(())
            }
            _ => self.str_of(name.as_bytes()),
        }
    }

    /// A .NET string, by its UTF-16 units. A surrogate without its other half becomes U+FFFD, as .NET's encoder has it.
    pub fn str_utf16(&mut self, units: &[u16]) -> Result<()> {
        let chars =
            || char::decode_utf16(units.iter().copied()).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER));
        let length = chars().map(char::len_utf8).sum();
        self.ensure(5_usize.saturating_add(length))?;
        self.str_header(length)?;
        let mut utf8 = [0; 4];
        chars().for_each(|char| self.bytes.extend_from_slice(char.encode_utf8(&mut utf8).as_bytes()));
        Ok(())
    }

    /// Bytes.
    #[inline]
    pub fn bin(&mut self, bytes: &[u8]) -> Result<()> {
        self.ensure(5_usize.saturating_add(bytes.len()))?;
        self.bin_header(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The header of so many bytes, which are to follow ([`Writer::raw`]).
    #[inline]
    pub fn bin_header(&mut self, length: usize) -> Result<()> {
        match length {
            _ if self.settings.old_spec => self.str_header(length),
            0..=0xff => self.coded(BIN8, [length as u8]),
            0x100..=0xffff => self.coded(BIN16, (length as u16).to_be_bytes()),
            _ => self.long_header(BIN32, "bytes", length),
        }
    }

    /// The header of an array of so many values, which are to follow.
    #[inline]
    pub fn array_header(&mut self, count: usize) -> Result<()> {
        match count {
            0..=15 => self.put([FIXARRAY | count as u8]),
            16..=0xffff => self.coded(ARRAY16, (count as u16).to_be_bytes()),
            _ => self.long_header(ARRAY32, "an array", count),
        }
    }

    /// The header of a map of so many keys, which are to follow, each with its value after it.
    #[inline]
    pub fn map_header(&mut self, count: usize) -> Result<()> {
        match count {
            0..=15 => self.put([FIXMAP | count as u8]),
            16..=0xffff => self.coded(MAP16, (count as u16).to_be_bytes()),
            _ => self.long_header(MAP32, "a map", count),
        }
    }

    /// Makes the map whose header stands at `at` an array of as many values; its count is still to be put right.
    pub(crate) fn make_array(&mut self, at: usize) {
        if let Some(code) = self.bytes.get_mut(at) {
            *code = match *code {
                MAP16 => ARRAY16,
                MAP32 => ARRAY32,
                code @ FIXMAP..=0x8f => code - FIXMAP + FIXARRAY,
                code => code,
            };
        }
    }

    /// Puts the count right in the header of an array or a map that stands at `at`, and was written before the count was known.
    pub(crate) fn recount(&mut self, at: usize, count: usize) -> Result<()> {
        let code = self.bytes.get(at).copied().unwrap_or(NIL);
        let old = match code {
            ARRAY16 | MAP16 => 3,
            ARRAY32 | MAP32 => 5,
            _ => 1,
        };
        let (fixed, of_16, of_32, what) = match Kind::of(code) {
            Kind::Map => (FIXMAP, MAP16, MAP32, "a map"),
            _ => (FIXARRAY, ARRAY16, ARRAY32, "an array"),
        };
        let mut header = [0; 5];
        let new = match (count, u16::try_from(count), u32::try_from(count)) {
            (0..=15, _, _) => {
                header[0] = fixed | count as u8;
                1
            }
            (_, Ok(count), _) => {
                header[0] = of_16;
                header[1..3].copy_from_slice(&count.to_be_bytes());
                3
            }
            (_, _, Ok(count)) => {
                header[0] = of_32;
                header[1..].copy_from_slice(&count.to_be_bytes());
                5
            }
            _ => {
                let (length, limit) = (count as u64, u64::from(u32::MAX));
                return Err(self.error(Problem::TooLong { what, length, limit }));
            }
        };
        let end = self.bytes.len();
        if new > old {
            self.ensure(new - old)?;
            self.bytes.resize(end + new - old, 0);
        }
        self.bytes.copy_within(at + old..end, at + new);
        self.bytes.truncate(end + new - old);
        self.bytes[at..at + new].copy_from_slice(&header[..new]);
        Ok(())
    }

    /// An extension.
    pub fn ext(&mut self, code: i8, bytes: &[u8]) -> Result<()> {
        self.ensure(6_usize.saturating_add(bytes.len()))?;
        self.ext_header(code, bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The header of an extension of so many bytes, which are to follow ([`Writer::raw`]).
    pub fn ext_header(&mut self, code: i8, length: usize) -> Result<()> {
        let (header, size) = self.header_of_ext(code, length, "an extension in bytes")?;
        self.raw(&header[..size])
    }

    /// The shortest header of an extension, and its size.
    pub(crate) fn header_of_ext(&self, code: i8, length: usize, what: &'static str) -> Result<([u8; 6], usize)> {
        let Ok(long) = u32::try_from(length) else {
            let (length, limit) = (length as u64, u64::from(u32::MAX));
            return Err(self.error(Problem::TooLong { what, length, limit }));
        };
        let ([a, b, c, d], code) = (long.to_be_bytes(), code as u8);
        Ok(match length {
            1 => ([FIXEXT1, code, 0, 0, 0, 0], 2),
            2 => ([FIXEXT2, code, 0, 0, 0, 0], 2),
            4 => ([FIXEXT4, code, 0, 0, 0, 0], 2),
            8 => ([FIXEXT8, code, 0, 0, 0, 0], 2),
            16 => ([FIXEXT16, code, 0, 0, 0, 0], 2),
            0..=0xff => ([EXT8, d, code, 0, 0, 0], 3),
            0x100..=0xffff => ([EXT16, c, d, code, 0, 0], 4),
            _ => ([EXT32, a, b, c, d, code], 6),
        })
    }

    #[cold]
    fn long_header(&mut self, code: u8, what: &'static str, length: usize) -> Result<()> {
        match u32::try_from(length) {
            Ok(length) => self.coded(code, length.to_be_bytes()),
            Err(_) => {
                let (length, limit) = (length as u64, u64::from(u32::MAX));
                Err(self.error(Problem::TooLong { what, length, limit }))
            }
        }
    }

    /// A timestamp, in the form that MessagePack-CSharp chooses: 4 bytes where there is no fraction and the second fits 32 bits,
    /// 8 where it fits 34, else 12. Nanoseconds are cut to .NET's 100 ns.
    ///
    /// # Errors
    /// [`Problem::OutOfRange`] (a second or more of nanoseconds), [`Problem::NotSupported`] (`OldSpec` has no timestamps).
    pub fn timestamp(&mut self, seconds: i64, nanos: u32) -> Result<()> {
        if nanos >= 1_000_000_000 {
            return Err(self.error(Problem::OutOfRange { value: nanos.into(), target: "the nanoseconds of a second" }));
        }
        if self.settings.old_spec {
            return Err(self.error(no_time()));
        }
        let (body, length) = timestamp_body(seconds, nanos);
        self.ext(TIMESTAMP, &body[..length])
    }
}

/// The bytes of a timestamp, and how many of them there are.
pub(super) fn timestamp_body(seconds: i64, nanos: u32) -> ([u8; 12], usize) {
    let mut bytes = [0; 12];
    let nanos = nanos / 100 * 100;
    let length = match u64::try_from(seconds) {
        Ok(seconds) if seconds >> 34 == 0 => {
            if let (0, Ok(seconds)) = (nanos, u32::try_from(seconds)) {
                bytes[..4].copy_from_slice(&seconds.to_be_bytes());
                4
            } else {
                bytes[..8].copy_from_slice(&(u64::from(nanos) << 34 | seconds).to_be_bytes());
                8
            }
        }
        _ => {
            bytes[..4].copy_from_slice(&nanos.to_be_bytes());
            bytes[4..].copy_from_slice(&seconds.to_be_bytes());
            12
        }
    };
    (bytes, length)
}

/// What is wrong with a time where `OldSpec` is asked for.
pub(super) fn no_time() -> Problem {
    Problem::NotSupported(crate::alloc::Text::fixed(
        "a time cannot be written for peers of the old specification: it has no extensions",
    ))
}
