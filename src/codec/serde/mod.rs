//! The same bytes through [serde](https://serde.rs): a struct with `#[derive(Serialize, Deserialize)]` is the contractless C# class
//! of the same members.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! // public class Import { public string File { get; set; } public int? Line { get; set; } }
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! #[serde(rename_all = "PascalCase")]
//! struct Import {
//!     file: String,
//!     line: Option<i32>,
//! }
//!
//! let import = Import { file: "a.csv".into(), line: Some(7) };
//! let bytes = backrun::codec::to_vec(&import)?;
//! assert_eq!(bytes, b"\x82\xa4File\xa5a.csv\xa4Line\x07");
//! assert_eq!(backrun::codec::from_slice::<Import>(&bytes)?, import);
//! # Ok::<(), backrun::codec::CodecError>(())
//! ```
//!
//! | C# | Rust |
//! | --- | --- |
//! | a class without attributes, or with `keyAsPropertyName` | a struct, its members named as in C# (`rename_all = "PascalCase"`) |
//! | a class with `[Key(0)]`, `[Key(2)]` | a struct whose members are named by number, in that order: `#[serde(rename = "2")]`. What is between them is nil |
//! | any class where every peer says int keys | [`Shape::Array`]: members by their place |
//! | an enum | variants named by number: `#[serde(rename = "-3")]`; or `serde_repr` |
//! | an enum with `DynamicEnumAsStringResolver` | [`Enums::Names`] |
//! | a `[Union]` | an enum with data, its variants named by the union's keys |
//! | a reference that may be null, `T?` | `Option<T>` |
//! | `char` | `char`, of one UTF-16 unit |
//! | `byte[]` | [`bytes`] |
//! | `List<byte>` | [`list`] |
//! | `T[]` of fixed length | [`mod@array`] |
//! | a tuple up to seven | a tuple; from eight on a tuple struct, which nests as C#'s do |
//! | a slot of type `object` | [`object`], or [`InObject`] |
//! | `Int128`, `UInt128` | `i128`, `u128` |
//! | a class with a member that is gone | [`Gone`] |
//! | `Guid`, `decimal`, `DateTime` and whatever Rust has no equal of | the types of [`codec::dotnet`](crate::codec::dotnet); for `Guid` also `uuid::Uuid` |
//!
//! What serde cannot tell apart although C# writes it differently is refused, and the error names what to use instead.
//!
//! It goes through [`Writer`] and [`Reader`], not through rmp-serde, which stops where the bytes are C#'s (decision 5 of
//! docs/decisions says why). A type that was made for rmp-serde, with its `_ExtStruct` for extensions, does here too.
//!
//! What is read is held to the same rules as everywhere in [`codec`](crate::codec). But memory for the texts and lists of a type with
//! a derived `Deserialize` is asked for by serde and std, which end the process where there is none. It is never more than the
//! input justifies; where it has to be an answer, use [`Decode`](crate::codec::Decode).

mod access;
mod collected;
mod container;
mod de;
mod enums;
mod keys;
mod ser;
mod special;
#[cfg(all(test, not(loom)))]
mod tests;
mod told;
mod types;
mod with;

pub use self::de::Deserializer;
pub use self::ser::Serializer;
pub use self::with::{array, bytes, list, object, or_default, Gone, InObject};

use crate::alloc::Text;
use crate::codec::{CodecError, Problem, Reader, Result, Settings, Writer};
use ::serde::{Deserialize, Serialize};
use std::fmt::Display;

/// What a struct is where its members are not named by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Shape {
    /// A map of its members' names: contractless classes and such with `keyAsPropertyName`.
    #[default]
    Map,
    /// An array of its members in their order: classes with `[Key(0)]`, `[Key(1)]` and so on.
    Array,
}

/// What an enum is whose variants are not named by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Enums {
    /// Nothing: C# writes its number, which serde does not know.
    #[default]
    Refuse,
    /// The variant's name, as with C#'s `DynamicEnumAsStringResolver`.
    Names,
}

/// How values are written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Options {
    /// What goes for all values.
    pub settings: Settings,
    /// What structs are.
    pub shape: Shape,
    /// What enums are.
    pub enums: Enums,
}

impl Options {
    /// Structs as arrays.
    #[must_use]
    pub fn arrays() -> Self {
        Self { shape: Shape::Array, ..Self::default() }
    }

    /// With these settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// With enums in this form.
    #[must_use]
    pub fn enums(mut self, enums: Enums) -> Self {
        self.enums = enums;
        self
    }
}

/// The bytes of a value. Structs are maps of their members' names.
///
/// # Errors
/// [`Problem::NotSupported`] where C# has no such form or serde cannot tell which, [`Problem::Custom`], [`Problem::NoMemory`].
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    to_vec_with(value, &Options::default())
}

/// The bytes of a value.
///
/// # Errors
/// As [`to_vec`].
pub fn to_vec_with<T: Serialize + ?Sized>(value: &T, options: &Options) -> Result<Vec<u8>> {
    let mut writer = Writer::with_settings(options.settings);
    to_writer(value, &mut writer, options)?;
    Ok(writer.into_bytes())
}

/// Appends a value. The writer's settings go for it, not those of the options. On an error nothing is appended.
///
/// # Errors
/// As [`to_vec`].
pub fn to_writer<T: Serialize + ?Sized>(value: &T, writer: &mut Writer, options: &Options) -> Result<()> {
    let begun = writer.bytes().len();
    let written = value.serialize(&mut Serializer::new(writer, options));
    written.map_err(|error| {
        let error = error.or_at(writer.bytes().len());
        writer.truncate(begun);
        error
    })
}

/// The value at the beginning of some bytes. Structs are maps of their members' names. What follows it is ignored, as
/// MessagePack-CSharp does.
///
/// # Errors
/// What stands there is another thing, is out of range, lies too deep, or ends early.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T> {
    from_slice_with(bytes, &Options::default())
}

/// The value at the beginning of some bytes.
///
/// # Errors
/// As [`from_slice`].
pub fn from_slice_with<'de, T: Deserialize<'de>>(bytes: &'de [u8], options: &Options) -> Result<T> {
    from_reader(&mut Reader::with_settings(bytes, options.settings), options)
}

/// Takes a value. The reader's settings go for it, not those of the options.
///
/// # Errors
/// As [`from_slice`].
pub fn from_reader<'de, T: Deserialize<'de>>(reader: &mut Reader<'de>, options: &Options) -> Result<T> {
    let begun = reader.offset();
    T::deserialize(&mut Deserializer::new(reader, options)).map_err(|error: CodecError| error.or_at(begun))
}

/// Where an error is that a type's own code made, which does not know: put right by whoever knows.
const UNKNOWN: usize = usize::MAX;

impl CodecError {
    /// At this byte, where it does not say yet.
    #[cold]
    fn or_at(mut self, offset: usize) -> Self {
        if self.offset == UNKNOWN {
            self.offset = offset;
        }
        self
    }
}

#[cold]
fn custom(message: impl Display) -> CodecError {
    CodecError::at(UNKNOWN, Problem::Custom(Text::say(format_args!("{message}"))))
}

impl ::serde::ser::Error for CodecError {
    fn custom<T: Display>(message: T) -> Self {
        custom(message)
    }
}

impl ::serde::de::Error for CodecError {
    fn custom<T: Display>(message: T) -> Self {
        custom(message)
    }
}

/// The number that a member or a variant is named by.
///
/// C#'s own names never begin with a digit or a minus, so nothing else is taken for one.
#[inline]
fn number(name: &str) -> Option<i128> {
    match name.as_bytes() {
        // Keys are asked for at every member.
        [one @ b'0'..=b'9'] => Some((one - b'0').into()),
        [b'0'..=b'9' | b'-', ..] => long_number(name),
        _ => None,
    }
}

fn long_number(name: &str) -> Option<i128> {
    name.parse().ok()
}

/// The name of the newtype struct that serde's MessagePack libraries have for an extension: of a pair of its type and its bytes.
const EXTENSION: &str = "_ExtStruct";

/// The name of the newtype struct that stands for a slot of type `object`.
const IN_OBJECT: &str = "$backrun::InObject";

/// The name of a newtype struct whose type has its own form in a slot of type `object` too.
const PLAIN: &str = "$backrun::Plain";

/// [`PLAIN`], since version 3.1 only.
const RUNE: &str = "$backrun::Rune";

/// The name of a newtype struct of bytes that are MessagePack already.
const RAW: &str = "$backrun::Raw";

const TUPLE_OR_ARRAY: &str = "an array of 8 or more and a tuple look the same to serde, and C# writes them differently: give the member \
     #[serde(with = \"backrun::codec::serde::array\")] for T[] (for byte[]: backrun::codec::serde::bytes), or make it a tuple struct";

const TIME_SPAN: &str = "a Duration has no form in C#: use codec::dotnet::TimeSpan, or a number of ticks of 100 ns";

const DATE_TIME: &str = "a SystemTime has no form in C#: use codec::dotnet::DateTime";

/// What std's own times look like to serde: a struct of this name with this first member.
fn std_time(name: &str, first: &str) -> Option<&'static str> {
    match (name, first) {
        ("Duration", "secs") => Some(TIME_SPAN),
        ("SystemTime", "secs_since_epoch") => Some(DATE_TIME),
        _ => None,
    }
}
