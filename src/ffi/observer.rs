//! Events and log records, and watching one task: all on the observer thread. The ends of tasks: on the thread that records
//! them.

use super::bytes::backrun_str;
use super::convert;
use super::engine::{backrun_engine, backrun_engine_options};
use super::handler::backrun_release_fn;
use super::lookup::backrun_task_status;
use super::panic::{check_out, preset, with_engine, Health};
use super::status::{backrun_error, BACKRUN_OK};
use crate::alloc::{Arc, Ensure};
use crate::engine::{Event, EventKind, LogRecord, Observer};
use crate::error::{Error, Result};
use crate::options::LogLevel;
use crate::task::{Lease, State, TaskId};
use std::os::raw::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

/// A task was accepted.
pub const BACKRUN_EVENT_ACCEPTED: u32 = 1;
/// A submit was refused; `code` says why.
pub const BACKRUN_EVENT_REFUSED: u32 = 2;
/// A run began.
pub const BACKRUN_EVENT_STARTED: u32 = 3;
/// A task succeeded.
pub const BACKRUN_EVENT_SUCCEEDED: u32 = 4;
/// A run failed; `state` says what the task is now.
pub const BACKRUN_EVENT_RUN_FAILED: u32 = 5;
/// A task died: after its last BACKRUN_EVENT_RUN_FAILED.
pub const BACKRUN_EVENT_DEAD: u32 = 6;
/// A task was cancelled.
pub const BACKRUN_EVENT_CANCELLED: u32 = 7;
/// A task was dropped from a full queue.
pub const BACKRUN_EVENT_DROPPED: u32 = 8;
/// A run was interrupted by a shutdown; the attempt does not count.
pub const BACKRUN_EVENT_INTERRUPTED: u32 = 9;
/// A run was left running by a shutdown; its outcome will be refused.
pub const BACKRUN_EVENT_ABANDONED: u32 = 10;
/// A run became pending.
pub const BACKRUN_EVENT_PENDING: u32 = 11;
/// Cancellation of a running or pending task was asked for.
pub const BACKRUN_EVENT_CANCEL_REQUESTED: u32 = 12;
/// An outcome was refused for a stale lease.
pub const BACKRUN_EVENT_STALE_SETTLE: u32 = 13;
/// Events could not be kept up with; `count` of them are missing before this one.
pub const BACKRUN_EVENT_EVENTS_LOST: u32 = 14;
/// A run lasts past its queue's stall threshold while tasks wait: its worker gets a replacement, as far as limits let it.
pub const BACKRUN_EVENT_RUN_STALLED: u32 = 15;
/// Such a run ended.
pub const BACKRUN_EVENT_STALL_ENDED: u32 = 16;
/// More runs stall than the engine may have workers for (`max_workers`).
pub const BACKRUN_EVENT_WORKERS_EXHAUSTED: u32 = 17;
/// A run went past its time limit and did not stop: its outcome will be refused.
pub const BACKRUN_EVENT_RUN_GIVEN_UP: u32 = 18;
/// A dead task is to run again.
pub const BACKRUN_EVENT_REPLAYED: u32 = 19;

/// Something needs a person: a task died, the engine cannot go on.
pub const BACKRUN_LOG_ERROR: u32 = 1;
/// Something is not as it should be: refused, dropped, abandoned, lost.
pub const BACKRUN_LOG_WARNING: u32 = 2;
/// The engine's life: start, queues, shutdown. The default.
pub const BACKRUN_LOG_INFO: u32 = 3;
/// Each task's life.
pub const BACKRUN_LOG_DEBUG: u32 = 4;
/// No log records at all.
pub const BACKRUN_LOG_OFF: u32 = 5;

/// Something that happened. Never a payload, a user context or a header's value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_event {
    /// The size of this struct as the library knows it.
    pub struct_size: u32,
    /// One of BACKRUN_EVENT_ACCEPTED and its kin; later versions have more: skip those you do not know.
    pub kind: u32,
    /// When, in microseconds since 1970 UTC.
    pub time_unix_us: i64,
    /// The task; 0 where none is meant (refused, events lost).
    pub task_id: i64,
    /// The lease of the run; 0 before the first.
    pub lease: i64,
    /// The attempt; 0 before the first.
    pub attempt: u32,
    /// The state after it: one of BACKRUN_STATE_SCHEDULED and its kin; 0 where no task is meant.
    pub state: u32,
    /// The task name.
    pub task_name: backrun_str,
    /// The queue.
    pub queue: backrun_str,
    /// The kind of error, where there is one.
    pub error_type: backrun_str,
    /// The error's message, the reason of a cancel.
    pub message: backrun_str,
    /// The error's detail, such as a stack trace.
    pub detail: backrun_str,
    /// How long the run took in microseconds, where one ended; else 0. Measured, unless no kind of event that tells it was
    /// wanted when the run began (backrun_engine_set_event_kinds): then to some milliseconds.
    pub run_us: i64,
    /// How many, for BACKRUN_EVENT_EVENTS_LOST and refused batches; else 1.
    pub count: u64,
    /// Why, for BACKRUN_EVENT_REFUSED: a status code; else 0.
    pub code: i32,
    /// 0.
    pub reserved: u32,
    /// When the next run may begin, in microseconds since 1970 UTC, for BACKRUN_EVENT_RUN_FAILED where another run follows; else 0.
    /// Also 0 where that is not known yet, because the thread of a run that was given up has not come back.
    pub run_at_unix_us: i64,
}

/// A line for the log. Never a payload, a user context or a header's value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_log_record {
    /// The size of this struct as the library knows it.
    pub struct_size: u32,
    /// One of BACKRUN_LOG_ERROR and its kin.
    pub level: u32,
    /// When, in microseconds since 1970 UTC.
    pub time_unix_us: i64,
    /// The task it is about; 0 if none.
    pub task_id: i64,
    /// The lease of the run it is about; 0 if none.
    pub lease: i64,
    /// The task name; empty if none.
    pub task_name: backrun_str,
    /// The queue; empty if none.
    pub queue: backrun_str,
    /// The line: one sentence in English without the fields above.
    pub message: backrun_str,
    /// The kind of event that it tells of, one of BACKRUN_EVENT_ACCEPTED and its kin; 0 if none.
    pub event_kind: u32,
    /// 0.
    pub reserved: u32,
}

/// Receives events in batches, oldest first. `events`: `count` structs, `events[0].struct_size` bytes apart; valid for the call.
pub type backrun_event_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, events: *const backrun_event, count: usize)>;

/// Receives log records in batches, oldest first. `records`: `count` structs, `records[0].struct_size` bytes apart; valid for the call.
pub type backrun_log_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, records: *const backrun_log_record, count: usize)>;

/// Hears of the end of a task that backrun_engine_tell_end asked for: once, after the end was recorded. `state`: the final
/// one, of BACKRUN_STATE_SUCCEEDED and its kin; 0: the engine ended before the task did, and no end will be recorded; or it panicked
/// (BACKRUN_PANIC), and none will be told. `lease`: that of the task's last run; 0 if it never ran. The task can be asked for during the call, even if nothing of it is kept
/// after that.
///
/// Comes on the thread that recorded the end, from several at once: a worker, or a thread of the program inside
/// backrun_engine_cancel, backrun_task_settle, a submit to a full queue that drops, backrun_engine_shutdown, backrun_engine_free or
/// backrun_engine_abandon. No lock of the engine is held. That thread does not go on before it returns, so it must be quick. It may
/// call the engine, but not wait for it (BACKRUN_WOULD_DEADLOCK, on every thread), nor free or abandon it; once
/// backrun_engine_free or backrun_engine_abandon has begun, it may not call it at all.
pub type backrun_end_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, id: i64, lease: i64, state: u32)>;

/// Hears of the end of a task. `code`: BACKRUN_OK: `status` is final; BACKRUN_SHUTDOWN_INCOMPLETE: the engine ended before
/// the task did, and BACKRUN_PANIC: it panicked before that; `status` is then the last that was known. `status`: valid for the call, not to be freed.
pub type backrun_watch_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, code: i32, status: *const backrun_task_status)>;

/// Asks that `on_end` of the engine's options be called when a task is in a final state: the quick way to hear of its end. It
/// costs nothing until the end, and then one call of backrun_end_fn, once for a task, however often it is asked for.
///
/// `out_state`: may not be NULL; receives 0: `on_end` is called, perhaps before this returns; or, where the task has ended
/// already, its final state, of BACKRUN_STATE_SUCCEEDED and its kin: then `on_end` is not called. 0 on failure.
/// `out_lease`: receives the lease of the last run of a task that has ended already, else 0; may be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors, and then `on_end` is not called for this: BACKRUN_NOT_FOUND (no such task, or no longer kept),
/// BACKRUN_SHUTDOWN_INCOMPLETE (the engine has ended and recorded no end), BACKRUN_INVALID_ARGUMENT (also where the options had
/// no `on_end`), BACKRUN_FORKED, BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_tell_end(
    engine: *mut backrun_engine,
    id: i64,
    out_state: *mut u32,
    out_lease: *mut i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out_state, 0);
        preset(out_lease, 0);
        with_engine(engine, Health::Sound, out_error, |engine| {
            check_out(out_state)?;
            if let Some((state, lease)) = engine.tell_end(TaskId::new(id)?)? {
                out_state.write(convert::state_number(state));
                if !out_lease.is_null() {
                    out_lease.write(lease.value());
                }
            }
            Ok(())
        })
    }
}

/// Asks to be told when a task is in a final state, once that is recorded: never dropped, whatever happens to events. On the
/// observer thread, with the whole status; where the state is enough, backrun_engine_tell_end costs a fraction of it.
///
/// `done`: may not be NULL; called once, on the observer thread, if and only if this returns BACKRUN_OK; at once where the
/// task is final already. Must return promptly. `user_data`: passed to it.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_NOT_FOUND (no such task, or no longer kept), BACKRUN_SHUTDOWN_INCOMPLETE (a shutdown left it running),
/// BACKRUN_SHUTTING_DOWN (the engine has ended, and so has its observer thread: ask for the status), BACKRUN_INVALID_ARGUMENT,
/// BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED, BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_watch(
    engine: *mut backrun_engine,
    id: i64,
    done: backrun_watch_fn,
    user_data: *mut c_void,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_engine(engine, Health::Sound, out_error, |engine| {
            let Some(done) = done else {
                return Err(Error::InvalidArgument("done is NULL; pass the function to be told".into()));
            };
            let user_data = UserData(user_data);
            engine.watch(TaskId::new(id)?, move |status, ended| {
                // The whole wrapper is captured, so that the closure is Send.
                let user_data = &user_data;
                let code = ended.map_or_else(|error| error.code(), |()| BACKRUN_OK);
                let status = backrun_task_status { status };
                // SAFETY: a callback with what its contract promises.
                done(user_data.0, code, &raw const status);
            })
        })
    }
}

/// Changes which events are wanted, from now on.
///
/// `kinds`: the sum of (1 << kind) over BACKRUN_EVENT_ACCEPTED and its kin; 0: all. Unknown kinds are no error: they never come.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_FORKED, BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_set_event_kinds(
    engine: *mut backrun_engine,
    kinds: u64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_engine(engine, Health::Sound, out_error, |engine| {
            engine.set_event_kinds(kinds);
            Ok(())
        })
    }
}

/// A caller's pointer that travels to the observer thread.
#[derive(Clone, Copy)]
struct UserData(*mut c_void);

// SAFETY: the ABI says on which thread callbacks come, so the caller has made it fit for that.
unsafe impl Send for UserData {}
// SAFETY: likewise.
unsafe impl Sync for UserData {}

/// The C callbacks behind the engine's trait. Dropping them, once the engine has been made, is `observer_release`.
pub(super) struct Observers {
    on_log: backrun_log_fn,
    on_event: backrun_event_fn,
    on_end: backrun_end_fn,
    release: backrun_release_fn,
    user_data: UserData,
    /// Whether the user data is the engine's to release.
    owned: AtomicBool,
}

impl Observers {
    pub(super) fn of(options: &backrun_engine_options) -> Result<Arc<Self>> {
        let observers = Arc::try_new(Self {
            on_log: options.on_log,
            on_event: options.on_event,
            on_end: options.on_end,
            release: options.observer_release,
            user_data: UserData(options.observer_user_data),
            owned: AtomicBool::new(false),
        })?;
        Ok(observers)
    }

    /// The engine was made: from now on the user data is its own.
    pub(super) fn own_user_data(&self) {
        self.owned.store(true, Ordering::Release);
    }
}

impl Drop for Observers {
    fn drop(&mut self) {
        if let (Some(release), true) = (self.release, self.owned.load(Ordering::Acquire)) {
            // SAFETY: once, last: nothing else holds the observers.
            unsafe { release(self.user_data.0) };
        }
    }
}

impl Observer for Arc<Observers> {
    fn wants_events(&self) -> bool {
        self.on_event.is_some()
    }

    fn wants_logs(&self) -> bool {
        self.on_log.is_some()
    }

    fn wants_ends(&self) -> bool {
        self.on_end.is_some()
    }

    fn ended(&self, id: TaskId, lease: Lease, state: Option<State>) {
        let Some(on_end) = self.on_end else { return };
        // SAFETY: a callback with what its contract promises.
        unsafe { on_end(self.user_data.0, id.value(), lease.value(), state.map_or(0, convert::state_number)) };
    }

    fn events(&self, events: &[Event]) {
        let Some(on_event) = self.on_event else { return };
        // SAFETY: a callback with what its contract promises.
        in_batches(events, event_view, |views| unsafe { on_event(self.user_data.0, views.as_ptr(), views.len()) });
    }

    fn logs(&self, records: &[LogRecord]) {
        let Some(on_log) = self.on_log else { return };
        // SAFETY: likewise.
        in_batches(records, log_view, |views| unsafe { on_log(self.user_data.0, views.as_ptr(), views.len()) });
    }
}

/// Tells all at once, or, without memory for the views of all, one by one.
fn in_batches<T, V>(all: &[T], view: impl Fn(&T) -> V, tell: impl Fn(&[V])) {
    let mut views = Vec::new();
    if views.ensure(all.len()).is_ok() {
        views.extend(all.iter().map(view));
        tell(&views);
    } else {
        all.iter().for_each(|one| tell(&[view(one)]));
    }
}

fn event_view(event: &Event) -> backrun_event {
    let failure = event.failure.as_ref();
    backrun_event {
        struct_size: size_of::<backrun_event>() as u32,
        kind: kind_number(event.kind),
        time_unix_us: event.time_us,
        task_id: event.task_id.map_or(0, TaskId::value),
        lease: event.lease.value(),
        attempt: event.attempt,
        state: event.state.map_or(0, convert::state_number),
        task_name: backrun_str::of(&event.task_name),
        queue: backrun_str::of(&event.queue),
        error_type: failure.map_or(backrun_str::EMPTY, |f| backrun_str::of(f.error_type())),
        message: failure.map_or_else(|| backrun_str::of(&event.message), |f| backrun_str::of(f.text())),
        detail: failure.map_or(backrun_str::EMPTY, |f| backrun_str::of(f.detail())),
        run_us: event.run_us,
        count: event.count,
        code: event.code,
        reserved: 0,
        run_at_unix_us: event.run_at_us,
    }
}

fn log_view(record: &LogRecord) -> backrun_log_record {
    backrun_log_record {
        struct_size: size_of::<backrun_log_record>() as u32,
        level: match record.level {
            LogLevel::Error => BACKRUN_LOG_ERROR,
            LogLevel::Warning => BACKRUN_LOG_WARNING,
            LogLevel::Info => BACKRUN_LOG_INFO,
            LogLevel::Debug => BACKRUN_LOG_DEBUG,
        },
        time_unix_us: record.time_us,
        task_id: record.task_id.map_or(0, TaskId::value),
        lease: record.lease.value(),
        task_name: backrun_str::of(&record.task_name),
        queue: backrun_str::of(&record.queue),
        message: backrun_str::of(&record.message),
        event_kind: record.event_kind.map_or(0, kind_number),
        reserved: 0,
    }
}

fn kind_number(kind: EventKind) -> u32 {
    match kind {
        EventKind::Accepted => BACKRUN_EVENT_ACCEPTED,
        EventKind::Refused => BACKRUN_EVENT_REFUSED,
        EventKind::Started => BACKRUN_EVENT_STARTED,
        EventKind::Succeeded => BACKRUN_EVENT_SUCCEEDED,
        EventKind::RunFailed => BACKRUN_EVENT_RUN_FAILED,
        EventKind::Dead => BACKRUN_EVENT_DEAD,
        EventKind::Cancelled => BACKRUN_EVENT_CANCELLED,
        EventKind::Dropped => BACKRUN_EVENT_DROPPED,
        EventKind::Interrupted => BACKRUN_EVENT_INTERRUPTED,
        EventKind::Abandoned => BACKRUN_EVENT_ABANDONED,
        EventKind::Pending => BACKRUN_EVENT_PENDING,
        EventKind::CancelRequested => BACKRUN_EVENT_CANCEL_REQUESTED,
        EventKind::StaleSettle => BACKRUN_EVENT_STALE_SETTLE,
        EventKind::EventsLost => BACKRUN_EVENT_EVENTS_LOST,
        EventKind::RunStalled => BACKRUN_EVENT_RUN_STALLED,
        EventKind::StallEnded => BACKRUN_EVENT_STALL_ENDED,
        EventKind::WorkersExhausted => BACKRUN_EVENT_WORKERS_EXHAUSTED,
        EventKind::RunGivenUp => BACKRUN_EVENT_RUN_GIVEN_UP,
        EventKind::Replayed => BACKRUN_EVENT_REPLAYED,
    }
}
