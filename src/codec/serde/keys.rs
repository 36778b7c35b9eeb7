//! Whether a key of a map has been there before: C# refuses a dictionary with one, and serde's maps would quietly keep the last.

use crate::alloc::Ensure;
use crate::codec::code::{Kind, NIL};
use crate::codec::reader::Integer;
use crate::codec::{CodecError, Reader, Result};
use std::collections::HashMap;

/// So many are compared one by one.
const FEW: usize = 8;

/// A key, the same however wide its header or its integer is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'de> {
    Integer(Integer),
    Text(&'de [u8]),
    Other(&'de [u8]),
}

/// Keys that were there. Their hashes are not to be foreseen, so that nobody makes a map that takes long.
pub(super) struct Seen<'de> {
    few: [Key<'de>; FEW],
    count: usize,
    many: Option<HashMap<Key<'de>, ()>>,
}

impl Default for Seen<'_> {
    fn default() -> Self {
        Self { few: [Key::Other(&[]); FEW], count: 0, many: None }
    }
}

impl<'de> Seen<'de> {
    /// Looks at the key that comes next, which stays where it is.
    pub(super) fn is_again(&mut self, reader: &Reader<'de>) -> Result<bool> {
        let mut ahead = *reader;
        let key = match ahead.peek_code()? {
            NIL => return reader.unexpected("a key (C# has none that is nil)", NIL),
            code => match Kind::of(code) {
                Kind::Int => Key::Integer(ahead.integer()?),
                Kind::Str => Key::Text(ahead.str_bytes()?),
                _ => Key::Other(ahead.skip()?),
            },
        };
        if self.count < FEW {
            if self.few[..self.count].contains(&key) {
                return Ok(true);
            }
            self.few[self.count] = key;
            self.count += 1;
            return Ok(false);
        }
        let no_memory = |refused| CodecError::no_memory(reader.offset(), refused);
        let many = match &mut self.many {
            Some(many) => many,
            None => {
                let mut many = HashMap::new();
                many.ensure(2 * FEW).map_err(no_memory)?;
                many.extend(self.few.map(|key| (key, ())));
                self.many.insert(many)
            }
        };
        many.ensure(1).map_err(no_memory)?;
        Ok(many.insert(key, ()).is_some())
    }
}
