//! The C functions, as a C program calls them.

use super::{Counted, Driver, Look, Report, Step, When};
use crate::common::folder::Folder;
use crate::world::{Answer, Cancelled, Counts, End, Phase, Policy, GRACE_MS, MAX_WORKERS, STALL_MS};
use backrun::ffi::bytes::{backrun_bytes, backrun_str};
use backrun::ffi::engine::*;
use backrun::ffi::handler::*;
use backrun::ffi::lookup::*;
use backrun::ffi::queue::*;
use backrun::ffi::stats::*;
use backrun::ffi::status::*;
use backrun::ffi::submit::*;
use backrun::ffi::task::*;
use backrun::store::durable::StoredTask;
use backrun::ShutdownMode;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

pub struct C(*mut backrun_engine);

// SAFETY: any thread may call the functions of an engine.
unsafe impl Send for C {}
// SAFETY: likewise.
unsafe impl Sync for C {}

/// A struct of the ABI whose every field is its default.
fn empty<T>() -> T {
    // SAFETY: all structs of the ABI are integers, pointers and optional functions: zero is their default.
    let mut value: T = unsafe { std::mem::zeroed() };
    // SAFETY: each begins with its size.
    unsafe { (&raw mut value).cast::<u32>().write(size_of::<T>() as u32) };
    value
}

fn text(text: &'static str) -> backrun_str {
    backrun_str { data: text.as_ptr().cast(), len: text.len() }
}

/// Calls a function, and says what is wrong where its code is not one of those that are expected.
fn call(expected: &[i32], function: impl FnOnce(*mut *mut backrun_error) -> i32) -> i32 {
    let mut error = null_mut();
    let code = function(&mut error);
    if !expected.contains(&code) {
        // SAFETY: an error, or NULL.
        let message = unsafe { backrun_error_message(error) };
        // SAFETY: borrowed from the error, which lives.
        let bytes = unsafe { std::slice::from_raw_parts(message.data.cast::<u8>(), message.len) };
        panic!("code {code}: {}", String::from_utf8_lossy(bytes));
    }
    // SAFETY: an error of ours, or NULL.
    unsafe { backrun_error_free(error) };
    code
}

fn ok(function: impl FnOnce(*mut *mut backrun_error) -> i32) {
    call(&[BACKRUN_OK], function);
}

fn answer(code: i32) -> Answer {
    match code {
        BACKRUN_OK => Answer::Ok,
        BACKRUN_STALE_LEASE => Answer::StaleLease,
        BACKRUN_NOT_FOUND => Answer::NotFound,
        BACKRUN_SHUTTING_DOWN => Answer::ShuttingDown,
        _ => Answer::Invalid,
    }
}

fn code_of(end: End) -> i32 {
    match end {
        End::Done => BACKRUN_RUN_DONE,
        End::Failed => BACKRUN_RUN_FAILED,
        End::RetryAfter(_) => BACKRUN_RUN_RETRY_AFTER,
        End::Fatal => BACKRUN_RUN_FATAL,
        End::Cancelled => BACKRUN_RUN_CANCELLED,
        End::Pending => BACKRUN_RUN_PENDING,
    }
}

unsafe extern "C" fn run_step(
    user_data: *mut c_void,
    task: *mut backrun_task,
    _: backrun_bytes,
    _: *mut c_void,
) -> i32 {
    // SAFETY: a `Step` that lives until `release`; the task is valid during the call.
    let end = unsafe {
        let does = &*user_data.cast::<Step>();
        let (id, lease, attempt) = (backrun_task_id(task), backrun_task_lease(task), backrun_task_attempt(task));
        does.run(id, lease, i64::from(attempt))
    };
    if let End::RetryAfter(ms) = end {
        // SAFETY: likewise.
        ok(|error| unsafe { backrun_task_retry_after(task, ms as i64, error) });
    }
    code_of(end)
}

unsafe extern "C" fn release(user_data: *mut c_void) {
    // SAFETY: made by Box::into_raw, and called once.
    drop(unsafe { Box::from_raw(user_data.cast::<Step>()) });
}

impl C {
    pub fn new(workers: u32, does: Step) -> Self {
        let queue = backrun_queue_options { stall_threshold_ms: STALL_MS as i64, ..empty() };
        let options = backrun_engine_options {
            abi_version: BACKRUN_ABI_VERSION,
            workers,
            max_workers: MAX_WORKERS,
            keep_finished: 1_000_000,
            keep_dead: 1_000_000,
            default_queue: &queue,
            flags: BACKRUN_ENGINE_MANUAL_TIME,
            ..empty()
        };
        let mut engine = null_mut();
        // SAFETY: all pointers are valid for the calls; the handler's user data until its release.
        unsafe {
            ok(|error| backrun_engine_new(&options, &mut engine, error));
            let handler = backrun_handler {
                user_data: Box::into_raw(Box::new(does)).cast(),
                run: Some(run_step),
                release: Some(release),
                ..empty()
            };
            let options = backrun_task_options { grace_ms: GRACE_MS as i64, ..empty() };
            ok(|error| backrun_engine_register(engine, text("step"), &handler, &options, error));
        }
        Self(engine)
    }

    /// A look at a task, while it is valid.
    fn with_status<R>(&self, id: i64, read: impl FnOnce(*const backrun_task_status) -> R) -> Option<R> {
        let mut status = null_mut();
        let expected = [BACKRUN_OK, BACKRUN_NOT_FOUND];
        // SAFETY: a live engine.
        let code = call(&expected, |error| unsafe { backrun_engine_wait(self.0, id, 0, &mut status, error) });
        if code != BACKRUN_OK {
            return None;
        }
        let read = read(status);
        // SAFETY: ours, and once.
        unsafe { backrun_task_status_free(status) };
        Some(read)
    }
}

impl Drop for C {
    fn drop(&mut self) {
        // SAFETY: ours, and once.
        unsafe { backrun_engine_free(self.0) };
    }
}

impl Driver for C {
    fn submit(&self, when: When, policy: Option<Policy>, limit_ms: Option<u64>) -> Result<i64, Answer> {
        let mut submission = backrun_submission {
            task_name: text("step"),
            payload: backrun_bytes { data: b"payload".as_ptr(), len: 7 },
            time_limit_ms: limit_ms.unwrap_or(0) as i64,
            ..empty()
        };
        match when {
            When::Now => {}
            When::AfterMs(ms) => submission.delay_ms = ms as i64,
            When::AtUnixMs(ms) => submission.run_at_unix_ms = ms as i64,
        }
        let retry = policy.map(|policy| backrun_retry_policy {
            max_attempts: policy.attempts,
            kind: BACKRUN_RETRY_FIXED,
            jitter_percent: -1,
            delay_ms: policy.delay_ms as i64,
            ..empty()
        });
        submission.retry = retry.as_ref().map_or(null(), |retry| retry);
        let mut id = 0;
        // SAFETY: all pointers are valid for the call.
        let code = call(&[BACKRUN_OK, BACKRUN_SHUTTING_DOWN], |error| unsafe {
            backrun_engine_submit(self.0, &submission, &mut id, error)
        });
        if code == BACKRUN_OK {
            Ok(id)
        } else {
            Err(answer(code))
        }
    }

    fn cancel(&self, id: i64) -> Cancelled {
        let mut what = 0;
        // SAFETY: likewise.
        ok(|error| unsafe { backrun_engine_cancel(self.0, id, text("the history"), &mut what, error) });
        match what {
            BACKRUN_CANCEL_QUEUED => Cancelled::Queued,
            BACKRUN_CANCEL_RUNNING => Cancelled::Running,
            BACKRUN_CANCEL_FINAL => Cancelled::AlreadyFinal,
            _ => Cancelled::Unknown,
        }
    }

    fn settle(&self, id: i64, lease: i64, end: End) -> Answer {
        let retry_after_ms = if let End::RetryAfter(ms) = end { ms as i64 } else { 0 };
        let outcome = backrun_outcome { code: code_of(end), retry_after_ms, ..empty() };
        let expected = [BACKRUN_OK, BACKRUN_STALE_LEASE, BACKRUN_NOT_FOUND];
        // SAFETY: likewise.
        answer(call(&expected, |error| unsafe { backrun_task_settle(self.0, id, lease, &outcome, error) }))
    }

    fn replay(&self, id: i64) -> Answer {
        let expected = [BACKRUN_OK, BACKRUN_INVALID_ARGUMENT, BACKRUN_NOT_FOUND, BACKRUN_SHUTTING_DOWN];
        // SAFETY: likewise.
        answer(call(&expected, |error| unsafe { backrun_engine_replay(self.0, id, error) }))
    }

    fn purge(&self, after: i64, limit: u32) -> u64 {
        let filter = backrun_filter { after_id: after, limit, ..empty() };
        let mut count = 0;
        // SAFETY: likewise.
        ok(|error| unsafe { backrun_engine_purge(self.0, &filter, &mut count, error) });
        count
    }

    fn advance(&self, ms: u64) {
        // SAFETY: likewise.
        ok(|error| unsafe { backrun_engine_advance_time(self.0, ms as i64, error) });
    }

    fn jump(&self, ms: i64) {
        // SAFETY: likewise.
        ok(|error| unsafe { backrun_engine_jump_wall_clock(self.0, ms, error) });
    }

    fn pause(&self, pause: bool) -> Answer {
        // SAFETY: likewise.
        let code = call(&[BACKRUN_OK, BACKRUN_SHUTTING_DOWN], |error| unsafe {
            if pause {
                backrun_engine_pause(self.0, text("default"), error)
            } else {
                backrun_engine_resume(self.0, text("default"), error)
            }
        });
        answer(code)
    }

    fn look(&self, id: i64) -> Option<Look> {
        // SAFETY: the status is valid in the call.
        self.with_status(id, |status| unsafe {
            let phase = match backrun_task_status_state(status) {
                BACKRUN_STATE_SCHEDULED => Phase::Scheduled,
                BACKRUN_STATE_READY => Phase::Ready,
                BACKRUN_STATE_RUNNING => Phase::Running,
                BACKRUN_STATE_PENDING => Phase::Pending,
                BACKRUN_STATE_SUCCEEDED => Phase::Succeeded,
                BACKRUN_STATE_DEAD => Phase::Dead,
                BACKRUN_STATE_CANCELLED => Phase::Cancelled,
                other => panic!("task {id} is in state {other}"),
            };
            Look {
                phase,
                lease: backrun_task_status_lease(status),
                attempt: i64::from(backrun_task_status_attempt(status)),
                run_at_us: backrun_task_status_run_at_unix_us(status),
                asked: backrun_task_status_is_cancel_requested(status) != 0,
            }
        })
    }

    fn counted(&self) -> Counted {
        let mut stats = null_mut();
        // SAFETY: likewise; the snapshot is freed once.
        unsafe {
            ok(|error| backrun_engine_stats(self.0, &mut stats, error));
            let value = |which| {
                let mut value = 0;
                ok(|error| backrun_stats_value(stats, which, &mut value, error));
                value
            };
            let counts = Counts {
                accepted: value(BACKRUN_STAT_ACCEPTED),
                refused: value(BACKRUN_STAT_REFUSED),
                started: value(BACKRUN_STAT_STARTED),
                succeeded: value(BACKRUN_STAT_SUCCEEDED),
                runs_failed: value(BACKRUN_STAT_RUNS_FAILED),
                retried: value(BACKRUN_STAT_RETRIED),
                dead: value(BACKRUN_STAT_DEAD),
                cancelled: value(BACKRUN_STAT_CANCELLED),
                stale_settles: value(BACKRUN_STAT_STALE_SETTLES),
                stalls: value(BACKRUN_STAT_STALLS),
                interrupted: value(BACKRUN_STAT_INTERRUPTED),
                abandoned: value(BACKRUN_STAT_ABANDONED),
            };
            let now = [
                BACKRUN_STAT_SCHEDULED,
                BACKRUN_STAT_READY,
                BACKRUN_STAT_RUNNING,
                BACKRUN_STAT_PENDING,
                BACKRUN_STAT_STALLED,
            ];
            let now = now.map(value);
            backrun_stats_free(stats);
            (counts, now)
        }
    }

    fn left_by_a_kill(&self) -> Option<(Folder, Vec<StoredTask>)> {
        None
    }

    fn shut_down(&self, mode: ShutdownMode, limit_ms: Option<u64>) -> Report {
        let mode = match mode {
            ShutdownMode::Drain => BACKRUN_SHUTDOWN_DRAIN,
            ShutdownMode::Cancel => BACKRUN_SHUTDOWN_CANCEL,
        };
        let limit_ms = limit_ms.map_or(-1, |ms| ms as i64);
        let mut report = null_mut();
        let expected = [BACKRUN_OK, BACKRUN_SHUTDOWN_INCOMPLETE];
        // SAFETY: likewise; the report is freed once.
        unsafe {
            let code = call(&expected, |error| backrun_engine_shutdown(self.0, mode, limit_ms, &mut report, error));
            let count = backrun_shutdown_report_running_count(report);
            let running = (0..count).map(|index| backrun_shutdown_report_running_id(report, index)).collect();
            let queued = backrun_shutdown_report_queued_count(report);
            backrun_shutdown_report_free(report);
            Report { complete: code == BACKRUN_OK, running, queued }
        }
    }
}
