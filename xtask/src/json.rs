//! A small JSON reader, for checking what our own programs write.

use crate::process::Result;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// As it is written: numbers are compared as texts or parsed by whoever knows their type.
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    pub fn text(&self, name: &str) -> Result<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(format!("{name} is not a text but {other:?}")),
        }
    }

    pub fn number(&self, name: &str) -> Result<u64> {
        match self.get(name) {
            Some(Value::Number(number)) => number.parse().map_err(|e| format!("{name} is {number}: {e}")),
            other => Err(format!("{name} is not a number but {other:?}")),
        }
    }
}

/// Reads one value and nothing after it.
pub fn parse(text: &str) -> Result<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value()?;
    reader.skip_space();
    if reader.at == text.len() {
        return Ok(value);
    }
    Err(reader.error("more after the value"))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value> {
        self.skip_space();
        match self.rest().chars().next() {
            Some('{') => self.object(),
            Some('[') => self.list(),
            Some('"') => self.string().map(Value::Text),
            Some('-' | '0'..='9') => Ok(self.number()),
            _ if self.take("null") => Ok(Value::Null),
            _ if self.take("true") => Ok(Value::Bool(true)),
            _ if self.take("false") => Ok(Value::Bool(false)),
            _ => Err(self.error("no value")),
        }
    }

    fn object(&mut self) -> Result<Value> {
        self.expect("{")?;
        let mut members = Vec::new();
        self.skip_space();
        while !self.take("}") {
            if !members.is_empty() {
                self.expect(",")?;
                self.skip_space();
            }
            let name = self.string()?;
            self.skip_space();
            self.expect(":")?;
            members.push((name, self.value()?));
            self.skip_space();
        }
        Ok(Value::Object(members))
    }

    fn list(&mut self) -> Result<Value> {
        self.expect("[")?;
        let mut items = Vec::new();
        self.skip_space();
        while !self.take("]") {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(self.value()?);
            self.skip_space();
        }
        Ok(Value::List(items))
    }

    fn number(&mut self) -> Value {
        let length = self.rest().find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
        let number = self.rest()[..length.unwrap_or(self.rest().len())].to_owned();
        self.at += number.len();
        Value::Number(number)
    }

    fn string(&mut self) -> Result<String> {
        self.expect("\"")?;
        // In UTF-16 until the end: an escape may be one half of a pair.
        let mut units = Vec::new();
        loop {
            let c = self.next()?;
            match c {
                '"' => return String::from_utf16(&units).map_err(|_| self.error("half of a pair of escapes")),
                '\\' => units.extend(self.escape()?),
                c if c < ' ' => return Err(self.error("a control character in a text")),
                c => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }

    fn escape(&mut self) -> Result<Option<u16>> {
        let unit = match self.next()? {
            'n' => '\n' as u16,
            't' => '\t' as u16,
            'r' => '\r' as u16,
            'b' => 8,
            'f' => 12,
            'u' => {
                let digits = self.rest().get(..4).ok_or_else(|| self.error("an escape that ends early"))?;
                let unit =
                    u16::from_str_radix(digits, 16).map_err(|_| self.error("an escape that is not hexadecimal"))?;
                self.at += 4;
                unit
            }
            c @ ('"' | '\\' | '/') => c as u16,
            _ => return Err(self.error("an unknown escape")),
        };
        Ok(Some(unit))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Result<char> {
        let c = self.rest().chars().next().ok_or_else(|| self.error("the text ends early"))?;
        self.at += c.len_utf8();
        Ok(c)
    }

    fn take(&mut self, word: &str) -> bool {
        let there = self.rest().starts_with(word);
        if there {
            self.at += word.len();
        }
        there
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        if self.take(word) {
            return Ok(());
        }
        Err(self.error(&format!("{word} is missing")))
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn error(&self, what: &str) -> String {
        format!("not JSON: {what} at byte {}", self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_sample_is_read() {
        let line = r#"{"path":"a b/\u00e9\ud83d\ude00.txt","bytes":12,"user":null,"list":[1,true],"empty":{}}"#;
        let value = parse(line).expect("valid JSON");
        assert_eq!(value.text("path"), Ok("a b/\u{e9}\u{1f600}.txt"));
        assert_eq!(value.number("bytes"), Ok(12));
        assert_eq!(value.get("user"), Some(&Value::Null));
        assert_eq!(value.get("list"), Some(&Value::List(vec![Value::Number("1".into()), Value::Bool(true)])));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", "{", "{\"a\" 1}", "[1 2]", "\"\u{1}\"", r#""\ud83d""#, "{} x", r#""\q""#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
