//! An engine whose tasks outlive the process: what is written to its store, and what follows once that is safe.
//!
//! The memory of the engine decides what runs; the store is a journal beside it. A task comes into memory when the store has it, and
//! leaves both when its end is recorded. So that nothing is told which a crash could take back, an end goes in two steps: the run's
//! thread hands the move over and marks the task as *ending* ([`Entry::begin_ending`]), and the store's thread, once the move is safe,
//! makes it in memory and tells it. An engine with the memory store has no journal, and pays one branch for that.
//!
//! [`accept`] is how tasks come in, [`ends`] how they leave, [`load`] what an earlier process has left, [`suspects`] what of that may have ended
//! the process, [`look`] and [`asked`] what is asked of tasks that are not in memory.
//!
//! Locks: `reading` goes before all others of the engine; of those here, none is held while another one is taken, but the store's own inbox
//! under the extras' lock. The store's thread takes the engine's locks, so nobody waits for it with one of them held, but with `reading`.
//!
//! [`Entry::begin_ending`]: crate::store::table::Entry::begin_ending

pub(crate) mod accept;
mod asked;
pub(crate) mod ends;
mod ids;
pub(crate) mod load;
mod look;
mod outside;
mod suspects;

use crate::alloc::{self, Ensure, NoMemory, Reserved, Text};
use crate::engine::poison::{point, Place};
use crate::engine::stats::StoreStatistics;
use crate::engine::wait::{Filler, WaitSlot};
use crate::engine::worker::no_thread;
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::options::{
    Durability, EngineOptions, LogLevel, StoreKind, DEFAULT_MAX_CRASHES, DEFAULT_MEMORY_BYTES, DEFAULT_MEMORY_TASKS,
};
use crate::store::durable::{Answer, Batch, Change, InterruptedRun, Store, Unfinished};
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::sync::{Arc, AtomicU64, Condvar, Mutex, Ordering};
use crate::sys;
use crate::task::TaskId;
use asked::Asked;
use ids::Ids;
use load::{Load, Loads};
use outside::{Bound, Outside};
use std::cell::Cell;
use std::time::{Duration, Instant};
use suspects::Suspects;

/// Of the journal's thread, in bytes: what std gives a thread.
const STACK: usize = 2 << 20;
/// How long after the store has refused the ends of tasks they are handed to it again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long after the store could not be read it is read again; twice as long each time, up to the other.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(100);
const READ_AGAIN_AFTER_AT_MOST: Duration = Duration::from_secs(60);
/// How long to wait for memory without which the end of a run cannot be handed over.
const MEMORY_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// What an engine with a durable store has beside others.
pub(crate) struct Journal {
    pub(crate) store: Box<dyn Store>,
    /// How safe a submit is that does not say.
    durability: Durability,
    /// The engine itself, for what the store tells later; `None` once it has ended. The circle is broken by [`Inner::close_journal`].
    engine: Mutex<Option<Arc<Inner>>>,
    /// A task that ran at so many unclean ends is dead.
    max_crashes: u32,
    /// Ids below this one are an earlier process's.
    pub(crate) first_new: TaskId,
    /// Tasks in the store that have not ended.
    unfinished: AtomicU64,
    /// Batches that the store has not told of.
    in_flight: AtomicU64,
    ids: Ids,
    /// How much of a queue memory holds, and the rest.
    bound: Bound,
    outside: Outside,
    /// Held while a task that is in the store only is brought in, or cancelled there.
    reading: Mutex<()>,
    /// Ends that somebody asked for of tasks that are not in memory yet.
    asked: Mutex<Asked>,
    work: Mutex<Work>,
    /// There is work for the journal's thread.
    news: Condvar,
    /// How many suspects are in memory, to be read without the lock.
    suspects_here: AtomicU64,
}

/// What the journal's thread has to do.
#[derive(Default)]
struct Work {
    loads: Loads,
    suspects: Suspects,
    /// Ends that the store has refused, in their order.
    unsaved: Vec<Change>,
    /// There may be room for what is outside.
    looks_for_room: bool,
    /// The store's last error was told.
    is_failing: bool,
    stopping: bool,
    ended: bool,
}

thread_local! {
    /// This thread is telling what the store has done: it must not wait for the store.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

impl Journal {
    /// Opens the store that the options name, if it is a durable one.
    pub(crate) fn open(options: &EngineOptions) -> Result<Option<Self>> {
        let StoreKind::Sqlite { path, owner_wait, keep_for, encryption } = &options.store else { return Ok(None) };
        let mut wanted = SqliteOptions::new(path.clone());
        if let Some(wait) = owner_wait {
            wanted.owner_wait = *wait;
        }
        wanted.keep_finished = options.keep_finished.count() as u64;
        wanted.keep_dead = options.keep_dead.count() as u64;
        wanted.keep_for = *keep_for;
        wanted.encryption.clone_from(encryption);
        let store: Box<dyn Store> = alloc::boxed(SqliteStore::open(wanted)?)?;
        let first_new = store.reserve_ids(0)?;
        let left = store.unfinished()?;
        let journal = Self {
            durability: options.durability.unwrap_or(Durability::Committed),
            max_crashes: options.max_crashes.unwrap_or(DEFAULT_MAX_CRASHES),
            engine: Mutex::new(None),
            first_new,
            unfinished: AtomicU64::new(left.iter().map(|name| name.count).sum()),
            in_flight: AtomicU64::new(0),
            ids: Ids::new(),
            bound: Bound {
                tasks: options.memory_tasks.unwrap_or(DEFAULT_MEMORY_TASKS),
                bytes: options.memory_bytes.unwrap_or(DEFAULT_MEMORY_BYTES),
            },
            outside: Outside::default(),
            reading: Mutex::default(),
            asked: Mutex::new(Asked::default()),
            work: Mutex::new(Work { loads: Loads::new(left), ended: true, ..Work::default() }),
            news: Condvar::new(),
            suspects_here: AtomicU64::new(0),
            store,
        };
        Ok(Some(journal))
    }

    /// What an earlier process has left: tasks of names that nobody has registered yet.
    pub(crate) fn left(&self) -> (u64, usize) {
        let work = self.work.lock();
        let waiting = work.loads.waiting();
        (waiting.iter().map(|name: &Unfinished| name.count).sum(), waiting.len())
    }

    /// Notes who runs a task. Costs one call of the system.
    pub(crate) fn claim(&self, worker: u64, id: TaskId, claims: u32) {
        self.store.claim(place_of(worker), Some(InterruptedRun { id, claims }));
    }

    /// A worker runs nothing any more.
    pub(crate) fn claim_nothing(&self, worker: u64) {
        self.store.claim(place_of(worker), None);
    }

    /// Whether something was handed to the store that it has not told of.
    pub(crate) fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn statistics(&self) -> StoreStatistics {
        let unsaved = self.work.lock().unsaved.len() as u64;
        StoreStatistics {
            unfinished: self.unfinished(),
            outside: self.outside.count(),
            bytes: self.store.size(),
            unsaved,
        }
    }

    /// Tasks in the store that have not ended.
    pub(crate) fn unfinished(&self) -> u64 {
        self.unfinished.load(Ordering::SeqCst)
    }

    /// The engine, unless it has ended.
    fn engine(&self) -> Option<Arc<Inner>> {
        self.engine.lock().clone()
    }

    /// Whoever waits for the store must not be who tells what it has done.
    fn check_may_wait() -> Result<()> {
        if TELLING.get() {
            return Err(Error::WouldDeadlock {
                operation: "waiting for the store",
                instead: "a callback that is told of an end or of a submit must return first: do it on a thread of your own, or submit asynchronously",
            });
        }
        Ok(())
    }

    /// A batch to be handed over; `told` is called on the store's thread, as one of the engine's.
    fn batch(
        &self,
        engine: Arc<Inner>,
        changes: Vec<Change>,
        durability: Durability,
        told: impl FnOnce(&Arc<Inner>, Vec<Change>, Result<Vec<Answer>>) + Send + 'static,
    ) -> Result<Batch> {
        let memory = Reserved::new()?;
        Ok(Batch { changes, durability, told: memory.fill(telling(engine, told)) })
    }

    /// Hands a batch over of what cannot be refused: it waits for memory that is not to be had.
    fn apply_surely(
        &self,
        engine: Arc<Inner>,
        changes: Vec<Change>,
        told: impl FnOnce(&Arc<Inner>, Vec<Change>, Result<Vec<Answer>>) + Send + 'static,
    ) {
        let (told, memory) = (telling(engine, told), surely(Reserved::new));
        self.hand_over(Batch { changes, durability: self.durability, told: memory.fill(told) });
    }

    fn hand_over(&self, batch: Batch) {
        self.store.apply(batch);
    }

    /// Has changes made and waits for that.
    fn apply_and_wait(&self, engine: &Arc<Inner>, changes: Vec<Change>) -> Result<Vec<Answer>> {
        Self::check_may_wait()?;
        let slot = Arc::try_new(WaitSlot::new())?;
        let filled = Filler::new(slot.clone());
        let told = move |_: &Arc<Inner>, _, done: Result<Vec<Answer>>| {
            point(Place::Stored);
            filled.fill(done);
        };
        self.hand_over(self.batch(engine.clone(), changes, Durability::Committed, told)?);
        slot.wait_for_ever()
    }

    /// Notes whether a queue pauses.
    pub(crate) fn pause(&self, engine: &Arc<Inner>, queue: &Text, paused: bool) -> Result<()> {
        self.apply_and_wait(engine, only(Change::Pause(queue.clone(), paused))?).map(drop)
    }

    /// Whether a queue was paused when it was last heard of.
    pub(crate) fn is_paused(&self, queue: &str) -> Result<bool> {
        Ok(self.store.paused()?.iter().any(|paused| **paused == *queue))
    }

    /// Has the thread look for work.
    fn wake(&self) {
        self.news.notify_one();
    }
}

/// What the store calls: `told` on behalf of the engine, whatever happens in it.
fn telling(
    engine: Arc<Inner>,
    told: impl FnOnce(&Arc<Inner>, Vec<Change>, Result<Vec<Answer>>) + Send + 'static,
) -> impl FnOnce(Vec<Change>, Result<Vec<Answer>>) + Send + 'static {
    let in_flight = InFlight::new(engine);
    move |changes, answers| {
        let engine = &in_flight.0;
        let outer = TELLING.replace(true);
        sys::inside(engine.number, || engine.survive(|| told(engine, changes, answers)));
        drop(in_flight);
        TELLING.set(outer);
    }
}

/// A batch that is not told of. It is no more when this is let go of, so that a store that breaks leaves no shutdown waiting.
struct InFlight(Arc<Inner>);

impl InFlight {
    fn new(engine: Arc<Inner>) -> Self {
        if let Some(journal) = &engine.journal {
            journal.in_flight.fetch_add(1, Ordering::SeqCst);
        }
        Self(engine)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(journal) = &self.0.journal {
            journal.in_flight.fetch_sub(1, Ordering::SeqCst);
        }
        self.0.something_ended();
    }
}

/// Waits for memory where nobody could be told that there is none.
fn surely<T>(mut take: impl FnMut() -> std::result::Result<T, NoMemory>) -> T {
    loop {
        match take() {
            Ok(taken) => return taken,
            Err(_) => std::thread::sleep(MEMORY_AGAIN_AFTER),
        }
    }
}

/// A batch of one.
fn only(change: Change) -> std::result::Result<Vec<Change>, NoMemory> {
    let mut changes = alloc::list(1)?;
    changes.push(change);
    Ok(changes)
}

/// The place of a worker among those that the store knows.
fn place_of(worker: u64) -> usize {
    const PLACES: u64 = 4096;
    // So many live at a time at most, and of two numbers so far apart the smaller one is long gone.
    (worker % PLACES) as usize
}

/// Starts what an engine with a journal has beside others. Where it is stopped again, [`Inner::close_journal`] does.
pub(crate) fn start(inner: &Arc<Inner>) -> Result<()> {
    let Some(journal) = &inner.journal else { return Ok(()) };
    *journal.engine.lock() = Some(inner.clone());
    journal.work.lock().ended = false;
    let thread = inner.clone();
    let started = sys::start_thread(format_args!("backrun-journal"), STACK, inner.number, move || {
        thread.survive(|| keep_journal(&thread));
        if let Some(journal) = &thread.journal {
            journal.work.lock().ended = true;
        }
        thread.changes.tell();
    });
    if let Err(why) = started {
        journal.work.lock().ended = true;
        return Err(no_thread(format_args!("the journal's thread"), why));
    }
    let (tasks, names) = journal.left();
    if tasks > 0 {
        inner.observation.log(
            LogLevel::Info,
            format_args!(
                "{tasks} tasks of {names} names are left from before; they run once their names are registered"
            ),
        );
    }
    Ok(())
}

/// When and how the journal's thread reads what it could not read.
struct Rereads {
    /// When it does next; `None`: there is nothing that it could not.
    at: Option<Instant>,
    /// How long after a failure.
    delay: Duration,
    /// The failure was told, and not that it is over.
    is_told: bool,
    /// What is outside is among it.
    outside: bool,
}

impl Rereads {
    fn failed(&mut self, inner: &Inner, error: &Error) {
        if self.at.is_none() {
            self.at = Some(Instant::now() + self.delay);
            self.delay = (2 * self.delay).min(READ_AGAIN_AFTER_AT_MOST);
        }
        if !std::mem::replace(&mut self.is_told, true) {
            inner.observation.log(
                LogLevel::Error,
                format_args!("stored tasks cannot be brought in, and are tried again until they can: {error}"),
            );
        }
    }

    /// Where the thread has nothing more to do: whether all that it has tried again was done, which is to be told.
    fn are_over(&mut self) -> bool {
        let are_over = self.at.is_none() && std::mem::take(&mut self.is_told);
        if are_over {
            self.delay = READ_AGAIN_AFTER;
        }
        are_over
    }
}

/// The journal's thread: brings what was left into memory, and hands the store again what it has refused. It sleeps where there is
/// neither.
fn keep_journal(inner: &Arc<Inner>) {
    let Some(journal) = &inner.journal else { return };
    let mut again_at: Option<Instant> = None;
    let mut rereads = Rereads { at: None, delay: READ_AGAIN_AFTER, is_told: false, outside: false };
    loop {
        let mut work = journal.work.lock();
        if work.stopping {
            return;
        }
        let has_come = |at: Option<Instant>| at.is_some_and(|at| Instant::now() >= at);
        if has_come(again_at) {
            again_at = None;
            let unsaved = std::mem::take(&mut work.unsaved);
            drop(work);
            inner.hand_over_again(unsaved);
            continue;
        }
        if has_come(rereads.at) {
            rereads.at = None;
            work.loads.try_again();
            work.suspects.try_again();
            work.looks_for_room |= std::mem::take(&mut rereads.outside);
        }
        if let Some(load) = work.loads.next().or_else(|| journal.next_suspect(&mut work).map(Load::Suspect)) {
            drop(work);
            if let Err(error) = inner.load(journal, load) {
                rereads.failed(inner, &error);
            }
            continue;
        }
        if !rereads.outside && std::mem::take(&mut work.looks_for_room) {
            drop(work);
            match inner.bring_in_from_outside(journal) {
                Ok(true) => journal.work.lock().looks_for_room = true,
                Ok(false) => {}
                Err(error) => {
                    rereads.outside = true;
                    rereads.failed(inner, &error);
                }
            }
            continue;
        }
        if !work.unsaved.is_empty() && again_at.is_none() {
            again_at = Some(Instant::now() + AGAIN_AFTER);
        }
        if rereads.are_over() {
            drop(work);
            inner.observation.log(LogLevel::Info, format_args!("stored tasks can be brought in again"));
            continue;
        }
        match again_at.into_iter().chain(rereads.at).min() {
            Some(at) => drop(journal.news.wait_until(work, Some(at))),
            None => drop(journal.news.wait(work)),
        }
    }
}

impl Inner {
    /// Ends the journal: what was handed to the store is written first. Runs may still go on; nothing of theirs is recorded any more.
    pub(crate) fn close_journal(&self) {
        let Some(journal) = &self.journal else { return };
        self.stop_journal();
        self.changes.wait_while(None, || !journal.work.lock().ended);
        // Once more: the disk may work again. The store does this before it ends.
        let unsaved = std::mem::take(&mut journal.work.lock().unsaved);
        if !unsaved.is_empty() {
            self.hand_over_again(unsaved);
        }
        if let Err(error) = journal.store.close() {
            self.observation.log(LogLevel::Error, format_args!("the store did not end as it should: {error}"));
        }
        let unsaved = std::mem::take(&mut journal.work.lock().unsaved);
        if !unsaved.is_empty() {
            self.observation.log(
                LogLevel::Error,
                format_args!(
                    "the ends of {} tasks could not be recorded, since the store failed: these tasks run again at the next start",
                    unsaved.len()
                ),
            );
        }
        drop(journal.engine.lock().take());
    }

    /// Ends the journal without waiting.
    pub(crate) fn abandon_journal(&self) {
        let Some(journal) = &self.journal else { return };
        self.stop_journal();
        drop(journal.engine.lock().take());
    }

    fn stop_journal(&self) {
        let Some(journal) = &self.journal else { return };
        journal.work.lock().stopping = true;
        journal.news.notify_all();
    }
}

impl Work {
    /// Keeps changes that the store has refused. Where there is no memory for them they are lost, and their tasks run again at the
    /// next start.
    fn keep_unsaved(&mut self, changes: Vec<Change>) {
        if self.unsaved.is_empty() {
            self.unsaved = changes;
        } else if self.unsaved.ensure(changes.len()).is_ok() {
            self.unsaved.extend(changes);
        }
    }
}
