//! How MessagePack is written and read: what writers, readers and whole payloads have in common.

use super::handler::check_flags;
use super::structs::{read, Versioned};
use super::submit::{BACKRUN_PAYLOAD_LZ4_BLOCK, BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY};
use crate::codec::lz4::Compression;
use crate::codec::typeless::Begun;
use crate::codec::{Settings, TypeName, Version};
use crate::error::{Error, Result};

/// MessagePack-CSharp 2.5 is on the other side.
pub const BACKRUN_MESSAGEPACK_2_5: u32 = 1;
/// MessagePack-CSharp 3.1 is on the other side. The default.
pub const BACKRUN_MESSAGEPACK_3_1: u32 = 2;

/// Write no str8 and no bin, for peers from before 2013 (MessagePack-CSharp's OldSpec). Both are read in any case.
pub const BACKRUN_CODEC_OLD_SPEC: u32 = 1;

/// How MessagePack is written and read. All zero but for `struct_size` is every default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_codec_settings {
    /// sizeof(backrun_codec_settings).
    pub struct_size: u32,
    /// One of BACKRUN_MESSAGEPACK_2_5 and its kin. 0: 3.1. Their bytes differ in few places.
    pub version: u32,
    /// The sum of BACKRUN_CODEC_OLD_SPEC and its kin. 0: none.
    pub flags: u32,
    /// How deep arrays and maps that are read may lie in each other; what is skipped may be deeper. 0: 500.
    pub max_depth: u32,
    /// BACKRUN_PAYLOAD_LZ4_BLOCK or BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY: what functions of whole payloads (backrun_payload_to_json and its kin) read may be compressed in
    /// either way, or not at all, and what they write is compressed in this one. Writers and readers do not look at it. 0: nothing is compressed.
    pub compression: u32,
    /// 0.
    pub reserved: u32,
    /// How many bytes a compressed payload may have when it is decompressed. 0: 64 MiB.
    pub max_decompressed: u64,
}

// SAFETY: integers; no padding.
unsafe impl Versioned for backrun_codec_settings {
    const NAME: &'static str = "backrun_codec_settings";
    const FIRST_SIZE: usize = 32;
}

impl backrun_codec_settings {
    fn to_settings(self) -> Result<Settings> {
        if self.flags & !BACKRUN_CODEC_OLD_SPEC != 0 {
            return Err(Error::invalid(format_args!(
                "backrun_codec_settings.flags is {:#x}; pass a sum of BACKRUN_CODEC_OLD_SPEC and its kin, or 0",
                self.flags
            )));
        }
        let version = match self.version {
            0 | BACKRUN_MESSAGEPACK_3_1 => Version::V3_1,
            BACKRUN_MESSAGEPACK_2_5 => Version::V2_5,
            other => {
                return Err(Error::invalid(format_args!(
                    "backrun_codec_settings.version is {other}; pass one of BACKRUN_MESSAGEPACK_2_5 and its kin, or 0 for 3.1"
                )))
            }
        };
        let compression = match self.compression {
            0 => Compression::None,
            BACKRUN_PAYLOAD_LZ4_BLOCK => Compression::Lz4Block,
            BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY => Compression::Lz4BlockArray,
            other => {
                return Err(Error::invalid(format_args!(
                    "backrun_codec_settings.compression is {other}; pass BACKRUN_PAYLOAD_LZ4_BLOCK or BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY, or 0 for none"
                )))
            }
        };
        check_flags(self.reserved, "backrun_codec_settings.reserved")?;
        let usual = Settings::default();
        Ok(Settings {
            version,
            old_spec: self.flags & BACKRUN_CODEC_OLD_SPEC != 0,
            max_depth: if self.max_depth == 0 { usual.max_depth } else { self.max_depth },
            compression,
            max_decompressed: if self.max_decompressed == 0 { usual.max_decompressed } else { self.max_decompressed },
        })
    }
}

/// The settings of a call; NULL is every default.
///
/// # Safety
/// `settings` is NULL or points to `struct_size` readable bytes.
pub(super) unsafe fn settings_of(settings: *const backrun_codec_settings) -> Result<Settings> {
    if settings.is_null() {
        return Ok(Settings::default());
    }
    // SAFETY: the caller's contract.
    unsafe { read(settings) }?.to_settings()
}

/// A writer or a reader, whose first error sticks.
pub(super) trait Sticks {
    fn failed(&mut self) -> &mut Option<Error>;

    /// Does something, unless something before it has failed: then that is the answer again.
    fn sticking<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if let Some(failed) = self.failed() {
            return Err(failed.clone());
        }
        let result = body(self);
        if let Err(error) = &result {
            *self.failed() = Some(error.clone());
        }
        result
    }
}

/// An array, a map or a typed value that was begun and not ended.
pub(super) struct Open {
    pub(super) kind: OpenKind,
    /// The byte where it begins.
    pub(super) at: usize,
    /// How many values it has, keys included.
    pub(super) count: u64,
    /// How many of them are still to come.
    pub(super) due: u64,
    /// Of a typed value that is written.
    pub(super) begun: Option<Begun>,
}

/// How many values stand behind the name of a type: one, or none where the name is all there is.
pub(super) fn values_of(type_name: &str) -> usize {
    usize::from(!TypeName::parse(type_name).is_ok_and(|name| name.is("System.Object")))
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenKind {
    Array,
    Map,
    /// One value with the name of its type before it.
    Typed,
}

impl Open {
    pub(super) fn array(at: usize, count: usize) -> Self {
        Self { kind: OpenKind::Array, at, count: count as u64, due: count as u64, begun: None }
    }

    pub(super) fn map(at: usize, keys: usize) -> Self {
        let count = 2 * keys as u64;
        Self { kind: OpenKind::Map, at, count, due: count, begun: None }
    }

    /// `values`: those of [`values_of`].
    pub(super) fn typed(at: usize, values: usize) -> Self {
        Self { kind: OpenKind::Typed, at, count: values as u64, due: values as u64, begun: None }
    }

    /// Whether the next value is the key of a map.
    pub(super) fn is_at_key(&self) -> bool {
        self.kind == OpenKind::Map && self.due > 0 && self.due % 2 == 0
    }
}

impl std::fmt::Display for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            OpenKind::Array => write!(f, "the array of {} elements that begins at byte {}", self.count, self.at),
            OpenKind::Map => write!(f, "the map of {} keys that begins at byte {}", self.count / 2, self.at),
            OpenKind::Typed => write!(f, "the typed value that begins at byte {}", self.at),
        }
    }
}

/// How much of a container is there, for messages.
pub(super) struct Had<'a>(pub(super) &'a Open);

impl std::fmt::Display for Had<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let had = self.0.count - self.0.due;
        match self.0.kind {
            OpenKind::Array => write!(f, "{had}"),
            OpenKind::Typed => f.write_str("only its type's name"),
            OpenKind::Map if had % 2 == 0 => write!(f, "{}", had / 2),
            OpenKind::Map => write!(f, "{} and a key without its value", had / 2),
        }
    }
}
