//! Enums by number or by name, and unions.

use crate::codec::serde::Deserializer;
use crate::codec::{CodecError, Problem, Result};
use ::serde::de::value::StrDeserializer;
use ::serde::de::{self, DeserializeSeed, IntoDeserializer, Unexpected, Visitor};
use std::io::Write;

/// A number as text, without an allocation.
struct Digits {
    bytes: [u8; 24],
    length: usize,
}

impl Digits {
    fn of(number: i128) -> Self {
        let mut bytes = [0; 24];
        let mut left = &mut bytes[..];
        // 64 bits with their sign have 20 characters at most.
        let written = write!(left, "{number}");
        debug_assert!(written.is_ok());
        let length = 24 - left.len();
        Self { bytes, length }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// The variant that is named by the number that comes next.
pub(super) fn unit<'de, V: Visitor<'de>>(from: &mut Deserializer<'_, 'de>, visitor: V) -> Result<V::Value> {
    let digits = Digits::of(from.reader.integer()?.wide());
    visitor.visit_enum(Unit(digits.text()))
}

/// The variant whose name comes next.
pub(super) fn name<'de, V: Visitor<'de>>(from: &mut Deserializer<'_, 'de>, visitor: V) -> Result<V::Value> {
    let name = from.reader.str()?;
    visitor.visit_enum(Unit(name))
}

/// The variant whose union key and body come next.
pub(super) fn body<'de, V: Visitor<'de>>(from: &mut Deserializer<'_, 'de>, visitor: V) -> Result<V::Value> {
    let begun = from.reader.offset();
    let found = from.reader.array_header()?;
    if found != 2 {
        return Err(CodecError::at(begun, Problem::WrongLength { target: "a union", expected: 2, found }));
    }
    from.reader.enter()?;
    let digits = Digits::of(from.reader.integer()?.wide());
    let value = visitor.visit_enum(Body { from: &mut *from, key: digits.text() })?;
    from.reader.leave();
    Ok(value)
}

struct Unit<'t>(&'t str);

impl<'de> de::EnumAccess<'de> for Unit<'_> {
    type Error = CodecError;
    type Variant = NoBody;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, NoBody)> {
        let name: StrDeserializer<'_, CodecError> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, NoBody))
    }
}

struct NoBody;

impl<'de> de::VariantAccess<'de> for NoBody {
    type Error = CodecError;

    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &"a union of a key and a body"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &"a union of a key and a body"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &"a union of a key and a body"))
    }
}

struct Body<'a, 'r, 'de, 't> {
    from: &'a mut Deserializer<'r, 'de>,
    key: &'t str,
}

impl<'a, 'r, 'de> de::EnumAccess<'de> for Body<'a, 'r, 'de, '_> {
    type Error = CodecError;
    type Variant = BodyAccess<'a, 'r, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, BodyAccess<'a, 'r, 'de>)> {
        let name: StrDeserializer<'_, CodecError> = self.key.into_deserializer();
        Ok((seed.deserialize(name)?, BodyAccess(self.from)))
    }
}

struct BodyAccess<'a, 'r, 'de>(&'a mut Deserializer<'r, 'de>);

impl<'de> de::VariantAccess<'de> for BodyAccess<'_, '_, 'de> {
    type Error = CodecError;

    /// A variant for all others (`#[serde(other)]`): C# skips such a body too.
    fn unit_variant(self) -> Result<()> {
        self.0.skip(1)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        let begun = self.0.reader.offset();
        seed.deserialize(self.0).map_err(|error: CodecError| error.or_at(begun))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.0.positional(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        de::Deserializer::deserialize_struct(self.0, "", fields, visitor)
    }
}
