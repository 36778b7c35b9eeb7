//! Where the times of the control thread come from: the system's clocks, or a test that says what time it is.

use crate::sys;
use std::time::{Duration, Instant};

/// The last moment that there is: after it comes only what never comes.
const LAST_US: u64 = u64::MAX - 1;

/// A clock that never jumps, for delays, and the time of day, for what is to happen at a time of day.
#[derive(Debug)]
pub(crate) enum Clock {
    System { since: Instant },
    Manual { now_us: u64, unix_us: i64 },
}

impl Clock {
    pub(crate) fn new(manual: bool) -> Self {
        if manual {
            Clock::Manual { now_us: 0, unix_us: sys::unix_micros() }
        } else {
            Clock::System { since: Instant::now() }
        }
    }

    /// Microseconds since the engine was made.
    pub(crate) fn now_us(&self) -> u64 {
        match self {
            Clock::System { since } => micros(since.elapsed()),
            Clock::Manual { now_us, .. } => *now_us,
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now_us() / 1000
    }

    /// Milliseconds since 1970 UTC, as the clock on the wall says; 0 before that.
    pub(crate) fn unix_ms(&self) -> u64 {
        let unix_us = match self {
            Clock::System { .. } => sys::unix_micros(),
            Clock::Manual { unix_us, .. } => *unix_us,
        };
        u64::try_from(unix_us / 1000).unwrap_or(0)
    }

    /// The first whole millisecond of [`Clock::now_ms`] at which so much time has passed: never too early.
    pub(crate) fn ms_after(&self, delay: Duration) -> u64 {
        self.now_us().saturating_add(micros(delay)).div_ceil(1000)
    }

    /// The moment at which [`Clock::now_us`] says this; `None` where nobody can wait for it: by hand, or never.
    pub(crate) fn instant(&self, us: u64) -> Option<Instant> {
        match self {
            Clock::System { since } => since.checked_add(Duration::from_micros(us)),
            Clock::Manual { .. } => None,
        }
    }

    /// Lets time pass. Whether this clock is set by hand.
    pub(crate) fn advance(&mut self, by: Duration) -> bool {
        let Clock::Manual { now_us, unix_us } = self else { return false };
        *now_us = now_us.saturating_add(micros(by)).min(LAST_US);
        *unix_us = unix_us.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX));
        true
    }

    /// Has the clock on the wall jump; no time passes. Whether this clock is set by hand.
    pub(crate) fn jump(&mut self, by_ms: i64) -> bool {
        let Clock::Manual { unix_us, .. } = self else { return false };
        *unix_us = unix_us.saturating_add(by_ms.saturating_mul(1000));
        true
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_cut_short() {
        let mut clock = Clock::new(true);
        clock.advance(Duration::from_micros(1500));
        assert_eq!(clock.now_ms(), 1);
        assert_eq!(clock.ms_after(Duration::ZERO), 2);
        assert_eq!(clock.ms_after(Duration::from_micros(500)), 2);
        assert_eq!(clock.ms_after(Duration::from_micros(501)), 3);
        assert_eq!(clock.ms_after(Duration::MAX), u64::MAX.div_ceil(1000));
    }

    #[test]
    fn what_never_comes_is_not_reached_however_much_time_passes() {
        let mut clock = Clock::new(true);
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert!(clock.now_us() < u64::MAX);
    }

    #[test]
    fn a_jump_of_the_wall_clock_lets_no_time_pass() {
        let mut clock = Clock::new(true);
        let (now, unix) = (clock.now_us(), clock.unix_ms());
        assert!(clock.jump(-3_600_000));
        assert_eq!((clock.now_us(), clock.unix_ms()), (now, unix - 3_600_000));
        assert!(!Clock::new(false).jump(1), "the system's clocks are nobody's to set");
    }
}
