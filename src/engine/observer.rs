//! What happened, told to those who want to know: events, log records, cancel requests and watches, on one thread.
//!
//! Cancel requests and watches have lists of their own that never drop anything. Events and log records share a bounded
//! buffer; what does not fit is counted and reported, never waited for. Lines about tasks are worded on the observer thread.

use crate::engine::handler::Handler;
use crate::error::{Error, Result};
use crate::options::{LogFilter, LogLevel};
use crate::sync::{Condvar, Mutex};
use crate::sys;
use crate::task::{Failure, Lease, State, TaskId, TaskStatus};
use std::collections::VecDeque;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Instant;

/// Hears of events and log records, in batches, oldest first, on the observer thread. Must return promptly.
pub trait Observer: Send + Sync + 'static {
    /// Whether [`Observer::events`] is of use.
    fn wants_events(&self) -> bool {
        true
    }
    /// Whether [`Observer::logs`] is of use.
    fn wants_logs(&self) -> bool {
        true
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

/// What kind of thing happened. The numbers are those of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A task was accepted.
    Accepted = 1,
    /// A submit was refused.
    Refused = 2,
    /// A run began.
    Started = 3,
    /// A task succeeded.
    Succeeded = 4,
    /// A run failed.
    RunFailed = 5,
    /// A task died.
    Dead = 6,
    /// A task was cancelled.
    Cancelled = 7,
    /// A task was dropped from a full queue.
    Dropped = 8,
    /// A run was interrupted by a shutdown.
    Interrupted = 9,
    /// A run was left running by a shutdown.
    Abandoned = 10,
    /// A run became pending.
    Pending = 11,
    /// Cancellation of a run was asked for.
    CancelRequested = 12,
    /// An outcome was refused for a stale lease.
    StaleSettle = 13,
    /// Events could not be kept up with.
    EventsLost = 14,
}

impl EventKind {
    fn bit(self) -> u64 {
        1 << self as u32
    }

    fn level(self) -> LogLevel {
        match self {
            EventKind::Dead | EventKind::Abandoned => LogLevel::Error,
            EventKind::Refused | EventKind::Dropped | EventKind::StaleSettle | EventKind::EventsLost => {
                LogLevel::Warning
            }
            EventKind::Cancelled | EventKind::Interrupted | EventKind::CancelRequested => LogLevel::Info,
            // A failed run that is the last one is logged as the death of its task.
            EventKind::Accepted
            | EventKind::Started
            | EventKind::Succeeded
            | EventKind::RunFailed
            | EventKind::Pending => LogLevel::Debug,
        }
    }
}

/// Something that happened. Never a payload, a user context or a header's value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// What kind.
    pub kind: EventKind,
    /// When, in microseconds since 1970 UTC.
    pub time_us: i64,
    /// The task.
    pub task_id: Option<TaskId>,
    /// The lease of the run; 0 before the first.
    pub lease: Lease,
    /// The attempt; 0 before the first.
    pub attempt: u32,
    /// The state after it.
    pub state: Option<State>,
    /// The task name; may be empty.
    pub task_name: Arc<str>,
    /// The queue; may be empty.
    pub queue: Arc<str>,
    /// Why a run failed.
    pub failure: Option<Arc<Failure>>,
    /// Why a task was cancelled or a submit refused; may be empty.
    pub message: Arc<str>,
    /// How long the run took in microseconds, where one ended.
    pub run_us: i64,
    /// How many; 1 but for lost events and refused batches.
    pub count: u64,
    /// The error's number of a refused submit; else 0.
    pub code: i32,
}

impl Event {
    /// An event of a task, with what its status says.
    pub(crate) fn of(kind: EventKind, status: &TaskStatus) -> Self {
        Self {
            kind,
            time_us: sys::unix_micros(),
            task_id: Some(status.id),
            lease: status.lease,
            attempt: status.attempt,
            state: Some(status.state),
            task_name: status.task_name.clone(),
            queue: status.queue.clone(),
            failure: None,
            message: status.cancel_reason.clone(),
            run_us: 0,
            count: 1,
            code: 0,
        }
    }

    /// An event of no task.
    pub(crate) fn other(kind: EventKind, task_name: Arc<str>, queue: Arc<str>, message: Arc<str>) -> Self {
        Self {
            kind,
            time_us: sys::unix_micros(),
            task_id: None,
            lease: Lease::default(),
            attempt: 0,
            state: None,
            task_name,
            queue,
            failure: None,
            message,
            run_us: 0,
            count: 1,
            code: 0,
        }
    }

    fn line(&self) -> String {
        let because = |text: &str| {
            if text.is_empty() {
                String::new()
            } else {
                format!(": {text}")
            }
        };
        match self.kind {
            EventKind::Accepted => "accepted".into(),
            EventKind::Refused => format!("a submit was refused{}", because(&self.message)),
            EventKind::Started => format!("attempt {} started", self.attempt),
            EventKind::Succeeded => format!("succeeded after {} µs in attempt {}", self.run_us, self.attempt),
            EventKind::RunFailed => format!("attempt {} failed{}", self.attempt, because(&self.failure_text())),
            EventKind::Dead => {
                format!("the task is dead after attempt {}{}", self.attempt, because(&self.failure_text()))
            }
            EventKind::Cancelled => format!("cancelled{}", because(&self.message)),
            EventKind::Dropped => "dropped from a full queue".into(),
            EventKind::Interrupted => "interrupted by a shutdown; the attempt does not count".into(),
            EventKind::Abandoned => "still running when the shutdown's time was up: its outcome will be refused".into(),
            EventKind::Pending => "goes on without a worker".into(),
            EventKind::CancelRequested => format!("was asked to stop{}", because(&self.message)),
            EventKind::StaleSettle => "an outcome came too late and was refused (stale lease)".into(),
            EventKind::EventsLost => format!("{} events were lost: the observer did not keep up", self.count),
        }
    }

    fn failure_text(&self) -> String {
        match &self.failure {
            Some(f) if f.error_type().is_empty() => f.text().into(),
            Some(f) => format!("{}: {}", f.error_type(), f.text()),
            None => String::new(),
        }
    }
}

/// A line for the log. Never a payload, a user context or a header's value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogRecord {
    /// How severe.
    pub level: LogLevel,
    /// When, in microseconds since 1970 UTC.
    pub time_us: i64,
    /// The task it is about.
    pub task_id: Option<TaskId>,
    /// The lease of the run it is about; 0 if none.
    pub lease: Lease,
    /// The task name; may be empty.
    pub task_name: Arc<str>,
    /// The queue; may be empty.
    pub queue: Arc<str>,
    /// One sentence.
    pub message: String,
    /// The kind of event that it tells of.
    pub event_kind: Option<EventKind>,
}

/// Told of the end of a task: its last status, and an error where the engine ended first.
pub(crate) type Watcher = Box<dyn FnOnce(TaskStatus, Result<()>) + Send>;

enum Entry {
    Event { event: Event, tell: bool, log: bool },
    Log(LogRecord),
}

#[derive(Default)]
struct Buffer {
    cancels: Vec<(Arc<dyn Handler>, TaskId, Lease)>,
    watches: Vec<(Watcher, TaskStatus, Result<()>)>,
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

impl Observation {
    pub(crate) fn new(observer: Option<&dyn Observer>, kinds: u64, log_level: LogFilter, capacity: usize) -> Self {
        let this = Self {
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
        self.kinds.store(if self.wants_events { kinds } else { 0 }, Ordering::Relaxed);
    }

    /// Whether anybody wants an event of this kind: asked first, so that what nobody wants costs nothing.
    pub(crate) fn wants(&self, kind: EventKind) -> bool {
        self.tells(kind) || self.logs(kind)
    }

    fn tells(&self, kind: EventKind) -> bool {
        self.kinds.load(Ordering::Relaxed) & kind.bit() != 0
    }

    fn logs(&self, kind: EventKind) -> bool {
        self.wants_logs && self.log_level.wants(kind.level())
    }

    pub(crate) fn event(&self, event: Event) {
        let (tell, log) = (self.tells(event.kind), self.logs(event.kind));
        if tell || log {
            self.push(Entry::Event { event, tell, log });
        }
    }

    pub(crate) fn log(&self, level: LogLevel, message: impl FnOnce() -> String) {
        if !self.wants_logs || !self.log_level.wants(level) {
            return;
        }
        self.push(Entry::Log(LogRecord {
            level,
            time_us: sys::unix_micros(),
            task_id: None,
            lease: Lease::default(),
            task_name: "".into(),
            queue: "".into(),
            message: message(),
            event_kind: None,
        }));
    }

    fn push(&self, entry: Entry) {
        let mut buffer = self.buffer.lock();
        if buffer.closed {
            return;
        }
        if buffer.entries.len() >= self.capacity || buffer.entries.try_reserve(1).is_err() {
            drop(buffer);
            return self.lose(&entry);
        }
        let was_empty = buffer.entries.is_empty();
        buffer.entries.push_back(entry);
        drop(buffer);
        if was_empty {
            self.changed.notify_one();
        }
    }

    fn lose(&self, entry: &Entry) {
        let (event, log) = match entry {
            Entry::Event { tell, log, .. } => (*tell, *log),
            Entry::Log(_) => (false, true),
        };
        if event {
            self.events_lost.fetch_add(1, Ordering::Relaxed);
            self.buffer.lock().lost += 1;
        }
        if log {
            self.logs_lost.fetch_add(1, Ordering::Relaxed);
            self.buffer.lock().lost_logs += 1;
        }
    }

    pub(crate) fn lost(&self) -> (u64, u64) {
        (self.events_lost.load(Ordering::Relaxed), self.logs_lost.load(Ordering::Relaxed))
    }

    /// Passes a cancel request on: before any event or record that waits.
    pub(crate) fn cancel_requested(&self, handler: Arc<dyn Handler>, id: TaskId, lease: Lease) {
        let mut buffer = self.buffer.lock();
        if !buffer.closed {
            buffer.cancels.push((handler, id, lease));
            drop(buffer);
            self.changed.notify_one();
        }
    }

    /// Tells a watcher, on the observer thread. Whoever calls it holds the engine's lock and has seen it open: the observer
    /// thread closes later than the engine.
    pub(crate) fn tell_watcher(&self, watcher: Watcher, status: TaskStatus, ended: Result<()>) {
        let mut buffer = self.buffer.lock();
        if !buffer.closed {
            buffer.watches.push((watcher, status, ended));
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

    /// Ends the thread's part after a panic of ours: nobody may wait for it.
    pub(crate) fn give_up(&self) {
        let mut buffer = self.buffer.lock();
        buffer.closed = true;
        buffer.ended = true;
        drop(buffer);
        self.ended.notify_all();
    }

    /// The observer thread. The observer is dropped after its last call, before the thread counts as ended.
    pub(crate) fn run(&self, observer: Option<Arc<dyn Observer>>) {
        let mut events = Vec::new();
        let mut logs = Vec::new();
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
            let cancels = std::mem::take(&mut buffer.cancels);
            let watches = std::mem::take(&mut buffer.watches);
            let lost = (std::mem::take(&mut buffer.lost), std::mem::take(&mut buffer.lost_logs));
            let count = buffer.entries.len().min(BATCH);
            for entry in buffer.entries.drain(..count) {
                match entry {
                    Entry::Event { event, tell, log } => {
                        if log {
                            logs.push(record_of(&event));
                        }
                        if tell {
                            events.push(event);
                        }
                    }
                    Entry::Log(record) => logs.push(record),
                }
            }
            let nothing =
                cancels.is_empty() && watches.is_empty() && events.is_empty() && logs.is_empty() && lost == (0, 0);
            if nothing && buffer.stopping {
                buffer.closed = true;
                drop(buffer);
                guarded(|| drop(observer));
                self.buffer.lock().ended = true;
                self.ended.notify_all();
                return;
            }
            drop(buffer);
            for (handler, id, lease) in cancels {
                guarded(|| handler.cancel_requested(id, lease));
                drop(handler);
            }
            for (watcher, status, ended) in watches {
                guarded(|| watcher(status, ended));
            }
            self.report_loss(lost, &mut events, &mut logs);
            if let Some(observer) = &observer {
                tell(&**observer, &events, &logs);
            }
            events.clear();
            logs.clear();
        }
    }

    fn report_loss(&self, (lost, lost_logs): (u64, u64), events: &mut Vec<Event>, logs: &mut Vec<LogRecord>) {
        let nothing: Arc<str> = "".into();
        let report = Event::other(EventKind::EventsLost, nothing.clone(), nothing.clone(), nothing);
        if lost > 0 && self.tells(report.kind) {
            events.push(Event { count: lost, ..report.clone() });
        }
        if lost_logs > 0 && self.logs(report.kind) {
            let message = format!("{lost_logs} log records were lost: the observer did not keep up");
            logs.push(LogRecord { message, ..record_of(&report) });
        }
    }
}

fn tell(observer: &dyn Observer, events: &[Event], logs: &[LogRecord]) {
    if !logs.is_empty() {
        guarded(|| observer.logs(logs));
    }
    if !events.is_empty() {
        guarded(|| observer.events(events));
    }
}

fn record_of(event: &Event) -> LogRecord {
    LogRecord {
        level: event.kind.level(),
        time_us: event.time_us,
        task_id: event.task_id,
        lease: event.lease,
        task_name: event.task_name.clone(),
        queue: event.queue.clone(),
        message: event.line(),
        event_kind: Some(event.kind),
    }
}

/// A callback's panic is its own: the thread goes on to tell the others.
fn guarded(callback: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(callback));
}

/// The error that a watcher is given whose engine ended before its task.
pub(crate) fn ended_before(status: &TaskStatus) -> Error {
    Error::ShutdownIncomplete(format!(
        "task {} ('{}') was still running when the engine's shutdown ended: its outcome is not recorded",
        status.id, status.task_name
    ))
}
