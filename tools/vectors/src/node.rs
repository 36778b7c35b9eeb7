//! Bytes as a tree, without a type: what a line's bytes show by themselves.

use backrun::codec::{CodecError, Kind, Problem, Reader, Settings, Writer};

/// A value as it stands in the bytes.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// Its first byte.
    pub code: u8,
    /// All of its bytes.
    pub bytes: &'a [u8],
    pub shape: Shape<'a>,
}

#[derive(Debug, Clone)]
pub enum Shape<'a> {
    Leaf,
    Array(Vec<Node<'a>>),
    Map(Vec<(Node<'a>, Node<'a>)>),
    /// An extension of type 100: the type's name, and the value unless it has none.
    Typeless(&'a [u8], Option<Box<Node<'a>>>),
}

/// The code of typeless values.
pub const TYPELESS: i8 = 100;

/// Lines nest less; the tree is walked by recursion.
const DEEPEST: u32 = 20_000;

impl<'a> Node<'a> {
    /// The value at the beginning of some bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Node<'a>, CodecError> {
        let mut settings = Settings::default();
        settings.max_depth = DEEPEST;
        Self::take(&mut Reader::with_settings(bytes, settings))
    }

    fn take(reader: &mut Reader<'a>) -> Result<Node<'a>, CodecError> {
        let begun = reader.rest();
        let code = reader.peek_code()?;
        let shape = match reader.peek()? {
            Kind::Array => {
                let count = reader.array_header()?;
                reader.enter()?;
                let items = (0..count).map(|_| Self::take(reader)).collect::<Result<_, _>>()?;
                reader.leave();
                Shape::Array(items)
            }
            Kind::Map => {
                let count = reader.map_header()?;
                reader.enter()?;
                let entry = |_| Ok((Self::take(reader)?, Self::take(reader)?));
                let entries = (0..count).map(entry).collect::<Result<_, CodecError>>()?;
                reader.leave();
                Shape::Map(entries)
            }
            Kind::Ext if reader.peek_ext()? == Some(TYPELESS) => {
                let (_, length) = reader.ext_header()?;
                let body = reader.rest();
                let name = reader.str_bytes()?;
                // `new object()` is its name alone.
                let is_name_alone = body.len() - reader.rest().len() >= length;
                reader.enter()?;
                let value = if is_name_alone { None } else { Some(Box::new(Self::take(reader)?)) };
                reader.leave();
                Shape::Typeless(name, value)
            }
            _ => {
                reader.skip()?;
                Shape::Leaf
            }
        };
        Ok(Node { code, bytes: &begun[..begun.len() - reader.rest().len()], shape })
    }

    pub fn kind(&self) -> Kind {
        Kind::of(self.code)
    }

    /// The elements of an array, else none.
    pub fn items(&self) -> &[Node<'a>] {
        match &self.shape {
            Shape::Array(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map, else none.
    pub fn entries(&self) -> &[(Node<'a>, Node<'a>)] {
        match &self.shape {
            Shape::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The text that it is.
    pub fn text(&self) -> Option<String> {
        Reader::new(self.bytes).string().ok()
    }

    /// Writes it again through the codec: each value in the form that it has.
    pub fn write(&self, writer: &mut Writer) -> Result<(), CodecError> {
        let mut reader = Reader::with_settings(self.bytes, *writer.settings());
        match &self.shape {
            Shape::Array(items) => {
                writer.array_header(items.len())?;
                items.iter().try_for_each(|item| item.write(writer))
            }
            Shape::Map(entries) => {
                writer.map_header(entries.len())?;
                entries.iter().try_for_each(|(key, value)| {
                    match std::str::from_utf8(Reader::new(key.bytes).str_bytes().unwrap_or_default()) {
                        // Names of members have str8 under the old specification too.
                        Ok(name) if key.code == 0xd9 => writer.key(name)?,
                        _ => key.write(writer)?,
                    }
                    value.write(writer)
                })
            }
            Shape::Typeless(name, value) => {
                let mut body = Writer::with_settings(*writer.settings());
                body.str_of(name)?;
                if let Some(value) = value {
                    value.write(&mut body)?;
                }
                writer.ext(TYPELESS, body.bytes())
            }
            Shape::Leaf => leaf(&mut reader, writer),
        }
    }
}

fn leaf(reader: &mut Reader<'_>, writer: &mut Writer) -> Result<(), CodecError> {
    let code = reader.peek_code()?;
    match (reader.peek()?, code) {
        (Kind::Nil, _) => {
            reader.nil()?;
            writer.nil()
        }
        (Kind::Bool, _) => writer.bool(reader.bool()?),
        // Where a width is told the value fits it.
        (Kind::Int, 0xcc) => writer.full_u8(reader.uint()? as u8),
        (Kind::Int, 0xcd) => writer.full_u16(reader.uint()? as u16),
        (Kind::Int, 0xce) => writer.full_u32(reader.uint()? as u32),
        (Kind::Int, 0xcf) => writer.full_u64(reader.uint()?),
        (Kind::Int, 0xd0) => writer.full_i8(reader.int()? as i8),
        (Kind::Int, 0xd1) => writer.full_i16(reader.int()? as i16),
        (Kind::Int, 0xd2) => writer.full_i32(reader.int()? as i32),
        (Kind::Int, 0xd3) => writer.full_i64(reader.int()?),
        (Kind::Int, _) => writer.int(reader.int()?),
        (Kind::Float, 0xca) => writer.f32(reader.f32()?),
        (Kind::Float, _) => writer.f64(reader.f64()?),
        (Kind::Str, _) => writer.str_of(reader.str_bytes()?),
        (Kind::Bin, _) => writer.bin(reader.bin()?),
        (Kind::Ext, _) if reader.peek_ext()? == Some(-1) => {
            let (seconds, nanos) = reader.timestamp()?;
            writer.timestamp(seconds, nanos)
        }
        (Kind::Ext, _) => {
            let (code, body) = reader.ext()?;
            writer.ext(code, body)
        }
        _ => Err(CodecError::at(reader.offset(), Problem::Unexpected { expected: "a value", code })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::from_hex;

    #[test]
    fn what_was_written_by_the_library_is_written_again_as_it_was() {
        for hex in ["9301a162c3", "81a161d200000001", "d7ffa1dcd74065937d25", "cc05", "c70764a3616263920102"] {
            let bytes = from_hex(hex).unwrap();
            let mut writer = Writer::new();
            Node::parse(&bytes).unwrap().write(&mut writer).unwrap();
            assert_eq!(writer.bytes(), bytes, "{hex}");
        }
    }
}
