//! Arrays of several dimensions.

use super::collections::elements;
use super::{refuse, whole};
use crate::alloc::Text;
use crate::codec::{Decode, Encode, Problem, Reader, Result, Writer};

/// `T[,]`, `T[,,]`, `T[,,,]`: of two to four dimensions. On the wire its lengths, and one array of all elements.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MultiArray<T, const RANK: usize> {
    /// How long each dimension is. Their product is how many elements there are.
    pub lengths: [u32; RANK],
    /// Row by row: the last dimension changes first.
    pub elements: Vec<T>,
}

impl<T, const RANK: usize> MultiArray<T, RANK> {
    const IS_A_RANK: () = assert!(RANK >= 2 && RANK <= 4, "MessagePack-CSharp has arrays of two to four dimensions");

    /// Whether there are as many elements as the lengths say.
    fn holds(lengths: &[u32; RANK], count: usize) -> bool {
        // .NET multiplies 31 bits from the left, so that a 0 further to the right does not help a product that is too large.
        let product = lengths.iter().try_fold(1_u64, |product, length| {
            Some(product * u64::from(*length)).filter(|product| *product <= i32::MAX as u64)
        });
        product == Some(count as u64) && lengths.iter().all(|length| *length <= i32::MAX as u32)
    }

    pub(in crate::codec) fn is_whole(&self) -> bool {
        let () = Self::IS_A_RANK;
        Self::holds(&self.lengths, self.elements.len())
    }

    #[cold]
    pub(in crate::codec) fn problem(lengths: &[u32; RANK], count: usize) -> Problem {
        let why = Text::say(format_args!("its lengths are {lengths:?}, and it has {count} elements"));
        Problem::Malformed { target: "array of several dimensions", why }
    }
}

impl<T: Encode, const RANK: usize> Encode for MultiArray<T, RANK> {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        let () = Self::IS_A_RANK;
        if !Self::holds(&self.lengths, self.elements.len()) {
            return Err(writer.error(Self::problem(&self.lengths, self.elements.len())));
        }
        whole(writer, |writer| {
            writer.array_header(RANK + 1)?;
            self.lengths.iter().try_for_each(|length| length.encode(writer))?;
            self.elements.encode(writer)
        })
    }
}

impl<'a, T: Decode<'a>, const RANK: usize> Decode<'a> for MultiArray<T, RANK> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let () = Self::IS_A_RANK;
        let begun = *reader;
        let found = reader.array_header()?;
        if found != RANK + 1 {
            let target = "an array of so many dimensions";
            return refuse(reader, begun, Problem::WrongLength { target, expected: RANK + 1, found });
        }
        let mut lengths = [0; RANK];
        for length in &mut lengths {
            *length = reader.integer_as("the length of a dimension (31 bits)")?;
        }
        // Before anything is allocated for it.
        let count = { *reader }.array_header()?;
        if !Self::holds(&lengths, count) {
            return refuse(reader, begun, Self::problem(&lengths, count));
        }
        Ok(Self { lengths, elements: elements(reader, T::decode)? })
    }
}
