//! What a shutdown does to tasks: cancel what is ready, ask what runs to stop, close the books. It needs no memory.

use crate::alloc::Text;
use crate::engine::event::{Event, EventKind};
use crate::engine::handler::let_go;
use crate::engine::moves::Extras;
use crate::engine::observer::ended_before;
use crate::engine::poison::{point, Place};
use crate::engine::queues::{Queue, Slot};
use crate::engine::shutdown::{ShutdownReport, BROKEN_REASON, SHUT_DOWN_REASON};
use crate::engine::Inner;
use crate::queue::hand::Taken;
use crate::store::table::Entry;
use crate::sync::Ordering;
use crate::task::{State, TaskId};

impl Inner {
    /// Why what is queued is cancelled at the end of the engine.
    pub(crate) fn end_reason(&self) -> Text {
        Text::fixed(if self.is_poisoned() { BROKEN_REASON } else { SHUT_DOWN_REASON })
    }

    /// Cancels all that is ready: what a shutdown leaves in a memory store. How many.
    pub(crate) fn cancel_all_ready(&self) -> u64 {
        point(Place::CancelReady);
        let mut cancelled = 0;
        for queue in self.queues.iter() {
            let mut taken = Taken::default();
            loop {
                // Bound on its own, so that the lanes are free while the extras are locked.
                let found = queue.lanes.0.lock().take_oldest_of_lowest(&mut taken) || queue.take_from_hands(&mut taken);
                let Some(id) = taken.id().filter(|_| found) else { break };
                cancelled += u64::from(self.cancel_at_shutdown(queue, id));
                taken.clear();
            }
        }
        cancelled
    }

    pub(crate) fn cancel_at_shutdown(&self, queue: &Queue, id: TaskId) -> bool {
        let Some(chunk) = self.store.chunk(id) else {
            return false;
        };
        let entry = chunk.entry(id);
        if self.journal.is_some() {
            // It stays in the store.
            match entry.word().state() {
                Some(State::Ready) => queue.left_out_of_turn(entry.bytes(), false),
                _ => queue.gap_closed(),
            }
            return false;
        }
        let mut extras = self.lock_extras();
        let bytes = entry.bytes();
        let cancelled = self.cancel_ready(&mut extras, id, entry, &self.end_reason(), None);
        let _untold = extras.unlock();
        if cancelled {
            queue.left_out_of_turn(bytes, false);
        } else {
            queue.gap_closed();
        }
        cancelled
    }

    /// Visits running and pending tasks; where a worker has one, with its slot. With the extras' lock, so that none of them
    /// becomes pending meanwhile. Without an entry: a durable store has its end and memory nothing, and the thread of a run that was given up
    /// has not come back.
    fn for_each_run(&self, _: &Extras, mut visit: impl FnMut(&Queue, TaskId, Option<&Entry>, Option<&Slot>)) {
        for queue in self.queues.iter() {
            let crew = queue.crew.lock();
            for slot in &crew.slots {
                let Some(id) = slot.running() else { continue };
                let chunk = self.store.chunk(id);
                let entry = chunk.as_ref().map(|chunk| chunk.entry(id)).filter(|entry| entry.word().state().is_some());
                // Its worker is about to let go of it.
                if entry.is_none_or(|entry| entry.word().state() != Some(State::Pending)) {
                    visit(queue, id, entry, Some(slot));
                }
            }
        }
        // Not from the extras: where memory was short, a pending run has none.
        if self.queues.iter().any(|queue| queue.pending.load(Ordering::Acquire) > 0) {
            self.store.table.for_each(|id, entry| {
                if entry.word().state() == Some(State::Pending) {
                    visit(self.queue(entry.word()), id, Some(entry), None);
                }
            });
        }
    }

    /// Asks every run to stop, on behalf of a shutdown: it is asked, and nobody gave a reason.
    pub(crate) fn interrupt_runs(&self) {
        let extras = self.extras.lock();
        self.for_each_run(&extras, |_, id, entry, _| {
            let Some(Ok(before)) = entry.map(|entry| entry.mark_slow(true)) else { return };
            if before.cancel_requested() {
                return;
            }
            if let Some(handler) = self.handler(before) {
                self.observation.cancel_requested(handler, id, before.lease());
            }
        });
    }

    /// Reports what a closed engine still runs.
    pub(crate) fn report_left_running(&self, report: &mut ShutdownReport) {
        let extras = self.extras.lock();
        self.for_each_run(&extras, |_, id, entry, _| {
            let goes_on = entry.is_some_and(|entry| entry.word().is_active());
            if extras.is_away(id) || goes_on {
                report.add_running(id, self.name_of(id, entry));
            }
        });
        report.sort();
    }

    fn name_of(&self, id: TaskId, entry: Option<&Entry>) -> Text {
        match entry.map(Entry::word) {
            Some(word) => self.registrations.lock()[word.registration()].name.clone(),
            None => self.stored_status(id).map(|status| status.task_name).unwrap_or_default(),
        }
    }

    /// Records nothing more. Reports what still runs, and tells whoever waits for it.
    pub(crate) fn close_moves(&self, report: &mut ShutdownReport) {
        let mut extras = self.extras.lock();
        extras.closed = true;
        self.for_each_run(&extras, |queue, id, entry, slot| {
            point(Place::Close);
            // From here on its worker comes to run_returned, which refuses it. One that was faster is done, unless its run was
            // given up: then its thread is in user code still.
            let goes_on = entry.filter(|entry| entry.mark_slow(false).unwrap_or_else(|word| word).is_active());
            if goes_on.is_none() && (slot.is_none() || !extras.is_away(id)) {
                return;
            }
            report.add_running(id, self.name_of(id, entry));
            queue.seldom.lock().abandoned += 1;
            if let Some(entry) = goes_on.filter(|_| self.observation.wants(EventKind::Abandoned)) {
                let status = self.status_locked(&extras, id, entry);
                self.observation.event(Event::of(EventKind::Abandoned, &status));
            }
            match slot {
                Some(slot) => slot.abandon(id),
                // A pending run has no thread that could come back.
                None => drop(queue.pending.fetch_sub(1, Ordering::AcqRel)),
            }
        });
        report.sort();
        for (&id, extra) in extras.tasks.iter_mut().filter(|(_, extra)| !extra.watches.is_empty()) {
            let in_memory = self.store.chunk(id).and_then(|chunk| {
                let entry = chunk.entry(id);
                self.status_from(id, entry, entry.word(), Some(extra))
            });
            let Some(status) = in_memory.or_else(|| self.stored_status(id)) else { continue };
            let error = ended_before(&status);
            for watch in std::mem::take(&mut extra.watches) {
                self.tell_end_to(watch, status.clone(), Err(error.clone()));
            }
        }
    }

    /// Lets go of the handlers; the last holder of one releases it. User code, so not with a lock held.
    pub(crate) fn release_handlers(&self) {
        point(Place::Release);
        for index in 0.. {
            let mut registrations = self.registrations.lock();
            let Some(registration) = registrations.get_mut(index) else { return };
            let handler = registration.handler.take();
            drop(registrations);
            if let Some(handler) = handler {
                let_go(handler, &self.observation);
            }
        }
    }
}
