//! Ready tasks that are in the store and not in memory: there are more of a queue than memory is to hold.
//!
//! Of each only its id and size are known here, by queue and level, in the order in which they are to run. They count as ready, and against
//! the capacity of their queue. The journal's thread brings them in, the highest level first, when half of what memory may hold has run.

use crate::alloc::{Ensure, NoMemory};
use crate::engine::intake::{Entrance, Phase};
use crate::engine::journal::accept::{bytes_of_stored, Coming};
use crate::engine::journal::Journal;
use crate::engine::Inner;
use crate::error::Result;
use crate::queue::lanes::{level_of, LEVELS};
use crate::store::durable::StoredTask;
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::task::{Priority, State, TaskId};
use std::collections::VecDeque;

/// So many are brought in with the intake's lock held once.
const BATCH: usize = 64;
/// Of so many runs that begin one looks whether there is room in memory.
const LOOK_EACH: u64 = 64;

/// How much of a queue's ready tasks memory holds, where there is a choice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub(super) tasks: u64,
    pub(super) bytes: u64,
}

#[derive(Default)]
pub(super) struct Outside {
    /// By the index of the queue.
    queues: Mutex<Vec<Lines>>,
    /// How many in all, to be read without the lock.
    count: AtomicU64,
    /// Runs that have begun since the start while there were any.
    runs: AtomicU64,
}

/// The tasks of a queue, by level.
#[derive(Default)]
struct Lines {
    levels: [VecDeque<One>; LEVELS],
}

#[derive(Clone, Copy)]
struct One {
    id: TaskId,
    bytes: u32,
    /// How it will.
    coming: Coming,
}

impl Lines {
    /// Whether one of this level or a higher one is out, which a new one of the level may not overtake.
    fn holds_up(&self, level: usize) -> bool {
        self.levels[level..].iter().any(|line| !line.is_empty())
    }

    /// The one that goes next, and its level.
    fn next(&self) -> Option<(usize, One)> {
        let levels = self.levels.iter().enumerate().rev();
        levels.filter_map(|(level, line)| Some((level, *line.front()?))).next()
    }
}

impl Outside {
    fn add(&self, queue: usize, level: usize, one: One) -> std::result::Result<(), NoMemory> {
        let mut queues = self.queues.lock();
        if queues.len() <= queue {
            let more = queue + 1 - queues.len();
            queues.ensure(more)?;
            queues.resize_with(queue + 1, Lines::default);
        }
        let line = &mut queues[queue].levels[level];
        line.ensure(1)?;
        line.push_back(one);
        self.count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    fn holds_up(&self, queue: usize, level: usize) -> bool {
        self.count() > 0 && self.queues.lock().get(queue).is_some_and(|lines| lines.holds_up(level))
    }

    fn next(&self, queue: usize) -> Option<(usize, One)> {
        self.queues.lock().get(queue)?.next()
    }

    /// Takes the first one of a level, which is [`Outside::next`]: only the journal's thread takes any.
    fn take(&self, queue: usize, level: usize) {
        let taken = self.queues.lock().get_mut(queue).and_then(|lines| lines.levels[level].pop_front());
        self.count.fetch_sub(u64::from(taken.is_some()), Ordering::SeqCst);
    }
}

impl Journal {
    /// A run has begun or a worker has found nothing: there may be room for what is outside.
    pub(crate) fn look_for_room(&self, is_idle: bool) {
        if self.outside.count() > 0 && (is_idle || self.outside.runs.fetch_add(1, Ordering::Relaxed) % LOOK_EACH == 0) {
            self.work.lock().looks_for_room = true;
            self.wake();
        }
    }
}

impl Inner {
    /// Keeps a ready task outside, if its queue has as many in memory as it may, or others of its level are outside. Whether it did. Where
    /// there is no memory for the note, the task itself is to be brought in.
    pub(super) fn keep_outside(
        &self,
        journal: &Journal,
        entrance: &mut Entrance,
        task: &StoredTask,
        coming: Coming,
    ) -> bool {
        let level = level_of(task.priority);
        let (queue, bound) = (entrance.queue.index, journal.bound);
        // What is urgent does not wait outside for what is not, unless memory holds twice of what it may.
        let factor = if task.priority > Priority::Normal { 2 } else { 1 };
        let (tasks, in_bytes) = entrance.in_memory();
        let is_full = tasks >= bound.tasks * factor || in_bytes >= bound.bytes * factor;
        if task.state != State::Ready || !(is_full || journal.outside.holds_up(queue, level)) {
            return false;
        }
        let bytes = bytes_of_stored(task);
        let is_noted = journal.outside.add(queue, level, One { id: task.id, bytes, coming }).is_ok();
        if is_noted {
            entrance.keep_outside(u64::from(bytes), coming == Coming::Again);
        }
        is_noted
    }

    /// Brings in what is outside, as far as there is room. On the journal's thread. Whether there may be more to do at once.
    pub(super) fn bring_in_from_outside(&self, journal: &Journal) -> Result<bool> {
        let mut goes_on = false;
        for queue in self.queues.iter() {
            let mut intake = self.intake.0.lock();
            let (tasks, bytes) = intake.entrances[queue.index].in_memory();
            // Half of it at a time, so that the store is not asked for each task that runs.
            let has_room = tasks <= journal.bound.tasks / 2 && bytes <= journal.bound.bytes / 2;
            if intake.phase > Phase::Open || !has_room {
                continue;
            }
            loop {
                let (tasks, bytes) = intake.entrances[queue.index].in_memory();
                if intake.phase > Phase::Open || tasks >= journal.bound.tasks || bytes >= journal.bound.bytes {
                    goes_on |= tasks <= journal.bound.tasks / 2;
                    break;
                }
                drop(intake);
                let some = self.bring_some_in(journal, queue.index)?;
                intake = self.intake.0.lock();
                if !some {
                    break;
                }
            }
        }
        Ok(goes_on)
    }

    /// Brings a few in. Whether there were any.
    fn bring_some_in(&self, journal: &Journal, queue: usize) -> Result<bool> {
        // While none of them is cancelled in the store.
        let _reading = journal.reading.lock();
        for count in 0..BATCH {
            let Some((level, one)) = journal.outside.next(queue) else { return Ok(count > 0) };
            let task = journal.store.get(one.id)?.filter(|task| task.state == State::Ready);
            let task = task.filter(|task| !self.buried_unfit(journal, task));
            journal.outside.take(queue, level);
            let mut intake = self.intake.0.lock();
            let is_old = one.coming == Coming::Again;
            intake.entrances[queue].bring_in(u64::from(one.bytes), is_old);
            let Some(task) = task else {
                // Cancelled meanwhile, or not fit to run. It was accepted all the same.
                if !is_old {
                    intake.entrances[queue].accept_elsewhere();
                }
                continue;
            };
            let Ok(target) = intake.target_of(&task) else { continue };
            if self.bring_in(&mut intake, &task, target, one.coming).is_err() {
                journal.leave_out(task.id, one.coming);
            }
            self.let_them_run(intake, std::iter::once(target.queue));
        }
        Ok(true)
    }
}
