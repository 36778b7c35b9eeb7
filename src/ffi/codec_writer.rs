//! Building a payload, value by value.

use super::bytes::{backrun_buffer, backrun_bytes, backrun_str};
use super::codec::{backrun_codec_settings, settings_of, values_of, Had, Open, OpenKind, Sticks};
use super::panic::{check_out, fallible, preset};
use super::status::backrun_error;
use crate::alloc::{Ensure, Reserved};
use crate::codec::typeless::{self, Begun};
use crate::codec::{self, Writer};
use crate::error::{Error, Result};
use std::mem;

/// Writes one MessagePack value, as MessagePack-CSharp would: a payload, an element of one, a result. Made by backrun_writer_new, freed by
/// backrun_writer_free.
///
/// Every function that writes appends one value, or the beginning of an array, a map or a typed value whose values follow it. The first error
/// sticks: from then on every call, backrun_writer_bytes and backrun_writer_take included, gives it again and nothing is
/// written, until backrun_writer_clear. So a program need look at the outcome of the last call only.
///
/// What holds for all of its functions but _new, _free and _clear: `writer` NULL is BACKRUN_INVALID_ARGUMENT. `out_error` receives an error to be freed by
/// backrun_error_free, or NULL; may be NULL. What is passed is borrowed for the call. Errors: BACKRUN_INVALID_ARGUMENT (an argument, or a value
/// where none is due), BACKRUN_INVALID_PAYLOAD (no MessagePack form), BACKRUN_OUT_OF_MEMORY, BACKRUN_PANIC.
/// Any thread, one at a time for one writer; a callback may call them.
pub struct backrun_writer {
    writer: Writer,
    /// What was begun and not ended.
    open: Vec<Open>,
    /// The one value is there.
    is_complete: bool,
    failed: Option<Error>,
}

impl Sticks for backrun_writer {
    fn failed(&mut self) -> &mut Option<Error> {
        &mut self.failed
    }
}

impl backrun_writer {
    /// Appends one value.
    fn value(&mut self, write: impl FnOnce(&mut Writer) -> Result<()>) -> Result<()> {
        self.sticking(|this| {
            this.check_due()?;
            write(&mut this.writer)?;
            this.count();
            Ok(())
        })
    }

    /// Appends the header of an array or a map, whose values follow.
    fn begin(
        &mut self,
        write: impl FnOnce(&mut Writer) -> codec::Result<Option<Begun>>,
        open: impl FnOnce(usize) -> Open,
    ) -> Result<()> {
        self.sticking(|this| {
            this.check_due()?;
            this.open.ensure(1)?;
            let at = this.writer.bytes().len();
            let begun = write(&mut this.writer)?;
            this.open.push(Open { begun, ..open(at) });
            Ok(())
        })
    }

    fn end(&mut self) -> Result<()> {
        self.sticking(|this| {
            let Some(open) = this.open.last() else {
                return Err(Error::InvalidArgument("no array and no map was begun that could be ended".into()));
            };
            if open.due > 0 {
                return Err(Error::invalid(format_args!(
                    "{open} has {}, and was ended; write what is missing, or begin it with a smaller count",
                    Had(open)
                )));
            }
            if let Some(begun) = open.begun {
                typeless::end(&mut this.writer, begun)?;
            }
            this.open.pop();
            this.count();
            Ok(())
        })
    }

    /// Whether a value may stand here.
    fn check_due(&self) -> Result<()> {
        match self.open.last() {
            Some(open) if open.kind == OpenKind::Typed && open.count == 0 => Err(Error::invalid(format_args!(
                "{open} is a plain object, which has its name alone; end it by backrun_writer_end before the next value"
            ))),
            Some(open) if open.kind == OpenKind::Typed && open.due == 0 => Err(Error::invalid(format_args!(
                "{open} has its value; end it by backrun_writer_end before the next one"
            ))),
            Some(open) if open.due == 0 => Err(Error::invalid(format_args!(
                "{open} has all of them; end it by backrun_writer_end before the next value, or begin it with a larger count"
            ))),
            None if self.is_complete => Err(Error::invalid(format_args!(
                "the value that the writer holds is complete with its {} bytes, and another one does not fit; write an array of both, or clear the writer",
                self.writer.bytes().len()
            ))),
            _ => Ok(()),
        }
    }

    /// A value of the innermost container is complete.
    fn count(&mut self) {
        match self.open.last_mut() {
            Some(open) => open.due -= 1,
            None => self.is_complete = true,
        }
    }

    /// The bytes, if the one value is complete.
    fn finished(&mut self) -> Result<()> {
        self.sticking(|this| match this.open.last() {
            Some(open) if open.due > 0 => Err(Error::invalid(format_args!(
                "{open} has {} and no end; write what is missing, then backrun_writer_end",
                Had(open)
            ))),
            Some(open) => Err(Error::invalid(format_args!("{open} is whole and has no end; call backrun_writer_end"))),
            None if !this.is_complete => {
                Err(Error::InvalidArgument("nothing was written; a payload is one value, and nil is one too".into()))
            }
            None => Ok(()),
        })
    }
}

/// # Safety
/// `writer` is NULL or live and used by nobody else; `out_error` is NULL or writable.
unsafe fn with_writer(
    writer: *mut backrun_writer,
    out_error: *mut *mut backrun_error,
    body: impl FnOnce(&mut backrun_writer) -> Result<()>,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe {
        fallible(out_error, || match writer.as_mut() {
            Some(writer) => body(writer),
            None => Err(Error::InvalidArgument("writer is NULL; pass one made by backrun_writer_new".into())),
        })
    }
}

/// [`with_writer`] for one value.
///
/// # Safety
/// As [`with_writer`].
pub(super) unsafe fn with_value(
    writer: *mut backrun_writer,
    out_error: *mut *mut backrun_error,
    write: impl FnOnce(&mut Writer) -> Result<()>,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe { with_writer(writer, out_error, |writer| writer.value(write)) }
}

/// Makes a writer.
///
/// `settings`: NULL is every default; borrowed for the call.
/// `out`: receives a writer to be freed by backrun_writer_free; NULL on failure.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_UNSUPPORTED_FIELD, BACKRUN_OUT_OF_MEMORY, BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_new(
    settings: *const backrun_codec_settings,
    out: *mut *mut backrun_writer,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, std::ptr::null_mut());
        fallible(out_error, || {
            check_out(out)?;
            let made = Reserved::new()?;
            let writer = Writer::with_settings(settings_of(settings)?);
            let writer = backrun_writer { writer, open: Vec::new(), is_complete: false, failed: None };
            out.write(Box::into_raw(made.fill(writer)));
            Ok(())
        })
    }
}

/// Frees a writer and what was borrowed from it.
///
/// `writer`: NULL does nothing. Once for each writer. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_free(writer: *mut backrun_writer) {
    if !writer.is_null() {
        // SAFETY: made by Box::into_raw and freed once, by contract.
        drop(unsafe { Box::from_raw(writer) });
    }
}

/// Makes a writer as it was when it was new, but for its memory, which it keeps: its error is forgotten too. What was borrowed from it
/// is gone.
///
/// `writer`: NULL does nothing. Any thread, one at a time for one writer; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_clear(writer: *mut backrun_writer) {
    // SAFETY: NULL or live, by contract.
    if let Some(writer) = unsafe { writer.as_mut() } {
        writer.writer.truncate(0);
        writer.open.clear();
        writer.is_complete = false;
        writer.failed = None;
    }
}

/// What was written, if it is one whole value.
///
/// `out`: receives the bytes, borrowed from the writer until it is next called with; empty on failure.
///
/// Errors: those of backrun_writer, the first that there was; BACKRUN_INVALID_ARGUMENT where an array or a map misses values or its end (the message
/// names it), or nothing was written.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_bytes(
    writer: *mut backrun_writer,
    out: *mut backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, backrun_bytes::EMPTY);
        with_writer(writer, out_error, |writer| {
            check_out(out)?;
            writer.finished()?;
            out.write(backrun_bytes::of(writer.writer.bytes()));
            Ok(())
        })
    }
}

/// As backrun_writer_bytes, but takes what was written out of the writer, which is then as new.
///
/// `out`: receives a buffer to be freed by backrun_buffer_free; NULL on failure.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_take(
    writer: *mut backrun_writer,
    out: *mut *mut backrun_buffer,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, std::ptr::null_mut());
        with_writer(writer, out_error, |writer| {
            check_out(out)?;
            writer.finished()?;
            let buffer = Reserved::new()?;
            let empty = Writer::with_settings(*writer.writer.settings());
            let bytes = mem::replace(&mut writer.writer, empty).into_bytes();
            writer.is_complete = false;
            out.write(Box::into_raw(buffer.fill(backrun_buffer { bytes })));
            Ok(())
        })
    }
}

/// Begins an array of `count` values, which follow; then backrun_writer_end. See backrun_writer.
///
/// `count`: below 2^32.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_begin_array(
    writer: *mut backrun_writer,
    count: usize,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_writer(writer, out_error, |writer| {
            writer.begin(|writer| writer.array_header(count).map(|()| None), |at| Open::array(at, count))
        })
    }
}

/// Begins a map of `count` keys, which follow, each with its value after it; then backrun_writer_end. See backrun_writer.
///
/// `count`: below 2^32.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_begin_map(
    writer: *mut backrun_writer,
    count: usize,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_writer(writer, out_error, |writer| {
            writer.begin(|writer| writer.map_header(count).map(|()| None), |at| Open::map(at, count))
        })
    }
}

/// Begins a typed value, which names its .NET type (the typeless form of MessagePack-CSharp): one value follows (none, where the type is
/// System.Object: a plain `object`); then backrun_writer_end. See backrun_writer.
///
/// `type_name`: as Type.AssemblyQualifiedName gives it; `Company.Parcel, Company.Parcels` does, without version, culture and key. Not looked at.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_begin_typed(
    writer: *mut backrun_writer,
    type_name: backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_writer(writer, out_error, |writer| {
            let type_name = type_name.as_str("type_name")?;
            writer.begin(
                |writer| typeless::begin(writer, type_name).map(Some),
                |at| Open::typed(at, values_of(type_name)),
            )
        })
    }
}

/// Ends the array, the map or the typed value that was begun last and is not ended. See backrun_writer.
///
/// Errors: BACKRUN_INVALID_ARGUMENT where it has not as many values as it was begun with; the message names it.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_end(writer: *mut backrun_writer, out_error: *mut *mut backrun_error) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_writer(writer, out_error, backrun_writer::end) }
}

/// Writes nil: C#'s null. See backrun_writer.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_nil(writer: *mut backrun_writer, out_error: *mut *mut backrun_error) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.nil()?)) }
}

/// Writes a truth value: 0 is false, all else is true. See backrun_writer.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_bool(
    writer: *mut backrun_writer,
    value: i32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.bool(value != 0)?)) }
}

/// Writes an integer in its shortest form: any integer type of C#, an enum, a char. See backrun_writer.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_int(
    writer: *mut backrun_writer,
    value: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.int(value)?)) }
}

/// As backrun_writer_int, for what is too large for it.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_uint(
    writer: *mut backrun_writer,
    value: u64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.uint(value)?)) }
}

fn no_such_width(bits: u32) -> Error {
    Error::invalid(format_args!("bits is {bits}; pass 8, 16, 32 or 64: the width of the C# type"))
}

/// Writes a signed integer at the full width of its C# type, which is how it stands in a slot of type `object` and keeps its type there:
/// sbyte, short, int, long. See backrun_writer.
///
/// `bits`: 8, 16, 32 or 64.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_full_int(
    writer: *mut backrun_writer,
    value: i64,
    bits: u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    let too_large =
        |_| Error::invalid(format_args!("value is {value}, which does not fit into {bits} bits with a sign"));
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_value(writer, out_error, |writer| {
            match bits {
                8 => writer.full_i8(value.try_into().map_err(too_large)?),
                16 => writer.full_i16(value.try_into().map_err(too_large)?),
                32 => writer.full_i32(value.try_into().map_err(too_large)?),
                64 => writer.full_i64(value),
                _ => return Err(no_such_width(bits)),
            }?;
            Ok(())
        })
    }
}

/// As backrun_writer_full_int, without a sign: byte, ushort, uint, ulong.
///
/// `bits`: 8, 16, 32 or 64.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_full_uint(
    writer: *mut backrun_writer,
    value: u64,
    bits: u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    let too_large = |_| Error::invalid(format_args!("value is {value}, which does not fit into {bits} bits"));
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_value(writer, out_error, |writer| {
            match bits {
                8 => writer.full_u8(value.try_into().map_err(too_large)?),
                16 => writer.full_u16(value.try_into().map_err(too_large)?),
                32 => writer.full_u32(value.try_into().map_err(too_large)?),
                64 => writer.full_u64(value),
                _ => return Err(no_such_width(bits)),
            }?;
            Ok(())
        })
    }
}

/// Writes a float of C#, bit for bit. See backrun_writer.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_f32(
    writer: *mut backrun_writer,
    value: f32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.f32(value)?)) }
}

/// Writes a double of C#, bit for bit. See backrun_writer.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_f64(
    writer: *mut backrun_writer,
    value: f64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.f64(value)?)) }
}

/// Writes text: a string of C#, a Uri, a Version. See backrun_writer.
///
/// `text`: UTF-8. Empty is an empty text; null is backrun_writer_nil.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_str(
    writer: *mut backrun_writer,
    text: backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.str(text.as_str("text")?)?)) }
}

/// Writes text from UTF-16 units, as .NET holds it: half a pair of surrogates becomes U+FFFD. See backrun_writer.
///
/// `units`: may be NULL if `count` is 0. `count`: how many units.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_str_utf16(
    writer: *mut backrun_writer,
    units: *const u16,
    count: usize,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.str_utf16(units_of(units, count)?)?)) }
}

/// # Safety
/// `units` is NULL or points to `count` readable units, for `'a`.
unsafe fn units_of<'a>(units: *const u16, count: usize) -> Result<&'a [u16]> {
    if count == 0 {
        return Ok(&[]);
    }
    if units.is_null() || !units.is_aligned() || count > isize::MAX as usize / size_of::<u16>() {
        return Err(Error::invalid(format_args!(
            "units is NULL, not aligned to 2 bytes, or too long with its {count} units; pass the text, or a count of 0 for none"
        )));
    }
    // SAFETY: not NULL, aligned, no longer than an object may be (checked), and readable by the caller's contract.
    Ok(unsafe { std::slice::from_raw_parts(units, count) })
}

/// Writes the name of a member, as the key of an object that is a map: as backrun_writer_str, but only where a key is due. See backrun_writer.
///
/// `name`: UTF-8, as C# spells the member.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_key(
    writer: *mut backrun_writer,
    name: backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_writer(writer, out_error, |this| {
            let is_due = this.open.last().is_some_and(Open::is_at_key);
            this.value(|writer| {
                let name = name.as_str("name")?;
                if !is_due {
                    return Err(Error::invalid(format_args!(
                        "no key is due where the key '{name}' was written; a key belongs into a map, after the value of the key before it"
                    )));
                }
                Ok(writer.key(name)?)
            })
        })
    }
}

/// Writes bytes: a byte[] of C#. See backrun_writer.
///
/// `value`: `(NULL, 0)` is an empty array; null is backrun_writer_nil.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_bin(
    writer: *mut backrun_writer,
    value: backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.bin(value.as_slice("value")?)?)) }
}

/// Writes an extension. See backrun_writer.
///
/// `code`: -128 to 127. `value`: its bytes.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_ext(
    writer: *mut backrun_writer,
    code: i32,
    value: backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_value(writer, out_error, |writer| {
            let code = i8::try_from(code).map_err(|_| {
                Error::invalid(format_args!("code is {code}; pass the type of the extension, -128 to 127"))
            })?;
            Ok(writer.ext(code, value.as_slice("value")?)?)
        })
    }
}

/// Writes a value that was written before, as it stands: what another writer made, an element of what was read. See backrun_writer.
///
/// `value`: exactly one MessagePack value.
///
/// Errors: BACKRUN_INVALID_PAYLOAD where it is none, or more follows it.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_raw(
    writer: *mut backrun_writer,
    value: backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_value(writer, out_error, |writer| {
            let value = value.as_slice("value")?;
            codec::one_value(value)?;
            Ok(writer.raw(value)?)
        })
    }
}

/// Writes a point in time as a timestamp: a DateTime of C# that is UTC. Cut to 100 ns, as .NET has it. See backrun_writer.
///
/// `seconds`: since 1970 UTC, those before it negative. `nanos`: the fraction after it, below 1,000,000,000.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_timestamp(
    writer: *mut backrun_writer,
    seconds: i64,
    nanos: u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(writer, out_error, |writer| Ok(writer.timestamp(seconds, nanos)?)) }
}
