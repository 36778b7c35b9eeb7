//! From a value to bytes.

use crate::alloc::Text;
use crate::codec::serde::container::{Container, Due};
use crate::codec::serde::special::ExtensionSerializer;
use crate::codec::serde::told::{is_time, Told};
use crate::codec::serde::{number, Enums, Options, Shape, EXTENSION, IN_OBJECT, PLAIN, RAW, RUNE, TUPLE_OR_ARRAY};
use crate::codec::{CodecError, Problem, Result, Version, Writer};
use ::serde::ser::{Serialize, SerializeStruct};
use std::fmt::{self, Display, Write as _};

/// Writes what serde tells it.
pub struct Serializer<'w> {
    pub(super) writer: &'w mut Writer,
    pub(super) shape: Shape,
    enums: Enums,
    /// In a slot of type `object`.
    pub(super) in_object: bool,
    /// The next value is an element of a list.
    pub(super) in_list: bool,
    depth: u32,
}

impl<'w> Serializer<'w> {
    /// One that appends. The writer's settings go for it, not those of the options.
    pub fn new(writer: &'w mut Writer, options: &Options) -> Self {
        Self { writer, shape: options.shape, enums: options.enums, in_object: false, in_list: false, depth: 0 }
    }

    #[cold]
    pub(super) fn refused<T>(&self, why: fmt::Arguments<'_>) -> Result<T> {
        Err(self.writer.error(Problem::NotSupported(Text::say(why))))
    }

    /// Goes into an array or a map: as deep as a reader would.
    #[inline]
    fn enter(&mut self) -> Result<()> {
        let limit = self.writer.settings().max_depth;
        if self.depth >= limit {
            return Err(self.writer.error(Problem::TooDeep { limit }));
        }
        self.depth += 1;
        self.in_list = false;
        Ok(())
    }

    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
        self.in_list = false;
    }

    /// A container whose header was just written at `header`.
    #[inline]
    fn container<'s>(&'s mut self, header: usize, due: Due) -> Result<Container<'s, 'w>> {
        self.enter()?;
        let in_object = self.in_object;
        Ok(Container { to: self, header, due, written: 0, announced: 0, name: "", in_object })
    }

    fn list(&mut self, length: Option<usize>) -> Result<Container<'_, 'w>> {
        let header = self.writer.bytes().len();
        self.writer.array_header(length.unwrap_or(0))?;
        self.container(header, length.map_or(Due::Unknown, Due::Exactly))
    }

    /// A tuple of so many, which nests from its eighth element on.
    fn tuple(&mut self, length: usize) -> Result<Container<'_, 'w>> {
        let header = self.writer.bytes().len();
        self.writer.array_header(length.min(8))?;
        let tuple = self.container(header, Due::Tuple(length))?;
        // Elements have types of their own, as members have.
        tuple.to.in_object = false;
        Ok(tuple)
    }

    #[inline]
    fn object(&mut self, name: &'static str, length: usize) -> Result<Container<'_, 'w>> {
        let header = self.writer.bytes().len();
        match self.shape {
            Shape::Map => self.writer.map_header(length)?,
            Shape::Array => self.writer.array_header(length)?,
        }
        let mut object = self.container(header, Due::Exactly(length))?;
        (object.name, object.announced) = (name, length);
        // Members have types of their own.
        object.to.in_object = false;
        Ok(object)
    }

    /// The key of a union and its header.
    fn union(&mut self, name: &str, variant: &str) -> Result<()> {
        match number(variant).and_then(|key| i64::try_from(key).ok()) {
            Some(key) => {
                self.in_list = false;
                self.writer.array_header(2)?;
                self.writer.int(key)
            }
            None => self.refused(format_args!(
                "variant {variant} of the enum {name} has data, and C# writes that as a [Union] of a key and a body: name the variant by its \
                 key, #[serde(rename = \"0\")]"
            )),
        }
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.writer.str(text)
    }
}

macro_rules! integers {
    ($($method:ident, $type:ty, $full:ident, $short:ident as $wide:ty;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<()> {
            if self.in_object {
                return self.writer.$full(value);
            }
            self.writer.$short(<$wide>::from(value))
        }
    )*};
}

impl<'s, 'w> ::serde::Serializer for &'s mut Serializer<'w> {
    type Ok = ();
    type Error = CodecError;
    type SerializeSeq = Container<'s, 'w>;
    type SerializeTuple = Container<'s, 'w>;
    type SerializeTupleStruct = Container<'s, 'w>;
    type SerializeTupleVariant = Container<'s, 'w>;
    type SerializeMap = Container<'s, 'w>;
    type SerializeStruct = Container<'s, 'w>;
    type SerializeStructVariant = Container<'s, 'w>;

    integers! {
        serialize_i8, i8, full_i8, int as i64;
        serialize_i16, i16, full_i16, int as i64;
        serialize_i32, i32, full_i32, int as i64;
        serialize_i64, i64, full_i64, int as i64;
        serialize_u16, u16, full_u16, uint as u64;
        serialize_u32, u32, full_u32, uint as u64;
        serialize_u64, u64, full_u64, uint as u64;
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<()> {
        if self.in_object {
            return self.writer.full_u8(value);
        }
        if self.in_list {
            return self.refused(format_args!(
                "a Vec<u8> or a slice looks to serde like any list, and C# writes byte[] and List<byte> differently: give the member \
                 #[serde(with = \"backrun::codec::serde::bytes\")] for byte[], or \"backrun::codec::serde::list\" for List<byte>"
            ));
        }
        self.writer.uint(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result<()> {
        self.wide(value.to_le_bytes())
    }

    fn serialize_u128(self, value: u128) -> Result<()> {
        self.wide(value.to_le_bytes())
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        self.writer.bool(value)
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.writer.f32(value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.writer.f64(value)
    }

    fn serialize_char(self, value: char) -> Result<()> {
        match u16::try_from(u32::from(value)) {
            Ok(unit) => self.writer.uint(unit.into()),
            Err(_) => {
                self.refused(format_args!("{value:?} takes two of C#'s chars: use codec::dotnet::Rune, or a text"))
            }
        }
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.writer.str(value)
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.writer.bin(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.writer.nil()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        // `List<byte?>` has one form only.
        self.in_list = false;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.writer.nil()
    }

    /// A class without members.
    fn serialize_unit_struct(self, name: &'static str) -> Result<()> {
        SerializeStruct::end(self.object(name, 0)?)
    }

    fn serialize_unit_variant(self, name: &'static str, _: u32, variant: &'static str) -> Result<()> {
        match number(variant) {
            Some(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => self.writer.int(value),
                (_, Ok(value)) => self.writer.uint(value),
                _ => self.refused(format_args!("variant {variant} of the enum {name} is named by a number of more than 64 bits")),
            },
            None if self.enums == Enums::Names => self.writer.str(variant),
            None => self.refused(format_args!(
                "C# writes an enum as its number, and serde knows only the name {variant} of the enum {name}: name each variant by its number, \
                 #[serde(rename = \"1\")], or derive with serde_repr; for peers with DynamicEnumAsStringResolver set Options::enums to \
                 Enums::Names"
            )),
        }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<()> {
        self.in_list = false;
        match name {
            EXTENSION => value.serialize(&mut ExtensionSerializer::new(self.writer)),
            IN_OBJECT => {
                let around = std::mem::replace(&mut self.in_object, true);
                value.serialize(&mut *self)?;
                self.in_object = around;
                Ok(())
            }
            RUNE if self.writer.settings().version == Version::V2_5 => {
                self.refused(format_args!("MessagePack-CSharp 2.5 has no form for a Rune: use a text, or a number"))
            }
            PLAIN | RUNE => {
                let around = std::mem::replace(&mut self.in_object, false);
                value.serialize(&mut *self)?;
                self.in_object = around;
                Ok(())
            }
            RAW => value.serialize(&mut ExtensionSerializer::raw(self.writer)),
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.union(name, variant)?;
        self.enter()?;
        let around = std::mem::replace(&mut self.in_object, false);
        value.serialize(&mut *self)?;
        self.in_object = around;
        self.leave();
        Ok(())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Container<'s, 'w>> {
        self.list(length)
    }

    fn serialize_tuple(self, length: usize) -> Result<Container<'s, 'w>> {
        if length >= 8 {
            return self.refused(format_args!("{TUPLE_OR_ARRAY}"));
        }
        self.tuple(length)
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Container<'s, 'w>> {
        self.tuple(length)
    }

    /// A union's body that is a class with keys from 0 on.
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Container<'s, 'w>> {
        self.union(name, variant)?;
        let mut body = self.list(Some(length))?;
        body.to.in_object = false;
        body.due = Due::Members(length);
        Ok(body)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Container<'s, 'w>> {
        if length.is_none() && self.shape == Shape::Array {
            return self.refused(format_args!(
                "a struct with #[serde(flatten)] can only be a map, and structs are written as arrays here (Shape::Array): write its members \
                 out, or use Shape::Map"
            ));
        }
        let header = self.writer.bytes().len();
        self.writer.map_header(length.unwrap_or(0))?;
        self.container(header, length.map_or(Due::Unknown, Due::Exactly))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Container<'s, 'w>> {
        self.object(name, length)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Container<'s, 'w>> {
        self.union(name, variant)?;
        self.object(variant, length)
    }

    /// Times of chrono, jiff and time come this way.
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<()> {
        let mut text = Told::default();
        if write!(text, "{value}").is_err() {
            return Err(match text.refused {
                Some(refused) => CodecError::no_memory(self.writer.bytes().len(), refused),
                None => self.writer.error(Problem::Custom(Text::fixed("a value does not know how to show itself"))),
            });
        }
        if is_time(&text.text) {
            return self.refused(format_args!(
                "{} would be written as a text, which C# reads neither as a DateTime nor as a DateOnly: use codec::dotnet::DateTime, \
                 codec::dotnet::DateTimeOffset or codec::dotnet::DateOnly; a text that is to be one, as a String",
                text.text
            ));
        }
        self.text(&text.text)
    }

    /// Types that have a text for people have that one in C# too: `Guid`, above all.
    fn is_human_readable(&self) -> bool {
        true
    }
}

impl Serializer<'_> {
    fn wide(&mut self, little_endian: [u8; 16]) -> Result<()> {
        if self.writer.settings().version == Version::V2_5 {
            return self.refused(format_args!(
                "MessagePack-CSharp 2.5 has no form for numbers of 128 bits: use codec::dotnet::BigInteger"
            ));
        }
        self.writer.bin(&little_endian)
    }
}
