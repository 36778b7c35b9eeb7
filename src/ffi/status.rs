//! Status codes and error objects.

use super::bytes::backrun_str;
use crate::alloc::{self, Shown, Text};
use crate::error::Error;
use std::fmt::{self, Formatter, Write};

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
/// Memory could not be had; nothing was accepted or changed.
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
/// Bytes are not the MessagePack that they should be, or a value has no form in it; the message names the byte.
pub const BACKRUN_INVALID_PAYLOAD: i32 = 19;

/// What went wrong: a code and a message. Owned by whoever received it, freed by backrun_error_free.
pub struct backrun_error {
    code: i32,
    /// Ends with a NUL byte that is not part of the text, so that C can print it.
    message: Text,
}

/// What is told of an error where there is no memory for its object: an object a code, which is never freed.
fn without_memory() -> &'static [backrun_error] {
    const COUNT: usize = BACKRUN_INVALID_PAYLOAD as usize + 1;
    const ANY: backrun_error =
        backrun_error { code: BACKRUN_OK, message: Text::fixed("there was no memory to say more than the code\0") };
    // Inside, since cbindgen would have it in the header.
    static ALL: [backrun_error; COUNT] = {
        let mut all = [ANY; COUNT];
        let mut code = 0;
        while code < COUNT {
            all[code].code = code as i32;
            code += 1;
        }
        all
    };
    &ALL
}

impl backrun_error {
    pub(super) fn into_raw(error: &Error) -> *mut backrun_error {
        let message = Shown(|f: &mut Formatter<'_>| write!(WithoutNul(f), "{error}"));
        let made = Text::format(format_args!("{message}\0"))
            .and_then(|message| alloc::boxed(backrun_error { code: error.code(), message }));
        match made {
            Ok(error) => Box::into_raw(error),
            Err(_) => {
                let of_its_code = without_memory().get(error.code() as usize).unwrap_or(&without_memory()[0]);
                std::ptr::from_ref(of_its_code).cast_mut()
            }
        }
    }

    fn is_without_memory(error: *const backrun_error) -> bool {
        without_memory().as_ptr_range().contains(&error)
    }
}

/// Writes texts without NUL bytes.
struct WithoutNul<'a, 'b>(&'a mut Formatter<'b>);

impl Write for WithoutNul<'_, '_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        piece.split('\0').enumerate().try_for_each(|(index, piece)| {
            self.0.write_str(if index == 0 { "" } else { "\u{fffd}" })?;
            self.0.write_str(piece)
        })
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
    if !error.is_null() && !backrun_error::is_without_memory(error) {
        // SAFETY: made by Box::into_raw and freed once, by contract.
        drop(unsafe { Box::from_raw(error) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_cannot_be_made_still_has_its_code_and_a_text() {
        for (code, error) in without_memory().iter().enumerate() {
            let error: *const backrun_error = error;
            // SAFETY: live for ever; freeing does nothing to it, however often.
            unsafe {
                assert_eq!(backrun_error_code(error), code as i32);
                let message = backrun_error_message(error);
                assert!(message.as_str("message").unwrap().ends_with("code"));
                assert_eq!(*message.data.add(message.len), 0);
                backrun_error_free(error.cast_mut());
                backrun_error_free(error.cast_mut());
            }
        }
        assert_eq!(
            without_memory().len() as i32 - 1,
            Error::InvalidPayload(Text::default()).code(),
            "the last of the codes"
        );
    }

    #[test]
    fn a_message_has_no_nul_before_its_end() {
        let error = backrun_error::into_raw(&Error::InvalidArgument(Text::fixed("a\0b\0")));
        // SAFETY: a live error, freed once.
        unsafe {
            assert_eq!(backrun_error_message(error).as_str("message").unwrap(), "a\u{fffd}b\u{fffd}");
            backrun_error_free(error);
        }
    }
}
