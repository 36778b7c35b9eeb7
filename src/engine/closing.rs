//! What a shutdown does to tasks: cancel what is ready, ask what runs to stop, close the books.

use crate::engine::handler::Handler;
use crate::engine::moves::{Extras, Watch};
use crate::engine::observer::{ended_before, Event, EventKind};
use crate::engine::queues::Queue;
use crate::engine::shutdown::{LeftRunning, SHUT_DOWN_REASON};
use crate::engine::Inner;
use crate::store::table::Chunk;
use crate::sync::{Arc, Ordering};
use crate::task::{State, TaskId};

impl Inner {
    /// Cancels all that is ready: what a shutdown leaves in a memory store. How many.
    pub(crate) fn cancel_all_ready(&self) -> u64 {
        let mut cancelled = 0;
        for queue in self.queues.iter() {
            loop {
                // Bound on its own, so that the lanes are free while the extras are locked.
                let taken = queue.lanes.0.lock().take_oldest_of_lowest();
                let Some(batch) = taken else { break };
                cancelled += u64::from(self.cancel_at_shutdown(queue, batch.head(0).id));
            }
            while let Some((batch, index)) = queue.take_from_hands() {
                cancelled += u64::from(self.cancel_at_shutdown(queue, batch.head(index).id));
            }
        }
        cancelled
    }

    pub(crate) fn cancel_at_shutdown(&self, queue: &Queue, id: TaskId) -> bool {
        let Some(chunk) = self.store.chunk(id) else {
            return false;
        };
        let entry = chunk.entry(id);
        let mut extras = self.extras.lock();
        let bytes = entry.bytes();
        let cancelled = self.cancel_ready(&mut extras, queue, id, entry, SHUT_DOWN_REASON);
        drop(extras);
        if cancelled {
            queue.left_out_of_turn(bytes, false);
        } else {
            queue.gap_closed();
        }
        cancelled
    }

    /// Running and pending tasks.
    fn running(&self, extras: &Extras) -> Vec<(TaskId, Arc<Chunk>)> {
        let slots = self.queues.iter().flat_map(|queue| queue.crew.lock().slots.clone());
        let on_workers = slots.filter_map(|slot| slot.running());
        let pending = extras.tasks.iter().filter(|(_, extra)| extra.pending_since.is_some()).map(|(&id, _)| id);
        let mut all: Vec<_> = on_workers.chain(pending).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().filter_map(|id| Some((id, self.store.chunk(id)?))).collect()
    }

    /// Asks every run to stop, on behalf of a shutdown.
    pub(crate) fn interrupt_runs(&self) {
        let mut extras = self.extras.lock();
        for (id, chunk) in self.running(&extras) {
            let Ok(before) = chunk.entry(id).mark_slow(true) else {
                continue;
            };
            if before.cancel_requested() {
                continue;
            }
            extras.tasks.entry(id).or_default().interrupted = true;
            if let Some(handler) = self.handler(before) {
                self.observation.cancel_requested(handler, id, before.lease());
            }
        }
    }

    /// What a closed engine still runs.
    pub(crate) fn left_running(&self) -> Vec<LeftRunning> {
        let extras = self.extras.lock();
        let left = self.running(&extras).into_iter().filter_map(|(id, chunk)| {
            let word = chunk.entry(id).word();
            let runs = matches!(word.state(), Some(State::Running | State::Pending));
            runs.then(|| LeftRunning { id, task_name: self.registrations.lock()[word.registration()].name.clone() })
        });
        left.collect()
    }

    /// Records nothing more. Tells whoever waits for a task that is still running, and hands back the handlers and what runs.
    pub(crate) fn close_moves(&self) -> (Vec<Arc<dyn Handler>>, Vec<LeftRunning>) {
        let mut extras = self.extras.lock();
        extras.closed = true;
        let mut left = Vec::new();
        for (id, chunk) in self.running(&extras) {
            let entry = chunk.entry(id);
            // From here on its worker comes to run_returned, which refuses it. One that was faster is done.
            let Ok(word) = entry.mark_slow(false) else { continue };
            if !matches!(word.state(), Some(State::Running | State::Pending)) {
                continue;
            }
            left.push(LeftRunning { id, task_name: self.registrations.lock()[word.registration()].name.clone() });
            self.queue(word).seldom.lock().abandoned += 1;
            if self.observation.wants(EventKind::Abandoned) {
                let status = self.status_locked(&extras, id, entry);
                self.observation.event(Event::of(EventKind::Abandoned, &status));
            }
            let extra = extras.tasks.entry(id).or_default();
            extra.abandoned = true;
            // A pending run has no thread that could come back.
            if extra.pending_since.take().is_some() {
                self.queue(word).pending.fetch_sub(1, Ordering::AcqRel);
            }
        }
        let unfinished: Vec<_> =
            extras.tasks.iter().filter(|(_, extra)| !extra.watches.is_empty()).map(|(&id, _)| id).collect();
        for id in unfinished {
            let Some(chunk) = self.store.chunk(id) else { continue };
            let status = self.status_locked(&extras, id, chunk.entry(id));
            let error = ended_before(&status);
            let watches = extras.tasks.get_mut(&id).map(|extra| std::mem::take(&mut extra.watches));
            for watch in watches.into_iter().flatten() {
                match watch {
                    Watch::Slot(slot) => slot.fill(Err(error.clone())),
                    Watch::Tell(watcher) => self.observation.tell_watcher(watcher, status.clone(), Err(error.clone())),
                }
            }
        }
        let mut registrations = self.registrations.lock();
        let handlers = registrations.iter_mut().filter_map(|registration| registration.handler.take());
        (handlers.collect(), left)
    }
}
