//! .NET's own types, written and read.

use super::bytes::{backrun_bytes, backrun_str};
use super::codec_reader::{self, backrun_reader};
use super::codec_writer::{self, backrun_writer};
use super::panic::preset;
use super::status::backrun_error;
use crate::alloc;
use crate::codec::dotnet::{
    BigInteger, DateOnly, DateTime, DateTimeKind, DateTimeOffset, Decimal, Guid, NativeDateTime, NativeDecimal,
    NativeGuid, TimeOnly, TimeSpan,
};
use crate::codec::{Decode, Encode, Problem};
use crate::error::{Error, Result};

/// 1970-01-01 in .NET's ticks of 100 ns, which begin at 0001-01-01: of ticks that are UTC, (ticks - this) / 10 are microseconds since 1970.
pub const BACKRUN_TICKS_OF_1970: i64 = 621_355_968_000_000_000;

/// A DateTime that does not say whose clock it is. As .NET numbers them, so this is 0.
pub const BACKRUN_DATETIME_UNSPECIFIED: u32 = 0;
/// A DateTime of UTC.
pub const BACKRUN_DATETIME_UTC: u32 = 1;
/// A DateTime of the clock of the machine that reads it; its ticks here are those of UTC.
pub const BACKRUN_DATETIME_LOCAL: u32 = 2;

/// # Safety
/// As [`codec_writer::with_value`].
unsafe fn write<T: Encode>(
    writer: *mut backrun_writer,
    out_error: *mut *mut backrun_error,
    value: impl FnOnce() -> Result<T>,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe { codec_writer::with_value(writer, out_error, |writer| Ok(value()?.encode(writer)?)) }
}

/// Reads a value, of which `out` receives a part; on failure it receives `nothing`.
///
/// # Safety
/// As [`codec_reader::with_value`].
unsafe fn read<T: Decode<'static>, P>(
    reader: *mut backrun_reader,
    out: *mut P,
    nothing: P,
    out_error: *mut *mut backrun_error,
    part: impl FnOnce(T) -> P,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe { codec_reader::with_value(reader, out, nothing, out_error, |reader| Ok(part(T::decode(reader)?))) }
}

/// A fixed number of values that the caller has.
///
/// # Safety
/// `values` is NULL or points to so many readable values.
unsafe fn array_of<T: Copy, const N: usize>(values: *const T, what: &str) -> Result<[T; N]> {
    if values.is_null() {
        return Err(Error::invalid(format_args!("{what} is NULL; pass the address of {N} values")));
    }
    // SAFETY: readable by the caller's contract, and of any alignment.
    Ok(unsafe { values.cast::<[T; N]>().read_unaligned() })
}

/// Writes a Guid as C# usually does: as text. See backrun_writer.
///
/// `guid`: 16 bytes in the order in which they are written as text (RFC 9562, as in a uuid_t); not Guid.ToByteArray's.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_guid(
    writer: *mut backrun_writer,
    guid: *const u8,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || array_of(guid, "guid").map(Guid)) }
}

/// Writes a Guid as C# does with NativeGuidResolver: as 16 bytes. See backrun_writer.
///
/// `guid`: as that of backrun_writer_guid.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_native_guid(
    writer: *mut backrun_writer,
    guid: *const u8,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || Ok(NativeGuid(Guid(array_of(guid, "guid")?)))) }
}

/// Writes a decimal as C# usually does: as text whose zeros say the scale. See backrun_writer.
///
/// `text`: such as `-1.50`. An exponent is taken too; what has more than 28 digits behind the point is rounded.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_decimal(
    writer: *mut backrun_writer,
    text: backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        write(writer, out_error, || {
            let text = text.as_str("text")?;
            text.parse::<Decimal>().map_err(|error| {
                let why = match &error.problem {
                    Problem::Malformed { why, .. } => &**why,
                    _ => "out of its range",
                };
                Error::invalid(format_args!("text is '{text:.40}', which is no decimal: {why}; pass one such as -1.50"))
            })
        })
    }
}

/// As backrun_writer_decimal, from the parts that decimal.GetBits gives.
///
/// `bits`: four words: low, middle, high, flags (the scale in bits 16 to 23, the sign in bit 31).
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_decimal_bits(
    writer: *mut backrun_writer,
    bits: *const u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || decimal_of(array_of(bits, "bits")?)) }
}

/// Writes a decimal as C# does with NativeDecimalResolver: as 16 bytes. See backrun_writer.
///
/// `bits`: as those of backrun_writer_decimal_bits.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_native_decimal(
    writer: *mut backrun_writer,
    bits: *const u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || decimal_of(array_of(bits, "bits")?).map(NativeDecimal)) }
}

fn decimal_of(bits: [u32; 4]) -> Result<Decimal> {
    Decimal::from_bits(bits).ok_or_else(|| {
        Error::invalid(format_args!(
            "the flags of the decimal are {:#x}; pass its scale, 0 to 28, in bits 16 to 23 and its sign in bit 31",
            bits[3]
        ))
    })
}

/// Writes a DateTime as C# usually does: as a timestamp, which says that it is UTC. See backrun_writer.
///
/// `ticks`: of 100 ns since 0001-01-01, of UTC (BACKRUN_TICKS_OF_1970 helps). backrun_writer_timestamp writes the same from seconds since 1970.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_datetime(
    writer: *mut backrun_writer,
    ticks: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || Ok(DateTime::utc(ticks))) }
}

/// Writes a DateTime as C# does with NativeDateTimeResolver and in typeless payloads: as an integer that keeps its kind. See backrun_writer.
///
/// `ticks`: of 100 ns since 0001-01-01; of UTC where `kind` is BACKRUN_DATETIME_LOCAL. `kind`: one of BACKRUN_DATETIME_UNSPECIFIED and its kin.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_native_datetime(
    writer: *mut backrun_writer,
    ticks: i64,
    kind: u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        write(writer, out_error, || {
            let kind = match kind {
                BACKRUN_DATETIME_UNSPECIFIED => DateTimeKind::Unspecified,
                BACKRUN_DATETIME_UTC => DateTimeKind::Utc,
                BACKRUN_DATETIME_LOCAL => DateTimeKind::Local,
                other => {
                    return Err(Error::invalid(format_args!(
                        "kind is {other}; pass one of BACKRUN_DATETIME_UNSPECIFIED and its kin"
                    )))
                }
            };
            Ok(NativeDateTime(DateTime { ticks, kind }))
        })
    }
}

/// Writes a DateTimeOffset. See backrun_writer.
///
/// `local_ticks`: what its clock shows, in ticks of 100 ns since 0001-01-01. `offset_minutes`: by how much that clock is ahead of UTC, -840 to
/// 840. The moment is `local_ticks` less the offset.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_datetimeoffset(
    writer: *mut backrun_writer,
    local_ticks: i64,
    offset_minutes: i32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        write(writer, out_error, || {
            let offset_minutes = i16::try_from(offset_minutes).map_err(|_| {
                Error::invalid(format_args!("offset_minutes is {offset_minutes}; pass at most 14 hours, -840 to 840"))
            })?;
            Ok(DateTimeOffset { local_ticks, offset_minutes })
        })
    }
}

/// Writes a TimeSpan. See backrun_writer.
///
/// `ticks`: of 100 ns.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_timespan(
    writer: *mut backrun_writer,
    ticks: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || Ok(TimeSpan(ticks))) }
}

/// Writes a DateOnly. See backrun_writer.
///
/// `day`: the number of days since 0001-01-01, to 3,652,058 (9999-12-31).
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_dateonly(
    writer: *mut backrun_writer,
    day: i32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || Ok(DateOnly(day))) }
}

/// Writes a TimeOnly. See backrun_writer.
///
/// `ticks`: of 100 ns since midnight, less than a day.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_timeonly(
    writer: *mut backrun_writer,
    ticks: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || Ok(TimeOnly(ticks))) }
}

/// Writes a BigInteger. See backrun_writer.
///
/// `value`: two's complement, little-endian, as BigInteger.ToByteArray gives it; bytes that only repeat the sign are left out. Empty: 0.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_bigint(
    writer: *mut backrun_writer,
    value: backrun_bytes,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || Ok(BigInteger(alloc::copy(value.as_slice("value")?)?))) }
}

/// Writes an Int128, which only version 3.1 knows. See backrun_writer.
///
/// `low`, `high`: its halves, in two's complement.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_int128(
    writer: *mut backrun_writer,
    low: u64,
    high: i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || Ok(i128::from(high) << 64 | i128::from(low))) }
}

/// Writes a UInt128, which only version 3.1 knows. See backrun_writer.
///
/// `low`, `high`: its halves.
#[no_mangle]
pub unsafe extern "C" fn backrun_writer_uint128(
    writer: *mut backrun_writer,
    low: u64,
    high: u64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { write(writer, out_error, || Ok(u128::from(high) << 64 | u128::from(low))) }
}

/// Takes a Guid in its usual form, which is text. See backrun_reader.
///
/// `out`: receives 16 bytes, in the order of backrun_writer_guid.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_guid(
    reader: *mut backrun_reader,
    out: *mut u8,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { read(reader, out.cast::<[u8; 16]>(), [0; 16], out_error, |guid: Guid| guid.0) }
}

/// Takes a Guid in the form of NativeGuidResolver. See backrun_reader.
///
/// `out`: receives 16 bytes, in the order of backrun_writer_guid.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_native_guid(
    reader: *mut backrun_reader,
    out: *mut u8,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { read(reader, out.cast::<[u8; 16]>(), [0; 16], out_error, |guid: NativeGuid| guid.0 .0) }
}

/// Takes a decimal in its usual form, which is text, as it stands there: from C# without an exponent. See backrun_reader.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_decimal(
    reader: *mut backrun_reader,
    out: *mut backrun_str,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        codec_reader::with_value(reader, out, backrun_str::EMPTY, out_error, |reader| {
            // A copy reads the text again: what is a decimal is ASCII.
            let mut text = *reader;
            Decimal::decode(reader)?;
            Ok(backrun_str::of(text.str()?))
        })
    }
}

/// Takes a decimal in its usual form. See backrun_reader.
///
/// `out`: receives four words, as those of backrun_writer_decimal_bits.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_decimal_bits(
    reader: *mut backrun_reader,
    out: *mut u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { read(reader, out.cast::<[u32; 4]>(), [0; 4], out_error, Decimal::to_bits) }
}

/// Takes a decimal in the form of NativeDecimalResolver. See backrun_reader.
///
/// `out`: receives four words, as those of backrun_writer_decimal_bits.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_native_decimal(
    reader: *mut backrun_reader,
    out: *mut u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { read(reader, out.cast::<[u32; 4]>(), [0; 4], out_error, |value: NativeDecimal| value.0.to_bits()) }
}

/// Takes a DateTime in its usual form, which is a timestamp. See backrun_reader.
///
/// `out`: receives ticks of 100 ns since 0001-01-01, of UTC.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_datetime(
    reader: *mut backrun_reader,
    out: *mut i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { read(reader, out, 0, out_error, |time: DateTime| time.ticks) }
}

/// Takes a DateTime in the form of NativeDateTimeResolver and of typeless payloads. See backrun_reader.
///
/// `out`: receives ticks of 100 ns since 0001-01-01; of UTC where the kind is BACKRUN_DATETIME_LOCAL. `out_kind`: receives one of BACKRUN_DATETIME_UNSPECIFIED
/// and its kin; may be NULL.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_native_datetime(
    reader: *mut backrun_reader,
    out: *mut i64,
    out_kind: *mut u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out_kind, BACKRUN_DATETIME_UNSPECIFIED);
        read(reader, out, 0, out_error, |time: NativeDateTime| {
            let kind = match time.0.kind {
                DateTimeKind::Unspecified => BACKRUN_DATETIME_UNSPECIFIED,
                DateTimeKind::Utc => BACKRUN_DATETIME_UTC,
                DateTimeKind::Local => BACKRUN_DATETIME_LOCAL,
            };
            preset(out_kind, kind);
            time.0.ticks
        })
    }
}

/// Takes a DateTimeOffset. See backrun_reader.
///
/// `out`: receives what its clock shows, in ticks of 100 ns since 0001-01-01. `out_offset_minutes`: receives by how much that clock is ahead of UTC;
/// may be NULL.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_datetimeoffset(
    reader: *mut backrun_reader,
    out: *mut i64,
    out_offset_minutes: *mut i32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out_offset_minutes, 0);
        read(reader, out, 0, out_error, |time: DateTimeOffset| {
            preset(out_offset_minutes, time.offset_minutes.into());
            time.local_ticks
        })
    }
}

/// Takes a TimeSpan. See backrun_reader.
///
/// `out`: receives ticks of 100 ns.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_timespan(
    reader: *mut backrun_reader,
    out: *mut i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { read(reader, out, 0, out_error, |time: TimeSpan| time.0) }
}

/// Takes a DateOnly. See backrun_reader.
///
/// `out`: receives the number of days since 0001-01-01.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_dateonly(
    reader: *mut backrun_reader,
    out: *mut i32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { read(reader, out, 0, out_error, |day: DateOnly| day.0) }
}

/// Takes a TimeOnly. See backrun_reader.
///
/// `out`: receives ticks of 100 ns since midnight.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_timeonly(
    reader: *mut backrun_reader,
    out: *mut i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe { read(reader, out, 0, out_error, |time: TimeOnly| time.0) }
}

/// Takes an Int128. See backrun_reader. (A BigInteger is taken by backrun_reader_bin.)
///
/// `out`: receives its low half. `out_high`: receives its high half; may not be NULL.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_int128(
    reader: *mut backrun_reader,
    out: *mut u64,
    out_high: *mut i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, 0);
        preset(out_high, 0);
        // Nothing is taken where there is no place for one of the halves.
        let out = if out_high.is_null() { std::ptr::null_mut() } else { out };
        read(reader, out, 0, out_error, |value: i128| {
            preset(out_high, (value >> 64) as i64);
            value as u64
        })
    }
}

/// Takes a UInt128. See backrun_reader.
///
/// `out`: receives its low half. `out_high`: receives its high half; may not be NULL.
#[no_mangle]
pub unsafe extern "C" fn backrun_reader_uint128(
    reader: *mut backrun_reader,
    out: *mut u64,
    out_high: *mut u64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, 0);
        preset(out_high, 0);
        // Nothing is taken where there is no place for one of the halves.
        let out = if out_high.is_null() { std::ptr::null_mut() } else { out };
        read(reader, out, 0, out_error, |value: u128| {
            preset(out_high, (value >> 64) as u64);
            value as u64
        })
    }
}
