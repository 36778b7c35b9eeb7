//! The JSON of the vectors.
//!
//! Its texts may hold half a surrogate pair, which .NET's strings may and Rust's may not: they stay UTF-16 here. That is why this is no
//! library's parser. Numbers stay text.

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(Vec<u16>),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn parse(text: &str) -> Result<Json, String> {
        let mut parser = Parser { bytes: text.as_bytes(), at: 0 };
        let value = parser.value(0)?;
        parser.blanks();
        match parser.bytes.get(parser.at) {
            None => Ok(value),
            Some(_) => Err(parser.complain("the end of the line")),
        }
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A text without half pairs.
    pub fn text(&self) -> Option<String> {
        match self {
            Json::Text(units) => String::from_utf16(units).ok(),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Json]> {
        match self {
            Json::List(items) => Some(items),
            _ => None,
        }
    }

    /// A whole number, also one in quotes.
    pub fn whole<T: std::str::FromStr>(&self) -> Option<T> {
        match self {
            Json::Number(digits) => digits.parse().ok(),
            _ => self.text()?.parse().ok(),
        }
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn complain(&self, due: &str) -> String {
        format!("column {}: {due} was expected", self.at + 1)
    }

    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, what: &str) -> bool {
        let is_there = self.bytes[self.at..].starts_with(what.as_bytes());
        if is_there {
            self.at += what.len();
        }
        is_there
    }

    fn due(&mut self, what: &str) -> Result<(), String> {
        self.blanks();
        if self.take(what) {
            return Ok(());
        }
        Err(self.complain(what))
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > 2000 {
            return Err(self.complain("a line that is less than 2000 deep"));
        }
        self.blanks();
        match self.bytes.get(self.at) {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => Ok(Json::Number(self.number())),
            _ if self.take("true") => Ok(Json::Bool(true)),
            _ if self.take("false") => Ok(Json::Bool(false)),
            _ if self.take("null") => Ok(Json::Null),
            _ => Err(self.complain("a value")),
        }
    }

    fn number(&mut self) -> String {
        let begun = self.at;
        while matches!(self.bytes.get(self.at), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        String::from_utf8_lossy(&self.bytes[begun..self.at]).into_owned()
    }

    fn array(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.take("]") {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.take("]") {
                return Ok(Json::List(items));
            }
            self.due(",")?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut members = Vec::new();
        self.blanks();
        if self.take("}") {
            return Ok(Json::Object(members));
        }
        loop {
            self.blanks();
            let key = String::from_utf16_lossy(&self.string()?);
            self.due(":")?;
            members.push((key, self.value(depth + 1)?));
            self.blanks();
            if self.take("}") {
                return Ok(Json::Object(members));
            }
            self.due(",")?;
        }
    }

    fn string(&mut self) -> Result<Vec<u16>, String> {
        self.due("\"")?;
        let mut units = Vec::new();
        loop {
            let begun = self.at;
            while !matches!(self.bytes.get(self.at), None | Some(b'"' | b'\\')) {
                self.at += 1;
            }
            // It was a str, and is cut at ASCII.
            units.extend(String::from_utf8_lossy(&self.bytes[begun..self.at]).encode_utf16());
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(units);
                }
                Some(_) => units.push(self.escape()?),
                None => return Err(self.complain("a quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<u16, String> {
        let code = self.bytes.get(self.at + 1).copied();
        self.at += 2;
        Ok(match code {
            Some(b'n') => 10,
            Some(b'r') => 13,
            Some(b't') => 9,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(same @ (b'"' | b'\\' | b'/')) => same.into(),
            Some(b'u') => {
                let digits = self.bytes.get(self.at..self.at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
                let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
                self.at += 4;
                return unit.ok_or_else(|| self.complain("four hexadecimal digits"));
            }
            _ => return Err(self.complain("an escape that JSON has")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_stays_what_it_is() {
        assert_eq!(Json::parse("\"a\\ud800\\u00e9\"").unwrap(), Json::Text(vec![0x61, 0xd800, 0xe9]));
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_column() {
        assert_eq!(Json::parse("{\"a\":}").unwrap_err(), "column 6: a value was expected");
    }
}
