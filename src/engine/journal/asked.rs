//! Being told of the end of a task that is not in memory yet: an earlier process has left it, and its name is not registered, or it is on its way
//! in.
//!
//! Whoever asks notes that first, and then looks whether the task came in or ended meanwhile. Whoever brings it in, or ends it without, has that
//! to be seen first, and then looks for the note. So at least one of the two sees the other, and who takes the note away is who answers it.

use crate::alloc::Ensure;
use crate::engine::ends::{ask, Asked as Answer};
use crate::engine::journal::{surely, Journal};
use crate::engine::observer::{ended_before, guarded, SharedObserver};
use crate::engine::{unknown, Inner};
use crate::error::Result;
use crate::store::table::Entry;
use crate::sys;
use crate::task::{Lease, State, TaskId, TaskStatus};
use std::collections::HashMap;

/// The tasks whose ends were asked for.
#[derive(Default)]
pub(super) struct Asked {
    ids: HashMap<TaskId, ()>,
    /// The engine has ended: nobody is told any more.
    gave_up: bool,
}

impl Journal {
    /// Whether the end of a task was asked for, which whoever asks this answers for from then on.
    fn take_asked(&self, id: TaskId) -> bool {
        let mut asked = self.asked.lock();
        !asked.ids.is_empty() && asked.ids.remove(&id).is_some()
    }

    /// The end of a task that leaves memory was asked for. Before the end of the engine.
    pub(super) fn ask_again(&self, id: TaskId) {
        let mut asked = self.asked.lock();
        surely(|| asked.ids.ensure(1));
        asked.ids.insert(id, ());
    }
}

impl Inner {
    /// [`Engine::tell_end`](crate::Engine::tell_end) of a task that is not in memory.
    pub(crate) fn tell_stored_end(&self, id: TaskId) -> Result<Option<(State, Lease)>> {
        let look = || self.stored_status(id).ok_or_else(|| unknown(id));
        let status = look()?;
        let Some(journal) = self.journal.as_ref().filter(|_| !status.state.is_final()) else {
            return Ok(Some((status.state, status.lease)));
        };
        let mut asked = journal.asked.lock();
        if asked.gave_up {
            return Err(ended_before(&status));
        }
        asked.ids.ensure(1)?;
        asked.ids.insert(id, ());
        drop(asked);
        if let Some(chunk) = self.store.chunk(id) {
            if ask(chunk.entry(id), &self.extras) == Answer::Told {
                journal.take_asked(id);
                return Ok(None);
            }
        }
        let status = look()?;
        let is_untold = status.state.is_final() && journal.take_asked(id);
        Ok(is_untold.then_some((status.state, status.lease)))
    }

    /// A task of an earlier process is in memory, and nobody runs it yet.
    pub(super) fn answer_in_memory(&self, journal: &Journal, id: TaskId, entry: &Entry) {
        if journal.take_asked(id) && entry.tell_plainly().is_err() {
            let _extras = self.extras.lock();
            // It is not final, so this is not refused.
            let _ = entry.tell_slowly();
        }
    }

    /// A task has ended without having been in memory: whoever asked for its end or waits for it is told.
    /// `status`: where it is known already; the store may have forgotten it.
    pub(super) fn answer_end(
        &self,
        journal: &Journal,
        (id, lease, state): (TaskId, Lease, State),
        status: Option<&TaskStatus>,
    ) {
        let mut extras = self.extras.lock();
        let watches = extras.tasks.remove(&id).map(|extra| extra.watches).unwrap_or_default();
        for watch in watches {
            if let Some(status) = status.cloned().or_else(|| self.stored_status(id)) {
                self.tell_end_to(watch, status, Ok(()));
            }
        }
        let observer = extras.told_of_ends.clone();
        drop(extras);
        if let Some(observer) = observer.filter(|_| journal.take_asked(id)) {
            guarded(|| observer.ended(id, lease, Some(state)));
        }
    }

    /// The engine ends: these tasks stay in the store.
    pub(crate) fn give_up_asked(&self, observer: &SharedObserver) {
        let Some(journal) = &self.journal else { return };
        let mut asked = journal.asked.lock();
        asked.gave_up = true;
        let ids = std::mem::take(&mut asked.ids);
        drop(asked);
        sys::inside(self.number, || {
            for id in ids.into_keys() {
                // None of its runs was this engine's.
                guarded(|| observer.ended(id, Lease::new(0), None));
            }
        });
    }
}
