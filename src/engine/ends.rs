//! Telling the end of a task to a program that asked for it: by a bit of the task's word, on the thread that records the end.
//!
//! That costs nothing but the bit until the end, and then one call. The bit is taken away by the move that ends the task, so
//! that exactly one thread finds it, and tells: a worker after its plain success, anybody else by an [`Untold`] once no lock
//! is held. A task whose end nobody will record any more is told of by whoever gives it up.

use crate::engine::moves::Extras;
use crate::engine::observer::{ended_before, guarded, SharedObserver};
use crate::engine::poison::{point, Place};
use crate::engine::{unknown, Engine, Inner};
use crate::error::{Error, Result};
use crate::store::table::{ChunkCache, Entry};
use crate::sync::{Mutex, MutexGuard, Ordering};
use crate::sys;
use crate::task::{Lease, State, TaskId};
use std::ops::{Deref, DerefMut};

impl Engine {
    /// Asks that [`Observer::ended`](crate::Observer::ended) be called when a task is in a final state: once for a task, however
    /// often it is asked for, by the thread that records the end. `Some`: the state it is in already, and its lease; nobody is
    /// called then.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidArgument`] (no observer, or one that does not want ends),
    /// [`Error::ShutdownIncomplete`] (the engine has ended and recorded no end).
    pub fn tell_end(&self, id: TaskId) -> Result<Option<(State, Lease)>> {
        self.sound(|| self.inner.tell_end(id))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is told, or will be.
    Told,
    Final(State, Lease),
    /// It is not final and never will be.
    GaveUp,
    /// There is no such task.
    Nothing,
}

pub(crate) fn ask(entry: &Entry, extras: &Mutex<Extras>) -> Asked {
    let mut asked = entry.tell_plainly();
    if asked.is_err_and(|word| word.is_slow() && word.state().is_some_and(|state| !state.is_final())) {
        let extras = extras.lock();
        if extras.gave_up {
            // A worker may have put it back since.
            let word = entry.word();
            return word
                .state()
                .filter(|state| state.is_final())
                .map_or(Asked::GaveUp, |s| Asked::Final(s, word.lease()));
        }
        asked = entry.tell_slowly();
    }
    match asked {
        Ok(()) => Asked::Told,
        Err(word) => word.state().map_or(Asked::Nothing, |state| Asked::Final(state, word.lease())),
    }
}

impl Inner {
    fn tell_end(&self, id: TaskId) -> Result<Option<(State, Lease)>> {
        if !self.tells_ends {
            return Err(Error::invalid(format_args!(
                "nobody can be told of an end: the engine was made without a function for that (on_end)"
            )));
        }
        // Nearly always that is all, without counting one more user of the chunk.
        if self.store.table.look(id, Entry::tell_plainly) == Some(Ok(())) {
            return Ok(None);
        }
        let Some(chunk) = self.store.chunk(id) else { return self.tell_stored_end(id) };
        match ask(chunk.entry(id), &self.extras) {
            Asked::Told => Ok(None),
            Asked::Final(state, lease) => Ok(Some((state, lease))),
            Asked::GaveUp => Err(self
                .check_sound()
                .err()
                .unwrap_or_else(|| self.status(id).map_or_else(|| unknown(id), |status| ended_before(&status)))),
            Asked::Nothing => self.tell_stored_end(id),
        }
    }

    pub(crate) fn lock_extras(&self) -> Locked<'_> {
        Locked { extras: self.extras.lock(), untold: None }
    }

    /// Gives up what is not final at the end of the engine, and tells of it. Not with a lock held; nothing new comes in.
    pub(crate) fn give_up_tasks(&self) {
        let mut extras = self.extras.lock();
        extras.gave_up = true;
        // Not taken yet: where a task is ended meanwhile, by a worker that puts it back, or after a panic by any, that one tells.
        let Some(observer) = extras.told_of_ends.clone() else { return };
        // A shutdown may come meanwhile, where this is after a panic: it waits for these calls.
        self.untold.fetch_add(1, Ordering::SeqCst);
        drop(extras);
        sys::inside(self.number, || {
            self.store.table.give_up_all(|id, word| guarded(|| observer.ended(id, word.lease(), None)));
        });
        self.give_up_asked(&observer);
        let last = self.extras.lock().told_of_ends.take();
        guarded(|| drop((observer, last)));
        self.told();
    }

    /// Waits until everybody who recorded an end has told of it. After [`Inner::give_up_tasks`] there are no more.
    pub(crate) fn wait_for_untold(&self) {
        self.changes.wait_while(None, || self.untold.load(Ordering::SeqCst) > 0);
    }
}

/// The extras, locked, and the end that was recorded meanwhile: it is told after the lock was let go.
pub(crate) struct Locked<'a> {
    // In this order: fields are dropped in theirs.
    extras: MutexGuard<'a, Extras>,
    untold: Option<Untold<'a>>,
}

impl<'a> Locked<'a> {
    /// Notes an end that somebody is to be told of, if there is anybody: a task has one, and a lock is held for one task.
    /// Whether there is. `has_extra`: more is known of the task than its word.
    pub(crate) fn end(&mut self, inner: &'a Inner, id: TaskId, lease: Lease, state: State, has_extra: bool) -> bool {
        debug_assert!(self.untold.is_none());
        let Some(observer) = self.extras.told_of_ends.clone() else { return false };
        // With the lock held, so that a shutdown which has given all up since sees it.
        inner.untold.fetch_add(1, Ordering::SeqCst);
        self.untold = Some(Untold { inner, observer: Some(observer), id, lease, state, has_extra });
        true
    }

    /// Lets the lock go. What is handed back is to be dropped when no other lock is held.
    #[must_use]
    pub(crate) fn unlock(self) -> Option<Untold<'a>> {
        self.untold
    }
}

impl Deref for Locked<'_> {
    type Target = Extras;

    fn deref(&self) -> &Extras {
        &self.extras
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Extras {
        &mut self.extras
    }
}

/// An end that is recorded and not yet told. Dropping it tells: not with a lock held.
pub(crate) struct Untold<'a> {
    inner: &'a Inner,
    /// `None`: somebody else has taken the telling over.
    observer: Option<SharedObserver>,
    id: TaskId,
    lease: Lease,
    state: State,
    has_extra: bool,
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if let Some(observer) = self.observer.take() {
            let inner = self.inner;
            inner.survive(|| inner.tell_recorded(&observer, self.id, self.lease, self.state, self.has_extra));
            // Before it is counted as told: a shutdown that waits for that has the observer released then.
            guarded(|| drop(observer));
            inner.told();
        }
    }
}

/// The ends of tasks that a full queue dropped under the intake's lock, told when this is dropped, after that lock. There may
/// be any number of them and no memory for a list, so each keeps the bit in its word, and their ids are close together.
#[derive(Default)]
pub(crate) struct Dropped<'a> {
    first: Option<(Untold<'a>, SharedObserver)>,
    /// The smallest and the largest id.
    range: (i64, i64),
}

impl<'a> Dropped<'a> {
    pub(crate) fn add(&mut self, untold: Option<Untold<'a>>) {
        let Some(mut untold) = untold else { return };
        let Some(observer) = untold.observer.take() else { return };
        let id = untold.id.value();
        match &self.first {
            Some(_) => self.range = (self.range.0.min(id), self.range.1.max(id)),
            None => {
                self.range = (id, id);
                self.first = Some((untold, observer));
            }
        }
    }
}

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        let Some((untold, observer)) = self.first.take() else { return };
        let inner = untold.inner;
        let mut told = 0;
        inner.survive(|| {
            let mut chunks = ChunkCache::default();
            for id in self.range.0..=self.range.1 {
                let id = TaskId::counted(id);
                // Another submit's range may have it too, and that one may have told of it already.
                let Some(chunk) = chunks.get(&inner.store.table, id) else { continue };
                let entry = chunk.entry(id);
                if !entry.word().is_told() {
                    continue;
                }
                // With the lock, so that whoever has dropped it is done with it.
                let extras = inner.extras.lock();
                let taken = entry.take_dropped();
                drop(extras);
                if let Some(word) = taken {
                    told += 1;
                    inner.survive(|| inner.tell_recorded(&observer, id, word.lease(), State::Dropped, false));
                }
            }
        });
        guarded(|| drop(observer));
        (0..told).for_each(|_| inner.told());
    }
}

impl Inner {
    fn tell_recorded(&self, observer: &SharedObserver, id: TaskId, lease: Lease, state: State, has_extra: bool) {
        sys::inside(self.number, || guarded(|| observer.ended(id, lease, Some(state))));
        point(Place::Told);
        // Only now may it be forgotten.
        let mut forgotten = None;
        self.keep(id, state, has_extra, |id| forgotten = Some(id));
        if let Some(id) = forgotten {
            self.extras.lock().forget(&self.control, id);
        }
    }

    fn told(&self) {
        self.untold.fetch_sub(1, Ordering::SeqCst);
        self.something_ended();
    }
}

#[cfg(all(test, loom))]
mod models;
