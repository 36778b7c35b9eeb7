//! How long something took, of many: a histogram that every thread adds to without a lock.

use crate::sync::{AtomicU64, Ordering};

/// Buckets for each doubling of the duration.
const PER_DOUBLING: usize = 4;
/// Bits that tell the buckets of a doubling apart.
const SUB_BITS: u32 = PER_DOUBLING.ilog2();
/// From 2^32 us on, which is 71.6 minutes, all goes into one bucket.
const TOP_BITS: u32 = 32;
/// 0, 1, 2 and 3 us have a bucket each, as have 4, 5, 6 and 7; the last is what is too long.
pub(crate) const BUCKETS: usize = PER_DOUBLING * (TOP_BITS - SUB_BITS + 1) as usize + 1;

/// Durations in microseconds, counted in buckets that are at most a quarter of their lower bound wide. About 1 KiB.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
    max_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            sum_us: AtomicU64::new(0),
            max_us: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    #[cfg(test)]
    fn new() -> Self {
        Self::default()
    }

    /// Adds a duration.
    #[cfg(test)]
    fn record(&self, micros: u64) {
        self.record_many(micros, 1);
    }

    /// Adds so many durations of the same length. None: nothing is added.
    pub(crate) fn record_many(&self, micros: u64, count: u64) {
        if count == 0 {
            return;
        }
        // The sum would wrap after half a million years of durations.
        self.sum_us.fetch_add(micros.saturating_mul(count), Ordering::Relaxed);
        // Nearly always only read.
        if micros > self.max_us.load(Ordering::Relaxed) {
            self.max_us.fetch_max(micros, Ordering::Relaxed);
        }
        self.buckets[bucket_of(micros)].fetch_add(count, Ordering::Relaxed);
    }

    /// Writes over `snapshot` with what was added so far. Of what is being added meanwhile, parts may be in it: `count` is
    /// always the sum of the buckets, and `max_us` lies in the last one that is not empty, or beyond it.
    pub(crate) fn snapshot(&self, snapshot: &mut Snapshot) {
        snapshot.count = 0;
        let mut least_max = 0;
        for (index, (into, from)) in snapshot.buckets.iter_mut().zip(&self.buckets).enumerate() {
            *into = from.load(Ordering::Relaxed);
            snapshot.count += *into;
            if *into > 0 {
                least_max = Snapshot::bucket_bounds(index).0;
            }
        }
        snapshot.sum_us = self.sum_us.load(Ordering::Relaxed);
        snapshot.max_us = self.max_us.load(Ordering::Relaxed).max(least_max);
    }
}

fn bucket_of(micros: u64) -> usize {
    if micros < PER_DOUBLING as u64 {
        return micros as usize;
    }
    let doubling = micros.ilog2();
    if doubling >= TOP_BITS {
        return BUCKETS - 1;
    }
    let within = (micros >> (doubling - SUB_BITS)) as usize % PER_DOUBLING;
    (doubling - SUB_BITS + 1) as usize * PER_DOUBLING + within
}

/// What a [`Histogram`] held at one time, or several together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// How many durations.
    pub(crate) count: u64,
    /// All of them together, in microseconds.
    pub(crate) sum_us: u64,
    /// The longest, in microseconds, exactly.
    pub(crate) max_us: u64,
    /// How many in each bucket: [`Snapshot::bucket_bounds`].
    pub(crate) buckets: [u64; BUCKETS],
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { count: 0, sum_us: 0, max_us: 0, buckets: [0; BUCKETS] }
    }
}

impl Snapshot {
    /// A duration in microseconds that the share `q` of all is not longer than, 0.5 being the median: never too low, and at
    /// most 25 % too high. It is the upper bound of the bucket that the duration lies in, or the longest of all where that is
    /// less. 0 when empty. A `q` below 0 counts as 0, the shortest; above 1 as 1, the longest.
    pub(crate) fn quantile(&self, q: f64) -> u64 {
        // As many durations are to be at most that long; at least the shortest.
        let wanted = (q * self.count as f64).ceil() as u64;
        let wanted = wanted.clamp(1, self.count.max(1));
        let mut seen = 0u64;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Self::bucket_bounds(index).1.min(self.max_us);
            }
        }
        0
    }

    /// Adds what another one has.
    #[cfg(test)]
    fn add(&mut self, other: &Snapshot) {
        // Every field by name: a new one that is not added does not compile.
        let Snapshot { count, sum_us, max_us, buckets } = other;
        self.count += count;
        self.sum_us = self.sum_us.saturating_add(*sum_us);
        self.max_us = self.max_us.max(*max_us);
        for (into, from) in self.buckets.iter_mut().zip(buckets) {
            *into += from;
        }
    }

    /// The shortest and the longest duration of a bucket in microseconds, both in it. `index` is below [`BUCKETS`].
    pub(crate) fn bucket_bounds(index: usize) -> (u64, u64) {
        if index == BUCKETS - 1 {
            return (1 << TOP_BITS, u64::MAX);
        }
        let (doubling, within) = (index / PER_DOUBLING, (index % PER_DOUBLING) as u64);
        if doubling == 0 {
            return (within, within);
        }
        let width = 1u64 << (doubling - 1);
        let least = (PER_DOUBLING as u64 + within) * width;
        (least, least + width - 1)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::thread;

    fn of(durations: &[u64]) -> Snapshot {
        let histogram = Histogram::new();
        for duration in durations {
            histogram.record(*duration);
        }
        let mut snapshot = Snapshot::default();
        histogram.snapshot(&mut snapshot);
        snapshot
    }

    #[test]
    fn buckets_follow_each_other_from_zero_to_the_end_and_are_a_quarter_wide() {
        let mut next = 0;
        for index in 0..BUCKETS {
            let (least, most) = Snapshot::bucket_bounds(index);
            assert_eq!(least, next, "bucket {index}");
            assert_eq!((bucket_of(least), bucket_of(most)), (index, index));
            assert!(index == BUCKETS - 1 || (most - least) * 4 <= least, "bucket {index}: {least} to {most}");
            next = most.wrapping_add(1);
        }
        assert_eq!(next, 0, "the last one ends where numbers do");
        let (hour, _) = Snapshot::bucket_bounds(BUCKETS - 1);
        assert!(hour > 3_600_000_000);
    }

    #[test]
    fn a_histogram_is_small() {
        assert!(size_of::<Histogram>() <= 1_200, "{}", size_of::<Histogram>());
    }

    #[test]
    fn an_empty_histogram_says_zero() {
        let empty = of(&[]);
        assert_eq!(empty, Snapshot::default());
        assert_eq!([0.0, 0.5, 1.0, f64::NAN].map(|q| empty.quantile(q)), [0; 4]);
    }

    #[test]
    fn none_of_a_duration_adds_nothing() {
        let histogram = Histogram::new();
        histogram.record_many(7, 0);
        let mut snapshot = of(&[1, 2, 3]);
        histogram.snapshot(&mut snapshot);
        assert_eq!(snapshot, Snapshot::default(), "and a snapshot is written over");
    }

    #[test]
    fn a_quantile_is_that_of_the_durations() {
        let snapshot = of(&(1..=1000).collect::<Vec<_>>());
        assert_eq!(snapshot.quantile(0.5), 511);
        assert_eq!(snapshot.quantile(0.99), 1000, "never past the longest");
        assert_eq!([0.0, -1.0, f64::NAN].map(|q| snapshot.quantile(q)), [1; 3]);
        assert_eq!([1.0, 2.0, f64::INFINITY].map(|q| snapshot.quantile(q)), [1000; 3]);
        assert_eq!((snapshot.count, snapshot.sum_us, snapshot.max_us), (1000, 500_500, 1000));
        // What is too long for a bucket is told by the longest.
        assert_eq!(of(&[1, u64::MAX]).quantile(1.0), u64::MAX);
        assert_eq!(of(&[1 << 40, 1 << 33]).quantile(0.5), 1 << 40);
    }

    #[test]
    fn a_snapshot_in_the_middle_of_an_add_is_not_at_odds_with_itself() {
        // Another thread sees the bucket of an add and not yet its longest.
        let histogram = Histogram::new();
        histogram.buckets[bucket_of(1000)].fetch_add(1, Ordering::Relaxed);
        let mut snapshot = Snapshot::default();
        histogram.snapshot(&mut snapshot);
        assert_eq!((snapshot.max_us, snapshot.quantile(1.0)), (896, 896));
    }

    #[test]
    fn adds_from_many_threads_lose_nothing() {
        const THREADS: u64 = 4;
        const EACH: u64 = 50_000;
        let histogram = Histogram::new();
        let mut during = Snapshot::default();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let histogram = &histogram;
                scope.spawn(move || {
                    for n in 0..EACH {
                        histogram.record(thread * EACH + n);
                        histogram.record_many(n % 100, 3);
                    }
                });
            }
            let mut last = 0;
            while last < THREADS * EACH * 4 {
                histogram.snapshot(&mut during);
                assert!(during.count >= last, "nothing that was counted goes away");
                assert_eq!(during.count, during.buckets.iter().sum());
                assert!(during.quantile(1.0) <= during.max_us);
                last = during.count;
            }
        });
        let mut after = Snapshot::default();
        histogram.snapshot(&mut after);
        let all = THREADS * EACH;
        assert_eq!((after.count, after.max_us), (all * 4, all - 1));
        assert_eq!(after.sum_us, all * (all - 1) / 2 + 3 * THREADS * (EACH / 100) * 4950);
    }

    fn durations() -> impl Strategy<Value = Vec<u64>> {
        let duration = prop_oneof![
            4 => 0..2_000u64,
            2 => 0..10_000_000u64,
            1 => 0..5_000_000_000u64,
            // Few enough, and short enough, that their sum does not wrap, nor a thousand times one of them.
            1 => (0..50u32, 0..4u64).prop_map(|(bit, more)| (1 << bit) + more - 1),
        ];
        proptest::collection::vec(duration, 1..200)
    }

    proptest! {
        #[test]
        fn a_quantile_is_never_too_low_and_at_most_a_quarter_too_high(mut durations in durations(), q in 0.0..=1.0f64) {
            let snapshot = of(&durations);
            durations.sort_unstable();
            let rank = ((q * durations.len() as f64).ceil() as usize).max(1);
            let (exact, found) = (durations[rank - 1], snapshot.quantile(q));
            prop_assert!(found >= exact);
            if exact < 1 << TOP_BITS {
                prop_assert!(found <= exact + exact / 4, "{found} for {exact}");
            }
            prop_assert!(found <= *durations.last().unwrap());
            prop_assert_eq!(snapshot.max_us, *durations.last().unwrap());
            prop_assert_eq!(snapshot.sum_us, durations.iter().sum::<u64>());
        }

        #[test]
        fn two_added_are_what_one_would_have_been(one in durations(), other in durations(), count in 0..250u64) {
            let mut sum = of(&one);
            sum.add(&of(&other));
            let all: Vec<_> = one.iter().chain(&other).copied().collect();
            prop_assert_eq!(&sum, &of(&all));
            let histogram = Histogram::new();
            histogram.record_many(one[0], count);
            let mut many = Snapshot::default();
            histogram.snapshot(&mut many);
            prop_assert_eq!(many, of(&vec![one[0]; count as usize]));
        }

        #[test]
        fn every_duration_is_in_the_bucket_whose_bounds_are_around_it(micros: u64, shift in 0..64u32) {
            let micros = micros >> shift;
            let (least, most) = Snapshot::bucket_bounds(bucket_of(micros));
            prop_assert!((least..=most).contains(&micros));
        }
    }
}
