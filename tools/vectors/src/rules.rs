//! Values that a line tells by a rule in words: `byte i = (i*7+3) mod 256`, `'item number ' + i for i in 0..n-1`.

use crate::json::Json;
use crate::value::{Int, Value};

/// The value of the tags `bytes_rule`, `repeat`, `repeat_value`, `map_rule` and `list_rule`.
pub fn value(tag: &str, inner: &Json, whole: &Json) -> Result<Value, String> {
    let count = ["len", "count", "n"].iter().find_map(|name| whole.get(name)).and_then(Json::whole::<usize>);
    let counted = || count.ok_or_else(|| format!("the tag {tag:?} lacks its count"));
    match tag {
        "repeat" => match inner {
            Json::Text(units) => Ok(Value::Text(units.repeat(counted()?))),
            _ => Err("what is repeated is no text".to_owned()),
        },
        "repeat_value" => Ok(Value::List(vec![Value::of(inner)?; counted()?])),
        _ => {
            let rule = inner.text().ok_or("a rule that is no text")?;
            let unknown = || format!("the rule {rule:?} is none that is known");
            match tag {
                "bytes_rule" => bytes(&rule, counted()?).map(Value::Bytes).ok_or_else(unknown),
                "map_rule" => map(&rule, count).ok_or_else(unknown),
                _ => list(&rule, count).ok_or_else(unknown),
            }
        }
    }
}

fn bytes(rule: &str, count: usize) -> Option<Vec<u8>> {
    if let Some(rule) = rule.strip_prefix("LCG ") {
        // LCG s=12345; s=s*1664525+1013904223 mod 2^32; byte=s>>24
        let mut parts = rule.split(';').map(str::trim);
        let mut state: u32 = parts.next()?.strip_prefix("s=")?.parse().ok()?;
        let (factor, addend) = parts.next()?.strip_prefix("s=s*")?.strip_suffix(" mod 2^32")?.split_once('+')?;
        let (factor, addend): (u32, u32) = (factor.parse().ok()?, addend.parse().ok()?);
        let shift: u32 = parts.next()?.strip_prefix("byte=s>>")?.parse().ok()?;
        return Some(
            (0..count)
                .map(|_| {
                    state = state.wrapping_mul(factor).wrapping_add(addend);
                    state.checked_shr(shift).unwrap_or_default() as u8
                })
                .collect(),
        );
    }
    let formula = rule.strip_prefix("byte i = ")?;
    (0..count as i128).map(|i| Formula::of(formula, i).map(|value| value as u8)).collect()
}

fn list(rule: &str, count: Option<usize>) -> Option<Value> {
    if let Some((range, name)) = rule.split_once(" as ") {
        let int = Int::of_name(name)?;
        return Some(Value::List(numbers(range, count)?.map(|i| Value::Int(int, i)).collect()));
    }
    let (item, range) = rule.split_once(" for i in ")?;
    numbers(range, count)?.map(|i| element(item, i)).collect::<Option<_>>().map(Value::List)
}

fn map(rule: &str, count: Option<usize>) -> Option<Value> {
    if let Some((range, value)) = rule.strip_prefix("keys ").and_then(|rule| rule.split_once(" in order, each value "))
    {
        let value = value.parse().ok()?;
        return Some(Value::Map(numbers(range, count)?.map(|i| (Value::i32(i), Value::i32(value))).collect()));
    }
    let (entry, range) = rule.split_once(" for i in ")?;
    let (key, value) = entry.split_once(" -> ")?;
    let entries = numbers(range, count)?.map(|i| Some((element(key, i)?, element(value, i)?)));
    entries.collect::<Option<_>>().map(Value::Map)
}

/// `0..n-1`, `0..19`.
fn numbers(range: &str, count: Option<usize>) -> Option<std::ops::RangeInclusive<i128>> {
    let (first, last) = range.trim().split_once("..")?;
    let last = match last.strip_prefix('n') {
        Some("") => i128::try_from(count?).ok()?,
        Some(less) => i128::try_from(count?).ok()? - less.strip_prefix('-')?.parse::<i128>().ok()?,
        None => last.parse().ok()?,
    };
    Some(first.parse().ok()?..=last)
}

/// `'text' + i`, a formula, or an object of such members: `KInt{A=i,B='b'+i,C=i%2==0}`.
fn element(item: &str, i: i128) -> Option<Value> {
    let item = item.trim();
    if let Some((name, members)) = item.strip_suffix('}').and_then(|item| item.split_once('{')) {
        let member = |member: &str| {
            let (name, value) = member.split_once('=')?;
            Some((name.trim().to_owned(), element(value, i)?))
        };
        return Some(Value::Object(name.to_owned(), members.split(',').map(member).collect::<Option<_>>()?));
    }
    if let Some(rest) = item.strip_prefix('\'') {
        let (text, rest) = rest.split_once('\'')?;
        let number = match rest.trim().strip_prefix('+') {
            Some(formula) => Formula::of(formula, i)?.to_string(),
            None if rest.trim().is_empty() => String::new(),
            None => return None,
        };
        return Some(Value::text(&format!("{text}{number}")));
    }
    match item.split_once("==") {
        Some((left, right)) => Some(Value::Bool(Formula::of(left, i)? == Formula::of(right, i)?)),
        None => Some(Value::i32(Formula::of(item, i)?)),
    }
}

/// Whole numbers, `i`, `+ - * % mod` and parentheses.
struct Formula<'a> {
    text: &'a str,
    i: i128,
}

impl Formula<'_> {
    fn of(text: &str, i: i128) -> Option<i128> {
        let mut formula = Formula { text, i };
        let value = formula.sum()?;
        formula.text.trim().is_empty().then_some(value)
    }

    fn take(&mut self, what: &str) -> bool {
        self.text = self.text.trim_start();
        match self.text.strip_prefix(what) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> Option<i128> {
        let mut value = self.product()?;
        loop {
            if self.take("+") {
                value = value.checked_add(self.product()?)?;
            } else if self.take("-") {
                value = value.checked_sub(self.product()?)?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<i128> {
        let mut value = self.atom()?;
        loop {
            if self.take("*") {
                value = value.checked_mul(self.atom()?)?;
            } else if self.take("%") || self.take("mod") {
                value = value.checked_rem_euclid(self.atom()?)?;
            } else {
                return Some(value);
            }
        }
    }

    fn atom(&mut self) -> Option<i128> {
        if self.take("(") {
            let value = self.sum()?;
            return self.take(")").then_some(value);
        }
        if self.take("i") {
            return Some(self.i);
        }
        self.text = self.text.trim_start();
        let length = self.text.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.text.len());
        let (digits, rest) = self.text.split_at(length);
        self.text = rest;
        digits.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_vectors_are_understood() {
        assert_eq!(bytes("byte i = (i*7+3) mod 256", 3), Some(vec![3, 10, 17]));
        let random = bytes("LCG s=12345; s=s*1664525+1013904223 mod 2^32; byte=s>>24", 4);
        assert_eq!(random, Some(vec![0x05, 0x04, 0x8b, 0xa2]));
        assert_eq!(
            list("0..n-1 as long", Some(2)),
            Some(Value::List(vec![Value::Int(Int::I64, 0), Value::Int(Int::I64, 1),]))
        );
        assert_eq!(
            list("KInt{A=i,B='b'+i,C=i%2==0} for i in 0..n-1", Some(1)),
            Some(Value::List(vec![Value::Object(
                "KInt".to_owned(),
                vec![
                    ("A".to_owned(), Value::i32(0)),
                    ("B".to_owned(), Value::text("b0")),
                    ("C".to_owned(), Value::Bool(true)),
                ]
            )]))
        );
        assert_eq!(
            map("'key'+i -> i for i in 1..1", None),
            Some(Value::Map(vec![(Value::text("key1"), Value::i32(1)),]))
        );
        assert_eq!(list("some other words", Some(2)), None);
    }
}
