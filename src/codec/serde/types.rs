//! The types of .NET through serde, to the same bytes as through `Encode`. They do in other formats too, in the form that lies
//! nearest; a `DateTime` is there the extension that serde's MessagePack libraries know.

use crate::codec::code::TIMESTAMP;
use crate::codec::dotnet::{
    BigInteger, BitArray, Bytes, Char, Complex, DateOnly, DateTime, DateTimeOffset, Decimal, Guid, Half, MultiArray,
    NativeDateTime, NativeDecimal, NativeGuid, Pair, Rune, TimeOnly, TimeSpan, Uri, VersionNumber,
};
use crate::codec::reader::timestamp_of;
use crate::codec::serde::with::{bytes, Maybe};
use crate::codec::serde::{EXTENSION, PLAIN, RUNE};
use crate::codec::writer::timestamp_body;
use crate::codec::{decode, encode, Decode, Encode, Reader, Result};
use ::serde::de::{self, SeqAccess, Unexpected, Visitor};
use ::serde::ser::{self, SerializeTuple};
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// What is written as a text.
macro_rules! texts {
    ($($type:ty, $name:literal, |$value:ident| $text:expr, |$read:ident| $parsed:expr;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let $value = self;
                $text(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                struct Text;

                impl Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($name)
                    }

                    fn visit_str<E: de::Error>(self, $read: &str) -> std::result::Result<$type, E> {
                        $parsed
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    )*};
}

texts! {
    Guid, "a Guid as text", |guid| |to: S| to.serialize_str(std::str::from_utf8(&guid.text()).unwrap_or_default()),
        |text| text.parse().map_err(problem);
    Decimal, "a decimal as text",
        |decimal| |to: S| to.serialize_str(std::str::from_utf8(decimal.text(&mut [0; 32])).unwrap_or_default()),
        |text| text.parse().map_err(problem);
    VersionNumber, "a Version as text", |version| |to: S| {
        let bytes = encode(version).map_err(ser::Error::custom)?;
        to.serialize_str(Reader::new(&bytes).str().map_err(ser::Error::custom)?)
    }, |text| text.parse().map_err(problem);
}

/// What a type says of a text or a number of its own, without the byte, which it does not know.
#[cold]
fn problem<E: de::Error>(error: crate::codec::CodecError) -> E {
    E::custom(error.problem)
}

impl Serialize for Uri {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Uri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// What is written as a number, also in a slot of type `object` as short as can be.
macro_rules! numbers {
    ($($type:ty, $name:expr, $wire:ty, |$value:ident| $number:expr, |$read:ident| $back:expr;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let $value = self;
                let number: Result<$wire> = $number;
                serializer.serialize_newtype_struct($name, &number.map_err(ser::Error::custom)?)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let $read = <$wire>::deserialize(deserializer)?;
                let value: Result<$type> = $back;
                value.map_err(problem)
            }
        }
    )*};
}

numbers! {
    TimeSpan, PLAIN, i64, |span| Ok(span.0), |ticks| Ok(TimeSpan(ticks));
    Char, PLAIN, u16, |char| Ok(char.0), |unit| Ok(Char(unit));
    Half, PLAIN, f32, |half| Ok(half.to_f32()), |float| Ok(Half::from_f32(float));
    DateOnly, PLAIN, i64, |date| wire(date), |day| unwire(day);
    TimeOnly, PLAIN, i64, |time| wire(time), |ticks| unwire(ticks);
    NativeDateTime, PLAIN, i64, |time| wire(time), |binary| unwire(binary);
    Rune, RUNE, u32, |rune| Ok(rune.0.into()), |point| unwire(point.into());
}

/// The number that a value is on the wire, by its own rules.
fn wire<T: Encode>(value: &T) -> Result<i64> {
    Reader::new(&encode(value)?).int()
}

fn unwire<T: for<'a> Decode<'a>>(number: i64) -> Result<T> {
    decode(&encode(&number)?)
}

/// What is written as bytes.
macro_rules! byte_arrays {
    ($($type:ty;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let wire = encode(self).map_err(ser::Error::custom)?;
                serializer.serialize_bytes(Reader::new(&wire).bin().map_err(ser::Error::custom)?)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let bytes: Cow<'de, [u8]> = bytes::deserialize(deserializer)?;
                encode(&*bytes).and_then(|wire| decode(&wire)).map_err(problem)
            }
        }
    )*};
}

byte_arrays! {
    NativeGuid;
    NativeDecimal;
    BigInteger;
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        bytes::deserialize(deserializer).map(Self)
    }
}

/// The pair that an extension is to serde.
struct Timestamp<'a>(&'a [u8]);

impl Serialize for Timestamp<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        struct Body<'a>(&'a [u8]);

        impl Serialize for Body<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_bytes(self.0)
            }
        }

        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&TIMESTAMP)?;
        pair.serialize_element(&Body(self.0))?;
        pair.end()
    }
}

const A_DATE_TIME: &str = "a DateTime (the years 1 to 9999)";

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if !(0..=Self::MAX_TICKS).contains(&self.ticks) {
            return Err(ser::Error::custom(format_args!("{} ticks do not fit into {A_DATE_TIME}", self.ticks)));
        }
        let (seconds, nanos) = self.to_unix();
        let (body, length) = timestamp_body(seconds, nanos);
        serializer.serialize_newtype_struct(EXTENSION, &Timestamp(&body[..length]))
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Extension;

        impl<'de> Visitor<'de> for Extension {
            type Value = DateTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a timestamp")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, pair: D) -> std::result::Result<DateTime, D::Error> {
                pair.deserialize_tuple(2, self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> std::result::Result<DateTime, A::Error> {
                let code: Option<i8> = pair.next_element()?;
                let body: Option<Body<'de>> = pair.next_element()?;
                let (Some(code), Some(Body(body))) = (code, body) else {
                    return Err(de::Error::invalid_length(0, &self));
                };
                let (seconds, nanos) = timestamp_of(code, &body).map_err(de::Error::custom)?;
                DateTime::from_unix(seconds, nanos)
                    .ok_or_else(|| de::Error::custom(format_args!("{seconds} does not fit into {A_DATE_TIME}")))
            }
        }

        struct Body<'de>(Cow<'de, [u8]>);

        impl<'de> Deserialize<'de> for Body<'de> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let bytes = deserializer.deserialize_bytes(Maybe)?;
                bytes.map(Self).ok_or_else(|| de::Error::invalid_type(Unexpected::Unit, &"bytes"))
            }
        }

        deserializer.deserialize_newtype_struct(EXTENSION, Extension)
    }
}

impl Serialize for DateTimeOffset {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if let Some(problem) = self.problem() {
            return Err(ser::Error::custom(problem));
        }
        (DateTime::utc(self.local_ticks), self.offset_minutes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DateTimeOffset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let (DateTime { ticks: local_ticks, .. }, offset_minutes) = Deserialize::deserialize(deserializer)?;
        let value = Self { local_ticks, offset_minutes };
        match value.problem() {
            Some(problem) => Err(de::Error::custom(problem)),
            None => Ok(value),
        }
    }
}

impl Serialize for Complex {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        (self.real, self.imaginary).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Complex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let (real, imaginary) = Deserialize::deserialize(deserializer)?;
        Ok(Self { real, imaginary })
    }
}

impl<K: Serialize, V: Serialize> Serialize for Pair<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        (&self.0, &self.1).serialize(serializer)
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Pair<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let (key, value) = Deserialize::deserialize(deserializer)?;
        Ok(Self(key, value))
    }
}

impl Serialize for BitArray {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BitArray {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Self)
    }
}

impl<T: Serialize, const RANK: usize> Serialize for MultiArray<T, RANK> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if !self.is_whole() {
            return Err(ser::Error::custom(Self::problem(&self.lengths, self.elements.len())));
        }
        let mut tuple = serializer.serialize_tuple(RANK + 1)?;
        self.lengths.iter().try_for_each(|length| tuple.serialize_element(length))?;
        tuple.serialize_element(&self.elements)?;
        tuple.end()
    }
}

impl<'de, T: Deserialize<'de>, const RANK: usize> Deserialize<'de> for MultiArray<T, RANK> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Parts<T, const RANK: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const RANK: usize> Visitor<'de> for Parts<T, RANK> {
            type Value = MultiArray<T, RANK>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{RANK} lengths and their elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> std::result::Result<Self::Value, A::Error> {
                let mut lengths = [0; RANK];
                for (index, length) in lengths.iter_mut().enumerate() {
                    *length = parts.next_element()?.ok_or_else(|| de::Error::invalid_length(index, &self))?;
                }
                let elements = parts.next_element()?.ok_or_else(|| de::Error::invalid_length(RANK, &self))?;
                let value = MultiArray { lengths, elements };
                if !value.is_whole() {
                    return Err(de::Error::custom(Self::Value::problem(&value.lengths, value.elements.len())));
                }
                Ok(value)
            }
        }

        deserializer.deserialize_tuple(RANK + 1, Parts(PhantomData))
    }
}
