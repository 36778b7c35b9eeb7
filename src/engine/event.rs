//! What happened, as it is told: events, and the lines of the log that tell of them.

use crate::alloc::{NoMemory, Shown, Text};
use crate::options::LogLevel;
use crate::sys;
use crate::task::{Failure, Lease, State, TaskId, TaskStatus};
use std::fmt::Formatter;

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
    /// A run holds up what waits behind it: its worker gets a replacement.
    RunStalled = 15,
    /// Such a run ended.
    StallEnded = 16,
    /// More runs stall than the engine may have workers for.
    WorkersExhausted = 17,
    /// A run went past its time limit and did not stop: its outcome will be refused.
    RunGivenUp = 18,
    /// A dead task is to run again.
    Replayed = 19,
}

impl EventKind {
    pub(super) const fn bit(self) -> u64 {
        1 << self as u32
    }

    pub(super) fn level(self) -> LogLevel {
        match self {
            EventKind::Dead | EventKind::Abandoned | EventKind::WorkersExhausted | EventKind::RunGivenUp => {
                LogLevel::Error
            }
            EventKind::Refused
            | EventKind::Dropped
            | EventKind::StaleSettle
            | EventKind::EventsLost
            | EventKind::RunStalled
            | EventKind::RunFailed => LogLevel::Warning,
            EventKind::Cancelled
            | EventKind::Interrupted
            | EventKind::CancelRequested
            | EventKind::StallEnded
            | EventKind::Replayed => LogLevel::Info,
            EventKind::Accepted | EventKind::Started | EventKind::Succeeded | EventKind::Pending => LogLevel::Debug,
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
    pub task_name: Text,
    /// The queue; may be empty.
    pub queue: Text,
    /// Why a run failed.
    pub failure: Option<Failure>,
    /// Why a task was cancelled or a submit refused; may be empty.
    pub message: Text,
    /// How long the run took in microseconds, where one ended: measured, unless no kind of event that tells it was wanted when
    /// the run began; then it is to the precision of the system's coarse clock, some milliseconds.
    pub run_us: i64,
    /// When the next run may begin, in microseconds since 1970 UTC, where a run failed and another one follows; else 0.
    pub run_at_us: i64,
    /// How many; 1 but for lost events and refused batches.
    pub count: u64,
    /// The error's number of a refused submit; else 0.
    pub code: i32,
}

impl Event {
    /// An event of a task, with what its status says.
    pub(crate) fn of(kind: EventKind, status: &TaskStatus) -> Self {
        Self {
            task_id: Some(status.id),
            lease: status.lease,
            attempt: status.attempt,
            state: Some(status.state),
            ..Self::other(kind, status.task_name.clone(), status.queue.clone(), status.cancel_reason.clone())
        }
    }

    /// An event of no task.
    pub(crate) fn other(kind: EventKind, task_name: Text, queue: Text, message: Text) -> Self {
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
            run_at_us: 0,
            count: 1,
            code: 0,
        }
    }

    /// How severe it is. A failed run that is the last one is logged as the death of its task.
    pub(super) fn level(&self) -> LogLevel {
        match (self.kind, self.state) {
            (EventKind::RunFailed, Some(State::Dead)) => LogLevel::Debug,
            (kind, _) => kind.level(),
        }
    }

    fn show_line(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let because = |f: &mut Formatter<'_>, text: &str| {
            if text.is_empty() {
                return Ok(());
            }
            write!(f, ": {text}")
        };
        let because_it_failed = |f: &mut Formatter<'_>| match &self.failure {
            Some(failure) if failure.error_type().is_empty() => because(f, failure.text()),
            Some(failure) => write!(f, ": {}: {}", failure.error_type(), failure.text()),
            None => Ok(()),
        };
        match self.kind {
            EventKind::Accepted => f.write_str("accepted"),
            EventKind::Refused => {
                f.write_str("a submit was refused")?;
                because(f, &self.message)
            }
            EventKind::Started => write!(f, "attempt {} started", self.attempt),
            EventKind::Succeeded => write!(f, "succeeded after {} µs in attempt {}", self.run_us, self.attempt),
            EventKind::RunFailed => {
                write!(f, "attempt {} failed", self.attempt)?;
                if self.run_at_us > 0 {
                    let in_tenths = ((self.run_at_us - self.time_us).max(0) + 50_000) / 100_000;
                    write!(f, ", the next one is in {}.{} s", in_tenths / 10, in_tenths % 10)?;
                }
                because_it_failed(f)
            }
            EventKind::Dead => {
                write!(f, "the task is dead after attempt {}", self.attempt)?;
                because_it_failed(f)
            }
            EventKind::Cancelled => {
                f.write_str("cancelled")?;
                because(f, &self.message)
            }
            EventKind::Dropped => f.write_str("dropped from a full queue"),
            EventKind::Interrupted => f.write_str("interrupted by a shutdown; the attempt does not count"),
            EventKind::Abandoned => {
                f.write_str("still running when the shutdown's time was up: its outcome will be refused")
            }
            EventKind::Pending => f.write_str("goes on without a worker"),
            EventKind::CancelRequested => {
                f.write_str("was asked to stop")?;
                because(f, &self.message)
            }
            EventKind::StaleSettle => f.write_str("an outcome came too late and was refused (stale lease)"),
            EventKind::RunStalled => f.write_str(&self.message),
            EventKind::StallEnded => write!(f, "its run no longer holds others up, after {} ms", self.run_us / 1000),
            EventKind::WorkersExhausted => f.write_str(&self.message),
            EventKind::RunGivenUp => f.write_str(
                "its run went past its time limit and does not stop: it is given up, and its outcome will be refused",
            ),
            EventKind::Replayed => f.write_str("is to run again"),
            EventKind::EventsLost => {
                write!(f, "{} events were lost: the observer did not keep up, or there was no memory", self.count)
            }
        }
    }

    /// The line that tells of it.
    pub(super) fn record(&self) -> std::result::Result<LogRecord, NoMemory> {
        let line = Shown(|f: &mut Formatter<'_>| self.show_line(f));
        Ok(self.record_that_says(Text::format(format_args!("{line}"))?))
    }

    pub(super) fn record_that_says(&self, message: Text) -> LogRecord {
        LogRecord {
            level: self.level(),
            time_us: self.time_us,
            task_id: self.task_id,
            lease: self.lease,
            task_name: self.task_name.clone(),
            queue: self.queue.clone(),
            message,
            event_kind: Some(self.kind),
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
    pub task_name: Text,
    /// The queue; may be empty.
    pub queue: Text,
    /// One sentence.
    pub message: Text,
    /// The kind of event that it tells of.
    pub event_kind: Option<EventKind>,
}
