//! Every move of a task that needs more than its word: cancel, settle, fail, pend, wait, watch, drop, the end.
//!
//! A task that succeeds is moved by its worker with one compare-and-swap and never comes here. What comes here holds the
//! lock of the *extras*: reasons, failures, watches and early outcomes, by task id. A task with an extra has its word marked
//! slow, so that its worker comes here too.
//!
//! What a caller asks for is refused where there is no memory for its extra, before anything has changed. The end of a run
//! has no caller: there the word tells all that decides, and without memory for an extra only texts are missing.
//!
//! Order of locks: intake, extras, kept, schedule, then the small ones (lanes, crew, registrations, observer's buffer).

use crate::alloc::{Ensure, NoMemory, Text};
use crate::engine::control::{Alarm, Control};
use crate::engine::ends::{Dropped, Locked};
use crate::engine::event::{Event, EventKind};
use crate::engine::handler::SharedHandler;
use crate::engine::journal::ends::Recorded;
use crate::engine::limits::{GivenUp, Limit};
use crate::engine::observer::SharedObserver;
use crate::engine::poison::{self, point};
use crate::engine::queues::Queue;
use crate::engine::results::{Progress, TaskResult};
use crate::engine::wait::WaitSlot;
use crate::engine::watchers::Waiting;
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::options::RetryPolicy;
use crate::queue::lanes::level_of;
use crate::queue::shelf::ShelfPlace;
use crate::store::durable::Move;
use crate::store::table::{Entry, Word};
use crate::sync::Arc;
use crate::sys;
use crate::task::{Failure, Lease, Outcome, ResultBytes, State, TaskId, TaskStatus};
use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What is known of tasks beyond their word.
#[derive(Default)]
pub(crate) struct Extras {
    pub(crate) tasks: HashMap<TaskId, Extra>,
    /// Nothing is recorded any more.
    pub(crate) closed: bool,
    /// Who is told of the ends of tasks that somebody asked for; `None`: nobody, or nobody any more.
    pub(crate) told_of_ends: Option<SharedObserver>,
    /// What is not final never will be, and nobody is told of it any more.
    pub(crate) gave_up: bool,
}

impl Extras {
    /// The extra of a task, made where it has none.
    pub(crate) fn get(&mut self, id: TaskId) -> std::result::Result<&mut Extra, NoMemory> {
        self.tasks.ensure(1)?;
        Ok(self.tasks.entry(id).or_default())
    }

    /// Whether the run of a task was given up and its thread has not come back.
    pub(crate) fn is_away(&self, id: TaskId) -> bool {
        self.tasks.get(&id).is_some_and(|extra| extra.given_up.is_some())
    }

    /// Lets go of what is known of a task beyond its word, and of what waits for it elsewhere.
    pub(crate) fn forget(&mut self, control: &Control, id: TaskId) {
        let Some(extra) = self.tasks.remove(&id) else { return };
        let timer = extra.result.and_then(|result| result.timer);
        if extra.place.is_none() && timer.is_none() {
            return;
        }
        let mut schedule = control.open();
        if let Some(place) = extra.place {
            schedule.shelf.take(place);
        }
        if let Some(timer) = timer {
            schedule.cancel_timer(timer, Alarm::Result(id));
        }
    }
}

#[derive(Default)]
pub(crate) struct Extra {
    /// What its submission says of its own.
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) failure: Option<Failure>,
    /// Why it was cancelled or asked to stop. A running task that is asked to stop and has none is asked by a shutdown.
    pub(crate) reason: Option<Text>,
    /// Claims that do not count as attempts: of interrupted runs, and all those before a replay.
    pub(crate) uncounted: u32,
    pub(crate) watches: Vec<Watch>,
    /// Settled before its `run` has returned.
    pub(crate) settled_early: Option<Outcome>,
    /// When the run of a pending task began, if that was looked at.
    pub(crate) started: Option<Instant>,
    /// Where the record of a pending or dead task lies, for its retry or replay; `None` also where there was no memory for it.
    pub(crate) place: Option<ShelfPlace>,
    /// Watches the time limit of its run.
    pub(crate) limit: Option<Limit>,
    /// The run of this lease was given up, and its thread has not come back: until then the task is not run again.
    pub(crate) given_up: Option<GivenUp>,
    pub(crate) progress: Option<Progress>,
    pub(crate) result: Option<TaskResult>,
    /// How long its last run took, in microseconds, where the end of that waits for the store.
    pub(crate) run_us: i64,
}

impl Extra {
    /// Notes what a settle leaves, if it leaves anything.
    pub(crate) fn leave(&mut self, result: Option<ResultBytes>) {
        if let Some(bytes) = result {
            self.result = Some(TaskResult { bytes, timer: None });
        }
    }

    /// How often a task has begun to run, as its retry policy counts; `extra`: what is known of it beyond its word.
    pub(crate) fn attempt(extra: Option<&Self>, word: Word) -> u32 {
        word.claims() - extra.map_or(0, |extra| extra.uncounted)
    }

    /// Whether there is anything to tell of it once it is final.
    fn tells_something(&self) -> bool {
        self.failure.is_some()
            || self.reason.is_some()
            || self.uncounted > 0
            || self.given_up.is_some()
            || self.progress.is_some()
            || self.result.is_some()
    }
}

/// Who waits for the end of a task.
pub(crate) enum Watch {
    Slot(Arc<WaitSlot>),
    Tell(Waiting),
}

/// What a cancel met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelResult {
    /// A task that was not running: it is cancelled.
    Queued,
    /// A running or pending task: it was asked to stop.
    Running,
    /// A task in a final state: nothing changed.
    AlreadyFinal,
    /// There is no such task, or it is no longer kept.
    Unknown,
}

impl Inner {
    pub(crate) fn queue(&self, word: Word) -> &Queue {
        self.queues.get(word.queue())
    }

    pub(crate) fn handler(&self, word: Word) -> Option<SharedHandler> {
        self.registrations.lock()[word.registration()].handler.clone()
    }

    /// Cancels a task if it is ready. Whether it was. Without memory the reason is not kept.
    pub(crate) fn cancel_ready<'a>(
        &'a self,
        extras: &mut Locked<'a>,
        id: TaskId,
        entry: &Entry,
        reason: &Text,
        recorded: Option<&Recorded>,
    ) -> bool {
        let before = self.leave_for_cancelled(entry, State::Ready);
        self.cancelled(extras, id, entry, before, reason, recorded)
    }

    /// Cancels a task if it waits for its time. Whether it did.
    pub(crate) fn cancel_scheduled<'a>(
        &'a self,
        extras: &mut Locked<'a>,
        id: TaskId,
        entry: &Entry,
        reason: &Text,
        recorded: Option<&Recorded>,
    ) -> bool {
        let before = self.take_from_schedule(id, entry);
        self.cancelled(extras, id, entry, before, reason, recorded)
    }

    /// Moves a task that no run has to *cancelled*, or where that is to be recorded first, on its way there. The word before, if it was in
    /// that state.
    pub(crate) fn leave_for_cancelled(&self, entry: &Entry, from: State) -> Option<Word> {
        let moved = match self.journal {
            Some(_) => entry.begin_ending(&[from]),
            None => entry.move_slowly(&[from], State::Cancelled, true),
        };
        moved.ok()
    }

    /// Tells everybody of a task that was moved to *cancelled* before any run, if it was. Whether it was.
    fn cancelled<'a>(
        &'a self,
        extras: &mut Locked<'a>,
        id: TaskId,
        entry: &Entry,
        before: Option<Word>,
        reason: &Text,
        recorded: Option<&Recorded>,
    ) -> bool {
        let Some(before) = before else { return false };
        if let Ok(extra) = extras.get(id) {
            extra.reason = Some(reason.clone());
        }
        if self.journal.is_some() {
            let uncounted = extras.tasks.get(&id).map_or(0, |extra| extra.uncounted);
            self.record_move(
                id,
                before.claims(),
                uncounted,
                Move::Cancelled { reason: reason.clone() },
                recorded.cloned(),
            );
            return true;
        }
        self.finished(extras, id, entry, before, State::Cancelled, 0);
        true
    }

    /// Moves a task to a final state, which must be possible, and tells everybody.
    pub(crate) fn finish<'a>(
        &'a self,
        extras: &mut Locked<'a>,
        id: TaskId,
        entry: &Entry,
        from: &[State],
        to: State,
        run_us: i64,
    ) {
        if self.journal.is_some() {
            return self.finish_durably(extras, id, entry, from, to, run_us);
        }
        let Ok(before) = entry.move_slowly(from, to, false) else { panic!("a run that ends is running") };
        self.finished(extras, id, entry, before, to, run_us);
    }

    /// Tells everybody of a task that has come to a final state, `before` being its word before that.
    pub(crate) fn finished<'a>(
        &'a self,
        extras: &mut Locked<'a>,
        id: TaskId,
        entry: &Entry,
        before: Word,
        to: State,
        run_us: i64,
    ) {
        point(poison::Place::Ended);
        entry.note_finished(sys::coarse_unix_millis());
        let kind = {
            let mut seldom = self.queue(before).seldom.lock();
            let (kind, counter) = match to {
                State::Succeeded => (EventKind::Succeeded, &mut seldom.succeeded),
                State::Dead => (EventKind::Dead, &mut seldom.dead),
                State::Dropped => (EventKind::Dropped, &mut seldom.dropped),
                _ => (EventKind::Cancelled, &mut seldom.cancelled),
            };
            *counter += 1;
            kind
        };
        let extra = extras.tasks.get_mut(&id);
        let watches = extra.map(|extra| std::mem::take(&mut extra.watches)).unwrap_or_default();
        if self.observation.wants(kind) || !watches.is_empty() {
            let status = self.status_locked(extras, id, entry);
            if self.observation.wants(kind) {
                let failure = if to == State::Dead { status.failure.clone() } else { None };
                self.observation.event(Event { run_us, failure, ..Event::of(kind, &status) });
            }
            for watch in watches {
                self.tell_end_to(watch, status.clone(), Ok(()));
            }
        }
        let has_extra = extras.tasks.get(&id).is_some_and(Extra::tells_something);
        // The store tells of it, but not that a thread is in it still.
        let is_kept_for_thread = self.journal.is_some() && extras.is_away(id);
        let has_extra = has_extra && !is_kept_for_thread;
        if !has_extra && !is_kept_for_thread {
            extras.forget(&self.control, id);
        }
        // Who is told can still ask for the task, so it is forgotten only after that.
        if !before.is_told() || !extras.end(self, id, before.lease(), to, has_extra) {
            self.keep(id, to, has_extra, |forgotten| {
                extras.forget(&self.control, forgotten);
            });
        }
    }

    /// Notes a task that has come to a final state. At most one other has no extra any more, which `forget_extra` is told of.
    /// With a journal that is the store's, and memory forgets the task.
    pub(crate) fn keep(&self, id: TaskId, state: State, has_extra: bool, mut forget_extra: impl FnMut(TaskId)) {
        if self.journal.is_some() {
            if has_extra {
                forget_extra(id);
            }
            if let Some(chunk) = self.store.chunk(id) {
                self.store.forget(&chunk, id);
            }
            return;
        }
        match state {
            State::Dead => self.store.keep_dead(id, forget_extra),
            _ => self.store.keep_finished(&[id], has_extra, sys::coarse_millis(), forget_extra),
        }
    }

    /// Notes plain successes. Empties the list; the other one has room for as many, is empty, and will be.
    pub(crate) fn keep_succeeded(&self, ids: &mut Vec<TaskId>, forgotten: &mut Vec<TaskId>) {
        self.store.keep_finished(ids, false, sys::coarse_millis(), |id| forgotten.push(id));
        ids.clear();
        if !forgotten.is_empty() {
            let mut extras = self.extras.lock();
            for id in forgotten.drain(..) {
                extras.forget(&self.control, id);
            }
        }
    }

    /// Cancels a ready task, or asks a running one to stop.
    pub(crate) fn cancel(&self, id: TaskId, reason: &str) -> Result<CancelResult> {
        let Some(chunk) = self.store.chunk(id) else {
            return self.cancel_stored(id, Text::copy(reason)?);
        };
        let entry = chunk.entry(id);
        let reason = Text::copy(reason)?;
        let recorded = self.wait_for_record()?;
        let mut extras = self.lock_extras();
        point(poison::Place::Cancel);
        if self.journal.is_some() && extras.closed {
            return Err(Error::ShuttingDown);
        }
        let word = entry.word();
        match word.state() {
            None => {
                drop(extras);
                return self.cancel_stored(id, reason);
            }
            Some(state) if state.is_final() => return Ok(CancelResult::AlreadyFinal),
            // What it ended as is about to be recorded.
            Some(_) if word.is_ending() => return Ok(CancelResult::Running),
            Some(_) => {}
        }
        // Whatever it turns out to be: before anything has changed.
        extras.tasks.ensure(1)?;
        self.observation.ensure_cancel()?;
        let queue = self.queue(word);
        if self.cancel_scheduled(&mut extras, id, entry, &reason, recorded.as_ref()) {
            let untold = extras.unlock();
            self.tell_of_room(queue);
            self.something_ended();
            drop(untold);
            recorded.map_or(Ok(()), |recorded| recorded.wait_for_ever())?;
            return Ok(CancelResult::Queued);
        }
        let bytes = entry.bytes();
        if self.cancel_ready(&mut extras, id, entry, &reason, recorded.as_ref()) {
            let untold = extras.unlock();
            queue.left_out_of_turn(bytes, true);
            self.tell_of_room(queue);
            self.sweep(queue);
            if let Some(journal) = &self.journal {
                // No run begins that would look.
                journal.look_for_room(true);
            }
            self.something_ended();
            drop(untold);
            recorded.map_or(Ok(()), |recorded| recorded.wait_for_ever())?;
            return Ok(CancelResult::Queued);
        }
        let Ok(before) = entry.mark_slow(true) else {
            if entry.word().state().is_some() {
                return Ok(CancelResult::AlreadyFinal);
            }
            drop(extras);
            return self.cancel_stored(id, reason);
        };
        if before.is_ending() {
            // Just now.
            return Ok(CancelResult::Running);
        }
        let extra = extras.get(id)?;
        // Where its time limit alone had asked it, the caller's wish counts from here on.
        let by_limit = extra.limit.as_mut().is_some_and(|limit| std::mem::take(&mut limit.asked_alone));
        if extra.reason.is_none() || by_limit {
            extra.reason = Some(reason.clone());
            let status = self.status_locked(&extras, id, entry);
            if self.observation.wants(EventKind::CancelRequested) {
                self.observation.event(Event::of(EventKind::CancelRequested, &status));
            }
            // Unless a shutdown has asked it already.
            if !before.cancel_requested() {
                if let Some(handler) = self.handler(before) {
                    self.observation.cancel_requested(handler, id, before.lease());
                }
            }
            self.record_ask(&extras, id, before, reason, recorded.clone());
            drop(extras);
            recorded.map_or(Ok(()), |recorded| recorded.wait_for_ever())?;
        }
        Ok(CancelResult::Running)
    }

    /// Drops the oldest task of the lowest level in use, in the lanes or in a hand. Whether there was one. Its end, if somebody
    /// is to be told of it, goes to the others in `dropped`.
    pub(crate) fn drop_oldest<'a>(&'a self, queue: &Queue, dropped: &mut Dropped<'a>) -> bool {
        let level = |id| Some(level_of(self.store.chunk(id)?.entry(id).word().priority()));
        while let Some(id) = queue.take_oldest_of_lowest(level) {
            let Some(chunk) = self.store.chunk(id) else {
                queue.gap_closed();
                continue;
            };
            let entry = chunk.entry(id);
            let mut extras = self.lock_extras();
            let bytes = entry.bytes();
            if let Ok(before) = entry.move_slowly(&[State::Ready], State::Dropped, false) {
                self.finished(&mut extras, id, entry, before, State::Dropped, 0);
                dropped.add(extras.unlock());
                queue.left_out_of_turn(bytes, false);
                return true;
            }
            queue.gap_closed();
        }
        false
    }

    pub(crate) fn refuse_outcome(&self, extras: &Extras, id: TaskId, entry: &Entry, lease: Lease) {
        let Some(status) = self.status_from(id, entry, entry.word(), extras.tasks.get(&id)) else {
            // Memory has forgotten it; a store may have it.
            self.refuse_of_stored(id, lease);
            return;
        };
        self.queue(entry.word()).seldom.lock().stale_settles += 1;
        if self.observation.wants(EventKind::StaleSettle) {
            self.observation.event(Event::of(EventKind::StaleSettle, &TaskStatus { lease, ..status }));
        }
    }

    /// Lets go of the records of tasks that left out of turn, once they outnumber the others.
    fn sweep(&self, queue: &Queue) {
        let ready = self.ready_in(queue);
        if !queue.needs_sweep(ready) {
            return;
        }
        let closed = Cell::new(0);
        queue.lanes.0.lock().sweep(&self.pool, |id| {
            let ready = self.store.chunk(id).is_some_and(|chunk| chunk.entry(id).word().state() == Some(State::Ready));
            closed.set(closed.get() + u64::from(!ready));
            ready
        });
        queue.swept(closed.get());
    }
}
