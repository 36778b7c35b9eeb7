//! Time limits of runs: first a run is asked to stop; if it does not within a time of grace, it is given up, and its outcome
//! refused. A thread that is in it is left to it, and the task is not run again before that thread has come back.

use crate::alloc::Text;
use crate::engine::control::Alarm;
use crate::engine::ends::Locked;
use crate::engine::event::{Event, EventKind};
use crate::engine::moves::Extras;
use crate::engine::outcomes::{bytes_of, Ended, Ending, Next, RecordAt, Returned};
use crate::engine::{Inner, Policy};
use crate::error::Result;
use crate::queue::shelf::{Kept, Shelved};
use crate::queue::timers::Timer;
use crate::store::table::{Entry, Word};
use crate::task::{Failure, Lease, State, TaskId};
use std::time::Duration;

/// The time limit of a run.
pub(crate) struct Limit {
    pub(crate) timer: Timer,
    lease: Lease,
    limit: Duration,
    grace: Duration,
    /// The limit is over: the run was asked to stop.
    asked: bool,
    /// And nobody else had asked it.
    pub(crate) asked_alone: bool,
}

impl Limit {
    /// Why a run has failed that went past its limit.
    pub(crate) fn failure(&self, stopped: bool) -> Failure {
        let Self { limit, grace, .. } = self;
        let text = if stopped {
            Text::say(format_args!("the run was stopped at its time limit of {limit:?}"))
        } else {
            Text::say(format_args!(
                "the run went past its time limit of {limit:?} and did not stop within {grace:?} more"
            ))
        };
        Failure::new("time limit", &text, "")
    }
}

/// A run that was given up while a thread is in it.
#[derive(Clone, Copy)]
pub(crate) struct GivenUp {
    lease: Lease,
    /// How long after its thread has come back the next one is to begin, if there is one.
    pub(crate) delay: Duration,
}

impl Extras {
    /// The thread of a run that was given up is back: notes that, and takes what was to follow.
    pub(crate) fn take_given_up(&mut self, id: TaskId, lease: Lease) -> Option<GivenUp> {
        self.tasks.get_mut(&id)?.given_up.take_if(|given_up| given_up.lease == lease)
    }
}

impl Inner {
    /// Watches the time limit of a run that is about to begin, if it has one.
    ///
    /// # Errors
    /// There is no memory for that: the run is not to begin.
    #[cold]
    pub(crate) fn begin_limit_of(&self, id: TaskId, entry: &Entry, word: Word, policy: &Policy) -> Result<()> {
        let own =
            if word.is_slow() { self.extras.lock().tasks.get(&id).and_then(|extra| extra.time_limit) } else { None };
        match own.or(policy.time_limit) {
            Some(limit) => self.begin_limit(id, entry, word.lease(), limit, policy.grace),
            None => Ok(()),
        }
    }

    /// Watches the time limit of a run that is about to begin.
    ///
    /// # Errors
    /// There is no memory for that: the run is not to begin.
    fn begin_limit(&self, id: TaskId, entry: &Entry, lease: Lease, limit: Duration, grace: Duration) -> Result<()> {
        let mut extras = self.extras.lock();
        extras.get(id)?;
        let mut schedule = self.control.open();
        let at_ms = schedule.clock.ms_after(limit);
        let timer = schedule.set_timer(at_ms, Alarm::Limit(id))?;
        drop(schedule);
        let extra = extras.get(id)?;
        extra.limit = Some(Limit { timer, lease, limit, grace, asked: false, asked_alone: false });
        // It is running, so it is not final.
        let _ = entry.mark_slow(false);
        Ok(())
    }

    /// The time limit of a run is over, or the time of grace after it. On the control thread.
    pub(crate) fn limit_is_over(&self, id: TaskId) {
        let Some(chunk) = self.store.chunk(id) else { return };
        let entry = chunk.entry(id);
        let mut extras = self.lock_extras();
        if extras.closed {
            return;
        }
        let word = entry.word();
        let is_running = word.is_active();
        let Some(limit) = extras.tasks.get_mut(&id).and_then(|extra| extra.limit.as_mut()) else { return };
        if !is_running || limit.lease != word.lease() {
            return;
        }
        if limit.asked {
            return self.give_run_up(extras, id, entry);
        }
        limit.asked = true;
        let grace = limit.grace;
        let reason = Text::say(format_args!("its time limit of {:?} is over", limit.limit));
        let mut schedule = self.control.open();
        let at_ms = schedule.clock.ms_after(grace);
        // The timer that has just gone off has left room.
        let timer = schedule.set_timer(at_ms, Alarm::Limit(id));
        drop(schedule);
        let Some(extra) = extras.tasks.get_mut(&id) else { return };
        if let (Some(limit), Ok(timer)) = (&mut extra.limit, timer) {
            limit.timer = timer;
        }
        let Ok(before) = entry.mark_slow(true) else { return };
        let nobody_else = extra.reason.is_none() && !before.cancel_requested();
        if let Some(limit) = &mut extra.limit {
            limit.asked_alone = nobody_else;
        }
        if !nobody_else {
            return;
        }
        extra.reason = Some(reason);
        if self.observation.wants(EventKind::CancelRequested) {
            let status = self.status_locked(&extras, id, entry);
            self.observation.event(Event::of(EventKind::CancelRequested, &status));
        }
        // Without memory for it the run sees it where it looks.
        if self.observation.ensure_cancel().is_ok() {
            if let Some(handler) = self.handler(before) {
                self.observation.cancel_requested(handler, id, before.lease());
            }
        }
    }

    /// Gives a run up that has not stopped.
    fn give_run_up<'a>(&'a self, mut extras: Locked<'a>, id: TaskId, entry: &Entry) {
        let word = entry.word();
        let queue = self.queue(word);
        let Some(extra) = extras.tasks.get_mut(&id) else { return };
        let Some(limit) = &extra.limit else { return };
        let failed = Ending::Failed(limit.failure(false), Next::Policy);
        // What a settle said first counts, though the thread does not come back.
        let ending = extra.settled_early.take().map_or(failed, Ending::of);
        if self.observation.wants(EventKind::RunGivenUp) {
            let status = self.status_locked(&extras, id, entry);
            self.observation.event(Event::of(EventKind::RunGivenUp, &status));
        }
        if word.state() == Some(State::Pending) {
            return self.end_pending(extras, id, entry, ending);
        }
        if let Some(extra) = extras.tasks.get_mut(&id) {
            extra.given_up = Some(GivenUp { lease: word.lease(), delay: Duration::ZERO });
        }
        let started = None;
        self.end_run(&mut extras, queue, Ended { id, entry, ending, started, record: RecordAt::Away });
        let _untold = extras.unlock();
        self.something_ended();
    }

    /// The thread of a run that was given up has come back: what it brings is kept, for the next run or for a replay.
    pub(crate) fn thread_is_back<'a>(&'a self, extras: &mut Locked<'a>, run: &Returned<'_>) {
        let Returned { id, entry, lease, ref record, .. } = *run;
        let Some(given_up) = extras.take_given_up(id, lease) else { return };
        let Some(extra) = extras.tasks.get_mut(&id) else { return };
        match entry.word().state() {
            Some(State::Dead) => extra.place = self.shelve(record),
            Some(State::Scheduled) => {
                let copied = Kept::copy(&record.data());
                let brought = copied.is_ok_and(|kept| {
                    let shelved = Shelved { kept, bytes: bytes_of(record), due: None };
                    self.bring_record(id, entry, shelved, given_up.delay)
                });
                if !brought {
                    let reason = Text::fixed("there was no memory to keep it for its next run");
                    self.cancel_scheduled(extras, id, entry, &reason, None);
                }
            }
            // Dead, and only the store knows it: nobody asks for this any more.
            None => extras.forget(&self.control, id),
            // Cancelled meanwhile.
            _ => {}
        }
    }
}
