//! Reading a payload, value by value.

use super::bytes::{backrun_bytes, backrun_str};
use super::codec::{backrun_codec_settings, settings_of, values_of, Had, Open, Sticks};
use super::panic::{check_out, fallible, preset};
use super::status::backrun_error;
use crate::alloc::{Ensure, Reserved};
use crate::codec::{self, typeless, CodecError, Kind, Problem, Reader};
use crate::error::{Error, Result};

/// Nil: C#'s null.
pub const BACKRUN_KIND_NIL: u32 = 1;
/// A truth value.
pub const BACKRUN_KIND_BOOL: u32 = 2;
/// An integer of any width.
pub const BACKRUN_KIND_INT: u32 = 3;
/// A floating-point number of either width.
pub const BACKRUN_KIND_FLOAT: u32 = 4;
/// Text.
pub const BACKRUN_KIND_STR: u32 = 5;
/// Bytes.
pub const BACKRUN_KIND_BIN: u32 = 6;
/// An array.
pub const BACKRUN_KIND_ARRAY: u32 = 7;
/// A map.
pub const BACKRUN_KIND_MAP: u32 = 8;
/// An extension: see backrun_reader_peek_ext.
pub const BACKRUN_KIND_EXT: u32 = 9;
/// No value: the array or the map that was begun last has no more, or, outside of any, the bytes are at their end.
pub const BACKRUN_KIND_END: u32 = 10;

/// Reads MessagePack, value by value. Made by backrun_reader_new, freed by backrun_reader_free. Nothing that it reads is copied.
///
/// Every function that reads takes the next value if it is of its kind. The first error sticks: from then on every call,
/// backrun_reader_finish included, gives it again, and every `out` is 0 or empty. So a program may read all that it wants and look at
/// the outcome of the last call only. (Where more than one kind is possible, backrun_reader_peek tells which it is.)
///
/// What holds for all of its functions but _new, _free and _offset: `reader` NULL is BACKRUN_INVALID_ARGUMENT. `out` receives the value, may not be NULL, and is 0
/// or empty on failure; bytes and texts are borrowed from what is read. `out_error` receives an error to be freed by
/// backrun_error_free, or NULL; may be NULL. Errors: BACKRUN_INVALID_PAYLOAD (something else stands there, or nothing, or more than `out` can hold; the message names the
/// byte), BACKRUN_INVALID_ARGUMENT, BACKRUN_OUT_OF_MEMORY, BACKRUN_PANIC.
/// Any thread, one at a time for one reader; a callback may call them.
pub struct backrun_reader {
    /// Of bytes that the caller keeps for as long as the reader lives.
    reader: Reader<'static>,
    /// What was begun and not ended.
    open: Vec<Open>,
    failed: Option<Error>,
}

impl Sticks for backrun_reader {
    fn failed(&mut self) -> &mut Option<Error> {
        &mut self.failed
    }
}

impl backrun_reader {
    /// Takes one value.
    fn value<T>(&mut self, read: impl FnOnce(&mut Reader<'static>) -> Result<T>) -> Result<T> {
        self.sticking(|this| {
            this.check_more()?;
            let value = read(&mut this.reader)?;
            this.count();
            Ok(value)
        })
    }

    /// Takes the header of an array or a map, whose values follow. Their count.
    fn begin(
        &mut self,
        read: impl FnOnce(&mut Reader<'static>) -> codec::Result<usize>,
        open: impl FnOnce(usize, usize) -> Open,
    ) -> Result<usize> {
        self.sticking(|this| {
            this.check_more()?;
            this.open.ensure(1)?;
            let at = this.reader.offset();
            let count = read(&mut this.reader)?;
            this.reader.enter()?;
            this.open.push(open(at, count));
            Ok(count)
        })
    }

    /// Comes out of the innermost array or map, over what was not read of it.
    fn end(&mut self) -> Result<()> {
        self.sticking(|this| {
            let Some(open) = this.open.last_mut() else {
                return Err(Error::InvalidArgument("no array and no map was begun that could be ended".into()));
            };
            while open.due > 0 {
                this.reader.skip()?;
                open.due -= 1;
            }
            this.reader.leave();
            this.open.pop();
            this.count();
            Ok(())
        })
    }

    fn check_more(&self) -> Result<()> {
        match self.open.last() {
            Some(open) if open.due == 0 => Err(Error::invalid(format_args!(
                "{open} has no more values; leave it by backrun_reader_end before the next one is read"
            ))),
            _ => Ok(()),
        }
    }

    fn count(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.due -= 1;
        }
    }

    /// The kind of the next value, which stays where it is.
    fn peek(&mut self) -> Result<u32> {
        self.sticking(|this| {
            let is_at_end = match this.open.last() {
                Some(open) => open.due == 0,
                None => this.reader.is_at_end(),
            };
            if is_at_end {
                return Ok(BACKRUN_KIND_END);
            }
            Ok(match this.reader.peek()? {
                Kind::Nil => BACKRUN_KIND_NIL,
                Kind::Bool => BACKRUN_KIND_BOOL,
                Kind::Int => BACKRUN_KIND_INT,
                Kind::Float => BACKRUN_KIND_FLOAT,
                Kind::Str => BACKRUN_KIND_STR,
                Kind::Bin => BACKRUN_KIND_BIN,
                Kind::Array => BACKRUN_KIND_ARRAY,
                Kind::Map => BACKRUN_KIND_MAP,
                Kind::Ext => BACKRUN_KIND_EXT,
                Kind::NeverUsed => {
                    let problem = Problem::Unexpected { expected: "a value", code: this.reader.peek_code()? };
                    return Err(CodecError::at(this.reader.offset(), problem).into());
                }
            })
        })
    }

    fn finish(&mut self) -> Result<()> {
        self.sticking(|this| match this.open.last() {
            None => Ok(()),
            Some(open) => Err(Error::invalid(format_args!(
                "{open} has been read to the value {} and not ended; call backrun_reader_end for each array and map that was begun",
                Had(open)
            ))),
        })
    }
}

/// # Safety
/// `reader` is NULL or live and used by nobody else; `out_error` is NULL or writable.
unsafe fn with_reader(
    reader: *mut backrun_reader,
    out_error: *mut *mut backrun_error,
    body: impl FnOnce(&mut backrun_reader) -> Result<()>,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe {
        fallible(out_error, || match reader.as_mut() {
            Some(reader) => body(reader),
            None => Err(Error::InvalidArgument("reader is NULL; pass one made by backrun_reader_new".into())),
        })
    }
}

/// [`with_reader`] for what `out` receives; on failure it receives `nothing`.
///
/// # Safety
/// As [`with_reader`]; `out` is NULL or writable.
unsafe fn with_out<T>(
    reader: *mut backrun_reader,
    out: *mut T,
    nothing: T,
    out_error: *mut *mut backrun_error,
    body: impl FnOnce(&mut backrun_reader) -> Result<T>,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe {
        preset(out, nothing);
        with_reader(reader, out_error, |reader| {
            check_out(out)?;
            out.write(body(reader)?);
            Ok(())
        })
    }
}

/// [`with_out`] for one value.
///
/// # Safety
/// As [`with_out`].
pub(super) unsafe fn with_value<T>(
    reader: *mut backrun_reader,
    out: *mut T,
    nothing: T,
    out_error: *mut *mut backrun_error,
    read: impl FnOnce(&mut Reader<'static>) -> Result<T>,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe { with_out(reader, out, nothing, out_error, |reader| reader.value(read)) }
}

/// Makes a reader at the beginning of some bytes.
///
/// `bytes`: not copied; they must stay where they are, unchanged, until the reader is freed. The payload of a task lives as long as its run.
/// `settings`: NULL is every default; borrowed for the call.
/// `out`: receives a reader to be freed by backrun_reader_free; NULL on failure.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_UNSUPPORTED_FIELD, BACKRUN_OUT_OF_MEMORY, BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_new(
    bytes: backrun_bytes,
    settings: *const backrun_codec_settings,
    out: *mut *mut backrun_reader,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract, and `bytes` for as long as the reader lives.
    unsafe {
        preset(out, std::ptr::null_mut());
        fallible(out_error, || {
            check_out(out)?;
            let made = Reserved::new()?;
            let reader = Reader::with_settings(bytes.as_slice("bytes")?, settings_of(settings)?);
            out.write(Box::into_raw(made.fill(backrun_reader { reader, open: Vec::new(), failed: None })));
            Ok(())
        })
    }
}

/// Frees a reader. What was borrowed from the bytes that it read stays valid: it is theirs.
///
/// `reader`: NULL does nothing. Once for each reader. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_free(reader: *mut backrun_reader) {
    if !reader.is_null() {
        // SAFETY: made by Box::into_raw and freed once, by contract.
        drop(unsafe { Box::from_raw(reader) });
    }
}

/// The number of bytes that were taken: where the next value begins, or where an error was met.
///
/// `reader`: NULL gives 0. Any thread, one at a time for one reader; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_offset(reader: *const backrun_reader) -> usize {
    // SAFETY: NULL or live, by contract.
    unsafe { reader.as_ref() }.map_or(0, |reader| reader.reader.offset())
}

/// Whether all went well: the first error that there was, or that an array or a map was begun and not ended. Bytes after the value that was
/// read are no error, as they are none to MessagePack-CSharp. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_finish(reader: *mut backrun_reader, out_error: *mut *mut backrun_error) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_reader(reader, out_error, backrun_reader::finish) }
}

/// The kind of the next value, which stays where it is. See backrun_reader.
///
/// `out`: receives one of BACKRUN_KIND_NIL and its kin; 0 on failure.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_peek(
    reader: *mut backrun_reader,
    out: *mut u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_out(reader, out, 0, out_error, backrun_reader::peek) }
}

/// The type of the extension that comes next, which stays where it is: -1 is a timestamp, 100 a value with the name of its type. Another value is an
/// error. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_peek_ext(
    reader: *mut backrun_reader,
    out: *mut i32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_out(reader, out, 0, out_error, |reader| {
            reader.sticking(|this| {
                this.check_more()?;
                // A copy looks ahead.
                let mut ahead = this.reader;
                Ok(ahead.ext_header()?.0.into())
            })
        })
    }
}

/// Begins an array. Its values follow, then backrun_reader_end. See backrun_reader.
///
/// `out`: receives how many; the input has at least a byte for each.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_begin_array(
    reader: *mut backrun_reader,
    out: *mut usize,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_out(reader, out, 0, out_error, |reader| reader.begin(Reader::array_header, Open::array)) }
}

/// Begins a map. Its keys follow, each with its value after it, then backrun_reader_end. See backrun_reader.
///
/// `out`: receives how many keys; the input has at least two bytes for each.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_begin_map(
    reader: *mut backrun_reader,
    out: *mut usize,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_out(reader, out, 0, out_error, |reader| reader.begin(Reader::map_header, Open::map)) }
}

/// Begins a typed value: takes the name of its type. Its one value follows (none, where BACKRUN_KIND_END comes next: a plain `object`), then
/// backrun_reader_end. The name is of a .NET type that only .NET can have; look whether it is one that is expected. See backrun_reader.
///
/// `out`: receives the name.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_begin_typed(
    reader: *mut backrun_reader,
    out: *mut backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_out(reader, out, backrun_str::EMPTY, out_error, |reader| {
            let mut name = "";
            reader.begin(
                |reader| {
                    let Some(found) = typeless::name(reader)? else {
                        let problem = Problem::Unexpected {
                            expected: "a value with the name of its type",
                            code: reader.peek_code()?,
                        };
                        return Err(CodecError::at(reader.offset(), problem));
                    };
                    name = found;
                    Ok(values_of(name))
                },
                Open::typed,
            )?;
            Ok(backrun_str::of(name))
        })
    }
}

/// Leaves the array, the map or the typed value that was begun last; values of it that were not read are skipped, as C# skips what a newer program
/// has added. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_end(reader: *mut backrun_reader, out_error: *mut *mut backrun_error) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_reader(reader, out_error, backrun_reader::end) }
}

/// Takes the next value whatever it is, with all that lies in it. See backrun_reader.
///
/// `out`: receives its bytes, for backrun_writer_raw or another reader; may be NULL.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_skip(
    reader: *mut backrun_reader,
    out: *mut backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, backrun_bytes::EMPTY);
        with_reader(reader, out_error, |reader| {
            preset(out, backrun_bytes::of(reader.value(|reader| Ok(reader.skip()?))?));
            Ok(())
        })
    }
}

/// Takes nil, which is C#'s null. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_nil(reader: *mut backrun_reader, out_error: *mut *mut backrun_error) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_reader(reader, out_error, |reader| reader.value(|reader| Ok(reader.nil()?))) }
}

/// Takes nil if that is the next value, and else nothing: for what may be null. See backrun_reader.
///
/// `out`: receives 1 if it was nil, else 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_try_nil(
    reader: *mut backrun_reader,
    out: *mut i32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_out(reader, out, 0, out_error, |reader| {
            reader.sticking(|this| {
                this.check_more()?;
                let is_nil = this.reader.try_nil()?;
                if is_nil {
                    this.count();
                }
                Ok(is_nil.into())
            })
        })
    }
}

/// Takes a truth value: 1 or 0. An integer is none. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_bool(
    reader: *mut backrun_reader,
    out: *mut i32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(reader, out, 0, out_error, |reader| Ok(reader.bool()?.into())) }
}

/// Takes an integer of any width, if it fits. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_int(
    reader: *mut backrun_reader,
    out: *mut i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(reader, out, 0, out_error, |reader| Ok(reader.int()?)) }
}

/// As backrun_reader_int, for what fits into C#'s int.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_int32(
    reader: *mut backrun_reader,
    out: *mut i32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(reader, out, 0, out_error, |reader| Ok(codec::Decode::decode(reader)?)) }
}

/// As backrun_reader_int, for what is not negative.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_uint(
    reader: *mut backrun_reader,
    out: *mut u64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(reader, out, 0, out_error, |reader| Ok(reader.uint()?)) }
}

/// Takes a number as a float of C#: a double is made narrower, an integer is taken too. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_f32(
    reader: *mut backrun_reader,
    out: *mut f32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(reader, out, 0.0, out_error, |reader| Ok(reader.f32()?)) }
}

/// Takes a number as a double of C#: a float and an integer are taken too. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_f64(
    reader: *mut backrun_reader,
    out: *mut f64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(reader, out, 0.0, out_error, |reader| Ok(reader.f64()?)) }
}

/// Takes text: a string of C# that is not null. See backrun_reader.
///
/// Errors: BACKRUN_INVALID_PAYLOAD where it is not UTF-8, too; backrun_reader_str_bytes takes it nevertheless.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_str(
    reader: *mut backrun_reader,
    out: *mut backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(reader, out, backrun_str::EMPTY, out_error, |reader| Ok(backrun_str::of(reader.str()?))) }
}

/// Takes text as its bytes stand there, which need not be UTF-8: MessagePack-CSharp reads what is not as U+FFFD. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_str_bytes(
    reader: *mut backrun_reader,
    out: *mut backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_value(reader, out, backrun_bytes::EMPTY, out_error, |reader| Ok(backrun_bytes::of(reader.str_bytes()?)))
    }
}

/// Takes bytes: a byte[] of C# that is not null. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_bin(
    reader: *mut backrun_reader,
    out: *mut backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { with_value(reader, out, backrun_bytes::EMPTY, out_error, |reader| Ok(backrun_bytes::of(reader.bin()?))) }
}

/// Takes an extension of any type. See backrun_reader.
///
/// `out_code`: receives its type, -128 to 127; may be NULL. `out`: receives its bytes.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_ext(
    reader: *mut backrun_reader,
    out_code: *mut i32,
    out: *mut backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out_code, 0);
        with_value(reader, out, backrun_bytes::EMPTY, out_error, |reader| {
            let (code, bytes) = reader.ext()?;
            preset(out_code, code.into());
            Ok(backrun_bytes::of(bytes))
        })
    }
}

/// Takes a timestamp: a DateTime of C#, which is always UTC. See backrun_reader.
///
/// `out`: receives the seconds since 1970 UTC, those before it negative. `out_nanos`: receives the nanoseconds after them, as they stand there: a
/// peer that is not MessagePack-CSharp may have written more than 999,999,999; may be NULL.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_timestamp(
    reader: *mut backrun_reader,
    out: *mut i64,
    out_nanos: *mut u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out_nanos, 0);
        with_value(reader, out, 0, out_error, |reader| {
            let (seconds, nanos) = reader.timestamp()?;
            preset(out_nanos, nanos);
            Ok(seconds)
        })
    }
}
