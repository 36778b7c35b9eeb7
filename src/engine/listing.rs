//! Tasks as an operator sees them: which there are, and what to do with those that are over.

use crate::alloc::Ensure;
use crate::engine::event::{Event, EventKind};
use crate::engine::submit::room_or_refusal;
use crate::engine::{unknown, Engine, Inner};
use crate::error::{Error, Result};
use crate::store::table::{Entry, Word};
use crate::sys;
use crate::task::{State, TaskId, TaskStatus};
use std::ops::ControlFlow;
use std::time::Duration;

/// How many tasks a list has at most, where the filter does not say.
pub const DEFAULT_LIST_LIMIT: usize = 1_000;

/// Which tasks are meant. By default, all.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct TaskFilter<'a> {
    /// In one of these states. Empty: in any.
    pub states: &'a [State],
    /// Of this name.
    pub task_name: Option<&'a str>,
    /// Of this queue.
    pub queue: Option<&'a str>,
    /// With a larger id, to page on.
    pub after: Option<TaskId>,
    /// In a final state for at least so long.
    pub final_for: Duration,
    /// At most so many, those with the smallest ids. `None`: [`DEFAULT_LIST_LIMIT`] for a list, no limit for a purge.
    pub limit: Option<usize>,
}

impl TaskFilter<'_> {
    /// Whether a task is meant, as far as its state, its queue and, in microseconds since 1970 UTC, its end say; 0: it has not ended.
    pub(crate) fn means(&self, state: State, queue: &str, finished_us: impl FnOnce() -> i64) -> bool {
        let is_old = || {
            let finished_us = finished_us();
            let final_us = sys::coarse_unix_micros() - finished_us;
            finished_us > 0 && final_us >= i64::try_from(self.final_for.as_micros()).unwrap_or(i64::MAX)
        };
        (self.states.is_empty() || self.states.contains(&state))
            && self.queue.is_none_or(|wanted| *queue == *wanted)
            && (self.final_for.is_zero() || is_old())
    }
}

/// Why a task cannot be replayed that is in another state.
pub(crate) fn is_not_dead(id: TaskId, state: State) -> Error {
    Error::invalid(format_args!(
        "task {id} is {state:?}; only a dead task, one that has failed for good, can be run again"
    ))
}

/// Why a dead task cannot be replayed yet.
pub(crate) fn thread_is_away(id: TaskId) -> Error {
    Error::invalid(format_args!(
        "the thread of the last run of task {id} has not come back; run it again when that has ended"
    ))
}

impl Engine {
    /// What is known of tasks, those with the smallest ids first. It looks at one task after the other while they go on, so each
    /// status is true for a moment of its own.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn list(&self, filter: &TaskFilter<'_>) -> Result<Vec<TaskStatus>> {
        self.sound(|| self.list_all(filter))
    }

    fn list_all(&self, filter: &TaskFilter<'_>) -> Result<Vec<TaskStatus>> {
        let limit = filter.limit.unwrap_or(DEFAULT_LIST_LIMIT);
        if let Some(journal) = &self.inner.journal {
            return self.inner.list_stored(journal, filter, limit);
        }
        let mut all = Vec::new();
        let mut failed = None;
        self.inner.for_each_of(filter, |id, _, _| {
            if all.len() >= limit {
                return ControlFlow::Break(());
            }
            let Some(status) = self.inner.status(id) else { return ControlFlow::Continue(()) };
            if let Err(refused) = all.ensure(1) {
                failed = Some(refused);
                return ControlFlow::Break(());
            }
            all.push(status);
            ControlFlow::Continue(())
        });
        failed.map_or(Ok(all), |refused| Err(refused.into()))
    }

    /// Has a dead task run again, its attempts counted anew.
    ///
    /// # Errors
    /// [`Error::NotFound`] (also where there was no memory to keep what is to run), [`Error::InvalidArgument`] (it is not dead,
    /// or the thread of its last run has not come back), [`Error::QueueFull`], [`Error::ShuttingDown`], [`Error::Store`], [`Error::OutOfMemory`].
    pub fn replay(&self, id: TaskId) -> Result<()> {
        self.sound(|| match &self.inner.journal {
            Some(journal) => self.inner.replay_stored(&self.inner, journal, id),
            None => self.inner.replay(id),
        })
    }

    /// Forgets tasks in a final state. How many.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Panic`] (a bug in the engine).
    pub fn purge(&self, filter: &TaskFilter<'_>) -> Result<u64> {
        self.sound(|| match &self.inner.journal {
            Some(journal) => self.inner.purge_stored(&self.inner, journal, filter),
            None => Ok(self.purge_all(filter)),
        })
    }

    fn purge_all(&self, filter: &TaskFilter<'_>) -> u64 {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let mut purged = 0;
        self.inner.for_each_of(filter, |id, _, word| {
            if purged >= limit {
                return ControlFlow::Break(());
            }
            if word.state().is_some_and(State::is_final) && self.inner.forget_final(id) {
                purged += 1;
            }
            ControlFlow::Continue(())
        });
        self.inner.store.let_go_of_purged();
        purged as u64
    }
}

impl Inner {
    fn for_each_of(&self, filter: &TaskFilter<'_>, mut visit: impl FnMut(TaskId, &Entry, Word) -> ControlFlow<()>) {
        let after = filter.after.map_or(0, TaskId::value);
        self.store.table.for_each_chunk(TaskId::counted(after.max(1)), |chunk| {
            for (id, entry) in chunk.tasks().filter(|(id, _)| id.value() > after) {
                let word = entry.word();
                let Some(state) = word.state() else { continue };
                let is_meant = filter.means(state, &self.queue(word).name, || entry.times(word).finished_us);
                if is_meant && filter.task_name.is_none_or(|name| self.has_name(word, name)) {
                    visit(id, entry, word)?;
                }
            }
            ControlFlow::Continue(())
        });
    }

    fn has_name(&self, word: Word, name: &str) -> bool {
        *self.registrations.lock()[word.registration()].name == *name
    }

    /// Forgets a task that is in a final state. Whether it was, and is known no more.
    fn forget_final(&self, id: TaskId) -> bool {
        let Some(chunk) = self.store.chunk(id) else { return false };
        let mut extras = self.extras.lock();
        // With the lock: a dead one is not run again meanwhile.
        let is_final = chunk.entry(id).word().state().is_some_and(State::is_final);
        if !is_final || extras.is_away(id) {
            return false;
        }
        extras.forget(&self.control, id);
        self.store.forget(&chunk, id)
    }

    fn replay(&self, id: TaskId) -> Result<()> {
        let chunk = self.store.chunk(id).ok_or_else(|| unknown(id))?;
        let entry = chunk.entry(id);
        let mut intake = self.intake.0.lock();
        intake.check_open()?;
        let mut extras = self.extras.lock();
        let word = entry.word();
        let state = word.state().ok_or_else(|| unknown(id))?;
        if state != State::Dead {
            return Err(is_not_dead(id, state));
        }
        let extra = extras.get(id)?;
        if extra.given_up.is_some() {
            return Err(thread_is_away(id));
        }
        let place = extra.place.ok_or_else(|| {
            Error::not_found(format_args!("what task {id} is to run is not kept: there was no memory for it"))
        })?;
        let mut schedule = self.control.open();
        let Some(shelved) = schedule.shelf.get(place) else { return Err(unknown(id)) };
        let bytes = shelved.bytes;
        let now = intake.clock.now();
        let entrance = &mut intake.entrances[word.queue()];
        room_or_refusal(entrance, u64::from(bytes))?;
        entrance.writer(&self.pool, word.priority())?.add(id, now.millis, &shelved.kept.data())?;
        // From here on nothing fails.
        schedule.shelf.take(place);
        drop(schedule);
        extra.place = None;
        extra.uncounted = word.claims();
        (extra.reason, extra.progress) = (None, None);
        self.store.is_dead_no_more(id);
        entrance.come_again(u64::from(bytes));
        entry.become_ready(bytes);
        let status = self.status_locked(&extras, id, entry);
        self.observation.event_if_wanted(EventKind::Replayed, || Event::of(EventKind::Replayed, &status));
        drop(extras);
        entrance.commit_all();
        drop(intake);
        self.work_added(self.queue(word));
        Ok(())
    }
}
