//! Rust's own types that have the wire form of a .NET type.

use crate::codec::{dotnet, Decode, Encode, Reader, Result, Writer};

macro_rules! integers {
    ($($type:ty, $name:literal, $write:ident as $wide:ty $(, $list:path)?;)*) => {$(
        impl Encode for $type {
            #[inline]
            fn encode(&self, writer: &mut Writer) -> Result<()> {
                writer.$write(<$wide>::from(*self))
            }
        }

        impl Decode<'_> for $type {
            #[inline]
            fn decode(reader: &mut Reader<'_>) -> Result<Self> {
                reader.integer_as($name)
            }

            $(fn decode_list(reader: &mut Reader<'_>) -> Result<Vec<Self>> {
                $list(reader)
            })?
        }
    )*};
}

integers! {
    u8, "a byte (0 to 255)", uint as u64, dotnet::bytes_as_list;
    u16, "a ushort (16 bits without a sign)", uint as u64;
    u32, "a uint (32 bits without a sign)", uint as u64;
    u64, "a ulong (64 bits without a sign)", uint as u64;
    i8, "an sbyte (-128 to 127)", int as i64;
    i16, "a short (16 bits with a sign)", int as i64;
    i32, "an int (32 bits with a sign)", int as i64;
    i64, "a long (64 bits with a sign)", int as i64;
}

macro_rules! plain {
    ($($type:ty, $method:ident;)*) => {$(
        impl Encode for $type {
            #[inline]
            fn encode(&self, writer: &mut Writer) -> Result<()> {
                writer.$method(*self)
            }
        }

        impl Decode<'_> for $type {
            #[inline]
            fn decode(reader: &mut Reader<'_>) -> Result<Self> {
                reader.$method()
            }
        }
    )*};
}

plain! {
    bool, bool;
    f32, f32;
    f64, f64;
}

impl Encode for str {
    #[inline]
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.str(self)
    }
}

impl Encode for String {
    #[inline]
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.str(self)
    }
}

impl Decode<'_> for String {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        reader.string()
    }
}

impl<'a> Decode<'a> for &'a str {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        reader.str()
    }
}

/// Bytes as `byte[]`, not as a list of numbers.
impl Encode for [u8] {
    #[inline]
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.bin(self)
    }
}

impl<'a> Decode<'a> for &'a [u8] {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        reader.bin()
    }
}

/// Nil.
impl Encode for () {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.nil()
    }
}

impl Decode<'_> for () {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        reader.nil()
    }
}

/// `Nullable<T>`, and every reference that may be null.
impl<T: Encode> Encode for Option<T> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        match self {
            Some(value) => value.encode(writer),
            None => writer.nil(),
        }
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Option<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        if reader.try_nil()? {
            return Ok(None);
        }
        T::decode(reader).map(Some)
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    #[inline]
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        (**self).encode(writer)
    }
}
