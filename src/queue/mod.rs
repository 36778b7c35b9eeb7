//! What runs next: no clock, no thread start, no I/O; `now` is an argument.
//!
//! [`log`] is the concurrent segmented log that ready tasks lie in, [`segment`] its memory, [`hand`] what workers have taken
//! from it: the files here with atomics. [`lanes`] decides between the five levels of a queue, each a log of its own. [`timers`]
//! says what is due: a wheel.

pub(crate) mod hand;
pub(crate) mod lanes;
pub(crate) mod log;
pub(crate) mod segment;
pub(crate) mod shelf;
pub(crate) mod timers;

/// How many cases a property is tried with, unless PROPTEST_CASES says it.
#[cfg(test)]
pub(crate) fn cases(usual: u32) -> proptest::test_runner::Config {
    use proptest::test_runner::Config;
    if std::env::var_os("PROPTEST_CASES").is_some() {
        Config::default()
    } else {
        Config::with_cases(usual)
    }
}
