//! An engine's life: version, options, start, shutdown, abandon, free.

use super::bytes::{backrun_bytes, backrun_str};
use super::convert;
use super::handler::backrun_release_fn;
use super::observer::{backrun_end_fn, backrun_event_fn, backrun_log_fn, Observers};
use super::panic::{check_out, fallible, guard, preset, with_engine, Health};
use super::queue::backrun_queue_options;
use super::status::backrun_error;
use super::structs::{read, read_array, Versioned};
use crate::alloc::{Ensure, Reserved};
use crate::crypto::{Encryption, EncryptionKey, MAX_KEYS};
use crate::engine::{Engine, ShutdownReport};
use crate::error::{Error, Result};
use crate::options::{EngineOptions, QueueOptions};
use std::os::raw::{c_char, c_void};
use std::time::Duration;

/// The version of this ABI. Programs pass it in backrun_engine_options.abi_version.
pub const BACKRUN_ABI_VERSION: u32 = 1;

/// Keep accepted tasks in memory: they end with the process. The default.
pub const BACKRUN_STORE_MEMORY: u32 = 1;
/// Keep accepted tasks in an SQLite file: they outlive the process, however it ends. `store_address` is its path; the file is made if it
/// is not there, in a folder that is, on a local disk. Others lie beside it, whose names begin with its name and that belong to it.
pub const BACKRUN_STORE_SQLITE: u32 = 2;
/// Keep accepted tasks in a PostgreSQL database. Not yet: BACKRUN_NOT_SUPPORTED.
pub const BACKRUN_STORE_POSTGRES: u32 = 3;

/// A submit returns when the task is on disk, past a power cut: it waits for a sync, about 0.1 to 10 ms, which submits at the same time
/// share (backrun_engine_submit_async does not wait). The default of durable stores; the memory store refuses it.
pub const BACKRUN_DURABILITY_COMMITTED: u32 = 1;
/// A submit returns earlier: with a durable store a task outlives the process, however that ends, and the last moments may be lost in
/// a power cut. The default, and only one, of the memory store.
pub const BACKRUN_DURABILITY_BUFFERED: u32 = 2;

/// Run what is queued, wait for what runs; take nothing new.
pub const BACKRUN_SHUTDOWN_DRAIN: u32 = 1;
/// Start nothing more, ask what runs to stop, wait for it; take nothing new.
pub const BACKRUN_SHUTDOWN_CANCEL: u32 = 2;

/// Time passes for the engine only by backrun_engine_advance_time: for tests of what delays, retries and time limits do. Times in
/// a status or an event that tell when something has happened are the system's all the same.
pub const BACKRUN_ENGINE_MANUAL_TIME: u32 = 1;
/// What is not encrypted in the store is refused: backrun_engine_new fails with BACKRUN_STORE where such tasks or results are there.
/// Only with `encryption_keys`.
pub const BACKRUN_ENGINE_ENCRYPTION_REQUIRED: u32 = 2;

/// A key for encryption at rest (AES-256-GCM).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_encryption_key {
    /// sizeof(backrun_encryption_key).
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// 1 to 64 of the letters a to z and A to Z, digits, '-', '_' and '.'. The store keeps it in the clear, with what was
    /// encrypted with the key.
    pub id: backrun_str,
    /// 32 random bytes, as a key store or `openssl rand 32` gives them; not a password. Copied; the copy is wiped from memory at
    /// the engine's end.
    pub secret: backrun_bytes,
}

// SAFETY: integers and pointers; no padding (test `no_struct_has_padding`).
unsafe impl Versioned for backrun_encryption_key {
    const NAME: &'static str = "backrun_encryption_key";
    const FIRST_SIZE: usize = 40;
}

/// A background-task engine: queues, workers, and the tasks in them. Made by backrun_engine_new, ended by backrun_engine_free.
pub struct backrun_engine {
    pub(super) engine: Engine,
}

/// What a shutdown left behind. Made by backrun_engine_shutdown, freed by backrun_shutdown_report_free.
pub struct backrun_shutdown_report {
    pub(super) report: ShutdownReport,
}

/// How an engine is made. All zero but for the first two fields is an engine with every default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_engine_options {
    /// sizeof(backrun_engine_options).
    pub struct_size: u32,
    /// BACKRUN_ABI_VERSION.
    pub abi_version: u32,
    /// Workers of a queue that does not say how many. 0: one a core, at least 2. At most `max_workers`.
    pub workers: u32,
    /// Worker threads of the whole engine at one time, all queues and replacements together. 0: 64. At most 4096.
    pub max_workers: u32,
    /// One of BACKRUN_STORE_MEMORY and its kin. 0: memory.
    pub store: u32,
    /// One of BACKRUN_DURABILITY_COMMITTED and its kin, for submissions that do not say. 0: the store's default.
    pub durability: u32,
    /// Where a durable store is: a file, or a connection string. Empty for the memory store.
    pub store_address: backrun_str,
    /// Stack of each worker in bytes. 0: 8 MiB. From 1.5 MiB to 1 GiB; address space, not memory, until used.
    pub worker_stack_bytes: u64,
    /// Finished tasks (succeeded, cancelled, dropped) whose status is kept, newest first. 0: 10,000; -1: none. Where it is 0
    /// or 10,000 and more, up to 1,000,000 older ones are kept too for a second from their end on, without the reason of a
    /// cancel; a smaller number is exact. A durable store has just the newest ones, in its file.
    pub keep_finished: i64,
    /// Dead tasks whose status is kept, newest first. 0: 10,000; -1: none. A durable store keeps those with
    /// the largest ids, in its file.
    pub keep_dead: i64,
    /// Options of the queue named `default`; its name must be empty or `default`. NULL: every default.
    pub default_queue: *const backrun_queue_options,
    /// Called on the observer thread with log records, or NULL. Must return promptly.
    pub on_log: backrun_log_fn,
    /// Called on the observer thread with events, or NULL. Must return promptly.
    pub on_event: backrun_event_fn,
    /// Passed to `on_log`, `on_event`, `on_end` and `observer_release`; owned by the engine from a successful backrun_engine_new on.
    pub observer_user_data: *mut c_void,
    /// Called once, after the last `on_log`, `on_event`, `on_end`, `cancel_requested` and watch callback: frees
    /// `observer_user_data`. Before backrun_engine_shutdown returns BACKRUN_OK; after backrun_engine_abandon, or where a shutdown
    /// left tasks running, whenever that is. May be NULL.
    pub observer_release: backrun_release_fn,
    /// Events wanted: the sum of (1 << kind) over BACKRUN_EVENT_ACCEPTED and its kin. 0: all.
    /// backrun_engine_set_event_kinds changes it later.
    pub event_kinds: u64,
    /// The least severe log records wanted: one of BACKRUN_LOG_ERROR and its kin. 0: BACKRUN_LOG_INFO.
    pub log_level: u32,
    /// Events and log records together that may wait for the observer thread; more are counted and dropped. 0: 8192.
    pub observer_capacity: u32,
    /// How long to wait for another process to let go of the store, in milliseconds. 0: 30 s; -1: not at all.
    /// With the memory store another value than 0 is BACKRUN_NOT_SUPPORTED.
    pub owner_wait_ms: i64,
    /// Called at the end of each task that backrun_engine_tell_end asked for, on the thread that recorded it, or NULL. Must be
    /// quick: see backrun_end_fn.
    pub on_end: backrun_end_fn,
    /// The sum of BACKRUN_ENGINE_MANUAL_TIME and its kin.
    pub flags: u32,
    /// A task of a durable store that ran at so many unclean ends of a process is dead and not run again, unless it is replayed. 1: nothing
    /// that ran at one is. 0: 3. With the memory store another value than 0 is BACKRUN_NOT_SUPPORTED.
    pub max_crashes: u32,
    /// How long a durable store keeps tasks that have ended, finished and dead ones, where `keep_finished` and `keep_dead` leave
    /// them, in milliseconds, up to 100 years. What is older is forgotten with one of the next commits, which look at a thousand
    /// of a kind once a second; an engine that has nothing to do forgets nothing. 0: however long ago they have ended. With the
    /// memory store another value than 0 is BACKRUN_NOT_SUPPORTED.
    pub keep_for_ms: i64,
    /// The keys that payloads, user contexts and results are encrypted with in a durable store; borrowed for the call. The first
    /// one encrypts, the others only decrypt what was encrypted with them before: a key is replaced by putting its successor
    /// before it. backrun_engine_new fails with BACKRUN_STORE where a key is missing that something is encrypted with, or has
    /// other bytes than under this id before. NULL: nothing is encrypted. With the memory store BACKRUN_NOT_SUPPORTED.
    pub encryption_keys: *const backrun_encryption_key,
    /// How many, up to 64.
    pub encryption_key_count: usize,
}

// SAFETY: integers, pointers and optional functions; no padding (test `no_struct_has_padding`).
unsafe impl Versioned for backrun_engine_options {
    const NAME: &'static str = "backrun_engine_options";
    const FIRST_SIZE: usize = 128;
}

impl backrun_engine_options {
    /// # Safety
    /// Its pointers are valid for the call.
    unsafe fn to_engine_options(self) -> Result<EngineOptions> {
        if self.abi_version != BACKRUN_ABI_VERSION {
            return Err(Error::AbiMismatch { caller: self.abi_version, library: BACKRUN_ABI_VERSION });
        }
        let known = BACKRUN_ENGINE_MANUAL_TIME | BACKRUN_ENGINE_ENCRYPTION_REQUIRED;
        if self.flags & !known != 0 {
            return Err(Error::invalid(format_args!(
                "backrun_engine_options.flags is {:#x}; pass the sum of BACKRUN_ENGINE_MANUAL_TIME and its kin",
                self.flags
            )));
        }
        // SAFETY: valid for the call.
        let address = unsafe { self.store_address.as_optional("backrun_engine_options.store_address") }?;
        // SAFETY: valid for the call.
        let encryption = unsafe { self.to_encryption() }?;
        let mut options = EngineOptions {
            workers: nonzero(self.workers),
            max_workers: nonzero(self.max_workers),
            store: convert::store(self.store, address, self.owner_wait_ms, self.keep_for_ms, encryption)?,
            durability: convert::durability(self.durability)?,
            worker_stack_bytes: nonzero(self.worker_stack_bytes),
            keep_finished: convert::retention(self.keep_finished, "keep_finished")?,
            keep_dead: convert::retention(self.keep_dead, "keep_dead")?,
            observer_capacity: nonzero(self.observer_capacity),
            memory_tasks: None,
            memory_bytes: None,
            max_crashes: nonzero(self.max_crashes),
            event_kinds: self.event_kinds,
            log_level: convert::log_filter(self.log_level)?,
            default_queue: QueueOptions::default(),
            manual_time: self.flags & BACKRUN_ENGINE_MANUAL_TIME != 0,
        };
        if !self.default_queue.is_null() {
            // SAFETY: not NULL, so a struct, by contract.
            let queue = unsafe { read(self.default_queue) }?;
            // SAFETY: valid for the call.
            let (name, queue_options) = unsafe { queue.to_queue_options() }?;
            if !name.is_default() {
                return Err(Error::invalid(format_args!(
                    "backrun_engine_options.default_queue is named '{name}'; leave its name empty, and make other queues by backrun_engine_configure_queue"
                )));
            }
            options.default_queue = queue_options;
        }
        Ok(options)
    }

    /// # Safety
    /// Its pointers are valid for the call.
    unsafe fn to_encryption(self) -> Result<Option<Encryption>> {
        let required = self.flags & BACKRUN_ENGINE_ENCRYPTION_REQUIRED != 0;
        if self.encryption_keys.is_null() && self.encryption_key_count == 0 {
            return match required {
                true => Err(Error::invalid(format_args!(
                    "backrun_engine_options.flags has BACKRUN_ENGINE_ENCRYPTION_REQUIRED, and encryption_keys is NULL; pass a key to encrypt with"
                ))),
                false => Ok(None),
            };
        }
        let mut encryption = Encryption { keys: Vec::new(), required };
        encryption.keys.ensure(self.encryption_key_count.min(MAX_KEYS + 1))?;
        // SAFETY: so many structs, by contract.
        for key in unsafe { read_array(self.encryption_keys, self.encryption_key_count) }?.take(MAX_KEYS + 1) {
            let key = key?;
            if key.reserved != 0 {
                return Err(Error::invalid(format_args!(
                    "backrun_encryption_key.reserved is {}; pass 0",
                    key.reserved
                )));
            }
            // SAFETY: valid for the call.
            let (id, secret) = unsafe {
                (key.id.as_str("backrun_encryption_key.id")?, key.secret.as_slice("backrun_encryption_key.secret")?)
            };
            encryption.keys.push(EncryptionKey::new(id, secret)?);
        }
        Ok(Some(encryption))
    }
}

fn nonzero<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

/// The time limit of a wait: `None` for ever, zero a look.
pub(super) fn time_limit(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

/// The ABI version of this library, to be compared with BACKRUN_ABI_VERSION of the header.
///
/// Any thread; a callback may call it.
#[no_mangle]
pub extern "C" fn backrun_abi_version() -> u32 {
    BACKRUN_ABI_VERSION
}

/// The version of this library, such as "0.1.0": ends with a NUL byte, valid for ever, not to be freed.
///
/// Any thread; a callback may call it.
#[no_mangle]
pub extern "C" fn backrun_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Makes an engine and starts its threads.
///
/// `options`: may not be NULL; borrowed for the call. After an error `observer_user_data` is still the caller's.
/// `out`: receives the engine, which the caller frees by backrun_engine_free; NULL on failure.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_ABI_MISMATCH, BACKRUN_INVALID_ARGUMENT, BACKRUN_UNSUPPORTED_FIELD, BACKRUN_NOT_SUPPORTED (a store or
/// durability that is not to be had), BACKRUN_STORE (the store cannot be opened, or another process has had it for all of
/// `owner_wait_ms`), BACKRUN_OUT_OF_MEMORY, BACKRUN_SYSTEM (a thread could not be started).
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_new(
    options: *const backrun_engine_options,
    out: *mut *mut backrun_engine,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, std::ptr::null_mut());
        fallible(out_error, || {
            check_out(out)?;
            let options = read(options)?;
            let engine_options = options.to_engine_options()?;
            let made = Reserved::new()?;
            let observers = Observers::of(&options)?;
            let engine = Engine::start_observed(engine_options, observers.clone())?;
            observers.own_user_data();
            out.write(Box::into_raw(made.fill(backrun_engine { engine })));
            Ok(())
        })
    }
}

/// Shuts an engine down: takes no new work, ends the old as `mode` says, joins every thread, releases every handler.
///
/// `mode`: BACKRUN_SHUTDOWN_DRAIN or BACKRUN_SHUTDOWN_CANCEL. Tasks that a memory store still has queued at the end are
/// cancelled ("the engine was shut down"), so that whoever waits for them is told. A durable store keeps them for the next start,
/// with those that were asked to stop and did, and with those still running at the time limit.
/// `timeout_ms`: how long to wait; 0: not at all, < 0: for ever.
/// `out`: receives a report to be freed by backrun_shutdown_report_free, also with BACKRUN_SHUTDOWN_INCOMPLETE; may be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// BACKRUN_OK: no callback of this engine runs or will run, each handler was released once.
/// BACKRUN_SHUTDOWN_INCOMPLETE: at the time limit the tasks in the report were still running. Their threads are left to
/// them, their outcomes are refused, and the last run of each handler releases it. Calling it again waits for them again.
/// Others: BACKRUN_INVALID_ARGUMENT, BACKRUN_WOULD_DEADLOCK (from a thread of this engine), BACKRUN_OUT_OF_MEMORY (for the report:
/// nothing has changed; without `out` none is needed), BACKRUN_FORKED, BACKRUN_PANIC.
/// The engine still answers status and statistics until backrun_engine_free. Any thread but the engine's own.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_shutdown(
    engine: *mut backrun_engine,
    mode: u32,
    timeout_ms: i64,
    out: *mut *mut backrun_shutdown_report,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, std::ptr::null_mut());
        with_engine(engine, Health::Any, out_error, |engine| {
            let mode = convert::shutdown_mode(mode)?;
            let place = (!out.is_null()).then(Reserved::new).transpose()?;
            let report = engine.shutdown(mode, time_limit(timeout_ms))?;
            let result = report.to_result();
            if let Some(place) = place {
                out.write(Box::into_raw(place.fill(backrun_shutdown_report { report })));
            }
            result
        })
    }
}

/// Gives an engine up without waiting: for finalizers. After it `engine` is no longer valid.
///
/// As backrun_engine_shutdown with BACKRUN_SHUTDOWN_CANCEL and a time limit of 0, then backrun_engine_free: running
/// callbacks go on and may outlive this call; each handler is released once, by the last thread that uses it.
/// `engine`: NULL does nothing. No other call may be using it. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_abandon(engine: *mut backrun_engine) {
    if engine.is_null() {
        return;
    }
    // SAFETY: made by Box::into_raw and given up once, by contract.
    let owned = unsafe { Box::from_raw(engine) };
    guard((), move || owned.engine.abandon());
}

/// Frees an engine. After it `engine` is no longer valid.
///
/// An engine that was not shut down is shut down as by BACKRUN_SHUTDOWN_CANCEL with 5 s. After a shutdown, complete or
/// not, it never waits. From a thread of this engine it is backrun_engine_abandon. In a fork of the process that made the
/// engine it does nothing (the memory stays until the process ends).
/// `engine`: NULL does nothing. No other call may be using it. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_free(engine: *mut backrun_engine) {
    if engine.is_null() {
        return;
    }
    // SAFETY: made by Box::into_raw and freed once, by contract.
    let owned = unsafe { Box::from_raw(engine) };
    guard((), move || owned.engine.close());
}

/// Lets time pass for an engine that was made with BACKRUN_ENGINE_MANUAL_TIME, by the clock on the wall too, and waits until what is
/// due then has been done: scheduled tasks are ready, runs past their time limit are asked to stop or given up.
///
/// `ms`: how much, in milliseconds; at least 0.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT (also where the engine's time is the system's), BACKRUN_WOULD_DEADLOCK (from a thread of this
/// engine), BACKRUN_FORKED, BACKRUN_PANIC. Any thread but the engine's own.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_advance_time(
    engine: *mut backrun_engine,
    ms: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_engine(engine, Health::Sound, out_error, |engine| {
            let by = u64::try_from(ms).map(Duration::from_millis).map_err(|_| {
                Error::invalid(format_args!(
                    "ms is {ms}; pass 0 or more: time does not go back, only the clock on the wall does (backrun_engine_jump_wall_clock)"
                ))
            })?;
            engine.advance_time(by)
        })
    }
}

/// Has the clock on the wall of an engine that was made with BACKRUN_ENGINE_MANUAL_TIME jump, as when somebody sets it, while no time
/// passes; waits until what is due then has been done. It decides about `run_at_unix_ms`, and about nothing else.
///
/// `ms`: by how many milliseconds; negative: back.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT (the engine's time is the system's), BACKRUN_WOULD_DEADLOCK (from a thread of this engine),
/// BACKRUN_FORKED, BACKRUN_PANIC. Any thread but the engine's own.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_jump_wall_clock(
    engine: *mut backrun_engine,
    ms: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_engine(engine, Health::Sound, out_error, |engine| engine.jump_wall_clock(ms)) }
}

/// How many tasks were still running (or pending) when the shutdown returned.
///
/// `report`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_shutdown_report_running_count(report: *const backrun_shutdown_report) -> usize {
    // SAFETY: NULL or a live report, by contract.
    unsafe { report.as_ref() }.map_or(0, |r| r.report.running_count())
}

/// The id of a task that was still running, by its index from 0; 0 where there is no such index, or was no memory to note it.
///
/// `report`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_shutdown_report_running_id(
    report: *const backrun_shutdown_report,
    index: usize,
) -> i64 {
    // SAFETY: NULL or a live report, by contract.
    unsafe { report.as_ref() }.and_then(|r| r.report.running.get(index)).map_or(0, |left| left.id.value())
}

/// The name of a task that was still running, by its index from 0, borrowed from the report; empty where there is none.
///
/// `report`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_shutdown_report_running_name(
    report: *const backrun_shutdown_report,
    index: usize,
) -> backrun_str {
    // SAFETY: NULL or a live report, by contract.
    unsafe { report.as_ref() }
        .and_then(|r| r.report.running.get(index))
        .map_or(backrun_str::EMPTY, |left| backrun_str::of(&left.task_name))
}

/// How many tasks the shutdown cancelled (memory store), or the store keeps for the next start (durable stores): what had not begun,
/// what was asked to stop and did, and what waits for a handler that nobody has registered.
///
/// `report`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_shutdown_report_queued_count(report: *const backrun_shutdown_report) -> u64 {
    // SAFETY: NULL or a live report, by contract.
    unsafe { report.as_ref() }.map_or(0, |r| r.report.queued)
}

/// Frees a report.
///
/// `report`: NULL does nothing. Once for each report. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_shutdown_report_free(report: *mut backrun_shutdown_report) {
    if !report.is_null() {
        // SAFETY: made by Box::into_raw and freed once, by contract.
        drop(unsafe { Box::from_raw(report) });
    }
}
