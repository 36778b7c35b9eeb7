//! Why a value could not be written or read.

use backrun::codec::{CodecError, Problem, Version};

#[derive(Debug, Clone)]
pub enum Stop {
    /// The codec says so.
    Codec(CodecError),
    /// A rule of a C# type that the codec's caller keeps: the exception that is due, and why.
    Refused(&'static str, String),
    /// It cannot be told without knowing more of C#: why.
    Unknown(String),
}

pub type Result<T> = std::result::Result<T, Stop>;

impl From<CodecError> for Stop {
    fn from(error: CodecError) -> Self {
        Stop::Codec(error)
    }
}

pub const SERIALIZATION: &str = "MessagePackSerializationException";
pub const END: &str = "EndOfStreamException";
pub const OVERFLOW: &str = "OverflowException";
pub const RANGE: &str = "ArgumentOutOfRangeException";
pub const ARGUMENT: &str = "ArgumentException";
pub const NULL: &str = "ArgumentNullException";
pub const OPERATION: &str = "InvalidOperationException";
pub const STACK: &str = "InsufficientExecutionStackException";
pub const UNSUPPORTED: &str = "NotSupportedException";
pub const CAST: &str = "InvalidCastException";
pub const ACCESS: &str = "TypeAccessException";
pub const FORMAT: &str = "FormatException";
pub const NO_FORMATTER: &str = "FormatterNotRegisteredException";

impl Stop {
    pub fn refused<T>(kind: &'static str, why: impl Into<String>) -> Result<T> {
        Err(Stop::Refused(kind, why.into()))
    }

    pub fn unknown<T>(why: impl Into<String>) -> Result<T> {
        Err(Stop::Unknown(why.into()))
    }

    /// The exceptions of the library that say the same. Several where the library tells apart what is one problem for the codec: of a text
    /// that is no value of its type each formatter has an exception of its own.
    pub fn kinds(&self, version: Version) -> Vec<&'static str> {
        let error = match self {
            Stop::Codec(error) => error,
            Stop::Refused(kind, _) => return vec![kind],
            Stop::Unknown(_) => return Vec::new(),
        };
        let is_v2 = version == Version::V2_5;
        match &error.problem {
            Problem::End { .. } => vec![END],
            Problem::TooMany { what, claimed, .. } if *claimed > i32::MAX as u64 => {
                // Counts that .NET's int cannot hold.
                match (what.contains("bytes"), is_v2) {
                    (true, true) => vec![RANGE, END],
                    (false, false) => vec![OVERFLOW],
                    _ => vec![END],
                }
            }
            Problem::TooMany { .. } => vec![END],
            // Version 3 asks for a timestamp's bytes before it looks at the first.
            Problem::Unexpected { expected: "an extension", .. } if !is_v2 => vec![SERIALIZATION, END],
            Problem::Unexpected { .. } | Problem::WrongExt { .. } => vec![SERIALIZATION],
            Problem::WrongLength { target: "a union", .. } => vec![OPERATION],
            Problem::WrongLength { .. } => vec![SERIALIZATION],
            Problem::OutOfRange { target, .. } => {
                match ["Date", "Time", "date", "time", "offset"].iter().any(|word| target.contains(word)) {
                    true => vec![RANGE, OVERFLOW, SERIALIZATION],
                    false => vec![OVERFLOW],
                }
            }
            Problem::TooDeep { .. } => vec![STACK],
            Problem::Malformed { .. } => {
                vec![
                    SERIALIZATION,
                    FORMAT,
                    ARGUMENT,
                    RANGE,
                    OVERFLOW,
                    OPERATION,
                    "UriFormatException",
                    "TinyJsonException",
                ]
            }
            Problem::DuplicateKey => vec![ARGUMENT],
            Problem::Refused(_) => {
                vec![SERIALIZATION, "TypeLoadException", "FileNotFoundException", "TypeAccessException"]
            }
            Problem::TooLong { .. } => vec![SERIALIZATION, OVERFLOW, ARGUMENT],
            Problem::NotSupported(_) => vec![UNSUPPORTED, NO_FORMATTER, SERIALIZATION],
            Problem::NoMemory { .. } => vec!["OutOfMemoryException"],
            _ => vec![SERIALIZATION],
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Codec(error) => write!(f, "{error}"),
            Stop::Refused(kind, why) => write!(f, "{why} ({kind})"),
            Stop::Unknown(why) => f.write_str(why),
        }
    }
}
