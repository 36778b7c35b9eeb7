//! Where a thread waits: for the end of one task, for what the store says, or for anything that a shutdown waits for.

use crate::alloc::Text;
use crate::error::{Error, Result};
use crate::sync::{Arc, Condvar, Mutex};
use crate::task::TaskStatus;
use std::time::Instant;

/// Filled once: with what was waited for, such as the end of a task, or with why nobody will tell any more.
#[derive(Debug)]
pub(crate) struct WaitSlot<T = TaskStatus> {
    end: Mutex<Option<Result<T>>>,
    filled: Condvar,
}

impl<T> WaitSlot<T> {
    pub(crate) fn new() -> Self {
        Self { end: Mutex::new(None), filled: Condvar::new() }
    }

    pub(crate) fn fill(&self, end: Result<T>) {
        self.end.lock().get_or_insert(end);
        self.filled.notify_all();
    }

    /// Waits as long as it takes.
    pub(crate) fn wait_for_ever(&self) -> Result<T> {
        loop {
            if let Some(end) = self.wait(None) {
                return end;
            }
        }
    }

    /// Waits up to a deadline; `None` if it passed.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Option<Result<T>> {
        let mut end = self.end.lock();
        loop {
            if let Some(end) = end.take() {
                return Some(end);
            }
            let (again, passed) = self.filled.wait_until(end, deadline);
            end = again;
            if passed {
                return end.take();
            }
        }
    }
}

/// Who is to fill a slot: at the latest when it is let go of, so that no panic, here or in a store, leaves somebody waiting.
pub(crate) struct Filler<T>(Arc<WaitSlot<T>>);

impl<T> Filler<T> {
    pub(crate) fn new(slot: Arc<WaitSlot<T>>) -> Self {
        Self(slot)
    }

    pub(crate) fn fill(self, end: Result<T>) {
        self.0.fill(end);
    }
}

impl<T> Drop for Filler<T> {
    fn drop(&mut self) {
        self.0.fill(Err(Error::Panic(Text::fixed("what became of it was never told"))));
    }
}

/// Tells those who wait that something changed, whatever it was. Its lock is never held together with another one.
#[derive(Debug)]
pub(crate) struct Changes {
    count: Mutex<u64>,
    changed: Condvar,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self { count: Mutex::new(0), changed: Condvar::new() }
    }

    /// To be called after a change.
    pub(crate) fn tell(&self) {
        *self.count.lock() += 1;
        self.changed.notify_all();
    }

    /// Waits as long as `reason` holds, looking again after each change, up to a deadline. Whether it no longer holds.
    pub(crate) fn wait_while(&self, deadline: Option<Instant>, mut reason: impl FnMut() -> bool) -> bool {
        loop {
            // Read before the look, so that a change after it is not missed.
            let seen = *self.count.lock();
            if !reason() {
                return true;
            }
            let mut count = self.count.lock();
            while *count == seen {
                let (again, passed) = self.changed.wait_until(count, deadline);
                count = again;
                if passed && *count == seen {
                    return false;
                }
            }
        }
    }
}
