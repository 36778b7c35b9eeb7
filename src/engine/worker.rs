//! Worker threads: take the next task, have it run, and so on until there is no more (`run` is what they do with one).

use crate::alloc::{self, Ensure, Text};
use crate::engine::clock::micros;
use crate::engine::handler::let_go;
use crate::engine::intake::Phase;
use crate::engine::observer::{guarded, SharedObserver};
use crate::engine::poison::{point, Place};
use crate::engine::queues::{Queue, Slot};
use crate::engine::run::{Cached, Known, Run};
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::queue::hand::{Taken, BATCH};
use crate::queue::lanes::waited;
use crate::store::table::ChunkCache;
use crate::sync::{fence, Arc, Ordering};
use crate::sys::{self, NoThread, Thread};
use crate::task::{State, TaskId};
use std::collections::HashMap;
use std::fmt::Arguments;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{Duration, Instant};

/// Runs whose mean is below this are taken several at a time: then the way to the next one costs more than the wait.
const SHORT_RUN: Duration = Duration::from_micros(100);

/// While runs are short, one look for work in so many is timed.
const TIMED: u32 = 8;

/// So many segments that went back to the allocator are worth asking it to give them to the system: 4 MiB.
const MUCH: usize = 64;

/// Plain successes that the store need not know at once.
const UNTOLD: usize = 64;

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
    start_some(inner, queue, usize::MAX)
}

/// Starts workers that a queue lacks, up to so many.
pub(crate) fn start_some(inner: &Arc<Inner>, queue: &Arc<Queue>, most: usize) -> Result<()> {
    let told_of_ends = inner.extras.lock().told_of_ends.clone();
    let mut threads = inner.threads.lock();
    let mut crew = queue.crew.lock();
    let mut left = most;
    while left > 0 && crew.slots.len() < crew.wanted() {
        left -= 1;
        // All that a worker needs until its end, and its end itself: it has nobody to tell of a lack of memory.
        let living = threads.living.len() + 1;
        threads.living.ensure(1)?;
        threads.ended.ensure(living)?;
        inner.observation.ensure_cancels(living)?;
        queue.ensure_place(&mut crew)?;
        threads.last += 1;
        let number = threads.last;
        let slot = Slot::new(number)?;
        let worker = Worker {
            inner: inner.clone(),
            queue: queue.clone(),
            slot: slot.clone(),
            number,
            chunks: ChunkCache::default(),
            handler: None,
            // Not known, so one at a time.
            mean_run: SHORT_RUN,
            turns: 0,
            now_ms: 0,
            taken: Taken::default(),
            succeeded: alloc::list(UNTOLD + BATCH)?,
            forgotten: alloc::list(UNTOLD + BATCH)?,
            told_of_ends: told_of_ends.clone(),
            retired: false,
            leaves: false,
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
    turns: u32,
    /// The coarse clock when the last run ended, or when the worker found work.
    now_ms: u32,
    /// The record that it runs.
    taken: Taken,
    /// Plain successes that the store does not know yet.
    succeeded: Vec<TaskId>,
    /// Tasks that made room for those and had an extra. Empty between two calls.
    forgotten: Vec<TaskId>,
    /// Who is told of the ends that somebody asked for.
    told_of_ends: Option<SharedObserver>,
    retired: bool,
    /// It has stalled, and another one is to take its place, or has.
    leaves: bool,
}

impl Worker {
    fn run(mut self) {
        self.slot.is_this_thread();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            while self.next() {
                self.run_taken();
            }
        }));
        let inner = self.inner.clone();
        if let Err(panic) = &caught {
            // A bug of ours (a handler's panic is caught closer to it): nobody may build on the state it left.
            inner.poison(&Error::from_panic(&**panic));
            inner.survive(|| self.cancel_taken());
            // Its run cannot end any more; no shutdown may wait for it.
            self.slot.current.store(0, Ordering::SeqCst);
        }
        // Each step on its own, so that whatever happens in one the thread counts as ended.
        inner.survive(|| {
            if !self.retired {
                let mut crew = self.queue.crew.lock();
                self.queue.retire(&mut crew, &self.slot);
            }
        });
        // What may call user code goes before that.
        if let Some(Known { handler, .. }) = self.handler.take() {
            let_go(handler, &inner.observation);
        }
        guarded(|| drop(self.told_of_ends.take()));
        let mut threads = inner.threads.lock();
        if let Some(thread) = threads.living.remove(&self.number) {
            threads.ended.push(thread);
        }
        drop(threads);
        inner.changes.tell();
    }

    /// Cancels what is in its hand: nobody would find it once the worker is gone.
    fn cancel_hand(&self) {
        let mut taken = Taken::default();
        while self.slot.hand.steal(&mut taken) {
            if let Some(id) = taken.id() {
                let cancelled = self.inner.cancel_at_shutdown(&self.queue, id);
                self.inner.lost_by_workers.fetch_add(u64::from(cancelled), Ordering::Relaxed);
            }
            taken.clear();
        }
    }

    /// After a panic: cancels what it has taken and not claimed.
    fn cancel_taken(&mut self) {
        let mut taken = std::mem::take(&mut self.taken);
        let is_ready = |id| {
            let chunk = self.inner.store.chunk(id);
            chunk.is_some_and(|chunk| chunk.entry(id).word().state() == Some(State::Ready))
        };
        if let Some(id) = taken.id().filter(|id| is_ready(*id)) {
            self.inner.cancel_at_shutdown(&self.queue, id);
        }
        taken.clear();
        self.cancel_hand();
    }

    /// Waits for the next work, and takes it. `false`: this worker is no longer needed.
    fn next(&mut self) -> bool {
        if self.leaves && self.leave() {
            return false;
        }
        if self.take() {
            return true;
        }
        self.tell_of_succeeded();
        if let Some(journal) = &self.inner.journal {
            journal.claim_nothing(self.slot.number());
            journal.look_for_room(true);
        }
        let inner = self.inner.clone();
        let queue = self.queue.clone();
        queue.parking.start_searching();
        loop {
            let found = self.take() || queue.steal(&self.slot, &mut self.taken);
            if found || self.must_go() {
                if queue.parking.stop_searching(|| queue.has_work()) {
                    inner.watch_if_busy(&queue);
                }
                inner.watch_if_held_back(&queue);
                return found;
            }
            // Idle workers keep no segment from those who write.
            self.taken.let_go();
            self.slot.hand.let_go();
            if inner.pool.gone() >= MUCH {
                inner.control.trim_soon();
            }
            let crew_is_right = || {
                let crew = queue.crew.lock();
                crew.slots.len() <= crew.wanted() || self.slot.hand.has_some()
            };
            queue.parking.sleep(&self.slot.parker, || {
                inner.watch_if_held_back(&queue);
                queue.has_work()
                    || !crew_is_right()
                    || match inner.phase() {
                        Phase::Open => false,
                        Phase::Draining => self.has_no_more_to_drain(),
                        Phase::Cancelling | Phase::Closed => true,
                    }
            });
        }
    }

    fn take(&mut self) -> bool {
        if self.inner.phase() >= Phase::Cancelling {
            return false;
        }
        let most = if self.mean_run < SHORT_RUN { BATCH } else { 1 };
        self.queue.take(&self.slot, &mut self.taken, most, sys::coarse_millis)
    }

    /// Makes room for a worker whose thread is not demoted: that one may be there already; if not, the control thread starts
    /// it, since what a demoted thread starts is demoted too. Whether it leaves.
    #[cold]
    fn leave(&mut self) -> bool {
        self.tell_of_succeeded();
        if self.inner.phase() >= Phase::Cancelling || self.slot.hand.has_some() {
            return false;
        }
        let mut crew = self.queue.crew.lock();
        self.queue.retire(&mut crew, &self.slot);
        self.retired = true;
        let is_missed = crew.slots.len() < crew.wanted();
        drop(crew);
        if is_missed {
            self.inner.control.refill();
        }
        self.inner.work_added(&self.queue);
        true
    }

    /// Whether a drain leaves nothing to it. What it has in hand of a queue that pauses waits there as the rest does.
    fn has_no_more_to_drain(&self) -> bool {
        self.queue.is_drained() && !self.slot.hand.has_some()
    }

    /// Whether this worker is no longer needed; it is then no longer counted.
    fn must_go(&mut self) -> bool {
        let done = match self.inner.phase() {
            Phase::Open => false,
            Phase::Draining => self.has_no_more_to_drain(),
            Phase::Cancelling | Phase::Closed => true,
        };
        if done {
            self.cancel_hand();
        }
        let mut crew = self.queue.crew.lock();
        point(if done { Place::Leave } else { Place::Search });
        let surplus = crew.slots.len() > crew.wanted() && !self.slot.hand.has_some();
        if done || surplus {
            self.queue.retire(&mut crew, &self.slot);
            self.retired = true;
        }
        self.retired
    }

    /// Runs the record that was taken, and then what is in the hand and nobody else takes.
    fn run_taken(&mut self) {
        // Not every turn is timed: a clock costs about as much as the run of a task that does nothing.
        self.turns = self.turns.wrapping_add(1);
        let begun = if self.turns % TIMED == 0 || self.mean_run >= SHORT_RUN { Some(self.begin_timed()) } else { None };
        self.now_ms = sys::coarse_unix_millis();
        loop {
            self.run_record();
            if self.queue.is_over_limit() && self.slot.hand.has_some() {
                self.slot.leave_hand();
                break;
            }
            if !self.slot.hand.next(&mut self.taken) {
                break;
            }
        }
        self.queue.no_longer_busy(&self.slot);
        if self.succeeded.len() >= UNTOLD || self.inner.store.is_exact() {
            self.tell_of_succeeded();
        }
        if let Some(begun) = begun {
            self.end_timed(&begun);
        }
        fence(Ordering::SeqCst);
        if self.inner.phase() > Phase::Open {
            self.inner.something_ended();
        }
    }

    #[inline(never)]
    fn begin_timed(&self) -> Timed {
        let waited_ms = self.taken.ready_at().map_or(0, |ready_at| waited(ready_at, sys::coarse_millis()));
        let runs_before = self.slot.runs_begun();
        Timed { begun: Instant::now(), runs_before, waited_us: 1000 * u64::from(waited_ms), is_one_of: self.one_of() }
    }

    /// One turn in so many is timed.
    fn one_of(&self) -> u64 {
        if self.mean_run < SHORT_RUN {
            u64::from(TIMED)
        } else {
            1
        }
    }

    #[inline(never)]
    fn end_timed(&mut self, timed: &Timed) {
        // What was cancelled while it waited is no run, and takes nearly no time.
        let runs = self.slot.runs_begun() - timed.runs_before;
        if runs == 0 {
            return;
        }
        let mean = timed.begun.elapsed() / u32::try_from(runs).unwrap_or(u32::MAX);
        // What ran last, which stands for all of the turn: mostly they are of one name.
        if let Some(known) = &self.handler {
            let counts = runs * timed.is_one_of;
            known.latency.ran.record_many(micros(mean), counts);
            known.latency.waited.record_many(timed.waited_us, counts);
        }
        // The latest runs count most; one long run is enough to take one at a time again.
        self.mean_run = mean.max((self.mean_run * 7 + mean) / 8);
    }

    fn run_record(&mut self) {
        // Apart, so that the chunk can be held while the rest changes.
        let Self { inner, queue, slot, chunks, handler, succeeded, told_of_ends, taken, now_ms, leaves, .. } = self;
        if let Some((id, record)) = taken.record() {
            match chunks.get(&inner.store.table, id) {
                Some(chunk) => {
                    let (entry, told_of_ends) = (chunk.entry(id), told_of_ends.as_ref());
                    Run { inner, queue, slot, handler, succeeded, told_of_ends, now_ms, leaves, id, entry, record }
                        .run();
                }
                // Cancelled and forgotten.
                None => queue.gap_closed(),
            }
        }
        taken.clear();
    }

    fn tell_of_succeeded(&mut self) {
        if !self.succeeded.is_empty() {
            point(Place::Keep);
            self.inner.keep_succeeded(&mut self.succeeded, &mut self.forgotten);
        }
    }
}

/// A turn that is timed.
struct Timed {
    begun: Instant,
    /// How many runs the worker had begun.
    runs_before: u64,
    /// How long its first task had waited.
    waited_us: u64,
    /// It stands for so many turns.
    is_one_of: u64,
}
