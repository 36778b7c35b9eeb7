//! How long a finished task is known: the newest are kept whole, and the young ones that are too many for that by their
//! word alone (state and times), so that whoever started a task a moment ago can still ask how it ended.

use crate::alloc::Ensure;
use crate::error::Result;
use crate::task::TaskId;
use std::collections::VecDeque;

/// How long a finished task is young: [`crate::options::KEEP_FINISHED_FOR`].
const YOUNG_MS: u32 = crate::options::KEEP_FINISHED_FOR.as_millis() as u32;
/// Ends that lie so close together are young as long as the last of them.
const MOMENT_MS: u32 = 64;
/// No more moments than these are young at one time.
const MOMENTS: usize = (YOUNG_MS / MOMENT_MS) as usize + 3;
/// Room beyond what is kept by default, for what one step adds before it takes away.
const STEP: usize = 16;

/// What a step lets go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// All but the word of a task that had more.
    Extra(TaskId),
    /// A task, of which nothing but its word was left.
    Task(TaskId),
}

/// Finished tasks that can still be asked for.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The oldest first; negative where the task has more than its word.
    ids: VecDeque<i64>,
    /// How many of the newest are kept whole.
    most_whole: usize,
    /// How many older ones may be kept while they are young.
    most_young: usize,
    /// How many of the oldest have nothing but their word.
    bare: usize,
    /// How many were there before the oldest.
    gone: u64,
    ages: Ages,
}

impl Finished {
    /// # Errors
    /// [`Error::OutOfMemory`]: what the default retention needs is reserved at once, since the end of a run has nobody to tell
    /// of a lack of memory.
    pub(crate) fn new(most_whole: usize, most_young: usize) -> Result<Self> {
        Ok(Self {
            ids: reserved(Self::least_room(most_whole))?,
            most_whole,
            most_young,
            bare: 0,
            gone: 0,
            ages: Ages::new()?,
        })
    }

    fn least_room(most_whole: usize) -> usize {
        most_whole.min(crate::options::DEFAULT_KEEP) + STEP
    }

    /// Adds tasks that have just ended, and lets go of what is too much, or too old and too much. `now_ms`: of a clock that
    /// never jumps.
    pub(crate) fn add(&mut self, ids: &[TaskId], has_extra: bool, now_ms: u32, mut gone: impl FnMut(Gone)) {
        if self.ids.ensure(ids.len()).is_err() {
            // The oldest make room for the new.
            while self.ids.capacity() - self.ids.len() < ids.len() && self.forget_oldest(&mut gone) {}
        }
        let sign = if has_extra { -1 } else { 1 };
        self.ids.extend(ids.iter().map(|id| sign * id.value()));
        self.ages.add(now_ms, self.gone + self.ids.len() as u64);
        while self.ids.len() - self.bare > self.most_whole {
            if let Some(id) = with_extra(self.ids[self.bare]) {
                gone(Gone::Extra(id));
            }
            self.bare += 1;
        }
        let old = self.ages.old(now_ms);
        // What became old while nothing ended goes bit by bit: no step takes long.
        let mut steps = 4 * ids.len();
        while self.bare > self.most_young || (self.bare > 0 && self.gone < old && steps > 0) {
            self.forget_oldest(&mut gone);
            steps = steps.saturating_sub(1);
        }
        self.give_back();
    }

    /// Whether there was one.
    fn forget_oldest(&mut self, gone: &mut impl FnMut(Gone)) -> bool {
        let Some(id) = self.ids.pop_front() else { return false };
        if self.bare > 0 {
            self.bare -= 1;
        } else if let Some(id) = with_extra(id) {
            gone(Gone::Extra(id));
        }
        self.gone += 1;
        if let Ok(id) = TaskId::new(id.abs()) {
            gone(Gone::Task(id));
        }
        true
    }

    /// Gives memory back after many ended at once.
    fn give_back(&mut self) {
        let needed = self.ids.len().max(Self::least_room(self.most_whole));
        if self.ids.capacity() / 8 < needed {
            return;
        }
        // Not shrink_to, which may need memory and then ends the process where there is none.
        let mut smaller = VecDeque::new();
        if smaller.try_reserve_exact(2 * needed).is_ok() {
            smaller.extend(self.ids.iter());
            self.ids = smaller;
        }
    }
}

fn with_extra(id: i64) -> Option<TaskId> {
    if id > 0 {
        return None;
    }
    TaskId::new(-id).ok()
}

/// A list with room for so many.
pub(crate) fn reserved<T>(count: usize) -> Result<VecDeque<T>> {
    let mut list = VecDeque::new();
    list.ensure(count)?;
    Ok(list)
}

/// How many of a row of entries, counted from the first there ever was, are no longer young.
#[derive(Debug)]
struct Ages {
    /// When the moment began, and how many there were at its end; the oldest first. Only young ones.
    moments: VecDeque<(u32, u64)>,
    old: u64,
}

impl Ages {
    fn new() -> Result<Self> {
        Ok(Self { moments: reserved(MOMENTS)?, old: 0 })
    }

    /// So many there are now.
    fn add(&mut self, now_ms: u32, count: u64) {
        // First, so that there is room for one more.
        self.old(now_ms);
        match self.moments.back_mut() {
            Some((began, until)) if now_ms.wrapping_sub(*began) < MOMENT_MS => *until = count,
            _ => self.moments.push_back((now_ms, count)),
        }
    }

    fn old(&mut self, now_ms: u32) -> u64 {
        while let Some(&(began, until)) = self.moments.front() {
            if now_ms.wrapping_sub(began) < MOMENT_MS + YOUNG_MS {
                break;
            }
            self.old = until;
            self.moments.pop_front();
        }
        self.old
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn id(number: i64) -> TaskId {
        TaskId::new(number).unwrap()
    }

    /// What is known of tasks that ended in the order of their ids, and when.
    struct World {
        finished: Finished,
        ended_ms: Vec<u32>,
        with_extra: BTreeSet<i64>,
        known: BTreeSet<i64>,
        now_ms: u32,
    }

    impl World {
        fn new(most_whole: usize, most_young: usize) -> Self {
            Self {
                finished: Finished::new(most_whole, most_young).unwrap(),
                ended_ms: Vec::new(),
                with_extra: BTreeSet::new(),
                known: BTreeSet::new(),
                // So that the clock wraps on its way.
                now_ms: u32::MAX - 2000,
            }
        }

        fn later(&mut self, ms: u32) {
            self.now_ms = self.now_ms.wrapping_add(ms);
        }

        /// So many end in one step. How many are forgotten in it.
        fn end(&mut self, count: usize, has_extra: bool) -> usize {
            let first = self.ended_ms.len() as i64 + 1;
            let ids: Vec<_> = (first..first + count as i64).map(id).collect();
            self.ended_ms.resize(self.ended_ms.len() + count, self.now_ms);
            self.known.extend(ids.iter().map(|id| id.value()));
            if has_extra {
                self.with_extra.extend(ids.iter().map(|id| id.value()));
            }
            let mut forgotten = 0;
            self.finished.add(&ids, has_extra, self.now_ms, |gone| match gone {
                Gone::Extra(id) => assert!(self.with_extra.remove(&id.value()), "{id} had one, and it goes once"),
                Gone::Task(id) => {
                    assert!(!self.with_extra.contains(&id.value()), "its extra goes first");
                    assert_eq!(self.known.pop_first(), Some(id.value()), "the oldest goes first, and once");
                    forgotten += 1;
                }
            });
            forgotten
        }

        fn age_ms(&self, id: i64) -> u32 {
            self.now_ms.wrapping_sub(self.ended_ms[id as usize - 1])
        }
    }

    #[test]
    fn a_finished_task_is_known_for_a_second_however_many_end_after_it() {
        let mut world = World::new(10, 1_000_000);
        for _ in 0..100 {
            world.later(10);
            assert_eq!(world.end(1000, false), 0, "all of them are young");
        }
        assert_eq!(world.known.len(), 100_000);
        world.later(100);
        world.end(1000, false);
        assert!(world.known.iter().all(|id| world.age_ms(*id) <= YOUNG_MS + MOMENT_MS), "the first are too old");
        assert!(world.known.contains(&99_000), "the last are not");
    }

    #[test]
    fn where_too_many_are_young_the_oldest_goes() {
        let mut world = World::new(10, 100);
        assert_eq!(world.end(110, false), 0);
        for _ in 0..1000 {
            assert_eq!(world.end(1, false), 1);
        }
        assert_eq!((world.known.len(), world.known.first()), (110, Some(&1001)));
    }

    #[test]
    fn where_none_may_be_kept_for_its_youth_exactly_the_newest_are_known() {
        for most in [0, 1, 2, 5] {
            let mut world = World::new(most, 0);
            for _ in 0..20 {
                world.end(3, true);
                assert_eq!(world.known.len(), most.min(world.ended_ms.len()));
                assert_eq!(world.with_extra, world.known);
            }
        }
    }

    #[test]
    fn what_is_kept_for_its_youth_has_nothing_but_its_word() {
        let mut world = World::new(2, 100);
        for _ in 0..10 {
            world.end(3, true);
        }
        assert_eq!(world.known.len(), 30);
        assert_eq!(world.with_extra, BTreeSet::from([29, 30]));
    }

    #[test]
    fn what_became_old_in_a_pause_goes_bit_by_bit() {
        let mut world = World::new(10, 1_000_000);
        world.end(50_000, false);
        world.later(10 * YOUNG_MS);
        for _ in 0..1000 {
            assert_eq!(world.end(2, false), 8);
        }
        while world.end(2, false) > 2 {}
        assert!(world.known.len() <= 10 + 2 * 20_000);
    }

    #[test]
    fn after_many_ends_at_once_the_memory_goes_back() {
        let mut world = World::new(10, 1_000_000);
        world.end(300_000, false);
        let most = world.finished.ids.capacity();
        for _ in 0..100_000 {
            world.later(10);
            world.end(1, false);
        }
        assert!(world.finished.ids.capacity() < most / 100, "{} of {most}", world.finished.ids.capacity());
    }

    proptest! {
        #[test]
        fn the_newest_and_the_young_are_known_and_the_rest_goes(
            most_whole in 0usize..20,
            most_young in 0usize..60,
            steps in proptest::collection::vec((0u32..400, 1usize..20, any::<bool>()), 1..200),
        ) {
            let mut world = World::new(most_whole, most_young);
            for (pause_ms, count, has_extra) in steps {
                world.later(pause_ms);
                world.end(count, has_extra);
                let all = world.ended_ms.len();
                let newest = |most: usize, id: i64| all - (id as usize) < most;
                for id in 1..=all as i64 {
                    let young = world.age_ms(id) < YOUNG_MS && newest(most_whole + most_young, id);
                    if newest(most_whole, id) || young {
                        prop_assert!(world.known.contains(&id), "{id} of {all} is forgotten");
                    }
                }
                prop_assert!(world.known.len() <= most_whole + most_young);
                prop_assert!(world.with_extra.iter().all(|id| newest(most_whole, *id)));
                prop_assert!(world.finished.ages.moments.len() <= MOMENTS);
            }
        }

        /// With enough steps to forget by, nothing that is old is left.
        #[test]
        fn after_a_pause_only_the_newest_are_known(counts in proptest::collection::vec(1usize..50, 1..50)) {
            let mut world = World::new(5, 1_000_000);
            for count in counts {
                world.end(count, true);
                world.later(30);
            }
            let all = world.ended_ms.len();
            world.later(YOUNG_MS + MOMENT_MS);
            for _ in 0..all {
                world.end(1, true);
            }
            prop_assert!(world.known.iter().all(|id| *id > all as i64 - 5), "{:?} of {all}", world.known.first());
        }
    }
}
