//! Collections of .NET, and what a slot of type `object` holds, through serde.

use crate::alloc::{self, Ensure};
use crate::codec::code::TIMESTAMP;
use crate::codec::dotnet::{Char, DateTime, Object, OrderedMap, Set, Stack};
use crate::codec::reader::timestamp_of;
use crate::codec::serde::with::{InObject, Maybe};
use crate::codec::serde::RAW;
use ::serde::de::{self, MapAccess, SeqAccess, Visitor};
use ::serde::ser::{SerializeMap, SerializeSeq};
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

fn no_memory<E: de::Error>(refused: alloc::NoMemory) -> E {
    E::custom(format_args!("there is no memory for {} bytes", refused.bytes))
}

impl<T: Serialize> Serialize for Stack<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut elements = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().rev().try_for_each(|element| elements.serialize_element(element))?;
        elements.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Stack<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut elements: Vec<T> = Deserialize::deserialize(deserializer)?;
        elements.reverse();
        Ok(Self(elements))
    }
}

impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de> + Ord> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Set::of(Deserialize::deserialize(deserializer)?).map_err(no_memory)
    }
}

impl<K: Serialize, V: Serialize> Serialize for OrderedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

/// What reads them refuses a key that comes twice.
impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for OrderedMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<K, V>(PhantomData<(K, V)>);

        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
            type Value = OrderedMap<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                entries(&mut map).map(OrderedMap)
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

fn entries<'de, K: Deserialize<'de>, V: Deserialize<'de>, A: MapAccess<'de>>(
    map: &mut A,
) -> Result<Vec<(K, V)>, A::Error> {
    let mut entries = Vec::new();
    while let Some(entry) = map.next_entry()? {
        entries.ensure(1).map_err(no_memory)?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Bytes that are MessagePack already, where the serializer is ours.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::I8(value) => InObject(value).serialize(serializer),
            Self::U8(value) => InObject(value).serialize(serializer),
            Self::I16(value) => InObject(value).serialize(serializer),
            Self::U16(value) => InObject(value).serialize(serializer),
            Self::I32(value) => InObject(value).serialize(serializer),
            Self::U32(value) => InObject(value).serialize(serializer),
            Self::I64(value) => InObject(value).serialize(serializer),
            Self::U64(value) => InObject(value).serialize(serializer),
            Self::F32(value) => serializer.serialize_f32(*value),
            Self::F64(value) => serializer.serialize_f64(*value),
            Self::Char(Char(unit)) => Char(*unit).serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::DateTime(time) => time.serialize(serializer),
            Self::Array(elements) => elements.serialize(serializer),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Other(bytes) => serializer.serialize_newtype_struct(RAW, &Raw(bytes)),
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

macro_rules! visits {
    ($($method:ident($type:ty) $variant:ident;)*) => {$(
        fn $method<E: de::Error>(self, value: $type) -> Result<Object, E> {
            Ok(Object::$variant(value))
        }
    )*};
}

impl<'de> Visitor<'de> for Any {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a slot of type object holds")
    }

    visits! {
        visit_bool(bool) Bool;
        visit_i8(i8) I8;
        visit_u8(u8) U8;
        visit_i16(i16) I16;
        visit_u16(u16) U16;
        visit_i32(i32) I32;
        visit_u32(u32) U32;
        visit_i64(i64) I64;
        visit_u64(u64) U64;
        visit_f32(f32) F32;
        visit_f64(f64) F64;
        visit_string(String) String;
        visit_byte_buf(Vec<u8>) Bytes;
    }

    fn visit_unit<E: de::Error>(self) -> Result<Object, E> {
        Ok(Object::Null)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Object, E> {
        let mut copy = String::new();
        copy.ensure(text.len()).map_err(no_memory)?;
        copy.push_str(text);
        Ok(Object::String(copy))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Object, E> {
        alloc::copy(bytes).map(Object::Bytes).map_err(no_memory)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Object, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.ensure(1).map_err(no_memory)?;
            array.push(element);
        }
        Ok(Object::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        entries(&mut map).map(Object::Map)
    }

    /// An extension.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, pair: D) -> Result<Object, D::Error> {
        let (code, Body(body)) = Deserialize::deserialize(pair)?;
        if code != TIMESTAMP {
            return Err(de::Error::custom(format_args!(
                "a timestamp was expected, and there is an extension of type {code}"
            )));
        }
        let (seconds, nanos) = timestamp_of(code, &body).map_err(de::Error::custom)?;
        DateTime::from_unix(seconds, nanos).map(Object::DateTime).ok_or_else(|| {
            de::Error::custom(format_args!("{seconds} does not fit into a DateTime (the years 1 to 9999)"))
        })
    }
}

struct Body<'de>(Cow<'de, [u8]>);

impl<'de> Deserialize<'de> for Body<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_bytes(Maybe)?;
        bytes.map(Self).ok_or_else(|| de::Error::custom("an extension without bytes"))
    }
}
