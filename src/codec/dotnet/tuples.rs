//! Tuples and pairs.

use super::{refuse, whole};
use crate::codec::{Decode, Encode, Problem, Reader, Result, Writer};

/// `KeyValuePair<K, V>`: an array of two. A grouping is a pair of a key and a list; a lookup is a list of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pair<K, V>(
    /// The key.
    pub K,
    /// The value.
    pub V,
);

/// Takes the header of an array that has exactly so many elements, and goes into it.
fn exactly(reader: &mut Reader<'_>, expected: usize, target: &'static str) -> Result<()> {
    let begun = *reader;
    match reader.array_header()? {
        found if found == expected => reader.enter(),
        found => refuse(reader, begun, Problem::WrongLength { target, expected, found }),
    }
}

impl<K: Encode, V: Encode> Encode for Pair<K, V> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        whole(writer, |writer| {
            writer.array_header(2)?;
            self.0.encode(writer)?;
            self.1.encode(writer)
        })
    }
}

impl<'a, K: Decode<'a>, V: Decode<'a>> Decode<'a> for Pair<K, V> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        exactly(reader, 2, "a KeyValuePair")?;
        let taken = K::decode(reader).and_then(|key| Ok(Self(key, V::decode(reader)?)));
        reader.leave();
        taken
    }
}

/// A tuple of .NET has seven elements at most; the eighth slot is a tuple of the rest.
const SLOTS: usize = 7;

/// How many slots a tuple has whose elements from this one on are so many.
const fn slots(left: usize) -> usize {
    if left > SLOTS {
        SLOTS + 1
    } else {
        left
    }
}

macro_rules! tuples {
    ($($count:literal: $($name:ident $at:tt),*;)*) => {$(
        impl<$($name: Encode),*> Encode for ($($name,)*) {
            fn encode(&self, writer: &mut Writer) -> Result<()> {
                whole(writer, |writer| {
                    $(
                        if $at % SLOTS == 0 {
                            writer.array_header(slots($count - $at))?;
                        }
                        self.$at.encode(writer)?;
                    )*
                    Ok(())
                })
            }
        }

        impl<'a, $($name: Decode<'a>),*> Decode<'a> for ($($name,)*) {
            fn decode(reader: &mut Reader<'a>) -> Result<Self> {
                let mut entered = 0;
                let mut take = || {
                    Ok(($({
                        if $at % SLOTS == 0 {
                            exactly(reader, slots($count - $at), "a tuple of these elements")?;
                            entered += 1;
                        }
                        $name::decode(reader)?
                    },)*))
                };
                let taken = take();
                (0..entered).for_each(|_| reader.leave());
                taken
            }
        }
    )*};
}

tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
    13: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12;
    14: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13;
    15: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14;
    16: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15;
}
