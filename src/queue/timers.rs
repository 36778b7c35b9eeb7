//! A hierarchical timer wheel: what is to happen at which millisecond, for up to millions of timers.
//!
//! A level has 64 slots. A slot of the lowest is one millisecond, one of each higher level as long as the whole level beneath it;
//! eleven levels hold every `u64`, so no deadline is too far off. A timer lies at the level of the highest six bits in which its
//! deadline differs from the wheel's time, in the slot that these bits of the deadline name. Hence:
//! - Whatever lies at a level is due before all of the levels above it, and within a level the slots are in order: what is next
//!   is found by two bitmaps.
//! - A timer's place follows from its deadline and the wheel's time alone, also later: the time never passes the beginning of a
//!   slot that is in use. There, its timers are moved further down, each at most once a level.
//! - Timers of one millisecond are always in one slot, in the order of their insertion.

#[cfg(all(test, measure))]
mod measure;
mod slab;
#[cfg(test)]
mod tests;

use self::slab::{Node, Slab, NONE};
use crate::error::Result;
use std::num::NonZeroU32;

/// Bits of a deadline that one level decides by.
const BITS: usize = 6;
/// Slots of a level.
const SLOTS: usize = 1 << BITS;
/// Levels for every bit of a deadline.
const LEVELS: usize = (u64::BITS as usize).div_ceil(BITS);
/// A slot with no more timers than these is looked through for the exact moment of the first.
const FEW: usize = 4;

/// Timers, each with a deadline in milliseconds and a key that says whose it is.
#[derive(Debug)]
pub(crate) struct Timers {
    /// The wheel's time. No timer is due before it.
    now_ms: u64,
    /// The latest time that was told; ahead of `now_ms` while somebody takes what is due.
    told_ms: u64,
    /// One bit a level: whether it has timers.
    levels: u16,
    /// One bit a slot: whether it has timers.
    occupied: [u64; LEVELS],
    slots: [[Slot; SLOTS]; LEVELS],
    slab: Slab,
}

/// The ends of a doubly linked list of timers.
#[derive(Debug, Clone, Copy)]
struct Slot {
    first: u32,
    last: u32,
}

const EMPTY: Slot = Slot { first: NONE, last: NONE };

/// A timer that waits: valid until it fires or is cancelled, and to be forgotten then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Timer(NonZeroU32);

impl Timer {
    fn at(index: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(index))
    }

    fn index(self) -> u32 {
        self.0.get() - 1
    }
}

impl Timers {
    /// Without timers, and without an allocation.
    pub(crate) fn new(now_ms: u64) -> Self {
        Self {
            now_ms,
            told_ms: now_ms,
            levels: 0,
            occupied: [0; LEVELS],
            slots: [[EMPTY; SLOTS]; LEVELS],
            slab: Slab::new(),
        }
    }

    /// Makes sure that the next `more` inserts cannot fail, whatever fires or is cancelled before them.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::error::Error::OutOfMemory): nothing has changed.
    pub(crate) fn ensure(&mut self, more: usize) -> Result<()> {
        Ok(self.slab.promise(more)?)
    }

    /// Adds a timer. A deadline before the wheel's time counts as that time: it fires at the next [`Timers::pop_due`], after
    /// those that were due before it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::error::Error::OutOfMemory): nothing has changed.
    pub(crate) fn insert(&mut self, deadline_ms: u64, key: u64) -> Result<Timer> {
        self.slab.make_room(1)?;
        let deadline_ms = deadline_ms.max(self.now_ms);
        let index = self.slab.take(Node { deadline_ms, key, next: NONE, prev: NONE });
        self.append(index);
        Ok(Timer::at(index))
    }

    /// Takes a timer away and gives its key back. One that has fired or was cancelled before is a bug of the caller, which
    /// panics as long as its place was not given to another.
    #[cfg(test)]
    pub(crate) fn cancel(&mut self, timer: Timer) -> u64 {
        self.remove(timer.index())
    }

    /// Takes a timer away unless it has fired or was cancelled: no other timer may have its key. Whether it was there.
    pub(crate) fn cancel_if_waiting(&mut self, timer: Timer, key: u64) -> bool {
        let is_there = self.slab.find(timer.index()).is_some_and(|node| node.key == key);
        if is_there {
            self.remove(timer.index());
        }
        is_there
    }

    /// The wheel's time, as it was told last.
    pub(crate) fn told_ms(&self) -> u64 {
        self.told_ms
    }

    /// Has time go back, which a clock on the wall may: what was not due then is not due. Takes as long as there are timers.
    pub(crate) fn set_back(&mut self, now_ms: u64) {
        debug_assert!(now_ms <= self.told_ms);
        // All in one list, in the order of the slots, so that those of one millisecond keep theirs.
        let mut all = EMPTY;
        for list in self.slots.iter_mut().flatten().map(|list| std::mem::replace(list, EMPTY)) {
            if list.first == NONE {
                continue;
            }
            match all.last {
                NONE => all.first = list.first,
                last => self.slab.node_mut(last).next = list.first,
            }
            all.last = list.last;
        }
        (self.levels, self.occupied) = (0, [0; LEVELS]);
        (self.now_ms, self.told_ms) = (now_ms, now_ms);
        let mut index = all.first;
        while index != NONE {
            let next = self.slab.node(index).next;
            self.append(index);
            index = next;
        }
    }

    /// When [`Timers::pop_due`] is to be called next; `None` without timers. Exactly the earliest deadline, if that is in the
    /// lowest level or only a few timers come into question; else a moment not after it, at which timers move further down the
    /// wheel. So a timer costs at most one early call a level.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        let (level, slot) = self.first()?;
        let begin = self.begin_of(level, slot);
        if level == 0 {
            return Some(begin);
        }
        let mut index = self.slots[level][slot].first;
        let mut earliest = u64::MAX;
        for _ in 0..FEW {
            let node = self.slab.node(index);
            earliest = earliest.min(node.deadline_ms);
            index = node.next;
            if index == NONE {
                return Some(earliest);
            }
        }
        Some(begin)
    }

    /// Takes one timer that is due and gives its key: those of an earlier millisecond first, those of one millisecond in the
    /// order of their insertion. `None`: nothing more is due, and the wheel stands at `now_ms`. Time never goes back: an earlier
    /// `now_ms` counts as the latest that was told. There may be inserts and cancels between two calls.
    ///
    /// A call takes as long as the largest slot whose time has come: its timers are moved further down the wheel.
    pub(crate) fn pop_due(&mut self, now_ms: u64) -> Option<u64> {
        self.told_ms = self.told_ms.max(now_ms);
        while let Some((level, slot)) = self.first() {
            let begin = self.begin_of(level, slot);
            if begin > self.told_ms {
                break;
            }
            self.now_ms = begin;
            if level == 0 {
                return Some(self.remove(self.slots[0][slot].first));
            }
            self.move_down(level, slot);
        }
        self.now_ms = self.told_ms;
        None
    }

    /// How many timers wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// The slot with the timers that are due first.
    fn first(&self) -> Option<(usize, usize)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        Some((level, self.occupied[level].trailing_zeros() as usize))
    }

    /// The first millisecond of a slot that is in use.
    fn begin_of(&self, level: usize, slot: usize) -> u64 {
        let shift = BITS * level;
        // The bits above the level are those of the wheel's time; above the top level there are none.
        let above = self.now_ms.checked_shr((shift + BITS) as u32).map_or(0, |bits| bits << (shift + BITS));
        above | (slot as u64) << shift
    }

    /// Where a timer lies.
    fn place_of(&self, deadline_ms: u64) -> (usize, usize) {
        let highest = u64::BITS - 1 - ((self.now_ms ^ deadline_ms) | 1).leading_zeros();
        let level = highest as usize / BITS;
        (level, (deadline_ms >> (BITS * level)) as usize % SLOTS)
    }

    /// Puts a timer at the end of the list where it belongs.
    fn append(&mut self, index: u32) {
        let (level, slot) = self.place_of(self.slab.node(index).deadline_ms);
        let list = &mut self.slots[level][slot];
        let last = std::mem::replace(&mut list.last, index);
        if last == NONE {
            list.first = index;
            self.occupied[level] |= 1 << slot;
            self.levels |= 1 << level;
        } else {
            self.slab.node_mut(last).next = index;
        }
        let node = self.slab.node_mut(index);
        node.prev = last;
        node.next = NONE;
    }

    /// Takes a timer out of its list, and its key.
    fn remove(&mut self, index: u32) -> u64 {
        let Node { deadline_ms, key, next, prev } = self.slab.give(index);
        let (level, slot) = self.place_of(deadline_ms);
        let list = &mut self.slots[level][slot];
        if next == NONE {
            list.last = prev;
        } else {
            self.slab.node_mut(next).prev = prev;
        }
        if prev == NONE {
            list.first = next;
        } else {
            self.slab.node_mut(prev).next = next;
        }
        if (prev, next) == (NONE, NONE) {
            self.clear(level, slot);
        }
        key
    }

    /// Moves the timers of a slot further down the wheel, whose time is now the slot's first millisecond.
    fn move_down(&mut self, level: usize, slot: usize) {
        let mut index = std::mem::replace(&mut self.slots[level][slot], EMPTY).first;
        self.clear(level, slot);
        while index != NONE {
            let next = self.slab.node(index).next;
            self.append(index);
            index = next;
        }
    }

    /// Notes that a slot has no timers.
    fn clear(&mut self, level: usize, slot: usize) {
        self.occupied[level] &= !(1 << slot);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }
}
