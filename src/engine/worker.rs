//! Worker threads: take the next task, run it, record the outcome.

use crate::alloc::{self, Ensure, Text};
use crate::engine::handler::{SharedHandler, TaskContext};
use crate::engine::intake::Phase;
use crate::engine::moves::Returned;
use crate::engine::observer::{guarded, Event, EventKind, SharedObserver};
use crate::engine::queues::{HandMemory, Queue, Slot, Taken};
use crate::engine::Inner;
use crate::error::{panic_text, Error, Result};
use crate::queue::log::{Batch, Record, BATCH};
use crate::store::table::{ChunkCache, Entry, Word};
use crate::sync::{fence, Arc, Ordering};
use crate::sys::{self, NoThread, Thread};
use crate::task::{Failure, Lease, Outcome, State, TaskId};
use std::collections::HashMap;
use std::fmt::Arguments;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{Duration, Instant};

/// Runs whose mean is below this are taken several at a time: then the way to the next one costs more than the wait.
const SHORT_RUN: Duration = Duration::from_micros(100);

/// While runs are short, one batch in so many is timed.
const TIMED: u32 = 8;

/// The threads of an engine's workers.
#[derive(Default)]
pub(crate) struct Threads {
    /// Those that have not ended, by number.
    pub(crate) living: HashMap<u64, Thread>,
    /// Those that are past their last step, to be joined.
    pub(crate) ended: Vec<Thread>,
    last: u64,
    /// Nobody touches them any more: the shutdown that closed the engine has done its part.
    pub(crate) shut: bool,
}

/// Brings the workers of a queue up to their target. On failure those started stay, and the caller lowers the target.
pub(crate) fn start_missing(inner: &Arc<Inner>, queue: &Arc<Queue>) -> Result<()> {
    let told_of_ends = inner.extras.lock().told_of_ends.clone();
    let mut threads = inner.threads.lock();
    let mut crew = queue.crew.lock();
    while crew.slots.len() < crew.target as usize {
        // All that a worker needs until its end, and its end itself: it has nobody to tell of a lack of memory.
        let living = threads.living.len() + 1;
        threads.living.ensure(1)?;
        threads.ended.ensure(living)?;
        inner.observation.ensure_cancels(living)?;
        queue.ensure_place(&mut crew)?;
        threads.last += 1;
        let number = threads.last;
        let slot = Slot::new()?;
        let worker = Worker {
            inner: inner.clone(),
            queue: queue.clone(),
            slot: slot.clone(),
            number,
            chunks: ChunkCache::default(),
            handler: None,
            // Not known, so one at a time.
            mean_run: SHORT_RUN,
            batches: 0,
            succeeded: alloc::list(BATCH)?,
            forgotten: alloc::list(BATCH)?,
            told_of_ends: told_of_ends.clone(),
            hand: None,
            retired: false,
        };
        // "backrun-worker-12" would be cut after the dash: Linux keeps 15 bytes.
        let run = move || worker.run();
        let thread =
            sys::start_thread(format_args!("backrun-w-{number}"), inner.resolved.stack_bytes, inner.number, run)
                .map_err(|why| no_thread(format_args!("worker thread {number}"), why))?;
        threads.living.insert(number, thread);
        queue.enlist(&mut crew, slot);
    }
    Ok(())
}

/// The error of a thread that was not started.
pub(crate) fn no_thread(what: Arguments<'_>, why: NoThread) -> Error {
    match why {
        NoThread::NoMemory(refused) => refused.into(),
        NoThread::System(_) => Error::System { what: Text::say(what), cause: Text::say(format_args!("{why}")) },
    }
}

struct Worker {
    inner: Arc<Inner>,
    queue: Arc<Queue>,
    slot: Arc<Slot>,
    number: u64,
    chunks: ChunkCache,
    handler: Cached,
    mean_run: Duration,
    batches: u32,
    /// Plain successes that the store does not know yet.
    succeeded: Vec<TaskId>,
    /// Tasks that made room for those and had an extra. Empty between two calls.
    forgotten: Vec<TaskId>,
    /// Who is told of the ends that somebody asked for.
    told_of_ends: Option<SharedObserver>,
    hand: HandMemory,
    retired: bool,
}

impl Worker {
    fn run(mut self) {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            while let Some(batch) = self.next() {
                self.run_batch(batch);
            }
        }));
        if let Err(panic) = &caught {
            // A bug of ours (a handler's panic is caught closer to it): nobody may build on the state it left.
            self.inner.poison(&Error::from_panic(&**panic));
            // Its run cannot end any more; no shutdown may wait for it.
            self.slot.current.store(0, Ordering::SeqCst);
        }
        if !self.retired {
            let mut crew = self.queue.crew.lock();
            self.queue.retire(&mut crew, &self.slot);
        }
        // What may call user code goes before the thread counts as ended.
        self.handler = None;
        self.told_of_ends = None;
        let mut threads = self.inner.threads.lock();
        if let Some(thread) = threads.living.remove(&self.number) {
            threads.ended.push(thread);
        }
        drop(threads);
        self.inner.changes.tell();
    }

    /// Waits for the next work. `None`: this worker is no longer needed.
    fn next(&mut self) -> Option<Taken> {
        if let Some(batch) = self.take() {
            return Some(batch);
        }
        let inner = self.inner.clone();
        let queue = self.queue.clone();
        queue.parking.start_searching();
        loop {
            let found = self.take().or_else(|| queue.steal(&self.slot));
            if found.is_some() || self.must_go() {
                queue.parking.stop_searching(|| queue.has_work());
                return found;
            }
            let crew_is_right = || {
                let crew = queue.crew.lock();
                crew.slots.len() <= crew.target as usize || self.slot.next_task_in_hand().is_some()
            };
            queue.parking.sleep(&self.slot.parker, || {
                queue.has_work()
                    || !crew_is_right()
                    || match inner.phase() {
                        Phase::Open => false,
                        Phase::Draining => queue.is_drained(),
                        Phase::Cancelling | Phase::Closed => true,
                    }
            });
        }
    }

    fn take(&mut self) -> Option<Taken> {
        if self.inner.phase() >= Phase::Cancelling {
            return None;
        }
        let most = if self.mean_run < SHORT_RUN { BATCH } else { 1 };
        self.queue.take(&self.slot, most, &mut self.hand, sys::coarse_millis())
    }

    /// Whether this worker is no longer needed; it is then no longer counted.
    fn must_go(&mut self) -> bool {
        let done = match self.inner.phase() {
            Phase::Open => false,
            Phase::Draining => self.queue.is_drained(),
            Phase::Cancelling | Phase::Closed => true,
        };
        if done {
            // Nobody would find what is left in the hand of a worker that is gone.
            while let Some((batch, index)) = self.slot.take_from_hand() {
                self.inner.cancel_at_shutdown(&self.queue, batch.head(index).id);
            }
        }
        let mut crew = self.queue.crew.lock();
        let surplus = crew.slots.len() > crew.target as usize && self.slot.next_task_in_hand().is_none();
        if done || surplus {
            self.queue.retire(&mut crew, &self.slot);
            self.retired = true;
        }
        self.retired
    }

    fn run_batch(&mut self, taken: Taken) {
        // Not every batch is timed: a clock costs about as much as the run of a task that does nothing.
        self.batches = self.batches.wrapping_add(1);
        let begun = (self.batches % TIMED == 0 || self.mean_run >= SHORT_RUN).then(Instant::now);
        let mut runs = 1;
        match taken {
            Taken::One(batch) => self.run_record(&batch, 0),
            Taken::FromHand(batch, index) => self.run_record(&batch, index),
            Taken::Hand(batch) => {
                // Somebody who sleeps may help, above all if the first of them takes its time.
                self.queue.parking.work_added();
                runs = self.run_hand(&batch);
                self.hand = batch.into_reserved();
            }
        }
        self.queue.no_longer_busy(&self.slot);
        if !self.succeeded.is_empty() {
            self.inner.keep_succeeded(&mut self.succeeded, &mut self.forgotten);
        }
        if let Some(begun) = begun {
            let mean = begun.elapsed() / runs.max(1);
            // The latest runs count most; one long run is enough to take one at a time again.
            self.mean_run = mean.max((self.mean_run * 7 + mean) / 8);
        }
        fence(Ordering::SeqCst);
        if self.inner.phase() > Phase::Open {
            self.inner.something_ended();
        }
    }

    /// Runs what is in the hand and nobody else takes. How many.
    fn run_hand(&mut self, batch: &Batch) -> u32 {
        let mut runs = 0;
        loop {
            if self.queue.is_over_limit() {
                self.slot.leave_hand();
                return runs;
            }
            let Some(index) = self.slot.next_of_hand(batch.len()) else { break };
            self.run_record(batch, index);
            runs += 1;
        }
        self.slot.empty_hand();
        runs
    }

    fn run_record(&mut self, batch: &Batch, index: usize) {
        let id = batch.head(index).id;
        // Apart, so that the chunk can be held while the rest changes.
        let Self { inner, queue, slot, chunks, handler, succeeded, told_of_ends, .. } = self;
        match chunks.get(&inner.store.table, id) {
            Some(chunk) => {
                let (entry, record) = (chunk.entry(id), batch.record(index));
                let told_of_ends = told_of_ends.as_ref();
                Run { inner, queue, slot, handler, succeeded, told_of_ends, id, entry, record }.run();
            }
            // Cancelled and forgotten.
            None => queue.gap_closed(),
        }
    }
}

/// The handler that ran last, by its registration's number.
type Cached = Option<(usize, Text, SharedHandler)>;

/// One task on its worker.
struct Run<'a> {
    inner: &'a Inner,
    queue: &'a Queue,
    slot: &'a Slot,
    handler: &'a mut Cached,
    succeeded: &'a mut Vec<TaskId>,
    told_of_ends: Option<&'a SharedObserver>,
    id: TaskId,
    entry: &'a Entry,
    record: Record<'a>,
}

impl Run<'_> {
    fn run(mut self) {
        let (inner, queue, slot, entry, id) = (self.inner, self.queue, self.slot, self.entry, self.id);
        // First the slot, then the move, then the phase; a shutdown changes the phase first and then looks at the slots: one
        // of the two sees the other (the move is sequentially consistent).
        slot.current.store(id.value(), Ordering::Relaxed);
        let Some((word, bytes)) = entry.start(sys::coarse_unix_micros()) else {
            slot.current.store(0, Ordering::Release);
            return queue.gap_closed();
        };
        queue.started(slot, bytes);
        inner.tell_of_room(queue);
        let seen = &inner.observation;
        let timed = seen.wants(EventKind::Succeeded);
        let started = timed.then(Instant::now);
        let returned = Returned { queue, slot, id, entry, lease: word.lease(), started };
        if inner.phase() >= Phase::Cancelling {
            inner.put_back(&returned);
        } else {
            if seen.wants(EventKind::Started) {
                if let Some(status) = inner.status(id) {
                    seen.event(Event::of(EventKind::Started, &status));
                }
            }
            let outcome = self.execute(word);
            // The word is looked at again: most that are not plain were marked while they ran, and are not to be counted here.
            let finish = || entry.finish_plain(word, State::Succeeded, sys::coarse_unix_micros()).ok();
            let plain = (outcome == Outcome::Done && !timed && !entry.word().is_slow())
                .then(|| slot.count_success_of(finish))
                .flatten();
            if let Some(told) = plain {
                self.succeeded.push(id);
                if told {
                    // Recorded, and not yet up to be forgotten.
                    self.tell(word.lease());
                }
            } else {
                inner.run_returned(&returned, outcome);
            }
        }
        slot.current.store(0, Ordering::Release);
    }

    fn tell(&self, lease: Lease) {
        if let Some(observer) = self.told_of_ends {
            guarded(|| observer.ended(self.id, lease, Some(State::Succeeded)));
        }
    }

    /// Runs user code.
    fn execute(&mut self, word: Word) -> Outcome {
        let registration = word.registration();
        if self.handler.as_ref().is_none_or(|(number, ..)| *number != registration) {
            let known = self.inner.registrations.lock()[registration].clone();
            // What it replaces may be held by nobody else: dropped here, without a lock.
            *self.handler = known.handler.map(|handler| (registration, known.name, handler));
        }
        let Some((_, task_name, handler)) = &*self.handler else {
            return Outcome::Cancelled;
        };
        let context = TaskContext {
            id: self.id,
            task_name,
            queue: &self.queue.name,
            priority: word.priority(),
            attempt: word.claims(),
            lease: word.lease(),
            payload_format: word.format(),
            record: self.record,
            entry: self.entry,
        };
        catch_unwind(AssertUnwindSafe(|| handler.run(&context)))
            .unwrap_or_else(|panic| Outcome::Failed(Failure::new("panic", panic_text(&*panic), "")))
    }
}
