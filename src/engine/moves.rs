//! Every move of a task that needs more than its word: cancel, settle, fail, pend, wait, watch, drop, the end.
//!
//! A task that succeeds is moved by its worker with one compare-and-swap and never comes here. What comes here holds the
//! lock of the *extras*: reasons, failures, watches and early outcomes, by task id. A task with an extra has its word marked
//! slow, so that its worker comes here too.
//!
//! What a caller asks for is refused where there is no memory for its extra, before anything has changed. The end of a run
//! has no caller: there the word tells all that decides, and without memory for an extra only texts are missing.
//!
//! Order of locks: intake, extras, then the small ones (lanes, crew, kept, registrations, observer's buffer).

use crate::alloc::{Ensure, NoMemory, Text};
use crate::engine::ends::{Dropped, Locked};
use crate::engine::event::{Event, EventKind};
use crate::engine::handler::SharedHandler;
use crate::engine::observer::SharedObserver;
use crate::engine::poison::{point, Place};
use crate::engine::queues::{Queue, Slot};
use crate::engine::wait::WaitSlot;
use crate::engine::watchers::Waiting;
use crate::engine::{unknown, Inner};
use crate::error::{Error, Result};
use crate::queue::lanes::level_of;
use crate::store::table::{Entry, Word};
use crate::sync::{Arc, Ordering};
use crate::sys;
use crate::task::{Failure, Lease, Outcome, State, TaskId, TaskStatus};
use std::cell::Cell;
use std::collections::HashMap;
use std::time::Instant;

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
}

#[derive(Default)]
pub(crate) struct Extra {
    pub(crate) failure: Option<Failure>,
    /// Why it was cancelled or asked to stop. A running task that is asked to stop and has none is asked by a shutdown.
    pub(crate) reason: Option<Text>,
    /// Claims that do not count as attempts.
    pub(crate) interruptions: u32,
    pub(crate) watches: Vec<Watch>,
    /// Settled before its `run` has returned.
    pub(crate) settled_early: Option<Outcome>,
    /// When the run began that is now pending, where that was looked at.
    pub(crate) started: Option<Instant>,
}

impl Extra {
    /// Whether there is anything to tell of it once it is final.
    fn tells_something(&self) -> bool {
        self.failure.is_some() || self.reason.is_some() || self.interruptions > 0
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

/// The run that a worker has just ended.
pub(crate) struct Returned<'a> {
    pub(crate) queue: &'a Queue,
    pub(crate) id: TaskId,
    pub(crate) entry: &'a Entry,
    pub(crate) lease: Lease,
    /// When it began, where that was looked at; else the coarse clock has to do.
    pub(crate) started: Option<Instant>,
}

/// How a run ends: an outcome that is not pending, or by a shutdown.
enum Ending {
    Done,
    Failed(Failure),
    Cancelled,
    Interrupted,
}

impl Ending {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Ending::Done,
            Outcome::Failed(failure) | Outcome::Fatal(failure) => Ending::Failed(failure),
            Outcome::Cancelled => Ending::Cancelled,
            Outcome::Pending => unreachable!("the callers take pending apart"),
        }
    }
}

impl Inner {
    pub(crate) fn queue(&self, word: Word) -> &Queue {
        self.queues.get(word.queue())
    }

    pub(crate) fn handler(&self, word: Word) -> Option<SharedHandler> {
        self.registrations.lock()[word.registration()].handler.clone()
    }

    /// Records what `run` returned, where that is more than a plain success.
    pub(crate) fn run_returned(&self, run: &Returned<'_>, outcome: Outcome) {
        let mut extras = self.lock_extras();
        point(Place::Returned);
        if extras.closed {
            return self.refuse_outcome(&extras, run.id, run.entry, run.lease);
        }
        // What a settle said first counts, whatever `run` returned after it.
        let early = extras.tasks.get_mut(&run.id).and_then(|extra| extra.settled_early.take());
        match early.unwrap_or(outcome) {
            Outcome::Pending => {
                let moved = run.entry.move_slowly(&[State::Running], State::Pending, false);
                assert!(moved.is_ok(), "a run that returns is running");
                if let Ok(extra) = extras.get(run.id) {
                    extra.started = run.started;
                }
                run.queue.pending.fetch_add(1, Ordering::AcqRel);
                if self.observation.wants(EventKind::Pending) {
                    let status = self.status_locked(&extras, run.id, run.entry);
                    self.observation.event(Event::of(EventKind::Pending, &status));
                }
            }
            outcome => self.end_run(&mut extras, run.queue, run.id, run.entry, Ending::of(outcome), run.started),
        }
    }

    /// A worker claimed a task and then saw that the engine is shutting down: no run has begun, so the task leaves as one that
    /// is queued. `bytes`: what it takes of the capacity.
    pub(crate) fn put_back(&self, queue: &Queue, slot: &Slot, id: TaskId, entry: &Entry, bytes: u32) {
        let mut extras = self.lock_extras();
        // Of one that was given up before it began, all has been told.
        if !slot.is_abandoned(id) {
            let moved = entry.unclaim();
            assert!(moved.is_ok(), "a task that is put back was claimed");
            // The memory store has nowhere to keep it, also where the engine has closed meanwhile.
            self.cancel_ready(&mut extras, id, entry, &self.end_reason());
        }
        let _untold = extras.unlock();
        queue.left_out_of_turn(bytes, false);
    }

    /// Settles a pending run, or one whose `run` has not returned yet.
    pub(crate) fn settle(&self, id: TaskId, lease: Lease, outcome: Outcome) -> Result<()> {
        let chunk = self.store.chunk(id).ok_or_else(|| unknown(id))?;
        let entry = chunk.entry(id);
        let mut extras = self.lock_extras();
        point(Place::Settle);
        let word = entry.word();
        let state = word.state().ok_or_else(|| unknown(id))?;
        let counts = !extras.closed && word.lease() == lease && matches!(state, State::Running | State::Pending);
        let early = counts && state == State::Running;
        let pending = counts && state == State::Pending;
        if early {
            // Its run may end meanwhile, but not be recorded: for that its worker needs the lock.
            extras.tasks.ensure(1)?;
        }
        if early && entry.mark_slow(false).is_ok_and(|word| word.state() == Some(State::Running)) {
            let extra = extras.get(id)?;
            if extra.settled_early.is_none() {
                extra.settled_early = Some(outcome);
                return Ok(());
            }
        } else if pending {
            let queue = self.queue(word);
            let started = extras.tasks.get_mut(&id).and_then(|extra| extra.started.take());
            self.end_run(&mut extras, queue, id, entry, Ending::of(outcome), started);
            // Only now: another run may take its place under the concurrency limit, and a shutdown may go on.
            queue.pending.fetch_sub(1, Ordering::AcqRel);
            let _untold = extras.unlock();
            // Its place under the concurrency limit is free, and no worker comes back to see it.
            queue.parking.work_added();
            self.something_ended();
            return Ok(());
        }
        self.refuse_outcome(&extras, id, entry, lease);
        Err(Error::StaleLease { id: id.value(), lease: lease.value() })
    }

    /// Ends a run.
    fn end_run<'a>(
        &'a self,
        extras: &mut Locked<'a>,
        queue: &Queue,
        id: TaskId,
        entry: &Entry,
        ending: Ending,
        started: Option<Instant>,
    ) {
        const RUNNING: &[State] = &[State::Running, State::Pending];
        let run_us = match started {
            Some(started) => i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX),
            None => (sys::coarse_unix_micros() - entry.times(entry.word()).started_us).max(0),
        };
        // A shutdown asked it to stop, and nobody else did.
        let asked_by_shutdown = || {
            let reason = extras.tasks.get(&id).and_then(|extra| extra.reason.as_ref());
            entry.word().cancel_requested() && reason.is_none()
        };
        let ending = match ending {
            Ending::Cancelled if asked_by_shutdown() => Ending::Interrupted,
            ending => ending,
        };
        match ending {
            Ending::Done => self.finish(extras, id, entry, RUNNING, State::Succeeded, run_us),
            Ending::Failed(failure) => {
                if let Ok(extra) = extras.get(id) {
                    extra.failure = Some(failure.clone());
                }
                queue.seldom.lock().runs_failed += 1;
                if self.observation.wants(EventKind::RunFailed) {
                    let mut status = self.status_locked(extras, id, entry);
                    // One attempt: what failed is dead (retries come with their own issue).
                    status.state = State::Dead;
                    let event = Event::of(EventKind::RunFailed, &status);
                    self.observation.event(Event { failure: Some(failure), run_us, ..event });
                }
                self.finish(extras, id, entry, RUNNING, State::Dead, run_us);
            }
            Ending::Interrupted => {
                if let Ok(extra) = extras.get(id) {
                    extra.interruptions += 1;
                }
                queue.seldom.lock().interrupted += 1;
                let moved = entry.move_slowly(RUNNING, State::Ready, true);
                assert!(moved.is_ok(), "a run that is interrupted is running");
                if self.observation.wants(EventKind::Interrupted) {
                    let status = self.status_locked(extras, id, entry);
                    self.observation.event(Event { run_us, ..Event::of(EventKind::Interrupted, &status) });
                }
                // The memory store has nowhere to keep it.
                self.cancel_ready(extras, id, entry, &self.end_reason());
            }
            Ending::Cancelled => {
                if let Ok(extra) = extras.get(id) {
                    extra.reason.get_or_insert(Text::fixed("its own run cancelled it"));
                }
                self.finish(extras, id, entry, RUNNING, State::Cancelled, run_us);
            }
        }
    }

    /// Cancels a task if it is ready. Whether it was. Without memory the reason is not kept.
    pub(crate) fn cancel_ready<'a>(
        &'a self,
        extras: &mut Locked<'a>,
        id: TaskId,
        entry: &Entry,
        reason: &Text,
    ) -> bool {
        let Ok(before) = entry.move_slowly(&[State::Ready], State::Cancelled, true) else { return false };
        if let Ok(extra) = extras.get(id) {
            extra.reason = Some(reason.clone());
        }
        self.finished(extras, id, entry, before, State::Cancelled, 0);
        true
    }

    /// Moves a task to a final state, which must be possible, and tells everybody.
    fn finish<'a>(
        &'a self,
        extras: &mut Locked<'a>,
        id: TaskId,
        entry: &Entry,
        from: &[State],
        to: State,
        run_us: i64,
    ) {
        let Ok(before) = entry.move_slowly(from, to, false) else { panic!("a run that ends is running") };
        self.finished(extras, id, entry, before, to, run_us);
    }

    /// Tells everybody of a task that has come to a final state, `before` being its word before that.
    fn finished<'a>(
        &'a self,
        extras: &mut Locked<'a>,
        id: TaskId,
        entry: &Entry,
        before: Word,
        to: State,
        run_us: i64,
    ) {
        point(Place::Ended);
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
        if !has_extra {
            extras.tasks.remove(&id);
        }
        // Who is told can still ask for the task, so it is forgotten only after that.
        if !before.is_told() || !extras.end(self, id, before.lease(), to, has_extra) {
            self.keep(id, to, has_extra, |forgotten| {
                extras.tasks.remove(&forgotten);
            });
        }
    }

    /// Notes a task that has come to a final state. At most one other has no extra any more, which `forget_extra` is told of.
    pub(crate) fn keep(&self, id: TaskId, state: State, has_extra: bool, forget_extra: impl FnMut(TaskId)) {
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
                extras.tasks.remove(&id);
            }
        }
    }

    /// Cancels a ready task, or asks a running one to stop.
    pub(crate) fn cancel(&self, id: TaskId, reason: &str) -> Result<CancelResult> {
        let Some(chunk) = self.store.chunk(id) else {
            return Ok(CancelResult::Unknown);
        };
        let entry = chunk.entry(id);
        let reason = Text::copy(reason)?;
        let mut extras = self.lock_extras();
        point(Place::Cancel);
        let word = entry.word();
        match word.state() {
            None => return Ok(CancelResult::Unknown),
            Some(state) if state.is_final() => return Ok(CancelResult::AlreadyFinal),
            Some(_) => {}
        }
        // Whatever it turns out to be: before anything has changed.
        extras.tasks.ensure(1)?;
        self.observation.ensure_cancel()?;
        let queue = self.queue(word);
        let bytes = entry.bytes();
        if self.cancel_ready(&mut extras, id, entry, &reason) {
            let _untold = extras.unlock();
            queue.left_out_of_turn(bytes, true);
            self.tell_of_room(queue);
            self.sweep(queue);
            self.something_ended();
            return Ok(CancelResult::Queued);
        }
        let Ok(before) = entry.mark_slow(true) else {
            let is_known = entry.word().state().is_some();
            return Ok(if is_known { CancelResult::AlreadyFinal } else { CancelResult::Unknown });
        };
        let extra = extras.get(id)?;
        if extra.reason.is_none() {
            extra.reason = Some(reason);
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
