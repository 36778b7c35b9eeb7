//! Texts that are kept, told and passed on.

use crate::alloc::{Arc, Ensure, NoMemory};
use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// A text that is cloned without an allocation: shared, or part of the program.
#[derive(Clone)]
pub struct Text(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(&'static str),
    Shared(Arc<str>),
}

impl Text {
    /// What stands where there was no memory for a text.
    pub(crate) const MISSING: Text = Text::fixed("(there was no memory for this text)");

    /// A text of the program.
    #[must_use]
    pub const fn fixed(text: &'static str) -> Self {
        Self(Kind::Fixed(text))
    }

    pub(crate) fn copy(text: &str) -> Result<Self, NoMemory> {
        Self::concat(&[text])
    }

    /// Pieces of text, one behind the other.
    pub(crate) fn concat(pieces: &[&str]) -> Result<Self, NoMemory> {
        if pieces.iter().all(|piece| piece.is_empty()) {
            return Ok(Self::default());
        }
        Ok(Self(Kind::Shared(Arc::copy(pieces)?)))
    }

    pub(crate) fn format(text: fmt::Arguments<'_>) -> Result<Self, NoMemory> {
        if let Some(text) = text.as_str() {
            return Ok(Self::fixed(text));
        }
        // Most are short and need one allocation, of their length.
        let mut short = Short { bytes: [0; 256], len: 0 };
        if let Some(text) = fmt::write(&mut short, text).ok().and_then(|()| short.text()) {
            return Self::copy(text);
        }
        let mut long = Long::default();
        match fmt::write(&mut long, text) {
            Ok(()) => Self::copy(&long.text),
            // Or a value does not know how to show itself: there is no text to be had either way.
            Err(fmt::Error) => Err(long.refused.unwrap_or(NoMemory { bytes: 0 })),
        }
    }

    /// [`Text::format`] for what goes on without its text: errors, reasons, lines of a report.
    pub(crate) fn say(text: fmt::Arguments<'_>) -> Self {
        Self::format(text).unwrap_or(Self::MISSING)
    }
}

/// A text as long as fits.
struct Short {
    bytes: [u8; 256],
    len: usize,
}

impl Short {
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes[..self.len]).ok()
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + piece.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(piece.as_bytes());
        self.len += piece.len();
        Ok(())
    }
}

/// A text of any length, as long as there is memory.
#[derive(Default)]
struct Long {
    text: String,
    refused: Option<NoMemory>,
}

impl fmt::Write for Long {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        match self.text.ensure(piece.len()) {
            Ok(()) => {
                self.text.push_str(piece);
                Ok(())
            }
            Err(refused) => {
                self.refused = Some(refused);
                Err(fmt::Error)
            }
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::fixed("")
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Kind::Fixed(text) => text,
            Kind::Shared(text) => text,
        }
    }
}

impl From<String> for Text {
    /// A copy. Where there is no memory for it, a text that says so.
    fn from(text: String) -> Self {
        Self::say(format_args!("{text}"))
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::fixed(text)
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

// As `str` compares and hashes: a table with texts for keys is asked by `str`.
impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_text_is_found_compared_and_shown_as_the_str_that_it_is() {
        let number = 7;
        let formatted = Text::format(format_args!("a{number}")).unwrap();
        assert_eq!(formatted, "a7");
        assert_eq!(formatted, Text::fixed("a7"));
        assert_eq!(formatted.to_string(), "a7");
        assert_eq!(format!("{formatted:?}"), "\"a7\"");
        let table = HashMap::from([(formatted.clone(), 1)]);
        assert_eq!(table.get("a7"), Some(&1));
        assert_eq!(Text::concat(&["a", "", "7"]).unwrap(), formatted);
        assert_eq!(Text::copy("").unwrap(), Text::default());
    }

    #[test]
    fn a_text_is_formatted_as_format_does_it_whatever_its_length() {
        for length in [0, 1, 254, 255, 256, 257, 5000] {
            let long = "x".repeat(length);
            assert_eq!(Text::say(format_args!("{long}{:>2}", 7)), format!("{long}{:>2}", 7).as_str());
        }
    }
}
