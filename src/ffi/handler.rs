//! Handlers: the callbacks that run tasks of one name.

use super::bytes::{backrun_bytes, backrun_str};
use super::convert;
use super::engine::backrun_engine;
use super::panic::{with_engine, Health};
use super::status::backrun_error;
use super::structs::{read, Versioned};
use super::task::backrun_task;
use crate::engine::{Handler, TaskContext};
use crate::error::{Error, Result};
use crate::options::{QueueName, RetryPolicy, TaskOptions, MAX_ATTEMPTS, MAX_RETRY_DELAY, MAX_TIME_LIMIT};
use crate::task::{Lease, Outcome, TaskId};
use std::os::raw::c_void;

/// The run is done: the task succeeded.
pub const BACKRUN_RUN_DONE: i32 = 0;
/// The run failed; the retry policy decides what follows: another run, or, without one, none. Say why by backrun_task_fail.
pub const BACKRUN_RUN_FAILED: i32 = 1;
/// The run failed and wants to be tried again after the delay given by backrun_task_retry_after: as often as the retry policy
/// says, or, without one, always. Where no delay was given, it is that of the policy, or, without one, 1 s.
pub const BACKRUN_RUN_RETRY_AFTER: i32 = 2;
/// The run failed for good: the task is dead whatever its retry policy says. Say why by backrun_task_fail.
pub const BACKRUN_RUN_FATAL: i32 = 3;
/// The run stopped because it was asked to: the task is cancelled, or, where a shutdown asked, interrupted (which the
/// memory store, having nowhere to keep it, then cancels with the reason "the engine was shut down"; with a durable store it
/// runs again after the next start).
pub const BACKRUN_RUN_CANCELLED: i32 = 4;
/// The task goes on elsewhere and holds no worker: backrun_task_settle ends it.
pub const BACKRUN_RUN_PENDING: i32 = 5;

/// Opens the user's connection for a run: called before `run`, on the same thread, if the task has a user context.
///
/// `user_data`: the handler's. `task`, `user_context`: valid for the call only. `task_state`: may receive a pointer for `run`.
/// Returns BACKRUN_RUN_DONE (0), BACKRUN_RUN_FAILED, BACKRUN_RUN_RETRY_AFTER or BACKRUN_RUN_FATAL; another value is FAILED.
/// Unless it returns 0, `run` is not called.
pub type backrun_set_user_connection_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        task: *mut backrun_task,
        user_context: backrun_bytes,
        task_state: *mut *mut c_void,
    ) -> i32,
>;

/// Runs a task. `user_data`: the handler's. `task`, `payload`: valid for the call only. `task_state`: what
/// `set_user_connection` left, now this function's to end; NULL if it was not called.
/// Returns one of BACKRUN_RUN_DONE and its kin; another value is BACKRUN_RUN_FAILED.
pub type backrun_run_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        task: *mut backrun_task,
        payload: backrun_bytes,
        task_state: *mut c_void,
    ) -> i32,
>;

/// Ends a task state that is not NULL where `run` does not follow. Same thread as `set_user_connection`.
pub type backrun_drop_task_state_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, task_state: *mut c_void)>;

/// Tells that cancellation of a running or pending task was asked for. On the observer thread, before any waiting log
/// record or event, never dropped; must return promptly. The run may have ended meanwhile: compare `lease`.
pub type backrun_cancel_requested_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, id: i64, lease: i64)>;

/// Called once, last, when nothing of the engine will use it any more: frees `user_data`. On the thread of whoever lets go
/// last: a worker, the observer thread or that of a shutdown. Must return promptly.
pub type backrun_release_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// What runs tasks of one name. Its callbacks come from many threads at once.
///
/// No callback may let a C++ or other exception out, nor leave by longjmp.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_handler {
    /// sizeof(backrun_handler).
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Passed to every callback. Owned by the engine from a successful backrun_engine_register until `release`.
    pub user_data: *mut c_void,
    /// May be NULL: tasks then run without.
    pub set_user_connection: backrun_set_user_connection_fn,
    /// May not be NULL.
    pub run: backrun_run_fn,
    /// May be NULL if task states need no ending.
    pub drop_task_state: backrun_drop_task_state_fn,
    /// May be NULL: runs then ask backrun_task_is_cancelled.
    pub cancel_requested: backrun_cancel_requested_fn,
    /// May be NULL if `user_data` needs no ending.
    pub release: backrun_release_fn,
}

// SAFETY: integers, pointers and optional functions; no padding.
unsafe impl Versioned for backrun_handler {
    const NAME: &'static str = "backrun_handler";
    const FIRST_SIZE: usize = 56;
}

/// The retry is after a fixed delay.
pub const BACKRUN_RETRY_FIXED: u32 = 1;
/// The delay doubles with each attempt, up to a cap. The default.
pub const BACKRUN_RETRY_EXPONENTIAL: u32 = 2;

/// What follows a failed run. All zero but for `struct_size` is one run, and none after it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_retry_policy {
    /// sizeof(backrun_retry_policy).
    pub struct_size: u32,
    /// Runs in all, the first included, up to 100,000; runs that a shutdown interrupted do not count. 0: 1, which is no retry.
    pub max_attempts: u32,
    /// How the delay grows: BACKRUN_RETRY_FIXED or BACKRUN_RETRY_EXPONENTIAL. 0: exponential.
    pub kind: u32,
    /// Spread of each delay in percent of it, up and down, 1 to 100, so that tasks that failed together are not tried together.
    /// 0: 20; -1: none.
    pub jitter_percent: i32,
    /// Delay before the second attempt in milliseconds, 1 to `max_delay_ms`. 0: 1 s.
    pub delay_ms: i64,
    /// Longest delay in milliseconds, up to a year. 0: 1 h.
    pub max_delay_ms: i64,
}

// SAFETY: integers only; no padding.
unsafe impl Versioned for backrun_retry_policy {
    const NAME: &'static str = "backrun_retry_policy";
    const FIRST_SIZE: usize = 32;
}

impl backrun_retry_policy {
    fn to_policy(self) -> Result<RetryPolicy> {
        let defaults = RetryPolicy::default();
        let attempts = if self.max_attempts == 0 { defaults.attempts } else { self.max_attempts };
        if attempts > MAX_ATTEMPTS {
            return Err(Error::invalid(format_args!(
                "backrun_retry_policy.max_attempts is {attempts}; pass the number of runs in all, from 1 to {MAX_ATTEMPTS}, or 0 for the default"
            )));
        }
        let jitter_percent = match self.jitter_percent {
            0 => defaults.jitter_percent,
            -1 => 0,
            percent => u8::try_from(percent).ok().filter(|percent| *percent <= 100).ok_or_else(|| {
                Error::invalid(format_args!(
                    "backrun_retry_policy.jitter_percent is {percent}; pass 1 to 100, 0 for the default or -1 for none"
                ))
            })?,
        };
        let delay = convert::millis(self.delay_ms, "backrun_retry_policy.delay_ms", MAX_RETRY_DELAY)?;
        let max_delay = convert::millis(self.max_delay_ms, "backrun_retry_policy.max_delay_ms", MAX_RETRY_DELAY)?;
        let (delay, max_delay) = (delay.unwrap_or(defaults.delay), max_delay.unwrap_or(defaults.max_delay));
        if delay > max_delay {
            return Err(Error::invalid(format_args!(
                "backrun_retry_policy.delay_ms comes to {}, more than its max_delay_ms of {}; pass a shorter delay or a longer max_delay_ms (where they are 0 they count as {} and {})",
                delay.as_millis(),
                max_delay.as_millis(),
                defaults.delay.as_millis(),
                defaults.max_delay.as_millis(),
            )));
        }
        let backoff = convert::backoff(self.kind)?.unwrap_or(defaults.backoff);
        Ok(RetryPolicy { attempts, backoff, delay, max_delay, jitter_percent })
    }
}

/// Options of all tasks of one name. All zero but for `struct_size` is every default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_task_options {
    /// sizeof(backrun_task_options).
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// The queue of tasks whose submission names none. Empty: `default`.
    pub queue: backrun_str,
    /// What follows a failed run. NULL: none (the task is dead), but for BACKRUN_RUN_RETRY_AFTER.
    pub retry: *const backrun_retry_policy,
    /// How long each run may take in milliseconds, pending time included; then it is asked to stop, as by a cancel. 0: no limit.
    pub time_limit_ms: i64,
    /// From the time limit on, how long the run has to stop, in milliseconds; then it is given up: it has failed, its outcome will
    /// be refused, and its thread is left to it. 0: 5 s.
    pub grace_ms: i64,
    /// How long a result is kept in milliseconds, at most as long as the status is. 0: 1 h.
    pub result_retention_ms: i64,
}

// SAFETY: integers and pointers; no padding.
unsafe impl Versioned for backrun_task_options {
    const NAME: &'static str = "backrun_task_options";
    const FIRST_SIZE: usize = 56;
}

impl backrun_task_options {
    /// # Safety
    /// Its pointers are valid for the call.
    unsafe fn to_task_options(self) -> Result<TaskOptions> {
        check_flags(self.flags, "backrun_task_options.flags")?;
        let time = |value, field| convert::millis(value, field, MAX_TIME_LIMIT);
        // SAFETY: the caller's contract.
        let queue = unsafe { self.queue.as_optional("backrun_task_options.queue") }?;
        // SAFETY: likewise.
        let retry = unsafe { read_retry(self.retry) }?;
        Ok(TaskOptions {
            queue: queue.map(QueueName::new).transpose()?,
            retry,
            time_limit: time(self.time_limit_ms, "backrun_task_options.time_limit_ms")?,
            grace: time(self.grace_ms, "backrun_task_options.grace_ms")?,
            result_retention: time(self.result_retention_ms, "backrun_task_options.result_retention_ms")?,
        })
    }
}

/// # Safety
/// `retry` is NULL or points to a policy.
pub(super) unsafe fn read_retry(retry: *const backrun_retry_policy) -> Result<Option<RetryPolicy>> {
    if retry.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so a policy, by contract.
    unsafe { read(retry) }?.to_policy().map(Some)
}

pub(super) fn check_flags(flags: u32, field: &str) -> Result<()> {
    if flags == 0 {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{field} is {flags:#x}; no flags are defined, pass 0")))
}

/// Tells the engine what runs tasks of a name.
///
/// `name`: the task name, 1 to 200 bytes of printable UTF-8; borrowed for the call.
/// `handler`: may not be NULL; copied. From BACKRUN_OK on the engine owns `user_data` and releases it once; after an error
/// it is still the caller's and `release` is not called.
/// `options`: NULL gives every default; borrowed for the call.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_ALREADY_REGISTERED, BACKRUN_INVALID_ARGUMENT, BACKRUN_TOO_LARGE (the name), BACKRUN_UNSUPPORTED_FIELD,
/// BACKRUN_NOT_FOUND (no such queue), BACKRUN_SHUTTING_DOWN, BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED,
/// BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_register(
    engine: *mut backrun_engine,
    name: backrun_str,
    handler: *const backrun_handler,
    options: *const backrun_task_options,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_engine(engine, Health::Sound, out_error, |engine| {
            let name = name.as_str("the task name")?;
            let handler = read(handler)?;
            check_flags(handler.flags, "backrun_handler.flags")?;
            let run = handler.run.ok_or_else(|| {
                Error::InvalidArgument("backrun_handler.run is NULL; pass the function that runs the task".into())
            })?;
            let options = if options.is_null() { TaskOptions::default() } else { read(options)?.to_task_options()? };
            engine.register_with(name, options, || CHandler { handler, run })
        })
    }
}

/// A C handler behind the engine's trait. Dropping it is `release`.
struct CHandler {
    handler: backrun_handler,
    run: unsafe extern "C" fn(*mut c_void, *mut backrun_task, backrun_bytes, *mut c_void) -> i32,
}

// SAFETY: the contract of backrun_handler says that its callbacks come from many threads at once.
unsafe impl Send for CHandler {}
// SAFETY: likewise.
unsafe impl Sync for CHandler {}

impl Handler for CHandler {
    fn run(&self, context: &TaskContext<'_>) -> Outcome {
        let mut task = backrun_task::new(context);
        let user_data = self.handler.user_data;
        let mut state: *mut c_void = std::ptr::null_mut();
        if let (Some(set_user_connection), Some(user_context)) =
            (self.handler.set_user_connection, context.user_context())
        {
            let view = backrun_bytes::of(user_context);
            // SAFETY: a registered callback with what its contract promises.
            let code = unsafe { set_user_connection(user_data, &raw mut task, view, &raw mut state) };
            if code != BACKRUN_RUN_DONE {
                self.drop_task_state(state);
                // PENDING and CANCELLED are not this callback's to say.
                let code =
                    if matches!(code, BACKRUN_RUN_RETRY_AFTER | BACKRUN_RUN_FATAL) { code } else { BACKRUN_RUN_FAILED };
                return task.outcome(code);
            }
            if context.is_cancelled() {
                self.drop_task_state(state);
                return Outcome::Cancelled;
            }
        }
        // SAFETY: likewise.
        let code = unsafe { (self.run)(user_data, &raw mut task, backrun_bytes::of(context.payload()), state) };
        task.outcome(code)
    }

    fn cancel_requested(&self, id: TaskId, lease: Lease) {
        if let Some(cancel_requested) = self.handler.cancel_requested {
            // SAFETY: likewise.
            unsafe { cancel_requested(self.handler.user_data, id.value(), lease.value()) };
        }
    }
}

impl CHandler {
    fn drop_task_state(&self, state: *mut c_void) {
        if let (Some(drop_task_state), false) = (self.handler.drop_task_state, state.is_null()) {
            // SAFETY: the state came from this handler's set_user_connection and run will not see it.
            unsafe { drop_task_state(self.handler.user_data, state) };
        }
    }
}

impl Drop for CHandler {
    fn drop(&mut self) {
        if let Some(release) = self.handler.release {
            // SAFETY: once, last: nothing else holds the handler.
            unsafe { release(self.handler.user_data) };
        }
    }
}
