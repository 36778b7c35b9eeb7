//! Where idle workers of one queue sleep, and how they are woken without a system call that nobody needs.
//!
//! A worker that looks for work without having any is *searching*. Whoever adds work wakes a sleeper only if nobody is
//! searching: a searcher finds the work by itself. The window in which the last searcher has looked in vain and is not yet
//! asleep is closed from both sides: it lists itself as asleep, stops counting as searching, and *then* looks once more;
//! the other side adds its work and *then* looks for searchers. One of the two sees the other (sequentially consistent
//! fences; the loom model below).

use crate::alloc::Ensure;
use crate::error::Result;
use crate::sync::{fence, Arc, AtomicUsize, Condvar, Mutex, Ordering, Padded};

/// Where one worker sleeps.
#[derive(Debug)]
pub(crate) struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    pub(crate) fn new() -> Self {
        Self { woken: Mutex::new(false), changed: Condvar::new() }
    }

    fn sleep(&self) {
        let mut woken = self.woken.lock();
        while !*woken {
            woken = self.changed.wait(woken);
        }
        *woken = false;
    }

    fn wake(&self) {
        *self.woken.lock() = true;
        self.changed.notify_one();
    }
}

#[derive(Debug, Default)]
pub(crate) struct Parking {
    searching: Padded<AtomicUsize>,
    /// How many are in `asleep`, to be read without its lock.
    sleeping: Padded<AtomicUsize>,
    /// The last to fall asleep is woken first: its stack and caches are the warmest.
    asleep: Mutex<Vec<Arc<Parker>>>,
}

impl Parking {
    /// Makes sure that so many can sleep at one time: they have nobody to tell of a lack of memory.
    pub(crate) fn ensure_beds(&self, workers: usize) -> Result<()> {
        let mut asleep = self.asleep.lock();
        let more = workers.saturating_sub(asleep.len());
        Ok(asleep.ensure(more)?)
    }

    /// To be called after work was added, for each piece of it. Whether nobody sleeps: perhaps every worker has work, and
    /// nobody looks for this piece before a run ends.
    #[inline]
    #[must_use]
    pub(crate) fn work_added(&self) -> bool {
        fence(Ordering::SeqCst);
        if self.sleeping.0.load(Ordering::SeqCst) == 0 {
            return true;
        }
        self.searching.0.load(Ordering::SeqCst) == 0 && !self.wake_one()
    }

    /// Whether no worker sleeps or looks for work.
    pub(crate) fn nobody_is_free(&self) -> bool {
        self.sleeping.0.load(Ordering::SeqCst) == 0 && self.nobody_searches()
    }

    /// Whether no worker looks for work.
    pub(crate) fn nobody_searches(&self) -> bool {
        self.searching.0.load(Ordering::SeqCst) == 0
    }

    /// Whether there was one.
    #[cold]
    fn wake_one(&self) -> bool {
        let mut asleep = self.asleep.lock();
        let Some(parker) = asleep.pop() else { return false };
        self.sleeping.0.store(asleep.len(), Ordering::SeqCst);
        // It counts as searching from here on, so that the next piece of work does not wake another one for nothing.
        self.searching.0.fetch_add(1, Ordering::SeqCst);
        drop(asleep);
        parker.wake();
        true
    }

    pub(crate) fn wake_all(&self) {
        fence(Ordering::SeqCst);
        let mut asleep = self.asleep.lock();
        self.sleeping.0.store(0, Ordering::SeqCst);
        self.searching.0.fetch_add(asleep.len(), Ordering::SeqCst);
        // With the lock held: the list keeps its memory, so it cannot be taken out and let go of first.
        for parker in asleep.drain(..) {
            parker.wake();
        }
    }

    /// A worker has found nothing and begins to search.
    pub(crate) fn start_searching(&self) {
        self.searching.0.fetch_add(1, Ordering::SeqCst);
    }

    /// A searching worker has found work (or leaves). If it was the last one, somebody must look for more. Whether there is
    /// more, and nobody sleeps.
    #[must_use]
    pub(crate) fn stop_searching(&self, there_is_more: impl FnOnce() -> bool) -> bool {
        if self.searching.0.fetch_sub(1, Ordering::SeqCst) != 1 {
            return false;
        }
        // Between the two, or the look may miss what came in while this one still counted (found by the model).
        fence(Ordering::SeqCst);
        there_is_more() && self.work_added()
    }

    /// Sleeps until woken, unless there is a reason to stay awake. Called by a searching worker, which still is one afterwards.
    pub(crate) fn sleep(&self, me: &Arc<Parker>, reason_to_stay: impl FnOnce() -> bool) {
        let mut asleep = self.asleep.lock();
        asleep.push(me.clone());
        self.sleeping.0.store(asleep.len(), Ordering::SeqCst);
        drop(asleep);
        self.searching.0.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if reason_to_stay() {
            let mut asleep = self.asleep.lock();
            if let Some(at) = asleep.iter().position(|other| Arc::ptr_eq(other, me)) {
                asleep.remove(at);
                self.sleeping.0.store(asleep.len(), Ordering::SeqCst);
                self.searching.0.fetch_add(1, Ordering::SeqCst);
                return;
            }
            // Somebody woke it in between and counts it as searching: the wake-up must be used up.
        }
        me.sleep();
    }

    pub(crate) fn sleepers(&self) -> usize {
        self.sleeping.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
