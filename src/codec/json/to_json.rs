//! From MessagePack to JSON.

use super::number::{double, shown, single, Shown};
use crate::alloc::{Ensure, Text};
use crate::codec::code::{Kind, FLOAT32, TIMESTAMP, TYPELESS};
use crate::codec::dotnet::DateTime;
use crate::codec::reader::Integer;
use crate::codec::{lz4, CodecError, Compression, Decode, Problem, Reader, Result, Settings};

/// The JSON text of the first value of a payload, as MessagePack-CSharp's `ConvertToJson` has it; nothing at all for no bytes.
///
/// It is for people: NaN, the keys of some maps and a scalar with a type name come out as what no JSON parser takes. LZ4 is undone
/// if the settings say so.
///
/// # Errors
/// The bytes are no MessagePack, or what they hold has no text: a time that .NET does not know, or more than `max_depth` arrays and
/// maps in each other.
pub fn to_json(bytes: &[u8], settings: &Settings) -> Result<String> {
    if settings.compression == Compression::None {
        return json_of(bytes, settings);
    }
    json_of(&lz4::decompress(bytes, settings.max_decompressed)?, settings)
}

fn json_of(bytes: &[u8], settings: &Settings) -> Result<String> {
    if bytes.is_empty() {
        return Ok(String::new());
    }
    let reader = Reader::with_settings(bytes, *settings);
    let mut json = Json { reader, text: Vec::new(), open: Vec::new(), inside: false, marks: 0 };
    json.value()?;
    while let Some(next) = json.next() {
        if next? {
            json.value()?;
        }
    }
    json.finish()
}

/// Stands in the text where the name of a type begins, until it is known what follows it. No byte of UTF-8 is this one.
const MARK: u8 = 0xff;

/// What the mark becomes before a body that is no array.
const TYPE: &[u8] = b"{\"$type\":";

/// What has begun and not ended. There are as many of them as the value is deep, and none of them on the stack.
enum Open {
    Array {
        left: usize,
        first: bool,
    },
    Map {
        left: usize,
        first: bool,
        key: Key,
    },
    /// An extension of type 100: first its name, then its body.
    Typeless {
        length: usize,
        begun: usize,
        mark: usize,
        named: bool,
    },
    Body {
        closes: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Due,
    Plain,
    Quoted,
}

struct Json<'a> {
    reader: Reader<'a>,
    text: Vec<u8>,
    open: Vec<Open>,
    /// The next value is the body of a name that has opened its bracket already.
    inside: bool,
    marks: usize,
}

impl Json<'_> {
    fn put(&mut self, text: &[u8]) -> Result<()> {
        let offset = self.reader.offset();
        self.text.ensure(text.len()).map_err(|refused| CodecError::no_memory(offset, refused))?;
        self.text.extend_from_slice(text);
        Ok(())
    }

    fn shown(&mut self, short: Shown) -> Result<()> {
        self.put(short.bytes())
    }

    fn begin(&mut self, open: Open) -> Result<()> {
        self.reader.enter()?;
        let offset = self.reader.offset();
        self.open.ensure(1).map_err(|refused| CodecError::no_memory(offset, refused))?;
        self.open.push(open);
        Ok(())
    }

    /// One value, or the beginning of one that holds others.
    fn value(&mut self) -> Result<()> {
        let inside = std::mem::take(&mut self.inside);
        let code = self.reader.peek_code()?;
        match Kind::of(code) {
            Kind::Nil => {
                self.reader.nil()?;
                self.put(b"null")
            }
            Kind::Bool => {
                let text: &[u8] = if self.reader.bool()? { b"true" } else { b"false" };
                self.put(text)
            }
            Kind::Int => {
                let short = match self.reader.integer()? {
                    Integer::Unsigned(value) => shown(format_args!("{value}")),
                    Integer::Negative(value) => shown(format_args!("{value}")),
                };
                self.shown(short)
            }
            Kind::Float => {
                let short = match code {
                    FLOAT32 => single(self.reader.f32()?),
                    _ => double(self.reader.f64()?),
                };
                self.shown(short)
            }
            Kind::Str => {
                let text = self.reader.str_bytes()?;
                self.string(text)
            }
            Kind::Bin => {
                let bytes = self.reader.bin()?;
                self.base64(bytes)
            }
            Kind::Array => {
                let left = self.reader.array_header()?;
                self.begin(Open::Array { left, first: true })?;
                self.bracket(b"[", inside, left)
            }
            Kind::Map => {
                let left = self.reader.map_header()?;
                self.begin(Open::Map { left, first: true, key: Key::Due })?;
                self.bracket(b"{", inside, left)
            }
            Kind::Ext => self.extension(),
            Kind::NeverUsed => self.reader.unexpected("a value", code),
        }
    }

    /// The name of a type has the first place in what it opens.
    fn bracket(&mut self, bracket: &[u8], inside: bool, count: usize) -> Result<()> {
        match (inside, count) {
            (false, _) => self.put(bracket),
            (true, 0) => Ok(()),
            (true, _) => self.put(b","),
        }
    }

    fn extension(&mut self) -> Result<()> {
        match self.reader.peek_ext()? {
            Some(TIMESTAMP) => {
                let time = DateTime::decode(&mut self.reader)?;
                self.shown(shown(format_args!("\"{time}\"")))
            }
            Some(TYPELESS) => {
                let (_, length) = self.reader.ext_header()?;
                let (begun, mark) = (self.reader.offset(), self.text.len());
                self.begin(Open::Typeless { length, begun, mark, named: false })?;
                self.marks += 1;
                self.put(&[MARK])
            }
            _ => {
                let (code, bytes) = self.reader.ext()?;
                self.shown(shown(format_args!("[{code},")))?;
                self.base64(bytes)?;
                self.put(b"]")
            }
        }
    }

    /// Goes on with what is open. Whether a value is due; `None`: nothing is open any more.
    fn next(&mut self) -> Option<Result<bool>> {
        let open = self.open.pop()?;
        Some(self.step(open))
    }

    fn again(&mut self, open: Open) -> Result<bool> {
        // In the place that was just left.
        self.open.push(open);
        Ok(true)
    }

    fn ends(&mut self, bracket: &[u8]) -> Result<bool> {
        self.reader.leave();
        self.put(bracket)?;
        Ok(false)
    }

    fn step(&mut self, open: Open) -> Result<bool> {
        match open {
            Open::Array { left: 0, .. } => self.ends(b"]"),
            Open::Array { left, first } => {
                self.put(if first { b"" } else { b"," })?;
                self.again(Open::Array { left: left - 1, first: false })
            }
            Open::Map { left: 0, key: Key::Due, .. } => self.ends(b"}"),
            Open::Map { left, first, key: Key::Due } => {
                self.put(if first { b"" } else { b"," })?;
                let key = match self.reader.peek()? {
                    Kind::Str | Kind::Bin => Key::Plain,
                    _ => Key::Quoted,
                };
                self.put(if key == Key::Quoted { b"\"" } else { b"" })?;
                self.again(Open::Map { left, first: false, key })
            }
            Open::Map { left, key, .. } => {
                self.put(if key == Key::Quoted { b"\":" } else { b":" })?;
                self.again(Open::Map { left: left - 1, first: false, key: Key::Due })
            }
            Open::Typeless { length, begun, mark, named: false } => {
                self.again(Open::Typeless { length, begun, mark, named: true })
            }
            Open::Typeless { length, begun, mark, .. } => {
                if length <= self.reader.offset() - begun {
                    // The name is all there is.
                    return self.ends(b"}");
                }
                let kind = self.reader.peek()?;
                self.inside = matches!(kind, Kind::Array | Kind::Map);
                if kind == Kind::Array {
                    self.text[mark] = b'[';
                    self.marks -= 1;
                }
                self.put(if self.inside { b"" } else { b"," })?;
                self.again(Open::Body { closes: !self.inside })
            }
            Open::Body { closes } => self.ends(if closes { b"}" } else { b"" }),
        }
    }

    fn string(&mut self, text: &[u8]) -> Result<()> {
        self.put(b"\"")?;
        for chunk in text.utf8_chunks() {
            self.escaped(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                self.put("\u{fffd}".as_bytes())?;
            }
        }
        self.put(b"\"")
    }

    /// Only what that library escapes: other control characters go out as they are.
    fn escaped(&mut self, text: &str) -> Result<()> {
        let mut rest = text.as_bytes();
        let escape = |byte: &u8| -> Option<&'static [u8; 2]> {
            Some(match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                0x08 => b"\\b",
                0x0c => b"\\f",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                _ => return None,
            })
        };
        while let Some((at, escaped)) = rest.iter().enumerate().find_map(|(at, byte)| Some((at, escape(byte)?))) {
            self.put(&rest[..at])?;
            self.put(escaped)?;
            rest = &rest[at + 1..];
        }
        self.put(rest)
    }

    fn base64(&mut self, bytes: &[u8]) -> Result<()> {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let offset = self.reader.offset();
        let length = bytes.len().div_ceil(3).saturating_mul(4).saturating_add(2);
        self.text.ensure(length).map_err(|refused| CodecError::no_memory(offset, refused))?;
        self.text.push(b'"');
        for three in bytes.chunks(3) {
            let [a, b, c] = [0, 1, 2].map(|at| usize::from(three.get(at).copied().unwrap_or_default()));
            let of = |value: usize| ALPHABET[value & 63];
            let third = if three.len() > 1 { of(b << 2 | c >> 6) } else { b'=' };
            let fourth = if three.len() > 2 { of(c) } else { b'=' };
            self.text.extend_from_slice(&[of(a >> 2), of(a << 4 | b >> 4), third, fourth]);
        }
        self.text.push(b'"');
        Ok(())
    }

    /// Puts what the marks stand for, all of them in one go.
    fn finish(mut self) -> Result<String> {
        if self.marks > 0 {
            let offset = self.reader.offset();
            let marked = std::mem::take(&mut self.text);
            let length = marked.len() + self.marks * (TYPE.len() - 1);
            self.text.ensure(length).map_err(|refused| CodecError::no_memory(offset, refused))?;
            let mut pieces = marked.split(|byte| *byte == MARK);
            self.put(pieces.next().unwrap_or_default())?;
            for piece in pieces {
                self.put(TYPE)?;
                self.put(piece)?;
            }
        }
        let offset = self.reader.offset();
        // Only text has been put there.
        let why = Text::fixed("it is not UTF-8");
        String::from_utf8(self.text).map_err(|_| CodecError::at(offset, Problem::Malformed { target: "text", why }))
    }
}
