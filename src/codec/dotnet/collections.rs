//! Lists, sets, stacks, bytes and bits.

use super::{list_for, push, whole};
use crate::alloc;
use crate::codec::{CodecError, Decode, Encode, Kind, Reader, Result, Version, Writer};

/// `List<T>`, and all else that .NET goes through in one order: arrays, queues, collections, their interfaces. A `Vec<u8>` is a
/// `List<byte>`, an array of numbers; `byte[]` is [`Bytes`].
impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        whole(writer, |writer| {
            writer.array_header(self.len())?;
            self.iter().try_for_each(|element| element.encode(writer))
        })
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Vec<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        T::decode_list(reader)
    }
}

/// Takes an array, whose elements are taken by a function.
pub(in crate::codec) fn elements<'a, T>(
    reader: &mut Reader<'a>,
    mut take: impl FnMut(&mut Reader<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = reader.array_header()?;
    let mut list = list_for(count, reader)?;
    // An empty one is as deep as a number is.
    if count > 0 {
        reader.enter()?;
        let taken = (0..count).try_for_each(|_| {
            let element = take(reader)?;
            push(&mut list, element, reader)
        });
        reader.leave();
        taken?;
    }
    Ok(list)
}

/// `List<byte>`: version 3.1 takes bytes for it, and text, since 3.0 wrote them; 2.5 takes numbers only.
pub(in crate::codec) fn bytes_as_list(reader: &mut Reader<'_>) -> Result<Vec<u8>> {
    match (reader.settings().version, reader.peek()?) {
        (Version::V3_1, Kind::Bin | Kind::Str) => copied(reader),
        _ => elements(reader, u8::decode),
    }
}

fn copied(reader: &mut Reader<'_>) -> Result<Vec<u8>> {
    let begun = reader.offset();
    alloc::copy(reader.bin()?).map_err(|refused| CodecError::no_memory(begun, refused))
}

/// `byte[]`, and the memory and segments of bytes. (`[u8]` and `&[u8]` are the same, for whoever need not own them.)
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(
    /// The bytes.
    pub Vec<u8>,
);

impl Encode for Bytes {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.bin(&self.0)
    }
}

/// An array of numbers is taken too, as .NET does for a `byte[]` that is no member of an object. Where it is one, `&[u8]` is as
/// strict as .NET is there.
impl Decode<'_> for Bytes {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        match reader.peek()? {
            Kind::Array => elements(reader, u8::decode),
            _ => copied(reader),
        }
        .map(Self)
    }
}

/// `Stack<T>`, `ConcurrentStack<T>`, `ImmutableStack<T>`. On the wire the top comes first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Stack<T>(
    /// In the order in which they were pushed: the last is the top.
    pub Vec<T>,
);

impl<T: Encode> Encode for Stack<T> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        whole(writer, |writer| {
            writer.array_header(self.0.len())?;
            self.0.iter().rev().try_for_each(|element| element.encode(writer))
        })
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Stack<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let mut elements = elements(reader, T::decode)?;
        elements.reverse();
        Ok(Self(elements))
    }
}

/// `HashSet<T>`, `SortedSet<T>` and other sets, in the order in which they are gone through. What is equal to one before it is
/// dropped when it is read, as .NET does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Set<T>(
    /// The elements.
    pub Vec<T>,
);

impl<T: Encode> Encode for Set<T> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        self.0.encode(writer)
    }
}

impl<T: Ord> Set<T> {
    /// Of these, without what is equal to one before it.
    pub(in crate::codec) fn of(mut elements: Vec<T>) -> std::result::Result<Self, alloc::NoMemory> {
        let mut order = alloc::list(elements.len())?;
        order.extend(0..elements.len());
        order.sort_unstable_by(|one, two| (&elements[*one], one).cmp(&(&elements[*two], two)));
        let mut keep = alloc::list(elements.len())?;
        keep.resize(elements.len(), true);
        for pair in order.windows(2) {
            if elements[pair[0]] == elements[pair[1]] {
                keep[pair[1]] = false;
            }
        }
        let mut keep = keep.into_iter();
        elements.retain(|_| keep.next().unwrap_or(true));
        Ok(Self(elements))
    }
}

impl<'a, T: Decode<'a> + Ord> Decode<'a> for Set<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let elements = elements(reader, T::decode)?;
        Self::of(elements).map_err(|refused| CodecError::no_memory(reader.offset(), refused))
    }
}

/// `BitArray`: an array of truth values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct BitArray(
    /// The bits.
    pub Vec<bool>,
);

impl Encode for BitArray {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        self.0.encode(writer)
    }
}

impl Decode<'_> for BitArray {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        elements(reader, Reader::bool).map(Self)
    }
}
