//! The types of .NET that Rust has no equal of, each with the wire form that MessagePack-CSharp gives it.
//!
//! | C# | here |
//! | --- | --- |
//! | `Guid`, `decimal`, `DateTime` | [`Guid`], [`Decimal`], [`DateTime`]; in the form of the native resolvers [`NativeGuid`], [`NativeDecimal`], [`NativeDateTime`] |
//! | `DateTimeOffset`, `TimeSpan`, `DateOnly`, `TimeOnly` | [`DateTimeOffset`], [`TimeSpan`], [`DateOnly`], [`TimeOnly`] |
//! | `char`, `Rune`, `Half`, `Int128`, `UInt128`, `BigInteger`, `Complex` | [`Char`], [`Rune`], [`Half`], `i128`, `u128`, [`BigInteger`], [`Complex`] |
//! | `Uri`, `Version` | [`Uri`], [`VersionNumber`] |
//! | `object` | [`Object`] |
//! | `byte[]`, `List<byte>`, `BitArray` | [`Bytes`] (or `[u8]`), `Vec<u8>`, [`BitArray`] |
//! | `T[]`, `List<T>` and other lists; `Stack<T>`; sets | [`Vec`], [`Stack`], [`Set`] |
//! | `T[,]` to `T[,,,]` | [`MultiArray`] |
//! | dictionaries | [`OrderedMap`], [`ConcurrentDictionary`], or `HashMap` |
//! | tuples, `KeyValuePair` | tuples of 1 to 16, which nest from the eighth on; [`Pair`] |
//! | enums | [`Underlying`] by number, [`EnumTable`] by name |
//! | classes and structs; unions | [`MapReader`] and [`MapWriter`], [`ArrayReader`] and [`ArrayWriter`]; [`encode_union`], [`decode_union`] |
//!
//! A reference that may be null, and `Nullable<T>`, is an [`Option`].

mod collections;
mod decimal;
mod dictionary;
mod enums;
mod guid;
mod multi_array;
mod numbers;
mod object;
mod objects;
#[cfg(all(test, not(loom)))]
mod tests;
mod text;
mod time;
mod tuples;
mod unions;

pub(super) use collections::{bytes_as_list, elements};
pub use collections::{BitArray, Bytes, Set, Stack};
pub use decimal::{Decimal, NativeDecimal};
pub use dictionary::{ConcurrentDictionary, Duplicates, OrderedMap};
pub use enums::{EnumMember, EnumTable, Underlying};
pub use guid::{Guid, NativeGuid};
pub use multi_array::MultiArray;
pub use numbers::{BigInteger, Char, Complex, Half, Rune};
pub use object::Object;
pub use objects::{ArrayReader, ArrayWriter, MapReader, MapWriter};
pub use text::{Uri, VersionNumber};
pub use time::{DateOnly, DateTime, DateTimeKind, DateTimeOffset, NativeDateTime, TimeOnly, TimeSpan};
pub use tuples::Pair;
pub use unions::{decode_union, encode_union};

use crate::alloc::{Ensure, Text};
use crate::codec::{CodecError, Problem, Reader, Result, Writer};

/// Refuses a value that was begun at a copy of the reader: the reader is put back to it.
#[cold]
fn refuse<'a, T>(reader: &mut Reader<'a>, begun: Reader<'a>, problem: Problem) -> Result<T> {
    *reader = begun;
    reader.error(problem)
}

/// A text or bytes that are none of the type's.
#[cold]
fn malformed(target: &'static str, why: &'static str) -> Problem {
    Problem::Malformed { target, why: Text::fixed(why) }
}

/// As an error of a text that stands nowhere in a message ([`std::str::FromStr`]).
#[cold]
fn no_such(target: &'static str, why: &'static str) -> CodecError {
    CodecError::at(0, malformed(target, why))
}

/// Adds to a list that may have to grow. It doubles, so that many of these cost what they should.
#[inline]
fn push<T>(list: &mut Vec<T>, value: T, reader: &Reader<'_>) -> Result<()> {
    if list.len() == list.capacity() {
        list.ensure(1).map_err(|refused| CodecError::no_memory(reader.offset(), refused))?;
    }
    list.push(value);
    Ok(())
}

/// A list for so many values, with no more room at first than there are bytes left: a header may claim many large values, and
/// then the bytes hold something else.
fn list_for<T>(count: usize, reader: &Reader<'_>) -> Result<Vec<T>> {
    let justified = reader.rest().len() / size_of::<T>().max(1);
    crate::alloc::list(count.min(justified.max(4))).map_err(|refused| CodecError::no_memory(reader.offset(), refused))
}

/// Writes a value of several parts: where one of them cannot be written, none is.
#[inline]
fn whole(writer: &mut Writer, write: impl FnOnce(&mut Writer) -> Result<()>) -> Result<()> {
    let begun = writer.bytes().len();
    let written = write(writer);
    if written.is_err() {
        writer.truncate(begun);
    }
    written
}
