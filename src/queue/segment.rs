//! The memory of a log: segments of 64 KiB, and records as they lie in them.
//!
//! A record is `[id | ready_at, flags, payload length | lengths of what else there is | payload | user context | headers]`, in
//! words of eight bytes. Whoever holds a record reads it where it lies, and holds its segment by an `Arc`; whoever is the last
//! to let go of a segment gives it back whole to the [`Pool`], for the next one to be written.
//!
//! Invariants, on which every `unsafe` block of this room rests:
//! 1. Words below `published` are never written again, as long as anybody holds the segment.
//! 2. Words at or above it are touched by the writer only (`&mut Writer`, one a log).
//! 3. A record is taken once (`&mut Reader`, one a log; offsets only grow) and has one holder from then on: a `Taken`, or a
//!    `Hand`, until somebody takes it from there. So its large allocation is freed once: by that holder, or, if nobody took it,
//!    by the reader when the log ends.
//! 4. A large allocation is freed with its segment's `unfreed` held. So whoever holds that and has then seen that a record is
//!    still in a hand may read all of it, although others may take it meanwhile (`Hand::find`).

use crate::alloc;
use crate::error::Result;
use crate::queue::log::{Data, Head, Record};
use crate::sync::{tracked, Arc, AtomicBool, AtomicUsize, Mutex, Ordering, Padded, Tracked, UnsafeCell};
use crate::task::TaskId;
use std::mem::MaybeUninit;

/// Words of eight bytes in a segment.
#[cfg(not(loom))]
pub(super) const SEGMENT_WORDS: usize = 8192;
#[cfg(loom)]
pub(super) const SEGMENT_WORDS: usize = 4;

/// Segments that are kept for the next ones; the rest is freed after a backlog.
pub(super) const POOLED: usize = 8;

// The second word of a record: [ready_at:32 | flags | payload length:24].
const LENGTH_BITS: u64 = (1 << 24) - 1;
/// A third word tells the lengths of user context and headers.
pub(super) const HAS_MORE: u64 = 1 << 24;
/// The user context is there (it may be empty).
pub(super) const HAS_USER: u64 = 1 << 25;
/// The data lies in an allocation of its own, whose address is the last word.
pub(super) const IS_LARGE: u64 = 1 << 26;

/// The words of a segment. Nothing is in them before it is written: nobody reads further than what is published.
pub(super) struct Words(Box<[UnsafeCell<MaybeUninit<u64>>; SEGMENT_WORDS]>);

// SAFETY: the cells are shared by the invariants above: each is written by one thread before it is published, and only read
// afterwards.
unsafe impl Send for Words {}
// SAFETY: likewise.
unsafe impl Sync for Words {}

impl Words {
    fn new() -> Result<Self> {
        let mut words = alloc::list(SEGMENT_WORDS)?;
        // Nothing is written: there is nothing to write for a word that may hold anything.
        words.resize_with(SEGMENT_WORDS, || UnsafeCell::new(MaybeUninit::uninit()));
        let words = words.into_boxed_slice().try_into();
        Ok(Self(words.unwrap_or_else(|_| unreachable!("it has so many"))))
    }

    /// # Safety
    /// Nobody reads the word meanwhile (invariant 2).
    pub(super) unsafe fn set(&self, at: usize, value: u64) {
        // SAFETY: the caller's contract.
        self.0[at].with_mut(|word| unsafe { (*word).write(value) });
    }

    /// # Safety
    /// It was written, and nobody writes the word meanwhile (invariant 1).
    pub(super) unsafe fn get(&self, at: usize) -> u64 {
        // SAFETY: the caller's contract.
        self.0[at].with(|word| unsafe { (*word).assume_init() })
    }

    /// Copies pieces of bytes behind each other, from a word on.
    ///
    /// # Safety
    /// Nobody reads the words meanwhile (invariant 2).
    #[cfg(not(loom))]
    pub(super) unsafe fn write(&self, at: usize, data: &Data<'_>) {
        assert!(at * 8 + data.bytes() <= SEGMENT_WORDS * 8, "a record fits its segment");
        let mut to = at * 8;
        data.for_each_piece(|piece| {
            // SAFETY: the caller's contract.
            unsafe { self.write_from(to, piece) };
            to += piece.len();
        });
    }

    /// [`Words::write`] of bytes that are all there is.
    ///
    /// # Safety
    /// As there.
    #[cfg(not(loom))]
    pub(super) unsafe fn write_bytes(&self, at: usize, bytes: &[u8]) {
        // SAFETY: the caller's contract.
        unsafe { self.write_from(at * 8, bytes) };
    }

    /// Copies bytes to where the segment's byte of that number is.
    ///
    /// # Safety
    /// As [`Words::write`].
    #[cfg(not(loom))]
    #[inline]
    unsafe fn write_from(&self, byte: usize, bytes: &[u8]) {
        assert!(byte + bytes.len() <= SEGMENT_WORDS * 8, "a record fits its segment");
        // SAFETY: within the slice (asserted), whose cells are plain memory that this thread may write (contract).
        unsafe {
            let to = self.0.as_ptr().cast::<u8>().cast_mut().add(byte);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
    }

    /// Lets loom see the writes.
    #[cfg(loom)]
    pub(super) unsafe fn write(&self, at: usize, data: &Data<'_>) {
        // SAFETY: the caller's contract.
        unsafe { self.touch(at, data.bytes()) };
    }

    #[cfg(loom)]
    pub(super) unsafe fn write_bytes(&self, at: usize, bytes: &[u8]) {
        // SAFETY: the caller's contract.
        unsafe { self.touch(at, bytes.len()) };
    }

    #[cfg(loom)]
    unsafe fn touch(&self, at: usize, bytes: usize) {
        for word in 0..bytes.div_ceil(8) {
            // SAFETY: the caller's contract.
            unsafe { self.set(at + word, u64::MAX) };
        }
    }

    /// # Safety
    /// They were written, and nobody writes the words meanwhile, nor as long as the slice lives (invariant 1).
    #[cfg(not(loom))]
    unsafe fn bytes(&self, at: usize, len: usize) -> &[u8] {
        assert!(at * 8 + len <= SEGMENT_WORDS * 8, "a record lies in its segment");
        // SAFETY: within the slice (asserted), initialised, and not written (contract).
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u8>().add(at * 8), len) }
    }

    /// Lets loom see the reads, without bytes to show for them.
    #[cfg(loom)]
    unsafe fn bytes(&self, at: usize, len: usize) -> &[u8] {
        for word in 0..len.div_ceil(8) {
            // SAFETY: the caller's contract.
            assert_eq!(unsafe { self.get(at + word) }, u64::MAX, "the data was published with its record");
        }
        &[]
    }
}

/// Segments that nobody holds any more, for the next ones. Whole, so that a log in a steady state allocates nothing.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Pooled>);

#[derive(Default)]
struct Pooled {
    segments: [Option<Tracked<Segment>>; POOLED],
    count: usize,
    /// How many went back to the allocator since that was last asked.
    gone: usize,
}

impl Pool {
    /// An empty segment.
    pub(super) fn take(pool: &Arc<Self>) -> Result<Tracked<Segment>> {
        let pooled = {
            let mut pooled = pool.0.lock();
            pooled.count = pooled.count.saturating_sub(1);
            let last = pooled.count;
            pooled.segments[last].take()
        };
        let mut segment = match pooled {
            Some(segment) => segment,
            None => Segment::new()?,
        };
        let new = Tracked::get_mut(&mut segment).expect("nobody else has it");
        new.pool = Some(pool.clone());
        Ok(segment)
    }

    fn give_back(&self, segment: Tracked<Segment>) {
        let mut pooled = self.0.lock();
        let count = pooled.count;
        if let Some(place) = pooled.segments.get_mut(count) {
            *place = Some(segment);
            pooled.count += 1;
        } else {
            pooled.gone += 1;
        }
    }

    /// How many segments went back to the allocator since [`Pool::forget_gone`].
    pub(crate) fn gone(&self) -> usize {
        self.0.lock().gone
    }

    pub(crate) fn forget_gone(&self) {
        self.0.lock().gone = 0;
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().count
    }
}

pub(super) struct Segment {
    pub(super) words: Words,
    /// Where it goes when nobody holds it any more; `None` while it is there, or the two would hold each other.
    pool: Option<Arc<Pool>>,
    /// Nothing more comes: go on to the next one.
    pub(super) sealed: AtomicBool,
    pub(super) next: Mutex<Option<Tracked<Segment>>>,
    /// Invariant 4.
    pub(super) unfreed: Mutex<()>,
    /// Words that may be read. On a line of its own: the writer's other words are not read by others.
    pub(super) published: Padded<AtomicUsize>,
}

impl Segment {
    fn new() -> Result<Tracked<Self>> {
        let segment = tracked(Self {
            words: Words::new()?,
            pool: None,
            sealed: AtomicBool::new(false),
            next: Mutex::new(None),
            unfreed: Mutex::new(()),
            published: Padded(AtomicUsize::new(0)),
        })?;
        Ok(segment)
    }

    /// Lets go of a segment: whoever is the last gives it back to its pool.
    pub(super) fn let_go(mut segment: Tracked<Self>) {
        // Two who let go at the same moment may both be not the last to see it: then it goes back to the system.
        if let Some(mine) = Tracked::get_mut(&mut segment) {
            if let Some(pool) = mine.pool.take() {
                mine.sealed.store(false, Ordering::Relaxed);
                mine.published.0.store(0, Ordering::Relaxed);
                pool.give_back(segment);
            }
        }
    }

    pub(super) fn head(&self, at: usize) -> Head {
        Head { id: self.id(at), ready_at: (self.meta(at) >> 32) as u32 }
    }

    /// The id of a published record.
    pub(super) fn id(&self, at: usize) -> TaskId {
        // SAFETY: only called for published records (invariant 1).
        TaskId::counted(unsafe { self.words.get(at) } as i64)
    }

    fn meta(&self, at: usize) -> u64 {
        // SAFETY: only called for published records (invariant 1).
        unsafe { self.words.get(at + 1) }
    }

    /// Where the data of a published record begins, and its lengths.
    fn layout(&self, at: usize, meta: u64) -> (usize, Lengths) {
        let payload = (meta & LENGTH_BITS) as usize;
        if meta & HAS_MORE == 0 {
            return (at + 2, Lengths { payload, user: 0, headers: 0 });
        }
        // SAFETY: only called for published records (invariant 1).
        let more = unsafe { self.words.get(at + 2) };
        (at + 3, Lengths { payload, user: (more & 0xffff_ffff) as usize, headers: (more >> 32) as usize })
    }

    /// Words of a published record.
    pub(super) fn size(&self, at: usize) -> usize {
        let meta = self.meta(at);
        let (data_at, lengths) = self.layout(at, meta);
        data_at - at + if meta & IS_LARGE == 0 { lengths.sum().div_ceil(8) } else { 1 }
    }

    pub(super) fn record(&self, at: usize) -> Record<'_> {
        let meta = self.meta(at);
        let (data_at, lengths) = self.layout(at, meta);
        let data = if meta & IS_LARGE == 0 {
            // SAFETY: published (invariant 1), and borrowed from the segment.
            unsafe { self.words.bytes(data_at, lengths.sum()) }
        } else {
            // SAFETY: published (invariant 1); the allocation lives until the record is done with (invariant 3).
            unsafe { std::slice::from_raw_parts(self.words.get(data_at) as *const u8, lengths.sum()) }
        };
        if meta & HAS_MORE == 0 {
            return Record { payload: data, user_context: None, headers: &[] };
        }
        let (payload, rest) = data.split_at(lengths.payload.min(data.len()));
        let (user, headers) = rest.split_at(lengths.user.min(rest.len()));
        Record { payload, user_context: (meta & HAS_USER != 0).then_some(user), headers }
    }

    /// Frees what a record has of its own.
    ///
    /// # Safety
    /// Once for each record, after its last use (invariant 3).
    #[inline]
    pub(super) unsafe fn free_large(&self, at: usize) {
        let meta = self.meta(at);
        if meta & IS_LARGE != 0 {
            // SAFETY: the caller's contract.
            unsafe { self.free_allocation(at, meta) };
        }
    }

    /// # Safety
    /// Of a large record, and as [`Segment::free_large`].
    #[cold]
    unsafe fn free_allocation(&self, at: usize, meta: u64) {
        let (data_at, lengths) = self.layout(at, meta);
        let _unfreed = self.unfreed.lock();
        // SAFETY: published (invariant 1); made by Box::into_raw of a slice of this length, and freed once (contract), while
        // nobody reads it (invariant 4).
        unsafe {
            let data = std::ptr::slice_from_raw_parts_mut(self.words.get(data_at) as *mut u8, lengths.sum());
            drop(Box::from_raw(data));
        }
    }
}

#[derive(Clone, Copy)]
struct Lengths {
    payload: usize,
    user: usize,
    headers: usize,
}

impl Lengths {
    fn sum(self) -> usize {
        self.payload + self.user + self.headers
    }
}
