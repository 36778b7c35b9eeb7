//! Handlers: the callbacks that run tasks of one name.

use super::bytes::{backrun_bytes, backrun_str};
use super::engine::backrun_engine;
use super::panic::{with_engine, Health};
use super::status::backrun_error;
use super::structs::{read, Versioned};
use super::task::backrun_task;
use crate::engine::{Handler, TaskContext};
use crate::error::{Error, Result};
use crate::options::{QueueName, RetryPolicy, TaskOptions};
use crate::task::{Lease, Outcome, TaskId};
use std::os::raw::c_void;

/// The run is done: the task succeeded.
pub const BACKRUN_RUN_DONE: i32 = 0;
/// The run failed; the retry policy decides what follows. Say why by backrun_task_fail.
pub const BACKRUN_RUN_FAILED: i32 = 1;
/// The run failed and wants to be tried again after the delay given by backrun_task_retry_after.
/// Not yet: counts as BACKRUN_RUN_FAILED.
pub const BACKRUN_RUN_RETRY_AFTER: i32 = 2;
/// The run failed for good: the task is dead whatever its retry policy says. Say why by backrun_task_fail.
pub const BACKRUN_RUN_FATAL: i32 = 3;
/// The run stopped because it was asked to: the task is cancelled, or, where a shutdown asked, interrupted (which the
/// memory store, having nowhere to keep it, then cancels with the reason "the engine was shut down").
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
/// The delay doubles with each attempt, up to a cap.
pub const BACKRUN_RETRY_EXPONENTIAL: u32 = 2;

/// What follows a failed run.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_retry_policy {
    /// sizeof(backrun_retry_policy).
    pub struct_size: u32,
    /// Runs in all, the first included. 0: the default, which is 1 in this version. Not yet: more than 1 is BACKRUN_NOT_SUPPORTED.
    pub max_attempts: u32,
    /// BACKRUN_RETRY_FIXED or BACKRUN_RETRY_EXPONENTIAL. 0: the default. Not yet: another value is BACKRUN_NOT_SUPPORTED.
    pub kind: u32,
    /// Spread of the delay in percent of it, 1 to 100. 0: the default; -1: none. Not yet: another value than 0 is BACKRUN_NOT_SUPPORTED.
    pub jitter_percent: i32,
    /// Delay before the second attempt in milliseconds. 0: the default. Not yet: another value is BACKRUN_NOT_SUPPORTED.
    pub delay_ms: i64,
    /// Longest delay in milliseconds. 0: the default. Not yet: another value is BACKRUN_NOT_SUPPORTED.
    pub max_delay_ms: i64,
}

// SAFETY: integers only; no padding.
unsafe impl Versioned for backrun_retry_policy {
    const NAME: &'static str = "backrun_retry_policy";
    const FIRST_SIZE: usize = 32;
}

impl backrun_retry_policy {
    pub(super) fn to_policy(self) -> Result<RetryPolicy> {
        if self.max_attempts > 1 {
            return Err(Error::not_supported("backrun_retry_policy.max_attempts", NO_RETRY_YET));
        }
        let later = [
            ("backrun_retry_policy.kind", self.kind != 0),
            ("backrun_retry_policy.jitter_percent", self.jitter_percent != 0),
            ("backrun_retry_policy.delay_ms", self.delay_ms != 0),
            ("backrun_retry_policy.max_delay_ms", self.max_delay_ms != 0),
        ];
        if let Some((field, _)) = later.iter().find(|(_, given)| *given) {
            return Err(Error::not_supported(field, NO_RETRY_YET));
        }
        Ok(RetryPolicy::default())
    }
}

pub(super) const NO_RETRY_YET: &str = "this version does not retry failed runs yet; leave it 0";
pub(super) const NO_TIME_LIMIT_YET: &str = "this version has no time limits yet; leave it 0";

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
    /// What follows a failed run. NULL: the default.
    pub retry: *const backrun_retry_policy,
    /// How long a run may take in milliseconds. 0: no limit. Not yet: another value is BACKRUN_NOT_SUPPORTED.
    pub time_limit_ms: i64,
    /// From the time limit to "stuck" in milliseconds. 0: the default. Not yet: another value is BACKRUN_NOT_SUPPORTED.
    pub grace_ms: i64,
    /// How long a result is kept in milliseconds. 0: the default. Not yet: another value is BACKRUN_NOT_SUPPORTED.
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
        let later = [
            ("backrun_task_options.time_limit_ms", self.time_limit_ms, NO_TIME_LIMIT_YET),
            ("backrun_task_options.grace_ms", self.grace_ms, NO_TIME_LIMIT_YET),
            ("backrun_task_options.result_retention_ms", self.result_retention_ms, NO_RESULT_YET),
        ];
        if let Some((field, _, why)) = later.iter().find(|(_, value, _)| *value != 0) {
            return Err(Error::not_supported(field, why));
        }
        // SAFETY: the caller's contract.
        let queue = unsafe { self.queue.as_optional("backrun_task_options.queue") }?;
        // SAFETY: likewise.
        let retry = unsafe { read_retry(self.retry) }?;
        Ok(TaskOptions { queue: queue.map(QueueName::new).transpose()?, retry, ..TaskOptions::default() })
    }
}

pub(super) const NO_RESULT_YET: &str = "this version does not keep results yet; leave it 0";

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
/// BACKRUN_NOT_SUPPORTED, BACKRUN_NOT_FOUND (no such queue), BACKRUN_SHUTTING_DOWN, BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED,
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
