//! What surrounds every export: no panic crosses, and an engine that panicked, was forked or is NULL says so.

use super::engine::backrun_engine;
use super::status::{backrun_error, BACKRUN_OK};
use crate::engine::Engine;
use crate::error::{Error, Result};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Runs `body`; a panic becomes `on_panic`.
pub(super) fn guard<R>(on_panic: R, body: impl FnOnce() -> R) -> R {
    // AssertUnwindSafe: what a panic may have left half done belongs to an engine, and that one is poisoned.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(on_panic)
}

/// Runs a fallible body and turns its outcome into a status code and, where asked for, an error object.
///
/// # Safety
/// `out_error` is NULL or writable.
pub(super) unsafe fn fallible(out_error: *mut *mut backrun_error, body: impl FnOnce() -> Result<()>) -> i32 {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(Error::from_panic(&*panic)));
    // SAFETY: the caller's contract.
    unsafe { report(out_error, result) }
}

/// What an operation needs of the engine's health.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Only an engine that has not panicked: everything but status, shutdown and free.
    Sound,
    /// Also one that has: status and shutdown.
    Any,
}

/// [`fallible`] for a function of an engine: NULL, a fork and a poisoned engine are answered here, and a panic poisons it.
///
/// # Safety
/// `engine` is NULL or live; `out_error` is NULL or writable.
pub(super) unsafe fn with_engine(
    engine: *mut backrun_engine,
    needs: Health,
    out_error: *mut *mut backrun_error,
    body: impl FnOnce(&Engine) -> Result<()>,
) -> i32 {
    // SAFETY: NULL or live, by contract.
    let Some(engine) = (unsafe { engine.as_ref() }) else {
        let error = Error::InvalidArgument("engine is NULL; pass one made by backrun_engine_new".into());
        // SAFETY: the caller's contract.
        return unsafe { report(out_error, Err(error)) };
    };
    // The outcome is reported where it came about, so that it need not be carried.
    let done = catch_unwind(AssertUnwindSafe(|| {
        let result = engine.engine.check_process().and_then(|()| {
            if needs == Health::Sound {
                engine.engine.check_sound()?;
            }
            body(&engine.engine)
        });
        // SAFETY: the caller's contract.
        unsafe { report(out_error, result) }
    }));
    done.unwrap_or_else(|panic| {
        let error = Error::from_panic(&*panic);
        engine.engine.poison(&error);
        // SAFETY: the caller's contract.
        unsafe { report(out_error, Err(error)) }
    })
}

/// # Safety
/// `out_error` is NULL or writable.
unsafe fn report(out_error: *mut *mut backrun_error, result: Result<()>) -> i32 {
    let Err(error) = result else {
        // NULL is written on success, so that a caller may free it unconditionally.
        // SAFETY: the caller's contract.
        unsafe { preset(out_error, std::ptr::null_mut()) };
        return BACKRUN_OK;
    };
    // SAFETY: likewise.
    unsafe { report_error(out_error, &error) }
}

/// # Safety
/// `out_error` is NULL or writable.
#[cold]
unsafe fn report_error(out_error: *mut *mut backrun_error, error: &Error) -> i32 {
    if !out_error.is_null() {
        let object = guard(std::ptr::null_mut(), || backrun_error::into_raw(error));
        // SAFETY: writable, by contract.
        unsafe { out_error.write(object) };
    }
    error.code()
}

/// Gives an out parameter the value that it keeps if the call fails, whatever it fails of: before anything else.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn preset<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: writable, by contract.
        unsafe { out.write(value) };
    }
}

/// Refuses an out parameter that may not be NULL.
pub(super) fn check_out<T>(out: *mut T) -> Result<()> {
    if out.is_null() {
        return Err(Error::InvalidArgument("out is NULL; pass the address of a variable to receive the answer".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::status::{backrun_error_code, backrun_error_free, backrun_error_message, BACKRUN_PANIC};

    #[test]
    fn a_panic_becomes_a_status_code_with_its_message() {
        let mut error = std::ptr::null_mut();
        // SAFETY: a real out pointer; the error is freed once.
        unsafe {
            let code = fallible(&mut error, || panic!("the roof fell in"));
            assert_eq!(code, BACKRUN_PANIC);
            assert_eq!(backrun_error_code(error), BACKRUN_PANIC);
            let message = backrun_error_message(error).as_str("message").unwrap();
            assert!(message.contains("the roof fell in"), "{message}");
            backrun_error_free(error);
        }
        assert_eq!(guard(7, || panic!("again")), 7);
    }
}
