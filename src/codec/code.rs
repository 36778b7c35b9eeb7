//! The first byte of a value.

pub(crate) const NIL: u8 = 0xc0;
pub(crate) const NEVER_USED: u8 = 0xc1;
pub(crate) const FALSE: u8 = 0xc2;
pub(crate) const TRUE: u8 = 0xc3;
pub(crate) const BIN8: u8 = 0xc4;
pub(crate) const BIN16: u8 = 0xc5;
pub(crate) const BIN32: u8 = 0xc6;
pub(crate) const EXT8: u8 = 0xc7;
pub(crate) const EXT16: u8 = 0xc8;
pub(crate) const EXT32: u8 = 0xc9;
pub(crate) const FLOAT32: u8 = 0xca;
pub(crate) const FLOAT64: u8 = 0xcb;
pub(crate) const UINT8: u8 = 0xcc;
pub(crate) const UINT16: u8 = 0xcd;
pub(crate) const UINT32: u8 = 0xce;
pub(crate) const UINT64: u8 = 0xcf;
pub(crate) const INT8: u8 = 0xd0;
pub(crate) const INT16: u8 = 0xd1;
pub(crate) const INT32: u8 = 0xd2;
pub(crate) const INT64: u8 = 0xd3;
pub(crate) const FIXEXT1: u8 = 0xd4;
pub(crate) const FIXEXT2: u8 = 0xd5;
pub(crate) const FIXEXT4: u8 = 0xd6;
pub(crate) const FIXEXT8: u8 = 0xd7;
pub(crate) const FIXEXT16: u8 = 0xd8;
pub(crate) const STR8: u8 = 0xd9;
pub(crate) const STR16: u8 = 0xda;
pub(crate) const STR32: u8 = 0xdb;
pub(crate) const ARRAY16: u8 = 0xdc;
pub(crate) const ARRAY32: u8 = 0xdd;
pub(crate) const MAP16: u8 = 0xde;
pub(crate) const MAP32: u8 = 0xdf;
pub(crate) const FIXMAP: u8 = 0x80;
pub(crate) const FIXARRAY: u8 = 0x90;
pub(crate) const FIXSTR: u8 = 0xa0;
pub(crate) const NEGATIVE_FIXINT: u8 = 0xe0;

/// The code of a timestamp.
pub(crate) const TIMESTAMP: i8 = -1;
/// Those that MessagePack-CSharp has for itself: a message in LZ4 blocks, one in a single block, a value with the name of its type.
pub(crate) const LZ4_BLOCK_ARRAY: i8 = 98;
pub(crate) const LZ4_BLOCK: i8 = 99;
pub(crate) const TYPELESS: i8 = 100;

/// What sort of value stands somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Nil.
    Nil,
    /// A truth value.
    Bool,
    /// An integer of any width.
    Int,
    /// A floating-point number of either width.
    Float,
    /// Text.
    Str,
    /// Bytes.
    Bin,
    /// An array.
    Array,
    /// A map.
    Map,
    /// An extension, timestamps included.
    Ext,
    /// The one byte that begins nothing (0xc1).
    NeverUsed,
}

impl Kind {
    /// The sort of what begins with this byte.
    #[must_use]
    #[inline]
    pub const fn of(code: u8) -> Self {
        match code {
            0x00..=0x7f | UINT8..=INT64 | NEGATIVE_FIXINT..=0xff => Kind::Int,
            FIXMAP..=0x8f | MAP16 | MAP32 => Kind::Map,
            FIXARRAY..=0x9f | ARRAY16 | ARRAY32 => Kind::Array,
            FIXSTR..=0xbf | STR8..=STR32 => Kind::Str,
            NIL => Kind::Nil,
            NEVER_USED => Kind::NeverUsed,
            FALSE | TRUE => Kind::Bool,
            BIN8..=BIN32 => Kind::Bin,
            EXT8..=EXT32 | FIXEXT1..=FIXEXT16 => Kind::Ext,
            FLOAT32 | FLOAT64 => Kind::Float,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::Nil => "nil",
            Kind::Bool => "a truth value",
            Kind::Int => "an integer",
            Kind::Float => "a floating-point number",
            Kind::Str => "text",
            Kind::Bin => "bytes",
            Kind::Array => "an array",
            Kind::Map => "a map",
            Kind::Ext => "an extension",
            Kind::NeverUsed => "a byte that begins no value",
        }
    }
}
