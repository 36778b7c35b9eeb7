//! What lies in arrays and maps, one after the other.

use crate::codec::code::Kind;
use crate::codec::serde::keys::Seen;
use crate::codec::serde::{number, Deserializer};
use crate::codec::{CodecError, Problem, Result};
use ::serde::de::value::BorrowedStrDeserializer;
use ::serde::de::{self, DeserializeSeed, SeqAccess, Visitor};
use ::serde::forward_to_deserialize_any;

impl<'de> Deserializer<'_, 'de> {
    #[inline]
    fn value<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        let begun = self.reader.offset();
        seed.deserialize(&mut *self).map_err(|error: CodecError| error.or_at(begun))
    }
}

/// Elements of an array.
pub(super) struct ListAccess<'a, 'r, 'de> {
    pub(super) from: &'a mut Deserializer<'r, 'de>,
    pub(super) left: usize,
}

impl<'de> SeqAccess<'de> for ListAccess<'_, '_, 'de> {
    type Error = CodecError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.from.value(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// Elements of a tuple, which nests from its eighth on.
pub(super) struct TupleAccess<'a, 'r, 'de> {
    pub(super) from: &'a mut Deserializer<'r, 'de>,
    pub(super) length: usize,
    pub(super) taken: usize,
    pub(super) entered: usize,
}

impl<'de> SeqAccess<'de> for TupleAccess<'_, '_, 'de> {
    type Error = CodecError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.taken == self.length {
            return Ok(None);
        }
        if self.taken > 0 && self.taken % 7 == 0 {
            self.from.tuple_header(self.length - self.taken)?;
            self.entered += 1;
        }
        self.taken += 1;
        self.from.value(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.length - self.taken)
    }
}

/// Bytes where a list is asked for: `List<byte>` as some releases write it, and `byte[]`. Each is a `byte`, and nothing else.
pub(super) struct BytesAccess<'de> {
    pub(super) bytes: &'de [u8],
    /// Where the first of them is.
    pub(super) first: usize,
}

impl<'de> SeqAccess<'de> for BytesAccess<'de> {
    type Error = CodecError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let Some((byte, rest)) = self.bytes.split_first() else { return Ok(None) };
        let at = self.first;
        (self.bytes, self.first) = (rest, at + 1);
        seed.deserialize(Byte(*byte)).map(Some).map_err(|error: CodecError| error.or_at(at))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.bytes.len())
    }
}

struct Byte(u8);

impl<'de> de::Deserializer<'de> for Byte {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(de::Error::custom("bytes (byte[]) stand where a list of something else is due"))
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u8(self.0)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier
    }
}

/// Members of a class that is a map.
pub(super) struct StructAccess<'a, 'r, 'de> {
    pub(super) from: &'a mut Deserializer<'r, 'de>,
    pub(super) left: usize,
    /// From the one on that is most likely next.
    pub(super) fields: &'static [&'static str],
}

impl<'de> de::MapAccess<'de> for StructAccess<'_, '_, 'de> {
    type Error = CodecError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let expected = match self.fields {
            [next, rest @ ..] => {
                self.fields = rest;
                next
            }
            [] => "",
        };
        self.from.value_of_key(seed, expected).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.from.value(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> Deserializer<'_, 'de> {
    /// The name of a member.
    #[inline]
    fn value_of_key<K: DeserializeSeed<'de>>(&mut self, seed: K, expected: &'static str) -> Result<K::Value> {
        let begun = self.reader.offset();
        let code = self.reader.peek_code()?;
        // C# refuses an empty name too.
        if Kind::of(code) != Kind::Str || code == 0xa0 {
            return self.reader.unexpected("the name of a member", code);
        }
        seed.deserialize(Name { from: self, expected }).map_err(|error: CodecError| error.or_at(begun))
    }
}

/// A name is a text, whatever the member is asked to be told by.
struct Name<'a, 'r, 'de> {
    from: &'a mut Deserializer<'r, 'de>,
    /// The name that is most likely there.
    expected: &'static str,
}

impl<'de> de::Deserializer<'de> for Name<'_, '_, 'de> {
    type Error = CodecError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let before = *self.from.reader;
        let bytes = self.from.reader.str_bytes()?;
        if bytes == self.expected.as_bytes() {
            // Which is known to be UTF-8.
            return visitor.visit_borrowed_str(self.expected);
        }
        match std::str::from_utf8(bytes) {
            Ok(name) => visitor.visit_borrowed_str(name),
            // No member's name, then: it is skipped, as C# does.
            Err(_) => visitor.visit_string({ before }.string()?),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Members of a class with int keys, which is an array.
pub(super) struct NumberedAccess<'a, 'r, 'de> {
    pub(super) from: &'a mut Deserializer<'r, 'de>,
    pub(super) fields: &'static [&'static str],
    /// The field that is most likely next.
    pub(super) next: usize,
    pub(super) index: usize,
    pub(super) count: usize,
}

impl NumberedAccess<'_, '_, '_> {
    fn field(&self, index: usize) -> Option<usize> {
        let is = |field: &&str| number(field) == Some(index as i128);
        if self.fields.get(self.next).is_some_and(is) {
            return Some(self.next);
        }
        self.fields.iter().position(is)
    }
}

impl<'de> de::MapAccess<'de> for NumberedAccess<'_, '_, 'de> {
    type Error = CodecError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        while self.index < self.count {
            let index = self.index;
            self.index += 1;
            match self.field(index) {
                Some(field) => {
                    self.next = field + 1;
                    return seed.deserialize(BorrowedStrDeserializer::new(self.fields[field])).map(Some);
                }
                // A hole, or what a newer peer has added.
                None => self.from.skip(1)?,
            }
        }
        Ok(None)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.from.value(seed)
    }
}

/// Keys and values of a dictionary.
pub(super) struct MapAccess<'a, 'r, 'de> {
    from: &'a mut Deserializer<'r, 'de>,
    pub(super) left: usize,
    seen: Seen<'de>,
}

impl<'a, 'r, 'de> MapAccess<'a, 'r, 'de> {
    pub(super) fn new(from: &'a mut Deserializer<'r, 'de>, left: usize) -> Self {
        Self { from, left, seen: Seen::default() }
    }
}

impl<'de> de::MapAccess<'de> for MapAccess<'_, '_, 'de> {
    type Error = CodecError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        if self.seen.is_again(self.from.reader)? {
            return self.from.reader.error(Problem::DuplicateKey);
        }
        self.from.value(seed).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.from.value(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}
