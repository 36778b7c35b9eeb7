//! One task on its worker: claimed, run, and recorded where it has simply succeeded.

use crate::alloc::Text;
use crate::engine::event::{Event, EventKind};
use crate::engine::handler::{let_go, SharedHandler, TaskContext};
use crate::engine::intake::Phase;
use crate::engine::observer::{guarded, SharedObserver};
use crate::engine::outcomes::Returned;
use crate::engine::poison::{point, Place};
use crate::engine::queues::{Queue, Slot};
use crate::engine::{Inner, NameLatency, Policy, Registration};
use crate::error::panic_text;
use crate::queue::log::Record;
use crate::store::durable::Move;
use crate::store::table::{Entry, Word};
use crate::sync::{Arc, Ordering};
use crate::sys;
use crate::task::{Failure, Lease, Outcome, State, TaskId};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Instant;

/// The handler that ran last.
pub(super) struct Known {
    /// Of its registration.
    number: usize,
    task_name: Text,
    pub(super) handler: SharedHandler,
    policy: Policy,
    pub(super) latency: Arc<NameLatency>,
    /// It has a time limit.
    is_limited: bool,
}

pub(super) type Cached = Option<Known>;

/// One task on its worker.
pub(super) struct Run<'a> {
    pub(super) inner: &'a Inner,
    pub(super) queue: &'a Queue,
    pub(super) slot: &'a Slot,
    pub(super) handler: &'a mut Cached,
    pub(super) succeeded: &'a mut Vec<TaskId>,
    pub(super) told_of_ends: Option<&'a SharedObserver>,
    pub(super) now_ms: &'a mut u32,
    pub(super) leaves: &'a mut bool,
    pub(super) id: TaskId,
    pub(super) entry: &'a Entry,
    pub(super) record: Record<'a>,
}

impl<'a> Run<'a> {
    pub(super) fn run(mut self) {
        let (inner, queue, slot, entry, id) = (self.inner, self.queue, self.slot, self.entry, self.id);
        // First the slot, then the move, then the phase; a shutdown changes the phase first and then looks at the slots: one
        // of the two sees the other (the move is sequentially consistent).
        slot.current.store(id.value(), Ordering::Relaxed);
        point(Place::Claim);
        let Some((word, bytes)) = entry.start(*self.now_ms) else {
            slot.current.store(0, Ordering::Release);
            return queue.gap_closed();
        };
        point(Place::Claimed);
        // Before the phase: handlers are let go of once it is closed, so whoever finds none sees that.
        self.find_handler(word.registration());
        if inner.observation.wants_runs() || inner.phase() >= Phase::Cancelling {
            self.run_seen(word, bytes);
        } else {
            self.begin(bytes);
            self.run_plainly(word, None);
        }
        if slot.is_stalled() {
            self.stall_is_over();
        }
        slot.current.store(0, Ordering::Release);
    }

    #[cold]
    #[inline(never)]
    fn stall_is_over(&mut self) {
        *self.leaves |= self.inner.stall_is_over(self.queue, self.slot, self.id);
    }

    /// From here on user code runs.
    #[inline(always)]
    fn begin(&self, bytes: u32) {
        self.queue.started(self.slot, bytes);
        self.inner.tell_of_room(self.queue);
    }

    /// The rest of a run whose success nobody wants to hear of. `started`: where it was looked at.
    #[inline(always)]
    fn run_plainly(&mut self, word: Word, started: Option<Instant>) {
        let (slot, entry) = (self.slot, self.entry);
        let outcome = self.execute(word);
        *self.now_ms = sys::coarse_unix_millis();
        if let Some(outcome) = outcome {
            return self.ended(word, started, outcome);
        }
        // The word is looked at again: most that are not plain were marked while they ran, and are not to be counted here.
        let finish = || entry.finish_plain(word, State::Succeeded, *self.now_ms).ok();
        let plain = (!entry.word().is_slow()).then(|| slot.count_success_of(finish)).flatten();
        let Some(told) = plain else { return self.ended(word, started, Outcome::Done) };
        self.succeeded.push(self.id);
        if told {
            // Recorded, and not yet up to be forgotten.
            self.tell(word.lease());
        }
    }

    /// A success that is recorded before it is told.
    fn hand_success_over(&self, word: Word, started: Option<Instant>) {
        match self.entry.begin_plain_ending(word) {
            Ok(()) => self.inner.record_move(self.id, word.claims(), 0, Move::DONE, None),
            Err(_) => self.ended(word, started, Outcome::Done),
        }
    }

    /// Records the end of a run that is more than a plain success.
    #[cold]
    #[inline(never)]
    fn ended(&self, word: Word, started: Option<Instant>, outcome: Outcome) {
        self.inner.run_returned(&self.returned(word, started), outcome);
    }

    /// Watches the time limit of the run, if it has one. What has failed otherwise.
    #[cold]
    #[inline(never)]
    fn begin_limit(&self, word: Word) -> Option<Outcome> {
        let policy = &self.handler.as_ref()?.policy;
        let error = self.inner.begin_limit_of(self.id, self.entry, word, policy).err()?;
        Some(Outcome::Failed(Failure::new("", &Text::say(format_args!("{error}")), "")))
    }

    #[cold]
    fn tell(&self, lease: Lease) {
        if let Some(observer) = self.told_of_ends {
            guarded(|| observer.ended(self.id, lease, Some(State::Succeeded)));
        }
    }

    /// The rest of a run that somebody wants to hear of, or that is not to be.
    #[cold]
    fn run_seen(&mut self, word: Word, bytes: u32) {
        let inner = self.inner;
        if inner.phase() >= Phase::Cancelling {
            return inner.put_back(self.queue, self.slot, self.id, self.entry, bytes);
        }
        if let Some(journal) = &inner.journal {
            if !journal.may_begin(self.id) {
                return inner.put_aside(journal, self.queue, self.slot, (self.id, self.entry, bytes));
            }
            journal.claim(self.slot.number(), self.id, word.claims());
            journal.look_for_room(false);
        }
        let started = Some(Instant::now());
        self.begin(bytes);
        let seen = &inner.observation;
        if seen.wants(EventKind::Started) {
            if let Some(status) = inner.status(self.id) {
                seen.event(Event::of(EventKind::Started, &status));
            }
        }
        let is_told = seen.wants(EventKind::Succeeded);
        if !is_told && inner.journal.is_none() {
            return self.run_plainly(word, started);
        }
        let outcome = self.execute(word);
        *self.now_ms = sys::coarse_unix_millis();
        if !is_told && outcome.is_none() {
            return self.hand_success_over(word, started);
        }
        self.ended(word, started, outcome.unwrap_or(Outcome::Done));
    }

    fn returned(&self, word: Word, started: Option<Instant>) -> Returned<'a> {
        Returned {
            queue: self.queue,
            id: self.id,
            entry: self.entry,
            lease: word.lease(),
            started,
            record: self.record,
        }
    }

    /// Runs user code. `None`: it is done.
    #[inline(always)]
    fn execute(&mut self, word: Word) -> Option<Outcome> {
        let Some(Known { task_name, handler, is_limited, .. }) = &*self.handler else {
            unreachable!("without a handler it is put back");
        };
        if *is_limited || word.is_slow() {
            if let Some(failed) = self.begin_limit(word) {
                return Some(failed);
            }
        }
        let context = TaskContext {
            id: self.id,
            task_name,
            queue: &self.queue.name,
            word,
            record: self.record,
            entry: self.entry,
            inner: self.inner,
        };
        point(Place::Begun);
        let mut other = None;
        let caught = catch_unwind(AssertUnwindSafe(|| match handler.run(&context) {
            // There is nothing in it to let go of, and finding that out costs a call.
            done @ Outcome::Done => std::mem::forget(done),
            outcome => other = Some(outcome),
        }));
        match caught {
            Ok(()) => other,
            Err(panic) => Some(Outcome::Failed(Failure::new("panic", panic_text(&*panic), ""))),
        }
    }

    /// Makes the handler that ran last the one of this task, if there is one.
    #[inline(always)]
    fn find_handler(&mut self, registration: usize) {
        if self.handler.as_ref().is_none_or(|known| known.number != registration) {
            self.look_handler_up(registration);
        }
    }

    #[cold]
    fn look_handler_up(&mut self, registration: usize) {
        let known = self.inner.registrations.lock()[registration].clone();
        let Registration { name: task_name, handler, policy, latency } = known;
        let found = handler.map(|handler| Known {
            number: registration,
            task_name,
            handler,
            policy,
            latency,
            is_limited: policy.time_limit.is_some(),
        });
        // What it replaces may be held by nobody else: dropped here, without a lock.
        if let Some(before) = std::mem::replace(self.handler, found) {
            let_go(before.handler, &self.inner.observation);
        }
    }
}
