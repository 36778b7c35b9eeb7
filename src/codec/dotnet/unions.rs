//! Unions: a number that says which type, and a value of that type.

use super::{refuse, whole};
use crate::codec::{Encode, Problem, Reader, Result, Writer};

/// Writes the member of a union that has this key: an array of the key and the value. A `null` is nil alone.
///
/// # Errors
/// As [`Encode::encode`].
pub fn encode_union<T: Encode + ?Sized>(writer: &mut Writer, key: i32, body: &T) -> Result<()> {
    whole(writer, |writer| {
        writer.array_header(2)?;
        writer.int(key.into())?;
        body.encode(writer)
    })
}

/// Takes a union. The function is told the key and takes the value; where it answers `None`, the key is unknown to it: the value
/// is passed over, and the whole is a `null`, as in .NET. So is nil.
///
/// ```
/// use backrun::codec::dotnet::{decode_union, encode_union};
/// use backrun::codec::{Decode, Reader, Writer};
///
/// #[derive(Debug, PartialEq)]
/// enum Shape {
///     Circle(f64),
///     Named(String),
/// }
///
/// let mut writer = Writer::new();
/// encode_union(&mut writer, 1, "square")?;
/// assert_eq!(writer.bytes(), b"\x92\x01\xa6square");
/// let shape = decode_union(&mut Reader::new(writer.bytes()), |key, reader| {
///     Ok(match key {
///         0 => Some(Shape::Circle(f64::decode(reader)?)),
///         1 => Some(Shape::Named(String::decode(reader)?)),
///         _ => None,
///     })
/// })?;
/// assert_eq!(shape, Some(Shape::Named("square".into())));
/// # Ok::<(), backrun::codec::CodecError>(())
/// ```
///
/// # Errors
/// An array of another length, a key that is no `int`, and what the function answers.
pub fn decode_union<'a, T>(
    reader: &mut Reader<'a>,
    take: impl FnOnce(i32, &mut Reader<'a>) -> Result<Option<T>>,
) -> Result<Option<T>> {
    if reader.try_nil()? {
        return Ok(None);
    }
    let begun = *reader;
    match reader.array_header()? {
        2 => reader.enter()?,
        found => return refuse(reader, begun, Problem::WrongLength { target: "a union", expected: 2, found }),
    }
    let taken = reader.integer_as("the key of a union (32 bits)").and_then(|key| {
        let body = *reader;
        let taken = take(key, reader)?;
        if taken.is_none() {
            *reader = body;
            reader.skip()?;
        }
        Ok(taken)
    });
    reader.leave();
    taken
}
