//! What happened, told to those who want to know: events, log records, cancel requests and watches, on one thread.
//!
//! Cancel requests and watches have lists of their own, whose memory is reserved before it is needed. Events and log records
//! share a bounded buffer; what does not fit, or has no memory, is counted and reported, never waited for. Lines about tasks
//! are worded on the observer thread.

use crate::alloc::{self, Ensure, Text};
use crate::engine::event::{Event, EventKind, LogRecord};
use crate::engine::handler::{let_go, SharedHandler};
use crate::engine::poison::{point, Place};
use crate::engine::watchers::{ToBeTold, Waiting};
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::options::{LogFilter, LogLevel};
use crate::sync::{Arc, Condvar, Mutex};
use crate::sys;
use crate::task::{Lease, State, TaskId, TaskStatus};
use std::collections::VecDeque;
use std::fmt::Arguments;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Hears of events and log records, in batches, oldest first, on the observer thread, and of the ends of tasks that
/// [`Engine::tell_end`](crate::Engine::tell_end) asked for. Must return promptly.
pub trait Observer: Send + Sync + 'static {
    /// Whether [`Observer::events`] is of use.
    fn wants_events(&self) -> bool {
        true
    }
    /// Whether [`Observer::logs`] is of use.
    fn wants_logs(&self) -> bool {
        true
    }
    /// Whether [`Observer::ended`] is of use; asked once, when the engine starts.
    fn wants_ends(&self) -> bool {
        false
    }
    /// The end of a task that somebody asked to be told of, once it is recorded; from the same moment on it may be forgotten
    /// (but not before this returns). `state`: `None`: the engine ended before the task did, and no end will be recorded.
    ///
    /// Called by the thread that recorded it, from several at once: a worker, or whoever cancels, settles, submits to a full
    /// queue or shuts down, without a lock held. Meanwhile that thread does not go on, so this has to be quick. It may call
    /// the engine, but not wait for it ([`Error::WouldDeadlock`]), nor drop it.
    fn ended(&self, id: TaskId, lease: Lease, state: Option<State>) {
        let _ = (id, lease, state);
    }
    /// Things that happened.
    fn events(&self, events: &[Event]) {
        let _ = events;
    }
    /// Lines for the log.
    fn logs(&self, records: &[LogRecord]) {
        let _ = records;
    }
}

/// What several share, such as a test and its engine.
impl<O: Observer + ?Sized> Observer for std::sync::Arc<O> {
    fn wants_events(&self) -> bool {
        (**self).wants_events()
    }

    fn wants_logs(&self) -> bool {
        (**self).wants_logs()
    }

    fn wants_ends(&self) -> bool {
        (**self).wants_ends()
    }

    fn ended(&self, id: TaskId, lease: Lease, state: Option<State>) {
        (**self).ended(id, lease, state);
    }

    fn events(&self, events: &[Event]) {
        (**self).events(events);
    }

    fn logs(&self, records: &[LogRecord]) {
        (**self).logs(records);
    }
}

/// Whoever lets go of it last drops it.
pub(crate) type SharedObserver = Arc<Box<dyn Observer>>;

enum Entry {
    Event { event: Event, tell: bool, log: bool },
    Log(LogRecord),
}

#[derive(Default)]
struct Buffer {
    cancels: VecDeque<(SharedHandler, TaskId, Lease)>,
    /// Workers: the places in `cancels` that are kept free for a shutdown, which has nobody to tell of a lack of memory.
    workers: usize,
    watches: ToBeTold,
    entries: VecDeque<Entry>,
    /// Events and log records lost since the last report.
    lost: u64,
    lost_logs: u64,
    stopping: bool,
    /// Takes nothing more.
    closed: bool,
    /// The thread has made its last call.
    ended: bool,
}

/// The buffer between those who have something to tell and the observer thread.
pub(crate) struct Observation {
    has_journal: bool,
    wants_events: bool,
    wants_logs: bool,
    kinds: AtomicU64,
    log_level: LogFilter,
    capacity: usize,
    buffer: Mutex<Buffer>,
    changed: Condvar,
    ended: Condvar,
    events_lost: AtomicU64,
    logs_lost: AtomicU64,
}

/// How many events or records are told at once.
const BATCH: usize = 256;

/// The observer, and where its next batch is put together.
pub(crate) struct Telling {
    observer: Option<SharedObserver>,
    events: Vec<Event>,
    logs: Vec<LogRecord>,
}

impl Telling {
    /// With room for the smallest batch there is: one, and the report of a loss.
    pub(crate) fn new(observer: Option<SharedObserver>) -> Result<Self> {
        let (events, logs) =
            if observer.is_some() { (alloc::list(2)?, alloc::list(2)?) } else { (Vec::new(), Vec::new()) };
        Ok(Self { observer, events, logs })
    }

    /// How many of so many entries there is memory for at one time, at least one, besides the report of a loss.
    fn room_for(&mut self, entries: usize) -> usize {
        let room = entries.min(BATCH);
        match self.events.ensure(room + 1).and_then(|()| self.logs.ensure(room + 1)) {
            Ok(()) => room,
            Err(_) => room.min(self.events.capacity().min(self.logs.capacity()).saturating_sub(1)),
        }
    }
}

impl Inner {
    /// The observer thread.
    pub(crate) fn observe(&self, mut telling: Telling) {
        // A panic here is a bug of ours: a callback's is caught closer to it. What is left is told nevertheless, watches above
        // all, unless it goes on and on.
        for _ in 0..3 {
            let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.observation.run(&mut telling))) else { return };
            self.poison(&Error::from_panic(&*panic));
            telling.events.clear();
            telling.logs.clear();
        }
        self.observation.give_up(&mut telling);
    }
}

/// Beside the kinds of events: every run is looked at, since the journal has to hear of it. Here, so that an engine without a journal does not
/// ask at each run.
const JOURNAL: u64 = 1 << 63;

impl Observation {
    /// `has_journal`: runs are looked at for the journal's sake too.
    pub(crate) fn new(
        observer: Option<&SharedObserver>,
        kinds: u64,
        log_level: LogFilter,
        capacity: usize,
        has_journal: bool,
    ) -> Self {
        let this = Self {
            has_journal,
            wants_events: observer.is_some_and(|o| o.wants_events()),
            wants_logs: observer.is_some_and(|o| o.wants_logs()),
            kinds: AtomicU64::new(0),
            log_level,
            capacity,
            buffer: Mutex::default(),
            changed: Condvar::new(),
            ended: Condvar::new(),
            events_lost: AtomicU64::new(0),
            logs_lost: AtomicU64::new(0),
        };
        this.set_kinds(kinds);
        this
    }

    /// Changes which events are told; 0 is all of them.
    pub(crate) fn set_kinds(&self, kinds: u64) {
        let kinds = if kinds == 0 { u64::MAX } else { kinds };
        let kinds = if self.wants_events { kinds & !JOURNAL } else { 0 };
        self.kinds.store(if self.has_journal { kinds | JOURNAL } else { kinds }, Ordering::Relaxed);
    }

    /// Whether anybody wants an event of this kind: asked first, so that what nobody wants costs nothing.
    pub(crate) fn wants(&self, kind: EventKind) -> bool {
        self.tells(kind) || self.logs(kind)
    }

    /// Whether anybody wants to hear of runs that begin or of tasks that succeed, or how long a run took, however it ends: the
    /// lines of the log say that of successes only.
    #[inline]
    pub(crate) fn wants_runs(&self) -> bool {
        const ANY: u64 = EventKind::Started.bit()
            | EventKind::Succeeded.bit()
            | EventKind::RunFailed.bit()
            | EventKind::Dead.bit()
            | EventKind::Cancelled.bit()
            | EventKind::Interrupted.bit()
            | JOURNAL;
        self.kinds.load(Ordering::Relaxed) & ANY != 0
            || self.logs(EventKind::Started)
            || self.logs(EventKind::Succeeded)
    }

    fn tells(&self, kind: EventKind) -> bool {
        self.kinds.load(Ordering::Relaxed) & kind.bit() != 0
    }

    fn logs(&self, kind: EventKind) -> bool {
        self.wants_logs && self.log_level.wants(kind.level())
    }

    /// Tells of an event that is made only if somebody wants it.
    pub(crate) fn event_if_wanted(&self, kind: EventKind, event: impl FnOnce() -> Event) {
        if self.wants(kind) {
            self.event(event());
        }
    }

    pub(crate) fn event(&self, event: Event) {
        let (tell, log) = (self.tells(event.kind), self.wants_logs && self.log_level.wants(event.level()));
        if tell || log {
            self.push(Entry::Event { event, tell, log });
        }
    }

    pub(crate) fn log(&self, level: LogLevel, line: Arguments<'_>) {
        if !self.wants_logs || !self.log_level.wants(level) {
            return;
        }
        let Ok(message) = Text::format(line) else {
            return self.lose(0, 1);
        };
        self.push(Entry::Log(LogRecord {
            level,
            time_us: sys::unix_micros(),
            task_id: None,
            lease: Lease::default(),
            task_name: Text::default(),
            queue: Text::default(),
            message,
            event_kind: None,
        }));
    }

    fn push(&self, entry: Entry) {
        let mut buffer = self.buffer.lock();
        if buffer.closed {
            return;
        }
        if buffer.entries.len() >= self.capacity || buffer.entries.ensure(1).is_err() {
            drop(buffer);
            let (event, log) = match entry {
                Entry::Event { tell, log, .. } => (tell, log),
                Entry::Log(_) => (false, true),
            };
            return self.lose(u64::from(event), u64::from(log));
        }
        let was_empty = buffer.entries.is_empty();
        buffer.entries.push_back(entry);
        drop(buffer);
        if was_empty {
            self.changed.notify_one();
        }
    }

    /// Counts what is lost, to be reported with the next batch.
    fn lose(&self, events: u64, logs: u64) {
        self.count_lost(events, logs);
        let mut buffer = self.buffer.lock();
        buffer.lost += events;
        buffer.lost_logs += logs;
    }

    fn count_lost(&self, events: u64, logs: u64) {
        self.events_lost.fetch_add(events, Ordering::Relaxed);
        self.logs_lost.fetch_add(logs, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) -> (u64, u64) {
        (self.events_lost.load(Ordering::Relaxed), self.logs_lost.load(Ordering::Relaxed))
    }

    /// Makes sure that a shutdown can pass a cancel request on for each of so many workers.
    pub(crate) fn ensure_cancels(&self, workers: usize) -> Result<()> {
        let mut buffer = self.buffer.lock();
        buffer.cancels.ensure(workers)?;
        buffer.workers = buffer.workers.max(workers);
        Ok(())
    }

    /// Makes sure that one cancel request more can be passed on. Whoever calls it holds the extras' lock until it is.
    pub(crate) fn ensure_cancel(&self) -> Result<()> {
        let mut buffer = self.buffer.lock();
        let more = buffer.workers + 1;
        Ok(buffer.cancels.ensure(more)?)
    }

    /// Passes a cancel request on: before any event or record that waits. Where there was no [`Observation::ensure_cancel`],
    /// which is in a shutdown, runs beyond the number of workers (so pending ones) need memory for it.
    pub(crate) fn cancel_requested(&self, handler: SharedHandler, id: TaskId, lease: Lease) {
        let mut buffer = self.buffer.lock();
        if !buffer.closed && buffer.cancels.ensure(1).is_ok() {
            buffer.cancels.push_back((handler, id, lease));
            drop(buffer);
            self.changed.notify_one();
        }
    }

    /// Tells a watcher, on the observer thread. Whoever calls it holds the engine's lock and has seen it open: the observer
    /// thread closes later than the engine.
    pub(crate) fn tell_watcher(&self, waiting: Waiting, status: TaskStatus, ended: Result<()>) {
        let mut buffer = self.buffer.lock();
        if !buffer.closed {
            buffer.watches.push(waiting, status, ended);
            drop(buffer);
            self.changed.notify_one();
        }
    }

    /// Lets the thread tell what waits and then end.
    pub(crate) fn stop(&self) {
        self.buffer.lock().stopping = true;
        self.changed.notify_one();
    }

    /// Waits for the end of the thread up to a deadline. Returns whether it ended.
    pub(crate) fn wait_for_end(&self, deadline: Option<Instant>) -> bool {
        let mut buffer = self.buffer.lock();
        while !buffer.ended {
            let (again, passed) = self.ended.wait_until(buffer, deadline);
            buffer = again;
            if passed && !buffer.ended {
                return false;
            }
        }
        true
    }

    /// Ends the thread's part after panics of ours: nobody may wait for it.
    fn give_up(&self, telling: &mut Telling) {
        let mut buffer = self.buffer.lock();
        buffer.closed = true;
        let (cancels, watches) = (std::mem::take(&mut buffer.cancels), buffer.watches.take());
        drop(buffer);
        cancels.into_iter().for_each(|(handler, ..)| let_go(handler, self));
        watches.for_each(guarded);
        guarded(|| drop(telling.observer.take()));
        self.buffer.lock().ended = true;
        self.ended.notify_all();
    }

    /// The observer thread. The observer is dropped after its last call, before the thread counts as ended.
    fn run(&self, telling: &mut Telling) {
        loop {
            let mut buffer = self.buffer.lock();
            while buffer.cancels.is_empty()
                && buffer.watches.is_empty()
                && buffer.entries.is_empty()
                && buffer.lost + buffer.lost_logs == 0
                && !buffer.stopping
            {
                buffer = self.changed.wait(buffer);
            }
            point(Place::ObserverTake);
            // One by one, so that the list keeps the memory that was reserved for it.
            if let Some((handler, id, lease)) = buffer.cancels.pop_front() {
                drop(buffer);
                guarded(|| handler.cancel_requested(id, lease));
                let_go(handler, self);
                continue;
            }
            if !buffer.watches.is_empty() {
                let watches = buffer.watches.take();
                drop(buffer);
                watches.for_each(guarded);
                continue;
            }
            let events_lost = std::mem::take(&mut buffer.lost);
            let mut logs_lost = std::mem::take(&mut buffer.lost_logs);
            if buffer.entries.is_empty() && events_lost + logs_lost == 0 {
                // Nothing is left to tell, so it was told to stop.
                buffer.closed = true;
                drop(buffer);
                guarded(|| drop(telling.observer.take()));
                self.buffer.lock().ended = true;
                self.ended.notify_all();
                return;
            }
            let room = telling.room_for(buffer.entries.len());
            for entry in buffer.entries.drain(..room) {
                match entry {
                    Entry::Event { event, tell, log } => {
                        if log {
                            match event.record() {
                                Ok(record) => telling.logs.push(record),
                                Err(_) => {
                                    self.count_lost(0, 1);
                                    logs_lost += 1;
                                }
                            }
                        }
                        if tell {
                            telling.events.push(event);
                        }
                    }
                    Entry::Log(record) => telling.logs.push(record),
                }
            }
            drop(buffer);
            self.tell(telling, events_lost, logs_lost);
        }
    }

    /// Tells a batch and, last, what was lost.
    fn tell(&self, telling: &mut Telling, events_lost: u64, logs_lost: u64) {
        point(Place::ObserverTell);
        let nothing = Text::default;
        let report = Event::other(EventKind::EventsLost, nothing(), nothing(), nothing());
        if events_lost > 0 && self.tells(report.kind) {
            telling.events.push(Event { count: events_lost, ..report.clone() });
        }
        if logs_lost > 0 && self.logs(report.kind) {
            telling.logs.push(report.record_that_says(Text::say(format_args!(
                "{logs_lost} log records were lost: the observer did not keep up, or there was no memory"
            ))));
        }
        if let Some(observer) = &telling.observer {
            if !telling.logs.is_empty() {
                guarded(|| observer.logs(&telling.logs));
            }
            if !telling.events.is_empty() {
                guarded(|| observer.events(&telling.events));
            }
        }
        telling.events.clear();
        telling.logs.clear();
    }
}

/// A callback's panic is its own: the thread goes on to tell the others.
pub(crate) fn guarded(callback: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(callback));
}

/// The error that a watcher is given whose engine ended before its task.
pub(crate) fn ended_before(status: &TaskStatus) -> Error {
    if matches!(status.state, State::Ready | State::Scheduled) {
        // Only a durable store leaves it so.
        return Error::ShutdownIncomplete(Text::say(format_args!(
            "task {} ('{}') had not run when the engine was shut down: it stays in the store, and runs after the next start",
            status.id, status.task_name
        )));
    }
    Error::ShutdownIncomplete(Text::say(format_args!(
        "task {} ('{}') was still running when the engine's shutdown ended: its outcome is not recorded",
        status.id, status.task_name
    )))
}
