//! How tasks leave: their ends and what happens between two runs, handed to the store, and made in memory when that is safe.

use crate::alloc::{self, Text};
use crate::engine::journal::{surely, Journal};
use crate::engine::moves::Extras;
use crate::engine::observer::guarded;
use crate::engine::poison::{point, Place};
use crate::engine::wait::{Filler, WaitSlot};
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::options::LogLevel;
use crate::store::durable::{Answer, Change, Move, RunAt};
use crate::store::table::{Entry, Word};
use crate::sync::{Arc, Ordering};
use crate::sys;
use crate::task::{Failure, Lease, State, TaskId};
use std::time::Duration;

/// Who waits for the record of an end.
pub(crate) type Recorded = Arc<WaitSlot<()>>;

impl Inner {
    /// Where a caller can wait until an end is recorded; `None` for an engine without a journal.
    pub(crate) fn wait_for_record(&self) -> Result<Option<Recorded>> {
        if self.journal.is_none() {
            return Ok(None);
        }
        Journal::check_may_wait()?;
        Ok(Some(Arc::try_new(WaitSlot::new())?))
    }

    /// Hands the move of a task to the store, which has just ended or waits for its next run: `uncounted` of its
    /// claims are no attempts. Its end is made in memory once that is safe. The extras' lock may be held.
    pub(crate) fn record_move(&self, id: TaskId, claims: u32, uncounted: u32, to: Move, recorded: Option<Recorded>) {
        let Some(journal) = &self.journal else { return };
        let Some(engine) = journal.engine() else { return not_recorded(recorded) };
        let change = Change::Move { id, claims, uncounted, now_us: sys::coarse_unix_micros(), to };
        let mut changes = surely(|| alloc::list(1));
        changes.push(change);
        self.hand_ends_over(journal, engine, changes, recorded);
    }

    /// Hands over that a run was asked to stop, so that no later process begins another one. The extras' lock is held: its end comes after
    /// this.
    pub(crate) fn record_ask(&self, extras: &Extras, id: TaskId, word: Word, reason: Text, recorded: Option<Recorded>) {
        let Some(journal) = &self.journal else { return };
        let Some(engine) = journal.engine() else { return not_recorded(recorded) };
        let uncounted = extras.tasks.get(&id).map_or(0, |extra| extra.uncounted);
        let mut changes = surely(|| alloc::list(1));
        changes.push(Change::AskToStop { id, claims: word.claims(), uncounted, reason });
        self.hand_ends_over(journal, engine, changes, recorded);
    }

    fn hand_ends_over(&self, journal: &Journal, engine: Arc<Inner>, changes: Vec<Change>, recorded: Option<Recorded>) {
        let recorded = recorded.map(Filler::new);
        journal.apply_surely(engine, changes, move |engine, changes, done| {
            let said = done.as_ref().map(drop).map_err(Clone::clone);
            engine.moved(changes, done);
            if let Some(recorded) = recorded {
                recorded.fill(said);
            }
        });
    }

    /// What the store has refused before.
    pub(super) fn hand_over_again(&self, changes: Vec<Change>) {
        let Some(journal) = &self.journal else { return };
        let Some(engine) = journal.engine() else { return };
        self.hand_ends_over(journal, engine, changes, None);
    }

    /// The store has made moves, or has not. On its thread.
    fn moved(&self, changes: Vec<Change>, done: Result<Vec<Answer>>) {
        let Some(journal) = &self.journal else { return };
        point(Place::Stored);
        let answers = match done {
            Ok(answers) => answers,
            Err(error) => return self.keep_unsaved(journal, changes, &error),
        };
        if std::mem::take(&mut journal.work.lock().is_failing) {
            self.observation.log(LogLevel::Info, format_args!("the store works again"));
        }
        for (change, answer) in changes.into_iter().zip(answers) {
            if let Change::Move { id, claims, to, .. } = change {
                if answer != Answer::Done {
                    // Somebody else has written to the file: what memory knows still holds for this process.
                    self.observation.log(
                        LogLevel::Error,
                        format_args!("the store does not have task {id} as this engine left it ({answer:?}); its end is not recorded there"),
                    );
                }
                let state = to.to();
                if state.is_final() {
                    journal.unfinished.fetch_sub(u64::from(answer == Answer::Done), Ordering::SeqCst);
                    self.has_ended(journal, id, Lease::new(i64::from(claims)), state);
                }
                // What is pending still runs.
                if state != State::Pending {
                    journal.run_is_over(id);
                }
            }
        }
    }

    fn keep_unsaved(&self, journal: &Journal, changes: Vec<Change>, error: &Error) {
        let mut work = journal.work.lock();
        work.keep_unsaved(changes);
        let is_news = !std::mem::replace(&mut work.is_failing, true);
        drop(work);
        journal.wake();
        if is_news {
            self.observation.log(
                LogLevel::Error,
                format_args!("ends of tasks cannot be recorded, and are tried again until they can: {error}"),
            );
        }
    }

    /// Makes the end of a task in memory that the store has recorded, and tells everybody.
    fn has_ended(&self, journal: &Journal, id: TaskId, lease: Lease, to: State) {
        // What was never in memory was dead as it was found.
        let outside = || match self.stored_status(id) {
            Some(status) => self.has_ended_in_store(journal, &status),
            None => self.answer_end(journal, (id, lease, to), None),
        };
        let Some(chunk) = self.store.chunk(id) else { return outside() };
        let entry = chunk.entry(id);
        let word = entry.word();
        if word.state().is_none() {
            return outside();
        }
        if !word.is_slow() && to == State::Succeeded {
            if let Ok(told) = entry.finish_plain(word, to, sys::coarse_unix_millis()) {
                return self.has_plainly_succeeded(id, word, told);
            }
        }
        let mut extras = self.lock_extras();
        if extras.closed {
            // Whoever waits for it was told that nothing is recorded any more; the store has it.
            return;
        }
        let run_us = extras.tasks.get(&id).map_or(0, |extra| extra.run_us);
        let Ok(before) = entry.end(to) else { return };
        self.finished(&mut extras, id, entry, before, to, run_us);
        drop(extras.unlock());
    }

    fn has_plainly_succeeded(&self, id: TaskId, word: Word, told: bool) {
        self.queue(word).seldom.lock().succeeded += 1;
        if told {
            let observer = self.extras.lock().told_of_ends.clone();
            if let Some(observer) = observer {
                guarded(|| observer.ended(id, word.lease(), Some(State::Succeeded)));
            }
        }
        self.keep(id, State::Succeeded, false, |_| ());
    }

    /// Marks a run as ending and hands its end over. The extras' lock is held.
    pub(crate) fn finish_durably(
        &self,
        extras: &mut Extras,
        id: TaskId,
        entry: &Entry,
        from: &[State],
        to: State,
        run_us: i64,
    ) {
        let Ok(before) = entry.begin_ending(from) else { panic!("a run that ends is running") };
        let extra = extras.get(id).ok();
        let uncounted = extra.as_ref().map_or(0, |extra| extra.uncounted);
        let mut reason = Text::default();
        let (mut failure, mut result) = (None, None);
        if let Some(extra) = extra {
            extra.run_us = run_us;
            failure = extra.failure.clone();
            reason = extra.reason.clone().unwrap_or_default();
            result = extra.result.as_ref().map(|result| &*result.bytes).and_then(|bytes| alloc::copy(bytes).ok());
        }
        let to = match to {
            State::Succeeded => {
                let result_until_us = result.as_ref().map(|_| self.result_until_us(before));
                Move::Succeeded { result, result_until_us }
            }
            State::Dead => Move::Dead { failure: failure.unwrap_or(Failure::MISSING) },
            _ => Move::Cancelled { reason },
        };
        self.record_move(id, before.claims(), uncounted, to, None);
    }

    /// Notes that a task waits for its next run, for so long.
    pub(crate) fn record_retry(&self, extras: &Extras, id: TaskId, word: Word, delay: Duration) {
        if self.journal.is_none() {
            return;
        }
        let extra = extras.tasks.get(&id);
        let unix_ms = self.control.open().clock.unix_ms().saturating_add(millis(delay));
        let to = Move::Scheduled {
            run_at: RunAt::Elapsed(i64::try_from(unix_ms).unwrap_or(i64::MAX)),
            failure: extra.and_then(|extra| extra.failure.clone()),
        };
        self.record_move(id, word.claims(), extra.map_or(0, |extra| extra.uncounted), to, None);
    }
}

/// The engine has ended: nothing is recorded any more.
fn not_recorded(recorded: Option<Recorded>) {
    if let Some(recorded) = recorded {
        recorded.fill(Err(Error::ShuttingDown));
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
