//! Dictionaries.

use super::{list_for, push, whole};
use crate::alloc::{self, Ensure};
use crate::codec::code::NIL;
use crate::codec::{CodecError, Decode, Encode, Problem, Reader, Result, Writer};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

/// What follows when a map that is read has a key twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// It is refused, as by `Dictionary` and most others.
    #[default]
    Refuse,
    /// The first value stays, as in `ConcurrentDictionary`, and in `OrderedDictionary` with version 3.1.
    FirstWins,
    /// The last value stays, at the place of the first.
    LastWins,
}

/// `Dictionary<K, V>` and the other dictionaries, in the order in which they are gone through.
///
/// Keys are compared as Rust does: two `decimal` that differ in their scale only are two keys here, and one in .NET.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderedMap<K, V>(
    /// Keys and values.
    pub Vec<(K, V)>,
);

/// `ConcurrentDictionary<K, V>`: as [`OrderedMap`], but that of two values of a key the first stays when it is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConcurrentDictionary<K, V>(
    /// Keys and values.
    pub Vec<(K, V)>,
);

impl<K, V> Default for OrderedMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> Default for ConcurrentDictionary<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Writes a map.
fn entries<'m, K: Encode + 'm, V: Encode + 'm>(
    writer: &mut Writer,
    count: usize,
    mut entries: impl Iterator<Item = (&'m K, &'m V)>,
) -> Result<()> {
    whole(writer, |writer| {
        writer.map_header(count)?;
        entries.try_for_each(|(key, value)| {
            key.encode(writer)?;
            value.encode(writer)
        })
    })
}

/// Goes through a map, whose keys are not nil.
fn each<'a, K: Decode<'a>, V: Decode<'a>>(
    reader: &mut Reader<'a>,
    count: usize,
    mut add: impl FnMut(&Reader<'a>, K, V, usize) -> Result<()>,
) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    reader.enter()?;
    let taken = (0..count).try_for_each(|_| {
        if reader.peek_code()? == NIL {
            return reader.unexpected("a key", NIL);
        }
        let begun = reader.offset();
        let key = K::decode(reader)?;
        let value = V::decode(reader)?;
        add(reader, key, value, begun)
    });
    reader.leave();
    taken
}

/// Refuses keys of which two are equal, at the second of them: its number is that of the key, of a map whose first key is where
/// the reader is.
///
/// They are sorted rather than hashed: nobody can choose keys that make it slow.
pub(super) fn refuse_duplicates<K: Ord>(keys: &mut [(K, usize)], mut first: Reader<'_>) -> Result<()> {
    keys.sort_unstable();
    let Some(pair) = keys.windows(2).find(|pair| pair[0].0 == pair[1].0) else {
        return Ok(());
    };
    for _ in 0..2 * pair[1].1 {
        first.skip()?;
    }
    first.error(Problem::DuplicateKey)
}

impl<'a, K: Decode<'a> + Ord, V: Decode<'a>> OrderedMap<K, V> {
    /// Takes a map.
    ///
    /// # Errors
    /// As [`Decode::decode`]; [`Problem::DuplicateKey`] where that is refused.
    pub fn decode_with(reader: &mut Reader<'a>, duplicates: Duplicates) -> Result<Self> {
        let count = reader.map_header()?;
        let first = *reader;
        let mut list = list_for(count, reader)?;
        each(reader, count, |reader, key: K, value: V, _| push(&mut list, (key, value), reader))?;
        let mut map = Self(list);
        if duplicates == Duplicates::Refuse {
            let mut keys = list_for(map.0.len(), reader)?;
            for (number, (key, _)) in map.0.iter().enumerate() {
                push(&mut keys, (key, number), reader)?;
            }
            refuse_duplicates(&mut keys, first)?;
        } else {
            map.merge(duplicates == Duplicates::LastWins, reader)?;
        }
        Ok(map)
    }

    /// Leaves one value of each key.
    fn merge(&mut self, last_wins: bool, reader: &Reader<'_>) -> Result<()> {
        let entries = &mut self.0;
        let no_memory = |refused| CodecError::no_memory(reader.offset(), refused);
        let mut order = alloc::list(entries.len()).map_err(no_memory)?;
        order.extend(0..entries.len());
        order.sort_unstable_by(|one: &usize, two| (&entries[*one].0, one).cmp(&(&entries[*two].0, two)));
        let mut keep = alloc::list(entries.len()).map_err(no_memory)?;
        keep.resize(entries.len(), true);
        let mut first = 0;
        for at in 1..order.len() {
            if entries[order[first]].0 != entries[order[at]].0 {
                first = at;
                continue;
            }
            // The places of one key ascend, so the last of them is the last to be put there.
            keep[order[at]] = false;
            if last_wins {
                let (before, after) = entries.split_at_mut(order[at]);
                std::mem::swap(&mut before[order[first]].1, &mut after[0].1);
            }
        }
        let mut keep = keep.into_iter();
        entries.retain(|_| keep.next().unwrap_or(true));
        Ok(())
    }
}

impl<K: Encode, V: Encode> Encode for OrderedMap<K, V> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        entries(writer, self.0.len(), self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'a, K: Decode<'a> + Ord, V: Decode<'a>> Decode<'a> for OrderedMap<K, V> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Self::decode_with(reader, Duplicates::Refuse)
    }
}

impl<K: Encode, V: Encode> Encode for ConcurrentDictionary<K, V> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        entries(writer, self.0.len(), self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'a, K: Decode<'a> + Ord, V: Decode<'a>> Decode<'a> for ConcurrentDictionary<K, V> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        OrderedMap::decode_with(reader, Duplicates::FirstWins).map(|map| Self(map.0))
    }
}

/// In whatever order it is gone through: for the same bytes every time, use [`OrderedMap`].
impl<K: Encode, V: Encode, S> Encode for HashMap<K, V, S> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        entries(writer, self.len(), self.iter())
    }
}

/// A key that is there twice is refused.
impl<'a, K: Decode<'a> + Eq + Hash, V: Decode<'a>, S: BuildHasher + Default> Decode<'a> for HashMap<K, V, S> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let count = reader.map_header()?;
        let mut map = Self::default();
        each(reader, count, |reader, key, value, begun| {
            map.ensure(1).map_err(|refused| CodecError::no_memory(reader.offset(), refused))?;
            match map.insert(key, value) {
                None => Ok(()),
                Some(_) => Err(CodecError::at(begun, Problem::DuplicateKey)),
            }
        })?;
        Ok(map)
    }
}

/// `SortedDictionary<K, V>`.
impl<K: Encode, V: Encode> Encode for BTreeMap<K, V> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        entries(writer, self.len(), self.iter())
    }
}
