//! What is known of every task, by its id: one word of state, and times.
//!
//! Ids count up, so the table is a row of chunks. A chunk is given back when all its tasks are forgotten. The word is what
//! everything agrees on: each move of a task is one compare-and-swap of it, and whoever wins the move does what goes with
//! it. A task that needs more than the word (a reason, a failure, somebody waiting) has [`SLOW`] set; from then on its moves
//! are made under the lock of the store's extras. One bit says that somebody is to be told of its end: whoever makes the move
//! that takes it away does the telling.

use crate::alloc::{self, Ensure};
use crate::error::Result;
use crate::sync::{Arc, AtomicI64, AtomicU32, AtomicU64, Mutex, Ordering};
use crate::task::{Lease, PayloadFormat, Priority, State, TaskId};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::ControlFlow;

/// Tasks of a chunk.
#[cfg(not(loom))]
pub(crate) const CHUNK: i64 = 1024;
#[cfg(loom)]
pub(crate) const CHUNK: i64 = 2;

/// Most queues of an engine.
pub(crate) const MAX_QUEUES: usize = 1 << 9;
/// Most registered task names of an engine.
pub(crate) const MAX_REGISTRATIONS: usize = 1 << 24;

// [claims:19 | registration:24 | queue:9 | priority:3 | format:2 | told:1 | slow:1 | cancel:1 | state:4]
const STATE: u64 = 0xf;
/// In place of a state: its run has ended, or it is cancelled, and the store has not recorded that yet. It counts as running.
const ENDING: u64 = 0xf;
const CANCEL: u64 = 1 << 4;
/// The task has an extra: its moves are made under the extras' lock.
const SLOW: u64 = 1 << 5;
/// Somebody is to be told of its end. No final task has it, but a dropped one until that is done.
const TOLD: u64 = 1 << 6;
const FORMAT_AT: u32 = 7;
const PRIORITY_AT: u32 = 9;
const QUEUE_AT: u32 = 12;
const REGISTRATION_AT: u32 = 21;
const CLAIMS_AT: u32 = 45;

/// By their bits: in the order of [`State::ALL`], from 1; 0 is nothing.
const STATES: [Option<State>; 16] = {
    let mut states = [None; 16];
    let mut index = 0;
    while index < State::ALL.len() {
        states[index + 1] = Some(State::ALL[index]);
        index += 1;
    }
    states[ENDING as usize] = Some(State::Running);
    states
};

/// A task's word, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(u64);

impl Word {
    pub(crate) fn ready(queue: usize, registration: usize, priority: Priority, format: PayloadFormat) -> Self {
        Self::new(State::Ready, queue, registration, priority, format)
    }

    pub(crate) fn new(
        state: State,
        queue: usize,
        registration: usize,
        priority: Priority,
        format: PayloadFormat,
    ) -> Self {
        debug_assert!(queue < MAX_QUEUES && registration < MAX_REGISTRATIONS);
        let priority = (priority.level() - Priority::Lowest.level()) as u64;
        Self(
            state_bits(state)
                | (format as u64) << FORMAT_AT
                | priority << PRIORITY_AT
                | (queue as u64) << QUEUE_AT
                | (registration as u64) << REGISTRATION_AT,
        )
    }

    /// `None`: there is no such task, or it is forgotten.
    pub(crate) fn state(self) -> Option<State> {
        STATES[(self.0 & STATE) as usize]
    }

    /// There is a task, and it is not in a final state.
    fn is_unfinished(self) -> bool {
        self.state().is_some_and(|state| !state.is_final())
    }

    /// Of a task that has an extra from the start.
    pub(crate) fn slow(self) -> Self {
        Self(self.0 | SLOW)
    }

    /// Its end waits for the store.
    pub(crate) fn is_ending(self) -> bool {
        self.0 & STATE == ENDING
    }

    /// Whether a run of the task goes on, or its end waits for the store.
    pub(crate) fn is_active(self) -> bool {
        self.state().is_some_and(State::is_active)
    }

    /// Of a task that was claimed so often before this process.
    pub(crate) fn with_claims(self, claims: u32) -> Self {
        const MOST: u64 = u64::MAX >> CLAIMS_AT;
        Self(self.0 & !(MOST << CLAIMS_AT) | u64::from(claims).min(MOST) << CLAIMS_AT)
    }

    pub(crate) fn is_slow(self) -> bool {
        self.0 & SLOW != 0
    }

    pub(crate) fn is_told(self) -> bool {
        self.0 & TOLD != 0
    }

    pub(crate) fn cancel_requested(self) -> bool {
        self.0 & CANCEL != 0
    }

    pub(crate) fn queue(self) -> usize {
        (self.0 >> QUEUE_AT) as usize & (MAX_QUEUES - 1)
    }

    pub(crate) fn registration(self) -> usize {
        (self.0 >> REGISTRATION_AT) as usize & (MAX_REGISTRATIONS - 1)
    }

    pub(crate) fn priority(self) -> Priority {
        Priority::ALL[(self.0 >> PRIORITY_AT) as usize & 7]
    }

    pub(crate) fn format(self) -> PayloadFormat {
        match (self.0 >> FORMAT_AT) & 3 {
            0 => PayloadFormat::Contractless,
            1 => PayloadFormat::Standard,
            _ => PayloadFormat::Typeless,
        }
    }

    /// How often it was claimed, which is the lease of its last run.
    pub(crate) fn claims(self) -> u32 {
        (self.0 >> CLAIMS_AT) as u32
    }

    pub(crate) fn lease(self) -> Lease {
        Lease::new(i64::from(self.claims()))
    }

    fn with_state(self, to: State) -> Self {
        // Whoever drops tasks holds a lock, and has no memory to note them in: they keep it.
        let goes = match to {
            State::Succeeded | State::Dead | State::Cancelled => STATE | TOLD,
            // That the last run was asked to stop is nothing to the next one.
            State::Scheduled | State::Ready => STATE | CANCEL,
            State::Dropped | State::Running | State::Pending => STATE,
        };
        Self(self.0 & !goes | state_bits(to))
    }

    fn claimed(self) -> Self {
        // What is full stays so.
        Self(self.0.checked_add(1 << CLAIMS_AT).unwrap_or(self.0))
    }

    fn unclaimed(self) -> Self {
        Self(self.0.checked_sub(1 << CLAIMS_AT).unwrap_or(self.0))
    }
}

fn state_bits(state: State) -> u64 {
    state as u64 + 1
}

/// One task.
#[derive(Debug)]
pub(crate) struct Entry {
    word: AtomicU64,
    /// Microseconds since 1970 UTC.
    submitted_us: AtomicI64,
    /// Milliseconds since then, modulo 2^32, as those of the end.
    started_ms: AtomicU32,
    /// While it is scheduled, its place on the shelf; until the run begins, what the task takes of its queue's capacity; then
    /// when it ended.
    bytes_or_finished_ms: AtomicU32,
}

/// Times of a task in microseconds since 1970 UTC; 0 where it has not come to that. To about a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Times {
    pub(crate) submitted_us: i64,
    pub(crate) started_us: i64,
    pub(crate) finished_us: i64,
}

impl Entry {
    fn empty() -> Self {
        Self {
            word: AtomicU64::new(0),
            submitted_us: AtomicI64::new(0),
            started_ms: AtomicU32::new(0),
            bytes_or_finished_ms: AtomicU32::new(0),
        }
    }

    pub(crate) fn word(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    /// Makes it a new, ready task. Nobody can know of it yet: whoever takes it from the log sees this.
    pub(crate) fn init(&self, word: Word, submitted_us: i64, bytes: u32) {
        self.submitted_us.store(submitted_us, Ordering::Relaxed);
        self.bytes_or_finished_ms.store(bytes, Ordering::Relaxed);
        self.word.store(word.0, Ordering::Release);
    }

    /// Claims a ready task for a run: its word from then on, and what it took of the capacity. `None` if it is not ready
    /// any more.
    #[inline]
    pub(crate) fn start(&self, now_ms: u32) -> Option<(Word, u32)> {
        // Before the move, so that whoever sees the run sees when it began; of a task that does not run it says nothing.
        self.started_ms.store(now_ms, Ordering::Relaxed);
        // Sequentially consistent: a shutdown that does not see this run is seen by it (engine/run.rs).
        let mut seen = Word(self.word.load(Ordering::Relaxed));
        while seen.state() == Some(State::Ready) {
            let next = seen.with_state(State::Running).claimed();
            match self.word.compare_exchange_weak(seen.0, next.0, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return Some((next, self.bytes_or_finished_ms.load(Ordering::Relaxed))),
                Err(now) => seen = Word(now),
            }
        }
        None
    }

    /// Ends a run that has no extra. Whether somebody is to be told of it, by the caller. The word as it is, if it has an
    /// extra: the caller then takes the slow way.
    #[inline]
    pub(crate) fn finish_plain(&self, running: Word, to: State, now_ms: u32) -> std::result::Result<bool, Word> {
        debug_assert!(State::Running.can_move_to(to));
        if running.is_slow() {
            // It had an extra already when it was claimed.
            return Err(running);
        }
        self.bytes_or_finished_ms.store(now_ms, Ordering::Relaxed);
        let mut seen = running;
        loop {
            let next = seen.with_state(to);
            // Acquired: who is told sees all that was done before it was asked for.
            match self.word.compare_exchange(seen.0, next.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(seen.is_told()),
                Err(now) if now == seen.0 | TOLD => seen = Word(now),
                Err(now) => return Err(Word(now)),
            }
        }
    }

    /// Marks the run of a task that has no extra as ending: [`Entry::finish_plain`] is to follow. The word as it is, if it has one.
    pub(crate) fn begin_plain_ending(&self, running: Word) -> std::result::Result<(), Word> {
        let changed = self.change(|seen| {
            let is_plain = seen.0 & !TOLD == running.0 & !TOLD && !seen.is_slow();
            is_plain.then_some(seen.0 & !STATE | ENDING)
        });
        changed.map(drop)
    }

    /// Moves a task that is ending to its final state; the extras' lock is held. The word before, or as it is.
    pub(crate) fn end(&self, to: State) -> std::result::Result<Word, Word> {
        self.change(|seen| seen.is_ending().then(|| seen.with_state(to).0 | SLOW))
    }

    /// Marks a task in one of these states as ending; the extras' lock is held. The word before, or as it is.
    pub(crate) fn begin_ending(&self, from: &[State]) -> std::result::Result<Word, Word> {
        self.change(|seen| {
            let may = !seen.is_ending() && seen.state().is_some_and(|state| from.contains(&state));
            may.then_some(seen.0 & !STATE | ENDING | SLOW)
        })
    }

    /// Asks that somebody be told of the end of a task that has no extra. The word as it is, if it has one, or is final, or
    /// nothing.
    pub(crate) fn tell_plainly(&self) -> std::result::Result<(), Word> {
        self.tell(SLOW)
    }

    /// Asks that somebody be told of the end of a task. The extras' lock is held. The word as it is, if it is final or nothing.
    pub(crate) fn tell_slowly(&self) -> std::result::Result<(), Word> {
        self.tell(0)
    }

    fn tell(&self, unless: u64) -> std::result::Result<(), Word> {
        // Also where it is told already: what this thread did before is to be seen by who is told.
        self.change(|seen| (seen.0 & unless == 0 && seen.is_unfinished()).then_some(seen.0 | TOLD)).map(drop)
    }

    /// Gives a task that is not final up: nobody is told of its end any more, and only under the extras' lock can somebody
    /// ask for it. The word before, if somebody was to be told.
    pub(crate) fn give_up(&self) -> Option<Word> {
        let before = self.change(|seen| seen.is_unfinished().then_some(seen.0 & !TOLD | SLOW)).ok()?;
        before.is_told().then_some(before)
    }

    /// Takes the telling of a dropped task's end. The extras' lock is held. The word before, if it was to be told and nobody
    /// took that.
    pub(crate) fn take_dropped(&self) -> Option<Word> {
        let seen = self.word();
        if seen.state() != Some(State::Dropped) || !seen.is_told() {
            return None;
        }
        // Nobody but a taker moves it now.
        self.word.store(seen.0 & !TOLD, Ordering::Release);
        Some(seen)
    }

    /// Makes a move of the table of states from any of the states in `from`, and marks the task as slow. The extras' lock is
    /// held, so that only plain moves compete. The word before the move, or as it is.
    pub(crate) fn move_slowly(&self, from: &[State], to: State, cancel: bool) -> std::result::Result<Word, Word> {
        self.change(|seen| {
            let state = seen.state().filter(|state| from.contains(state) && !seen.is_ending())?;
            assert!(state.can_move_to(to), "a task cannot move from {state:?} to {to:?}");
            Some(seen.with_state(to).0 | SLOW | if cancel { CANCEL } else { 0 })
        })
    }

    /// Takes the claim of a task back whose run has not begun: it is ready again, as before, and nobody can have used the lease.
    /// The extras' lock is held. The word before, or as it is.
    pub(crate) fn unclaim(&self) -> std::result::Result<Word, Word> {
        self.change(|seen| {
            let runs = seen.state() == Some(State::Running) && !seen.is_ending();
            runs.then(|| seen.with_state(State::Ready).unclaimed().0 | SLOW)
        })
    }

    /// Marks a task that is in none of the final states as slow, and as asked to stop where that is so. The extras' lock is
    /// held. The word before, or, where it is final or nothing, as it is.
    pub(crate) fn mark_slow(&self, cancel: bool) -> std::result::Result<Word, Word> {
        self.change(|seen| seen.is_unfinished().then_some(seen.0 | SLOW | if cancel { CANCEL } else { 0 }))
    }

    /// Changes the word to what `next` says, unless it says nothing. The word before the change, or as it is.
    fn change(&self, next: impl Fn(Word) -> Option<u64>) -> std::result::Result<Word, Word> {
        let mut seen = self.word();
        loop {
            let next = next(seen).ok_or(seen)?;
            match self.word.compare_exchange_weak(seen.0, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(seen),
                Err(now) => seen = Word(now),
            }
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        Word(self.word.load(Ordering::Relaxed)).cancel_requested()
    }

    /// The place on the shelf of a scheduled task. The schedule's lock is held.
    pub(crate) fn place(&self) -> u32 {
        self.bytes_or_finished_ms.load(Ordering::Relaxed)
    }

    /// Notes its place on the shelf, before it is scheduled. The schedule's lock is held.
    pub(crate) fn note_place(&self, place: u32) {
        self.bytes_or_finished_ms.store(place, Ordering::Relaxed);
    }

    /// Has a scheduled or dead task wait for a worker. Whoever takes it from the log sees this; so the lock that makes it the
    /// only such move is held, the schedule's or the extras'.
    pub(crate) fn become_ready(&self, bytes: u32) {
        self.bytes_or_finished_ms.store(bytes, Ordering::Relaxed);
        let moved = self.change(|seen| {
            let may = seen.state().is_some_and(|state| state.can_move_to(State::Ready));
            may.then(|| seen.with_state(State::Ready).0)
        });
        assert!(moved.is_ok(), "a task becomes ready from a state that it can");
    }

    /// What a ready task takes of its queue's capacity.
    pub(crate) fn bytes(&self) -> u32 {
        self.bytes_or_finished_ms.load(Ordering::Relaxed)
    }

    /// Notes the time of the end, under the extras' lock.
    pub(crate) fn note_finished(&self, now_ms: u32) {
        self.bytes_or_finished_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Nothing is known of it any more. The word that it had.
    fn clear(&self) -> Word {
        Word(self.word.swap(0, Ordering::AcqRel))
    }

    /// Its times, as far as its word says that it has come. 42 days are told apart; what a clock that was set back says to
    /// have come before the submit came with it.
    pub(crate) fn times(&self, word: Word) -> Times {
        const SET_BACK_MS: u32 = 7 * 24 * 60 * 60 * 1000;
        let submitted_us = self.submitted_us.load(Ordering::Relaxed);
        let submitted_ms = submitted_us / 1000;
        let at = |ms: u32| {
            let since = ms.wrapping_sub(submitted_ms as u32);
            let since = if since > u32::MAX - SET_BACK_MS { 0 } else { i64::from(since) };
            ((submitted_ms + since) * 1000).max(submitted_us)
        };
        let (mut started_us, mut finished_us) = (0, 0);
        if word.claims() > 0 {
            started_us = at(self.started_ms.load(Ordering::Relaxed));
        }
        if word.state().is_some_and(State::is_final) {
            finished_us = at(self.bytes_or_finished_ms.load(Ordering::Relaxed)).max(started_us);
        }
        Times { submitted_us, started_us, finished_us }
    }
}

/// The tasks of consecutive ids.
#[derive(Debug)]
pub(crate) struct Chunk {
    number: i64,
    entries: Box<[Entry; CHUNK as usize]>,
    /// Ids that are not forgotten, those not given out yet included.
    known: AtomicU32,
}

impl Chunk {
    fn new(number: i64) -> Result<Arc<Self>> {
        let count = CHUNK as usize;
        let mut entries = alloc::list(count)?;
        entries.resize_with(count, Entry::empty);
        let entries = entries.into_boxed_slice().try_into().unwrap_or_else(|_| unreachable!("it has so many"));
        Ok(Arc::try_new(Self { number, entries, known: AtomicU32::new(count as u32) })?)
    }

    #[inline]
    pub(crate) fn has(&self, id: TaskId) -> bool {
        chunk_of(id) == self.number
    }

    #[inline]
    pub(crate) fn entry(&self, id: TaskId) -> &Entry {
        debug_assert!(self.has(id));
        &self.entries[(id.value() as u64 % CHUNK as u64) as usize]
    }
}

impl Chunk {
    /// One more of its tasks was brought in.
    /// Its tasks that are known, in the order of their ids.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = (TaskId, &Entry)> {
        let ids = self.number * CHUNK..;
        ids.zip(self.entries.iter()).filter_map(|(id, entry)| {
            entry.word().state()?;
            Some((TaskId::new(id).ok()?, entry))
        })
    }
}

/// How many ids, from this one on, share its chunk.
pub(crate) fn left_in_chunk(id: TaskId) -> usize {
    (CHUNK - id.value() % CHUNK) as usize
}

#[inline]
fn chunk_of(id: TaskId) -> i64 {
    // Not negative, which the division then need not ask.
    (id.value() as u64 / CHUNK as u64) as i64
}

/// Hashes the numbers of chunks. They count up and nobody chooses them, so that std's hash, which withstands an enemy, would
/// be the largest part of asking for an end.
#[derive(Debug, Default)]
struct ByNumber(u64);

impl Hasher for ByNumber {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_i64(self.0 as i64 ^ i64::from(byte)));
    }

    fn write_i64(&mut self, number: i64) {
        // 2^64 divided by the golden ratio: maps look at the uppermost bits too.
        self.0 = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// All chunks in use.
#[derive(Debug, Default)]
pub(crate) struct Table {
    chunks: Mutex<HashMap<i64, Arc<Chunk>, BuildHasherDefault<ByNumber>>>,
}

impl Table {
    pub(crate) fn chunk(&self, id: TaskId) -> Option<Arc<Chunk>> {
        self.chunks.lock().get(&chunk_of(id)).cloned()
    }

    /// What `look` makes of a task's entry, in a few steps: a lock is held.
    pub(crate) fn look<T>(&self, id: TaskId, look: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.chunks.lock().get(&chunk_of(id)).map(|chunk| look(chunk.entry(id)))
    }

    /// The chunk of an id that is about to be given out.
    pub(crate) fn chunk_for_new(&self, id: TaskId) -> Result<Arc<Chunk>> {
        let number = chunk_of(id);
        let mut chunks = self.chunks.lock();
        if let Some(chunk) = chunks.get(&number) {
            return Ok(chunk.clone());
        }
        chunks.ensure(1)?;
        let chunk = Chunk::new(number)?;
        if number == 0 {
            // There is no task 0.
            chunk.known.store(CHUNK as u32 - 1, Ordering::Relaxed);
        }
        chunks.insert(number, chunk.clone());
        Ok(chunk)
    }

    /// The chunk of an id that an earlier process has given out: of such a one only those tasks are known that were brought in. One more
    /// is, from here on: [`Table::forget`] or [`Table::know_one_less`] takes that back.
    pub(crate) fn chunk_for_stored(&self, id: TaskId) -> Result<Arc<Chunk>> {
        let number = chunk_of(id);
        let mut chunks = self.chunks.lock();
        if let Some(chunk) = chunks.get(&number) {
            // With the lock: whoever forgets the last one of a chunk looks again once it has that.
            chunk.known.fetch_add(1, Ordering::AcqRel);
            return Ok(chunk.clone());
        }
        chunks.ensure(1)?;
        let chunk = Chunk::new(number)?;
        chunk.known.store(1, Ordering::Relaxed);
        chunks.insert(number, chunk.clone());
        Ok(chunk)
    }

    /// Visits every task that is known, with the chunks locked.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(TaskId, &Entry)) {
        for chunk in self.chunks.lock().values() {
            chunk.tasks().for_each(|(id, entry)| visit(id, entry));
        }
    }

    /// Visits the chunks that there are, in the order of the ids, from that of an id on. No lock is held meanwhile.
    pub(crate) fn for_each_chunk(&self, from: TaskId, mut visit: impl FnMut(&Chunk) -> ControlFlow<()>) {
        let (least, most) = {
            let chunks = self.chunks.lock();
            (chunks.keys().min().copied(), chunks.keys().max().copied())
        };
        let (Some(least), Some(most)) = (least, most) else { return };
        // By number, since a list of the chunks would take memory that there may not be.
        for number in least.max(chunk_of(from))..=most {
            let chunk = self.chunks.lock().get(&number).cloned();
            if chunk.is_some_and(|chunk| visit(&chunk).is_break()) {
                return;
            }
        }
    }

    /// Gives all tasks up that are not final, when no new ones come any more: `told` hears of those whose end somebody was
    /// to be told of. No lock is held then.
    pub(crate) fn give_up_all(&self, mut told: impl FnMut(TaskId, Word)) {
        self.for_each_chunk(TaskId::counted(1), |chunk| {
            for (id, entry) in chunk.tasks() {
                if let Some(word) = entry.give_up() {
                    told(id, word);
                }
            }
            ControlFlow::Continue(())
        });
    }

    /// Counts an id off that was given out and never became a task here.
    pub(crate) fn skip(&self, id: TaskId) {
        let Some(chunk) = self.chunk(id) else { return };
        if chunk.known.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.chunks.lock().remove(&chunk.number);
        }
    }

    /// Forgets a task. The word that it had; that of nothing, if it was forgotten before.
    pub(crate) fn forget(&self, chunk: &Chunk, id: TaskId) -> Word {
        let word = chunk.entry(id).clear();
        if word.state().is_none() {
            return word;
        }
        self.know_one_less(chunk);
        word
    }

    /// A chunk that has no task which is known is not kept.
    pub(crate) fn know_one_less(&self, chunk: &Chunk) {
        if chunk.known.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut chunks = self.chunks.lock();
            // One may have been brought in meanwhile, also into another chunk with this number.
            let is_kept = chunks.get(&chunk.number).is_some_and(|kept| std::ptr::eq(&raw const **kept, chunk));
            if is_kept && chunk.known.load(Ordering::Acquire) == 0 {
                chunks.remove(&chunk.number);
            }
        }
    }
}

/// The chunk that was looked up last: ids that follow each other mostly share it.
#[derive(Debug, Default)]
pub(crate) struct ChunkCache(Option<Arc<Chunk>>);

impl ChunkCache {
    pub(crate) fn get(&mut self, table: &Table, id: TaskId) -> Option<&Arc<Chunk>> {
        // One that is empty is no longer kept, and another one may have its number: tasks of an earlier process come in at any time.
        if !self.0.as_ref().is_some_and(|chunk| chunk.has(id) && chunk.known.load(Ordering::Relaxed) > 0) {
            self.0 = table.chunk(id);
        }
        self.0.as_ref()
    }
}

#[cfg(test)]
mod tests;
