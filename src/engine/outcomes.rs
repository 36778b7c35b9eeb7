//! The end of a run, however it comes: returned by its worker, settled from elsewhere, interrupted, or given up.
//!
//! What a worker or a control thread records here has no caller who could be told of a lack of memory: the word tells all that
//! decides, and without memory only texts are missing, or the retry of a task that there is no room to keep (it is dead then,
//! and says why).

use crate::alloc::{Ensure, Text};
use crate::engine::control::Alarm;
use crate::engine::ends::Locked;
use crate::engine::event::{Event, EventKind};
use crate::engine::moves::{Extra, Extras};
use crate::engine::poison::{self, point};
use crate::engine::queues::{Queue, Slot};
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::options::{RetryPolicy, DEFAULT_RETRY_DELAY};
use crate::queue::log::Record;
use crate::queue::shelf::{Kept, ShelfPlace, Shelved};
use crate::store::durable::Move;
use crate::store::table::{Entry, Word};
use crate::sync::Ordering;
use crate::sys;
use crate::task::{Failure, Lease, Outcome, ResultBytes, State, TaskId};
use std::time::{Duration, Instant};

const RUNNING: &[State] = &[State::Running, State::Pending];

/// The run that a worker has just ended.
pub(crate) struct Returned<'a> {
    pub(crate) queue: &'a Queue,
    pub(crate) id: TaskId,
    pub(crate) entry: &'a Entry,
    pub(crate) lease: Lease,
    pub(crate) started: Option<Instant>,
    pub(crate) record: Record<'a>,
}

/// A run that ends.
pub(crate) struct Ended<'r> {
    pub(crate) id: TaskId,
    pub(crate) entry: &'r Entry,
    pub(crate) ending: Ending,
    pub(crate) started: Option<Instant>,
    pub(crate) record: RecordAt<'r>,
}

/// Where the record of a task is whose run ends.
pub(crate) enum RecordAt<'r> {
    /// With the worker that ends it.
    Here(Record<'r>),
    /// On the shelf, as the task's extra notes.
    Shelf,
    /// With a worker that does not come back.
    Away,
}

/// How a run ends: an outcome that is not pending, or by a shutdown.
pub(crate) enum Ending {
    Done,
    Failed(Failure, Next),
    Cancelled,
    Interrupted,
}

/// What is to follow a failed run.
#[derive(Clone, Copy)]
pub(crate) enum Next {
    /// What the retry policy says.
    Policy,
    /// A run after this time, if the retry policy gives no number of attempts or this was not the last. `None`: after the
    /// policy's.
    After(Option<Duration>),
    /// Nothing.
    Nothing,
}

impl Ending {
    pub(crate) fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Ending::Done,
            Outcome::Failed(failure) => Ending::Failed(failure, Next::Policy),
            Outcome::RetryAfter(failure, delay) => Ending::Failed(failure, Next::After(delay)),
            Outcome::Fatal(failure) => Ending::Failed(failure, Next::Nothing),
            Outcome::Cancelled => Ending::Cancelled,
            Outcome::Pending => unreachable!("the callers take pending apart"),
        }
    }
}

impl Inner {
    /// Records what `run` returned, where that is more than a plain success.
    pub(crate) fn run_returned(&self, run: &Returned<'_>, outcome: Outcome) {
        let Returned { queue, id, entry, lease, started, record } = *run;
        let mut extras = self.lock_extras();
        point(poison::Place::Returned);
        if extras.closed {
            self.refuse_outcome(&extras, id, entry, lease);
            // What it brings would not be run again.
            extras.take_given_up(id, lease);
            return;
        }
        let word = entry.word();
        // Its end may be on its way to the store.
        if word.is_ending() || word.state() != Some(State::Running) || word.lease() != lease {
            // It was given up.
            self.refuse_outcome(&extras, id, entry, lease);
            return self.thread_is_back(&mut extras, run);
        }
        // What a settle said first counts, whatever `run` returned after it.
        let early = extras.tasks.get_mut(&id).and_then(|extra| extra.settled_early.take());
        match early.unwrap_or(outcome) {
            Outcome::Pending => {
                let place = self.shelve(&record);
                let moved = entry.move_slowly(&[State::Running], State::Pending, false);
                assert!(moved.is_ok(), "a run that returns is running");
                match extras.get(id) {
                    Ok(extra) => (extra.started, extra.place) = (started, place),
                    Err(_) => self.unshelve(place),
                }
                queue.pending.fetch_add(1, Ordering::AcqRel);
                let uncounted = extras.tasks.get(&id).map_or(0, |extra| extra.uncounted);
                self.record_move(id, word.claims(), uncounted, Move::Pending, None);
                if self.observation.wants(EventKind::Pending) {
                    let status = self.status_locked(&extras, id, entry);
                    self.observation.event(Event::of(EventKind::Pending, &status));
                }
            }
            outcome => {
                let ending = Ending::of(outcome);
                let record = RecordAt::Here(record);
                self.end_run(&mut extras, queue, Ended { id, entry, ending, started, record });
            }
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
            // The memory store has nowhere to keep it, also where the engine has closed meanwhile. A durable store has it.
            let lost = self.journal.is_none() && self.cancel_ready(&mut extras, id, entry, &self.end_reason(), None);
            self.lost_by_workers.fetch_add(u64::from(lost), Ordering::Relaxed);
        }
        let _untold = extras.unlock();
        queue.left_out_of_turn(bytes, false);
    }

    /// Settles a pending run, or one whose `run` has not returned yet.
    pub(crate) fn settle(&self, id: TaskId, lease: Lease, outcome: Outcome, result: Option<ResultBytes>) -> Result<()> {
        let Some(chunk) = self.store.chunk(id) else { return Err(self.refuse_of_stored(id, lease)) };
        let entry = chunk.entry(id);
        let mut extras = self.lock_extras();
        point(poison::Place::Settle);
        let word = entry.word();
        let Some(state) = word.state() else {
            drop(extras);
            return Err(self.refuse_of_stored(id, lease));
        };
        let runs = !word.is_ending() && state.is_active();
        let counts = !extras.closed && word.lease() == lease && runs;
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
                extra.leave(result);
                return Ok(());
            }
        } else if pending {
            if result.is_some() {
                extras.get(id)?.leave(result);
            }
            self.end_pending(extras, id, entry, Ending::of(outcome));
            return Ok(());
        }
        self.refuse_outcome(&extras, id, entry, lease);
        Err(Error::StaleLease { id: id.value(), lease: lease.value() })
    }

    /// Ends the run of a pending task.
    pub(crate) fn end_pending<'a>(&'a self, mut extras: Locked<'a>, id: TaskId, entry: &Entry, ending: Ending) {
        let queue = self.queue(entry.word());
        let started = extras.tasks.get_mut(&id).and_then(|extra| extra.started.take());
        self.end_run(&mut extras, queue, Ended { id, entry, ending, started, record: RecordAt::Shelf });
        // Only now: another run may take its place under the concurrency limit, and a shutdown may go on.
        queue.pending.fetch_sub(1, Ordering::AcqRel);
        let _untold = extras.unlock();
        // Its place under the concurrency limit is free, and no worker comes back to see it.
        self.work_added(queue);
        self.something_ended();
    }

    /// Ends a run.
    pub(crate) fn end_run<'a>(&'a self, extras: &mut Locked<'a>, queue: &Queue, ended: Ended<'_>) {
        let Ended { id, entry, ending, started, record } = ended;
        let run_us = match started {
            Some(started) => i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX),
            None => (sys::coarse_unix_micros() - entry.times(entry.word()).started_us).max(0),
        };
        let limit = extras.tasks.get_mut(&id).and_then(|extra| extra.limit.take());
        if let Some(limit) = &limit {
            self.control.open().cancel_timer(limit.timer, Alarm::Limit(id));
        }
        // A shutdown asked it to stop, and nobody else did.
        let asked_by_shutdown = || {
            let reason = extras.tasks.get(&id).and_then(|extra| extra.reason.as_ref());
            entry.word().cancel_requested() && reason.is_none()
        };
        let ending = match ending {
            Ending::Cancelled if asked_by_shutdown() => Ending::Interrupted,
            // Its time limit asked it to stop, and nobody else did.
            Ending::Cancelled if limit.as_ref().is_some_and(|limit| limit.asked_alone) => {
                Ending::Failed(limit.as_ref().map_or(Failure::MISSING, |limit| limit.failure(true)), Next::Policy)
            }
            ending => ending,
        };
        match ending {
            Ending::Done => {
                self.drop_record(extras, id, &record);
                self.keep_result(extras, id, entry.word());
                self.finish(extras, id, entry, RUNNING, State::Succeeded, run_us);
            }
            Ending::Failed(failure, next) => {
                let asked_alone = limit.is_some_and(|limit| limit.asked_alone);
                self.run_failed(extras, queue, Failed { id, entry, failure, next, record, run_us, asked_alone });
            }
            Ending::Interrupted => {
                self.drop_record(extras, id, &record);
                if let Ok(extra) = extras.get(id) {
                    extra.uncounted += 1;
                }
                queue.seldom.lock().interrupted += 1;
                let moved = entry.move_slowly(RUNNING, State::Ready, true);
                assert!(moved.is_ok(), "a run that is interrupted is running");
                if self.observation.wants(EventKind::Interrupted) {
                    let status = self.status_locked(extras, id, entry);
                    self.observation.event(Event { run_us, ..Event::of(EventKind::Interrupted, &status) });
                }
                if self.journal.is_some() {
                    let uncounted = extras.tasks.get(&id).map_or(0, |extra| extra.uncounted);
                    return self.record_move(id, entry.word().claims(), uncounted, Move::Ready, None);
                }
                // The memory store has nowhere to keep it.
                self.cancel_ready(extras, id, entry, &self.end_reason(), None);
            }
            Ending::Cancelled => {
                self.drop_record(extras, id, &record);
                if let Ok(extra) = extras.get(id) {
                    extra.reason.get_or_insert(Text::fixed("its own run cancelled it"));
                }
                self.finish(extras, id, entry, RUNNING, State::Cancelled, run_us);
            }
        }
    }

    /// A run has failed: another one follows, or the task is dead.
    fn run_failed<'a>(&'a self, extras: &mut Locked<'a>, queue: &Queue, failed: Failed<'_>) {
        let Failed { id, entry, failure, next, record, run_us, asked_alone } = failed;
        let word = entry.word();
        queue.seldom.lock().runs_failed += 1;
        let delay = self.delay_of_next(extras.tasks.get(&id), word, next, asked_alone);
        if let Ok(extra) = extras.get(id) {
            extra.failure = Some(failure.clone());
            // What the run left goes with it.
            extra.result = None;
            if delay.is_some() {
                extra.reason = None;
            }
        }
        let tell = |extras: &Extras, state: State, run_at_us: i64| {
            if self.observation.wants(EventKind::RunFailed) {
                let mut status = self.status_locked(extras, id, entry);
                status.state = state;
                let event = Event::of(EventKind::RunFailed, &status);
                self.observation.event(Event { failure: Some(failure.clone()), run_us, run_at_us, ..event });
            }
        };
        let retried = match (delay, &record) {
            (None, _) => false,
            // Its thread has it, and brings it when it comes back.
            (Some(delay), RecordAt::Away) => {
                if let Some(given_up) = extras.tasks.get_mut(&id).and_then(|extra| extra.given_up.as_mut()) {
                    given_up.delay = delay;
                }
                tell(extras, State::Scheduled, 0);
                self.schedule_without_record(queue, entry);
                true
            }
            (Some(delay), RecordAt::Here(record)) => Kept::copy(&record.data()).is_ok_and(|kept| {
                let shelved = Shelved { kept, bytes: bytes_of(record), due: None };
                self.schedule_retry(id, entry, shelved, delay, |run_at_us| tell(extras, State::Scheduled, run_at_us))
            }),
            (Some(delay), RecordAt::Shelf) => {
                let place = extras.tasks.get(&id).and_then(|extra| extra.place);
                let shelved = place.and_then(|place| self.control.open().shelf.take(place));
                shelved.is_some_and(|shelved| {
                    self.schedule_retry(id, entry, shelved, delay, |run_at_us| {
                        tell(extras, State::Scheduled, run_at_us)
                    })
                })
            }
        };
        if retried {
            queue.seldom.lock().retried += 1;
            self.record_retry(extras, id, word, delay.unwrap_or_default());
            if let Some(extra) = extras.tasks.get_mut(&id) {
                extra.place = None;
            }
            return;
        }
        tell(extras, State::Dead, 0);
        if self.journal.is_some() {
            // The store has what a replay needs.
            self.drop_record(extras, id, &record);
        } else if let RecordAt::Here(record) = &record {
            let place = self.shelve(record);
            match extras.get(id) {
                Ok(extra) => extra.place = place,
                Err(_) => self.unshelve(place),
            }
        }
        if delay.is_some() {
            // There was one more to come.
            if let Some(extra) = extras.tasks.get_mut(&id) {
                extra.failure =
                    Some(Failure::fixed("its run failed, and there was no memory to keep it for the next one"));
            }
        }
        self.finish(extras, id, entry, RUNNING, State::Dead, run_us);
    }

    /// How long after a failed run the next one is to come, if there is one.
    fn delay_of_next(&self, extra: Option<&Extra>, word: Word, next: Next, asked_alone: bool) -> Option<Duration> {
        if word.cancel_requested() && !asked_alone && extra.is_some_and(|extra| extra.reason.is_some()) {
            // Somebody wants it to stop: it is not begun anew.
            return None;
        }
        let own = extra.and_then(|extra| extra.retry);
        let policy: Option<RetryPolicy> = own.or_else(|| self.registrations.lock()[word.registration()].policy.retry);
        let attempt = Extra::attempt(extra, word);
        match (next, policy) {
            (Next::Nothing, _) | (Next::Policy, None) => None,
            (Next::After(delay), None) => Some(delay.unwrap_or(DEFAULT_RETRY_DELAY)),
            (Next::After(Some(delay)), Some(policy)) => (attempt < policy.attempts).then_some(delay),
            (Next::After(None) | Next::Policy, Some(policy)) => policy.delay_after(attempt, sys::random()),
        }
    }

    /// Keeps the record of a task that no worker has any more. Without memory it is not kept.
    pub(crate) fn shelve(&self, record: &Record<'_>) -> Option<ShelfPlace> {
        let kept = Kept::copy(&record.data()).ok()?;
        let mut schedule = self.control.open();
        schedule.shelf.ensure().ok()?;
        Some(schedule.shelf.put(Shelved { kept, bytes: bytes_of(record), due: None }))
    }

    pub(crate) fn unshelve(&self, place: Option<ShelfPlace>) {
        if let Some(place) = place {
            drop(self.control.open().shelf.take(place));
        }
    }

    /// Lets go of the record of a pending task that is not run again.
    fn drop_record(&self, extras: &mut Locked<'_>, id: TaskId, record: &RecordAt<'_>) {
        if let RecordAt::Shelf = record {
            self.unshelve(extras.tasks.get_mut(&id).and_then(|extra| extra.place.take()));
        }
    }
}

/// A run that has failed.
struct Failed<'r> {
    id: TaskId,
    entry: &'r Entry,
    failure: Failure,
    next: Next,
    record: RecordAt<'r>,
    run_us: i64,
    /// Its time limit asked it to stop, and nobody else did.
    asked_alone: bool,
}

/// What a record takes of a queue's capacity.
pub(crate) fn bytes_of(record: &Record<'_>) -> u32 {
    let headers: usize = record.headers().map(|(name, value)| name.len() + value.len()).sum();
    // At most 4 MiB and some: Submission::check.
    (record.payload.len() + record.user_context.map_or(0, <[u8]>::len) + headers) as u32
}
