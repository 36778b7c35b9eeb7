//! std's locks, atomics and cells; loom's under `--cfg loom`; under `--cfg tsan` (the thread sanitizer, which cannot see into
//! std's locks) locks that are built from source.
//!
//! Lock poisoning is not used: a panic inside Backrun poisons the whole engine by its own flag (`Engine::poison`), and
//! status and shutdown must still be able to look at what it left.

#[cfg(loom)]
pub(crate) mod modelled;
#[cfg(tsan)]
mod sanitized;

#[cfg(loom)]
use loom::sync as imp;
#[cfg(tsan)]
use sanitized as imp;
#[cfg(not(any(loom, tsan)))]
use std::sync as imp;

#[cfg(loom)]
use modelled as atomic;
#[cfg(not(loom))]
use std::sync::atomic;

#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

pub(crate) use atomic::{fence, AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicU8, AtomicUsize, Ordering};
pub(crate) use imp::MutexGuard;

/// The same under loom, which does not follow it: most owners only read.
pub(crate) use crate::alloc::Arc;
#[cfg(not(loom))]
pub(crate) use crate::alloc::Arc as Tracked;
/// An [`Arc`] that loom follows: whose last owner relies on what the others did before they let go.
#[cfg(loom)]
pub(crate) use loom::sync::Arc as Tracked;

use crate::alloc::NoMemory;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

#[cfg(loom)]
pub(crate) fn tracked<T>(value: T) -> Result<Tracked<T>, NoMemory> {
    Ok(Tracked::new(value))
}

#[cfg(not(loom))]
pub(crate) fn tracked<T>(value: T) -> Result<Tracked<T>, NoMemory> {
    Tracked::try_new(value)
}

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

/// std's cell with loom's way of getting at it.
#[cfg(not(loom))]
#[repr(transparent)]
#[derive(Debug, Default)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// A value on cache lines of its own: words written by one side must not share a line with words written by the other.
/// Two lines, since the processor fetches them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);
