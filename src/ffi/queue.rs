//! Queues: options, pause, resume.

use super::bytes::backrun_str;
use super::convert;
use super::engine::backrun_engine;
use super::panic::{with_engine, Health};
use super::status::backrun_error;
use super::structs::{read, Versioned};
use crate::error::{Error, Result};
use crate::options::{check_name, QueueName, QueueOptions, MAX_QUEUE_NAME_BYTES, MAX_TIME_LIMIT};
use std::time::Duration;

/// A submit to a full queue is refused with BACKRUN_QUEUE_FULL: the caller is never held up. The default.
pub const BACKRUN_WHEN_FULL_REFUSE: u32 = 1;
/// A submit to a full queue waits for room, up to a time limit, then it is refused.
pub const BACKRUN_WHEN_FULL_WAIT: u32 = 2;
/// A submit to a full queue drops the oldest queued task of the lowest level in use, which ends as dropped. Memory store only.
pub const BACKRUN_WHEN_FULL_DROP_OLDEST: u32 = 3;

/// How a queue is made or changed. All zero but for `struct_size` is the default queue with every default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_queue_options {
    /// sizeof(backrun_queue_options).
    pub struct_size: u32,
    /// Workers that normally run for this queue. 0: the engine's `workers`.
    pub workers: u32,
    /// Runs of this queue at one time, stuck and pending ones included: a hard limit. 0: none.
    pub concurrency_limit: u32,
    /// What a submit to the full queue does, unless the submission says: one of BACKRUN_WHEN_FULL_REFUSE and its kin. 0: refuse.
    pub when_full: u32,
    /// 1 to 64 bytes of printable UTF-8. Empty: the queue `default`.
    pub name: backrun_str,
    /// Ready tasks the queue may hold. 0: 1,000,000.
    pub capacity: u64,
    /// Bytes of payload, user context and headers that its ready tasks may hold together. 0: 512 MiB.
    pub capacity_bytes: u64,
    /// How long BACKRUN_WHEN_FULL_WAIT waits, in milliseconds. 0: 30 s; < 0: for ever.
    pub when_full_timeout_ms: i64,
    /// How long a run may keep others waiting before its worker gets a replacement, up to the engine's `max_workers`, in
    /// milliseconds. 0: 100.
    pub stall_threshold_ms: i64,
    /// Ageing: a task waits at most this much longer for each level of priority above its own, in milliseconds. 0: 1 s.
    pub ageing_step_ms: i64,
}

// SAFETY: integers and pointers; no padding (test `no_struct_has_padding`).
unsafe impl Versioned for backrun_queue_options {
    const NAME: &'static str = "backrun_queue_options";
    const FIRST_SIZE: usize = 72;
}

impl backrun_queue_options {
    /// # Safety
    /// Its pointers are valid for the call.
    pub(super) unsafe fn to_queue_options(self) -> Result<(QueueName, QueueOptions)> {
        // SAFETY: the caller's contract.
        let name = unsafe { self.name.as_optional("backrun_queue_options.name") }?;
        let name = name.map_or_else(|| Ok(QueueName::default()), QueueName::new)?;
        let stall_threshold =
            convert::millis(self.stall_threshold_ms, "backrun_queue_options.stall_threshold_ms", MAX_TIME_LIMIT)?;
        if self.ageing_step_ms < 0 {
            return Err(Error::invalid(format_args!(
                "backrun_queue_options.ageing_step_ms is {}; pass 0 for the default or a positive number of milliseconds",
                self.ageing_step_ms
            )));
        }
        let defaults = QueueOptions::default();
        let options = QueueOptions {
            workers: (self.workers != 0).then_some(self.workers),
            concurrency_limit: (self.concurrency_limit != 0).then_some(self.concurrency_limit),
            when_full: convert::when_full(self.when_full, self.when_full_timeout_ms)?.unwrap_or(defaults.when_full),
            capacity: if self.capacity != 0 { self.capacity } else { defaults.capacity },
            capacity_bytes: if self.capacity_bytes != 0 { self.capacity_bytes } else { defaults.capacity_bytes },
            stall_threshold: stall_threshold.unwrap_or(defaults.stall_threshold),
            ageing_step: match self.ageing_step_ms {
                0 => defaults.ageing_step,
                step => Duration::from_millis(step.unsigned_abs()),
            },
        };
        Ok((name, options))
    }
}

/// Adds a queue or changes one.
///
/// `options`: may not be NULL; borrowed for the call. Every field applies anew: a 0 sets the default again. A capacity
/// below what the queue holds lets that drain; fewer workers end as they become idle.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT (also where the workers of all queues exceed `max_workers`), BACKRUN_UNSUPPORTED_FIELD,
/// BACKRUN_NOT_SUPPORTED, BACKRUN_OUT_OF_MEMORY, BACKRUN_SHUTTING_DOWN, BACKRUN_SYSTEM (a thread could not be started; the queue is then as before),
/// BACKRUN_FORKED, BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_configure_queue(
    engine: *mut backrun_engine,
    options: *const backrun_queue_options,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_engine(engine, Health::Sound, out_error, |engine| {
            let (name, options) = read(options)?.to_queue_options()?;
            engine.configure_queue(name.as_str(), options)
        })
    }
}

/// Lets no further task of a queue start; what runs goes on, submits are still taken, what is scheduled becomes ready. A
/// BACKRUN_SHUTDOWN_DRAIN does not wait for what is queued in a paused queue. A queue that is paused already stays so.
///
/// `queue`: its name; empty: `default`. Borrowed for the call.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_NOT_FOUND (no such queue), BACKRUN_INVALID_ARGUMENT, BACKRUN_TOO_LARGE (the name), BACKRUN_SHUTTING_DOWN, BACKRUN_FORKED,
/// BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_pause(
    engine: *mut backrun_engine,
    queue: backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_engine(engine, Health::Sound, out_error, |engine| engine.pause(name_or_default(queue)?)) }
}

/// Ends a pause. A queue that is not paused stays as it is.
///
/// `queue`: its name; empty: `default`. Borrowed for the call.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_NOT_FOUND (no such queue), BACKRUN_INVALID_ARGUMENT, BACKRUN_TOO_LARGE (the name), BACKRUN_SHUTTING_DOWN, BACKRUN_FORKED,
/// BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_resume(
    engine: *mut backrun_engine,
    queue: backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_engine(engine, Health::Sound, out_error, |engine| engine.resume(name_or_default(queue)?)) }
}

/// # Safety
/// It is valid for `'a`.
unsafe fn name_or_default<'a>(queue: backrun_str) -> Result<&'a str> {
    // SAFETY: the caller's contract.
    let name = unsafe { queue.as_optional("queue") }?.unwrap_or(QueueName::DEFAULT);
    check_name("the queue name", name, MAX_QUEUE_NAME_BYTES)?;
    Ok(name)
}
