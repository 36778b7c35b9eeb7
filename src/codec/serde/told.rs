//! Texts that a value shows itself as, and the times among them.

use crate::alloc::{Ensure, NoMemory};
use std::fmt;

/// A text that is being made.
#[derive(Default)]
pub(super) struct Told {
    pub(super) text: String,
    pub(super) refused: Option<NoMemory>,
}

impl fmt::Write for Told {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if let Err(refused) = self.text.ensure(piece.len()) {
            self.refused = Some(refused);
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        Ok(())
    }
}

/// Whether a text is a date, a time of day, or both, of ISO 8601.
pub(super) fn is_time(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let year = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match &text[year..] {
        [b'-', a, b, b'-', c, d, rest @ ..] if year >= 4 && [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) => {
            match rest {
                [] => true,
                [b'T' | b' ', rest @ ..] => is_time_of_day(rest),
                _ => false,
            }
        }
        _ => is_time_of_day(text),
    }
}

/// `03:04`, `03:04:05`, `03:04:05.678`, each with a zone or without.
fn is_time_of_day(text: &[u8]) -> bool {
    let two = |text: &[u8]| matches!(text, [a, b, ..] if a.is_ascii_digit() && b.is_ascii_digit());
    let zone = |text: &[u8]| match text {
        [] | b"Z" | b" UTC" => true,
        [b'+' | b'-', hour @ ..] | [b' ', b'+' | b'-', hour @ ..] => two(hour) && hour.len() <= 5,
        _ => false,
    };
    let [_, _, b':', rest @ ..] = text else { return false };
    if !two(text) || !two(rest) {
        return false;
    }
    match &rest[2..] {
        [b':', rest @ ..] if two(rest) => match &rest[2..] {
            [b'.', rest @ ..] => {
                let fraction = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                fraction > 0 && zone(&rest[fraction..])
            }
            rest => zone(rest),
        },
        rest => zone(rest),
    }
}
