//! The engine: threads and time around the queues.
//!
//! `core` is what the one lock guards and every step that changes it; `submit`, `worker`, `shutdown` and
//! `observer` are the threads that take those steps; `handler` is the user's side of a run.

pub(crate) mod core;
pub(crate) mod handler;
pub(crate) mod observer;
pub(crate) mod shutdown;
pub(crate) mod stats;
pub(crate) mod submit;
pub(crate) mod wait;
pub(crate) mod worker;

pub use self::core::CancelResult;
pub use self::handler::{Handler, IntoOutcome, TaskContext};
pub use self::observer::{Event, EventKind, LogRecord, Observer};
pub use self::shutdown::{LeftRunning, ShutdownMode, ShutdownReport};
pub use self::stats::{Counters, Statistics};

use self::core::{Core, Phase, Queue, Registration, Watch};
use self::observer::{ended_before, Observation};
use self::wait::WaitSlot;
use crate::error::{Error, Result};
use crate::options::{Durability, EngineOptions, LogLevel, QueueName, QueueOptions, Resolved, StoreKind, TaskOptions};
use crate::store::memory::{copy_bytes, MemoryStore};
use crate::sync::{deadline_after, Condvar, Mutex};
use crate::sys;
use crate::task::{cut, Lease, Outcome, TaskId, TaskName, TaskStatus};
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
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
    store: StoreKind,
    durability: Option<Durability>,
    started: Instant,
    pub(crate) core: Mutex<Core>,
    /// A run or a thread ended, or the engine closed: what shutdowns wait for.
    pub(crate) changed: Condvar,
    pub(crate) observation: Observation,
    poisoned: AtomicBool,
    poison: OnceLock<String>,
}

static LAST_NUMBER: AtomicU64 = AtomicU64::new(0);

impl Engine {
    /// Starts an engine that nobody observes: counters and the status of tasks tell what happened.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::NotSupported`] (a durability the store cannot keep), [`Error::System`] (a thread
    /// could not be started).
    pub fn start(options: EngineOptions) -> Result<Self> {
        Self::start_inner(&options, None)
    }

    /// Starts an engine whose events and log records go to `observer`.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_observed(options: EngineOptions, observer: Arc<dyn Observer>) -> Result<Self> {
        Self::start_inner(&options, Some(observer))
    }

    fn start_inner(options: &EngineOptions, observer: Option<Arc<dyn Observer>>) -> Result<Self> {
        let resolved = options.resolve()?;
        options.default_queue.check()?;
        let store = MemoryStore::new(options.keep_finished.count(), options.keep_dead.count());
        let inner = Arc::new(Inner {
            number: LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1,
            generation: sys::process_generation(),
            resolved,
            store: options.store,
            durability: options.durability,
            started: Instant::now(),
            core: Mutex::new(Core::new(store)),
            changed: Condvar::new(),
            observation: Observation::new(
                observer.as_deref(),
                options.event_kinds,
                options.log_level,
                resolved.observer_capacity,
            ),
            poisoned: AtomicBool::new(false),
            poison: OnceLock::new(),
        });
        let observer_thread = inner.clone();
        sys::start_thread("backrun-observer".into(), None, inner.number, move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| observer_thread.observation.run(observer))) {
                // A bug of ours: a callback's panic is caught closer to it.
                observer_thread.observation.give_up();
                observer_thread.poison(&Error::from_panic(&*panic));
            }
        })
        .map_err(|cause| Error::System {
            what: "the observer thread".into(),
            cause: cause.to_string(),
        })?;
        let engine = Self { inner };
        // From here on, a failure drops the engine, which stops what was started.
        let workers = engine.set_queue(QueueName::DEFAULT, options.default_queue.clone())?;
        engine.inner.observation.log(LogLevel::Info, || {
            format!(
                "the engine started: version {}, memory store, {workers} workers",
                env!("CARGO_PKG_VERSION")
            )
        });
        Ok(engine)
    }

    /// Adds a queue or changes one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] (also where the workers of all queues exceed `max_workers`), [`Error::ShuttingDown`],
    /// [`Error::System`] (a thread could not be started; the queue is then as before).
    pub fn configure_queue(&self, name: &str, options: QueueOptions) -> Result<()> {
        let workers = self.set_queue(name, options)?;
        self.inner
            .observation
            .log(LogLevel::Info, || format!("queue '{name}' has {workers} workers"));
        Ok(())
    }

    /// Adds a queue or changes one. How many workers it has.
    fn set_queue(&self, name: &str, options: QueueOptions) -> Result<u32> {
        let name = QueueName::new(name)?;
        options.check()?;
        let inner = &self.inner;
        let mut core = inner.core.lock();
        if core.phase != Phase::Open {
            return Err(Error::ShuttingDown);
        }
        let target = options.workers.unwrap_or(inner.resolved.workers);
        let known = core.queue_named(name.as_str()).ok();
        let others: u32 = core
            .queues
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != known)
            .map(|(_, q)| q.target)
            .sum();
        let max = inner.resolved.max_workers;
        if u64::from(target) + u64::from(others) > u64::from(max) {
            return Err(Error::InvalidArgument(format!(
                "queue '{name}' asks for {target} workers and the other queues have {others}, more than the engine's max_workers of {max}; give the queues fewer workers or the engine a larger max_workers"
            )));
        }
        let before = known.map(|index| (core.queues[index].target, core.queues[index].options.clone()));
        let index = known.unwrap_or_else(|| {
            core.queues.push(Queue::new(name.shared(), options.clone(), 0));
            core.queues.len() - 1
        });
        let queue = &mut core.queues[index];
        queue.target = target;
        queue.lanes.set_step(options.ageing_step);
        queue.options = options;
        if let Err(error) = worker::start_missing(inner, &mut core, index) {
            let queue = &mut core.queues[index];
            match before {
                Some((target, options)) => {
                    queue.target = target;
                    queue.lanes.set_step(options.ageing_step);
                    queue.options = options;
                }
                None => {
                    // Its threads know the queue by its place, so it keeps that, without a name that anybody can use.
                    queue.target = 0;
                    queue.name = "".into();
                }
            }
            queue.work.notify_all();
            return Err(error);
        }
        let queue = &core.queues[index];
        // Surplus workers go, and a limit may have been lifted.
        queue.work.notify_all();
        queue.tell_of_room();
        let ended = std::mem::take(&mut core.ended_threads);
        drop(core);
        for thread in ended {
            let _ = thread.join();
        }
        Ok(target)
    }

    /// Tells the engine what runs tasks of a name.
    ///
    /// # Errors
    /// [`Error::AlreadyRegistered`], [`Error::InvalidArgument`], [`Error::TooLarge`], [`Error::NotFound`] (no such queue),
    /// [`Error::ShuttingDown`].
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
        let name = TaskName::new(name)?;
        let mut core = self.inner.core.lock();
        if core.phase != Phase::Open {
            return Err(Error::ShuttingDown);
        }
        if core.handlers.contains_key(name.as_str()) {
            return Err(Error::AlreadyRegistered(name.as_str().into()));
        }
        if let Some(queue) = &options.queue {
            core.queue_named(queue.as_str())?;
        }
        core.handlers.try_reserve(1).map_err(|_| Error::OutOfMemory {
            bytes: size_of::<(Arc<str>, Registration)>(),
        })?;
        core.handlers.insert(
            name.shared(),
            Registration {
                handler: Arc::new(handler()),
                options,
            },
        );
        Ok(())
    }

    /// What is known of a task now; `None` if there is no such task, or it is no longer kept.
    #[must_use]
    pub fn status(&self, id: TaskId) -> Option<TaskStatus> {
        self.inner.core.lock().store.get(id).map(|record| record.status())
    }

    /// Waits until a task is in a final state. `limit`: `None` for ever, zero only looks. A limit that passes is no error:
    /// the status says what the state is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WouldDeadlock`] (waiting on a thread of this engine), [`Error::ShutdownIncomplete`] (a
    /// shutdown left the task running), [`Error::Panic`] (the engine panicked while this waited).
    pub fn wait(&self, id: TaskId, limit: Option<Duration>) -> Result<TaskStatus> {
        let deadline = deadline_after(limit);
        let mut core = self.inner.core.lock();
        let status = core.store.get(id).ok_or_else(|| unknown(id))?.status();
        if status.state.is_final() || limit == Some(Duration::ZERO) {
            return Ok(status);
        }
        if sys::is_thread_of(self.inner.number) {
            return Err(Error::WouldDeadlock {
                operation: "waiting for a task",
                instead: "watch it instead, or wait on a thread of your own",
            });
        }
        if core.phase == Phase::Closed {
            return Err(ended_before(&status));
        }
        self.check_sound()?;
        let slot = Arc::new(WaitSlot::new());
        core.watches.entry(id).or_default().push(Watch::Slot(slot.clone()));
        drop(core);
        if let Some(end) = slot.wait(deadline) {
            return end;
        }
        let mut core = self.inner.core.lock();
        if let Some(watches) = core.watches.get_mut(&id) {
            watches.retain(|watch| !matches!(watch, Watch::Slot(other) if Arc::ptr_eq(other, &slot)));
            if watches.is_empty() {
                core.watches.remove(&id);
            }
        }
        // It may have ended between the limit and the lock, and even be no longer kept.
        match slot.wait(Some(Instant::now())) {
            Some(end) => end,
            None => core
                .store
                .get(id)
                .map(|record| record.status())
                .ok_or_else(|| unknown(id)),
        }
    }

    /// Asks to be told, once, on the observer thread, when a task is in a final state. `done` must return promptly. It is
    /// given an error where the engine ended before the task.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ShutdownIncomplete`] (a shutdown left it running), [`Error::ShuttingDown`] (the engine
    /// has ended: ask for the status). `done` is then not called.
    pub fn watch(&self, id: TaskId, done: impl FnOnce(TaskStatus, Result<()>) + Send + 'static) -> Result<()> {
        let mut core = self.inner.core.lock();
        let status = core.store.get(id).ok_or_else(|| unknown(id))?.status();
        match (core.phase == Phase::Closed, status.state.is_final()) {
            (true, true) => return Err(Error::ShuttingDown),
            (true, false) => return Err(ended_before(&status)),
            (false, true) => self.inner.observation.tell_watcher(Box::new(done), status, Ok(())),
            (false, false) => {
                core.watches.try_reserve(1).map_err(|_| Error::OutOfMemory {
                    bytes: size_of::<(TaskId, Vec<Watch>)>(),
                })?;
                core.watches.entry(id).or_default().push(Watch::Tell(Box::new(done)));
            }
        }
        Ok(())
    }

    /// A copy of a task's payload, while the engine has it: until its final state.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::OutOfMemory`].
    pub fn payload(&self, id: TaskId) -> Result<Vec<u8>> {
        let task = self
            .inner
            .core
            .lock()
            .store
            .get(id)
            .and_then(|record| record.task.clone());
        let task = task.ok_or_else(|| {
            Error::NotFound(format!(
                "there is no payload of task {id}: it is final, or there is no such task"
            ))
        })?;
        Ok(copy_bytes(&task.payload)?.into_vec())
    }

    /// Cancels a task: a queued one at once; a running one is asked to stop, and stays what it is until it does. The first
    /// 512 bytes of the reason are kept.
    #[must_use = "it says what the cancel met"]
    pub fn cancel(&self, id: TaskId, reason: &str) -> CancelResult {
        let reason = cut(reason, crate::options::MAX_REASON_BYTES);
        let mut core = self.inner.core.lock();
        let (met, leftovers) = core.cancel(id, reason, &self.inner.observation);
        let shutting_down = core.phase > Phase::Open;
        drop(core);
        drop(leftovers);
        if shutting_down {
            self.inner.changed.notify_all();
        }
        met
    }

    /// Settles a pending run, from any thread; legal even before its `run` has returned. Once.
    ///
    /// # Errors
    /// [`Error::StaleLease`] (settled already, claimed anew, or abandoned by a shutdown), [`Error::NotFound`],
    /// [`Error::InvalidArgument`] (the outcome is pending).
    pub fn settle(&self, id: TaskId, lease: Lease, outcome: Outcome) -> Result<()> {
        if outcome == Outcome::Pending {
            return Err(Error::InvalidArgument(
                "a run cannot be settled as pending; say how it ended".into(),
            ));
        }
        let mut core = self.inner.core.lock();
        let result = core.settle(id, lease, outcome, &self.inner.observation);
        let shutting_down = core.phase > Phase::Open;
        drop(core);
        if shutting_down {
            self.inner.changed.notify_all();
        }
        result.map(drop)
    }

    /// All counters now.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        stats::statistics(&self.inner.core.lock(), self.inner.observation.lost())
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

    /// Whether no panic has left the engine in an unknown state.
    pub(crate) fn check_sound(&self) -> Result<()> {
        self.inner.check_sound()
    }

    pub(crate) fn poison(&self, error: &Error) {
        self.inner.poison(error);
    }
}

impl Inner {
    /// Notes a bug: from now on only status, shutdown and free answer. Whoever waits for a task is told.
    pub(crate) fn poison(&self, error: &Error) {
        let text = match error {
            Error::Panic(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = self.poison.set(text);
        self.poisoned.store(true, Ordering::Release);
        self.observation.log(LogLevel::Error, || error.to_string());
        let mut core = self.core.lock();
        for watch in core.watches.values_mut().flatten() {
            if let Watch::Slot(slot) = watch {
                slot.fill(Err(error.clone()));
            }
        }
        for queue in &core.queues {
            queue.room.notify_all();
        }
    }

    fn check_sound(&self) -> Result<()> {
        if !self.poisoned.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Error::Panic(self.poison.get().cloned().unwrap_or_default()))
    }

    /// The engine's own time: what ready tasks are ordered by.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("number", &self.inner.number)
            .finish_non_exhaustive()
    }
}

fn unknown(id: TaskId) -> Error {
    Error::NotFound(format!("there is no task {id}, or it is no longer kept"))
}
