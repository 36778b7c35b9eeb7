//! What can be wrong with bytes, or with a value that is to become bytes.

use crate::alloc::{NoMemory, Text};
use crate::codec::code::Kind;
use crate::error::Error;
use std::fmt;

/// Why something could not be read or written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecError {
    /// The byte where it was met, counted from 0: of the bytes that are read, or of those written so far.
    pub offset: usize,
    /// What it is.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes end before the value does.
    End {
        /// So many more would be needed at least.
        needed: usize,
    },
    /// Something else stands there.
    Unexpected {
        /// What was due.
        expected: &'static str,
        /// The byte that begins what stands there.
        code: u8,
    },
    /// An integer that the target cannot hold.
    OutOfRange {
        /// What stands there.
        value: i128,
        /// What was to hold it.
        target: &'static str,
    },
    /// An array or an extension of another length than its type has.
    WrongLength {
        /// What it was to be.
        target: &'static str,
        /// The length that its type has.
        expected: usize,
        /// The one that stands there.
        found: usize,
    },
    /// A length that the bytes left cannot hold.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are claimed.
        claimed: u64,
        /// How many bytes are left.
        left: usize,
    },
    /// An extension of another type.
    WrongExt {
        /// The type that was due, in words.
        expected: &'static str,
        /// The one that stands there.
        code: i8,
    },
    /// Arrays and maps lie deeper in each other than is allowed.
    TooDeep {
        /// How deep they may.
        limit: u32,
    },
    /// A text or a number that is none of the type's.
    Malformed {
        /// The type.
        target: &'static str,
        /// What is wrong with it.
        why: Text,
    },
    /// A key that was there before.
    DuplicateKey,
    /// A type name that may not be made into a value.
    Refused(Text),
    /// A length that MessagePack has no header for, or a count that was not kept.
    TooLong {
        /// Of what.
        what: &'static str,
        /// How long it is.
        length: u64,
        /// How long it may be.
        limit: u64,
    },
    /// The version or the settings have no form for it.
    NotSupported(Text),
    /// What a type's own code says of its value.
    Custom(Text),
    /// There is no memory.
    NoMemory {
        /// About how many bytes were asked for.
        bytes: usize,
    },
}

impl CodecError {
    /// An error at a byte.
    #[must_use]
    pub const fn at(offset: usize, problem: Problem) -> Self {
        Self { offset, problem }
    }

    pub(crate) fn no_memory(offset: usize, refused: NoMemory) -> Self {
        Self::at(offset, Problem::NoMemory { bytes: refused.bytes })
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::End { needed } => write!(f, "the bytes end, and at least {needed} more are due"),
            Problem::Unexpected { expected, code } => {
                write!(f, "{expected} was expected, and there is {} (0x{code:02x})", Kind::of(*code).name())
            }
            Problem::OutOfRange { value, target } => write!(f, "{value} does not fit into {target}"),
            Problem::WrongLength { target, expected, found } => {
                write!(f, "{target} has length {expected}, and there is one of length {found}")
            }
            Problem::TooMany { what, claimed, left } => {
                write!(f, "{claimed} {what} are claimed, and only {left} bytes are left")
            }
            Problem::WrongExt { expected, code } => {
                write!(f, "{expected} was expected, and there is an extension of type {code}")
            }
            Problem::TooDeep { limit } => {
                write!(f, "arrays and maps lie more than {limit} deep in each other (max_depth)")
            }
            Problem::Malformed { target, why } => write!(f, "this is no {target}: {why}"),
            Problem::DuplicateKey => f.write_str("this key has been there before"),
            Problem::Refused(why) => write!(f, "{why}"),
            Problem::TooLong { what, length, limit } => write!(f, "{what} of {length}: at most {limit} are possible"),
            Problem::NotSupported(why) | Problem::Custom(why) => write!(f, "{why}"),
            Problem::NoMemory { bytes } => write!(f, "there is no memory for {bytes} bytes"),
        }
    }
}

impl std::error::Error for CodecError {}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        match error.problem {
            Problem::NoMemory { bytes } => NoMemory { bytes }.into(),
            _ => Error::InvalidPayload(Text::say(format_args!("{error}"))),
        }
    }
}
