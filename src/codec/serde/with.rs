//! For members that serde cannot tell apart: `#[serde(with = "backrun::codec::serde::bytes")]` and its like.

use crate::codec::serde::IN_OBJECT;
use ::serde::de::IgnoredAny;
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A member that is gone, whose place in a class with int keys stays: nil, and whatever an older or newer peer writes there is
/// skipped. Not needed where members are named by number: what lies between two is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gone;

impl Serialize for Gone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Gone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Gone)
    }
}

/// A value in a slot of type `object`: integers at the full width of their type, from which C# tells the type again. In a list or a
/// map so are its elements, as in `object[]` and `Dictionary<string, object>`; not in a struct, whose members have types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct InObject<T>(pub T);

impl<T: Serialize> Serialize for InObject<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object::serialize(&self.0, serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// A member of type `object`: as [`InObject`].
pub mod object {
    use super::*;

    /// As C# writes it into a slot of type `object`.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Serialize + ?Sized, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(IN_OBJECT, value)
    }

    /// Whatever its width.
    ///
    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}

pub(super) use self::bytes::Maybe;

/// A `byte[]`: `Vec<u8>`, `Box<[u8]>`, `[u8; N]`, `&[u8]`, each also in an `Option`.
pub mod bytes {
    use super::*;
    use crate::alloc;
    use ::serde::de::{Error, SeqAccess, Visitor};
    use std::borrow::Cow;
    use std::fmt;

    /// What holds bytes, or none.
    pub trait Bytes {
        /// Them.
        fn bytes(&self) -> Option<&[u8]>;
    }

    macro_rules! bytes {
        ($($type:ty $(, $n:ident)?;)*) => {$(
            impl$(<const $n: usize>)? Bytes for $type {
                fn bytes(&self) -> Option<&[u8]> {
                    Some(self)
                }
            }
        )*};
    }

    bytes! {
        [u8];
        Vec<u8>;
        Box<[u8]>;
        [u8; N], N;
    }

    impl<T: Bytes + ?Sized> Bytes for &T {
        fn bytes(&self) -> Option<&[u8]> {
            (**self).bytes()
        }
    }

    impl<T: Bytes> Bytes for Option<T> {
        fn bytes(&self) -> Option<&[u8]> {
            self.as_ref().and_then(Bytes::bytes)
        }
    }

    /// What can be made of bytes.
    pub trait FromBytes<'de>: Sized {
        /// `None`: nil stands there.
        ///
        /// # Errors
        /// There are too few or too many, or there is no memory.
        fn from_bytes<E: Error>(bytes: Option<Cow<'de, [u8]>>) -> Result<Self, E>;
    }

    impl<'de> FromBytes<'de> for Vec<u8> {
        fn from_bytes<E: Error>(bytes: Option<Cow<'de, [u8]>>) -> Result<Self, E> {
            match some(bytes)? {
                Cow::Owned(bytes) => Ok(bytes),
                Cow::Borrowed(bytes) => alloc::copy(bytes)
                    .map_err(|refused| E::custom(format_args!("there is no memory for {} bytes", refused.bytes))),
            }
        }
    }

    impl<'de> FromBytes<'de> for Box<[u8]> {
        fn from_bytes<E: Error>(bytes: Option<Cow<'de, [u8]>>) -> Result<Self, E> {
            Vec::from_bytes(bytes).map(Vec::into_boxed_slice)
        }
    }

    impl<'de, const N: usize> FromBytes<'de> for [u8; N] {
        fn from_bytes<E: Error>(bytes: Option<Cow<'de, [u8]>>) -> Result<Self, E> {
            let bytes = some(bytes)?;
            (&*bytes)
                .try_into()
                .map_err(|_| E::custom(format_args!("{N} bytes were expected, and there are {}", bytes.len())))
        }
    }

    impl<'de> FromBytes<'de> for &'de [u8] {
        fn from_bytes<E: Error>(bytes: Option<Cow<'de, [u8]>>) -> Result<Self, E> {
            match some(bytes)? {
                Cow::Borrowed(bytes) => Ok(bytes),
                Cow::Owned(_) => Err(E::custom("these bytes cannot be borrowed: use a Vec<u8>")),
            }
        }
    }

    impl<'de> FromBytes<'de> for Cow<'de, [u8]> {
        fn from_bytes<E: Error>(bytes: Option<Cow<'de, [u8]>>) -> Result<Self, E> {
            some(bytes)
        }
    }

    impl<'de, T: FromBytes<'de>> FromBytes<'de> for Option<T> {
        fn from_bytes<E: Error>(bytes: Option<Cow<'de, [u8]>>) -> Result<Self, E> {
            bytes.map(|bytes| T::from_bytes(Some(bytes))).transpose()
        }
    }

    fn some<E: Error>(bytes: Option<Cow<'_, [u8]>>) -> Result<Cow<'_, [u8]>, E> {
        bytes.ok_or_else(|| E::custom("bytes were expected, and there is nil: a byte[] that may be null is an Option"))
    }

    /// As bytes.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Bytes + ?Sized, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        match value.bytes() {
            Some(bytes) => serializer.serialize_bytes(bytes),
            None => serializer.serialize_none(),
        }
    }

    /// From bytes, or a list of them.
    ///
    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, T: FromBytes<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::from_bytes(deserializer.deserialize_option(Maybe)?)
    }

    /// Bytes, or nil.
    pub(in crate::codec::serde) struct Maybe;

    impl<'de> Visitor<'de> for Maybe {
        type Value = Option<Cow<'de, [u8]>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_byte_buf(Maybe)
        }

        fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
            Ok(Some(Cow::Borrowed(bytes)))
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            self.visit_byte_buf(Vec::from_bytes(Some(Cow::Borrowed(bytes)))?)
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(bytes)))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
            use crate::alloc::Ensure;
            let mut bytes = Vec::new();
            while let Some(byte) = elements.next_element::<u8>()? {
                bytes.ensure(1).map_err(|_| A::Error::custom("there is no memory for these bytes"))?;
                bytes.push(byte);
            }
            Ok(Some(Cow::Owned(bytes)))
        }
    }
}

/// A `List<byte>`: `Vec<u8>`, `Box<[u8]>`, also in an `Option`. C# writes it as an array of numbers.
pub mod list {
    use super::bytes::Bytes;
    use super::*;

    /// As an array of numbers.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Bytes + ?Sized, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        match value.bytes() {
            Some(bytes) => serializer.collect_seq(bytes.iter().map(Byte)),
            None => serializer.serialize_none(),
        }
    }

    /// From an array of numbers, or bytes.
    ///
    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }

    /// One that is meant to be a number.
    struct Byte<'a>(&'a u8);

    impl Serialize for Byte<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_struct("Byte", self.0)
        }
    }
}

/// A `T[]` that has a fixed length here: `[T; N]`.
pub mod array {
    use super::*;
    use crate::alloc;
    use ::serde::de::{Error, SeqAccess, Visitor};
    use std::fmt;
    use std::marker::PhantomData;

    /// As a list.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Serialize, S: Serializer, const N: usize>(
        value: &[T; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(value)
    }

    /// From a list of exactly that length.
    ///
    /// # Errors
    /// The deserializer's, and where the length is another.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[T; N], D::Error> {
        deserializer.deserialize_seq(OfLength(PhantomData))
    }

    struct OfLength<T, const N: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for OfLength<T, N> {
        type Value = [T; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an array of {N}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
            let mut found = alloc::list(N).map_err(|_| A::Error::custom("there is no memory for this array"))?;
            while found.len() < N {
                match elements.next_element()? {
                    Some(element) => found.push(element),
                    None => return Err(A::Error::invalid_length(found.len(), &self)),
                }
            }
            found.try_into().map_err(|_| A::Error::invalid_length(N, &self))
        }
    }
}

/// A reference that may be null where this side has a value in any case: nil is the default. For `deserialize_with` and `with`.
pub mod or_default {
    use super::*;

    /// As it is.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Serialize + ?Sized, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    /// The value, or the default where nil stands.
    ///
    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        Option::deserialize(deserializer).map(Option::unwrap_or_default)
    }
}
