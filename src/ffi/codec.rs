//! How MessagePack is written and read: what writers, readers and whole payloads have in common.

use super::structs::{read, Versioned};
use crate::codec::{Settings, Version, DEFAULT_MAX_DEPTH};
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
}

// SAFETY: integers; no padding.
unsafe impl Versioned for backrun_codec_settings {
    const NAME: &'static str = "backrun_codec_settings";
    const FIRST_SIZE: usize = 16;
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
        Ok(Settings {
            version,
            old_spec: self.flags & BACKRUN_CODEC_OLD_SPEC != 0,
            max_depth: if self.max_depth == 0 { DEFAULT_MAX_DEPTH } else { self.max_depth },
            ..Settings::default()
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

/// An array, a map or a wrapped value that was begun and not ended.
pub(super) struct Open {
    pub(super) kind: OpenKind,
    /// The byte where it begins.
    pub(super) at: usize,
    /// How many values it has, keys included.
    pub(super) count: u64,
    /// How many of them are still to come.
    pub(super) due: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenKind {
    Array,
    Map,
}

impl Open {
    pub(super) fn array(at: usize, count: usize) -> Self {
        Self { kind: OpenKind::Array, at, count: count as u64, due: count as u64 }
    }

    pub(super) fn map(at: usize, keys: usize) -> Self {
        let count = 2 * keys as u64;
        Self { kind: OpenKind::Map, at, count, due: count }
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
            OpenKind::Map if had % 2 == 0 => write!(f, "{}", had / 2),
            OpenKind::Map => write!(f, "{} and a key without its value", had / 2),
        }
    }
}
