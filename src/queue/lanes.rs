//! The ready tasks of one queue: five lanes, first in first out within each, and ageing between them.
//!
//! The lane whose head has the smallest `ready_at - priority * step` goes first; at a tie the higher level. So a task of
//! level p can be overtaken by one of level q > p only if that became ready less than (q - p) steps later: nobody starves.

use crate::task::{Priority, TaskId};
use std::collections::{TryReserveError, VecDeque};
use std::time::Duration;

const LEVELS: usize = Priority::ALL.len();

/// One ready task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: TaskId,
    pub(crate) bytes: u64,
    ready_at: Duration,
}

/// Ready tasks in the order in which they are to run.
///
/// A task that leaves out of turn (cancelled) stays as a *gap* until its turn comes or gaps outnumber tasks; whoever owns
/// the tasks says which entries still count.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: [VecDeque<Entry>; LEVELS],
    step: Duration,
    len: usize,
    bytes: u64,
    gaps: usize,
}

impl Lanes {
    pub(crate) fn new(step: Duration) -> Self {
        Self {
            lanes: Default::default(),
            step,
            len: 0,
            bytes: 0,
            gaps: 0,
        }
    }

    pub(crate) fn set_step(&mut self, step: Duration) {
        self.step = step;
    }

    /// Tasks in it, gaps not counted.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of the tasks in it, gaps not counted.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes sure that so many pushes to a level need no memory.
    pub(crate) fn reserve(&mut self, priority: Priority, more: usize) -> Result<(), TryReserveError> {
        self.lanes[lane(priority)].try_reserve(more)
    }

    /// Adds a task that is ready from `now` on.
    pub(crate) fn push(&mut self, priority: Priority, id: TaskId, bytes: u64, now: Duration) {
        self.lanes[lane(priority)].push_back(Entry {
            id,
            bytes,
            ready_at: now,
        });
        self.len += 1;
        self.bytes += bytes;
    }

    /// Takes the task that runs next. `counts` says of an entry whether it is still ready, not a gap.
    pub(crate) fn pop(&mut self, counts: impl Fn(TaskId) -> bool) -> Option<Entry> {
        loop {
            let level = self.next_level()?;
            if let Some(entry) = self.take_front(level, &counts) {
                return Some(entry);
            }
        }
    }

    /// Takes the oldest task of the lowest level in use: what a full queue drops.
    pub(crate) fn pop_oldest_of_lowest(&mut self, counts: impl Fn(TaskId) -> bool) -> Option<Entry> {
        for level in 0..LEVELS {
            while !self.lanes[level].is_empty() {
                if let Some(entry) = self.take_front(level, &counts) {
                    return Some(entry);
                }
            }
        }
        None
    }

    /// Notes that a task left out of turn.
    pub(crate) fn forget(&mut self, bytes: u64, counts: impl Fn(TaskId) -> bool) {
        self.len -= 1;
        self.bytes -= bytes;
        self.gaps += 1;
        // Each sweep costs what at least as many cancels have paid for.
        if self.gaps > self.len + 64 {
            for lane in &mut self.lanes {
                lane.retain(|entry| counts(entry.id));
                shrink(lane);
            }
            self.gaps = 0;
        }
    }

    fn next_level(&self) -> Option<usize> {
        let key = |level: usize, head: &Entry| {
            // Nanoseconds as a signed number: a step can reach before the engine's start.
            let priority = i128::from(Priority::ALL[level].level());
            head.ready_at.as_nanos() as i128 - priority * self.step.as_nanos() as i128
        };
        (0..LEVELS)
            .rev() // so that the higher level wins a tie
            .filter_map(|level| self.lanes[level].front().map(|head| (key(level, head), level)))
            .min_by_key(|&(key, _)| key)
            .map(|(_, level)| level)
    }

    /// Removes the head of a lane that has one; `None` if it was a gap.
    fn take_front(&mut self, level: usize, counts: &impl Fn(TaskId) -> bool) -> Option<Entry> {
        let lane = &mut self.lanes[level];
        let entry = lane.pop_front()?;
        if lane.is_empty() {
            shrink(lane);
        }
        if !counts(entry.id) {
            self.gaps -= 1;
            return None;
        }
        self.len -= 1;
        self.bytes -= entry.bytes;
        Some(entry)
    }
}

fn lane(priority: Priority) -> usize {
    (priority.level() - Priority::Lowest.level()) as usize
}

/// Gives memory back after a large backlog, and keeps it where there is little to gain.
fn shrink(lane: &mut VecDeque<Entry>) {
    if lane.capacity() > 4096 && lane.len() < lane.capacity() / 4 {
        lane.shrink_to(lane.len().max(1024));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn id(n: i64) -> TaskId {
        TaskId::new(n).unwrap()
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn drain(lanes: &mut Lanes) -> Vec<i64> {
        std::iter::from_fn(|| lanes.pop(|_| true))
            .map(|entry| entry.id.value())
            .collect()
    }

    #[test]
    fn within_a_level_first_in_is_first_out() {
        let mut lanes = Lanes::new(secs(1));
        for n in 1..=5 {
            lanes.push(Priority::Normal, id(n), 1, secs(0));
        }
        assert_eq!((lanes.len(), lanes.bytes()), (5, 5));
        assert_eq!(drain(&mut lanes), [1, 2, 3, 4, 5]);
        assert_eq!((lanes.len(), lanes.bytes()), (0, 0));
    }

    #[test]
    fn a_higher_level_goes_first_and_a_tie_goes_to_the_higher_level() {
        let mut lanes = Lanes::new(secs(1));
        for (n, priority) in (1..).zip(Priority::ALL) {
            lanes.push(priority, id(n), 0, secs(0));
        }
        assert_eq!(drain(&mut lanes), [5, 4, 3, 2, 1]);
        lanes.push(Priority::Normal, id(1), 0, secs(0));
        lanes.push(Priority::AboveNormal, id(2), 0, secs(1));
        assert_eq!(drain(&mut lanes), [2, 1], "one step later and one level up is a tie");
    }

    #[test]
    fn a_task_of_the_lowest_level_waits_at_most_four_steps_for_a_stream_of_the_highest() {
        let mut lanes = Lanes::new(secs(1));
        lanes.push(Priority::Lowest, id(1), 0, secs(10));
        let mut served_after = None;
        for tick in 0..20u64 {
            // Ten a second come, ten a second go: strict priority would never serve the low one.
            let now = secs(10) + Duration::from_millis(500) * tick as u32;
            for n in 0..5 {
                lanes.push(Priority::Highest, id(100 + tick as i64 * 5 + n), 0, now);
            }
            for _ in 0..5 {
                if lanes.pop(|_| true).unwrap().id == id(1) {
                    served_after.get_or_insert(now - secs(10));
                }
            }
        }
        assert!(served_after.is_some_and(|after| after <= secs(5)), "{served_after:?}");
    }

    #[test]
    fn what_left_out_of_turn_is_skipped_and_its_memory_given_back() {
        let mut lanes = Lanes::new(secs(1));
        let mut ready = HashSet::new();
        for n in 1..=10_000 {
            lanes.push(Priority::Normal, id(n), 10, secs(0));
            ready.insert(id(n));
        }
        for n in 1..10_000 {
            ready.remove(&id(n));
            lanes.forget(10, |id| ready.contains(&id));
        }
        assert_eq!((lanes.len(), lanes.bytes()), (1, 10));
        let held: usize = lanes.lanes.iter().map(VecDeque::len).sum();
        assert!(held <= 66, "{held} entries are held for one task");
        assert_eq!(lanes.pop(|id| ready.contains(&id)).unwrap().id, id(10_000));
        assert_eq!(lanes.pop(|_| false), None);
    }

    #[test]
    fn a_full_queue_drops_the_oldest_of_the_lowest_level() {
        let mut lanes = Lanes::new(secs(1));
        lanes.push(Priority::Highest, id(1), 0, secs(0));
        lanes.push(Priority::Normal, id(2), 0, secs(0));
        lanes.push(Priority::Normal, id(3), 0, secs(0));
        lanes.forget(0, |task| task != id(2));
        assert_eq!(lanes.pop_oldest_of_lowest(|task| task != id(2)).unwrap().id, id(3));
        assert_eq!(lanes.pop_oldest_of_lowest(|_| true).unwrap().id, id(1));
        assert_eq!(lanes.pop_oldest_of_lowest(|_| true), None);
    }

    proptest! {
        /// Against the definition: a sorted list by (ready_at - priority * step, level, arrival).
        #[test]
        fn the_order_is_the_one_that_the_definition_gives(
            tasks in proptest::collection::vec((-2i32..=2, 0u64..5000), 0..200),
            step_ms in 0u64..2000,
        ) {
            let step = Duration::from_millis(step_ms);
            let mut lanes = Lanes::new(step);
            let mut now = 0;
            let mut expected = Vec::new();
            for (n, (level, gap)) in (1..).zip(tasks) {
                now += gap;
                let priority = Priority::from_level(level).unwrap();
                lanes.push(priority, id(n), 3, Duration::from_millis(now));
                expected.push((now as i64 - i64::from(level) * step_ms as i64, -level, n));
            }
            expected.sort_unstable();
            prop_assert_eq!(lanes.bytes(), 3 * expected.len() as u64);
            prop_assert_eq!(drain(&mut lanes), expected.iter().map(|&(_, _, n)| n).collect::<Vec<_>>());
        }
    }
}
