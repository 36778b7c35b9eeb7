//! MessagePack as MessagePack-CSharp writes and reads it, byte for byte: versions 2.5 and 3.1 (docs/messagepack.md).
//!
//! [`Writer`] appends values to a buffer, [`Reader`] takes them from bytes without copying. What has a wire form of its own
//! implements [`Encode`] and [`Decode`]. Nothing here trusts what it reads: every length is held against the bytes that are
//! there, depth has a limit, and an error names the byte where it was met and what was expected.

mod code;
pub mod dotnet;
mod error;
mod json;
pub mod lz4;
mod reader;
mod scalars;
pub mod serde;
mod short;
#[cfg(all(test, not(loom)))]
mod tests;
pub mod type_name;
pub mod typeless;
mod validate;
mod writer;

pub use self::serde::{from_slice, to_vec};
pub use code::Kind;
pub use error::{CodecError, Problem};
pub use json::{from_json, to_json};
pub use lz4::Compression;
pub use reader::Reader;
pub use type_name::TypeName;
pub(crate) use validate::one_value;
pub use validate::validate;
pub use writer::Writer;

/// What the codec answers.
pub type Result<T> = std::result::Result<T, CodecError>;

/// Which release line of MessagePack-CSharp is on the other side. Their bytes are equal but for the few places that
/// docs/messagepack.md lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Version {
    /// 2.5.
    V2_5,
    /// 3.1.
    #[default]
    V3_1,
}

/// How deep arrays and maps may lie in each other where nothing else is said: what MessagePack-CSharp 3.1 allows.
pub const DEFAULT_MAX_DEPTH: u32 = 500;

/// How values are written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Who is on the other side.
    pub version: Version,
    /// Writes no str8 and no bin, for peers from before 2013 (MessagePack-CSharp's `OldSpec`). Reading takes both always.
    pub old_spec: bool,
    /// How deep arrays and maps that are read may lie in each other. What is skipped has no limit, and needs none.
    pub max_depth: u32,
    /// Whether whole messages are compressed. It is heeded where a message is taken or given as a whole: by
    /// [`lz4::compress`] and [`lz4::decompress`] as their caller says, by [`to_json`] and [`from_json`]; not by [`Writer`] and [`Reader`].
    pub compression: Compression,
    /// How many bytes a compressed message may have when it is not: a bomb is refused.
    pub max_decompressed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: Version::default(),
            old_spec: false,
            max_depth: DEFAULT_MAX_DEPTH,
            compression: Compression::default(),
            max_decompressed: lz4::DEFAULT_MAX_DECOMPRESSED,
        }
    }
}

/// A value with a wire form.
pub trait Encode {
    /// Appends the value.
    ///
    /// # Errors
    /// [`Problem::NoMemory`], [`Problem::TooLong`], and where the value has no form in the settings' version
    /// [`Problem::NotSupported`].
    fn encode(&self, writer: &mut Writer) -> Result<()>;
}

/// A value that can be made from its wire form.
pub trait Decode<'a>: Sized {
    /// Takes the value.
    ///
    /// # Errors
    /// What stands there is another thing, is out of range, or ends early.
    fn decode(reader: &mut Reader<'a>) -> Result<Self>;

    /// Takes a list of such values: an array, but where MessagePack-CSharp takes something else too.
    ///
    /// # Errors
    /// Likewise.
    #[doc(hidden)]
    fn decode_list(reader: &mut Reader<'a>) -> Result<Vec<Self>> {
        dotnet::elements(reader, Self::decode)
    }
}

/// The bytes of one value.
///
/// # Errors
/// As [`Encode::encode`].
pub fn encode<T: Encode + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    value.encode(&mut writer)?;
    Ok(writer.into_bytes())
}

/// The value at the beginning of some bytes. What follows it is ignored, as MessagePack-CSharp does.
///
/// # Errors
/// As [`Decode::decode`].
pub fn decode<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T> {
    T::decode(&mut Reader::new(bytes))
}
