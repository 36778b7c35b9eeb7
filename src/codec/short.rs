//! Short texts that need no allocation.

use std::fmt;

/// A text of so many bytes at most, on the stack.
pub(super) struct Short<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Short<N> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    /// Whatever shows itself.
    ///
    /// # Errors
    /// It does not fit.
    pub(super) fn of(text: fmt::Arguments<'_>) -> Result<Self, fmt::Error> {
        let mut short = Self::new();
        fmt::write(&mut short, text)?;
        Ok(short)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Appends what is text too.
    ///
    /// # Errors
    /// It does not fit; nothing is appended.
    pub(super) fn push(&mut self, piece: &[u8]) -> fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + piece.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(piece);
        self.length += piece.len();
        Ok(())
    }
}

impl<const N: usize> fmt::Write for Short<N> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.push(piece.as_bytes())
    }
}
