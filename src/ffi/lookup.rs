//! Asking for tasks and deciding on them: status, wait, payload, cancel, lists, replay, purge.

use super::bytes::{backrun_buffer, backrun_bytes, backrun_str};
use super::convert;
use super::engine::{backrun_engine, time_limit};
use super::handler::check_flags;
use super::panic::{check_out, guard, preset, with_engine, Health};
use super::status::backrun_error;
use super::structs::{read, Versioned};
use crate::alloc::{self, Reserved};
use crate::engine::{CancelResult, TaskFilter};
use crate::error::{Error, Result};
use crate::options::{check_name, MAX_QUEUE_NAME_BYTES};
use crate::task::{State, TaskId, TaskName, TaskStatus};
use std::time::Duration;

/// Waits for its time: a delay, or that between two attempts.
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
    /// At most so many, smallest id first. 0: 1,000 for a list, no limit for a purge.
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
    /// Its pointers are valid for `'a`.
    unsafe fn to_filter<'a>(self, states: &'a mut [State; State::ALL.len()]) -> Result<TaskFilter<'a>> {
        // SAFETY: the caller's contract.
        let (task_name, queue) = unsafe {
            (self.task_name.as_optional("backrun_filter.task_name")?, self.queue.as_optional("backrun_filter.queue")?)
        };
        task_name.map_or(Ok(()), TaskName::check)?;
        queue.map_or(Ok(()), |queue| check_name("the queue name", queue, MAX_QUEUE_NAME_BYTES))?;
        let known: u32 = (BACKRUN_STATE_SCHEDULED..=BACKRUN_STATE_DROPPED).map(|state| 1 << state).sum();
        if self.states & !known != 0 {
            return Err(Error::invalid(format_args!(
                "backrun_filter.states is {:#x}; pass a sum of (1 << state) over BACKRUN_STATE_SCHEDULED and its kin, or 0 for any",
                self.states
            )));
        }
        let final_for = u64::try_from(self.final_for_ms).map(Duration::from_millis).map_err(|_| {
            Error::invalid(format_args!(
                "backrun_filter.final_for_ms is {}; pass a number of milliseconds, or 0 for any",
                self.final_for_ms
            ))
        })?;
        if self.after_id < 0 {
            return Err(Error::invalid(format_args!(
                "backrun_filter.after_id is {}; pass the id of the last task of the page before, or 0 for the first page",
                self.after_id
            )));
        }
        check_flags(self.reserved, "backrun_filter.reserved")?;
        let mut count = 0;
        for state in State::ALL.into_iter().filter(|state| self.states & (1 << convert::state_number(*state)) != 0) {
            states[count] = state;
            count += 1;
        }
        Ok(TaskFilter {
            states: &states[..count],
            task_name,
            queue,
            after: (self.after_id > 0).then(|| TaskId::counted(self.after_id)),
            final_for,
            limit: (self.limit > 0).then_some(self.limit as usize),
        })
    }
}

/// Does something with the filter of a call; NULL is all tasks.
///
/// # Safety
/// `filter` is NULL or points to a filter whose pointers are valid for the call.
unsafe fn with_filter<R>(filter: *const backrun_filter, body: impl FnOnce(&TaskFilter<'_>) -> Result<R>) -> Result<R> {
    if filter.is_null() {
        return body(&TaskFilter::default());
    }
    let mut states = State::ALL;
    // SAFETY: the caller's contract.
    body(&unsafe { read(filter)?.to_filter(&mut states) }?)
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
/// With a durable store it returns when that is stored: what was asked to stop is not begun anew in a later process, but cancelled.
///
/// `reason`: may be empty; kept up to 512 bytes; borrowed for the call.
/// `out_what`: receives what it met, one of BACKRUN_CANCEL_QUEUED and its kin; may be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_OUT_OF_MEMORY (nothing has changed), BACKRUN_STORE (it is cancelled or asked to stop in this process,
/// and stored as soon as that can be), BACKRUN_WOULD_DEADLOCK (from what the store's thread tells), BACKRUN_FORKED, BACKRUN_PANIC. An unknown
/// task is none: see BACKRUN_CANCEL_UNKNOWN.
/// Any thread; a callback may call it, but for those of a durable store's thread (`on_end`, the end of a submit).
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

/// Lists tasks, smallest id first. It looks at one after the other while they go on, so each status is true for a moment of its
/// own. To see more than a list holds, list again with `after_id`, the id of the last one.
///
/// `filter`: NULL is all tasks; borrowed for the call.
/// `out`: receives a list to be freed by backrun_task_list_free; NULL on failure.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_TOO_LARGE (a name), BACKRUN_UNSUPPORTED_FIELD, BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED, BACKRUN_PANIC.
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
        with_engine(engine, Health::Sound, out_error, |engine| {
            check_out(out)?;
            let made = Reserved::new()?;
            let found = with_filter(filter, |filter| engine.list(filter))?;
            let mut tasks = alloc::list(found.len())?;
            tasks.extend(found.into_iter().map(|status| backrun_task_status { status }));
            out.write(Box::into_raw(made.fill(backrun_task_list { tasks })));
            Ok(())
        })
    }
}

/// Makes a dead task ready again, with all that it was submitted with, its attempts counted anew. Its leases go on, so that a word of
/// an old run does not count.
///
/// `id`: that of the task.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors, and then nothing has changed: BACKRUN_NOT_FOUND (no such task, no longer kept, or there was no memory to keep what it is
/// to run), BACKRUN_INVALID_ARGUMENT (not dead, or the thread of its last run, which was given up, has not come back),
/// BACKRUN_QUEUE_FULL, BACKRUN_SHUTTING_DOWN, BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED, BACKRUN_PANIC.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_replay(
    engine: *mut backrun_engine,
    id: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_engine(engine, Health::Sound, out_error, |engine| engine.replay(TaskId::new(id)?)) }
}

/// Forgets tasks in a final state: a look for them then says BACKRUN_NOT_FOUND. Tasks in other states stay, whatever the filter says,
/// and so do those whose run was given up while its thread has not come back.
///
/// `filter`: NULL is all of them; borrowed for the call.
/// `out_count`: receives how many; may be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_TOO_LARGE (a name), BACKRUN_UNSUPPORTED_FIELD, BACKRUN_FORKED, BACKRUN_PANIC.
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
        with_engine(engine, Health::Sound, out_error, |engine| {
            let count = with_filter(filter, |filter| engine.purge(filter))?;
            preset(out_count, count);
            Ok(())
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

/// How far its last run said it is, 0 to 1; -1 if it never said. `status`: NULL gives -1. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_progress(status: *const backrun_task_status) -> f64 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, -1.0, |s| s.progress.unwrap_or(-1.0)) }
}

/// What that run said it is at, borrowed from the snapshot; may be empty. `status`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_progress_text(status: *const backrun_task_status) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_str::EMPTY, |s| backrun_str::of(&s.progress_text)) }
}

/// What it left, borrowed from the snapshot; empty if there is none, because it left none, has not succeeded, or the time for which it
/// is kept (`result_retention_ms`) is over. `status`: NULL gives an empty view. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_result(status: *const backrun_task_status) -> backrun_bytes {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, backrun_bytes::EMPTY, |s| s.result.as_deref().map_or(backrun_bytes::EMPTY, backrun_bytes::of)) }
}

/// When a scheduled task may run, in microseconds since 1970 UTC, as far as that is known now: after a delay the clock on the wall may
/// still be set. 0: it is not scheduled, or waits until the thread of its last run, which was given up, comes back.
///
/// `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_run_at_unix_us(status: *const backrun_task_status) -> i64 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| s.run_at_us) }
}

/// For how long its run has held up what waits behind it, in microseconds; 0: it does not stall.
///
/// `status`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_task_status_stalled_us(status: *const backrun_task_status) -> i64 {
    // SAFETY: NULL or live, by contract.
    unsafe { of(status, 0, |s| s.stalled_us) }
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
