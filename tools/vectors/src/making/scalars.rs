//! Values of the types that have no parts, made as the codec's own types.

use super::made::{float, float_identity, integer, quoted, tag, Made};
use super::names;
use super::random::Random;
use super::texts;
use super::types;
use crate::options::Options;
use crate::scalars::told as as_told;
use crate::value::{Int, Kind, Value};
use backrun::codec::dotnet::{
    BigInteger, BitArray, Bytes, Char, Complex, DateOnly, DateTime, DateTimeKind, DateTimeOffset, Decimal, Guid, Half,
    NativeDateTime, NativeDecimal, NativeGuid, Rune, TimeOnly, TimeSpan, Uri, VersionNumber,
};
use backrun::codec::typeless::Full;
use backrun::codec::{Encode, Writer};

const SECOND: i64 = 10_000_000;
const MINUTE: i64 = 60 * SECOND;
const EPOCH: i64 = 621_355_968_000_000_000;
/// The lines are read where the clock is so far ahead of UTC.
const ZONE: i16 = 540;

/// A value of a type; `None`: the type has parts, or is an enum of a program's.
pub fn make(random: &mut Random, name: &str, options: &Options) -> Option<Made> {
    if let Some(int) = Int::of_name(name) {
        let (least, most) = int.range();
        let number = random.edgy(least, most);
        return Some(match options.full_integers() {
            true => full(int, number),
            false => short(int, number),
        });
    }
    Some(match name {
        "bool" => bool(random),
        "char" => {
            let unit = random.edgy(0, 0xffff) as u16;
            Made::new(Char(unit), format!("{{\"char\":{unit}}}"))
        }
        "float" => {
            let value = single(random);
            Made::new(value, float("f32", value, value.to_bits().into(), 8)).with_identity(float_identity(value.into()))
        }
        "double" => {
            let value = double(random);
            Made::new(value, told_double(value)).with_identity(float_identity(value))
        }
        "Half" => {
            let half = Half(random.edgy(0, 0xffff) as u16);
            let value = half.to_f32();
            // What is no number comes back as one that is quiet.
            let bits = Half::from_f32(value).0;
            Made::new(half, float("f16", value, bits.into(), 4)).with_identity(float_identity(value.into()))
        }
        "string" => string(random),
        "StringBuilder" => {
            let text = string(random);
            let told = format!("{{\"stringbuilder\":{}}}", text.told);
            text.with_told(told)
        }
        "decimal" => decimal(random, options.native),
        "Guid" => {
            let guid = Guid(if random.one_in(10) { [0; 16] } else { random.bytes(16).try_into().unwrap_or_default() });
            match options.native {
                true => Made::new(NativeGuid(guid), tag("guid", guid)),
                false => Made::new(guid, tag("guid", guid)),
            }
        }
        "DateTime" => date_time(random, options.native_time()),
        "DateTimeOffset" => date_time_offset(random),
        "TimeSpan" => {
            let ticks = random.edgy_i64(i64::MIN, i64::MAX);
            Made::new(TimeSpan(ticks), tag("timespan_ticks", ticks))
        }
        "DateOnly" => {
            let date = DateOnly(random.edgy(0, 3_652_058) as i32);
            let told = format!("{{\"dateonly\":{},\"day\":{}}}", quoted(&date.to_string()), date.0);
            Made::new(date, told)
        }
        "TimeOnly" => {
            let ticks = random.edgy_i64(0, 24 * 60 * MINUTE - 1);
            Made::new(TimeOnly(ticks), tag("timeonly_ticks", ticks))
        }
        "Uri" => {
            let text = texts::uri(random);
            Made::new(Uri(text.clone()), tag("uri", text))
        }
        "Version" => version(random),
        "BigInteger" => big_integer(random),
        "Complex" => {
            let (real, imaginary) = (double(random), double(random));
            let told = format!("{{\"complex\":[{},{}]}}", told_double(real), told_double(imaginary));
            Made::new(Complex { real, imaginary }, told)
        }
        "Int128" => {
            let number = random.edgy(i128::MIN, i128::MAX);
            Made::new(number, tag("i128", number))
        }
        "UInt128" => {
            let number = random.edgy(i128::MIN, i128::MAX) as u128;
            Made::new(number, tag("u128", number))
        }
        "Rune" => {
            let rune = char::from_u32(random.edgy(0, 0x10_ffff) as u32).unwrap_or('\u{1f600}');
            Made::new(Rune(rune), format!("{{\"rune\":{}}}", u32::from(rune)))
        }
        "BitArray" => {
            let length = random.below(20);
            let bits: Vec<bool> = (0..length).map(|_| random.one_in(2)).collect();
            let told: String = bits.iter().map(|bit| if *bit { '1' } else { '0' }).collect();
            Made::new(BitArray(bits), tag("bits", told))
        }
        "byte[]" => {
            let bytes = bytes(random);
            let told = tag("bytes", crate::value::to_hex(&bytes));
            Made::new(Bytes(bytes), told)
        }
        "Nil" => Made::new((), "{\"nil\":true}".to_owned()),
        "Type" => {
            let of = types::with_a_name(random);
            Made::new(names::of_type(&of), tag("type", names::full(&of)))
        }
        "DayOfWeek" | "ConsoleColor" => {
            let number = random.edgy(-3, 17);
            let told = format!("{{\"enum\":\"{name}\",\"underlying\":\"int\",\"n\":\"{number}\",\"text\":\"\"}}");
            Made::new(number as i32, told)
        }
        _ => return None,
    })
}

pub fn bool(random: &mut Random) -> Made {
    let value = random.one_in(2);
    Made::new(value, value.to_string())
}

macro_rules! by_width {
    ($int:expr, $number:expr, $made:ident => $native:expr) => {
        by_width!($int, $number, $made => $native; I8 i8, U8 u8, I16 i16, U16 u16, I32 i32, U32 u32, I64 i64, U64 u64)
    };
    ($int:expr, $number:expr, $made:ident => $native:expr; $($width:ident $type:ty),*) => {
        match $int {
            $(Int::$width => {
                let $made = $number as $type;
                Made::new($native, integer($int, $number))
            })*
        }
    };
}

/// As short as can be.
pub fn short(int: Int, number: i128) -> Made {
    by_width!(int, number, value => value)
}

/// At the full width of its type.
pub fn full(int: Int, number: i128) -> Made {
    by_width!(int, number, value => Full(value))
}

pub fn single(random: &mut Random) -> f32 {
    match random.below(4) {
        0 => f32::from_bits(random.bits() as u32),
        1 => {
            random.pick(&[0.0, -0.0, 1.0, f32::NAN, f32::from_bits(1), f32::MAX, f32::NEG_INFINITY, 0.1, 16_777_217.0])
        }
        2 => f32::from_bits(0x7f80_0000 | (random.bits() as u32 & 0x80ff_ffff)),
        _ => (random.between(-2000, 2000) as f64 * 10_f64.powi(random.between(-12, 12) as i32)) as f32,
    }
}

pub fn double(random: &mut Random) -> f64 {
    match random.below(5) {
        0 => f64::from_bits(random.bits()),
        1 => random.pick(&[0.0, -0.0, 1.0, f64::NAN, f64::from_bits(1), f64::MAX, f64::INFINITY, 0.1, 1e17, 1e-5]),
        2 => f64::from_bits(0x7ff0_0000_0000_0000 | (random.bits() & 0x801f_ffff_ffff_ffff)),
        3 => f64::from(single(random)),
        _ => random.between(-20_000, 20_000) as f64 * 10_f64.powi(random.between(-24, 24) as i32),
    }
}

pub fn told_double(value: f64) -> String {
    float("f64", value, value.to_bits(), 16)
}

/// Now and then of halves of surrogate pairs that are alone: each becomes U+FFFD.
struct Units(Vec<u16>);

impl Encode for Units {
    fn encode(&self, writer: &mut Writer) -> backrun::codec::Result<()> {
        writer.str_utf16(&self.0)
    }
}

pub fn string(random: &mut Random) -> Made {
    let units = texts::units(random);
    match String::from_utf16(&units) {
        Ok(text) if random.one_in(2) => {
            let told = quoted(&text);
            Made::new(text, told)
        }
        _ => {
            let told = quoted(&String::from_utf16_lossy(&units));
            Made::new(Units(units), told)
        }
    }
}

pub fn bytes(random: &mut Random) -> Vec<u8> {
    let length = match random.below(30) {
        0 => random.pick(&[255, 256, 31, 32]),
        1 if random.one_in(8) => random.pick(&[65_535, 65_536]),
        _ => random.below(10),
    };
    random.bytes(length)
}

fn decimal(random: &mut Random, native: bool) -> Made {
    let words = random.below(4);
    let digits = (0..words).fold(0_u128, |digits, _| digits << 32 | random.edgy(0, u32::MAX.into()) as u128);
    let scale = random.below(29) as u8;
    // As a text a zero has no sign.
    let negative = random.one_in(2) && (digits != 0 || native);
    let value = Decimal::new(digits, scale, negative).unwrap_or_default();
    let words: Vec<String> = value.to_bits().iter().map(|word| format!("\"{word:08x}\"")).collect();
    let told = format!("{{\"decimal\":{},\"bits\":[{}]}}", quoted(&value.to_string()), words.join(","));
    // 1.0 and 1.00 are one key.
    let (mut digits, mut scale) = (digits, scale);
    while scale > 0 && digits % 10 == 0 {
        (digits, scale) = (digits / 10, scale - 1);
    }
    let identity = format!("{} {digits} {scale}", negative && digits != 0);
    match native {
        true => Made::new(NativeDecimal(value), told),
        false => Made::new(value, told),
    }
    .with_identity(identity)
}

fn ticks(random: &mut Random) -> i64 {
    match random.below(6) {
        0 => random.pick(&[0, DateTime::MAX_TICKS, EPOCH, EPOCH - 1, EPOCH + 1]),
        1 => EPOCH + random.pick(&[1_i64 << 32, 1 << 34, 0, 1 << 31]) * SECOND + random.between(-1, 1),
        2 => EPOCH + random.between(0, i32::MAX.into()) * SECOND,
        3 => EPOCH + random.between(0, i32::MAX.into()) * SECOND + random.between(0, SECOND - 1),
        4 => EPOCH - random.between(0, i32::MAX.into()) * SECOND - random.between(0, SECOND - 1),
        _ => random.between(0, DateTime::MAX_TICKS),
    }
}

fn told_time(ticks: i64, kind: Kind) -> String {
    let text = DateTime { ticks, kind: DateTimeKind::Unspecified }.to_string();
    format!("{{\"datetime\":{},\"ticks\":\"{ticks}\",\"kind\":\"{kind:?}\"}}", quoted(&text))
}

/// As a timestamp it comes back as a moment by UTC, whatever it was; in the native form as it was.
pub fn date_time(random: &mut Random, native: bool) -> Made {
    let ticks = ticks(random);
    let time = match random.below(4) {
        // Where UTC would be outside the years 1 to 9999 the first and the last tick stand for it, and do not come back.
        0 if (i64::from(ZONE) * MINUTE..=DateTime::MAX_TICKS - 600 * MINUTE).contains(&ticks) => {
            DateTime::of_local_clock(ticks, ZONE)
        }
        1 => DateTime { ticks, kind: DateTimeKind::Unspecified },
        _ => DateTime::utc(ticks),
    };
    match (native, as_told(time)) {
        (true, Value::DateTime(ticks, kind)) => {
            Made::new(NativeDateTime(time), told_time(ticks, kind)).with_identity(ticks)
        }
        _ => Made::new(time, told_time(time.ticks, Kind::Utc)),
    }
}

/// A moment, as a timestamp.
pub fn utc(time: DateTime) -> Made {
    Made::new(time, told_time(time.ticks, Kind::Utc))
}

fn date_time_offset(random: &mut Random) -> Made {
    let local_ticks = ticks(random);
    let any = random.between(-840, 840) as i16;
    let offset_minutes = random.pick(&[0, 540, -300, 330, 840, -840, any]);
    let utc = local_ticks - i64::from(offset_minutes) * MINUTE;
    let in_range = (0..=DateTime::MAX_TICKS).contains(&utc);
    let (offset_minutes, utc) = if in_range { (offset_minutes, utc) } else { (0, local_ticks) };
    let time = DateTimeOffset { local_ticks, offset_minutes };
    let text = quoted(&time.to_string());
    let told =
        format!("{{\"datetimeoffset\":{text},\"local_ticks\":\"{local_ticks}\",\"offset_min\":{offset_minutes}}}");
    // Moments are compared, not clocks.
    Made::new(time, told).with_identity(utc)
}

fn version(random: &mut Random) -> Made {
    let mut part = || random.edgy(0, i32::MAX.into()) as u32;
    let mut version = VersionNumber::new(part(), part());
    let more = [Some(part()), Some(part())];
    let count = random.below(3);
    version.build = more[0].filter(|_| count > 0);
    version.revision = more[1].filter(|_| count > 1);
    Made::new(version, tag("version", version))
}

fn big_integer(random: &mut Random) -> Made {
    let number = if random.one_in(8) {
        let length = random.between(1, 300) as usize;
        BigInteger(random.bytes(length))
    } else {
        let mut bytes = random.edgy(i128::MIN, i128::MAX).to_le_bytes().to_vec();
        // More bytes than are needed say the same.
        if random.one_in(4) {
            let sign = if bytes[15] > 0x7f { 0xff } else { 0 };
            bytes.extend([sign; 3]);
        }
        BigInteger(bytes)
    };
    let told = tag("bigint", &number);
    Made::new(number, told)
}
