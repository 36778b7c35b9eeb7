//! Tasks that ran when a process ended uncleanly, the *suspects*: of those one runs at a time.
//!
//! They stand in lines, one a level of a queue. Of each line the first is brought into memory, to wait for a worker as any other task does, and so
//! are those that wait for their time. Whoever of them is claimed first runs: so none that cannot run (its queue pauses, its time has not come)
//! holds up another one. What is claimed while another one runs is put aside: it leaves memory again, for the front of its line, and comes back
//! when that run is over. One whose run has come to an end is no suspect any more, whatever follows.

use crate::alloc::{Ensure, NoMemory};
use crate::engine::journal::{Journal, Work};
use crate::engine::queues::{Queue, Slot};
use crate::engine::Inner;
use crate::store::table::Entry;
use crate::sync::Ordering;
use crate::task::{State, TaskId};
use std::collections::{HashMap, VecDeque};

type Result<T> = std::result::Result<T, NoMemory>;

#[derive(Default)]
pub(super) struct Suspects {
    /// Those in memory, and the number of the line of each.
    here: HashMap<TaskId, usize>,
    /// The one that runs.
    running: Option<TaskId>,
    lines: Vec<Line>,
}

#[derive(Default)]
struct Line {
    /// Those that are in the store only. It has room for those that are in memory too.
    waiting: VecDeque<TaskId>,
    /// How many are in memory.
    here: usize,
    /// The one of those that came from the line.
    first: Option<TaskId>,
    /// The next one could not be read, and is tried again later.
    waits: bool,
}

impl Suspects {
    /// A line with room for one more.
    fn line(&mut self, number: usize) -> Result<&mut Line> {
        if self.lines.len() <= number {
            self.lines.ensure(number + 1 - self.lines.len())?;
            self.lines.resize_with(number + 1, Line::default);
        }
        let line = &mut self.lines[number];
        line.waiting.ensure(line.here + 1)?;
        Ok(line)
    }

    /// Adds one that is in the store only.
    pub(super) fn add(&mut self, id: TaskId, line: usize) -> Result<()> {
        // Room for its time in memory too.
        self.here.ensure(1)?;
        self.line(line)?.waiting.push_back(id);
        Ok(())
    }

    /// Adds one that is about to come into memory, to wait for its time there.
    pub(super) fn add_here(&mut self, id: TaskId, line: usize) -> Result<()> {
        self.here.ensure(1)?;
        self.line(line)?.here += 1;
        self.here.insert(id, line);
        Ok(())
    }

    /// The one that is to come into memory now, if there is memory to note that.
    fn next(&mut self) -> Option<TaskId> {
        if self.running.is_some() || self.here.ensure(1).is_err() {
            return None;
        }
        let mut lines = self.lines.iter_mut().enumerate().filter(|(_, line)| line.first.is_none() && !line.waits);
        let (number, line, id) = lines.find_map(|(number, line)| {
            let id = line.waiting.pop_front()?;
            Some((number, line, id))
        })?;
        line.first = Some(id);
        line.here += 1;
        self.here.insert(id, number);
        Some(id)
    }

    /// What waits is tried again.
    pub(super) fn try_again(&mut self) {
        self.lines.iter_mut().for_each(|line| line.waits = false);
    }

    /// Whether one that was claimed may run now.
    fn may_begin(&mut self, id: TaskId) -> bool {
        if !self.here.contains_key(&id) {
            return true;
        }
        // The run of its own that has ended may not be told of by the store yet.
        let may = self.running.is_none_or(|running| running == id);
        if may {
            self.running = Some(id);
        }
        may
    }

    /// One is not in memory any more, or not to be looked at any more. Its line, if it was one.
    fn leave(&mut self, id: TaskId) -> Option<&mut Line> {
        let line = &mut self.lines[self.here.remove(&id)?];
        line.here -= 1;
        if line.first == Some(id) {
            line.first = None;
        }
        if self.running == Some(id) {
            self.running = None;
        }
        Some(line)
    }
}

impl Journal {
    /// Has the suspects changed, and says at once where there are any in memory.
    pub(super) fn with_suspects<T>(&self, change: impl FnOnce(&mut Suspects) -> T) -> T {
        self.change(&mut self.work.lock(), change)
    }

    fn change<T>(&self, work: &mut Work, change: impl FnOnce(&mut Suspects) -> T) -> T {
        let changed = change(&mut work.suspects);
        self.suspects_here.store(work.suspects.here.len() as u64, Ordering::SeqCst);
        changed
    }

    pub(super) fn next_suspect(&self, work: &mut Work) -> Option<TaskId> {
        self.change(work, Suspects::next)
    }

    /// Whether a task that was claimed may run. Where it may, the run counts from here on.
    pub(crate) fn may_begin(&self, id: TaskId) -> bool {
        self.suspects_here.load(Ordering::SeqCst) == 0 || self.with_suspects(|suspects| suspects.may_begin(id))
    }

    /// The run of a task is over, however it ended, or there will be none: if it was one that runs alone, the next of those may.
    pub(super) fn run_is_over(&self, id: TaskId) {
        if self.suspects_here.load(Ordering::SeqCst) > 0 && self.with_suspects(|suspects| suspects.leave(id).is_some())
        {
            self.wake();
        }
    }

    /// A suspect is in the store only again. `waits`: it could not be read from there.
    pub(super) fn stands_in_line_again(&self, id: TaskId, waits: bool) {
        self.with_suspects(|suspects| {
            // It may have been cancelled meanwhile. There is room for it.
            if let Some(line) = suspects.leave(id) {
                line.waiting.push_front(id);
                line.waits |= waits;
            }
        });
        // The run that it gave way to may be over.
        self.wake();
    }
}

impl Inner {
    /// A worker has claimed a suspect that may not run now: it is as if it had never come into memory. `bytes`: what it takes of the capacity.
    #[cold]
    pub(crate) fn put_aside(
        &self,
        journal: &Journal,
        queue: &Queue,
        slot: &Slot,
        (id, entry, bytes): (TaskId, &Entry, u32),
    ) {
        let mut extras = self.lock_extras();
        if extras.closed {
            drop(extras);
            return self.put_back(queue, slot, id, entry, bytes);
        }
        // Somebody may have asked the run to stop that does not begin. The store knows of its claim then, which is not taken back any more.
        let asked = extras.tasks.get_mut(&id).filter(|extra| entry.is_cancelled() && extra.reason.is_some());
        let is_cancelled = asked.is_some();
        if let Some(extra) = asked {
            extra.uncounted += 1;
            self.finish(&mut extras, id, entry, &[State::Running], State::Cancelled, 0);
        } else {
            let unclaimed = entry.unclaim();
            assert!(unclaimed.is_ok(), "a task that is put aside was claimed");
            if let Some(chunk) = self.store.chunk(id) {
                if self.store.table.forget(&chunk, id).is_told() {
                    // Until it comes in again, or ends without.
                    journal.ask_again(id);
                }
            }
            // Who watches it waits for that too.
            if extras.tasks.get(&id).is_some_and(|extra| extra.watches.is_empty()) {
                extras.forget(&self.control, id);
            }
        }
        let untold = extras.unlock();
        queue.left_out_of_turn(bytes, false);
        if !is_cancelled {
            journal.stands_in_line_again(id, false);
        }
        drop(untold);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_suspect_that_is_tried_again_before_the_store_has_told_of_its_run_does_not_wait_for_itself() {
        let [one, other] = [1, 2].map(|id| TaskId::new(id).unwrap());
        let mut suspects = Suspects::default();
        suspects.add(one, 3).unwrap();
        suspects.add(other, 0).unwrap();
        assert_eq!([suspects.next(), suspects.next(), suspects.next()], [Some(other), Some(one), None]);
        assert!(suspects.may_begin(one) && suspects.may_begin(one));
        assert!(!suspects.may_begin(other));
        assert!(suspects.leave(one).is_some());
        assert!(suspects.may_begin(other) && suspects.may_begin(one), "one has come to an end");
    }
}
