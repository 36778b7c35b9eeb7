//! Extensions, which serde's MessagePack libraries have as a newtype struct of a certain name around a pair of type and bytes.

use crate::alloc::Text;
use crate::codec::code::TIMESTAMP;
use crate::codec::writer::no_time;
use crate::codec::{CodecError, Problem, Result, Writer};
use ::serde::de::value::{BorrowedBytesDeserializer, I8Deserializer};
use ::serde::de::{DeserializeSeed, SeqAccess, Visitor};
use ::serde::ser::{Impossible, Serialize, SerializeTuple};
use ::serde::{forward_to_deserialize_any, Deserializer};

/// Writes the pair as an extension.
pub(super) struct ExtensionSerializer<'w> {
    writer: &'w mut Writer,
    code: Option<i8>,
    done: bool,
    /// The bytes are to stand there as they are, without a header.
    raw: bool,
}

impl<'w> ExtensionSerializer<'w> {
    pub(super) fn new(writer: &'w mut Writer) -> Self {
        Self { writer, code: None, done: false, raw: false }
    }

    /// Writes bytes that are MessagePack already.
    pub(super) fn raw(writer: &'w mut Writer) -> Self {
        Self { raw: true, ..Self::new(writer) }
    }

    #[cold]
    fn wrong<T>(&self) -> Result<T> {
        let why = Text::fixed("an extension (_ExtStruct) is a pair of its type, an i8, and its bytes (serde_bytes)");
        Err(self.writer.error(Problem::NotSupported(why)))
    }
}

macro_rules! wrong {
    ($($method:ident $([$of:ident])? ($($argument:ty),*) -> $answer:ty;)*) => {$(
        fn $method$(<$of: Serialize + ?Sized>)?(self, $(_: $argument),*) -> Result<$answer> {
            self.wrong()
        }
    )*};
}

impl<'s, 'w> ::serde::Serializer for &'s mut ExtensionSerializer<'w> {
    type Ok = ();
    type Error = CodecError;
    type SerializeSeq = Impossible<(), CodecError>;
    type SerializeTuple = &'s mut ExtensionSerializer<'w>;
    type SerializeTupleStruct = Impossible<(), CodecError>;
    type SerializeTupleVariant = Impossible<(), CodecError>;
    type SerializeMap = Impossible<(), CodecError>;
    type SerializeStruct = Impossible<(), CodecError>;
    type SerializeStructVariant = Impossible<(), CodecError>;

    fn serialize_i8(self, value: i8) -> Result<()> {
        if self.code.replace(value).is_some() {
            return self.wrong();
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        match (self.code, self.done) {
            _ if self.raw => self.writer.raw(value),
            (Some(TIMESTAMP), _) if self.writer.settings().old_spec => Err(self.writer.error(no_time())),
            (Some(code), false) => {
                self.done = true;
                self.writer.ext(code, value)
            }
            _ => self.wrong(),
        }
    }

    fn serialize_tuple(self, _: usize) -> Result<Self> {
        Ok(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    wrong! {
        serialize_bool(bool) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_none() -> ();
        serialize_some[T](&T) -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_newtype_variant[T](&'static str, u32, &'static str, &T) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

impl SerializeTuple for &mut ExtensionSerializer<'_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<()> {
        if self.done {
            return Ok(());
        }
        self.wrong()
    }
}

/// An extension that was read, as its pair.
pub(super) struct ExtensionDeserializer<'de> {
    code: Option<i8>,
    body: Option<&'de [u8]>,
}

impl<'de> ExtensionDeserializer<'de> {
    pub(super) fn new((code, body): (i8, &'de [u8])) -> Self {
        Self { code: Some(code), body: Some(body) }
    }
}

impl<'de> Deserializer<'de> for ExtensionDeserializer<'de> {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for ExtensionDeserializer<'de> {
    type Error = CodecError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if let Some(code) = self.code.take() {
            return seed.deserialize(I8Deserializer::new(code)).map(Some);
        }
        self.body.take().map(|body| seed.deserialize(BorrowedBytesDeserializer::new(body))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(usize::from(self.code.is_some()) + usize::from(self.body.is_some()))
    }
}
