//! .NET's types that are no collections, through the codec's own types.

use crate::csharp::Type;
use crate::options::{Options, Resolver};
use crate::stop::{Result, Stop, NO_FORMATTER, NULL};
use crate::value::{trim_bigint, Int, Kind, Value};
use backrun::codec::dotnet::{
    BigInteger, BitArray, Char, Complex, DateOnly, DateTime, DateTimeKind, DateTimeOffset, Decimal, Guid, Half,
    NativeDateTime, NativeDecimal, NativeGuid, Rune, TimeOnly, TimeSpan, Uri, VersionNumber,
};
use backrun::codec::{Decode, Encode, Reader, Writer};

/// By how much the clock of the vectors' machine was ahead of UTC.
const ZONE_MINUTES: i16 = 540;

/// References: they may be null.
const REFERENCES: &[&str] = &["string", "Uri", "Version", "Type", "StringBuilder", "BitArray"];

/// The types of this file.
const NAMES: &[&str] = &[
    "bool",
    "char",
    "float",
    "double",
    "string",
    "decimal",
    "Guid",
    "DateTime",
    "DateTimeOffset",
    "TimeSpan",
    "DateOnly",
    "TimeOnly",
    "Uri",
    "Version",
    "Type",
    "StringBuilder",
    "BigInteger",
    "Complex",
    "Half",
    "Int128",
    "UInt128",
    "Rune",
    "BitArray",
    "Nil",
];

/// The word for a type that is written in several ways.
pub fn name_of(of: &Type) -> Option<&'static str> {
    let Type::Named(name, arguments) = of else { return None };
    if !arguments.is_empty() {
        return None;
    }
    let short = ["System.Numerics.", "System.Collections.", "System.Text.", "System."]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let short = match short {
        "BinaryInteger" => "BigInteger",
        "RuntimeType" => "Type",
        short => short,
    };
    NAMES.iter().find(|own| **own == short).copied()
}

/// The type that a value has by itself.
pub fn natural(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Bool(_) => "bool",
        Value::Char(_) => "char",
        Value::F32(_) => "float",
        Value::F64(_) => "double",
        Value::F16(_) => "Half",
        Value::Text(_) => "string",
        Value::Decimal(_) => "decimal",
        Value::Guid(_) => "Guid",
        Value::DateTime(..) => "DateTime",
        Value::DateTimeOffset(..) => "DateTimeOffset",
        Value::TimeSpan(_) => "TimeSpan",
        Value::DateOnly(_) => "DateOnly",
        Value::TimeOnly(_) => "TimeOnly",
        Value::Uri(_) => "Uri",
        Value::Version(_) => "Version",
        Value::TypeName(_) => "Type",
        Value::BigInteger(_) => "BigInteger",
        Value::Complex(..) => "Complex",
        Value::Int128(_) => "Int128",
        Value::UInt128(_) => "UInt128",
        Value::Rune(_) => "Rune",
        Value::Bits(_) => "BitArray",
        _ => return None,
    })
}

/// Writes a value of a type of this file; `None`: the type or the value is none.
pub fn write(writer: &mut Writer, value: &Value, name: &str, options: &Options) -> Option<Result<()>> {
    if *value == Value::Null && (name == "Nil" || REFERENCES.contains(&name)) {
        return Some(writer.nil().map_err(Stop::from));
    }
    if matches!(name, "Int128" | "UInt128" | "Rune") && !options.is_v3() {
        if options.resolver != Resolver::Standard {
            return Some(Stop::unknown(format!("to version 2.5 {name} is a struct like any other")));
        }
        // The codec is asked: it has to refuse.
        return Some(encode(writer, value, options).unwrap_or_else(|| Stop::refused(NO_FORMATTER, name)));
    }
    let is_due = match (name, value) {
        ("StringBuilder", Value::Text(_)) => true,
        (name, value) => natural(value) == Some(name),
    };
    is_due.then(|| encode(writer, value, options)).flatten()
}

fn encode(writer: &mut Writer, value: &Value, options: &Options) -> Option<Result<()>> {
    let encoded = match value {
        Value::Bool(value) => value.encode(writer),
        Value::Char(unit) => Char(*unit).encode(writer),
        Value::F32(bits) => f32::from_bits(*bits).encode(writer),
        Value::F64(bits) => f64::from_bits(*bits).encode(writer),
        Value::F16(bits) => Half(*bits).encode(writer),
        Value::Text(units) => writer.str_utf16(units),
        Value::Decimal(bits) => match Decimal::from_bits(*bits) {
            Some(decimal) if options.native => NativeDecimal(decimal).encode(writer),
            Some(decimal) => decimal.encode(writer),
            None => return Some(Stop::unknown(format!("no decimal has the bits {bits:x?}"))),
        },
        Value::Guid(bytes) if options.native => NativeGuid(Guid(*bytes)).encode(writer),
        Value::Guid(bytes) => Guid(*bytes).encode(writer),
        Value::DateTime(ticks, Kind::Local) if options.native_time() && utc(*ticks) < 0 => {
            return Some(Stop::unknown("a local time that lies before the year 1 by UTC"));
        }
        Value::DateTime(ticks, kind) if options.native_time() => NativeDateTime(time(*ticks, *kind)).encode(writer),
        Value::DateTime(ticks, kind) => time(*ticks, *kind).encode(writer),
        Value::DateTimeOffset(local_ticks, offset_minutes) => {
            DateTimeOffset { local_ticks: *local_ticks, offset_minutes: *offset_minutes }.encode(writer)
        }
        Value::TimeSpan(ticks) => TimeSpan(*ticks).encode(writer),
        Value::DateOnly(day) => DateOnly(*day).encode(writer),
        Value::TimeOnly(ticks) => TimeOnly(*ticks).encode(writer),
        Value::Uri(text) => Uri(text.clone()).encode(writer),
        Value::Version(text) => match text.parse::<VersionNumber>() {
            Ok(version) => version.encode(writer),
            Err(error) => return Some(Err(Stop::Codec(error))),
        },
        Value::TypeName(name) => writer.str(name),
        Value::BigInteger(bytes) => BigInteger(bytes.clone()).encode(writer),
        Value::Complex(real, imaginary) => complex(*real, *imaginary).encode(writer),
        Value::Int128(value) => value.encode(writer),
        Value::UInt128(value) => value.encode(writer),
        Value::Rune(point) => match char::from_u32(*point) {
            Some(char) => Rune(char).encode(writer),
            None => return Some(Stop::unknown(format!("{point} is no code point"))),
        },
        Value::Bits(bits) => BitArray(bits.clone()).encode(writer),
        _ => return None,
    };
    Some(encoded.map_err(Stop::from))
}

fn utc(local: i64) -> i64 {
    local.saturating_sub(i64::from(ZONE_MINUTES) * 600_000_000)
}

fn complex(real: u64, imaginary: u64) -> Complex {
    Complex { real: f64::from_bits(real), imaginary: f64::from_bits(imaginary) }
}

fn time(ticks: i64, kind: Kind) -> DateTime {
    match kind {
        Kind::Local => DateTime::of_local_clock(ticks, ZONE_MINUTES),
        Kind::Utc => DateTime { ticks, kind: DateTimeKind::Utc },
        Kind::Unspecified => DateTime { ticks, kind: DateTimeKind::Unspecified },
    }
}

pub fn told(time: DateTime) -> Value {
    match time.kind {
        DateTimeKind::Utc => Value::DateTime(time.ticks, Kind::Utc),
        DateTimeKind::Unspecified => Value::DateTime(time.ticks, Kind::Unspecified),
        DateTimeKind::Local => {
            let shown = time.ticks.saturating_add(i64::from(ZONE_MINUTES) * 600_000_000);
            Value::DateTime(shown.min(DateTime::MAX_TICKS), Kind::Local)
        }
    }
}

/// A time in an `object` slot: a timestamp whatever the resolver.
pub fn write_boxed_time(writer: &mut Writer, ticks: i64, kind: Kind) -> Result<()> {
    Ok(time(ticks, kind).encode(writer)?)
}

/// Takes a value of a type of this file.
pub fn read(reader: &mut Reader<'_>, name: &str, options: &Options) -> Result<Value> {
    if (name == "Nil" || REFERENCES.contains(&name)) && reader.try_nil()? {
        return Ok(Value::Null);
    }
    Ok(match name {
        "bool" => Value::Bool(bool::decode(reader)?),
        "char" => Value::Char(Char::decode(reader)?.0),
        "float" => Value::F32(f32::decode(reader)?.to_bits()),
        "double" => Value::F64(f64::decode(reader)?.to_bits()),
        "Half" => Value::F16(Half::decode(reader)?.0),
        "string" | "StringBuilder" => Value::text(&String::decode(reader)?),
        "decimal" if options.native => Value::Decimal(NativeDecimal::decode(reader)?.0.to_bits()),
        "decimal" => Value::Decimal(Decimal::decode(reader)?.to_bits()),
        "Guid" if options.native => Value::Guid(NativeGuid::decode(reader)?.0 .0),
        "Guid" => Value::Guid(Guid::decode(reader)?.0),
        "DateTime" if options.native_time() => told(NativeDateTime::decode(reader)?.0),
        "DateTime" => told(DateTime::decode(reader)?),
        "DateTimeOffset" => {
            let read = DateTimeOffset::decode(reader)?;
            Value::DateTimeOffset(read.local_ticks, read.offset_minutes)
        }
        "TimeSpan" => Value::TimeSpan(TimeSpan::decode(reader)?.0),
        "DateOnly" => Value::DateOnly(DateOnly::decode(reader)?.0),
        "TimeOnly" => Value::TimeOnly(TimeOnly::decode(reader)?.0),
        "Uri" => Value::Uri(Uri::decode(reader)?.0),
        "Version" => Value::Version(VersionNumber::decode(reader)?.to_string()),
        "Type" => Value::TypeName(reader.string()?),
        "BigInteger" => {
            let mut bytes = BigInteger::decode(reader)?.0;
            if bytes.is_empty() {
                bytes.push(0);
            }
            trim_bigint(&mut bytes);
            Value::BigInteger(bytes)
        }
        "Complex" => {
            let read = Complex::decode(reader)?;
            Value::Complex(read.real.to_bits(), read.imaginary.to_bits())
        }
        "Int128" => Value::Int128(i128::decode(reader)?),
        "UInt128" => Value::UInt128(u128::decode(reader)?),
        "Rune" => Value::Rune(Rune::decode(reader)?.0.into()),
        "BitArray" => Value::Bits(BitArray::decode(reader)?.0),
        "Nil" => {
            reader.nil()?;
            Value::Null
        }
        _ => return Stop::unknown(format!("{name} is no type that is known")),
    })
}

/// An integer of a type, as short as can be or at its full width.
pub fn write_int(writer: &mut Writer, int: Int, value: i128, is_full: bool) -> Result<()> {
    macro_rules! write {
        ($type:ty, $full:ident) => {{
            let Ok(value) = <$type>::try_from(value) else {
                return Stop::unknown(format!("{value} is no {}", int.name()));
            };
            match is_full {
                true => writer.$full(value)?,
                false => value.encode(writer)?,
            }
        }};
    }
    match int {
        Int::I8 => write!(i8, full_i8),
        Int::U8 => write!(u8, full_u8),
        Int::I16 => write!(i16, full_i16),
        Int::U16 => write!(u16, full_u16),
        Int::I32 => write!(i32, full_i32),
        Int::U32 => write!(u32, full_u32),
        Int::I64 => write!(i64, full_i64),
        Int::U64 => write!(u64, full_u64),
    }
    Ok(())
}

pub fn read_int(reader: &mut Reader<'_>, int: Int) -> Result<i128> {
    Ok(match int {
        Int::I8 => i8::decode(reader)?.into(),
        Int::U8 => u8::decode(reader)?.into(),
        Int::I16 => i16::decode(reader)?.into(),
        Int::U16 => u16::decode(reader)?.into(),
        Int::I32 => i32::decode(reader)?.into(),
        Int::U32 => u32::decode(reader)?.into(),
        Int::I64 => i64::decode(reader)?.into(),
        Int::U64 => u64::decode(reader)?.into(),
    })
}

/// `default(T)`.
pub fn default_of(name: &str) -> Value {
    match name {
        "bool" => Value::Bool(false),
        "char" => Value::Char(0),
        "float" => Value::F32(0),
        "double" => Value::F64(0),
        "Half" => Value::F16(0),
        "decimal" => Value::Decimal([0; 4]),
        "Guid" => Value::Guid([0; 16]),
        "DateTime" => Value::DateTime(0, Kind::Unspecified),
        "DateTimeOffset" => Value::DateTimeOffset(0, 0),
        "TimeSpan" => Value::TimeSpan(0),
        "DateOnly" => Value::DateOnly(0),
        "TimeOnly" => Value::TimeOnly(0),
        "BigInteger" => Value::BigInteger(vec![0]),
        "Complex" => Value::Complex(0, 0),
        "Int128" => Value::Int128(0),
        "UInt128" => Value::UInt128(0),
        "Rune" => Value::Rune(0),
        _ => Value::Null,
    }
}

/// A nil where a key is due.
pub fn no_null_key<T>() -> Result<T> {
    Stop::refused(NULL, "a key is nil")
}
