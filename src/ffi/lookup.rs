//! Asking for tasks and deciding on them: status, wait, payload, cancel, lists, replay, purge.

use super::bytes::{backrun_buffer, backrun_bytes, backrun_str};
use super::convert;
use super::engine::{backrun_engine, time_limit};
use super::panic::{check_out, guard, preset, with_engine, Health};
use super::status::backrun_error;
use super::structs::{read, Versioned};
use crate::alloc::Reserved;
use crate::engine::CancelResult;
use crate::error::{Error, Result};
use crate::options::QueueName;
use crate::task::{TaskId, TaskName, TaskStatus};

/// Waits for its time. Later.
pub const BACKRUN_STATE_SCHEDULED: u32 = 1;
/// Waits for a worker.
pub const BACKRUN_STATE_READY: u32 = 2;
/// A worker runs it.
pub const BACKRUN_STATE_RUNNING: u32 = 3;
/// It runs without a worker, until backrun_task_settle.
pub const BACKRUN_STATE_PENDING: u32 = 4;
/// Done. Final.
pub const BACKRUN_STATE_SUCCEEDED: u32 = 5;
/// Out of attempts, or failed for good. Final, unless replayed.
pub const BACKRUN_STATE_DEAD: u32 = 6;
/// Cancelled before or during its run. Final.
pub const BACKRUN_STATE_CANCELLED: u32 = 7;
/// Dropped from a full queue, as its owner chose. Final. Memory store only.
pub const BACKRUN_STATE_DROPPED: u32 = 8;

/// Cancel met a task that was not running: it is cancelled.
pub const BACKRUN_CANCEL_QUEUED: u32 = 1;
/// Cancel met a running or pending task: it was asked to stop.
pub const BACKRUN_CANCEL_RUNNING: u32 = 2;
/// Cancel met a task in a final state: nothing changed.
pub const BACKRUN_CANCEL_FINAL: u32 = 3;
/// There is no such task, or it is no longer kept.
pub const BACKRUN_CANCEL_UNKNOWN: u32 = 4;

/// What was known of a task at one moment. Freed by backrun_task_status_free; texts and bytes are borrowed from it.
pub struct backrun_task_status {
    pub(super) status: TaskStatus,
}

/// Tasks found by backrun_engine_list. Freed by backrun_task_list_free.
pub struct backrun_task_list {
    tasks: Vec<backrun_task_status>,
}

/// Which tasks. All zero but for `struct_size` is all of them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_filter {
    /// sizeof(backrun_filter).
    pub struct_size: u32,
    /// The sum of (1 << state) over BACKRUN_STATE_SCHEDULED and its kin. 0: any.
    pub states: u32,
    /// Tasks of this name. Empty: any.
    pub task_name: backrun_str,
    /// Tasks of this queue. Empty: any.
    pub queue: backrun_str,
    /// Tasks with a larger id: to page on. 0: from the first.
    pub after_id: i64,
    /// Tasks in a final state for at least so many milliseconds. 0: any.
    pub final_for_ms: i64,
    /// At most so many, smallest id first. 0: 1,000.
    pub limit: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers and pointers; no padding.
unsafe impl Versioned for backrun_filter {
    const NAME: &'static str = "backrun_filter";
    const FIRST_SIZE: usize = 64;
}

impl backrun_filter {
    /// # Safety
    /// Its pointers are valid for the call.
    unsafe fn check(self) -> Result<()> {
        // SAFETY: the caller's contract.
        unsafe {
            self.task_name.as_optional("backrun_filter.task_name")?.map(TaskName::new).transpose()?;
            self.queue.as_optional("backrun_filter.queue")?.map(QueueName::new).transpose()?;
        }
        let known: u32 = (BACKRUN_STATE_SCHEDULED..=BACKRUN_STATE_DROPPED).map(|state| 1 << state).sum();
        if self.states & !known != 0 {
            return Err(Error::invalid(format_args!(
                "backrun_filter.states is {:#x}; pass a sum of (1 << state), or 0 for any",
                self.states
            )));
        }
        if self.after_id < 0 || self.final_for_ms < 0 || self.reserved != 0 {
            return Err(Error::InvalidArgument(
                "backrun_filter.after_id and final_for_ms may not be negative, and reserved must be 0".into(),
            ));
        }
        Ok(())
    }
}

/// Waits until a task is in a final state, or looks at it.
///
/// `timeout_ms`: 0: only looks; < 0: waits for ever. A limit that passes is no error: the snapshot says what the state is.
/// `out`: receives a snapshot to be freed by backrun_task_status_free; NULL on failure.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_NOT_FOUND (no such task, or no longer kept), BACKRUN_WOULD_DEADLOCK (waiting on a thread of this engine),
/// BACKRUN_SHUTDOWN_INCOMPLETE (a shutdown left the task running: its outcome will not be recorded; a look still gives the
/// last that was known),
/// BACKRUN_INVALID_ARGUMENT, BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED, BACKRUN_PANIC (also where the engine panicked while this
/// waited).
/// Any thread; a callback may call it with a limit of 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_wait(
    engine: *mut backrun_engine,
    id: i64,
    timeout_ms: i64,
    out: *mut *mut backrun_task_status,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, std::ptr::null_mut());
        with_engine(engine, Health::Any, out_error, |engine| {
            check_out(out)?;
            let snapshot = Reserved::new()?;
            let status = engine.wait(TaskId::new(id)?, time_limit(timeout_ms))?;
            out.write(Box::into_raw(snapshot.fill(backrun_task_status { status })));
            Ok(())
        })
    }
}

/// A copy of a task's payload, while it waits for a worker. Looks through the queue, so not for every task.
///
/// `out`: receives a buffer to be freed by backrun_buffer_free; NULL on failure.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_NOT_FOUND (no such task, or it does not wait), BACKRUN_INVALID_ARGUMENT, BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED,
/// BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_payload(
    engine: *mut backrun_engine,
    id: i64,
    out: *mut *mut backrun_buffer,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, std::ptr::null_mut());
        with_engine(engine, Health::Sound, out_error, |engine| {
            check_out(out)?;
            let buffer = Reserved::new()?;
            let bytes = engine.payload(TaskId::new(id)?)?;
            out.write(Box::into_raw(buffer.fill(backrun_buffer { bytes })));
            Ok(())
        })
    }
}

/// Cancels a task: a queued one at once; a running or pending one is asked to stop (backrun_task_is_cancelled and
/// `cancel_requested`) and stays what it is until it does.
///
/// `reason`: may be empty; kept up to 512 bytes; borrowed for the call.
/// `out_what`: receives what it met, one of BACKRUN_CANCEL_QUEUED and its kin; may be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_OUT_OF_MEMORY (nothing has changed), BACKRUN_FORKED, BACKRUN_PANIC. An unknown task
/// is none: see BACKRUN_CANCEL_UNKNOWN.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_cancel(
    engine: *mut backrun_engine,
    id: i64,
    reason: backrun_str,
    out_what: *mut u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out_what, 0);
        with_engine(engine, Health::Sound, out_error, |engine| {
            let what = engine.cancel(TaskId::new(id)?, reason.as_str("reason")?)?;
            if !out_what.is_null() {
                out_what.write(match what {
                    CancelResult::Queued => BACKRUN_CANCEL_QUEUED,
                    CancelResult::Running => BACKRUN_CANCEL_RUNNING,
                    CancelResult::AlreadyFinal => BACKRUN_CANCEL_FINAL,
                    CancelResult::Unknown => BACKRUN_CANCEL_UNKNOWN,
                });
            }
            Ok(())
        })
    }
}

/// Lists tasks, smallest id first. Not yet: BACKRUN_NOT_SUPPORTED.
///
/// `filter`: NULL is all tasks; borrowed for the call.
/// `out`: receives a list to be freed by backrun_task_list_free; NULL on failure.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_UNSUPPORTED_FIELD, BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED, BACKRUN_PANIC.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_list(
    engine: *mut backrun_engine,
    filter: *const backrun_filter,
    out: *mut *mut backrun_task_list,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, std::ptr::null_mut());
        with_engine(engine, Health::Sound, out_error, |_| {
            check_out(out)?;
            if !filter.is_null() {
                read(filter)?.check()?;
            }
            Err(Error::not_supported("backrun_engine_list", "this version cannot list tasks yet"))
        })
    }
}

/// Makes a dead task ready again, its attempts counted anew. Not yet: BACKRUN_NOT_SUPPORTED.
///
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_NOT_FOUND, BACKRUN_INVALID_ARGUMENT (not dead), BACKRUN_FORKED, BACKRUN_PANIC.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_replay(
    engine: *mut backrun_engine,
    id: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_engine(engine, Health::Sound, out_error, |_| {
            TaskId::new(id)?;
            Err(Error::not_supported("backrun_engine_replay", "this version cannot replay dead tasks yet"))
        })
    }
}

/// Forgets tasks in a final state. Not yet: BACKRUN_NOT_SUPPORTED.
///
/// `filter`: NULL is all of them; borrowed for the call.
/// `out_count`: receives how many; may be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_UNSUPPORTED_FIELD, BACKRUN_FORKED, BACKRUN_PANIC.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_purge(
    engine: *mut backrun_engine,
    filter: *const backrun_filter,
    out_count: *mut u64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out_count, 0);
        with_engine(engine, Health::Sound, out_error, |_| {
            if !filter.is_null() {
                read(filter)?.check()?;
            }
            Err(Error::not_supported("backrun_engine_purge", "this version cannot purge tasks yet"))
        })
    }
}

/// How many tasks a list has. `list`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_list_count(list: *const backrun_task_list) -> usize {
    // SAFETY: NULL or a live list, by contract.
    unsafe { list.as_ref() }.map_or(0, |list| list.tasks.len())
}

/// A task of a list by its index from 0, borrowed from the list (not to be freed on its own); NULL where there is none.
///
/// `list`: NULL gives NULL. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_list_at(
    list: *const backrun_task_list,
    index: usize,
) -> *const backrun_task_status {
    // SAFETY: NULL or a live list, by contract.
    unsafe { list.as_ref() }.and_then(|list| list.tasks.get(index)).map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Frees a list and what was borrowed from it. `list`: NULL does nothing. Once for each list. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_list_free(list: *mut backrun_task_list) {
    if !list.is_null() {
        // SAFETY: made by Box::into_raw and freed once, by contract.
        drop(unsafe { Box::from_raw(list) });
    }
}

/// # Safety
/// `status` is NULL or live.
unsafe fn of<'a, R>(status: *const backrun_task_status, otherwise: R, read: impl FnOnce(&'a TaskStatus) -> R) -> R {
    // SAFETY: NULL or live, by contract.
    match unsafe { status.as_ref() } {
        Some(status) => guard(otherwise, || read(&status.status)),
        None => otherwise,
    }
}

/// The id of the task. `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_id(status: *const backrun_task_status) -> i64 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| s.id.value()) }
}

/// The state: one of BACKRUN_STATE_SCHEDULED and its kin. `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_state(status: *const backrun_task_status) -> u32 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| convert::state_number(s.state)) }
}

/// Whether the state is a final one: 1 or 0. `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_is_final(status: *const backrun_task_status) -> i32 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| i32::from(s.state.is_final())) }
}

/// Runs begun so far, interrupted ones not counted. `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_attempt(status: *const backrun_task_status) -> u32 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| s.attempt) }
}

/// The lease of its last run; 0 before the first. `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_lease(status: *const backrun_task_status) -> i64 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| s.lease.value()) }
}

/// The task name, borrowed from the snapshot. `status`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_name(status: *const backrun_task_status) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_str::EMPTY, |s| backrun_str::of(&s.task_name)) }
}

/// The queue, borrowed from the snapshot. `status`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_queue(status: *const backrun_task_status) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_str::EMPTY, |s| backrun_str::of(&s.queue)) }
}

/// The priority, -2 (lowest) to 2 (highest). `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_priority(status: *const backrun_task_status) -> i32 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| s.priority.level()) }
}

/// When it was accepted, in microseconds since 1970 UTC. `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_submitted_at(status: *const backrun_task_status) -> i64 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| s.submitted_at_us) }
}

/// When its last run began, in microseconds since 1970 UTC; 0 before the first. `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_started_at(status: *const backrun_task_status) -> i64 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| s.started_at_us) }
}

/// When it came to its final state, in microseconds since 1970 UTC; 0 before. `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_finished_at(status: *const backrun_task_status) -> i64 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| s.finished_at_us) }
}

/// The kind of its last error, borrowed from the snapshot; empty if there was none or it named none.
///
/// `status`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_error_type(status: *const backrun_task_status) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_str::EMPTY, |s| text_of(s, |f| f.error_type())) }
}

/// The message of its last error, borrowed from the snapshot; empty if there was none.
///
/// `status`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_error_message(status: *const backrun_task_status) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_str::EMPTY, |s| text_of(s, |f| f.text())) }
}

/// The detail of its last error, such as a stack trace, borrowed from the snapshot; empty if there was none.
///
/// `status`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_error_detail(status: *const backrun_task_status) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_str::EMPTY, |s| text_of(s, |f| f.detail())) }
}

fn text_of(status: &TaskStatus, part: impl FnOnce(&crate::task::Failure) -> &str) -> backrun_str {
    status.failure.as_ref().map_or(backrun_str::EMPTY, |failure| backrun_str::of(part(failure)))
}

/// Whether its cancellation was asked for: 1 or 0. `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_is_cancel_requested(status: *const backrun_task_status) -> i32 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| i32::from(s.cancel_requested)) }
}

/// Why it was cancelled or asked to stop, borrowed from the snapshot; empty if it was not, or no reason was given.
///
/// `status`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_cancel_reason(status: *const backrun_task_status) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_str::EMPTY, |s| backrun_str::of(&s.cancel_reason)) }
}

/// How far it is, 0 to 1; -1 if it never said. Not yet: always -1. `status`: NULL gives -1. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_progress(status: *const backrun_task_status) -> f64 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, -1.0, |_| -1.0) }
}

/// What it said of its progress, borrowed from the snapshot. Not yet: always empty. `status`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_progress_text(status: *const backrun_task_status) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_str::EMPTY, |_| backrun_str::EMPTY) }
}

/// Its result, borrowed from the snapshot; empty if there is none. Not yet: always empty. `status`: NULL gives an empty view. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_result(status: *const backrun_task_status) -> backrun_bytes {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_bytes::EMPTY, |_| backrun_bytes::EMPTY) }
}

/// Frees a snapshot and what was borrowed from it. `status`: NULL does nothing. Once for each snapshot, and not for one
/// that was borrowed from a list or given to a callback. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_free(status: *mut backrun_task_status) {
    if !status.is_null() {
        // SAFETY: made by Box::into_raw and freed once, by contract.
        drop(unsafe { Box::from_raw(status) });
    }
}
