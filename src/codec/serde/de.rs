//! From bytes to a value.

use crate::alloc::Text;
use crate::codec::code::*;
use crate::codec::serde::access::{BytesAccess, ListAccess, MapAccess, NumberedAccess, StructAccess, TupleAccess};
use crate::codec::serde::enums::{body, name, unit};
use crate::codec::serde::special::ExtensionDeserializer;
use crate::codec::serde::{number, std_time, Enums, Options, Shape, EXTENSION, TUPLE_OR_ARRAY};
use crate::codec::{CodecError, Problem, Reader, Result};
use ::serde::de::Visitor;

/// How often one value may be asked for as an `Option` of an `Option`: a type that does so without end takes no byte for it.
const MAX_OPTIONS: u32 = 64;

/// Tells serde what it reads.
pub struct Deserializer<'r, 'de> {
    pub(super) reader: &'r mut Reader<'de>,
    shape: Shape,
    enums: Enums,
    option_at: usize,
    options: u32,
}

impl<'r, 'de> Deserializer<'r, 'de> {
    /// One that takes from there. The reader's settings go for it, not those of the options.
    pub fn new(reader: &'r mut Reader<'de>, options: &Options) -> Self {
        Self { reader, shape: options.shape, enums: options.enums, option_at: usize::MAX, options: 0 }
    }

    #[cold]
    fn refused<T>(&self, why: &'static str) -> Result<T> {
        self.reader.error(Problem::NotSupported(Text::fixed(why)))
    }

    #[cold]
    fn wrong_length<T>(&self, at: usize, expected: usize, found: usize) -> Result<T> {
        Err(CodecError::at(at, Problem::WrongLength { target: "this tuple", expected, found }))
    }

    /// Takes the header of a tuple's (rest of) so many.
    pub(super) fn tuple_header(&mut self, length: usize) -> Result<()> {
        let begun = self.reader.offset();
        let found = self.reader.array_header()?;
        let expected = length.min(8);
        if found != expected {
            return self.wrong_length(begun, expected, found);
        }
        self.reader.enter()
    }

    pub(super) fn skip(&mut self, values: usize) -> Result<()> {
        (0..values).try_for_each(|_| self.reader.skip().map(drop))
    }

    /// An array whose visitor may leave some of it.
    pub(super) fn positional<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let begun = self.reader.offset();
        let left = self.reader.array_header()?;
        self.reader.enter()?;
        let mut access = ListAccess { from: self, left };
        let value = visitor.visit_seq(&mut access).map_err(|error: CodecError| error.or_at(begun))?;
        let left = access.left;
        self.skip(left)?;
        self.reader.leave();
        Ok(value)
    }

    fn numbered<V: Visitor<'de>>(&mut self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        let begun = self.reader.offset();
        let count = self.reader.array_header()?;
        self.reader.enter()?;
        let mut access = NumberedAccess { from: self, fields, next: 0, index: 0, count };
        let value = visitor.visit_map(&mut access).map_err(|error: CodecError| error.or_at(begun))?;
        let left = access.count - access.index;
        self.skip(left)?;
        self.reader.leave();
        Ok(value)
    }

    #[inline]
    fn members<V: Visitor<'de>>(&mut self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        let begun = self.reader.offset();
        let left = self.reader.map_header()?;
        self.reader.enter()?;
        let mut access = StructAccess { from: self, left, fields };
        let value = visitor.visit_map(&mut access).map_err(|error: CodecError| error.or_at(begun))?;
        let left = access.left;
        self.skip(2 * left)?;
        self.reader.leave();
        Ok(value)
    }

    /// An integer as what its width says, which is what its type was where it stands in a slot of type `object`.
    fn integer_by_width<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let code = self.reader.peek_code()?;
        let value = self.reader.integer()?.wide();
        // Each width holds what was read from it.
        match code {
            0x00..=0x7f | UINT8 => visitor.visit_u8(value as u8),
            UINT16 => visitor.visit_u16(value as u16),
            UINT32 => visitor.visit_u32(value as u32),
            UINT64 => visitor.visit_u64(value as u64),
            INT16 => visitor.visit_i16(value as i16),
            INT32 => visitor.visit_i32(value as i32),
            INT64 => visitor.visit_i64(value as i64),
            _ => visitor.visit_i8(value as i8),
        }
    }

    #[inline]
    pub(super) fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let before = *self.reader;
        let bytes = self.reader.str_bytes()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => visitor.visit_borrowed_str(text),
            Err(_) => visitor.visit_string({ before }.string()?),
        }
        .map_err(|error: CodecError| error.or_at(before.offset()))
    }

    fn wide(&mut self) -> Result<[u8; 16]> {
        let begun = self.reader.offset();
        let bytes = self.reader.bin()?;
        bytes.try_into().map_err(|_| {
            let problem = Problem::WrongLength { target: "a number of 128 bits", expected: 16, found: bytes.len() };
            CodecError::at(begun, problem)
        })
    }
}

macro_rules! scalars {
    ($($method:ident, $visit:ident, |$reader:ident| $read:expr;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let begun = self.reader.offset();
            let $reader = &mut *self.reader;
            visitor.$visit($read?).map_err(|error: CodecError| error.or_at(begun))
        }
    )*};
}

impl<'de> ::serde::Deserializer<'de> for &mut Deserializer<'_, 'de> {
    type Error = CodecError;

    scalars! {
        deserialize_bool, visit_bool, |reader| reader.bool();
        deserialize_i8, visit_i8, |reader| reader.integer_as("an sbyte (-128 to 127)");
        deserialize_i16, visit_i16, |reader| reader.integer_as("a short (16 bits with a sign)");
        deserialize_i32, visit_i32, |reader| reader.integer_as("an int (32 bits with a sign)");
        deserialize_i64, visit_i64, |reader| reader.integer_as("a long (64 bits with a sign)");
        deserialize_u8, visit_u8, |reader| reader.integer_as("a byte (0 to 255)");
        deserialize_u16, visit_u16, |reader| reader.integer_as("a ushort (16 bits without a sign)");
        deserialize_u32, visit_u32, |reader| reader.integer_as("a uint (32 bits without a sign)");
        deserialize_u64, visit_u64, |reader| reader.integer_as("a ulong (64 bits without a sign)");
        deserialize_f32, visit_f32, |reader| reader.f32();
        deserialize_f64, visit_f64, |reader| reader.f64();
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let begun = self.reader.offset();
        match self.reader.peek()? {
            Kind::Nil => self.reader.nil().and_then(|()| visitor.visit_unit()),
            Kind::Bool => self.reader.bool().and_then(|value| visitor.visit_bool(value)),
            Kind::Int => self.integer_by_width(visitor),
            Kind::Float if self.reader.peek_code()? == FLOAT32 => visitor.visit_f32(self.reader.f32()?),
            Kind::Float => visitor.visit_f64(self.reader.f64()?),
            Kind::Str => self.text(visitor),
            Kind::Bin => visitor.visit_borrowed_bytes(self.reader.bin()?),
            Kind::Array => self.deserialize_seq(visitor),
            Kind::Map => self.deserialize_map(visitor),
            Kind::Ext => visitor.visit_newtype_struct(ExtensionDeserializer::new(self.reader.ext()?)),
            Kind::NeverUsed => self.reader.unexpected("a value", NEVER_USED),
        }
        .map_err(|error: CodecError| error.or_at(begun))
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i128(i128::from_le_bytes(self.wide()?))
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u128(u128::from_le_bytes(self.wide()?))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let begun = self.reader.offset();
        let unit: u16 = self.reader.integer_as("a char (one UTF-16 unit)")?;
        match char::from_u32(unit.into()) {
            Some(char) => visitor.visit_char(char).map_err(|error: CodecError| error.or_at(begun)),
            None => {
                let why = Text::fixed("it is half of a surrogate pair: use codec::dotnet::Char, which holds any unit");
                Err(CodecError::at(begun, Problem::Malformed { target: "char", why }))
            }
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(visitor)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let begun = self.reader.offset();
        match self.reader.peek()? {
            // Elements of type `byte`, which C# takes for a `byte[]` too.
            Kind::Array => self.deserialize_seq(visitor),
            _ => visitor.visit_borrowed_bytes(self.reader.bin()?),
        }
        .map_err(|error: CodecError| error.or_at(begun))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.reader.try_nil()? {
            return visitor.visit_none();
        }
        let at = self.reader.offset();
        if self.option_at != at {
            (self.option_at, self.options) = (at, 0);
        }
        self.options += 1;
        if self.options > MAX_OPTIONS {
            return self.refused("the type is an Option of an Option of an Option without end: it can never be read");
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.nil()?;
        visitor.visit_unit()
    }

    /// A class without members, or whose members this side does not know.
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        let values = match self.shape {
            Shape::Map => 2 * self.reader.map_header()?,
            Shape::Array => self.reader.array_header()?,
        };
        self.skip(values)?;
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if name == EXTENSION {
            let begun = self.reader.offset();
            let extension = ExtensionDeserializer::new(self.reader.ext()?);
            return visitor.visit_newtype_struct(extension).map_err(|error: CodecError| error.or_at(begun));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let begun = self.reader.offset();
        if self.reader.peek()? == Kind::Bin {
            let bytes = self.reader.bin()?;
            let first = self.reader.offset() - bytes.len();
            return visitor.visit_seq(BytesAccess { bytes, first }).map_err(|error: CodecError| error.or_at(begun));
        }
        let count = self.reader.array_header()?;
        self.reader.enter()?;
        let mut access = ListAccess { from: self, left: count };
        let value = visitor.visit_seq(&mut access).map_err(|error: CodecError| error.or_at(begun))?;
        if access.left > 0 {
            let expected = count - access.left;
            let problem = Problem::WrongLength { target: "this list", expected, found: count };
            return Err(CodecError::at(begun, problem));
        }
        self.reader.leave();
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        if length >= 8 {
            return self.refused(TUPLE_OR_ARRAY);
        }
        self.deserialize_tuple_struct("", length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, length: usize, visitor: V) -> Result<V::Value> {
        let begun = self.reader.offset();
        self.tuple_header(length)?;
        let mut access = TupleAccess { from: self, length, taken: 0, entered: 1 };
        let value = visitor.visit_seq(&mut access).map_err(|error: CodecError| error.or_at(begun))?;
        let (taken, entered) = (access.taken, access.entered);
        if taken != length {
            return self.wrong_length(begun, taken, length);
        }
        (0..entered).for_each(|_| self.reader.leave());
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let begun = self.reader.offset();
        let left = self.reader.map_header()?;
        self.reader.enter()?;
        let mut access = MapAccess::new(self, left);
        let value = visitor.visit_map(&mut access).map_err(|error: CodecError| error.or_at(begun))?;
        let left = access.left;
        self.skip(2 * left)?;
        self.reader.leave();
        Ok(value)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if let Some(first) = fields.first() {
            if let Some(instead) = std_time(name, first) {
                return self.refused(instead);
            }
            if number(first).is_some() {
                return self.numbered(fields, visitor);
            }
        }
        match self.shape {
            Shape::Map => self.members(fields, visitor),
            Shape::Array => self.positional(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let begun = self.reader.offset();
        let code = self.reader.peek_code()?;
        let by_number = variants.iter().any(|variant| number(variant).is_some());
        match (by_number, Kind::of(code)) {
            (true, Kind::Int) => unit(self, visitor),
            (true, Kind::Array) => body(self, visitor),
            (true, _) => self.reader.unexpected("the number of an enum, or the key and the body of a union", code),
            (false, Kind::Str) if self.enums == Enums::Names => name(self, visitor),
            (false, _) if self.enums == Enums::Names => self.reader.unexpected("the name of an enum's value", code),
            (false, _) => self.refused(
                "C# writes an enum as its number, and serde knows only names: name each variant by its number, #[serde(rename = \"1\")], or \
                 derive with serde_repr; for peers with DynamicEnumAsStringResolver set Options::enums to Enums::Names",
            ),
        }
        .map_err(|error: CodecError| error.or_at(begun))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.reader.skip()?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        true
    }
}
