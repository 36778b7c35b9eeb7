//! The engine: threads and time around the queues.
//!
//! `intake` is where producers come in, under one lock; `queues` and `worker` are where tasks are taken and run, under
//! another; `moves` is every move of a task that is more than "taken" and "succeeded", `watches` and `ends` who is told of
//! it, `closing` what a shutdown does to tasks. `parking` is where idle workers sleep,
//! `event` is what happened, `observer` tells it, `shutdown` ends it all, and `handler` is the user's side of a run.

pub(crate) mod clock;
pub(crate) mod closing;
pub(crate) mod control;
pub(crate) mod ends;
pub(crate) mod event;
pub(crate) mod handler;
pub(crate) mod intake;
pub(crate) mod journal;
pub(crate) mod latency;
pub(crate) mod limits;
pub(crate) mod listing;
#[cfg(all(test, loom))]
mod models;
pub(crate) mod moves;
pub(crate) mod observer;
pub(crate) mod operating;
pub(crate) mod outcomes;
pub(crate) mod parking;
pub(crate) mod poison;
pub(crate) mod queues;
pub(crate) mod results;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod shutdown;
pub(crate) mod stats;
pub(crate) mod submit;
pub(crate) mod wait;
pub(crate) mod watchdog;
pub(crate) mod watchers;
pub(crate) mod watches;
pub(crate) mod worker;

pub use self::event::{Event, EventKind, LogRecord};
pub use self::handler::{Handler, IntoOutcome, TaskContext};
pub use self::listing::{TaskFilter, DEFAULT_LIST_LIMIT};
pub use self::moves::CancelResult;
pub use self::observer::Observer;
pub use self::shutdown::{LeftRunning, ShutdownMode, ShutdownReport};
pub use self::stats::{Counters, Durations, NameStatistics, Statistics, StoreStatistics};
pub(crate) use self::submit::{Named, Work};
pub use self::watchdog::StalledRun;

use self::clock::micros;
use self::control::Control;
use self::handler::SharedHandler;
use self::intake::{Entrance, Intake, Phase};
use self::journal::Journal;
use self::latency::Histogram;
use self::moves::{Extras, Watch};
use self::observer::{Observation, SharedObserver, Telling};
use self::poison::{point, Place};
use self::queues::{Queue, Queues};
use self::wait::{Changes, WaitSlot};
use self::watchers::Waiting;
use self::worker::{no_thread, Threads};
use crate::alloc::{self, Ensure, Reserved, Text};
use crate::error::{Error, Result};
use crate::options::{
    EngineOptions, LogLevel, QueueName, QueueOptions, Resolved, RetryPolicy, StoreKind, TaskOptions, DEFAULT_GRACE,
    DEFAULT_RESULT_RETENTION,
};
use crate::queue::segment::Pool;
use crate::store::memory::MemoryStore;
use crate::store::table::{MAX_QUEUES, MAX_REGISTRATIONS};
use crate::sync::{deadline_after, Arc, AtomicU8, AtomicUsize, Mutex, Ordering, Padded};
use crate::sys;
use crate::task::{cut, Lease, Outcome, State, TaskId, TaskName, TaskStatus};
use std::fmt;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A background-task engine: queues, workers, and the tasks in them.
///
/// Dropping it shuts it down as [`Engine::close`] does.
pub struct Engine {
    inner: Arc<Inner>,
}

/// What the engine's threads share.
pub(crate) struct Inner {
    /// Tells this engine's threads from others'; never 0.
    number: u64,
    /// The process that made it.
    generation: u32,
    pub(crate) resolved: Resolved,
    pub(crate) store_kind: StoreKind,
    /// [`Intake::phase`], to be read without its lock.
    phase: AtomicU8,
    pub(crate) intake: Padded<Mutex<Intake>>,
    pub(crate) queues: Queues,
    pub(crate) registrations: Mutex<Vec<Registration>>,
    pub(crate) store: MemoryStore,
    /// What is kept past the end of the process; `None`: nothing.
    pub(crate) journal: Option<Box<Journal>>,
    pub(crate) extras: Mutex<Extras>,
    /// Somebody can be told of the ends of tasks.
    pub(crate) tells_ends: bool,
    /// Ends that were recorded under the extras' lock and are not told yet.
    pub(crate) untold: AtomicUsize,
    /// Queued tasks that workers had taken when the engine ended, and cancelled.
    pub(crate) lost_by_workers: AtomicU64,
    pub(crate) pool: Arc<Pool>,
    pub(crate) threads: Mutex<Threads>,
    /// A run or a thread ended, or the engine closed: what shutdowns wait for.
    pub(crate) changes: Changes,
    pub(crate) observation: Observation,
    pub(crate) control: Control,
    poisoned: AtomicBool,
    poison: OnceLock<Text>,
}

/// A task name and what runs its tasks.
#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) name: Text,
    /// `None` once the engine has closed.
    pub(crate) handler: Option<SharedHandler>,
    pub(crate) policy: Policy,
    /// How long its tasks waited and ran.
    pub(crate) latency: Arc<NameLatency>,
}

/// How long tasks of one name waited for a worker, and how long their runs held one.
#[derive(Debug, Default)]
pub(crate) struct NameLatency {
    pub(crate) waited: Histogram,
    pub(crate) ran: Histogram,
}

/// What goes for all tasks of a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) result_retention: Duration,
}

impl Policy {
    fn of(options: &TaskOptions) -> Self {
        Self {
            retry: options.retry,
            time_limit: options.time_limit,
            grace: options.grace.unwrap_or(DEFAULT_GRACE),
            result_retention: options.result_retention.unwrap_or(DEFAULT_RESULT_RETENTION),
        }
    }
}

/// Of the observer thread, in bytes: what std gives a thread.
const OBSERVER_STACK: usize = 2 << 20;

static LAST_NUMBER: AtomicU64 = AtomicU64::new(0);

impl Engine {
    /// Starts an engine that nobody observes: counters and the status of tasks tell what happened.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::NotSupported`] (a durability the store cannot keep), [`Error::System`] (a thread
    /// could not be started), [`Error::OutOfMemory`].
    pub fn start(options: EngineOptions) -> Result<Self> {
        Self::start_inner(&options, None)
    }

    /// Starts an engine whose events and log records go to `observer`.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_observed(options: EngineOptions, observer: impl Observer) -> Result<Self> {
        Self::start_inner(&options, Some(alloc::boxed(observer)?))
    }

    fn start_inner(options: &EngineOptions, observer: Option<Box<dyn Observer>>) -> Result<Self> {
        let resolved = options.resolve()?;
        options.default_queue.check()?;
        options.store.check_when_full(options.default_queue.when_full)?;
        sys::stay_loaded();
        sys::watch_forks()?;
        let observer: Option<SharedObserver> = observer.map(Arc::try_new).transpose()?;
        let told_of_ends = observer.clone().filter(|observer| observer.wants_ends());
        // Apart, so that an engine without one has no room for it, in which whatever lay on the stack would look like pointers to a leak check.
        let journal = Journal::open(options)?.map(alloc::boxed).transpose()?;
        let inner = Arc::try_new(Inner {
            number: LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1,
            generation: sys::process_generation(),
            resolved,
            store_kind: options.store.clone(),
            phase: AtomicU8::new(Phase::Open as u8),
            intake: Padded(Mutex::new(Intake::new())),
            queues: Queues::new()?,
            registrations: Mutex::default(),
            store: MemoryStore::new(options.keep_finished.count(), options.keep_dead.count())?,
            journal,
            tells_ends: told_of_ends.is_some(),
            extras: Mutex::new(Extras { told_of_ends, ..Extras::default() }),
            untold: AtomicUsize::new(0),
            lost_by_workers: AtomicU64::new(0),
            pool: Arc::try_new(Pool::default())?,
            threads: Mutex::default(),
            changes: Changes::new(),
            observation: Observation::new(
                observer.as_ref(),
                options.event_kinds,
                options.log_level,
                resolved.observer_capacity,
                matches!(options.store, StoreKind::Sqlite { .. }),
            ),
            control: Control::new(options.manual_time),
            poisoned: AtomicBool::new(false),
            poison: OnceLock::new(),
        })?;
        let telling = Telling::new(observer)?;
        let observer_thread = inner.clone();
        sys::start_thread(format_args!("backrun-observer"), OBSERVER_STACK, inner.number, move || {
            observer_thread.observe(telling);
        })
        .map_err(|why| no_thread(format_args!("the observer thread"), why))?;
        let engine = Self { inner };
        control::start(&engine.inner)?;
        journal::start(&engine.inner)?;
        // From here on, a failure drops the engine, which stops what was started.
        let workers = engine.set_queue(QueueName::DEFAULT, options.default_queue.clone())?;
        engine.inner.observation.log(
            LogLevel::Info,
            format_args!(
                "the engine started: version {}, {}, {workers} workers",
                env!("CARGO_PKG_VERSION"),
                options.store
            ),
        );
        Ok(engine)
    }

    /// Adds a queue or changes one.
    ///
    /// # Errors
    /// And then the queue is as before: [`Error::InvalidArgument`] (also where the workers of all queues exceed `max_workers`),
    /// [`Error::ShuttingDown`], [`Error::System`] (a thread could not be started), [`Error::OutOfMemory`].
    pub fn configure_queue(&self, name: &str, options: QueueOptions) -> Result<()> {
        self.sound(|| {
            let workers = self.set_queue(name, options)?;
            self.inner.observation.log(LogLevel::Info, format_args!("queue '{name}' has {workers} workers"));
            Ok(())
        })
    }

    /// Adds a queue or changes one. How many workers it has.
    fn set_queue(&self, name: &str, options: QueueOptions) -> Result<u32> {
        let name = QueueName::new(name)?;
        options.check()?;
        self.inner.store_kind.check_when_full(options.when_full)?;
        let inner = &self.inner;
        let mut intake = inner.intake.0.lock();
        intake.check_open()?;
        let target = options.workers.unwrap_or(inner.resolved.workers);
        // Also one that could not be made the last time, which nobody can name yet.
        let known = intake.entrances.iter().position(|entrance| *entrance.queue.name == *name.as_str());
        let was_usable = known.is_some_and(|index| intake.entrances[index].usable);
        let others = intake.entrances.iter().filter(|entrance| Some(entrance.queue.index) != known);
        let others: u32 = others.map(|entrance| entrance.queue.crew.lock().target).sum();
        let max = inner.resolved.max_workers;
        if u64::from(target) + u64::from(others) > u64::from(max) {
            return Err(Error::invalid(format_args!(
                "queue '{name}' asks for {target} workers and the other queues have {others}, more than the engine's max_workers of {max}; give the queues fewer workers or the engine a larger max_workers"
            )));
        }
        let index = known.unwrap_or(intake.entrances.len());
        if index == MAX_QUEUES {
            return Err(Error::invalid(format_args!("there are {MAX_QUEUES} queues, the most an engine can have")));
        }
        if known.is_none() {
            intake.entrances.ensure(1)?;
            let queue = Queue::new(index, name.text(), options.ageing_step)?;
            if let Some(journal) = &inner.journal {
                queue.set_paused(journal.is_paused(&queue.name)?);
            }
            inner.queues.add(queue.clone());
            intake.entrances.push(Entrance::new(queue, options.clone()));
        }
        let queue = inner.queues.get(index);
        let mut crew = queue.crew.lock();
        let before = std::mem::replace(&mut crew.target, target);
        point(Place::Configure);
        drop(crew);
        if let Err(error) = worker::start_missing(inner, queue) {
            queue.crew.lock().target = before;
            // A new queue keeps its place, which its threads know, but nobody can name it.
            intake.entrances[index].usable = was_usable;
            queue.parking.wake_all();
            return Err(error);
        }
        intake.entrances[index].usable = true;
        queue.set_limit(options.concurrency_limit.unwrap_or(0));
        queue.stall_threshold_us.store(micros(options.stall_threshold), Ordering::Relaxed);
        queue.lanes.0.lock().set_step(options.ageing_step);
        intake.entrances[index].options = options;
        drop(intake);
        // Surplus workers go, a limit may have been lifted, and there may be room.
        queue.parking.wake_all();
        queue.room.notify_all();
        inner.join_ended();
        Ok(target)
    }

    /// Tells the engine what runs tasks of a name.
    ///
    /// # Errors
    /// [`Error::AlreadyRegistered`], [`Error::InvalidArgument`], [`Error::TooLarge`], [`Error::NotFound`] (no such queue),
    /// [`Error::NotSupported`] (more than one attempt), [`Error::ShuttingDown`], [`Error::OutOfMemory`].
    pub fn register(&self, name: &str, handler: impl Handler) -> Result<()> {
        self.register_with(name, TaskOptions::default(), || handler)
    }

    /// [`Engine::register`] with options. `handler` is made last: after an error it was not called.
    ///
    /// # Errors
    /// As [`Engine::register`].
    pub fn register_with<H: Handler>(
        &self,
        name: &str,
        options: TaskOptions,
        handler: impl FnOnce() -> H,
    ) -> Result<()> {
        let mut panic = None;
        let done = self.sound(|| {
            self.add_handler(name, options, || {
                catch_unwind(AssertUnwindSafe(handler)).map_err(|said| panic = Some(said)).ok()
            })
        });
        // Of the caller's own code, which the engine has nothing to do with.
        panic.map_or(done, |said| resume_unwind(said))
    }

    /// `handler`: `None`: it could not be made.
    fn add_handler<H: Handler>(
        &self,
        name: &str,
        options: TaskOptions,
        handler: impl FnOnce() -> Option<H>,
    ) -> Result<()> {
        let name = TaskName::new(name)?;
        options.check()?;
        let mut intake = self.inner.intake.0.lock();
        intake.check_open()?;
        if intake.is_registered(name.as_str()) {
            return Err(Error::AlreadyRegistered(name.text()));
        }
        let queue = options.queue.as_ref().map_or(Ok(0), |queue| intake.queue_named(queue.as_str()))?;
        intake.reserve_name()?;
        let mut registrations = self.inner.registrations.lock();
        if registrations.len() == MAX_REGISTRATIONS {
            return Err(Error::invalid(format_args!(
                "there are {MAX_REGISTRATIONS} handlers, the most an engine can have"
            )));
        }
        registrations.ensure(1)?;
        let (memory, shared) = (Reserved::new()?, Arc::reserve()?);
        let latency = Arc::try_new(NameLatency::default())?;
        point(Place::Register);
        let Some(handler) = handler() else { return Ok(()) };
        let handler: Box<dyn Handler> = memory.fill(handler);
        registrations.push(Registration {
            name: name.text(),
            handler: Some(Arc::new_in(shared, handler)),
            policy: Policy::of(&options),
            latency,
        });
        intake.add_name(name.text(), queue);
        drop((registrations, intake));
        self.inner.journal.as_ref().map_or(Ok(()), |journal| journal.want(name.as_str()))
    }

    /// What is known of a task now; `None` if there is no such task, or it is no longer kept.
    #[must_use]
    pub fn status(&self, id: TaskId) -> Option<TaskStatus> {
        self.inner.status(id)
    }

    /// Waits until a task is in a final state. `limit`: `None` for ever, zero only looks. A limit that passes is no error:
    /// the status says what the state is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WouldDeadlock`] (waiting on a thread of this engine), [`Error::ShutdownIncomplete`] (a
    /// shutdown left the task running), [`Error::Panic`] (the engine panicked while this waited), [`Error::OutOfMemory`] (not
    /// where it only looks).
    pub fn wait(&self, id: TaskId, limit: Option<Duration>) -> Result<TaskStatus> {
        let deadline = deadline_after(limit);
        let status = self.inner.status(id).ok_or_else(|| unknown(id))?;
        if status.state.is_final() || limit == Some(Duration::ZERO) {
            return Ok(status);
        }
        if sys::is_thread_of(self.inner.number) {
            return Err(Error::WouldDeadlock {
                operation: "waiting for a task",
                instead: "watch it instead, or wait on a thread of your own",
            });
        }
        self.sound(|| {
            let slot = Arc::try_new(WaitSlot::new())?;
            self.inner.add_watch(id, Watch::Slot(slot.clone()))?;
            if let Some(end) = slot.wait(deadline) {
                return end;
            }
            self.inner.remove_watch(id, &slot);
            // It may have ended between the limit and the lock, and even be no longer kept.
            match slot.wait(Some(Instant::now())) {
                Some(end) => end,
                None => self.inner.status(id).ok_or_else(|| unknown(id)),
            }
        })
    }

    /// Asks to be told, once, on the observer thread, when a task is in a final state. `done` must return promptly. It is
    /// given an error where the engine ended before the task.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ShutdownIncomplete`] (a shutdown left it running), [`Error::ShuttingDown`] (the engine
    /// has ended: ask for the status), [`Error::OutOfMemory`]. `done` is then not called.
    pub fn watch(&self, id: TaskId, done: impl FnOnce(TaskStatus, Result<()>) + Send + 'static) -> Result<()> {
        self.sound(|| self.inner.add_watch(id, Watch::Tell(Waiting::new(done)?)))
    }

    /// A copy of a task's payload, while it waits for its run, in the queue or in a worker's hand. Looks through the queue, so not for every task.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::OutOfMemory`].
    pub fn payload(&self, id: TaskId) -> Result<Vec<u8>> {
        self.sound(|| self.copy_payload(id))
    }

    fn copy_payload(&self, id: TaskId) -> Result<Vec<u8>> {
        // A task that left out of turn may have left its record behind.
        if self.status(id).is_some_and(|status| status.state == State::Ready) {
            for queue in self.inner.queues.iter() {
                if let Some(copy) = queue.find(id, |record| alloc::copy(record.payload)) {
                    return Ok(copy?);
                }
            }
        }
        if let Some(journal) = &self.inner.journal {
            if let Some(payload) = self.inner.stored_payload(journal, id)? {
                return Ok(payload);
            }
        }
        Err(Error::not_found(format_args!(
            "there is no payload of task {id}: it does not wait for a worker, or there is no such task"
        )))
    }

    /// Cancels a task: a queued one at once; a running one is asked to stop, and stays what it is until it does. The first
    /// 512 bytes of the reason are kept.
    ///
    /// With a durable store it returns when that is stored. A run that was asked to stop is not begun anew in a later process: where its end
    /// is not recorded when this one ends, its task is cancelled.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]: nothing has changed. [`Error::Store`]: the task does not run any more in this process, or is asked to stop, and
    /// that is stored as soon as it can be. [`Error::WouldDeadlock`] (from what the store's thread tells).
    pub fn cancel(&self, id: TaskId, reason: &str) -> Result<CancelResult> {
        self.sound(|| self.inner.cancel(id, cut(reason, crate::options::MAX_REASON_BYTES)))
    }

    /// Settles a pending run, from any thread; legal even before its `run` has returned. Once.
    ///
    /// # Errors
    /// [`Error::StaleLease`] (settled already, claimed anew, or abandoned by a shutdown), [`Error::NotFound`],
    /// [`Error::InvalidArgument`] (the outcome is pending), [`Error::OutOfMemory`] (only where `run` has not returned: nothing
    /// has changed, and it can be settled again).
    pub fn settle(&self, id: TaskId, lease: Lease, outcome: Outcome) -> Result<()> {
        if outcome == Outcome::Pending {
            return Err(Error::InvalidArgument("a run cannot be settled as pending; say how it ended".into()));
        }
        self.sound(|| self.inner.settle(id, lease, outcome, None))
    }

    /// Settles a run as done, as [`Engine::settle`] does, and leaves the task's result in the same step: that of a settle that is
    /// refused is not left. It takes the place of what the run left.
    ///
    /// # Errors
    /// As [`Engine::settle`], and [`Error::TooLarge`]. Where there is no memory, nothing has changed.
    pub fn settle_with_result(&self, id: TaskId, lease: Lease, result: &[u8]) -> Result<()> {
        self.sound(|| self.inner.settle(id, lease, Outcome::Done, Some(results::copy_result(result)?)))
    }

    /// All counters now.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn statistics(&self) -> Result<Statistics> {
        self.inner.caught(|| stats::statistics(&self.inner))
    }

    /// Changes which events are told, from now on: the sum of `1 << kind`; 0 is all of them.
    pub fn set_event_kinds(&self, kinds: u64) {
        self.inner.observation.set_kinds(kinds);
    }

    /// Whether this is the process that made the engine.
    pub(crate) fn check_process(&self) -> Result<()> {
        if self.inner.generation == sys::process_generation() {
            Ok(())
        } else {
            Err(Error::Forked)
        }
    }
}

impl Inner {
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::SeqCst) {
            0 => Phase::Open,
            1 => Phase::Draining,
            2 => Phase::Cancelling,
            _ => Phase::Closed,
        }
    }

    /// Goes on to a later phase. Whether that is news.
    pub(crate) fn enter(&self, phase: Phase) -> bool {
        let mut intake = self.intake.0.lock();
        let news = intake.phase < phase;
        if news {
            intake.phase = phase;
            self.phase.store(phase as u8, Ordering::SeqCst);
        }
        news
    }

    /// A run or a queued task ended: a shutdown may wait for that.
    pub(crate) fn something_ended(&self) {
        if self.phase() > Phase::Open {
            self.changes.tell();
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("number", &self.inner.number).finish_non_exhaustive()
    }
}

fn unknown(id: TaskId) -> Error {
    Error::not_found(format_args!("there is no task {id}, or it is no longer kept"))
}
