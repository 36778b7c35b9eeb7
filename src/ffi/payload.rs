//! Whole payloads: what is said of them, and what they are made into.

use super::bytes::{backrun_buffer, backrun_bytes, backrun_str};
use super::codec::{backrun_codec_settings, settings_of};
use super::panic::{check_out, fallible, preset};
use super::status::backrun_error;
use crate::alloc::{self, Reserved};
use crate::codec::{self, lz4, typeless, Reader, Settings};
use crate::error::Result;
use std::borrow::Cow;

/// Makes a payload into other bytes, which `out` receives in a buffer.
///
/// # Safety
/// `settings` is NULL or points to `struct_size` readable bytes; `out` and `out_error` are NULL or writable.
unsafe fn make(
    settings: *const backrun_codec_settings,
    out: *mut *mut backrun_buffer,
    out_error: *mut *mut backrun_error,
    body: impl FnOnce(&Settings) -> Result<Vec<u8>>,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe {
        preset(out, std::ptr::null_mut());
        fallible(out_error, || {
            check_out(out)?;
            let settings = settings_of(settings)?;
            let buffer = Reserved::new()?;
            let bytes = body(&settings)?;
            out.write(Box::into_raw(buffer.fill(backrun_buffer { bytes })));
            Ok(())
        })
    }
}

/// What is the caller's own already, or a copy.
fn owned(bytes: Cow<'_, [u8]>) -> Result<Vec<u8>> {
    match bytes {
        Cow::Owned(bytes) => Ok(bytes),
        Cow::Borrowed(bytes) => Ok(alloc::copy(bytes)?),
    }
}

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

/// A payload as JSON, for people who look at it: as ConvertToJson of MessagePack-CSharp, which loses something and is no valid JSON for some values.
///
/// `bytes`: one value; borrowed for the call. `settings`: NULL is every default; borrowed for the call. `compression` has it decompressed first.
/// `out`: receives the text as UTF-8, in a buffer to be freed by backrun_buffer_free; NULL on failure.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_PAYLOAD (the message says what is wrong, and at which byte), BACKRUN_INVALID_ARGUMENT, BACKRUN_UNSUPPORTED_FIELD, BACKRUN_OUT_OF_MEMORY,
/// BACKRUN_PANIC. Any thread; a callback may call it. So it is for the functions that follow.
#[no_mangle]
pub unsafe extern "C" fn backrun_payload_to_json(
    bytes: backrun_bytes,
    settings: *const backrun_codec_settings,
    out: *mut *mut backrun_buffer,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        make(settings, out, out_error, |settings| Ok(codec::to_json(bytes.as_slice("bytes")?, settings)?.into_bytes()))
    }
}

/// JSON as a payload: as ConvertFromJson of MessagePack-CSharp. Bytes and times do not come back: they stay text.
///
/// `text`: borrowed for the call. `settings`: as for backrun_payload_to_json; `compression` has the payload compressed.
/// `out`: receives the payload, in a buffer to be freed by backrun_buffer_free; NULL on failure.
#[no_mangle]
pub unsafe extern "C" fn backrun_payload_from_json(
    text: backrun_str,
    settings: *const backrun_codec_settings,
    out: *mut *mut backrun_buffer,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { make(settings, out, out_error, |settings| Ok(codec::from_json(text.as_str("text")?, settings)?)) }
}

/// Compresses a payload as `compression` of the settings says; one of less than 64 bytes stays as it is.
///
/// `bytes`: borrowed for the call. `settings`: as for backrun_payload_to_json.
/// `out`: receives the payload, in a buffer to be freed by backrun_buffer_free; NULL on failure.
#[no_mangle]
pub unsafe extern "C" fn backrun_payload_compress(
    bytes: backrun_bytes,
    settings: *const backrun_codec_settings,
    out: *mut *mut backrun_buffer,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        make(settings, out, out_error, |settings| owned(lz4::compress(bytes.as_slice("bytes")?, settings.compression)?))
    }
}

/// Decompresses a payload, whichever way it was compressed; one that is not stays as it is. Refused is one that would have more than `max_decompressed` bytes, before
/// any memory is asked for.
///
/// `bytes`: borrowed for the call. `settings`: as for backrun_payload_to_json; `compression` is not looked at.
/// `out`: receives the payload, in a buffer to be freed by backrun_buffer_free; NULL on failure.
#[no_mangle]
pub unsafe extern "C" fn backrun_payload_decompress(
    bytes: backrun_bytes,
    settings: *const backrun_codec_settings,
    out: *mut *mut backrun_buffer,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        make(settings, out, out_error, |settings| {
            owned(lz4::decompress(bytes.as_slice("bytes")?, settings.max_decompressed)?)
        })
    }
}

/// The name of the .NET type that a payload names (the typeless form of MessagePack-CSharp), borrowed from its bytes. It is what the bytes say, and nothing that was looked up.
///
/// `bytes`: not compressed. `out`: receives the name; empty where the payload names none.
#[no_mangle]
pub unsafe extern "C" fn backrun_payload_type_name(
    bytes: backrun_bytes,
    out: *mut backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, backrun_str::EMPTY);
        fallible(out_error, || {
            check_out(out)?;
            let mut reader = Reader::new(bytes.as_slice("bytes")?);
            if let Some(name) = typeless::name(&mut reader)? {
                out.write(backrun_str::of(name));
            }
            Ok(())
        })
    }
}
