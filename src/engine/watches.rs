//! Asking for a task: its status, and being told of its end.

use crate::alloc::{Ensure, Text};
use crate::engine::moves::{Extra, Extras, Watch};
use crate::engine::observer::ended_before;
use crate::engine::poison::{point, Place};
use crate::engine::wait::WaitSlot;
use crate::engine::{unknown, Inner};
use crate::error::{Error, Result};
use crate::store::table::{Entry, Word};
use crate::sync::Arc;
use crate::task::{State, TaskId, TaskStatus};

impl Inner {
    /// The status that a word and an extra tell.
    pub(crate) fn status_from(
        &self,
        id: TaskId,
        entry: &Entry,
        word: Word,
        extra: Option<&Extra>,
    ) -> Option<TaskStatus> {
        let state = word.state()?;
        let times = entry.times(word);
        Some(TaskStatus {
            id,
            task_name: self.registrations.lock()[word.registration()].name.clone(),
            queue: self.queue(word).name.clone(),
            priority: word.priority(),
            state,
            attempt: Extra::attempt(extra, word),
            lease: word.lease(),
            submitted_at_us: times.submitted_us,
            started_at_us: times.started_us,
            finished_at_us: times.finished_us,
            failure: extra.and_then(|extra| extra.failure.clone()),
            cancel_requested: word.cancel_requested(),
            cancel_reason: extra.and_then(|extra| extra.reason.clone()).unwrap_or_default(),
            run_at_us: 0,
            progress: extra.and_then(|extra| extra.progress.as_ref()).map(|progress| progress.fraction),
            progress_text: extra
                .and_then(|extra| extra.progress.as_ref())
                .map_or_else(Text::default, |progress| progress.text.clone()),
            // Of a run that has not succeeded yet it may still be taken back.
            result: extra
                .filter(|_| state == State::Succeeded)
                .and_then(|extra| extra.result.as_ref())
                .map(|result| result.bytes.clone()),
            stalled_us: 0,
        })
    }

    pub(crate) fn status(&self, id: TaskId) -> Option<TaskStatus> {
        self.status_in_memory(id).or_else(|| self.stored_status(id))
    }

    pub(crate) fn status_in_memory(&self, id: TaskId) -> Option<TaskStatus> {
        let chunk = self.store.chunk(id)?;
        let entry = chunk.entry(id);
        let word = entry.word();
        let status = if word.is_slow() {
            let extras = self.extras.lock();
            self.status_from(id, entry, entry.word(), extras.tasks.get(&id))
        } else {
            self.status_from(id, entry, word, None)
        }?;
        // What lies elsewhere, where it can be only in these states.
        Some(match status.state {
            State::Scheduled => TaskStatus { run_at_us: self.run_at_us(entry), ..status },
            State::Running => {
                let stalls = self.stalls_for(self.queue(word), id).unwrap_or_default();
                TaskStatus { stalled_us: i64::try_from(stalls.as_micros()).unwrap_or(i64::MAX), ..status }
            }
            _ => status,
        })
    }

    pub(crate) fn status_locked(&self, extras: &Extras, id: TaskId, entry: &Entry) -> TaskStatus {
        self.status_from(id, entry, entry.word(), extras.tasks.get(&id)).expect("a task that is not forgotten")
    }

    /// Adds a watch to a task that is not final, or says what it is.
    pub(crate) fn add_watch(&self, id: TaskId, watch: Watch) -> Result<()> {
        let Some(chunk) = self.store.chunk(id) else { return self.watch_stored(id, watch) };
        let entry = chunk.entry(id);
        let mut extras = self.extras.lock();
        if self.journal.is_some() && entry.word().state().is_none() {
            drop(extras);
            return self.watch_stored(id, watch);
        }
        // With the lock: a panic that is noted after this finds the watch.
        self.check_sound()?;
        if extras.closed {
            let in_memory = self.status_from(id, entry, entry.word(), extras.tasks.get(&id));
            let status = in_memory.or_else(|| self.stored_status(id)).ok_or_else(|| unknown(id))?;
            return match (watch, status.state.is_final()) {
                (Watch::Slot(slot), true) => {
                    slot.fill(Ok(status));
                    Ok(())
                }
                (_, true) => Err(Error::ShuttingDown),
                (_, false) => Err(ended_before(&status)),
            };
        }
        if entry.mark_slow(false).is_ok() {
            // Where there is no memory for it, a task that is marked as slow without need.
            let watches = &mut extras.get(id)?.watches;
            watches.ensure(1)?;
            watches.push(watch);
            point(Place::Watch);
            return Ok(());
        }
        let Some(status) = self.status_from(id, entry, entry.word(), extras.tasks.get(&id)) else {
            // It has ended since the look above, and memory has forgotten it.
            drop(extras);
            return if self.journal.is_some() { self.watch_stored(id, watch) } else { Err(unknown(id)) };
        };
        self.tell_end_to(watch, status, Ok(()));
        Ok(())
    }

    /// A watch of a task that is not in memory: it has ended, or waits for its handler.
    fn watch_stored(&self, id: TaskId, watch: Watch) -> Result<()> {
        let status = self.stored_status(id).ok_or_else(|| unknown(id))?;
        if status.state.is_final() {
            self.tell_end_to(watch, status, Ok(()));
            return Ok(());
        }
        if !self.intake.0.lock().is_registered(&status.task_name) {
            return Err(Error::NoHandler(status.task_name));
        }
        // It is on its way into memory.
        let mut extras = self.extras.lock();
        self.check_sound()?;
        if extras.closed {
            return Err(ended_before(&status));
        }
        let is_here = self.store.chunk(id).is_some_and(|chunk| chunk.entry(id).word().state().is_some());
        if is_here {
            drop(extras);
            return self.add_watch(id, watch);
        }
        // Or it was, and has ended since: the store had that before memory forgot it.
        let status = self.stored_status(id).ok_or_else(|| unknown(id))?;
        if status.state.is_final() {
            self.tell_end_to(watch, status, Ok(()));
            return Ok(());
        }
        // `bring_in` looks for this once the task is there.
        let watches = &mut extras.get(id)?.watches;
        watches.ensure(1)?;
        watches.push(watch);
        Ok(())
    }

    /// Tells one who waits the end of a task, or why there will be none. The extras' lock is held.
    pub(crate) fn tell_end_to(&self, watch: Watch, status: TaskStatus, end: Result<()>) {
        match watch {
            Watch::Slot(slot) => slot.fill(end.map(|()| status)),
            Watch::Tell(waiting) => self.observation.tell_watcher(waiting, status, end),
        }
    }

    /// Takes back a watch that nobody waits at any more.
    pub(crate) fn remove_watch(&self, id: TaskId, slot: &Arc<WaitSlot>) {
        if let Some(extra) = self.extras.lock().tasks.get_mut(&id) {
            extra.watches.retain(|watch| !matches!(watch, Watch::Slot(other) if Arc::ptr_eq(other, slot)));
        }
    }

    /// Tells all who wait that the engine is broken.
    pub(crate) fn fail_watches(&self, error: &Error) {
        let mut extras = self.extras.lock();
        for (&id, extra) in extras.tasks.iter_mut().filter(|(_, extra)| !extra.watches.is_empty()) {
            let chunk = self.store.chunk(id);
            let status = chunk.and_then(|chunk| {
                let entry = chunk.entry(id);
                self.status_from(id, entry, entry.word(), Some(extra))
            });
            for watch in std::mem::take(&mut extra.watches) {
                match (watch, &status) {
                    (Watch::Slot(slot), _) => slot.fill(Err(error.clone())),
                    (watch, Some(status)) => self.tell_end_to(watch, status.clone(), Err(error.clone())),
                    // A task that somebody watches is not forgotten.
                    (Watch::Tell(_), None) => {}
                }
            }
        }
    }
}
