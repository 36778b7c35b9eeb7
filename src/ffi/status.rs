//! Status codes and error objects.

use super::bytes::backrun_str;
use crate::error::Error;

/// It worked.
pub const BACKRUN_OK: i32 = 0;
/// An argument is NULL where it must not be, out of its range, not UTF-8, or at odds with another one.
pub const BACKRUN_INVALID_ARGUMENT: i32 = 1;
/// The program was built against a header of another ABI version than this library's.
pub const BACKRUN_ABI_MISMATCH: i32 = 2;
/// A struct is longer than this library knows and something stands in the part that it does not know.
pub const BACKRUN_UNSUPPORTED_FIELD: i32 = 3;
/// The engine or its store cannot do this (yet); the message names the option.
pub const BACKRUN_NOT_SUPPORTED: i32 = 4;
/// There is no such task, queue or thing, or it is no longer kept.
pub const BACKRUN_NOT_FOUND: i32 = 5;
/// The queue is full: by count or by bytes of payload.
pub const BACKRUN_QUEUE_FULL: i32 = 6;
/// The engine is shutting down or has been shut down: it takes no new work.
pub const BACKRUN_SHUTTING_DOWN: i32 = 7;
/// The time limit of a shutdown passed while tasks were still running; the report names them.
pub const BACKRUN_SHUTDOWN_INCOMPLETE: i32 = 8;
/// A thread of the engine asked to wait for the engine.
pub const BACKRUN_WOULD_DEADLOCK: i32 = 9;
/// The task was claimed anew, settled already or abandoned: this run's word no longer counts.
pub const BACKRUN_STALE_LEASE: i32 = 10;
/// Memory could not be had; nothing was accepted.
pub const BACKRUN_OUT_OF_MEMORY: i32 = 11;
/// The process is a fork of the one that made the engine: its threads do not exist here.
pub const BACKRUN_FORKED: i32 = 12;
/// A bug in Backrun: a panic was caught at the border. The engine then answers only status, shutdown and free.
pub const BACKRUN_PANIC: i32 = 13;
/// A value is larger than its limit; the message names both.
pub const BACKRUN_TOO_LARGE: i32 = 14;
/// A handler of this task name is registered already.
pub const BACKRUN_ALREADY_REGISTERED: i32 = 15;
/// No handler of this task name is registered.
pub const BACKRUN_NO_HANDLER: i32 = 16;
/// The operating system refused something the engine needs, such as a thread.
pub const BACKRUN_SYSTEM: i32 = 17;
/// The store failed; the message tells how.
pub const BACKRUN_STORE: i32 = 18;

/// What went wrong: a code and a message. Owned by whoever received it, freed by backrun_error_free.
pub struct backrun_error {
    code: i32,
    /// Ends with a NUL byte that is not part of the text, so that C can print it.
    message: String,
}

impl backrun_error {
    pub(super) fn into_raw(error: &Error) -> *mut backrun_error {
        let mut message = error.to_string().replace('\0', "\u{fffd}");
        message.push('\0');
        Box::into_raw(Box::new(backrun_error { code: error.code(), message }))
    }
}

/// The code of an error: one of BACKRUN_INVALID_ARGUMENT and those that follow it.
///
/// `error`: NULL gives BACKRUN_OK. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_error_code(error: *const backrun_error) -> i32 {
    // SAFETY: NULL or a live error, by contract.
    unsafe { error.as_ref() }.map_or(BACKRUN_OK, |error| error.code)
}

/// The message of an error, borrowed until it is freed: for people, in English, names the value, the limit and what to do.
///
/// The text is followed by a NUL byte, so that `data` can be printed with `%s`.
/// `error`: NULL gives an empty text (whose `data` is a valid empty string). Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_error_message(error: *const backrun_error) -> backrun_str {
    // SAFETY: NULL or a live error, by contract.
    match unsafe { error.as_ref() } {
        Some(error) => backrun_str { data: error.message.as_ptr().cast(), len: error.message.len() - 1 },
        None => backrun_str { data: c"".as_ptr(), len: 0 },
    }
}

/// Frees an error.
///
/// `error`: NULL does nothing. Once for each error. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_error_free(error: *mut backrun_error) {
    if !error.is_null() {
        // SAFETY: made by Box::into_raw and freed once, by contract.
        drop(unsafe { Box::from_raw(error) });
    }
}
