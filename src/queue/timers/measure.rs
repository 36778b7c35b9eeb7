//! Figures of the wheel, for people.
#![cfg(not(loom))]

use super::tests::{Chance, DAY};
use super::*;
use crate::alloc::measured::live_bytes;
use std::hint::black_box;
use std::time::Instant;

/// Not a test: figures, for people. `RUSTFLAGS="--cfg measure" cargo test --release --lib timers::measure -- --nocapture`
#[test]
fn measure() {
    const COUNT: usize = 1_000_000;
    let per = |since: Instant| since.elapsed().as_nanos() as f64 / COUNT as f64;
    println!("deadlines within     insert ns  cancel ns, in order  pop ns  slowest pop us  bytes a timer  (1M timers)");
    for (name, within) in [("1 s", 1000), ("10 s", 10_000), ("1 h", 3_600_000), ("30 days", 30 * DAY), ("one ms", 1)] {
        for _ in 0..3 {
            let mut chance = Chance(42);
            let deadlines: Vec<u64> = (0..COUNT).map(|_| 50_000 + chance.below(within)).collect();
            let mut handles: Vec<Timer> = Vec::with_capacity(COUNT);
            let before = live_bytes();
            let mut timers = Timers::new(black_box(12_345));
            let begin = Instant::now();
            for (key, deadline) in deadlines.iter().enumerate() {
                handles.push(timers.insert(*deadline, key as u64).unwrap());
            }
            let insert = per(begin);
            let bytes = (live_bytes() - before) as f64 / COUNT as f64;
            let begin = Instant::now();
            for timer in handles.drain(..) {
                black_box(timers.cancel(timer));
            }
            let in_order = per(begin);
            for (key, deadline) in deadlines.iter().enumerate() {
                handles.push(timers.insert(*deadline, key as u64).unwrap());
            }
            // In another order than that of insertion.
            for n in 0..COUNT {
                handles.swap(n, chance.below(COUNT as u64) as usize);
            }
            let begin = Instant::now();
            for timer in handles.drain(..) {
                black_box(timers.cancel(timer));
            }
            let cancel = per(begin);
            for (key, deadline) in deadlines.iter().enumerate() {
                timers.insert(*deadline, key as u64).unwrap();
            }
            let begin = Instant::now();
            let mut slowest = 0;
            // As the control thread does: every millisecond that it is asked for.
            while let Some(next) = timers.next_ms() {
                let call = Instant::now();
                while let Some(key) = timers.pop_due(next) {
                    black_box(key);
                }
                slowest = slowest.max(call.elapsed().as_micros());
            }
            println!(
                "{name:20} {insert:9.1}  {cancel:9.1}  {in_order:8.1}  {:6.1}  {slowest:14}  {bytes:13.1}",
                per(begin)
            );
        }
    }
}
