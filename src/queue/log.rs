//! A segmented append log: one lane of a queue. One writer at a time, one reader at a time, both at once.
//!
//! Records lie back to back in segments (`queue/segment.rs`). The writer copies a record behind the published end and then
//! moves that end with a release store; the reader reads the end with an acquire load, and only where it has come to the one
//! that it knows, so that the two seldom touch the same cache line. What is taken has one holder (`queue/hand.rs`).
//!
//! The `unsafe` blocks here rest on the invariants of `queue/segment.rs`.

use crate::alloc::{self, Ensure};
use crate::error::Result;
use crate::queue::hand::{Hand, Taken, BATCH};
use crate::queue::segment::{Pool, Segment, HAS_MORE, HAS_USER, IS_LARGE, SEGMENT_WORDS};
use crate::sync::{Arc, Ordering, Tracked};
use crate::task::{decode_headers, encode_header, TaskId};

/// A record whose data is longer gets its own allocation, so that a segment is not pinned by it, nor filled by a few.
const LARGE_BYTES: usize = 16 * 1024;

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
    pub(super) headers: &'a [u8],
}

/// The head of a record: what decides its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: TaskId,
    /// Milliseconds of the engine's clock; wraps after 49 days, so compare differences only.
    pub(crate) ready_at: u32,
}

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

    /// Its headers as a record has them.
    pub(crate) fn copy_headers(&self) -> Result<Vec<u8>> {
        let mut copy = alloc::list(self.header_bytes())?;
        Data { payload: &[], user_context: None, ..*self }.for_each_piece(|piece| copy.extend_from_slice(piece));
        Ok(copy)
    }

    pub(super) fn bytes(&self) -> usize {
        self.payload.len() + self.user_bytes() + self.header_bytes()
    }

    fn has_more(&self) -> bool {
        self.user_context.is_some() || self.header_bytes() > 0
    }

    /// The data as it lies in the record, piece by piece.
    pub(super) fn for_each_piece(&self, mut write: impl FnMut(&[u8])) {
        write(self.payload);
        if let Some(user_context) = self.user_context {
            write(user_context);
        }
        let pairs = match self.headers {
            Headers::Pairs(pairs) => pairs,
            Headers::Encoded(bytes) => return write(bytes),
        };
        pairs.iter().for_each(|header| encode_header(*header, &mut write));
    }
}

impl<'a> Record<'a> {
    /// A record that lies elsewhere than in a segment. `headers`: as records have them.
    pub(super) fn new(payload: &'a [u8], user_context: Option<&'a [u8]>, headers: &'a [u8]) -> Self {
        Self { payload, user_context, headers }
    }

    /// What a task brings whose headers are encoded already.
    pub(crate) fn of(data: &Data<'a>) -> Self {
        let headers = match data.headers {
            Headers::Encoded(bytes) => bytes,
            Headers::Pairs(_) => &[],
        };
        Self { payload: data.payload, user_context: data.user_context, headers }
    }

    /// To be written again.
    pub(crate) fn data(&self) -> Data<'a> {
        Data { payload: self.payload, user_context: self.user_context, headers: Headers::Encoded(self.headers) }
    }

    /// All headers, in the order of the submission.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        decode_headers(self.headers)
    }
}

/// Makes an empty log.
pub(crate) fn log(pool: &Arc<Pool>) -> Result<(Writer, Reader)> {
    let segment = Pool::take(pool)?;
    let writer = Writer {
        pool: pool.clone(),
        tail: segment.clone(),
        end: 0,
        started: Vec::new(),
        committed: 0,
        uncommitted_large: Vec::new(),
    };
    Ok((writer, Reader { head: segment, at: 0, seen: 0 }))
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
    #[inline(always)]
    pub(crate) fn add(&mut self, id: TaskId, ready_at: u32, data: &Data<'_>) -> Result<()> {
        let (at, len) = (self.end, data.payload.len());
        let end = at + 2 + len.div_ceil(8);
        if data.has_more() || len > LARGE_BYTES || end > SEGMENT_WORDS {
            return self.add_in_full(id, ready_at, data);
        }
        let words = &self.segment().words;
        // SAFETY: all words written lie at or above what is published (invariant 2).
        unsafe {
            words.set(at, id.value() as u64);
            words.set(at + 1, (u64::from(ready_at) << 32) | len as u64);
            words.write_bytes(at + 2, data.payload);
        }
        self.end = end;
        Ok(())
    }

    /// [`Writer::add`] of any record.
    #[cold]
    fn add_in_full(&mut self, id: TaskId, ready_at: u32, data: &Data<'_>) -> Result<()> {
        let large = data.bytes() > LARGE_BYTES;
        let more = data.has_more();
        let size = 2 + usize::from(more) + if large { 1 } else { data.bytes().div_ceil(8) };
        if self.end + size > SEGMENT_WORDS {
            self.started.ensure(1)?;
            let segment = Pool::take(&self.pool)?;
            self.started.push((self.end, segment));
            self.end = 0;
        }
        let mut allocation = None;
        if large {
            self.uncommitted_large.ensure(1)?;
            allocation = Some(copy_large(data)?);
        }
        let mut meta = (u64::from(ready_at) << 32) | data.payload.len() as u64;
        meta |= if more { HAS_MORE } else { 0 };
        meta |= if data.user_context.is_some() { HAS_USER } else { 0 };
        meta |= if large { IS_LARGE } else { 0 };
        let at = self.end;
        let words = &self.segment().words;
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

    /// The one that is written.
    #[inline]
    fn segment(&self) -> &Segment {
        self.started.last().map_or(&self.tail, |(_, segment)| segment)
    }

    /// Lets the reader see all that was added, in order.
    #[inline]
    pub(crate) fn commit(&mut self) {
        self.uncommitted_large.clear();
        if !self.started.is_empty() {
            self.link();
        }
        self.tail.published.0.store(self.end, Ordering::Release);
        self.committed = self.end;
    }

    /// Lets the reader come to the segments that were begun.
    #[cold]
    fn link(&mut self) {
        for (final_length, segment) in self.started.drain(..) {
            self.tail.published.0.store(final_length, Ordering::Release);
            *self.tail.next.lock() = Some(segment.clone());
            self.tail.sealed.store(true, Ordering::Release);
            Segment::let_go(std::mem::replace(&mut self.tail, segment));
        }
    }

    /// Takes back all that was added since the last commit.
    pub(crate) fn roll_back(&mut self) {
        self.started.drain(..).for_each(|(_, segment)| Segment::let_go(segment));
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
    let mut copy = alloc::list(data.bytes())?;
    data.for_each_piece(|piece| copy.extend_from_slice(piece));
    Ok(Box::into_raw(copy.into_boxed_slice()))
}

/// The reading end.
pub(crate) struct Reader {
    head: Tracked<Segment>,
    at: usize,
    /// Words of the head that are known to be published.
    seen: usize,
}

impl Reader {
    /// The next record's head, if there is one.
    pub(crate) fn peek(&mut self) -> Option<Head> {
        self.has_some().then(|| self.head.head(self.at))
    }

    /// The next record, if there is one, where it lies.
    pub(crate) fn peek_record(&mut self) -> Option<(Head, Record<'_>)> {
        self.has_some().then(|| (self.head.head(self.at), self.head.record(self.at)))
    }

    /// Every record from the next one on, as far as they are committed, until `visit` says that it has seen enough.
    pub(crate) fn scan(&mut self, mut visit: impl FnMut(Head, Record<'_>) -> bool) {
        if !self.has_some() {
            return;
        }
        let mut segment = self.head.clone();
        let mut at = self.at;
        loop {
            while at < segment.published.0.load(Ordering::Acquire) {
                if visit(segment.head(at), segment.record(at)) {
                    return Segment::let_go(segment);
                }
                at += segment.size(at);
            }
            let next = segment.next.lock().clone();
            match next {
                // Published before the next one was there.
                Some(_) if at < segment.published.0.load(Ordering::Acquire) => {}
                Some(next) => {
                    Segment::let_go(std::mem::replace(&mut segment, next));
                    at = 0;
                }
                None => return Segment::let_go(segment),
            }
        }
    }

    /// Whether there is a record; steps over the ends of segments.
    pub(crate) fn has_some(&mut self) -> bool {
        self.at < self.seen || self.look_further()
    }

    #[cold]
    fn look_further(&mut self) -> bool {
        loop {
            self.seen = self.head.published.0.load(Ordering::Acquire);
            if self.at < self.seen {
                return true;
            }
            if !self.head.sealed.load(Ordering::Acquire) {
                return false;
            }
            // Sealed after its last record was published: look once more, now that this is known.
            self.seen = self.head.published.0.load(Ordering::Acquire);
            if self.at < self.seen {
                return true;
            }
            let Some(next) = self.head.next.lock().take() else {
                return false;
            };
            Segment::let_go(std::mem::replace(&mut self.head, next));
            self.at = 0;
        }
    }

    /// How many records are there, if they are less than `enough`: judged by the size of the next one and no further than its
    /// segment.
    pub(crate) fn about(&mut self, enough: usize) -> usize {
        if !self.has_some() {
            return 0;
        }
        let size = self.head.size(self.at);
        if self.seen - self.at < enough * size {
            self.seen = self.head.published.0.load(Ordering::Acquire);
        }
        if self.seen - self.at >= enough * size {
            enough
        } else {
            (self.seen - self.at) / size
        }
    }

    /// Takes the oldest record. Whether there was one.
    pub(crate) fn take(&mut self, taken: &mut Taken) -> bool {
        if !self.has_some() {
            return false;
        }
        taken.hold(&self.head, self.at);
        self.at += self.head.size(self.at);
        true
    }

    /// Takes up to `most` records of one segment, the oldest first: the first one as [`Reader::take`] does, the others into a
    /// hand, which is empty. Whether there was one.
    pub(crate) fn take_into_hand(&mut self, most: usize, hand: &Hand, taken: &mut Taken) -> bool {
        if !self.take(taken) {
            return false;
        }
        let (mut at, mut count) = ([0; BATCH - 1], 0);
        while count + 1 < most.min(BATCH) {
            if self.at == self.seen {
                self.seen = self.head.published.0.load(Ordering::Acquire);
                if self.at == self.seen {
                    break;
                }
            }
            at[count] = self.at as u32;
            count += 1;
            self.at += self.head.size(self.at);
        }
        if count > 0 {
            hand.fill(&self.head, &at[..count]);
        }
        true
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Frees what the records that nobody took have of their own, and lets go of the segments one by one.
        let mut taken = Taken::default();
        while self.take(&mut taken) {
            taken.clear();
        }
    }
}

#[cfg(test)]
mod tests;
