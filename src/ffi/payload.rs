//! Whole payloads: what is said of them, and what they are made into.

use super::bytes::backrun_bytes;
use super::codec::{backrun_codec_settings, settings_of};
use super::panic::fallible;
use super::status::backrun_error;
use crate::codec;

/// Looks whether bytes are a payload at all: exactly one MessagePack value, whole, no deeper than the settings allow. Whether it is what a task
/// takes only the task can tell.
///
/// `bytes`: borrowed for the call.
/// `settings`: NULL is every default; borrowed for the call.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_PAYLOAD (the message says what is wrong, and at which byte), BACKRUN_INVALID_ARGUMENT, BACKRUN_UNSUPPORTED_FIELD, BACKRUN_OUT_OF_MEMORY,
/// BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_payload_validate(
    bytes: backrun_bytes,
    settings: *const backrun_codec_settings,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { fallible(out_error, || Ok(codec::validate(bytes.as_slice("bytes")?, settings_of(settings)?)?)) }
}
