//! What follows a failed run: how often a task is tried, and how long it waits in between.

use crate::error::{Error, Result};
use std::time::Duration;

/// Runs of a task in all, at most. Far from where leases of one task would run out, and some eleven years of hourly runs.
pub const MAX_ATTEMPTS: u32 = 100_000;
/// The longest that a delay between two attempts may be.
pub const MAX_RETRY_DELAY: Duration = Duration::from_secs(365 * 24 * 3600);
/// Delay before the second attempt, where the policy does not say.
pub const DEFAULT_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The longest delay, where the policy does not say.
pub const DEFAULT_MAX_RETRY_DELAY: Duration = Duration::from_secs(3600);
/// Spread of a delay in percent of it, where the policy does not say.
pub const DEFAULT_JITTER_PERCENT: u8 = 20;

/// What follows a failed run. The default is one attempt: a task that failed is dead.
///
/// ```
/// use backrun::{Backoff, RetryPolicy};
/// use std::time::Duration;
///
/// // Five runs at most: after about 1, 2, 4 and 8 seconds.
/// let usual = RetryPolicy::attempts(5);
/// assert_eq!(usual.delay, Duration::from_secs(1));
/// // Every minute for an hour, to the second.
/// let steady = RetryPolicy::attempts(61).backoff(Backoff::Fixed).delay(Duration::from_secs(60)).jitter_percent(0);
/// assert_eq!(steady.attempts, 61);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Runs in all, the first included: 1 to [`MAX_ATTEMPTS`]. 1, the default: no retries. Runs that a shutdown interrupted do
    /// not count.
    pub attempts: u32,
    /// How the delay grows.
    pub backoff: Backoff,
    /// Before the second attempt: zero (at once) up to `max_delay`. [`DEFAULT_RETRY_DELAY`] unless set.
    pub delay: Duration,
    /// No delay is longer: up to [`MAX_RETRY_DELAY`]. [`DEFAULT_MAX_RETRY_DELAY`] unless set.
    pub max_delay: Duration,
    /// Spread of each delay in percent of it, up and down, so that tasks that failed together are not tried together: 0 to
    /// 100, 0 being none. [`DEFAULT_JITTER_PERCENT`] unless set. A delay near `max_delay` is spread down from there.
    pub jitter_percent: u8,
}

/// How the delay between attempts grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backoff {
    /// It stays what it is.
    Fixed,
    /// It doubles with each attempt, up to `max_delay`.
    Exponential,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 1,
            backoff: Backoff::Exponential,
            delay: DEFAULT_RETRY_DELAY,
            max_delay: DEFAULT_MAX_RETRY_DELAY,
            jitter_percent: DEFAULT_JITTER_PERCENT,
        }
    }
}

impl RetryPolicy {
    /// One attempt, whatever the default is.
    #[must_use]
    pub fn none() -> Self {
        Self::attempts(1)
    }

    /// So many runs in all, with the other defaults.
    #[must_use]
    pub fn attempts(attempts: u32) -> Self {
        Self { attempts, ..Self::default() }
    }

    /// How the delay grows.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The delay before the second attempt.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The longest delay.
    #[must_use]
    pub fn max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// The spread of each delay in percent of it.
    #[must_use]
    pub fn jitter_percent(mut self, jitter_percent: u8) -> Self {
        self.jitter_percent = jitter_percent;
        self
    }

    /// Checks what no type checks.
    pub(crate) fn check(&self) -> Result<()> {
        if !(1..=MAX_ATTEMPTS).contains(&self.attempts) {
            return Err(Error::invalid(format_args!(
                "attempts of a retry policy is {}; pass the number of runs in all, from 1 to {MAX_ATTEMPTS}",
                self.attempts
            )));
        }
        if self.jitter_percent > 100 {
            return Err(Error::invalid(format_args!(
                "jitter_percent of a retry policy is {}; pass a number from 0 to 100",
                self.jitter_percent
            )));
        }
        if self.max_delay > MAX_RETRY_DELAY {
            return Err(Error::invalid(format_args!(
                "max_delay of a retry policy is {} ms; pass at most {} ms, which is a year",
                self.max_delay.as_millis(),
                MAX_RETRY_DELAY.as_millis()
            )));
        }
        if self.delay > self.max_delay {
            return Err(Error::invalid(format_args!(
                "delay of a retry policy is {} ms, longer than its max_delay of {} ms; pass a shorter delay or a longer max_delay",
                self.delay.as_millis(),
                self.max_delay.as_millis()
            )));
        }
        Ok(())
    }

    /// The delay after the failure of attempt `attempt`, 1 for the first. `None`: that was the last.
    ///
    /// `random`, any number, spreads it evenly over `delay * (1 ± jitter_percent / 100)`, or over the part of that which is
    /// not longer than `max_delay`: a cap on what was spread already would bring half of all to the same moment.
    pub(crate) fn delay_after(&self, attempt: u32, random: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        // 128 bits hold every duration in nanoseconds, and 2^32 times that.
        let longest = self.max_delay.as_nanos();
        let first = self.delay.as_nanos();
        let doublings = match self.backoff {
            Backoff::Fixed => 0,
            Backoff::Exponential => attempt.saturating_sub(1),
        };
        let room = longest.checked_shr(doublings).unwrap_or(0);
        let middle = if first <= room { first << doublings.min(127) } else { longest };
        let spread = middle * u128::from(self.jitter_percent.min(100)) / 100;
        let least = middle - spread;
        let most = (middle + spread).min(longest);
        let delay = least + (most - least) * u128::from(random) / u128::from(u32::MAX);
        Some(of_nanos(delay))
    }
}

fn of_nanos(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    Duration::new(u64::try_from(nanos / SECOND).unwrap_or(u64::MAX), (nanos % SECOND) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Numbers without a pattern that matters, the same ones for the same seed: splitmix64. Not for secrets.
    #[derive(Debug)]
    struct Random(u64);

    impl Random {
        fn new(seed: u64) -> Self {
            Self(seed)
        }

        fn next_u32(&mut self) -> u32 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = self.0;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((bits ^ (bits >> 31)) >> 32) as u32
        }
    }

    fn delays(policy: RetryPolicy, random: u32) -> Vec<Duration> {
        (1..).map_while(|attempt| policy.delay_after(attempt, random)).collect()
    }

    #[test]
    fn one_attempt_is_the_default_and_has_no_delay_after_it() {
        assert_eq!(RetryPolicy::default(), RetryPolicy::none());
        RetryPolicy::default().check().unwrap();
        assert_eq!(RetryPolicy::default().delay_after(1, 7), None);
        assert_eq!(RetryPolicy::attempts(3).delay_after(3, 7), None);
        assert_eq!(RetryPolicy::attempts(3).delay_after(u32::MAX, 7), None);
    }

    #[test]
    fn an_exponential_delay_doubles_up_to_its_cap_and_a_fixed_one_stays() {
        let seconds = |policy| delays(policy, 0).iter().map(Duration::as_secs).collect::<Vec<_>>();
        let policy = RetryPolicy::attempts(7).jitter_percent(0).max_delay(10 * SECOND);
        assert_eq!(seconds(policy), [1, 2, 4, 8, 10, 10]);
        assert_eq!(seconds(policy.backoff(Backoff::Fixed).delay(3 * SECOND)), [3; 6]);
        assert_eq!(seconds(policy.delay(Duration::ZERO)), [0; 6]);
        // The cap is no multiple of the delay.
        assert_eq!(seconds(policy.max_delay(3 * SECOND)), [1, 2, 3, 3, 3, 3]);
        let odd = policy.delay(Duration::from_nanos(1)).max_delay(Duration::from_nanos(3));
        assert_eq!(odd.delay_after(2, 0), Some(Duration::from_nanos(2)));
        let usual = RetryPolicy::attempts(20).jitter_percent(0);
        assert_eq!(seconds(usual)[10..14], [1024, 2048, 3600, 3600]);
    }

    #[test]
    fn jitter_spreads_evenly_up_and_down_and_at_the_cap_down_only() {
        let policy = RetryPolicy::attempts(100);
        assert_eq!(policy.delay_after(1, 0), Some(Duration::from_millis(800)));
        assert_eq!(policy.delay_after(1, u32::MAX), Some(Duration::from_millis(1200)));
        assert_eq!(policy.delay_after(4, u32::MAX), Some(Duration::from_millis(9600)));
        assert_eq!(policy.delay_after(50, 0), Some(2880 * SECOND));
        assert_eq!(policy.delay_after(50, u32::MAX), Some(3600 * SECOND));
        assert_eq!(policy.jitter_percent(100).delay_after(1, 0), Some(Duration::ZERO));
        assert_eq!(policy.jitter_percent(100).delay_after(1, u32::MAX), Some(2 * SECOND));
        // A tenth of all in each tenth of what they are spread over, at the cap too.
        let mut random = Random::new(7);
        for attempt in [1, 50] {
            let (least, most) =
                (policy.delay_after(attempt, 0).unwrap(), policy.delay_after(attempt, u32::MAX).unwrap());
            let mut tenths = [0; 10];
            for _ in 0..100_000 {
                let delay = policy.delay_after(attempt, random.next_u32()).unwrap();
                let share = (delay - least).as_secs_f64() / (most - least).as_secs_f64();
                tenths[((share * 10.0) as usize).min(9)] += 1;
            }
            assert!(tenths.iter().all(|count| (9_400..10_600).contains(count)), "{tenths:?}");
        }
    }

    #[test]
    fn a_policy_out_of_its_limits_is_refused_with_value_limit_and_what_to_do() {
        let message = |policy: RetryPolicy| policy.check().unwrap_err().to_string();
        let policy = RetryPolicy::attempts(3);
        policy.check().unwrap();
        RetryPolicy::attempts(MAX_ATTEMPTS).delay(MAX_RETRY_DELAY).max_delay(MAX_RETRY_DELAY).check().unwrap();
        policy.delay(Duration::ZERO).max_delay(Duration::ZERO).jitter_percent(100).check().unwrap();
        assert!(message(RetryPolicy::attempts(0)).contains("attempts of a retry policy is 0; pass"));
        assert!(message(RetryPolicy::attempts(100_001))
            .contains("is 100001; pass the number of runs in all, from 1 to 100000"));
        assert!(message(policy.jitter_percent(101)).contains("is 101; pass a number from 0 to 100"));
        assert!(message(policy.max_delay(MAX_RETRY_DELAY + SECOND))
            .contains("is 31536001000 ms; pass at most 31536000000 ms"));
        assert!(message(policy.delay(7200 * SECOND))
            .contains("is 7200000 ms, longer than its max_delay of 3600000 ms; pass a shorter"));
        assert_eq!(policy.jitter_percent(101).check().unwrap_err().code(), 1);
    }

    #[test]
    fn random_numbers_are_those_of_their_seed() {
        let first = |seed| {
            let mut random = Random::new(seed);
            [(); 3].map(|()| random.next_u32())
        };
        // The high halves of splitmix64's published numbers for the seed 1234567.
        assert_eq!(
            first(1_234_567),
            [6_457_827_717_110_365_317u64, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
                .map(|n| (n >> 32) as u32)
        );
        assert_ne!(first(1), first(2));
    }

    fn durations() -> impl Strategy<Value = Duration> {
        prop_oneof![
            Just(Duration::ZERO),
            Just(Duration::MAX),
            (0..10_000_000u64).prop_map(Duration::from_micros),
            (any::<u64>(), 0..1_000_000_000u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos)),
        ]
    }

    fn attempts() -> impl Strategy<Value = u32> {
        prop_oneof![0..200u32, Just(u32::MAX), any::<u32>()]
    }

    proptest! {
        /// Whatever stands in the policy, also what `check` refuses: nothing overflows.
        #[test]
        fn a_delay_lies_in_its_spread_and_is_never_past_the_cap(
            limit in attempts(), attempt in attempts(), random: u32, jitter: u8, fixed: bool,
            delay in durations(), max_delay in durations(),
        ) {
            let backoff = if fixed { Backoff::Fixed } else { Backoff::Exponential };
            let policy = RetryPolicy::attempts(limit).backoff(backoff).delay(delay).max_delay(max_delay).jitter_percent(jitter);
            let found = policy.delay_after(attempt, random);
            prop_assert_eq!(found.is_some(), attempt < limit);
            if let Some(found) = found {
                let middle = policy.jitter_percent(0).delay_after(attempt, random).unwrap();
                let spread = middle.as_nanos() * u128::from(jitter.min(100)) / 100;
                prop_assert!(found <= max_delay);
                prop_assert!(found.as_nanos() >= middle.as_nanos() - spread && found.as_nanos() <= middle.as_nanos() + spread);
                prop_assert!(policy.delay_after(attempt, 0) <= Some(found));
                prop_assert!(policy.delay_after(attempt, u32::MAX) >= Some(found));
            }
        }

        #[test]
        fn without_jitter_no_delay_is_shorter_than_the_one_before(
            attempt in 1..u32::MAX - 1, random: u32, fixed: bool, delay in durations(), max_delay in durations(),
        ) {
            let backoff = if fixed { Backoff::Fixed } else { Backoff::Exponential };
            let policy = RetryPolicy::attempts(u32::MAX).backoff(backoff).delay(delay).max_delay(max_delay).jitter_percent(0);
            let (one, next) = (policy.delay_after(attempt, random).unwrap(), policy.delay_after(attempt + 1, !random));
            prop_assert!(next.is_none_or(|next| next >= one));
            if !fixed && attempt < 60 {
                let doubled = delay.as_nanos().saturating_mul(1 << (attempt - 1));
                prop_assert_eq!(one.as_nanos(), doubled.min(max_delay.as_nanos()));
            }
        }
    }
}
