#![cfg(not(loom))]

use super::*;
use crate::queue::hand::BATCH;
use crate::queue::log::{Data, Headers};
use proptest::prelude::*;
use std::collections::HashSet;

fn id(n: i64) -> TaskId {
    TaskId::new(n).unwrap()
}

const SECOND: Duration = Duration::from_secs(1);

/// Lanes and their writing ends.
struct Both {
    lanes: Lanes,
    writers: Writers,
    pool: Arc<Pool>,
    /// The latest time that was told.
    now: u32,
}

impl Both {
    fn new(step: Duration) -> Self {
        Self { lanes: Lanes::new(step).unwrap(), writers: Writers::default(), pool: Arc::default(), now: 0 }
    }

    /// Adds a task of so many bytes that is ready from `now` on.
    fn push_bytes(&mut self, priority: Priority, n: i64, now: u32, len: usize) {
        let level = level_of(priority);
        let writer = self.writers.writers[level].get_or_insert_with(|| {
            let (writer, reader) = log(&self.pool).unwrap();
            self.lanes.open(level, reader);
            writer
        });
        let data = Data { payload: &vec![n as u8; len], user_context: None, headers: Headers::Pairs(&[]) };
        writer.add(id(n), now, &data).unwrap();
        writer.commit();
        self.now = now;
    }

    fn push(&mut self, priority: Priority, n: i64, now: u32) {
        self.push_bytes(priority, n, now, 3);
    }

    /// What runs next.
    fn pop(&mut self) -> Option<i64> {
        let (hand, mut taken) = (Hand::new(), Taken::default());
        let found = self.lanes.take(1, 1, || self.now, &hand, &mut taken);
        assert!(!hand.has_some());
        found.then(|| taken.id().unwrap().value())
    }

    /// Takes for one of so many workers. How many.
    fn take(&mut self, most: usize, workers: usize) -> usize {
        let (hand, mut taken) = (Hand::new(), Taken::default());
        let found = self.lanes.take(most, workers, || 0, &hand, &mut taken);
        let mut count = usize::from(found);
        taken.clear();
        while hand.next(&mut taken) {
            count += 1;
            taken.clear();
        }
        count
    }

    fn drain(&mut self) -> Vec<i64> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    fn drop_one(&mut self) -> Option<i64> {
        let mut taken = Taken::default();
        self.lanes.take_oldest_of_lowest(&mut taken).then(|| taken.id().unwrap().value())
    }

    fn sweep(&mut self, gone: &HashSet<i64>) {
        self.lanes.sweep(&self.pool, |id| !gone.contains(&id.value()));
    }

    /// Records held, gaps included.
    fn held(&mut self) -> usize {
        let mut held = 0;
        for reader in self.lanes.lanes.iter_mut().flat_map(|lane| &mut lane.0) {
            reader.scan(|_, _| {
                held += 1;
                false
            });
        }
        held
    }
}

#[test]
fn within_a_level_first_in_is_first_out() {
    let mut both = Both::new(SECOND);
    for n in 1..=5 {
        both.push(Priority::Normal, n, 0);
    }
    assert!(both.lanes.has_some());
    assert_eq!(both.drain(), [1, 2, 3, 4, 5]);
    assert!(!both.lanes.has_some());
}

#[test]
fn a_higher_level_goes_first_and_a_tie_goes_to_the_higher_level() {
    let mut both = Both::new(SECOND);
    for (n, priority) in (1..).zip(Priority::ALL) {
        both.push(priority, n, 0);
    }
    assert_eq!(both.drain(), [5, 4, 3, 2, 1]);
    both.push(Priority::Normal, 1, 0);
    both.push(Priority::AboveNormal, 2, 1000);
    assert_eq!(both.drain(), [2, 1], "one step later and one level up is a tie");
    both.push(Priority::Normal, 1, 0);
    both.push(Priority::AboveNormal, 2, 1001);
    assert_eq!(both.drain(), [1, 2], "a moment more is not");
}

#[test]
fn a_task_of_the_lowest_level_waits_at_most_four_steps_for_a_stream_of_the_highest() {
    let mut both = Both::new(SECOND);
    both.push(Priority::Lowest, 1, 10_000);
    let mut served_after = None;
    for tick in 0..20 {
        // Ten a second come, ten a second go: strict priority would never serve the low one.
        let now = 10_000 + 500 * tick;
        for n in 0..5 {
            both.push(Priority::Highest, 100 + i64::from(tick) * 5 + n, now);
        }
        for _ in 0..5 {
            if both.pop() == Some(1) {
                served_after.get_or_insert(now - 10_000);
            }
        }
    }
    assert!(served_after.is_some_and(|after| after <= 5000), "{served_after:?}");
}

#[test]
fn without_a_step_there_is_one_line_and_with_an_endless_one_no_ageing() {
    let mut both = Both::new(Duration::ZERO);
    both.push(Priority::Lowest, 1, 0);
    both.push(Priority::Highest, 2, 1);
    assert_eq!(both.drain(), [1, 2]);
    both.lanes.set_step(Duration::MAX);
    both.push(Priority::Lowest, 1, 0);
    both.push(Priority::Highest, 2, u32::MAX / 3);
    assert_eq!(both.drain(), [2, 1]);
}

#[test]
fn several_at_once_are_taken_only_where_one_level_is_in_use_and_then_a_fair_share() {
    let mut both = Both::new(SECOND);
    for n in 1..=40 {
        both.push(Priority::Normal, n, 0);
    }
    both.push(Priority::Lowest, 100, 0);
    assert_eq!(both.take(BATCH, 1), 1, "two levels are in use");
    assert_eq!(both.drop_one(), Some(100));
    assert_eq!(both.take(BATCH, 1), BATCH);
    assert_eq!(both.take(BATCH, 10), 3, "31 for 10 workers");
    assert_eq!(both.take(BATCH, 1000), 1, "one at least");
    assert_eq!(both.take(1, 1), 1);
    assert_eq!(both.drain(), (15..=40).collect::<Vec<_>>());
}

#[test]
fn a_full_queue_drops_the_oldest_of_the_lowest_level() {
    let mut both = Both::new(SECOND);
    both.push(Priority::Highest, 1, 0);
    both.push(Priority::Normal, 2, 0);
    both.push(Priority::Normal, 3, 0);
    let dropped: Vec<_> = std::iter::from_fn(|| both.drop_one()).collect();
    assert_eq!(dropped, [2, 3, 1]);
}

#[test]
fn a_record_is_found_where_it_waits_and_not_once_it_is_taken() {
    let mut both = Both::new(SECOND);
    for n in 1..=100 {
        both.push_bytes(Priority::ALL[n as usize % 5], n, 0, 5000);
    }
    let find = |both: &mut Both, n: i64| both.lanes.find(id(n), |record| record.payload.to_vec());
    assert_eq!(find(&mut both, 77), Some(vec![77; 5000]));
    let gone: HashSet<_> = (1..=100).filter(|n| n % 2 == 0).collect();
    both.sweep(&gone);
    assert_eq!(find(&mut both, 77), Some(vec![77; 5000]), "after a sweep too");
    assert_eq!(find(&mut both, 78), None);
    both.drain();
    assert_eq!(find(&mut both, 77), None);
}

#[test]
fn a_sweep_lets_go_of_every_gap() {
    let mut both = Both::new(SECOND);
    for n in 1..=2_000 {
        both.push_bytes(Priority::Normal, n, 0, if n % 100 == 0 { 20_000 } else { 500 });
    }
    let gone: HashSet<_> = (1..2_000).collect();
    both.sweep(&gone);
    assert_eq!(both.held(), 1);
    assert_eq!(both.drain(), [2_000]);
}

/// What is done to lanes.
#[derive(Debug, Clone)]
enum Step {
    /// A task of this level, so many milliseconds later, of so many bytes.
    Push(i32, u32, usize),
    Pop,
    DropOne,
    /// The n-th of those queued leaves out of turn.
    Gap(usize),
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lengths = prop_oneof![5 => 0usize..60, 1 => 0usize..20_000];
    let step = prop_oneof![
        6 => (-2i32..=2, 0u32..3000, lengths).prop_map(|(level, gap, len)| Step::Push(level, gap, len)),
        2 => Just(Step::Pop),
        1 => Just(Step::DropOne),
        3 => any::<usize>().prop_map(Step::Gap),
        1 => Just(Step::Sweep),
    ];
    proptest::collection::vec(step, 0..150)
}

/// A task as the definition sees it: level, arrival, when it was ready.
type Waiting = (i32, i64, i64);

fn next_by_definition(all: &[Waiting], step_ms: i64) -> Option<usize> {
    // The smallest `ready_at - priority * step`, at a tie the higher level, then first in first out; within a level always
    // first in first out.
    let heads =
        (-2..=2).filter_map(|level| (0..all.len()).filter(|&at| all[at].0 == level).min_by_key(|&at| all[at].1));
    heads.min_by_key(|&at| (all[at].2 - i64::from(all[at].0) * step_ms, -all[at].0))
}

proptest! {
    #![proptest_config(crate::queue::cases(150))]

    /// Times begin shortly before the clock wraps, so that they lie on both sides of it.
    #[test]
    fn the_order_is_the_one_that_the_definition_gives_across_the_wrap_of_the_clock(
        steps in steps(),
        step_ms in 0u64..4000,
        start in prop_oneof![Just(0u32), (u32::MAX - 100_000)..=u32::MAX],
    ) {
        let mut both = Both::new(Duration::from_millis(step_ms));
        let (mut all, mut gone) = (Vec::<Waiting>::new(), HashSet::new());
        let (mut now, mut n) = (0u32, 0);
        // Takes from the lanes as a worker does: what is gone is stepped over.
        fn skipping(gone: &mut HashSet<i64>, mut take: impl FnMut() -> Option<i64>) -> Option<i64> {
            loop {
                let n = take()?;
                if !gone.remove(&n) {
                    return Some(n);
                }
            }
        }
        for step in &steps {
            match step {
                Step::Push(level, gap, len) => {
                    (now, n) = (now + gap, n + 1);
                    both.push_bytes(Priority::from_level(*level).unwrap(), n, start.wrapping_add(now), *len);
                    all.push((*level, n, i64::from(now)));
                }
                Step::Pop => {
                    // A gap takes part in the choice of the level until its turn comes, so only a queue without is exact.
                    if gone.is_empty() {
                        let expected = next_by_definition(&all, step_ms as i64).map(|at| all.remove(at).1);
                        prop_assert_eq!(both.pop(), expected);
                    } else {
                        let popped = skipping(&mut gone, || both.pop());
                        prop_assert_eq!(popped.is_some(), !all.is_empty());
                        if let Some(popped) = popped {
                            let at = all.iter().position(|(_, n, _)| *n == popped).unwrap();
                            let (level, ..) = all.remove(at);
                            prop_assert!(all.iter().all(|(other, n, _)| *other != level || *n > popped), "first in, first out");
                        }
                    }
                }
                Step::DropOne => {
                    let oldest = all.iter().min_by_key(|(level, n, _)| (*level, *n)).map(|(_, n, _)| *n);
                    prop_assert_eq!(skipping(&mut gone, || both.drop_one()), oldest);
                    all.retain(|(_, n, _)| Some(*n) != oldest);
                }
                Step::Gap(which) if !all.is_empty() => {
                    let (_, n, _) = all.remove(which % all.len());
                    gone.insert(n);
                }
                Step::Gap(_) => {}
                Step::Sweep => {
                    both.sweep(&gone);
                    gone.clear();
                    prop_assert_eq!(both.held(), all.len());
                }
            }
        }
        both.sweep(&gone);
        prop_assert_eq!(both.lanes.has_some(), !all.is_empty());
        let expected: Vec<_> = std::iter::from_fn(|| next_by_definition(&all, step_ms as i64).map(|at| all.remove(at).1)).collect();
        prop_assert_eq!(both.drain(), expected);
    }
}
