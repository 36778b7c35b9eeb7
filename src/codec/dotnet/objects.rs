//! Objects: maps of member names, or arrays by the numbers of their keys.
//!
//! ```
//! use backrun::codec::dotnet::{ArrayReader, ArrayWriter, MapReader, MapWriter};
//! use backrun::codec::{decode, encode, Decode, Encode, Reader, Result, Writer};
//!
//! /// A contractless class: `class Person { public int Id { get; set; } public string Name { get; set; } }`.
//! #[derive(Debug, PartialEq, Default)]
//! struct Person {
//!     id: i32,
//!     name: Option<String>,
//! }
//!
//! impl Encode for Person {
//!     fn encode(&self, writer: &mut Writer) -> Result<()> {
//!         MapWriter::new(writer, 2)?.member("Id", &self.id)?.member("Name", &self.name)?.end()
//!     }
//! }
//!
//! impl<'a> Decode<'a> for Person {
//!     fn decode(reader: &mut Reader<'a>) -> Result<Self> {
//!         let mut person = Person::default();
//!         let mut members = MapReader::new(reader)?;
//!         while let Some(name) = members.next_key()? {
//!             match name {
//!                 "Id" => person.id = members.value()?,
//!                 "Name" => person.name = members.value()?,
//!                 // What a newer peer has added is passed over.
//!                 _ => {}
//!             }
//!         }
//!         Ok(person)
//!     }
//! }
//!
//! let person = Person { id: 7, name: Some("Ann".into()) };
//! let bytes = encode(&person)?;
//! assert_eq!(bytes, b"\x82\xa2Id\x07\xa4Name\xa3Ann");
//! assert_eq!(decode::<Person>(&bytes)?, person);
//!
//! // A class with numbers for keys: [Key(0)] int Id, [Key(2)] string Name.
//! let mut writer = Writer::new();
//! ArrayWriter::new(&mut writer, 2)?.member(0, &person.id)?.member(2, &person.name)?.end()?;
//! assert_eq!(writer.bytes(), b"\x93\x07\xc0\xa3Ann");
//! let mut reader = Reader::new(writer.bytes());
//! let mut members = ArrayReader::new(&mut reader)?;
//! while let Some(key) = members.next_key()? {
//!     match key {
//!         0 => assert_eq!(members.value::<i32>()?, 7),
//!         2 => assert_eq!(members.value::<&str>()?, "Ann"),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), backrun::codec::CodecError>(())
//! ```

use super::malformed;
use crate::codec::{CodecError, Decode, Encode, Problem, Reader, Result, Writer};

/// Reads an object whose keys are texts.
///
/// A member that is not there leaves what was there before; one that is there twice is read twice, so that the last stays; nil is
/// for the type of the member to take or to refuse. All that as in .NET.
#[derive(Debug)]
pub struct MapReader<'r, 'a> {
    members: Members<'r, 'a>,
}

/// Reads an object whose keys are numbers: an array by them.
///
/// What lies in a hole, or behind the last key that is known, is passed over unless it is taken; a member that is not there
/// leaves what was there before.
#[derive(Debug)]
pub struct ArrayReader<'r, 'a> {
    members: Members<'r, 'a>,
    next: usize,
}

/// Goes from value to value, taken or not.
#[derive(Debug)]
struct Members<'r, 'a> {
    reader: &'r mut Reader<'a>,
    left: usize,
    /// Where a value begins that may have been taken meanwhile.
    value_at: Option<usize>,
}

impl<'r, 'a> Members<'r, 'a> {
    fn new(reader: &'r mut Reader<'a>, left: usize) -> Result<Self> {
        reader.enter()?;
        Ok(Self { reader, left, value_at: None })
    }

    /// Passes over a value that was not taken. Whether there is another member.
    fn next(&mut self) -> Result<bool> {
        if self.value_at.take() == Some(self.reader.offset()) {
            self.reader.skip()?;
        }
        let more = self.left > 0;
        self.left -= usize::from(more);
        Ok(more)
    }
}

impl Drop for Members<'_, '_> {
    fn drop(&mut self) {
        self.reader.leave();
    }
}

impl<'r, 'a> MapReader<'r, 'a> {
    /// Takes the header of a map.
    ///
    /// # Errors
    /// [`Problem::Unexpected`], [`Problem::TooDeep`], and that the bytes end.
    pub fn new(reader: &'r mut Reader<'a>) -> Result<Self> {
        let count = reader.map_header()?;
        Ok(Self { members: Members::new(reader, count)? })
    }

    /// The next key. The value of the one before is passed over if it was not taken.
    ///
    /// A key that is not UTF-8 is that of no member, and is told as U+FFFD.
    ///
    /// # Errors
    /// A key that is no text, or an empty one: MessagePack-CSharp refuses those too.
    pub fn next_key(&mut self) -> Result<Option<&'a str>> {
        if !self.members.next()? {
            return Ok(None);
        }
        let begun = self.members.reader.offset();
        let key = self.members.reader.str_bytes()?;
        if key.is_empty() {
            return Err(CodecError::at(begun, malformed("name of a member", "it is empty")));
        }
        self.members.value_at = Some(self.members.reader.offset());
        Ok(Some(std::str::from_utf8(key).unwrap_or("\u{fffd}")))
    }

    /// Takes the value of the key.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    pub fn value<T: Decode<'a>>(&mut self) -> Result<T> {
        T::decode(self.members.reader)
    }

    /// To take the value with.
    pub fn reader(&mut self) -> &mut Reader<'a> {
        self.members.reader
    }
}

impl<'r, 'a> ArrayReader<'r, 'a> {
    /// Takes the header of an array.
    ///
    /// # Errors
    /// [`Problem::Unexpected`], [`Problem::TooDeep`], and that the bytes end.
    pub fn new(reader: &'r mut Reader<'a>) -> Result<Self> {
        let count = reader.array_header()?;
        Ok(Self { members: Members::new(reader, count)?, next: 0 })
    }

    /// The next key, which is one more than that before. Its value is passed over if it was not taken.
    ///
    /// # Errors
    /// That the bytes end, or are none.
    pub fn next_key(&mut self) -> Result<Option<usize>> {
        if !self.members.next()? {
            return Ok(None);
        }
        self.members.value_at = Some(self.members.reader.offset());
        self.next += 1;
        Ok(Some(self.next - 1))
    }

    /// Takes the value of the key.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    pub fn value<T: Decode<'a>>(&mut self) -> Result<T> {
        T::decode(self.members.reader)
    }

    /// To take the value with.
    pub fn reader(&mut self) -> &mut Reader<'a> {
        self.members.reader
    }
}

/// Writes an object whose keys are texts.
#[derive(Debug)]
#[must_use = "it is not whole before its end"]
pub struct MapWriter<'w> {
    writer: &'w mut Writer,
    count: usize,
    left: usize,
}

impl<'w> MapWriter<'w> {
    /// Writes the header of a map of so many members.
    ///
    /// # Errors
    /// [`Problem::NoMemory`], [`Problem::TooLong`].
    pub fn new(writer: &'w mut Writer, count: usize) -> Result<Self> {
        writer.map_header(count)?;
        Ok(Self { writer, count, left: count })
    }

    /// Writes a member.
    ///
    /// # Errors
    /// As [`Encode::encode`]; that it is one too many.
    pub fn member<T: Encode + ?Sized>(mut self, name: &str, value: &T) -> Result<Self> {
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return Err(self.wrong_count(self.count.saturating_add(1))),
        };
        self.writer.key(name)?;
        value.encode(self.writer)?;
        Ok(self)
    }

    /// All were written.
    ///
    /// # Errors
    /// That some were not.
    pub fn end(self) -> Result<()> {
        match self.left {
            0 => Ok(()),
            left => Err(self.wrong_count(self.count - left)),
        }
    }

    #[cold]
    fn wrong_count(&self, found: usize) -> CodecError {
        self.writer.error(Problem::WrongLength { target: "this object", expected: self.count, found })
    }
}

/// Writes an object whose keys are numbers: nil where there is none.
#[derive(Debug)]
#[must_use = "it is not whole before its end"]
pub struct ArrayWriter<'w> {
    writer: &'w mut Writer,
    count: usize,
    next: usize,
}

impl<'w> ArrayWriter<'w> {
    /// Writes the header of an array that has this key for its last. (An object without members is an empty array:
    /// [`Writer::array_header`].)
    ///
    /// # Errors
    /// [`Problem::NoMemory`], [`Problem::TooLong`].
    pub fn new(writer: &'w mut Writer, last_key: usize) -> Result<Self> {
        let count = last_key.saturating_add(1);
        writer.array_header(count)?;
        Ok(Self { writer, count, next: 0 })
    }

    /// Writes a member. Keys come in their order, each once; those left out are nil.
    ///
    /// # Errors
    /// As [`Encode::encode`]; that the key is not after the one before it, or past the last.
    pub fn member<T: Encode + ?Sized>(mut self, key: usize, value: &T) -> Result<Self> {
        if key < self.next || key >= self.count {
            return Err(self.writer.error(malformed("key", "keys ascend, up to the one that was said to be the last")));
        }
        self.pass(key)?;
        value.encode(self.writer)?;
        self.next = key + 1;
        Ok(self)
    }

    /// All were written; what is missing is nil.
    ///
    /// # Errors
    /// [`Problem::NoMemory`].
    pub fn end(mut self) -> Result<()> {
        self.pass(self.count)
    }

    fn pass(&mut self, to: usize) -> Result<()> {
        (self.next..to).try_for_each(|_| self.writer.nil())
    }
}
