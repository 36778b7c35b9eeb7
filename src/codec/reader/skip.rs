//! Passing over values without looking into them: as fast as it goes while the bytes are what they should be, and with care
//! once they are not, since then the byte and what was due are asked for.

use super::Reader;
use crate::alloc::Ensure;
use crate::codec::code::*;
use crate::codec::Result;

/// How a value is passed whose first two bytes say how long it is.
#[derive(Clone, Copy)]
struct Step {
    /// How many bytes it has; 0: it is none of these.
    size: u8,
    /// The bits of the second byte that are added to them.
    more: u8,
    /// How many values follow that lie in it.
    inner: u8,
}

const STEPS: [Step; 256] = {
    let mut steps = [Step { size: 0, more: 0, inner: 0 }; 256];
    let mut code = 0;
    while code < 256 {
        let low = code as u8 & 0xf;
        let (size, more, inner) = match code as u8 {
            0x00..=0x7f | NEGATIVE_FIXINT..=0xff | NIL | FALSE | TRUE => (1, 0, 0),
            FIXSTR..=0xbf => (1 + (code as u8 & 0x1f), 0, 0),
            // Those without values are arrays and maps too, where depth counts.
            0x91..=0x9f => (1, 0, low),
            0x81..=0x8f => (1, 0, 2 * low),
            UINT8 | INT8 => (2, 0, 0),
            UINT16 | INT16 => (3, 0, 0),
            UINT32 | INT32 | FLOAT32 => (5, 0, 0),
            UINT64 | INT64 | FLOAT64 => (9, 0, 0),
            STR8 | BIN8 => (2, 0xff, 0),
            EXT8 => (3, 0xff, 0),
            FIXEXT1 => (3, 0, 0),
            FIXEXT2 => (4, 0, 0),
            FIXEXT4 => (6, 0, 0),
            FIXEXT8 => (10, 0, 0),
            FIXEXT16 => (18, 0, 0),
            _ => (0, 0, 0),
        };
        steps[code] = Step { size, more, inner };
        code += 1;
    }
    steps
};

/// A value of any sort: how many bytes it has that are its own, and how many values lie in it if it is an array or a map. `None`:
/// the bytes end, or it is no value.
#[inline]
fn long(bytes: &[u8], at: usize, code: u8) -> Option<(usize, Option<usize>)> {
    let two = || Some(usize::from(u16::from_be_bytes(*bytes.get(at + 1..)?.first_chunk()?)));
    let four = || Some(u32::from_be_bytes(*bytes.get(at + 1..)?.first_chunk()?) as usize);
    Some(match code {
        FIXARRAY | FIXMAP => (1, Some(0)),
        STR16 | BIN16 => (3 + two()?, None),
        STR32 | BIN32 => (four()?.checked_add(5)?, None),
        EXT16 => (4 + two()?, None),
        EXT32 => (four()?.checked_add(6)?, None),
        ARRAY16 => (3, Some(two()?)),
        ARRAY32 => (5, Some(four()?)),
        MAP16 => (3, Some(2 * two()?)),
        MAP32 => (5, Some(four()?.checked_mul(2)?)),
        _ => return None,
    })
}

impl<'a> Reader<'a> {
    /// Takes the next value whatever it is, and all that lies in it, however deep: it needs neither stack nor memory for that. The
    /// bytes of it.
    ///
    /// # Errors
    /// [`Problem::End`](crate::codec::Problem::End), [`Problem::TooMany`](crate::codec::Problem::TooMany),
    /// [`Problem::Unexpected`](crate::codec::Problem::Unexpected) (0xc1).
    pub fn skip(&mut self) -> Result<&'a [u8]> {
        let begun = self.at;
        match self.end_of_value() {
            Some(end) => self.at = end,
            None => self.skip_with_care()?,
        }
        Ok(&self.bytes[begun..self.at])
    }

    /// Where the next value ends. `None`: it does not, or is none.
    fn end_of_value(&self) -> Option<usize> {
        let bytes = self.bytes;
        let mut at = self.at;
        // Each turn of the loop takes a byte at least, so that a claim which the bytes cannot hold comes to their end.
        let mut due: usize = 1;
        while due > 0 {
            let code = *bytes.get(at)?;
            let step = STEPS[usize::from(code)];
            if step.size > 0 {
                let length = bytes.get(at + 1).copied().unwrap_or(0) & step.more;
                at += usize::from(step.size) + usize::from(length);
                due += usize::from(step.inner);
            } else {
                let (size, inner) = long(bytes, at, code)?;
                at = at.checked_add(size)?;
                due = due.checked_add(inner.unwrap_or(0))?;
            }
            due -= 1;
        }
        (at <= bytes.len()).then_some(at)
    }

    /// Where the next value ends, if it is no deeper than the settings allow. `None`: it is, or does not end, or is none, or there is no
    /// memory.
    pub(in crate::codec) fn end_of_shallow_value(&self) -> Option<usize> {
        let bytes = self.bytes;
        let mut at = self.at;
        // How many values are still due in each array and map around the innermost; as many as there are levels, each of which has
        // a byte of the input at least.
        let mut around: Vec<usize> = Vec::new();
        let mut due: usize = 1;
        loop {
            while due == 0 {
                match around.pop() {
                    Some(outside) => due = outside,
                    None => return (at <= bytes.len()).then_some(at),
                }
            }
            due -= 1;
            let code = *bytes.get(at)?;
            let step = STEPS[usize::from(code)];
            let inner = if step.size > 0 {
                let length = bytes.get(at + 1).copied().unwrap_or(0) & step.more;
                at += usize::from(step.size) + usize::from(length);
                if step.inner == 0 {
                    continue;
                }
                usize::from(step.inner)
            } else {
                let (size, inner) = long(bytes, at, code)?;
                at = at.checked_add(size)?;
                match inner {
                    Some(inner) => inner,
                    None => continue,
                }
            };
            if around.len() >= self.settings.max_depth as usize {
                return None;
            }
            around.ensure(1).ok()?;
            around.push(due);
            due = inner;
        }
    }

    #[cold]
    fn skip_with_care(&mut self) -> Result<()> {
        // Each value that is still due has a byte of its own at least, or the header that told of it was refused: it cannot
        // overflow.
        let mut due: usize = 1;
        while due > 0 {
            due -= 1;
            let code = self.peek_code()?;
            match code {
                0x00..=0x7f | NEGATIVE_FIXINT..=0xff | NIL | FALSE | TRUE => self.at += 1,
                FIXSTR..=0xbf | STR8..=STR32 => {
                    self.str_bytes()?;
                }
                FIXARRAY..=0x9f | ARRAY16 | ARRAY32 => due = due.saturating_add(self.array_header()?),
                FIXMAP..=0x8f | MAP16 | MAP32 => due = due.saturating_add(2 * self.map_header()?),
                UINT8 | INT8 => self.pass(2)?,
                UINT16 | INT16 => self.pass(3)?,
                UINT32 | INT32 | FLOAT32 => self.pass(5)?,
                UINT64 | INT64 | FLOAT64 => self.pass(9)?,
                BIN8..=BIN32 => {
                    self.bin()?;
                }
                EXT8..=EXT32 | FIXEXT1..=FIXEXT16 => {
                    self.ext()?;
                }
                NEVER_USED => return self.unexpected("a value", code),
            }
        }
        Ok(())
    }
}
