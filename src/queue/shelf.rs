//! Records of tasks that wait for no worker: of scheduled ones until their time comes, of pending ones for a retry, of dead
//! ones for a replay. Each lies in an allocation of its own and has a place, whose number its task notes.

use crate::alloc::{self, Ensure};
use crate::error::Result;
use crate::queue::log::{Data, Record};
use crate::queue::timers::Timer;

/// A copy of a record.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The payload, the user context and the headers as a record has them, back to back.
    bytes: Box<[u8]>,
    payload: u32,
    /// [`Kept::NONE`]: it has none.
    user_context: u32,
}

impl Kept {
    const NONE: u32 = u32::MAX;

    pub(crate) fn copy(data: &Data<'_>) -> Result<Self> {
        let mut bytes = alloc::list(data.bytes())?;
        data.for_each_piece(|piece| bytes.extend_from_slice(piece));
        // Each is within its limit, of which none is near 2^32.
        let user_context = data.user_context.map_or(Self::NONE, |context| context.len() as u32);
        Ok(Self { bytes: bytes.into_boxed_slice(), payload: data.payload.len() as u32, user_context })
    }

    pub(crate) fn record(&self) -> Record<'_> {
        let (payload, rest) = self.bytes.split_at(self.payload as usize);
        let has_context = self.user_context != Self::NONE;
        let (context, headers) = rest.split_at(if has_context { self.user_context as usize } else { 0 });
        Record::new(payload, has_context.then_some(context), headers)
    }

    /// To be written into a log.
    pub(crate) fn data(&self) -> Data<'_> {
        self.record().data()
    }
}

/// What lies at a place.
#[derive(Debug)]
pub(crate) struct Shelved {
    pub(crate) kept: Kept,
    /// What it takes of its queue's capacity.
    pub(crate) bytes: u32,
    /// When its time comes, if it waits for one, and what tells of it.
    pub(crate) due: Option<Due>,
}

/// When the time of a scheduled task comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub(crate) timer: Timer,
    /// Milliseconds of the clock that it waits by.
    pub(crate) at_ms: u64,
    /// It waits for a time of day, not for a time to pass.
    pub(crate) by_wall: bool,
}

/// A place on the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShelfPlace(u32);

impl ShelfPlace {
    /// Where nothing ever lies.
    pub(crate) const NOWHERE: Self = Self(u32::MAX);

    /// As a task notes it.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    pub(crate) fn numbered(number: u32) -> Self {
        Self(number)
    }
}

#[derive(Debug)]
enum Slot {
    Free { next: Option<u32> },
    Full(Shelved),
}

/// The places, and what lies there.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    slots: Vec<Slot>,
    free: Option<u32>,
    full: usize,
}

/// So many places are kept when the shelf is empty.
const KEPT_WHEN_EMPTY: usize = 64;

impl Shelf {
    #[cfg(test)]
    fn len(&self) -> usize {
        self.full
    }

    /// Makes sure that one more has a place.
    pub(crate) fn ensure(&mut self) -> Result<()> {
        if self.free.is_some() {
            return Ok(());
        }
        // No number of a place is past what fits: 2^32 of them take more than 200 GiB.
        Ok(self.slots.ensure(1)?)
    }

    /// Puts something down, for which there is a place.
    pub(crate) fn put(&mut self, shelved: Shelved) -> ShelfPlace {
        self.full += 1;
        match self.free {
            Some(number) => {
                let slot = &mut self.slots[number as usize];
                let Slot::Free { next } = *slot else { unreachable!("a free place") };
                self.free = next;
                *slot = Slot::Full(shelved);
                ShelfPlace(number)
            }
            None => {
                self.slots.push(Slot::Full(shelved));
                ShelfPlace(self.slots.len() as u32 - 1)
            }
        }
    }

    pub(crate) fn get(&self, place: ShelfPlace) -> Option<&Shelved> {
        match self.slots.get(place.0 as usize)? {
            Slot::Full(shelved) => Some(shelved),
            Slot::Free { .. } => None,
        }
    }

    pub(crate) fn get_mut(&mut self, place: ShelfPlace) -> Option<&mut Shelved> {
        match self.slots.get_mut(place.0 as usize)? {
            Slot::Full(shelved) => Some(shelved),
            Slot::Free { .. } => None,
        }
    }

    pub(crate) fn take(&mut self, place: ShelfPlace) -> Option<Shelved> {
        let slot = self.slots.get_mut(place.0 as usize)?;
        if let Slot::Free { .. } = slot {
            return None;
        }
        let Slot::Full(shelved) = std::mem::replace(slot, Slot::Free { next: self.free }) else { return None };
        self.free = Some(place.0);
        self.full -= 1;
        if self.full == 0 && self.slots.capacity() > KEPT_WHEN_EMPTY {
            *self = Self::default();
        }
        Some(shelved)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::queue::log::Headers;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn kept(payload: &[u8], user_context: Option<&[u8]>, headers: &[(&str, &str)]) -> Kept {
        Kept::copy(&Data { payload, user_context, headers: Headers::Pairs(headers) }).unwrap()
    }

    fn shelved(payload: &[u8]) -> Shelved {
        Shelved { kept: kept(payload, None, &[]), bytes: payload.len() as u32, due: None }
    }

    #[test]
    fn a_copy_tells_what_the_record_told() {
        let headers = [("culture", "de-DE"), ("", "")];
        for context in [None, Some(&b""[..]), Some(b"user")] {
            let copy = kept(b"payload", context, &headers);
            let record = copy.record();
            assert_eq!((record.payload, record.user_context), (&b"payload"[..], context));
            assert_eq!(record.headers().collect::<Vec<_>>(), headers);
            let again = Kept::copy(&copy.data()).unwrap();
            assert_eq!((again.bytes, again.payload, again.user_context), (copy.bytes, copy.payload, copy.user_context));
        }
    }

    #[test]
    fn memory_goes_back_when_the_shelf_is_empty() {
        let mut shelf = Shelf::default();
        let places: Vec<_> = (0..1000).map(|_| shelf.put(shelved(b"x"))).collect();
        places.into_iter().for_each(|place| drop(shelf.take(place)));
        assert_eq!((shelf.len(), shelf.slots.capacity()), (0, 0));
    }

    proptest! {
        #[test]
        fn what_was_put_down_is_found_until_it_is_taken(steps in proptest::collection::vec(any::<(bool, u8)>(), 0..300)) {
            let mut shelf = Shelf::default();
            let mut model: HashMap<u32, u8> = HashMap::new();
            let mut gone = Vec::new();
            for (puts, value) in steps {
                if puts || model.is_empty() {
                    shelf.ensure().unwrap();
                    let place = shelf.put(shelved(&[value]));
                    prop_assert!(model.insert(place.number(), value).is_none(), "a place is given twice");
                    gone.retain(|number| *number != place.number());
                } else {
                    let number = *model.keys().nth(value as usize % model.len()).unwrap();
                    let taken = shelf.take(ShelfPlace::numbered(number)).unwrap();
                    prop_assert_eq!(taken.kept.record().payload, &[model.remove(&number).unwrap()][..]);
                    gone.push(number);
                }
                prop_assert_eq!(shelf.len(), model.len());
                for (number, value) in &model {
                    prop_assert_eq!(shelf.get(ShelfPlace::numbered(*number)).unwrap().kept.record().payload, &[*value][..]);
                }
                prop_assert!(gone.iter().all(|number| shelf.get(ShelfPlace::numbered(*number)).is_none()));
            }
        }
    }
}
