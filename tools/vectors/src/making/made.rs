//! A value that is known in three ways: as the codec's own type has it, as a line tells it, and by what .NET takes for the same key.

use crate::value::Int;
use backrun::codec::{Encode, Result, Writer};
use std::fmt::Write;
use std::rc::Rc;

#[derive(Clone)]
pub struct Made {
    /// JSON, as a line's `value`.
    pub told: String,
    /// Equal for two values of one type that .NET calls equal.
    pub identity: String,
    native: Rc<dyn Encode>,
}

impl Made {
    pub fn new(native: impl Encode + 'static, told: String) -> Made {
        Made::shared(Rc::new(native), told)
    }

    pub fn shared(native: Rc<dyn Encode>, told: String) -> Made {
        Made { identity: told.clone(), told, native }
    }

    pub fn null() -> Made {
        Made::new(None::<bool>, "null".to_owned())
    }

    pub fn with_identity(mut self, identity: impl ToString) -> Made {
        self.identity = identity.to_string();
        self
    }

    pub fn with_told(mut self, told: String) -> Made {
        self.told = told;
        self
    }
}

/// So a `Vec` of these is written by the codec's own `Vec`, and so on.
impl Encode for Made {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        self.native.encode(writer)
    }
}

/// A text in ASCII alone.
pub fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(plain @ (b'"' | b'\\')) => {
                json.push('\\');
                json.push(plain.into());
            }
            Ok(plain @ b' '..=b'~') => json.push(plain.into()),
            _ => {
                let _ = write!(json, "\\u{unit:04x}");
            }
        }
    }
    json + "\""
}

/// `{"tag":"text"}`
pub fn tag(tag: &str, text: impl ToString) -> String {
    format!("{{\"{tag}\":{}}}", quoted(&text.to_string()))
}

pub fn list<'m>(items: impl Iterator<Item = &'m Made>) -> String {
    format!("[{}]", items.map(|item| item.told.as_str()).collect::<Vec<_>>().join(","))
}

pub fn map(entries: &[(Made, Made)]) -> String {
    let entries = entries.iter().map(|(key, value)| format!("[{},{}]", key.told, value.told));
    format!("{{\"map\":[{}]}}", entries.collect::<Vec<_>>().join(","))
}

pub fn pair(key: &Made, value: &Made) -> String {
    format!("{{\"pair\":[{},{}]}}", key.told, value.told)
}

pub fn group(key: &Made, items: &[Made]) -> String {
    format!("{{\"grouping_key\":{},\"items\":{}}}", key.told, list(items.iter()))
}

pub fn integer(int: Int, number: i128) -> String {
    tag(int.tag(), number)
}

/// A float; the text is for people.
pub fn float(name: &str, text: impl ToString, bits: u64, digits: usize) -> String {
    format!("{{\"{name}\":{},\"bits\":\"{bits:0digits$x}\"}}", quoted(&text.to_string()))
}

/// Two floats are one key where .NET's `Equals` says so: whatever is no number, and zeros of either sign.
pub fn float_identity(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        0.0 => "0".to_owned(),
        value => format!("{:x}", value.to_bits()),
    }
}
