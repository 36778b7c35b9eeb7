//! What a callback may ask and say of the task it runs, and the settling of pending runs.

use super::bytes::{backrun_bytes, backrun_str};
use super::convert;
use super::engine::backrun_engine;
use super::handler::{
    BACKRUN_RUN_CANCELLED, BACKRUN_RUN_DONE, BACKRUN_RUN_FAILED, BACKRUN_RUN_FATAL, BACKRUN_RUN_PENDING,
    BACKRUN_RUN_RETRY_AFTER,
};
use super::panic::{fallible, guard, with_engine, Health};
use super::status::backrun_error;
use super::structs::{read, Versioned};
use crate::alloc::Text;
use crate::engine::TaskContext;
use crate::error::{Error, Result};
use crate::options::MAX_DELAY;
use crate::sync::Mutex;
use crate::task::{Failure, Lease, Outcome, TaskId};
use std::time::Duration;

/// A task during one callback of its run. Valid during that callback only; its functions may be called from any thread
/// while the callback lasts.
pub struct backrun_task {
    // A raw pointer, since the type crosses the border without a lifetime; `new` borrows the context for the whole call.
    context: *const TaskContext<'static>,
    said: Mutex<Option<Said>>,
}

/// What a callback has said of the outcome that it will return. Most say nothing.
#[derive(Default)]
struct Said {
    failure: Option<Failure>,
    retry_after: Option<Duration>,
}

impl backrun_task {
    pub(super) fn new(context: &TaskContext<'_>) -> Self {
        Self { context: std::ptr::from_ref(context).cast(), said: Mutex::new(None) }
    }

    fn context(&self) -> &TaskContext<'_> {
        // SAFETY: a backrun_task lives inside CHandler::run, which borrows the context for longer.
        unsafe { &*self.context }
    }

    fn say(&self, say: impl FnOnce(&mut Said)) {
        say(self.said.lock().get_or_insert_default());
    }

    /// What a callback's return code and what it said of it come to.
    pub(super) fn outcome(&self, code: i32) -> Outcome {
        // Most runs are done and have said nothing.
        if code == BACKRUN_RUN_DONE {
            return Outcome::Done;
        }
        let Said { failure, retry_after } = self.said.lock().take().unwrap_or_default();
        outcome_of(code, failure, retry_after)
    }
}

/// The outcome that a return code of `run` stands for, PENDING included.
fn outcome_of(code: i32, said: Option<Failure>, retry_after: Option<Duration>) -> Outcome {
    let failure = || said.clone().unwrap_or(Failure::fixed("the handler gave no reason (backrun_task_fail)"));
    match code {
        BACKRUN_RUN_DONE => Outcome::Done,
        BACKRUN_RUN_FAILED => Outcome::Failed(failure()),
        BACKRUN_RUN_RETRY_AFTER => Outcome::RetryAfter(failure(), retry_after),
        BACKRUN_RUN_FATAL => Outcome::Fatal(failure()),
        BACKRUN_RUN_CANCELLED => Outcome::Cancelled,
        BACKRUN_RUN_PENDING => Outcome::Pending,
        unknown => Outcome::Failed(said.unwrap_or_else(|| {
            Failure::message(Text::say(format_args!(
                "the handler returned {unknown}, which is none of BACKRUN_RUN_DONE and its kin"
            )))
        })),
    }
}

/// Why a run failed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_failure {
    /// sizeof(backrun_failure).
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// The kind of error, such as an exception's type name. May be empty. Kept up to 512 bytes.
    pub error_type: backrun_str,
    /// One sentence for people. Kept up to 4 KiB.
    pub message: backrun_str,
    /// More, such as a stack trace. May be empty. Kept up to 32 KiB.
    pub detail: backrun_str,
}

// SAFETY: integers and pointers; no padding.
unsafe impl Versioned for backrun_failure {
    const NAME: &'static str = "backrun_failure";
    const FIRST_SIZE: usize = 56;
}

impl backrun_failure {
    /// # Safety
    /// Its pointers are valid for the call.
    unsafe fn to_failure(self) -> Result<Failure> {
        if self.reserved != 0 {
            return Err(Error::invalid(format_args!("backrun_failure.reserved is {}; pass 0", self.reserved)));
        }
        // SAFETY: the caller's contract.
        unsafe {
            Failure::try_new(
                self.error_type.as_str("backrun_failure.error_type")?,
                self.message.as_str("backrun_failure.message")?,
                self.detail.as_str("backrun_failure.detail")?,
            )
        }
    }
}

/// How a pending run ended.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_outcome {
    /// sizeof(backrun_outcome).
    pub struct_size: u32,
    /// One of BACKRUN_RUN_DONE and its kin, but not BACKRUN_RUN_PENDING.
    pub code: i32,
    /// Why it failed, or NULL.
    pub failure: *const backrun_failure,
    /// When the next run may begin, in milliseconds from now, 1 and more; only with BACKRUN_RUN_RETRY_AFTER. 0: as the retry policy
    /// says, or, without one, 1 s.
    pub retry_after_ms: i64,
    /// The task's result, up to 4 MiB; only with BACKRUN_RUN_DONE. Takes the place of what backrun_task_set_result left, unless it is
    /// empty.
    pub result: backrun_bytes,
}

// SAFETY: integers and pointers; no padding.
unsafe impl Versioned for backrun_outcome {
    const NAME: &'static str = "backrun_outcome";
    const FIRST_SIZE: usize = 40;
}

impl backrun_outcome {
    /// # Safety
    /// Its pointers are valid for the call.
    unsafe fn to_outcome<'a>(self) -> Result<(Outcome, &'a [u8])> {
        if !(BACKRUN_RUN_DONE..BACKRUN_RUN_PENDING).contains(&self.code) {
            return Err(Error::invalid(format_args!(
                "backrun_outcome.code is {}; pass BACKRUN_RUN_DONE, _FAILED, _RETRY_AFTER, _FATAL or _CANCELLED",
                self.code
            )));
        }
        let retry_after = convert::millis(self.retry_after_ms, "backrun_outcome.retry_after_ms", MAX_DELAY)?;
        if retry_after.is_some() && self.code != BACKRUN_RUN_RETRY_AFTER {
            return Err(Error::invalid(format_args!(
                "backrun_outcome.retry_after_ms is {} and code is {}; leave it 0, or pass the code BACKRUN_RUN_RETRY_AFTER",
                self.retry_after_ms, self.code
            )));
        }
        // SAFETY: valid for the call.
        let result = unsafe { self.result.as_slice("backrun_outcome.result") }?;
        if !result.is_empty() && self.code != BACKRUN_RUN_DONE {
            return Err(Error::invalid(format_args!(
                "backrun_outcome.result has {} bytes and code is {}; only a run that is done (BACKRUN_RUN_DONE) leaves a result",
                result.len(),
                self.code
            )));
        }
        let failure = if self.failure.is_null() {
            None
        } else {
            // SAFETY: not NULL, so a failure, by contract.
            Some(unsafe { read(self.failure)?.to_failure() }?)
        };
        Ok((outcome_of(self.code, failure, retry_after), result))
    }
}

/// Reads through a task pointer; NULL gives `otherwise`.
///
/// # Safety
/// `task` is NULL or valid.
unsafe fn of<'a, R>(task: *const backrun_task, otherwise: R, read: impl FnOnce(&'a backrun_task) -> R) -> R {
    // SAFETY: NULL or valid, by contract.
    match unsafe { task.as_ref() } {
        Some(task) => guard(otherwise, || read(task)),
        None => otherwise,
    }
}

/// [`fallible`] for a function that says something of a task.
///
/// # Safety
/// `task` is NULL or valid; `out_error` is NULL or writable.
unsafe fn on<'a>(
    task: *mut backrun_task,
    out_error: *mut *mut backrun_error,
    body: impl FnOnce(&'a backrun_task) -> Result<()>,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe {
        fallible(out_error, || {
            body(task.as_ref().ok_or_else(|| {
                Error::InvalidArgument("task is NULL; pass the one that the callback was given".into())
            })?)
        })
    }
}

/// The id of the task. `task`: NULL gives 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_id(task: *const backrun_task) -> i64 {
    // SAFETY: NULL or valid, by contract.
    unsafe { of(task, 0, |t| t.context().id().value()) }
}

/// The number of this attempt: 1 for the first run; an interrupted run does not count. `task`: NULL gives 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_attempt(task: *const backrun_task) -> u32 {
    // SAFETY: NULL or valid, by contract.
    unsafe { of(task, 0, |t| t.context().attempt()) }
}

/// The lease of this run: a number that grows with each claim of this task, 1 for the first. `task`: NULL gives 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_lease(task: *const backrun_task) -> i64 {
    // SAFETY: NULL or valid, by contract.
    unsafe { of(task, 0, |t| t.context().lease().value()) }
}

/// The name of the task, borrowed for the callback. `task`: NULL gives an empty text.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_name(task: *const backrun_task) -> backrun_str {
    // SAFETY: NULL or valid, by contract.
    unsafe { of(task, backrun_str::EMPTY, |t| backrun_str::of(t.context().task_name())) }
}

/// The queue that the task runs in, borrowed for the callback. `task`: NULL gives an empty text.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_queue(task: *const backrun_task) -> backrun_str {
    // SAFETY: NULL or valid, by contract.
    unsafe { of(task, backrun_str::EMPTY, |t| backrun_str::of(t.context().queue())) }
}

/// The priority of the task, -2 (lowest) to 2 (highest). `task`: NULL gives 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_priority(task: *const backrun_task) -> i32 {
    // SAFETY: NULL or valid, by contract.
    unsafe { of(task, 0, |t| t.context().priority().level()) }
}

/// The format of the payload: one of BACKRUN_FORMAT_CONTRACTLESS and its kin. `task`: NULL gives 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_payload_format(task: *const backrun_task) -> u32 {
    // SAFETY: NULL or valid, by contract.
    unsafe { of(task, 0, |t| convert::payload_format_number(t.context().payload_format())) }
}

/// Whether cancellation of this run was asked for (by backrun_engine_cancel or a shutdown): 1 or 0. Costs one load, so a
/// loop may ask often. `task`: NULL gives 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_is_cancelled(task: *const backrun_task) -> i32 {
    // SAFETY: NULL or valid, by contract.
    unsafe { of(task, 0, |t| i32::from(t.context().is_cancelled())) }
}

/// The value of a header, borrowed for the callback; `(NULL, 0)` if the task has none of that name.
///
/// `task`: NULL gives an empty text. `name`: borrowed for the call.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_header(task: *const backrun_task, name: backrun_str) -> backrun_str {
    // SAFETY: NULL or valid, by contract.
    unsafe {
        of(task, backrun_str::EMPTY, |t| {
            let Ok(name) = name.as_str("name") else {
                return backrun_str::EMPTY;
            };
            t.context().header(name).map_or(backrun_str::EMPTY, present)
        })
    }
}

/// How many headers the task has. `task`: NULL gives 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_header_count(task: *const backrun_task) -> usize {
    // SAFETY: NULL or valid, by contract.
    unsafe { of(task, 0, |t| t.context().headers().count()) }
}

/// The name of a header by its index from 0, borrowed for the callback; empty where there is none.
///
/// `task`: NULL gives an empty text.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_header_name(task: *const backrun_task, index: usize) -> backrun_str {
    // SAFETY: NULL or valid, by contract.
    unsafe {
        of(task, backrun_str::EMPTY, |t| {
            t.context().headers().nth(index).map_or(backrun_str::EMPTY, |(name, _)| backrun_str::of(name))
        })
    }
}

/// An empty text that is there: its `data` is not NULL.
fn present(text: &str) -> backrun_str {
    backrun_str { data: text.as_ptr().cast(), len: text.len() }
}

/// Tells how far the run is; it is in the task's status until the next call.
///
/// `fraction`: 0 to 1. `text`: what it is at; may be empty; kept up to 512 bytes; borrowed for the call.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_STALE_LEASE (the run was given up or abandoned), BACKRUN_OUT_OF_MEMORY, BACKRUN_PANIC.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_set_progress(
    task: *mut backrun_task,
    fraction: f64,
    text: backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { on(task, out_error, |task| task.context().set_progress(fraction, text.as_str("text")?)) }
}

/// Leaves the result of the task, kept if the run succeeds, for the time that the task's options say (`result_retention_ms`). The
/// last call counts.
///
/// `result`: copied; up to 4 MiB.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_TOO_LARGE, BACKRUN_STALE_LEASE (the run was settled, given up or abandoned),
/// BACKRUN_OUT_OF_MEMORY, BACKRUN_PANIC.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_set_result(
    task: *mut backrun_task,
    result: backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { on(task, out_error, |task| task.context().set_result(result.as_slice("result")?)) }
}

/// Says why the run fails; the callback then returns BACKRUN_RUN_FAILED or BACKRUN_RUN_FATAL. The last call counts.
///
/// `message`: one sentence for people; copied, kept up to 4 KiB.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_OUT_OF_MEMORY (the last call before this one counts).
#[no_mangle]
pub unsafe extern "C" fn backrun_task_fail(
    task: *mut backrun_task,
    message: backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        on(task, out_error, |task| {
            let failure = Failure::try_new("", message.as_str("message")?, "")?;
            task.say(|said| said.failure = Some(failure));
            Ok(())
        })
    }
}

/// backrun_task_fail with the kind of error and more detail.
///
/// `failure`: may not be NULL; copied.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_UNSUPPORTED_FIELD, BACKRUN_OUT_OF_MEMORY (the last call before this one counts).
#[no_mangle]
pub unsafe extern "C" fn backrun_task_fail_with(
    task: *mut backrun_task,
    failure: *const backrun_failure,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        on(task, out_error, |task| {
            let failure = read(failure)?.to_failure()?;
            task.say(|said| said.failure = Some(failure));
            Ok(())
        })
    }
}

/// Says when the run wants to be tried again; the callback then returns BACKRUN_RUN_RETRY_AFTER. The last call counts. Without it, the
/// delay is that of the retry policy, or, without one, 1 s.
///
/// `delay_ms`: from the end of the run, in milliseconds; 0 (at once) to a hundred years.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
/// Errors: BACKRUN_INVALID_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_retry_after(
    task: *mut backrun_task,
    delay_ms: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        on(task, out_error, |task| {
            let delay = u64::try_from(delay_ms).map(Duration::from_millis).ok().filter(|delay| *delay <= MAX_DELAY);
            let delay = delay.ok_or_else(|| {
                Error::invalid(format_args!(
                    "delay_ms is {delay_ms}; pass 0 (at once) to {} milliseconds",
                    MAX_DELAY.as_millis()
                ))
            })?;
            task.say(|said| said.retry_after = Some(delay));
            Ok(())
        })
    }
}

/// Ends a pending run, from any thread; legal even before its `run` has returned BACKRUN_RUN_PENDING. Once.
///
/// `id`, `lease`: those of the run. `outcome`: may not be NULL; copied.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_STALE_LEASE (settled already, claimed anew, or abandoned by a shutdown), BACKRUN_NOT_FOUND (no such
/// task), BACKRUN_INVALID_ARGUMENT, BACKRUN_TOO_LARGE (the result), BACKRUN_UNSUPPORTED_FIELD, BACKRUN_OUT_OF_MEMORY (nothing has changed: it
/// can be settled again), BACKRUN_FORKED, BACKRUN_PANIC.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_settle(
    engine: *mut backrun_engine,
    id: i64,
    lease: i64,
    outcome: *const backrun_outcome,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_engine(engine, Health::Sound, out_error, |engine| {
            let (id, lease) = (TaskId::new(id)?, Lease::new(lease));
            match read(outcome)?.to_outcome()? {
                (outcome, []) => engine.settle(id, lease, outcome),
                (_, result) => engine.settle_with_result(id, lease, result),
            }
        })
    }
}

/// backrun_task_set_progress for a run that is known by id and lease, such as a pending one.
///
/// `id`, `lease`: those of the run. `fraction`: 0 to 1. `text`: what it is at; may be empty; kept up to 512 bytes; borrowed for the call.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
/// Errors: BACKRUN_STALE_LEASE (it has ended, was given up or abandoned), BACKRUN_NOT_FOUND (no such task), BACKRUN_INVALID_ARGUMENT,
/// BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED, BACKRUN_PANIC.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_set_progress(
    engine: *mut backrun_engine,
    id: i64,
    lease: i64,
    fraction: f64,
    text: backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_engine(engine, Health::Sound, out_error, |engine| {
            engine.set_progress(TaskId::new(id)?, Lease::new(lease), fraction, text.as_str("text")?)
        })
    }
}
