//! What a run says of itself: how far it is, and what came out.

use crate::alloc::Text;
use crate::engine::control::Alarm;
use crate::engine::moves::{Extra, Extras};
use crate::engine::{unknown, Inner};
use crate::error::{Error, Result};
use crate::options::{MAX_PROGRESS_TEXT_BYTES, MAX_RESULT_BYTES};
use crate::queue::timers::Timer;
use crate::store::table::Word;
use crate::sys;
use crate::task::{cut, Lease, ResultBytes, TaskId};
use std::time::Duration;

/// How far a run is.
#[derive(Clone)]
pub(crate) struct Progress {
    /// From 0 to 1.
    pub(crate) fraction: f64,
    pub(crate) text: Text,
}

/// What a task leaves.
pub(crate) struct TaskResult {
    pub(crate) bytes: ResultBytes,
    /// Ends its time.
    pub(crate) timer: Option<Timer>,
}

/// A result that is within its limit.
pub(crate) fn copy_result(result: &[u8]) -> Result<ResultBytes> {
    if result.len() > MAX_RESULT_BYTES {
        return Err(Error::TooLarge {
            what: "the result",
            actual: result.len(),
            limit: MAX_RESULT_BYTES,
            instead: "store the data elsewhere and leave where it is",
        });
    }
    ResultBytes::copy(result)
}

impl Inner {
    /// Notes how far a run is.
    pub(crate) fn set_progress(&self, id: TaskId, lease: Lease, fraction: f64, text: &str) -> Result<()> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(Error::invalid(format_args!(
                "the progress is {fraction}; pass a number from 0 (nothing is done) to 1 (all is done)"
            )));
        }
        let text = Text::copy(cut(text, MAX_PROGRESS_TEXT_BYTES))?;
        self.note_of_run(id, lease, |extras| {
            extras.get(id)?.progress = Some(Progress { fraction, text });
            Ok(())
        })
    }

    /// Notes what a task leaves if its run succeeds.
    pub(crate) fn set_result(&self, id: TaskId, lease: Lease, result: &[u8]) -> Result<()> {
        let bytes = copy_result(result)?;
        self.note_of_run(id, lease, |extras| {
            let extra = extras.get(id)?;
            if extra.settled_early.is_some() {
                // What the settle said is the task's result.
                return Err(Error::StaleLease { id: id.value(), lease: lease.value() });
            }
            extra.leave(Some(bytes));
            Ok(())
        })
    }

    fn note_of_run(&self, id: TaskId, lease: Lease, note: impl FnOnce(&mut Extras) -> Result<()>) -> Result<()> {
        let chunk = self.store.chunk(id).ok_or_else(|| unknown(id))?;
        let entry = chunk.entry(id);
        let mut extras = self.extras.lock();
        let word = entry.word();
        let state = word.state().ok_or_else(|| unknown(id))?;
        let runs = !word.is_ending() && state.is_active();
        if extras.closed || !runs || word.lease() != lease {
            return Err(Error::StaleLease { id: id.value(), lease: lease.value() });
        }
        // Its run cannot be recorded meanwhile unless it is plain, so it is made slow before anything is noted.
        let marked = entry.mark_slow(false).map_err(|_| Error::StaleLease { id: id.value(), lease: lease.value() })?;
        if !marked.is_active() {
            return Err(Error::StaleLease { id: id.value(), lease: lease.value() });
        }
        note(&mut extras)
    }

    fn result_retention(&self, word: Word) -> Duration {
        self.registrations.lock()[word.registration()].policy.result_retention
    }

    /// Until when a durable store keeps the result of a task that succeeds now, in microseconds since 1970 UTC.
    pub(crate) fn result_until_us(&self, word: Word) -> i64 {
        let retention = i64::try_from(self.result_retention(word).as_micros()).unwrap_or(i64::MAX);
        sys::coarse_unix_micros().saturating_add(retention)
    }

    /// Begins the time for which the result of a task is kept that has succeeded; the extras' lock is held.
    pub(crate) fn keep_result(&self, extras: &mut Extras, id: TaskId, word: Word) {
        let Some(result) = extras.tasks.get_mut(&id).and_then(|extra| extra.result.as_mut()) else { return };
        let retention = self.result_retention(word);
        let mut schedule = self.control.open();
        let at_ms = schedule.clock.ms_after(retention);
        // Without memory for a timer it is kept as long as the rest of what is known of the task.
        result.timer = schedule.set_timer(at_ms, Alarm::Result(id)).ok();
    }

    /// The time for which a result is kept is over. On the control thread.
    pub(crate) fn result_is_old(&self, id: TaskId) {
        let mut extras = self.extras.lock();
        if let Some(extra) = extras.tasks.get_mut(&id) {
            extra.result = None;
        }
    }

    /// Which attempt a run is.
    pub(crate) fn attempt_of(&self, id: TaskId, word: Word) -> u32 {
        if !word.is_slow() {
            return word.claims();
        }
        Extra::attempt(self.extras.lock().tasks.get(&id), word)
    }
}
