//! std's locks, or loom's under `--cfg loom`.
//!
//! Lock poisoning is not used: a panic inside Backrun poisons the whole engine by its own flag (`Engine::poison`), and
//! status and shutdown must still be able to look at what it left.

#[cfg(loom)]
pub(crate) use loom::sync as imp;
#[cfg(not(loom))]
pub(crate) use std::sync as imp;

use std::sync::PoisonError;
use std::time::{Duration, Instant};

pub(crate) use imp::MutexGuard;

/// A mutex whose lock cannot fail.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(imp::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug)]
pub(crate) struct Condvar(imp::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(imp::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits up to a deadline, `None` being for ever. Returns whether it passed.
    pub(crate) fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Option<Instant>,
    ) -> (MutexGuard<'a, T>, bool) {
        let Some(deadline) = deadline else {
            return (self.wait(guard), false);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return (guard, true);
        }
        let (guard, _) = self.0.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner);
        (guard, Instant::now() >= deadline)
    }
}

/// The moment `limit` from now; `None` where that is for ever (or so far off that it does not matter).
pub(crate) fn deadline_after(limit: Option<Duration>) -> Option<Instant> {
    limit.and_then(|limit| Instant::now().checked_add(limit))
}
