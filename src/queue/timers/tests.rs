#![cfg(not(loom))]

use super::slab::CHUNK;
use super::*;
use crate::alloc::measured::{live_bytes, with_allocations};
use crate::error::Error;
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(super) const DAY: u64 = 24 * 3600 * 1000;
const YEAR: u64 = 365 * DAY;

/// Reproducible chance: xorshift64.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

impl Timers {
    /// What is due, in order.
    fn due(&mut self, now_ms: u64) -> Vec<u64> {
        std::iter::from_fn(|| self.pop_due(now_ms)).collect()
    }

    /// Holds what the wheel's order rests on against every node.
    fn check(&self) {
        let mut found = 0;
        for level in 0..LEVELS {
            assert_eq!(self.levels & 1 << level != 0, self.occupied[level] != 0);
            for slot in 0..SLOTS {
                let list = self.slots[level][slot];
                assert_eq!(self.occupied[level] & 1 << slot != 0, list.first != NONE);
                let (mut prev, mut index) = (NONE, list.first);
                while index != NONE {
                    let node = self.slab.node(index);
                    assert_eq!(node.prev, prev);
                    assert_eq!(self.place_of(node.deadline_ms), (level, slot));
                    assert!(node.deadline_ms >= self.begin_of(level, slot) && node.deadline_ms >= self.now_ms);
                    found += 1;
                    (prev, index) = (index, node.next);
                }
                assert_eq!(list.last, prev);
            }
        }
        assert_eq!(found, self.len());
        self.slab.check();
    }
}

#[test]
fn a_timer_fires_at_its_millisecond_and_not_before() {
    for deadline in [1, 63, 64, 65, 4095, 4096, 100_000, YEAR, 1 << 60, u64::MAX] {
        let mut timers = Timers::new(0);
        timers.insert(deadline, 7).unwrap();
        assert_eq!(timers.pop_due(deadline - 1), None, "{deadline}");
        assert_eq!(timers.next_ms(), Some(deadline), "{deadline}");
        assert_eq!(timers.pop_due(deadline), Some(7), "{deadline}");
        assert_eq!((timers.pop_due(deadline), timers.len(), timers.next_ms()), (None, 0, None));
    }
}

#[test]
fn earlier_milliseconds_go_first_and_one_millisecond_goes_in_the_order_of_insertion() {
    let mut timers = Timers::new(1000);
    timers.insert(9000, 1).unwrap();
    timers.insert(2000, 2).unwrap();
    timers.insert(9000, 3).unwrap();
    assert_eq!(timers.due(8999), [2]);
    // The same millisecond, at another distance.
    timers.insert(9000, 4).unwrap();
    timers.insert(9001, 5).unwrap();
    assert_eq!(timers.due(u64::MAX), [1, 3, 4, 5]);
}

#[test]
fn a_deadline_that_has_passed_fires_at_the_next_call_after_what_was_due_before_it() {
    let mut timers = Timers::new(1000);
    timers.insert(1000, 1).unwrap();
    timers.insert(0, 2).unwrap();
    timers.insert(1001, 3).unwrap();
    assert_eq!(timers.next_ms(), Some(1000));
    assert_eq!(timers.due(1000), [1, 2]);
    assert_eq!(timers.due(1001), [3]);
}

#[test]
fn time_that_goes_back_counts_as_the_latest_that_was_told() {
    let mut timers = Timers::new(0);
    timers.insert(500, 1).unwrap();
    timers.insert(900, 2).unwrap();
    assert_eq!(timers.pop_due(1000), Some(1));
    assert_eq!(timers.pop_due(3), Some(2));
    assert_eq!(timers.pop_due(3), None);
    timers.insert(4, 3).unwrap();
    assert_eq!(timers.next_ms(), Some(1000));
    assert_eq!(timers.pop_due(0), Some(3));
}

#[test]
fn what_is_inserted_while_others_are_taken_has_its_place_among_them() {
    let mut timers = Timers::new(0);
    timers.insert(100, 1).unwrap();
    timers.insert(300, 3).unwrap();
    assert_eq!(timers.pop_due(1000), Some(1));
    timers.insert(200, 2).unwrap();
    timers.insert(50, 11).unwrap();
    timers.insert(2000, 20).unwrap();
    assert_eq!(timers.due(1000), [11, 2, 3]);
    assert_eq!(timers.len(), 1);
}

#[test]
fn a_cancelled_timer_never_fires_and_gives_its_key_back() {
    let mut timers = Timers::new(0);
    let all: Vec<_> = (0..100).map(|n| timers.insert(n * n, n).unwrap()).collect();
    for n in (0..100).step_by(3) {
        assert_eq!(timers.cancel(all[n as usize]), n);
    }
    timers.check();
    assert_eq!(timers.due(u64::MAX), (0..100).filter(|n| n % 3 != 0).collect::<Vec<_>>());
}

#[test]
#[should_panic(expected = "a timer was cancelled that had fired or was cancelled before")]
fn to_cancel_what_has_fired_is_a_bug_that_is_told() {
    let mut timers = Timers::new(0);
    let timer = timers.insert(1, 1).unwrap();
    timers.insert(2, 2).unwrap();
    timers.pop_due(1);
    timers.cancel(timer);
}

/// Who sleeps until `next_ms` each time: every timer fires at its own millisecond. How many calls found nothing to do.
fn sleep_through(timers: &mut Timers, deadlines: &BTreeMap<u64, u64>) -> u64 {
    let (mut early, mut now) = (0, 0);
    let mut left = deadlines.clone();
    while let Some(next) = timers.next_ms() {
        assert!(next > now || now == 0, "a call at {now} asks for another one at {next}");
        assert!(next <= *left.first_key_value().unwrap().0, "too late");
        now = next;
        let mut fired = 0;
        while let Some(key) = timers.pop_due(now) {
            assert_eq!(left.remove(&now), Some(key), "fired at its own millisecond");
            fired += 1;
        }
        early += u64::from(fired == 0);
    }
    assert!(left.is_empty());
    early
}

#[test]
fn few_timers_wake_nobody_early() {
    let mut timers = Timers::new(0);
    let deadlines: BTreeMap<_, _> = [(70, 1), (3_600_000, 2), (3_700_000, 3), (30 * DAY, 4)].into();
    for (&deadline, &key) in &deadlines {
        timers.insert(deadline, key).unwrap();
    }
    assert_eq!(sleep_through(&mut timers, &deadlines), 0);
}

#[test]
fn many_timers_wake_somebody_early_less_than_once_a_timer() {
    let (mut timers, mut chance) = (Timers::new(0), Chance(1));
    let deadlines: BTreeMap<_, _> = (0..20_000).map(|key| (chance.below(DAY), key)).collect();
    for (&deadline, &key) in &deadlines {
        timers.insert(deadline, key).unwrap();
    }
    let early = sleep_through(&mut timers, &deadlines);
    // A slot is opened early once a level, for all that are in it.
    assert!(early < deadlines.len() as u64, "{early} early calls for {} timers", deadlines.len());
}

#[test]
fn without_memory_an_insert_is_refused_and_nothing_has_changed() {
    let mut timers = Timers::new(0);
    assert!(matches!(with_allocations(0, || timers.insert(1, 1)), Err(Error::OutOfMemory { .. })));
    assert!(matches!(with_allocations(1, || timers.ensure(1)), Err(Error::OutOfMemory { .. })));
    assert_eq!((timers.len(), timers.next_ms()), (0, None));
    for n in 0..CHUNK as u64 {
        timers.insert(n, n).unwrap();
    }
    assert!(matches!(with_allocations(0, || timers.insert(1, 1)), Err(Error::OutOfMemory { .. })));
    let (len, chunks) = (timers.len(), timers.slab.live_chunks());
    for granted in 0..10 {
        let refused = with_allocations(granted, || timers.ensure(20 * CHUNK));
        assert!(matches!(refused, Err(Error::OutOfMemory { .. })), "{granted}");
        assert_eq!((timers.len(), timers.slab.live_chunks()), (len, chunks));
        timers.check();
    }
    assert!(matches!(timers.ensure(usize::MAX), Err(Error::OutOfMemory { .. })));
    assert_eq!(timers.due(u64::MAX).len(), len);
}

#[test]
fn what_was_ensured_is_there_whatever_fires_and_is_cancelled_in_between() {
    let mut timers = Timers::new(0);
    let all: Vec<_> = (0..5_000).map(|n| timers.insert(n, n).unwrap()).collect();
    for timer in all.iter().step_by(2) {
        timers.cancel(*timer);
    }
    // There is room for them where others were, in chunks that run empty later.
    with_allocations(0, || timers.ensure(2_000)).unwrap();
    assert_eq!(timers.due(5_000).len(), 2_500);
    assert!(with_allocations(0, || (0..2_000).all(|n| timers.insert(6_000 + n, n).is_ok())));
    // Once they have come, nothing is kept for them any more.
    assert_eq!(timers.due(u64::MAX).len(), 2_000);
    assert!(timers.slab.live_chunks() <= 1);
}

#[test]
fn what_was_ensured_and_not_needed_goes_back_with_the_next_timers_that_fire() {
    let mut timers = Timers::new(0);
    timers.ensure(20 * CHUNK).unwrap();
    for n in 0..10 {
        timers.insert(YEAR, n).unwrap();
    }
    for n in 0..20 * CHUNK as u64 {
        let timer = timers.insert(n, n).unwrap();
        timers.cancel(timer);
    }
    for n in 0..20 {
        let timer = timers.insert(n, n).unwrap();
        timers.cancel(timer);
    }
    // One for the timers that are left, and a chunk's worth of free ones.
    assert!(timers.slab.live_chunks() <= 2, "{}", timers.slab.live_chunks());
}

#[test]
fn a_timer_costs_less_than_40_bytes() {
    assert!(size_of::<Node>() <= 32);
    assert_eq!(size_of::<Option<Timer>>(), 4);
    for count in [100_000, 1_000_000] {
        let before = live_bytes();
        let mut timers = Timers::new(0);
        for n in 0..count {
            timers.insert(n % 10_007, n).unwrap();
        }
        let bytes = (live_bytes() - before) as u64 + size_of::<Timers>() as u64;
        assert!(bytes <= 30 * count, "{bytes} bytes for {count} timers");
    }
}

#[test]
fn memory_goes_back_when_many_have_fired_though_a_few_are_left() {
    let before = live_bytes();
    let mut timers = Timers::new(0);
    for n in 0..300_000 {
        let is_long = n % 100_000 == 7;
        timers.insert(if is_long { YEAR } else { n % 50_000 }, n).unwrap();
    }
    assert!(live_bytes() - before > 300_000 * 24);
    assert_eq!(timers.due(DAY).len(), 300_000 - 3);
    let few = live_bytes() - before;
    assert!(few < 128 * 1024, "{few} bytes for 3 timers");
    timers.check();
    assert_eq!(timers.due(YEAR), [7, 100_007, 200_007]);
    let none = live_bytes() - before;
    assert!(none < 16 * 1024, "{none} bytes for none");
    drop(timers);
    assert_eq!(live_bytes(), before);
}

#[test]
fn a_few_more_and_a_few_less_do_not_allocate_at_each_turn() {
    let mut timers = Timers::new(0);
    for n in 0..10 * CHUNK as u64 {
        timers.insert(n, n).unwrap();
    }
    // Across the boundary of a chunk, again and again.
    timers.ensure(CHUNK).unwrap();
    let turn = |n| timers.insert(n, n).map(|timer| timers.cancel(timer)) == Ok(n);
    assert!(with_allocations(0, || (0..1_000).all(turn)));
}

/// What is done to timers.
#[derive(Debug, Clone)]
enum Step {
    /// So far from now, forward or back.
    Insert(i64),
    /// At the deadline of another one.
    Again(usize),
    Cancel(usize),
    /// One that has fired or was cancelled.
    CancelGone(usize),
    /// Time goes back so far.
    SetBack(u64),
    /// So many, each a little further: more than a chunk holds.
    Crowd(usize, i64, i64),
    /// Each n-th.
    CancelEvery(usize),
    /// So much later; and an insert so far from there after every so many that were taken.
    Advance(u64, Option<(usize, i64)>),
    /// To the moment that the wheel asks for.
    Sleep,
    Ensure(usize),
}

fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..200u64,
        3 => 0..10_000u64,
        2 => 0..DAY,
        1 => 0..200 * YEAR,
        1 => any::<u64>(),
        // Beside the boundaries of levels.
        2 => (0..64u32, 0..3u64).prop_map(|(bit, more)| (1u64 << bit).saturating_add(more).saturating_sub(1)),
    ]
}

fn offset() -> impl Strategy<Value = i64> {
    prop_oneof![
        9 => distance().prop_map(|distance| distance.min(i64::MAX as u64) as i64),
        1 => (0..10_000i64).prop_map(|back| -back),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => offset().prop_map(Step::Insert),
        2 => any::<usize>().prop_map(Step::Again),
        3 => any::<usize>().prop_map(Step::Cancel),
        1 => (0..600usize, offset(), 0..1_000i64).prop_map(|(count, from, apart)| Step::Crowd(count, from, apart)),
        1 => (1..4usize).prop_map(Step::CancelEvery),
        2 => any::<usize>().prop_map(Step::CancelGone),
        1 => distance().prop_map(Step::SetBack),
        3 => (distance(), proptest::option::of((1..4usize, offset()))).prop_map(|(by, more)| Step::Advance(by, more)),
        3 => Just(Step::Sleep),
        1 => (0..600usize).prop_map(Step::Ensure),
    ];
    proptest::collection::vec(step, 0..100)
}

/// A wheel beside its definition: a sorted map.
struct Both {
    timers: Timers,
    /// By deadline and order of insertion.
    model: BTreeMap<(u64, u64), (Timer, u64)>,
    gone: Vec<(Timer, u64)>,
    /// What an earlier deadline counts as.
    stands: u64,
    told: u64,
    inserted: u64,
}

impl Both {
    fn new(start: u64) -> Self {
        Self {
            timers: Timers::new(start),
            model: BTreeMap::new(),
            gone: Vec::new(),
            stands: start,
            told: start,
            inserted: 0,
        }
    }

    fn insert(&mut self, deadline: u64) {
        self.inserted += 1;
        // Keys are the user's: here some of each size.
        let key = self.inserted.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let timer = self.timers.insert(deadline, key).unwrap();
        self.model.insert((deadline.max(self.stands), self.inserted), (timer, key));
    }

    fn nth(&self, n: usize) -> Option<(u64, u64)> {
        self.model.keys().nth(n.checked_rem(self.model.len())?).copied()
    }

    fn advance(&mut self, to: u64, more: Option<(usize, i64)>) {
        self.told = self.told.max(to);
        let mut fired = 0;
        loop {
            let expected = self.model.first_entry().filter(|first| first.key().0 <= self.told);
            let expected = expected.map(|first| (first.key().0, first.remove()));
            assert_eq!(self.timers.pop_due(to), expected.map(|(_, (_, key))| key));
            let Some((deadline, gone)) = expected else { break };
            self.gone.push(gone);
            self.stands = deadline;
            fired += 1;
            if let Some((every, offset)) = more {
                if fired % every == 0 && fired < 50 {
                    self.insert(to.saturating_add_signed(offset));
                }
            }
        }
        self.stands = self.told;
    }

    fn check_next(&self) {
        let earliest = self.model.first_key_value().map(|((deadline, _), _)| *deadline);
        let next = self.timers.next_ms();
        assert_eq!(next.is_some(), earliest.is_some());
        if let (Some(next), Some(earliest)) = (next, earliest) {
            assert!(next <= earliest && next >= self.stands);
            if earliest / 64 == self.stands / 64 {
                assert_eq!(next, earliest, "within the lowest level");
            }
        }
    }
}

proptest! {
    #![proptest_config(crate::queue::cases(200))]

    #[test]
    fn timers_fire_as_a_sorted_map_says(
        start in prop_oneof![Just(0u64), 0..u64::MAX, Just(1_700_000_000_000), (0..100_000u64).prop_map(|left| u64::MAX - left)],
        steps in steps(),
    ) {
        let mut both = Both::new(start);
        for step in steps {
            match step {
                Step::Insert(offset) => both.insert(both.told.saturating_add_signed(offset)),
                Step::Again(n) => if let Some((deadline, _)) = both.nth(n) {
                    both.insert(deadline);
                },
                Step::Cancel(n) => if let Some(place) = both.nth(n) {
                    let (timer, key) = both.model.remove(&place).unwrap();
                    prop_assert_eq!(both.timers.cancel(timer), key);
                    both.gone.push((timer, key));
                },
                Step::CancelGone(n) => if let Some((timer, key)) = n.checked_rem(both.gone.len()).map(|n| both.gone[n]) {
                    prop_assert!(!both.timers.cancel_if_waiting(timer, key));
                },
                Step::SetBack(by) => {
                    both.told = both.told.saturating_sub(by);
                    both.stands = both.told;
                    both.timers.set_back(both.told);
                    prop_assert_eq!(both.timers.told_ms(), both.told);
                },
                Step::Crowd(count, from, apart) => for n in 0..count as i64 {
                    both.insert(both.told.saturating_add_signed(from.saturating_add(n * apart)));
                },
                Step::CancelEvery(every) => for place in both.model.keys().copied().step_by(every).collect::<Vec<_>>() {
                    let (timer, key) = both.model.remove(&place).unwrap();
                    prop_assert!(both.timers.cancel_if_waiting(timer, key));
                    both.gone.push((timer, key));
                },
                Step::Advance(by, more) => both.advance(both.told.saturating_add(by), more),
                Step::Sleep => if let Some(next) = both.timers.next_ms() {
                    both.advance(next, None);
                },
                Step::Ensure(more) => both.timers.ensure(more).unwrap(),
            }
            prop_assert_eq!(both.timers.len(), both.model.len());
            both.check_next();
            both.timers.check();
        }
        // Whoever sleeps until the moment asked for comes to the end, in at most so many calls as there are levels to go down.
        let most = both.model.len() * LEVELS + both.model.len();
        let mut calls = 0;
        while let Some(next) = both.timers.next_ms() {
            both.advance(next, None);
            both.check_next();
            calls += 1;
            prop_assert!(calls <= most);
        }
        prop_assert!(both.model.is_empty());
    }
}
