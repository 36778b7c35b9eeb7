//! Tasks that wait for their time: delayed at the submit, or for their next attempt.
//!
//! A task comes into the state *scheduled* and leaves it with the schedule's lock held, so that its record, its timer and its
//! word agree. While it is scheduled, its entry in the table notes its place on the shelf.

use crate::engine::control::{Alarm, Time, BATCH};
use crate::engine::intake::{Intake, Phase};
use crate::engine::queues::Queue;
use crate::engine::submit::Own;
use crate::engine::Inner;
use crate::error::Result;
use crate::queue::log::Data;
use crate::queue::shelf::{Kept, ShelfPlace, Shelved};
use crate::store::table::{Entry, Word};
use crate::sync::Ordering;
use crate::task::{State, TaskId};
use std::ops::ControlFlow;
use std::time::Duration;

/// A moment after which what there was no memory for is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

impl Inner {
    /// Puts down what a new task brings until its time comes. With the intake's lock held until the task is known, so that
    /// its time does not come before.
    pub(crate) fn shelve_new(&self, id: TaskId, data: &Data<'_>, bytes: u32, time: Time) -> Result<ShelfPlace> {
        let kept = Kept::copy(data)?;
        let mut schedule = self.control.open();
        schedule.ensure_place(matches!(time, Time::At(_)))?;
        let due = schedule.set_due(time, Alarm::Task(id))?;
        Ok(schedule.shelf.put(Shelved { kept, bytes, due: Some(due) }))
    }

    /// Notes what a new task says of its own.
    pub(crate) fn note_own(&self, id: TaskId, own: &Own) -> Result<()> {
        let mut extras = self.extras.lock();
        let extra = extras.get(id)?;
        (extra.retry, extra.time_limit) = (own.retry, own.time_limit);
        Ok(())
    }

    /// Takes back what was noted of a task that is not accepted after all.
    pub(crate) fn take_back(&self, id: TaskId, place: Option<ShelfPlace>) {
        self.extras.lock().tasks.remove(&id);
        let Some(place) = place else { return };
        self.control.open().take_record(place, id);
    }

    /// Schedules the next attempt of a task whose run has ended; the extras' lock is held. `tell` is told when it begins, in
    /// microseconds since 1970 UTC, before it can. Whether it could be done: there may be no memory.
    pub(crate) fn schedule_retry(
        &self,
        id: TaskId,
        entry: &Entry,
        shelved: Shelved,
        delay: Duration,
        tell: impl FnOnce(i64),
    ) -> bool {
        self.put_on_schedule(id, entry, shelved, delay, |run_at_us| {
            tell(run_at_us);
            let moved = entry.move_slowly(&[State::Running, State::Pending], State::Scheduled, false);
            assert!(moved.is_ok(), "a run that ends is running or pending");
        })
    }

    /// Schedules a task whose record its last run's thread still has.
    pub(crate) fn schedule_without_record(&self, queue: &Queue, entry: &Entry) {
        let _schedule = self.control.open();
        entry.note_place(ShelfPlace::NOWHERE.number());
        queue.scheduled.add(1, 0);
        let moved = entry.move_slowly(&[State::Running], State::Scheduled, false);
        assert!(moved.is_ok(), "a run that is given up is running");
    }

    /// Brings what is to run of a task that was scheduled without it. Whether it could be done.
    pub(crate) fn bring_record(&self, id: TaskId, entry: &Entry, shelved: Shelved, delay: Duration) -> bool {
        let brought = self.put_on_schedule(id, entry, shelved, delay, |_| ());
        if brought {
            // It was counted when it was scheduled.
            self.queue(entry.word()).scheduled.sub(1, 0);
        }
        brought
    }

    fn put_on_schedule(
        &self,
        id: TaskId,
        entry: &Entry,
        shelved: Shelved,
        delay: Duration,
        then: impl FnOnce(i64),
    ) -> bool {
        let bytes = shelved.bytes;
        let mut schedule = self.control.open();
        if schedule.ensure_place(false).is_err() {
            return false;
        }
        let Ok(due) = schedule.set_due(Time::After(delay), Alarm::Task(id)) else { return false };
        let place = schedule.shelf.put(Shelved { due: Some(due), ..shelved });
        entry.note_place(place.number());
        // First the counter: whoever takes it from the schedule counts it off.
        self.queue(entry.word()).scheduled.add(1, u64::from(bytes));
        then(schedule.due_unix_us(due));
        true
    }

    /// Has tasks whose time has come wait for a worker. On the control thread.
    pub(crate) fn tasks_are_due(&self, alarms: &[Alarm]) {
        debug_assert!(alarms.len() <= BATCH);
        let mut intake = self.intake.0.lock();
        if intake.phase >= Phase::Cancelling {
            // The shutdown takes them from the shelf.
            drop(intake);
            return self.other_alarms(alarms);
        }
        for alarm in alarms {
            if let Alarm::Task(id) = alarm {
                self.is_due(&mut intake, *id);
            }
        }
        for entrance in &mut intake.entrances {
            entrance.commit_all();
        }
        drop(intake);
        for queue in self.queues.iter() {
            if queue.has_due.swap(false, Ordering::AcqRel) {
                self.work_added(queue);
            }
        }
        self.other_alarms(alarms);
    }

    fn other_alarms(&self, alarms: &[Alarm]) {
        for alarm in alarms {
            match *alarm {
                Alarm::Task(_) => {}
                Alarm::Limit(id) => self.limit_is_over(id),
                Alarm::Result(id) => self.result_is_old(id),
            }
        }
    }

    /// Writes a task whose time has come into its queue's log. Nobody sees it before the commit.
    fn is_due(&self, intake: &mut Intake, id: TaskId) {
        let Some(chunk) = self.store.chunk(id) else { return };
        let entry = chunk.entry(id);
        let mut schedule = self.control.open();
        let word = entry.word();
        if word.state() != Some(State::Scheduled) {
            // Cancelled since.
            return;
        }
        let place = ShelfPlace::numbered(entry.place());
        let Some(shelved) = schedule.shelf.get(place) else { return };
        let bytes = shelved.bytes;
        let now = intake.clock.now();
        let entrance = &mut intake.entrances[word.queue()];
        let written = entrance
            .writer(&self.pool, word.priority())
            .and_then(|writer| writer.add(id, now.millis, &shelved.kept.data()));
        if written.is_err() {
            // Its timer has just made room for this one.
            let due = schedule.set_due(Time::After(AGAIN_AFTER), Alarm::Task(id)).ok();
            if let Some(shelved) = schedule.shelf.get_mut(place) {
                shelved.due = due;
            }
            return;
        }
        schedule.shelf.take(place);
        entrance.come_again(u64::from(bytes));
        entry.become_ready(bytes);
        drop(schedule);
        let queue = self.queue(word);
        queue.scheduled.sub(1, u64::from(bytes));
        queue.has_due.store(true, Ordering::Release);
    }

    /// When a scheduled task may run, in microseconds since 1970 UTC, as far as that is known; 0: not.
    pub(crate) fn run_at_us(&self, entry: &Entry) -> i64 {
        let schedule = self.control.open();
        if entry.word().state() != Some(State::Scheduled) {
            return 0;
        }
        let shelved = schedule.shelf.get(ShelfPlace::numbered(entry.place()));
        shelved.and_then(|shelved| shelved.due).map_or(0, |due| schedule.due_unix_us(due))
    }

    /// Takes a task from the schedule, if it is there, and moves it to *cancelled*; the extras' lock is held. Its word before.
    pub(crate) fn take_from_schedule(&self, id: TaskId, entry: &Entry) -> Option<Word> {
        let mut schedule = self.control.open();
        let place = ShelfPlace::numbered(entry.place());
        let before = self.leave_for_cancelled(entry, State::Scheduled)?;
        let shelved = schedule.take_record(place, id);
        drop(schedule);
        self.queue(before).scheduled.sub(1, shelved.map_or(0, |shelved| u64::from(shelved.bytes)));
        Some(before)
    }

    /// Cancels all that is scheduled: what a shutdown leaves in a memory store. How many.
    pub(crate) fn cancel_all_scheduled(&self) -> u64 {
        let mut cancelled = 0;
        if self.journal.is_some() {
            // They stay in the store.
            return cancelled;
        }
        if self.queues.iter().all(|queue| queue.scheduled.get().0 == 0) {
            return cancelled;
        }
        // By id, since a list of them would take memory that there may not be.
        self.store.table.for_each_chunk(TaskId::counted(1), |chunk| {
            for (id, entry) in chunk.tasks() {
                if entry.word().state() == Some(State::Scheduled) {
                    let mut extras = self.lock_extras();
                    cancelled += u64::from(self.cancel_scheduled(&mut extras, id, entry, &self.end_reason(), None));
                    drop(extras.unlock());
                }
            }
            ControlFlow::Continue(())
        });
        cancelled
    }
}
