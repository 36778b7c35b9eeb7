//! Numbers as .NET shows them and takes them, in the culture that is none.

use crate::codec::short::Short;
use std::fmt::{self, Write};

/// Whatever comes here: the longest has 45 bytes, 128 bits in decimal with a sign and what is around it.
pub(super) type Shown = Short<64>;

pub(super) fn shown(value: fmt::Arguments<'_>) -> Shown {
    let mut shown = Shown::new();
    let _ = shown.write_fmt(value);
    shown
}

/// A `double` by the shortest digits that give it back.
pub(super) fn double(value: f64) -> Shown {
    // 2^-958 and 2^-25: of all powers of two, .NET (10) shows these with a digit too few to give them back.
    if let 0x0410_0000_0000_0000 | 0x3e60_0000_0000_0000 = value.abs().to_bits() {
        return float(value, shown(format_args!("{value:.15e}")), 17);
    }
    let shortest = shown(format_args!("{value:e}"));
    let even = shown(format_args!("{value:.*e}", shortest.fraction()));
    float(value, if even.parses_as(value) { even } else { shortest }, 17)
}

/// A `float` by the shortest digits that give it back, which are fewer than those of the same `double`.
pub(super) fn single(value: f32) -> Shown {
    let shortest = shown(format_args!("{value:e}"));
    let even = shown(format_args!("{value:.*e}", shortest.fraction()));
    float(value.into(), if even.parses_as(value) { even } else { shortest }, 9)
}

impl Shown {
    /// What there is no room for is left out; nothing that comes here is as long.
    fn add(&mut self, piece: &[u8]) {
        let _ = self.push(piece);
    }

    /// How many digits there are after the point of `d.ddde-x`.
    ///
    /// Where a number lies in the middle between two of so many digits, .NET takes the even one and Rust's shortest form the upper one;
    /// Rust's form with a number of digits that is given does as .NET. It need not give back the number at a power of two.
    fn fraction(&self) -> usize {
        let after = self.bytes().iter().skip_while(|byte| **byte != b'.').skip(1);
        after.take_while(|byte| byte.is_ascii_digit()).count()
    }

    fn parses_as<T: std::str::FromStr + PartialEq>(&self, value: T) -> bool {
        std::str::from_utf8(self.bytes()).ok().and_then(|text| text.parse().ok()) == Some(value)
    }
}

/// `shortest` is `-d.ddde-x`, which has the digits; .NET puts them otherwise. `most` is how many digits before the point it has
/// without an exponent.
fn float(value: f64, shortest: Shown, most: i32) -> Shown {
    if !value.is_finite() {
        let name = match value {
            _ if value.is_nan() => "NaN",
            _ if value > 0.0 => "Infinity",
            _ => "-Infinity",
        };
        return shown(format_args!("{name}"));
    }
    let text = shortest.bytes();
    let (sign, text) = match text.strip_prefix(b"-") {
        Some(text) => (&b"-"[..], text),
        None => (&b""[..], text),
    };
    let at = text.iter().position(|byte| *byte == b'e').unwrap_or(text.len());
    let exponent = text.get(at + 1..).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()).unwrap_or(0i32);
    let mut digits = [0; 32];
    let mut count = 0;
    for digit in text[..at].iter().filter(|byte| byte.is_ascii_digit()).take(digits.len()) {
        digits[count] = *digit;
        count += 1;
    }
    let digits = &digits[..count];
    // So many digits stand before the point, and fewer than none are noughts after it.
    let before = exponent + 1;
    let mut shown = Shown::new();
    shown.add(sign);
    if before > most || before < -3 {
        let (first, rest) = digits.split_at(1.min(count));
        shown.add(first);
        if !rest.is_empty() {
            shown.add(b".");
            shown.add(rest);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(shown, "E{sign}{:02}", exponent.unsigned_abs());
        return shown;
    }
    let Ok(before) = usize::try_from(before) else {
        shown.add(b"0.000"[..2 + before.unsigned_abs() as usize].as_ref());
        shown.add(digits);
        return shown;
    };
    if before == 0 {
        shown.add(b"0");
    }
    let (whole, fraction) = digits.split_at(before.min(count));
    shown.add(whole);
    (count..before).for_each(|_| shown.add(b"0"));
    if !fraction.is_empty() {
        shown.add(b".");
        shown.add(fraction);
    }
    shown
}

/// What a word that begins as a number is to .NET.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// A `double`; one that cannot be read is 0.
    Double(f64),
    Signed(i64),
    Unsigned(u64),
    /// A `decimal` without digits after the point: what fits no 64 bits, and what has its sign behind it.
    Decimal {
        negative: bool,
        digits: u128,
    },
    /// None. MessagePack-CSharp counts it, and writes nothing.
    Nothing,
}

/// The largest `decimal`.
const DECIMAL: u128 = (1 << 96) - 1;

impl Number {
    /// By the whole word, as far as the next delimiter.
    pub(super) fn of(word: &str) -> Self {
        let bytes = word.as_bytes();
        if bytes.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            return Self::Double(parse_double(word).unwrap_or(0.0));
        }
        Self::integer(bytes).unwrap_or(Self::Nothing)
    }

    fn integer(word: &[u8]) -> Option<Self> {
        let negative = word.first() == Some(&b'-');
        let unsigned = &word[usize::from(negative)..];
        let count = digits(unsigned);
        if count == 0 {
            return None;
        }
        // Once it is too large for any type it stays so.
        let value = unsigned[..count].iter().fold(0u128, |value, digit| match value {
            0..=DECIMAL => value * 10 + u128::from(digit - b'0'),
            _ => value,
        });
        let rest = &unsigned[count..];
        if ends(rest) {
            let signed = i128::try_from(value).ok().map(|value| if negative { -value } else { value });
            if let Some(signed) = signed.and_then(|signed| i64::try_from(signed).ok()) {
                return Some(Self::Signed(signed));
            }
            if let (false, Ok(value)) = (negative, u64::try_from(value)) {
                return Some(Self::Unsigned(value));
            }
        }
        // A decimal may have its sign behind it, if it has none before it.
        let behind = match rest[white(rest)..] {
            [b'-', ..] if !negative => Some(true),
            [b'+', ..] if !negative => Some(false),
            _ => None,
        };
        let rest = if behind.is_some() { &rest[white(rest) + 1..] } else { rest };
        let fits = value <= DECIMAL && ends(rest);
        fits.then_some(Self::Decimal { negative: (negative || behind == Some(true)) && value != 0, digits: value })
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// What .NET's numbers may have around them.
fn white(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | 0x09..=0x0d)).count()
}

/// Whether nothing follows a number but blanks, and then bytes of nought, which .NET takes.
fn ends(rest: &[u8]) -> bool {
    rest[white(rest)..].iter().all(|byte| *byte == 0)
}

/// `double.TryParse`: Rust's own would take more words, and no blanks.
fn parse_double(word: &str) -> Option<f64> {
    let bytes = word.as_bytes();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(&bytes[at..]);
    at += whole;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        fraction = digits(&bytes[at + 1..]);
        at += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(&bytes[at + 1 + sign..]);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    // All up to here is ASCII, so it is no place inside a character.
    word.get(..at).filter(|_| ends(&bytes[at..]))?.parse().ok()
}
