//! The ready tasks of one queue: five lanes, first in first out within each, and ageing between them.
//!
//! The lane whose head has the smallest `ready_at - priority * step` goes first; at a tie the higher level. So a task of
//! level p can be overtaken by one of level q > p only if that became ready less than (q - p) steps later: nobody starves.

use crate::alloc::Ensure;
use crate::error::Result;
use crate::queue::hand::{Hand, Taken};
use crate::queue::log::{log, Head, Reader, Record, Writer};
use crate::queue::segment::Pool;
use crate::sync::Arc;
use crate::task::{Priority, TaskId};
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

pub(crate) const LEVELS: usize = Priority::ALL.len();

pub(crate) fn level_of(priority: Priority) -> usize {
    (priority.level() - Priority::Lowest.level()) as usize
}

/// The reading ends of a queue's lanes.
///
/// A task that leaves out of turn (cancelled) leaves a *gap*: its record stays until its turn comes or until [`Lanes::sweep`].
pub(crate) struct Lanes {
    lanes: [Lane; LEVELS],
    /// One past the highest level that was ever opened, and the lowest: most queues use one.
    opened: Range<usize>,
    step_ms: i64,
}

/// Logs to be read one after the other; the last one is the one that is still written.
#[derive(Default)]
struct Lane(VecDeque<Reader>);

impl Lane {
    /// The log that the next record is in, if there is one.
    fn next(&mut self) -> Option<&mut Reader> {
        while self.0.len() > 1 && !self.0.front_mut()?.has_some() {
            self.0.pop_front();
        }
        let reader = self.0.front_mut()?;
        reader.has_some().then_some(reader)
    }

    fn peek(&mut self) -> Option<Head> {
        self.next()?.peek()
    }

    fn has_some(&mut self) -> bool {
        self.next().is_some()
    }
}

impl Lanes {
    /// What the lanes need until their first sweep is reserved at once, so that opening one cannot fail.
    pub(crate) fn new(step: Duration) -> Result<Self> {
        let mut lanes = Self { lanes: Default::default(), opened: 0..0, step_ms: 0 };
        for Lane(readers) in &mut lanes.lanes {
            readers.ensure(1)?;
        }
        lanes.set_step(step);
        Ok(lanes)
    }

    pub(crate) fn set_step(&mut self, step: Duration) {
        self.step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX / 8).min(i64::MAX / 8);
    }

    /// Adds the reading end of a level that is used for the first time.
    pub(crate) fn open(&mut self, level: usize, reader: Reader) {
        debug_assert!(self.lanes[level].0.is_empty());
        self.lanes[level].0.push_back(reader);
        let Range { start, end } = self.opened;
        self.opened = if start == end { level..level + 1 } else { start.min(level)..end.max(level + 1) };
    }

    /// Takes what runs next: one record, or up to `most` where one level alone is in use, and not more than a fair share of
    /// what is there for so many `workers`; all but the first one into the hand. Whether there was one. `now_ms` is asked for
    /// only where there is more than one level to choose from, and wraps as `ready_at` does.
    pub(crate) fn take(
        &mut self,
        most: usize,
        workers: usize,
        now_ms: impl FnOnce() -> u32,
        hand: &Hand,
        taken: &mut Taken,
    ) -> bool {
        let mut in_use = self.opened.clone().filter(|&level| self.lanes[level].has_some());
        let Some(first) = in_use.next() else { return false };
        let alone = in_use.next().is_none();
        let level = if alone { Some(first) } else { self.next_level(now_ms()) };
        let Some(reader) = level.and_then(|level| self.lanes[level].next()) else { return false };
        if !alone || most <= 1 {
            return reader.take(taken);
        }
        let workers = workers.max(1);
        let share = reader.about(most * workers) / workers;
        reader.take_into_hand(share.max(1), hand, taken)
    }

    /// The lowest level in use.
    pub(crate) fn lowest_level(&mut self) -> Option<usize> {
        self.lanes.iter_mut().position(Lane::has_some)
    }

    /// Takes the oldest record of the lowest level in use: what a full queue drops. Whether there was one.
    pub(crate) fn take_oldest_of_lowest(&mut self, taken: &mut Taken) -> bool {
        self.lanes.iter_mut().find_map(Lane::next).is_some_and(|reader| reader.take(taken))
    }

    /// Looks for a record, without taking it.
    pub(crate) fn find<R>(&mut self, id: TaskId, mut found: impl FnMut(Record<'_>) -> R) -> Option<R> {
        let mut result = None;
        for reader in self.lanes.iter_mut().flat_map(|lane| &mut lane.0) {
            reader.scan(|head, record| {
                if head.id == id {
                    result = Some(found(record));
                }
                result.is_some()
            });
        }
        result
    }

    pub(crate) fn has_some(&mut self) -> bool {
        self.lanes.iter_mut().any(Lane::has_some)
    }

    /// The level that goes next.
    fn next_level(&mut self, now_ms: u32) -> Option<usize> {
        let mut best: Option<(i64, usize)> = None;
        // From the highest on, so that it wins a tie.
        for level in self.opened.clone().rev() {
            let Some(head) = self.lanes[level].peek() else { continue };
            let waited = i64::from(waited(head.ready_at, now_ms));
            let key = -waited - i64::from(Priority::ALL[level].level()) * self.step_ms;
            if best.is_none_or(|(least, _)| key < least) {
                best = Some((key, level));
            }
        }
        best.map(|(_, level)| level)
    }

    /// Lets go of gaps: copies what `counts` in front of the rest. Without memory for it, it does less, and loses nothing.
    pub(crate) fn sweep(&mut self, pool: &Arc<Pool>, counts: impl Fn(TaskId) -> bool) {
        for Lane(readers) in &mut self.lanes {
            // No memory for even one segment, or for one more reader: all stays as it is.
            if readers.is_empty() || readers.ensure(1).is_err() {
                continue;
            }
            let Ok((mut writer, reader)) = log(pool) else { continue };
            let all = readers.len();
            // In order: as far as memory goes, and the last log, which is still written, only if nothing before it stays.
            let is_swept = |reader: &mut Reader| move_kept(reader, &mut writer, &counts);
            let swept = readers.iter_mut().map(is_swept).take_while(|is_swept| *is_swept).count();
            writer.commit();
            readers.drain(..swept.min(all - 1));
            readers.push_front(reader);
        }
    }
}

/// How long something has been ready, right across the wrap of the clock. The clock is read before the lock is taken, so
/// something may have become ready a moment "later".
pub(crate) fn waited(ready_at: u32, now_ms: u32) -> u32 {
    const A_MOMENT: u32 = 60_000;
    let waited = now_ms.wrapping_sub(ready_at);
    if waited > u32::MAX - A_MOMENT {
        0
    } else {
        waited
    }
}

/// Moves records that count from one log to another, and lets go of the others. `false`: there was no memory for one.
fn move_kept(from: &mut Reader, to: &mut Writer, counts: impl Fn(TaskId) -> bool) -> bool {
    let mut taken = Taken::default();
    while let Some((head, record)) = from.peek_record() {
        if counts(head.id) && to.add(head.id, head.ready_at, &record.data()).is_err() {
            return false;
        }
        from.take(&mut taken);
        taken.clear();
    }
    true
}

/// The writing ends of a queue's lanes; a level gets its own when it is first used.
#[derive(Default)]
pub(crate) struct Writers {
    pub(crate) writers: [Option<Writer>; LEVELS],
}

#[cfg(test)]
mod tests;
