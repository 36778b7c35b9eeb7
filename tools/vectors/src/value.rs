//! The values of the lines.

use crate::json::Json;
use crate::rules;
use std::fmt::Write;

/// C#'s eight integer types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Int {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
}

impl Int {
    /// With their tags, C#'s words and .NET's names.
    const ALL: [(Int, &'static str, &'static str, &'static str); 8] = [
        (Int::I8, "i8", "sbyte", "SByte"),
        (Int::U8, "u8", "byte", "Byte"),
        (Int::I16, "i16", "short", "Int16"),
        (Int::U16, "u16", "ushort", "UInt16"),
        (Int::I32, "i32", "int", "Int32"),
        (Int::U32, "u32", "uint", "UInt32"),
        (Int::I64, "i64", "long", "Int64"),
        (Int::U64, "u64", "ulong", "UInt64"),
    ];

    pub fn of_tag(tag: &str) -> Option<Int> {
        Self::ALL.iter().find(|(_, own, ..)| *own == tag).map(|(int, ..)| *int)
    }

    /// By C#'s word.
    pub fn of_name(name: &str) -> Option<Int> {
        Self::ALL.iter().find(|(_, _, own, _)| *own == name).map(|(int, ..)| *int)
    }

    fn names(self) -> (&'static str, &'static str, &'static str) {
        let found = Self::ALL.iter().find(|(int, ..)| *int == self);
        found.map_or(("i32", "int", "Int32"), |(_, tag, name, dotnet)| (tag, name, dotnet))
    }

    pub fn tag(self) -> &'static str {
        self.names().0
    }

    pub fn name(self) -> &'static str {
        self.names().1
    }

    pub fn dotnet(self) -> &'static str {
        self.names().2
    }

    /// The least and the greatest.
    pub fn range(self) -> (i128, i128) {
        match self {
            Int::I8 => (i8::MIN.into(), i8::MAX.into()),
            Int::U8 => (0, u8::MAX.into()),
            Int::I16 => (i16::MIN.into(), i16::MAX.into()),
            Int::U16 => (0, u16::MAX.into()),
            Int::I32 => (i32::MIN.into(), i32::MAX.into()),
            Int::U32 => (0, u32::MAX.into()),
            Int::I64 => (i64::MIN.into(), i64::MAX.into()),
            Int::U64 => (0, u64::MAX.into()),
        }
    }

    /// The first byte of its full-width form.
    pub fn full_code(self) -> u8 {
        match self {
            Int::U8 => 0xcc,
            Int::U16 => 0xcd,
            Int::U32 => 0xce,
            Int::U64 => 0xcf,
            Int::I8 => 0xd0,
            Int::I16 => 0xd1,
            Int::I32 => 0xd2,
            Int::I64 => 0xd3,
        }
    }
}

/// What a `DateTime` says of its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Unspecified,
    Utc,
    Local,
}

/// A value as a line tells it, or as bytes were read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `Nil`, and the `default` of a struct that counts as null.
    Null,
    Bool(bool),
    Text(Vec<u16>),
    Int(Int, i128),
    Int128(i128),
    UInt128(u128),
    /// Two's complement, the lowest byte first, without needless bytes.
    BigInteger(Vec<u8>),
    F16(u16),
    F32(u32),
    F64(u64),
    Char(u16),
    Rune(u32),
    Bytes(Vec<u8>),
    /// lo, mid, hi, flags.
    Decimal([u32; 4]),
    /// As the text has it.
    Guid([u8; 16]),
    Uri(String),
    Version(String),
    TypeName(String),
    Complex(u64, u64),
    Bits(Vec<bool>),
    DateTime(i64, Kind),
    /// Ticks of the clock reading, minutes.
    DateTimeOffset(i64, i16),
    TimeSpan(i64),
    DateOnly(i32),
    TimeOnly(i64),
    Enum(Enum),
    List(Vec<Value>),
    /// Flat: the nesting from the eighth on is the wire's.
    Tuple(Vec<Value>),
    Pair(Box<(Value, Value)>),
    Map(Vec<(Value, Value)>),
    Group(Box<Value>, Vec<Value>),
    Dims(Vec<usize>, Vec<Value>),
    Object(String, Vec<(String, Value)>),
    /// What a `Lazy<T>` holds.
    Lazy(Box<Value>),
    /// A typeless value with the name of its type.
    Boxed(String, Box<Value>),
    /// What only C# code could tell: it equals everything.
    Untold,
}

/// A value of an enum.
#[derive(Debug, Clone)]
pub struct Enum {
    pub name: String,
    pub underlying: Int,
    pub number: i128,
    pub text: String,
}

/// The text follows from the rest.
impl PartialEq for Enum {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.underlying, self.number) == (&other.name, other.underlying, other.number)
    }
}

impl Value {
    pub fn text(text: &str) -> Value {
        Value::Text(text.encode_utf16().collect())
    }

    pub fn i32(value: i128) -> Value {
        Value::Int(Int::I32, value)
    }

    /// From a line's `value`.
    pub fn of(json: &Json) -> Result<Value, String> {
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Text(units) => Value::Text(units.clone()),
            Json::List(items) => Value::List(all(items)?),
            Json::Number(digits) => return Err(format!("the value {digits} has no tag")),
            Json::Object(members) => match members.first() {
                Some((tag, inner)) => tagged(tag, inner, json)?,
                None => return Err("a value without a tag".to_owned()),
            },
        })
    }
}

fn all(items: &[Json]) -> Result<Vec<Value>, String> {
    items.iter().map(Value::of).collect()
}

fn pair(json: &Json) -> Result<(Value, Value), String> {
    match json.list() {
        Some([key, value]) => Ok((Value::of(key)?, Value::of(value)?)),
        _ => Err("a pair is a list of two".to_owned()),
    }
}

fn items(json: &Json) -> Result<Vec<Value>, String> {
    all(json.get("items").and_then(Json::list).ok_or("the items are missing")?)
}

fn tagged(tag: &str, inner: &Json, whole: &Json) -> Result<Value, String> {
    let bad = || format!("the value of the tag {tag:?} is none: {inner:?}");
    let text = || inner.text().ok_or_else(bad);
    let list = || inner.list().ok_or_else(bad);
    let field = |name: &str| whole.get(name).ok_or_else(|| format!("the tag {tag:?} lacks {name:?}"));
    let number = |name: &str| -> Result<i128, String> { field(name)?.whole().ok_or_else(bad) };
    let narrow = |wide: i128| i64::try_from(wide).map_err(|_| bad());
    let bits = || -> Result<u64, String> {
        field("bits")?.text().and_then(|hex| u64::from_str_radix(&hex, 16).ok()).ok_or_else(bad)
    };
    if let Some(int) = Int::of_tag(tag) {
        return Ok(Value::Int(int, inner.whole().ok_or_else(bad)?));
    }
    Ok(match tag {
        "nil" | "default" => Value::Null,
        "i128" => Value::Int128(inner.whole().ok_or_else(bad)?),
        "u128" => Value::UInt128(inner.whole().ok_or_else(bad)?),
        "bigint" => Value::BigInteger(bigint(&text()?).ok_or_else(bad)?),
        "f16" => Value::F16(bits()? as u16),
        "f32" => Value::F32(bits()? as u32),
        "f64" => Value::F64(bits()?),
        "char" => Value::Char(inner.whole().ok_or_else(bad)?),
        "rune" => Value::Rune(inner.whole().ok_or_else(bad)?),
        "bytes" => Value::Bytes(from_hex(&text()?)?),
        "bytes_rule" | "repeat" | "repeat_value" | "map_rule" | "list_rule" => rules::value(tag, inner, whole)?,
        "decimal" => {
            let words: Option<Vec<u32>> = field("bits")?.list().and_then(|words| {
                words.iter().map(|word| word.text().and_then(|hex| u32::from_str_radix(&hex, 16).ok())).collect()
            });
            Value::Decimal(words.and_then(|words| words.try_into().ok()).ok_or_else(bad)?)
        }
        "guid" => Value::Guid(from_hex(&text()?.replace('-', ""))?.try_into().map_err(|_| bad())?),
        "uri" => Value::Uri(text()?),
        "version" => Value::Version(text()?),
        "type" => Value::TypeName(text()?),
        "stringbuilder" => Value::of(inner)?,
        "lazy" => Value::Lazy(Box::new(Value::of(inner)?)),
        "bits" => Value::Bits(text()?.chars().map(|bit| bit == '1').collect()),
        "complex" => match (list()?, all(list()?)?.as_slice()) {
            (_, [Value::F64(real), Value::F64(imaginary)]) => Value::Complex(*real, *imaginary),
            ([real, imaginary], _) => Value::Complex(double(real).ok_or_else(bad)?, double(imaginary).ok_or_else(bad)?),
            _ => return Err(bad()),
        },
        "datetime" => {
            let kind = match field("kind")?.text().as_deref() {
                Some("Utc") => Kind::Utc,
                Some("Local") => Kind::Local,
                Some("Unspecified") => Kind::Unspecified,
                _ => return Err(bad()),
            };
            Value::DateTime(narrow(number("ticks")?)?, kind)
        }
        "datetimeoffset" => {
            let minutes = i16::try_from(number("offset_min")?).map_err(|_| bad())?;
            Value::DateTimeOffset(narrow(number("local_ticks")?)?, minutes)
        }
        "timespan_ticks" => Value::TimeSpan(inner.whole().ok_or_else(bad)?),
        "timeonly_ticks" => Value::TimeOnly(inner.whole().ok_or_else(bad)?),
        "dateonly" => Value::DateOnly(i32::try_from(number("day")?).map_err(|_| bad())?),
        "enum" => {
            let underlying = field("underlying")?.text().and_then(|name| Int::of_name(&name)).ok_or_else(bad)?;
            let text = whole.get("text").and_then(Json::text).unwrap_or_default();
            Value::Enum(Enum { name: self::text_of(inner)?, underlying, number: number("n")?, text })
        }
        "tuple" => Value::Tuple(all(list()?)?),
        "pair" => Value::Pair(Box::new(pair(inner)?)),
        "map" => Value::Map(list()?.iter().map(pair).collect::<Result<_, _>>()?),
        "grouping_key" => Value::Group(Box::new(Value::of(inner)?), items(whole)?),
        "dims" => {
            let lengths: Option<Vec<usize>> = list()?.iter().map(Json::whole).collect();
            Value::Dims(lengths.ok_or_else(bad)?, items(whole)?)
        }
        "object" => {
            let members = field("members")?.list().ok_or_else(bad)?;
            let member = |json: &Json| match json.list() {
                Some([name, value]) => Ok((text_of(name)?, Value::of(value)?)),
                _ => Err(bad()),
            };
            Value::Object(text()?, members.iter().map(member).collect::<Result<_, _>>()?)
        }
        _ => return Err(format!("the tag {tag:?} is unknown")),
    })
}

fn text_of(json: &Json) -> Result<String, String> {
    json.text().ok_or_else(|| format!("{json:?} is no text"))
}

fn double(json: &Json) -> Option<u64> {
    json.whole::<f64>().map(f64::to_bits)
}

pub fn from_hex(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = hex.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => Ok(digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect()),
        _ => Err(format!("{hex:?} is not hexadecimal")),
    }
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A decimal number as .NET's BigInteger has it: two's complement, the lowest byte first.
fn bigint(text: &str) -> Option<Vec<u8>> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut bytes: Vec<u8> = Vec::new();
    for digit in digits.chars() {
        let mut carry = digit.to_digit(10)?;
        for byte in &mut bytes {
            carry += u32::from(*byte) * 10;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    // A byte for the sign; taken away where the one before says it.
    bytes.push(0);
    if negative {
        let mut carry = true;
        for byte in &mut bytes {
            let (value, carried) = (!*byte).overflowing_add(u8::from(carry));
            *byte = value;
            carry = carried;
        }
    }
    trim_bigint(&mut bytes);
    Some(bytes)
}

/// Takes needless bytes away.
pub fn trim_bigint(bytes: &mut Vec<u8>) {
    while let [.., before, last] = bytes[..] {
        if !(last == 0 && before < 0x80 || last == 0xff && before >= 0x80) {
            break;
        }
        bytes.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::bigint;

    #[test]
    fn a_big_integer_has_just_the_bytes_that_its_sign_needs() {
        let cases: [(&str, &[u8]); 8] = [
            ("0", &[0]),
            ("127", &[0x7f]),
            ("128", &[0x80, 0]),
            ("-1", &[0xff]),
            ("-128", &[0x80]),
            ("-129", &[0x7f, 0xff]),
            ("-256", &[0, 0xff]),
            ("18446744073709551616", &[0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ];
        for (text, bytes) in cases {
            assert_eq!(bigint(text).as_deref(), Some(bytes), "{text}");
        }
        assert_eq!(bigint("1x"), None);
    }
}
