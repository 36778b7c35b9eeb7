//! A segmented append log: one lane of a queue. One writer at a time, one reader at a time, both at once.
//!
//! Records lie back to back in segments of 64 KiB: `[header | lengths | payload | user context | headers]`, in words of
//! eight bytes. The writer copies a record behind the published end and then moves that end with a release store; the reader
//! reads the end with an acquire load. Whoever takes records holds their segment by an `Arc`, reads them where they lie,
//! and gives the segment's memory back by letting go of it.
//!
//! Invariants, on which every `unsafe` block here rests:
//! 1. Words below `published` are never written again during the life of a segment.
//! 2. Words at or above it are touched by the writer only (`&mut Writer`, one a log).
//! 3. A record is taken once (`&mut Reader`, one a log; offsets only grow), so its large allocation is freed once: by the
//!    [`Batch`] that took it, or, if nobody did, by the reader when the log ends.

use crate::alloc::Ensure;
use crate::error::{Error, Result};
use crate::sync::{tracked, Arc, AtomicBool, AtomicUsize, Mutex, Ordering, Padded, Tracked, UnsafeCell};
use crate::task::TaskId;

/// Words of eight bytes in a segment.
#[cfg(not(loom))]
const SEGMENT_WORDS: usize = 8192;
#[cfg(loom)]
const SEGMENT_WORDS: usize = 4;

/// A record whose data is longer gets its own allocation, so that a segment is not pinned by it, nor filled by a few.
const LARGE_BYTES: usize = 16 * 1024;
/// Buffers that are kept for the next segment; the rest goes back to the system after a backlog.
const POOLED: usize = 8;
/// The most records that are taken at once.
pub(crate) const BATCH: usize = 8;

/// What a record holds, borrowed from a submission.
#[derive(Clone, Copy)]
pub(crate) struct Data<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) user_context: Option<&'a [u8]>,
    pub(crate) headers: Headers<'a>,
}

/// Headers as a submission has them, or as a record does.
#[derive(Clone, Copy)]
pub(crate) enum Headers<'a> {
    Pairs(&'a [(&'a str, &'a str)]),
    Encoded(&'a [u8]),
}

/// A record as it lies in its segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) user_context: Option<&'a [u8]>,
    headers: &'a [u8],
}

/// The head of a record: what decides its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: TaskId,
    /// Milliseconds of the engine's clock; wraps after 49 days, so compare differences only.
    pub(crate) ready_at: u32,
}

// The second word of a record: [ready_at:32 | flags | payload length:24].
const LENGTH_BITS: u64 = (1 << 24) - 1;
/// A third word tells the lengths of user context and headers.
const HAS_MORE: u64 = 1 << 24;
/// The user context is there (it may be empty).
const HAS_USER: u64 = 1 << 25;
/// The data lies in an allocation of its own, whose address is the last word.
const IS_LARGE: u64 = 1 << 26;

impl<'a> Data<'a> {
    fn header_bytes(&self) -> usize {
        match self.headers {
            Headers::Pairs(pairs) => pairs.iter().map(|(name, value)| 4 + name.len() + value.len()).sum(),
            Headers::Encoded(bytes) => bytes.len(),
        }
    }

    fn user_bytes(&self) -> usize {
        self.user_context.map_or(0, <[u8]>::len)
    }

    fn bytes(&self) -> usize {
        self.payload.len() + self.user_bytes() + self.header_bytes()
    }

    fn has_more(&self) -> bool {
        self.user_context.is_some() || self.header_bytes() > 0
    }

    /// The data as it lies in the record, piece by piece.
    fn for_each_piece(&self, mut write: impl FnMut(&[u8])) {
        write(self.payload);
        if let Some(user_context) = self.user_context {
            write(user_context);
        }
        let pairs = match self.headers {
            Headers::Pairs(pairs) => pairs,
            Headers::Encoded(bytes) => return write(bytes),
        };
        for (name, value) in pairs {
            // Both are below 4 KiB together (Submission::check).
            write(&(name.len() as u16).to_le_bytes());
            write(&(value.len() as u16).to_le_bytes());
            write(name.as_bytes());
            write(value.as_bytes());
        }
    }
}

impl<'a> Record<'a> {
    /// To be written again.
    pub(crate) fn data(&self) -> Data<'a> {
        Data { payload: self.payload, user_context: self.user_context, headers: Headers::Encoded(self.headers) }
    }

    /// All headers, in the order of the submission.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.headers;
        std::iter::from_fn(move || {
            let (lengths, after) = rest.split_at_checked(4)?;
            let name = usize::from(u16::from_le_bytes([lengths[0], lengths[1]]));
            let value = usize::from(u16::from_le_bytes([lengths[2], lengths[3]]));
            let (name, after) = after.split_at_checked(name)?;
            let (value, after) = after.split_at_checked(value)?;
            rest = after;
            // They were `str` when they were written.
            Some((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?))
        })
    }
}

/// The memory of a segment.
struct Words(Box<[UnsafeCell<u64>]>);

// SAFETY: the cells are shared by the invariants above: each is written by one thread before it is published, and only read
// afterwards.
unsafe impl Send for Words {}
// SAFETY: likewise.
unsafe impl Sync for Words {}

impl Words {
    fn new(count: usize) -> Result<Self> {
        let mut words = Vec::new();
        words.try_reserve_exact(count).map_err(|_| Error::OutOfMemory { bytes: count * 8 })?;
        words.resize_with(count, || UnsafeCell::new(0));
        Ok(Self(words.into_boxed_slice()))
    }

    /// # Safety
    /// Nobody reads the word meanwhile (invariant 2).
    unsafe fn set(&self, at: usize, value: u64) {
        // SAFETY: the caller's contract.
        self.0[at].with_mut(|word| unsafe { *word = value });
    }

    /// # Safety
    /// Nobody writes the word meanwhile (invariant 1).
    unsafe fn get(&self, at: usize) -> u64 {
        // SAFETY: the caller's contract.
        self.0[at].with(|word| unsafe { *word })
    }

    /// Copies pieces of bytes behind each other, from a word on.
    ///
    /// # Safety
    /// Nobody reads the words meanwhile (invariant 2).
    unsafe fn write(&self, at: usize, data: &Data<'_>) {
        assert!(at * 8 + data.bytes() <= self.0.len() * 8, "a record fits its segment");
        #[cfg(not(loom))]
        {
            // SAFETY: within the slice (asserted), whose cells are plain memory that this thread may write (contract).
            let mut to = unsafe { self.0.as_ptr().cast::<u64>().cast_mut().add(at).cast::<u8>() };
            data.for_each_piece(|piece| {
                // SAFETY: likewise; the pieces' lengths add up to data.bytes().
                unsafe {
                    std::ptr::copy_nonoverlapping(piece.as_ptr(), to, piece.len());
                    to = to.add(piece.len());
                }
            });
        }
        #[cfg(loom)]
        for word in 0..data.bytes().div_ceil(8) {
            // SAFETY: the caller's contract.
            unsafe { self.set(at + word, u64::MAX) };
        }
    }

    /// # Safety
    /// Nobody writes the words meanwhile, nor as long as the slice lives (invariant 1).
    #[cfg(not(loom))]
    unsafe fn bytes(&self, at: usize, len: usize) -> &[u8] {
        assert!(at * 8 + len <= self.0.len() * 8, "a record lies in its segment");
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

/// Buffers of segments that are done, for the next ones.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Vec<Words>>);

impl Pool {
    fn take(&self, words: usize) -> Result<Words> {
        if words == SEGMENT_WORDS {
            if let Some(pooled) = self.0.lock().pop() {
                return Ok(pooled);
            }
        }
        Words::new(words)
    }

    fn give_back(&self, words: Words) {
        if words.0.len() == SEGMENT_WORDS {
            let mut pooled = self.0.lock();
            if pooled.len() < POOLED && pooled.ensure(1).is_ok() {
                pooled.push(words);
            }
        }
    }
}

struct Segment {
    words: Words,
    pool: Arc<Pool>,
    /// Nothing more comes: go on to the next one.
    sealed: AtomicBool,
    next: Mutex<Option<Tracked<Segment>>>,
    /// Words that may be read. On a line of its own: the writer's other words are not read by others.
    published: Padded<AtomicUsize>,
}

impl Segment {
    fn new(pool: &Arc<Pool>) -> Result<Tracked<Self>> {
        let segment = tracked(Self {
            words: pool.take(SEGMENT_WORDS)?,
            pool: pool.clone(),
            sealed: AtomicBool::new(false),
            next: Mutex::new(None),
            published: Padded(AtomicUsize::new(0)),
        })?;
        Ok(segment)
    }

    fn head(&self, at: usize) -> (Head, u64) {
        // SAFETY: only called for published records (invariant 1).
        let (id, meta) = unsafe { (self.words.get(at), self.words.get(at + 1)) };
        let id = TaskId::new(id as i64).expect("records hold ids");
        (Head { id, ready_at: (meta >> 32) as u32 }, meta)
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
    fn size(&self, at: usize) -> usize {
        let (_, meta) = self.head(at);
        let (data_at, lengths) = self.layout(at, meta);
        data_at - at + if meta & IS_LARGE == 0 { lengths.sum().div_ceil(8) } else { 1 }
    }

    fn record(&self, at: usize) -> Record<'_> {
        let (_, meta) = self.head(at);
        let (data_at, lengths) = self.layout(at, meta);
        let data = if meta & IS_LARGE == 0 {
            // SAFETY: published (invariant 1), and borrowed from the segment.
            unsafe { self.words.bytes(data_at, lengths.sum()) }
        } else {
            // SAFETY: published (invariant 1); the allocation lives until the record is done with (invariant 3).
            unsafe { std::slice::from_raw_parts(self.words.get(data_at) as *const u8, lengths.sum()) }
        };
        let (payload, rest) = data.split_at(lengths.payload.min(data.len()));
        let (user, headers) = rest.split_at(lengths.user.min(rest.len()));
        Record { payload, user_context: (meta & HAS_USER != 0).then_some(user), headers }
    }

    /// Frees what a record has of its own.
    ///
    /// # Safety
    /// Once for each record, after its last use (invariant 3).
    unsafe fn free_large(&self, at: usize) {
        let (_, meta) = self.head(at);
        if meta & IS_LARGE == 0 {
            return;
        }
        let (data_at, lengths) = self.layout(at, meta);
        // SAFETY: published (invariant 1); made by Box::into_raw of a slice of this length, and freed once (contract).
        unsafe {
            let data = std::ptr::slice_from_raw_parts_mut(self.words.get(data_at) as *mut u8, lengths.sum());
            drop(Box::from_raw(data));
        }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.pool.give_back(Words(std::mem::take(&mut self.words.0)));
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

/// Makes an empty log.
pub(crate) fn log(pool: &Arc<Pool>) -> Result<(Writer, Reader)> {
    let segment = Segment::new(pool)?;
    let writer = Writer {
        pool: pool.clone(),
        tail: segment.clone(),
        end: 0,
        started: Vec::new(),
        committed: 0,
        uncommitted_large: Vec::new(),
    };
    Ok((writer, Reader { head: segment, at: 0 }))
}

/// The writing end. Records are added, then committed all at once or taken back all at once.
pub(crate) struct Writer {
    pool: Arc<Pool>,
    /// The last segment that the reader can come to.
    tail: Tracked<Segment>,
    /// Words of the tail that are committed.
    committed: usize,
    /// Segments begun since the last commit, which only the writer knows, with the final length of the one before each.
    started: Vec<(usize, Tracked<Segment>)>,
    /// Words of the last one of them, or of the tail, that are written.
    end: usize,
    /// Allocations of records that are not committed.
    uncommitted_large: Vec<*mut [u8]>,
}

// SAFETY: the raw pointers are owned allocations that travel with the writer.
unsafe impl Send for Writer {}

impl Writer {
    /// Writes a record, which nobody sees before [`Writer::commit`]. On an error nothing of it is written.
    pub(crate) fn add(&mut self, id: TaskId, ready_at: u32, data: &Data<'_>) -> Result<()> {
        let large = data.bytes() > LARGE_BYTES;
        let more = data.has_more();
        let size = 2 + usize::from(more) + if large { 1 } else { data.bytes().div_ceil(8) };
        if self.end + size > SEGMENT_WORDS {
            self.started.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: 16 })?;
            let segment = Segment::new(&self.pool)?;
            self.started.push((self.end, segment));
            self.end = 0;
        }
        let mut allocation = None;
        if large {
            let no_memory = |_| Error::OutOfMemory { bytes: size_of::<*mut [u8]>() };
            self.uncommitted_large.try_reserve(1).map_err(no_memory)?;
            allocation = Some(copy_large(data)?);
        }
        let segment = self.started.last().map_or(&self.tail, |(_, segment)| segment);
        let mut meta = (u64::from(ready_at) << 32) | data.payload.len() as u64;
        meta |= if more { HAS_MORE } else { 0 };
        meta |= if data.user_context.is_some() { HAS_USER } else { 0 };
        meta |= if large { IS_LARGE } else { 0 };
        let at = self.end;
        let words = &segment.words;
        // SAFETY: all words written lie at or above what is published (invariant 2).
        unsafe {
            words.set(at, id.value() as u64);
            words.set(at + 1, meta);
            let mut data_at = at + 2;
            if more {
                words.set(data_at, (data.header_bytes() as u64) << 32 | data.user_bytes() as u64);
                data_at += 1;
            }
            match allocation {
                Some(allocation) => {
                    words.set(data_at, allocation.cast::<u8>() as u64);
                    self.uncommitted_large.push(allocation);
                }
                None => words.write(data_at, data),
            }
        }
        self.end = at + size;
        Ok(())
    }

    /// Lets the reader see all that was added, in order.
    pub(crate) fn commit(&mut self) {
        self.uncommitted_large.clear();
        for (final_length, segment) in self.started.drain(..) {
            self.tail.published.0.store(final_length, Ordering::Release);
            *self.tail.next.lock() = Some(segment.clone());
            self.tail.sealed.store(true, Ordering::Release);
            self.tail = segment;
        }
        self.tail.published.0.store(self.end, Ordering::Release);
        self.committed = self.end;
    }

    /// Takes back all that was added since the last commit.
    pub(crate) fn roll_back(&mut self) {
        self.started.clear();
        self.end = self.committed;
        for allocation in self.uncommitted_large.drain(..) {
            // SAFETY: made by Box::into_raw, in no committed record.
            drop(unsafe { Box::from_raw(allocation) });
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.roll_back();
    }
}

/// Copies data into an allocation of its own.
fn copy_large(data: &Data<'_>) -> Result<*mut [u8]> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(data.bytes()).map_err(|_| Error::OutOfMemory { bytes: data.bytes() })?;
    data.for_each_piece(|piece| copy.extend_from_slice(piece));
    Ok(Box::into_raw(copy.into_boxed_slice()))
}

/// The reading end.
pub(crate) struct Reader {
    head: Tracked<Segment>,
    at: usize,
}

impl Reader {
    /// The next record's head, if there is one.
    pub(crate) fn peek(&mut self) -> Option<Head> {
        self.advance().then(|| self.head.head(self.at).0)
    }

    /// The next record, if there is one, where it lies.
    pub(crate) fn peek_record(&mut self) -> Option<(Head, Record<'_>)> {
        self.advance().then(|| (self.head.head(self.at).0, self.head.record(self.at)))
    }

    /// Every record from the next one on, as far as they are committed, until `visit` says that it has seen enough.
    pub(crate) fn scan(&mut self, mut visit: impl FnMut(Head, Record<'_>) -> bool) {
        if !self.advance() {
            return;
        }
        let mut segment = self.head.clone();
        let mut at = self.at;
        loop {
            while at < segment.published.0.load(Ordering::Acquire) {
                if visit(segment.head(at).0, segment.record(at)) {
                    return;
                }
                at += segment.size(at);
            }
            let next = segment.next.lock().clone();
            match next {
                // Published before the next one was there.
                Some(_) if at < segment.published.0.load(Ordering::Acquire) => {}
                Some(next) => (segment, at) = (next, 0),
                None => return,
            }
        }
    }

    /// Whether there is a record; steps over the ends of segments.
    fn advance(&mut self) -> bool {
        loop {
            if self.at < self.head.published.0.load(Ordering::Acquire) {
                return true;
            }
            if !self.head.sealed.load(Ordering::Acquire) {
                return false;
            }
            // Sealed after its last record was published: look once more, now that this is known.
            if self.at < self.head.published.0.load(Ordering::Acquire) {
                return true;
            }
            let Some(next) = self.head.next.lock().take() else {
                return false;
            };
            self.head = next;
            self.at = 0;
        }
    }

    /// About how many records are there, judged by the size of the next one and no further than its segment.
    pub(crate) fn about(&mut self) -> usize {
        if !self.advance() {
            return 0;
        }
        (self.head.published.0.load(Ordering::Acquire) - self.at) / self.head.size(self.at)
    }

    /// Takes up to `most` records of one segment, the oldest first. `None` if there is none.
    pub(crate) fn take(&mut self, most: usize) -> Option<Batch> {
        if !self.advance() {
            return None;
        }
        let published = self.head.published.0.load(Ordering::Acquire);
        let mut batch = Batch { segment: self.head.clone(), at: [0; BATCH], len: 0 };
        while batch.len < most.min(BATCH) && self.at < published {
            batch.at[batch.len] = self.at as u32;
            batch.len += 1;
            self.at += self.head.size(self.at);
        }
        Some(batch)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Frees what the records that nobody took have of their own, and lets go of the segments one by one.
        while self.take(BATCH).is_some() {}
    }
}

/// Records that were taken, and what keeps them in memory.
pub(crate) struct Batch {
    segment: Tracked<Segment>,
    at: [u32; BATCH],
    len: usize,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn head(&self, index: usize) -> Head {
        self.segment.head(self.at[..self.len][index] as usize).0
    }

    pub(crate) fn record(&self, index: usize) -> Record<'_> {
        self.segment.record(self.at[..self.len][index] as usize)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        for &at in &self.at[..self.len] {
            // SAFETY: this batch alone took the record (invariant 3), and nothing borrowed from it is left.
            unsafe { self.segment.free_large(at as usize) };
        }
    }
}

#[cfg(test)]
mod tests;
