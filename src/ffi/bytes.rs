//! Bytes and texts at the border: borrowed views in both directions, and the one owned type.

use crate::error::{Error, Result};
use std::os::raw::c_char;

/// Bytes that somebody else owns, valid for the length of the call (or as long as the function that returned them says).
///
/// `(NULL, 0)` is empty. NULL with a length other than 0 is BACKRUN_INVALID_ARGUMENT. Two words, frozen for ever.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_bytes {
    /// First byte; may be NULL if `len` is 0.
    pub data: *const u8,
    /// Length in bytes.
    pub len: usize,
}

/// A text that somebody else owns: UTF-8, not ended by NUL unless the function that returned it says so.
///
/// `(NULL, 0)` is empty. Text that is not UTF-8 is BACKRUN_INVALID_ARGUMENT. Two words, frozen for ever.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_str {
    /// First byte; may be NULL if `len` is 0.
    pub data: *const c_char,
    /// Length in bytes.
    pub len: usize,
}

/// Bytes that the caller owns: freed by backrun_buffer_free.
pub struct backrun_buffer {
    pub(super) bytes: Vec<u8>,
}

impl backrun_bytes {
    pub(super) const EMPTY: Self = Self { data: std::ptr::null(), len: 0 };

    pub(super) fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::EMPTY;
        }
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// # Safety
    /// `data` points to `len` readable bytes that stay unchanged for `'a`.
    pub(super) unsafe fn as_slice<'a>(self, what: &str) -> Result<&'a [u8]> {
        if self.len == 0 {
            return Ok(&[]);
        }
        if self.data.is_null() || self.len > isize::MAX as usize {
            return Err(wrong_view(self.len, what));
        }
        // SAFETY: not NULL, at most isize::MAX long (checked), and readable by the caller's contract.
        Ok(unsafe { std::slice::from_raw_parts(self.data, self.len) })
    }
}

impl backrun_str {
    pub(super) const EMPTY: Self = Self { data: std::ptr::null(), len: 0 };

    pub(super) fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self::EMPTY;
        }
        Self { data: text.as_ptr().cast(), len: text.len() }
    }

    /// # Safety
    /// `data` points to `len` readable bytes that stay unchanged for `'a`.
    pub(super) unsafe fn as_str<'a>(self, what: &str) -> Result<&'a str> {
        let bytes = backrun_bytes { data: self.data.cast(), len: self.len };
        // SAFETY: the same contract.
        let bytes = unsafe { bytes.as_slice(what)? };
        std::str::from_utf8(bytes).map_err(|e| {
            Error::invalid(format_args!(
                "{what} is not UTF-8: the byte at offset {} cannot stand there; pass UTF-8 text",
                e.valid_up_to()
            ))
        })
    }

    /// As [`Self::as_str`], where an empty text means "not given".
    ///
    /// # Safety
    /// As [`Self::as_str`].
    pub(super) unsafe fn as_optional<'a>(self, what: &str) -> Result<Option<&'a str>> {
        if self.len == 0 {
            return Ok(None);
        }
        // SAFETY: the same contract.
        unsafe { self.as_str(what) }.map(Some)
    }
}

#[cold]
fn wrong_view(len: usize, what: &str) -> Error {
    if len > isize::MAX as usize {
        return Error::invalid(format_args!(
            "{what} has a length of {len} bytes, which no object in memory can have; was a negative number converted?"
        ));
    }
    Error::invalid(format_args!("{what} is NULL with a length of {len}; pass the data, or a length of 0 for none"))
}

/// The bytes of a buffer, borrowed until it is freed.
///
/// `buffer`: NULL gives an empty view. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_buffer_bytes(buffer: *const backrun_buffer) -> backrun_bytes {
    // SAFETY: NULL or a live buffer, by contract.
    match unsafe { buffer.as_ref() } {
        Some(buffer) => backrun_bytes::of(&buffer.bytes),
        None => backrun_bytes::EMPTY,
    }
}

/// Frees a buffer.
///
/// `buffer`: NULL does nothing. Once for each buffer. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_buffer_free(buffer: *mut backrun_buffer) {
    if !buffer.is_null() {
        // SAFETY: made by Box::into_raw and freed once, by contract.
        drop(unsafe { Box::from_raw(buffer) });
    }
}
