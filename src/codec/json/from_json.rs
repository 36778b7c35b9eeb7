//! From JSON to MessagePack.

use super::number::{shown, Number};
use crate::alloc::{Ensure, Text};
use crate::codec::code::*;
use crate::codec::{lz4, CodecError, Problem, Result, Settings, Writer};
use std::borrow::Cow;

/// The MessagePack of a JSON text, as MessagePack-CSharp's `ConvertFromJson` has it; no bytes for no text.
///
/// Texts are not looked into: what was bytes or a time comes back as text. Much that is no JSON passes (docs/messagepack.md), and
/// what passes need not be whole MessagePack. LZ4 is applied if the settings say so; `old_spec` is not heeded, as there.
///
/// # Errors
/// [`Problem::Malformed`], at the byte of the text; [`Problem::TooDeep`].
pub fn from_json(text: &str, settings: &Settings) -> Result<Vec<u8>> {
    let bytes = Json { text, at: 0, writer: Writer::new(), open: Vec::new(), count: 0, settings }.convert()?;
    let compressed = match lz4::compress(&bytes, settings.compression)? {
        Cow::Owned(compressed) => Some(compressed),
        Cow::Borrowed(_) => None,
    };
    Ok(compressed.unwrap_or(bytes))
}

/// An array or a map that has begun: where its header will be, and how many values were before it where it stands.
struct Open {
    at: usize,
    outside: u32,
}

struct Json<'a> {
    text: &'a str,
    at: usize,
    writer: Writer,
    open: Vec<Open>,
    /// Values so far in what was opened last.
    count: u32,
    settings: &'a Settings,
}

impl<'a> Json<'a> {
    fn malformed<T>(&self, why: Text) -> Result<T> {
        Err(CodecError::at(self.at, Problem::Malformed { target: "JSON", why }))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn convert(mut self) -> Result<Vec<u8>> {
        let mut containers = false;
        while let Some(char) = self.token() {
            match char {
                '{' | '[' => {
                    containers = true;
                    self.begin(if char == '{' { MAP32 } else { ARRAY32 })?;
                    continue;
                }
                // Either of them closes either. One that closes nothing ends the text.
                '}' | ']' => {
                    if self.open.is_empty() {
                        break;
                    }
                    self.at += 1;
                    self.end();
                }
                '0'..='9' | '-' => self.number()?,
                '"' => self.string()?,
                't' => {
                    self.word("true")?;
                    self.writer.bool(true)?;
                }
                'f' => {
                    self.word("false")?;
                    self.writer.bool(false)?;
                }
                'n' => {
                    self.word("null")?;
                    self.writer.nil()?;
                }
                other => {
                    return self.malformed(Text::say(format_args!(
                        "{other:?} begins no value: a value, a bracket, a brace, a comma or a colon was expected"
                    )))
                }
            }
            self.count = self.count.saturating_add(1);
        }
        // What was not closed ends with the text.
        while !self.open.is_empty() {
            self.end();
            self.count = self.count.saturating_add(1);
        }
        let mut bytes = self.writer.into_bytes();
        if containers {
            shorten_headers(&mut bytes);
        }
        Ok(bytes)
    }

    /// The first character of what comes next. Commas and colons are as good as blanks.
    fn token(&mut self) -> Option<char> {
        let rest = self.rest();
        let (at, char) = rest.char_indices().find(|(_, char)| !char.is_whitespace() && !matches!(char, ',' | ':'))?;
        self.at += at;
        Some(char)
    }

    /// Leaves room for the longest header, since the count comes later.
    fn begin(&mut self, code: u8) -> Result<()> {
        let limit = self.settings.max_depth;
        if self.open.len() >= limit as usize {
            return Err(CodecError::at(self.at, Problem::TooDeep { limit }));
        }
        self.open.ensure(1).map_err(|refused| CodecError::no_memory(self.at, refused))?;
        self.open.push(Open { at: self.writer.bytes().len(), outside: std::mem::take(&mut self.count) });
        self.writer.raw(&[code, 0, 0, 0, 0])?;
        self.at += 1;
        Ok(())
    }

    fn end(&mut self) {
        let Some(Open { at, outside }) = self.open.pop() else { return };
        let is_map = self.writer.bytes().get(at) == Some(&MAP32);
        // A key without a value is written, and counts for nothing.
        let count = if is_map { self.count / 2 } else { self.count };
        self.writer.patch(at + 1, &count.to_be_bytes());
        self.count = outside;
    }

    fn word(&mut self, word: &'static str) -> Result<()> {
        if !self.rest().starts_with(word) {
            return self.malformed(Text::say(format_args!("what stands there is not {word}")));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        let rest = self.rest();
        let is_end = |char: char| matches!(char, ' ' | '{' | '}' | '[' | ']' | ',' | ':' | '"');
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        self.at += word.len();
        match Number::of(word) {
            Number::Double(value) => self.writer.f64(value),
            Number::Signed(value) => self.writer.int(value),
            Number::Unsigned(value) => self.writer.uint(value),
            Number::Decimal { negative, digits } => {
                let sign = if negative { "-" } else { "" };
                self.writer.str_of(shown(format_args!("{sign}{digits}")).bytes())
            }
            Number::Nothing => Ok(()),
        }
    }

    fn string(&mut self) -> Result<()> {
        let begun = self.at;
        self.at += 1;
        let rest = self.rest();
        let Some(end) = rest.find(['"', '\\']) else { return self.unclosed(begun) };
        if rest.as_bytes()[end] == b'"' {
            self.at += end + 1;
            return self.writer.str(&rest[..end]);
        }
        let mut units = Units { text: String::new(), high: None };
        loop {
            let rest = self.rest();
            let Some(end) = rest.find(['"', '\\']) else { return self.unclosed(begun) };
            self.said(&mut units, &rest[..end])?;
            self.at += end + 1;
            if rest.as_bytes()[end] == b'"' {
                break;
            }
            let Some(escape) = rest[end + 1..].chars().next() else { return self.unclosed(begun) };
            self.at += escape.len_utf8();
            let meant = match escape {
                '"' | '\\' | '/' => escape,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let unit = self.unit()?;
                    units.unit(unit).map_err(|refused| CodecError::no_memory(self.at, refused))?;
                    continue;
                }
                // Left out, backslash and all.
                _ => continue,
            };
            self.said(&mut units, meant.encode_utf8(&mut [0; 4]))?;
        }
        units.flush().map_err(|refused| CodecError::no_memory(self.at, refused))?;
        self.writer.str(&units.text)
    }

    fn said(&self, units: &mut Units, text: &str) -> Result<()> {
        units.text(text).map_err(|refused| CodecError::no_memory(self.at, refused))
    }

    fn unclosed(&mut self, begun: usize) -> Result<()> {
        self.at = begun;
        self.malformed(Text::fixed("this text has no quote at its end"))
    }

    /// The four characters behind `\u`: .NET takes hexadecimal numbers in more forms than JSON has, as long as it is four characters.
    fn unit(&mut self) -> Result<u16> {
        let unit = self.rest().as_bytes().first_chunk::<4>().and_then(|four| {
            let number = four.strip_prefix(b"+").unwrap_or(four);
            let number = number.strip_prefix(b"0x").or_else(|| number.strip_prefix(b"0X")).unwrap_or(number);
            let is_hex = !number.is_empty() && number.iter().all(u8::is_ascii_hexdigit);
            is_hex.then(|| u16::from_str_radix(std::str::from_utf8(number).ok()?, 16).ok()).flatten()
        });
        match unit {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => self.malformed(Text::fixed("\\u has four hexadecimal digits behind it")),
        }
    }
}

/// Text that comes in pieces, some of them halves of a character.
struct Units {
    text: String,
    high: Option<u16>,
}

impl Units {
    fn text(&mut self, text: &str) -> std::result::Result<(), crate::alloc::NoMemory> {
        if text.is_empty() {
            return Ok(());
        }
        self.flush()?;
        self.text.ensure(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    fn unit(&mut self, unit: u16) -> std::result::Result<(), crate::alloc::NoMemory> {
        let char = match (self.high, unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                self.high = None;
                char::from_u32(0x1_0000 + (u32::from(high - 0xd800) << 10) + u32::from(unit - 0xdc00))
            }
            (_, 0xd800..=0xdbff) => {
                self.flush()?;
                self.high = Some(unit);
                return Ok(());
            }
            _ => char::from_u32(unit.into()),
        };
        self.text(char.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]))
    }

    /// Half a character without its other half.
    fn flush(&mut self) -> std::result::Result<(), crate::alloc::NoMemory> {
        if self.high.take().is_some() {
            self.text.ensure(3)?;
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        Ok(())
    }
}

/// Gives each header of 32 bits its shortest form, moving all that follows: one pass over what [`Json`] has written.
fn shorten_headers(bytes: &mut Vec<u8>) {
    let (mut from, mut to) = (0, 0);
    while from < bytes.len() {
        let begun = from;
        // As far as the next header.
        while let Some(length) = bytes.get(from..).and_then(scalar) {
            from += length;
        }
        bytes.copy_within(begun..from, to);
        to += from - begun;
        let Some(&[code, a, b, c, d]) = bytes.get(from..).and_then(|rest| rest.first_chunk()) else { break };
        from += 5;
        let (fix, wide) = if code == MAP32 { (FIXMAP, MAP16) } else { (FIXARRAY, ARRAY16) };
        let header: &[u8] = match u32::from_be_bytes([a, b, c, d]) {
            0..=15 => &[fix | d],
            16..=0xffff => &[wide, c, d],
            _ => &[code, a, b, c, d],
        };
        bytes[to..to + header.len()].copy_from_slice(header);
        to += header.len();
    }
    bytes.truncate(to);
}

/// How long the scalar is that begins here; `None`: it is a header, or the end.
fn scalar(bytes: &[u8]) -> Option<usize> {
    let (code, rest) = bytes.split_first()?;
    Some(match *code {
        ARRAY32 | MAP32 => return None,
        FIXSTR..=0xbf => 1 + usize::from(code & 0x1f),
        STR8 => 2 + usize::from(*rest.first()?),
        STR16 => 3 + usize::from(u16::from_be_bytes(*rest.first_chunk()?)),
        STR32 => 5 + u32::from_be_bytes(*rest.first_chunk()?) as usize,
        UINT8 | INT8 => 2,
        UINT16 | INT16 => 3,
        UINT32 | INT32 => 5,
        UINT64 | INT64 | FLOAT64 => 9,
        _ => 1,
    })
}
