//! The types of .NET that Rust has no equal of, each with the wire form that MessagePack-CSharp gives it.
//!
//! | C# | here |
//! | --- | --- |
//! | `Guid`, `decimal`, `DateTime` | [`Guid`], [`Decimal`], [`DateTime`]; in the form of the native resolvers [`NativeGuid`], [`NativeDecimal`], [`NativeDateTime`] |
//! | `DateTimeOffset`, `TimeSpan`, `DateOnly`, `TimeOnly` | [`DateTimeOffset`], [`TimeSpan`], [`DateOnly`], [`TimeOnly`] |
//! | `char`, `Rune`, `Half`, `Int128`, `UInt128`, `BigInteger`, `Complex` | [`Char`], [`Rune`], [`Half`], `i128`, `u128`, [`BigInteger`], [`Complex`] |
//! | `Uri`, `Version` | [`Uri`], [`VersionNumber`] |
//! | `object` | [`Object`] |
//!
//! A reference that may be null, and `Nullable<T>`, is an [`Option`].

mod decimal;
mod guid;
mod numbers;
mod object;
#[cfg(all(test, not(loom)))]
mod tests;
mod text;
mod time;

pub use decimal::{Decimal, NativeDecimal};
pub use guid::{Guid, NativeGuid};
pub use numbers::{BigInteger, Char, Complex, Half, Rune};
pub use object::Object;
pub use text::{Uri, VersionNumber};
pub use time::{DateOnly, DateTime, DateTimeKind, DateTimeOffset, NativeDateTime, TimeOnly, TimeSpan};

use crate::alloc::{Ensure, Text};
use crate::codec::{CodecError, Problem, Reader, Result};

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
