//! Records that were taken from a log: one that somebody has, and several in a worker's hand.

use crate::queue::log::Record;
use crate::queue::segment::Segment;
use crate::sync::{AtomicU32, AtomicU64, AtomicUsize, Mutex, Ordering, Tracked};
use crate::task::TaskId;

/// The most records that are taken at once: one to run, and the others in the hand.
pub(crate) const BATCH: usize = 8;

/// A record that its holder alone has, or none; and its segment, which is kept for the next one, since that mostly lies there
/// too.
#[derive(Default)]
pub(crate) struct Taken {
    segment: Option<Tracked<Segment>>,
    /// Where the record begins, plus 1; 0 for none.
    after: usize,
}

impl Taken {
    /// Holds a record. Whoever passes it has it, and no longer does (invariant 3).
    pub(super) fn hold(&mut self, segment: &Tracked<Segment>, at: usize) {
        debug_assert_eq!(self.after, 0, "the last one was done with");
        if !self.is_in(segment) {
            self.let_go();
            self.segment = Some(segment.clone());
        }
        self.after = at + 1;
    }

    fn is_in(&self, segment: &Tracked<Segment>) -> bool {
        self.segment.as_ref().is_some_and(|mine| Tracked::ptr_eq(mine, segment))
    }

    fn place(&self) -> Option<(&Segment, usize)> {
        Some((self.segment.as_deref()?, self.after.checked_sub(1)?))
    }

    pub(crate) fn id(&self) -> Option<TaskId> {
        self.place().map(|(segment, at)| segment.id(at))
    }

    /// When the record became ready, in milliseconds of the engine's clock, which wraps.
    pub(crate) fn ready_at(&self) -> Option<u32> {
        self.place().map(|(segment, at)| segment.head(at).ready_at)
    }

    /// The record, and whose it is.
    pub(crate) fn record(&self) -> Option<(TaskId, Record<'_>)> {
        self.place().map(|(segment, at)| (segment.id(at), segment.record(at)))
    }

    #[cfg(test)]
    pub(super) fn head(&self) -> Option<crate::queue::log::Head> {
        self.place().map(|(segment, at)| segment.head(at))
    }

    /// Is done with the record.
    pub(crate) fn clear(&mut self) {
        if let Some((segment, at)) = self.place() {
            // SAFETY: this holder alone has the record (invariant 3), and nothing borrowed from it is left.
            unsafe { segment.free_large(at) };
            self.after = 0;
        }
    }

    /// Lets go of the segment too: to be called where the next record is not at hand.
    pub(crate) fn let_go(&mut self) {
        self.clear();
        if let Some(segment) = self.segment.take() {
            Segment::let_go(segment);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Records of one segment that a worker has taken and not begun. Its owner takes the next one by one locked instruction and
/// no lock; others may take it too.
pub(crate) struct Hand {
    /// `[round:48 | next:8 | count:8]`. Whoever counts `next` up, below the count, has that record. The round tells one filling
    /// from another.
    state: AtomicU64,
    /// Where they begin. Written by the owner, while there is nothing in the hand.
    at: [AtomicU32; BATCH - 1],
    /// Their segment. Changed by the owner, under the lock, while there is nothing in the hand.
    segment: Mutex<Option<Tracked<Segment>>>,
    /// Its address, for the owner, so that it needs the lock only to change it.
    address: AtomicUsize,
}

const COUNT_BITS: u64 = 0xff;
const NEXT_AT: u32 = 8;
const NEXT: u64 = 1 << NEXT_AT;
const ROUND: u64 = 1 << 16;

/// The index of the next record in a hand; `None` if there is none.
fn next_of(state: u64) -> Option<usize> {
    let next = (state >> NEXT_AT) & COUNT_BITS;
    (next < state & COUNT_BITS).then_some(next as usize)
}

impl Hand {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU64::new(0),
            at: Default::default(),
            segment: Mutex::new(None),
            address: AtomicUsize::new(0),
        }
    }

    /// Whether there is a record in it, at this moment.
    pub(crate) fn has_some(&self) -> bool {
        next_of(self.state.load(Ordering::Acquire)).is_some()
    }

    /// Fills the empty hand. By its owner only; whoever passes the records has them, and no longer does (invariant 3).
    pub(super) fn fill(&self, segment: &Tracked<Segment>, at: &[u32]) {
        // Acquire: what a thief has read of the last round it has read before that round is written over.
        let last = self.state.load(Ordering::Acquire);
        assert!(next_of(last).is_none(), "a hand is filled when it is empty");
        if self.address.load(Ordering::Relaxed) != address_of(segment) {
            let before = self.segment.lock().replace(segment.clone());
            self.address.store(address_of(segment), Ordering::Relaxed);
            if let Some(before) = before {
                Segment::let_go(before);
            }
        }
        for (place, at) in self.at.iter().zip(at) {
            place.store(*at, Ordering::Relaxed);
        }
        let round = (last & !(ROUND - 1)).wrapping_add(ROUND);
        self.state.store(round | at.len() as u64, Ordering::Release);
    }

    /// Takes the next record, if it lies in the segment of the one that the owner has or had last. By the owner only. Whether it did: an owner
    /// that has left its hand ([`steal`](Self::steal) is how it gets at it again) may have a record of another worker's hand meanwhile.
    pub(crate) fn next(&self, taken: &mut Taken) -> bool {
        // Changed by this thread only.
        let is_of_hand = taken.segment.as_ref().map(address_of) == Some(self.address.load(Ordering::Relaxed));
        if !is_of_hand || !self.has_some() {
            return false;
        }
        let Some(index) = next_of(self.state.fetch_add(NEXT, Ordering::AcqRel)) else {
            return false;
        };
        // Written by this thread.
        let at = self.at[index].load(Ordering::Relaxed) as usize;
        debug_assert_eq!(taken.after, 0, "the last one was done with");
        taken.after = at + 1;
        true
    }

    /// Takes the next record, for whoever asks. Whether there was one.
    pub(crate) fn steal(&self, taken: &mut Taken) -> bool {
        // Without the lock if it can be.
        if !self.has_some() {
            return false;
        }
        let segment = self.segment.lock();
        let Some(segment) = &*segment else { return false };
        loop {
            let seen = self.state.load(Ordering::Acquire);
            let Some(index) = next_of(seen) else { return false };
            let at = self.at[index].load(Ordering::Relaxed) as usize;
            // If nobody has taken it, the round is the one that was seen, and so is the place. The segment is theirs, since
            // the owner needs the lock to change it.
            if self.state.compare_exchange(seen, seen + NEXT, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                taken.hold(segment, at);
                return true;
            }
        }
    }

    /// Looks for a record, without taking it.
    pub(crate) fn find<R>(&self, id: TaskId, found: impl FnOnce(Record<'_>) -> R) -> Option<R> {
        if !self.has_some() {
            return None;
        }
        let segment = self.segment.lock();
        let segment = segment.as_ref()?;
        // From here on what is taken is not freed (invariant 4). First this, then the look at what is in the hand.
        let _unfreed = segment.unfreed.lock();
        let seen = self.state.load(Ordering::Acquire);
        // Places of this round or of a later one, and so of records of this segment that were not taken when this began.
        let places = self.at.get(next_of(seen)?..(seen & COUNT_BITS) as usize)?;
        let at = places.iter().map(|at| at.load(Ordering::Relaxed) as usize).find(|at| segment.id(*at) == id)?;
        Some(found(segment.record(at)))
    }

    /// The task that comes next.
    pub(crate) fn next_task(&self) -> Option<TaskId> {
        let segment = self.segment.lock();
        let segment = segment.as_ref()?;
        loop {
            let seen = self.state.load(Ordering::Acquire);
            // Of this round or of a later one, and so of a published record of this segment, either way.
            let at = self.at[next_of(seen)?].load(Ordering::Relaxed);
            let id = segment.id(at as usize);
            if self.state.load(Ordering::Acquire) == seen {
                return Some(id);
            }
        }
    }

    /// Lets go of the segment, if there is nothing in the hand. By its owner only.
    pub(crate) fn let_go(&self) {
        if self.address.load(Ordering::Relaxed) == 0 || self.has_some() {
            return;
        }
        let segment = self.segment.lock().take();
        self.address.store(0, Ordering::Relaxed);
        if let Some(segment) = segment {
            Segment::let_go(segment);
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let mut taken = Taken::default();
        while self.steal(&mut taken) {
            taken.clear();
        }
        self.let_go();
    }
}

fn address_of(segment: &Tracked<Segment>) -> usize {
    std::ptr::from_ref::<Segment>(segment) as usize
}

#[cfg(test)]
mod tests;
