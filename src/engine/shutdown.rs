//! The end of an engine: shut down, close, abandon.
//!
//! The shutdown that first has no more to wait for, or is out of time, *closes* the engine: from then on nothing is
//! recorded. Others that wait at the same time are told by `Threads::shut`.

use crate::alloc::{Ensure, Shown, Text};
use crate::engine::intake::{Entrance, Phase};
use crate::engine::journal::Journal;
use crate::engine::poison::{point, Place};
use crate::engine::queues::{Queue, Slot};
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::options::LogLevel;
use crate::sync::{deadline_after, Arc, Ordering};
use crate::sys;
use crate::task::TaskId;
use std::fmt::Formatter;
use std::time::{Duration, Instant};

/// How the work of an engine ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownMode {
    /// What is queued runs, what runs goes on. What a durable store has and memory has not stays in the store.
    Drain,
    /// Nothing more starts, what runs is asked to stop.
    Cancel,
}

/// What a shutdown left behind.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Tasks still running or pending when the time was up; their outcomes will be refused.
    pub running: Vec<LeftRunning>,
    /// More of them, that there was no memory to name.
    pub unnamed: usize,
    /// Tasks that had not begun: the memory store lost them with the engine, and they are cancelled; a durable store has them, and they run
    /// after the next start.
    pub queued: u64,
    /// The observer's callback had not returned when the time was up.
    pub observer_stuck: bool,
}

/// A task that a shutdown left running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftRunning {
    /// Its id.
    pub id: TaskId,
    /// Its name.
    pub task_name: Text,
}

impl ShutdownReport {
    /// Whether every thread was joined and every handler released.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.running_count() == 0 && !self.observer_stuck
    }

    /// How many tasks were still running, named or not.
    #[must_use]
    pub fn running_count(&self) -> usize {
        self.running.len() + self.unnamed
    }

    pub(crate) fn add_running(&mut self, id: TaskId, task_name: Text) {
        match self.running.ensure(1) {
            Ok(()) => self.running.push(LeftRunning { id, task_name }),
            Err(_) => self.unnamed += 1,
        }
    }

    /// Puts what was added into the order of ids.
    pub(crate) fn sort(&mut self) {
        self.running.sort_unstable_by_key(|left| left.id);
    }

    /// The error that an incomplete shutdown is at the border.
    pub(crate) fn to_result(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let named = Shown(|f: &mut Formatter<'_>| {
            let named = self.running.iter().take(5).enumerate();
            named.clone().try_for_each(|(index, left)| {
                write!(f, "{}{} ('{}')", if index == 0 { ": " } else { ", " }, left.id, left.task_name)
            })?;
            f.write_str(if named.count() < self.running_count() { ", …" } else { "" })
        });
        let stuck = if self.observer_stuck { "; an event or log callback has not returned" } else { "" };
        Err(Error::ShutdownIncomplete(Text::say(format_args!(
            "the time for the shutdown was up with {} tasks still running{named}{stuck}; their outcomes will be refused",
            self.running_count()
        ))))
    }
}

pub(crate) const SHUT_DOWN_REASON: &str = "the engine was shut down";
pub(crate) const BROKEN_REASON: &str = "a bug in Backrun has ended the engine";

/// How long the observer may take to tell what waits, where the shutdown's own limit is shorter.
const OBSERVER_GRACE: Duration = Duration::from_secs(1);
/// How long [`Engine::close`] waits for runs.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

impl Engine {
    /// Takes no new work, ends the old as `mode` says, joins every thread, releases every handler. `limit`: `None` for ever.
    ///
    /// A report that is not complete names what was still running at the limit: their threads are left to them, and the last
    /// run of each handler releases it. Calling it again waits for them again.
    ///
    /// # Errors
    /// [`Error::WouldDeadlock`] (from a thread of this engine).
    pub fn shutdown(&self, mode: ShutdownMode, limit: Option<Duration>) -> Result<ShutdownReport> {
        if sys::is_thread_of(self.inner.number) {
            return Err(Error::WouldDeadlock {
                operation: "a shutdown",
                instead: "tell a thread of your own to do it, or abandon the engine",
            });
        }
        self.inner.caught(|| Ok(shut_down(&self.inner, mode, deadline_after(limit))))
    }

    /// Ends the engine: where it was not shut down, it is, by [`ShutdownMode::Cancel`] within 5 s. From a thread of this
    /// engine it is [`Engine::abandon`].
    pub fn close(self) {
        drop(self);
    }

    /// Gives the engine up without waiting: runs go on and may outlive this call, their outcomes are refused, and the last
    /// of them releases its handler.
    pub fn abandon(self) {
        self.give_up();
        // Closed now, so dropping it does not wait.
    }

    fn give_up(&self) {
        if self.check_process().is_err() {
            return;
        }
        let inner = &self.inner;
        // Each step on its own, as in `shut_down`.
        inner.survive(|| start_cancelling(inner));
        if !inner.enter(Phase::Closed) {
            return;
        }
        inner.survive(|| inner.cancel_all_ready());
        inner.survive(|| inner.cancel_all_scheduled());
        inner.survive(|| inner.close_moves(&mut ShutdownReport::default()));
        wake_all(inner);
        inner.control.stop();
        inner.survive(|| inner.give_up_tasks());
        inner.abandon_journal();
        let mut threads = inner.threads.lock();
        threads.shut = true;
        threads.living.clear();
        threads.ended.clear();
        drop(threads);
        inner.changes.tell();
        inner.observation.stop();
        inner.insist(|| inner.release_handlers());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.check_process().is_err() {
            // The lock may be held by a thread that does not exist here, and so may anything that a drop would free.
            std::mem::forget(self.inner.clone());
            return;
        }
        if self.inner.phase() == Phase::Closed {
            return;
        }
        if sys::is_thread_of(self.inner.number) {
            self.give_up();
        } else {
            let _ = shut_down(&self.inner, ShutdownMode::Cancel, deadline_after(Some(CLOSE_LIMIT)));
        }
    }
}

fn shut_down(inner: &Inner, mode: ShutdownMode, deadline: Option<Instant>) -> ShutdownReport {
    let seen = &inner.observation;
    let mut report = ShutdownReport::default();
    // Each step on its own: a panic of ours in one poisons the engine, and it must end nevertheless.
    match mode {
        ShutdownMode::Drain => start_draining(inner),
        ShutdownMode::Cancel => {
            inner.survive(|| start_cancelling(inner));
            report.queued += inner.survive(|| inner.cancel_all_ready());
            report.queued += inner.survive(|| inner.cancel_all_scheduled());
        }
    }
    // Threads that have nothing to do any more end by themselves, so only runs and queued tasks need the limit.
    let has_unfinished = || inner.phase() < Phase::Closed && inner.has_unfinished();
    inner.insist(|| {
        inner.changes.wait_while(deadline, has_unfinished);
    });
    inner.survive(|| start_cancelling(inner));
    report.queued += inner.survive(|| inner.cancel_all_ready());
    report.queued += inner.survive(|| inner.cancel_all_scheduled());
    if !inner.enter(Phase::Closed) {
        // Somebody else has closed it. Its part ends by itself; what is left are runs that may come back in time.
        return wait_for_the_rest(inner, deadline, report);
    }
    let is_told = inner.survives(|| inner.close_moves(&mut report));
    wake_all(inner);
    inner.control.stop();
    inner.control.wait_for_end();
    // The last holder of a handler releases it: for those without a run that is here.
    inner.insist(|| inner.release_handlers());

    // All but those that were left behind: one that took a task at the last moment puts it back first.
    inner.changes.wait_while(None, || inner.living_threads() > inner.workers_left_behind());
    inner.join_ended();
    report.queued += inner.lost_by_workers.load(Ordering::Relaxed);
    inner.survive(|| inner.give_up_tasks());
    inner.wait_for_untold();
    if !is_told {
        (report.running, report.unnamed) = (Vec::new(), 0);
        inner.survive(|| inner.report_left_running(&mut report));
        // As where they were given up one by one: no thread could come back with one.
        inner.queues.iter().for_each(|queue| queue.pending.store(0, Ordering::SeqCst));
    }
    inner.survive(|| inner.close_journal());
    if let Some(journal) = &inner.journal {
        report.queued = journal.unfinished().saturating_sub(report.running_count() as u64);
    }
    inner.survive(|| log_end(inner, &report));
    seen.stop();
    let grace = Instant::now() + OBSERVER_GRACE;
    report.observer_stuck = !seen.wait_for_end(deadline.map(|deadline| deadline.max(grace)));
    inner.threads.lock().shut = true;
    inner.changes.tell();
    report
}

fn start_draining(inner: &Inner) {
    if inner.enter(Phase::Draining) {
        wake_all(inner);
    }
}

fn start_cancelling(inner: &Inner) {
    // A panic of ours has gone there by itself, and has asked no run to stop.
    if inner.enter(Phase::Cancelling) || inner.is_poisoned() {
        inner.interrupt_runs();
        wake_all(inner);
    }
}

/// Wakes whoever waits for work or for room, or in another shutdown, to see the new phase.
pub(crate) fn wake_all(inner: &Inner) {
    for queue in inner.queues.iter() {
        queue.parking.wake_all();
        queue.room.notify_all();
    }
    inner.changes.tell();
}

impl Inner {
    fn living_threads(&self) -> usize {
        self.threads.lock().living.len()
    }

    /// Joins threads that are past their last step.
    pub(crate) fn join_ended(&self) {
        // One by one: the list keeps the memory that the ends of the others are noted in.
        loop {
            let Some(thread) = self.threads.lock().ended.pop() else { return };
            thread.join();
        }
    }

    /// Whether anything is queued, running or pending.
    fn has_unfinished(&self) -> bool {
        point(Place::Unfinished);
        if self.journal.as_deref().is_some_and(Journal::is_busy) {
            return true;
        }
        if self.is_poisoned() {
            // Nobody runs what is queued, nor can settle what is pending.
            return self.runs_on_workers() > 0;
        }
        // Queued before running before pending: a task goes the other way only in a shutdown, or by way of the schedule.
        loop {
            let (is_queued, came_in) = self.look_at_entrances();
            point(Place::Queued);
            let is_pending = || self.queues.iter().any(|queue| queue.pending.load(Ordering::SeqCst) > 0);
            if is_queued || self.runs_on_workers() > 0 || is_pending() {
                return true;
            }
            // What came due since the first look may have begun on a worker that was looked at before.
            if self.look_at_entrances() == (false, came_in) {
                return false;
            }
        }
    }

    /// Whether something is queued, and how many tasks ever were. What a paused queue holds does not run, and is not waited for.
    fn look_at_entrances(&self) -> (bool, u64) {
        let mut intake = self.intake.0.lock();
        let waits = |entrance: &mut Entrance| !entrance.queue.is_paused() && entrance.in_memory().0 > 0;
        let is_queued = intake.entrances.iter_mut().any(waits);
        (is_queued, intake.entrances.iter().map(Entrance::came_in).sum())
    }

    /// Runs that still hold a worker.
    fn runs_on_workers(&self) -> usize {
        self.count_workers(|slot| slot.running().is_some())
    }

    /// Those of them that were left to their workers; all, where a panic of ours may have come between.
    fn workers_left_behind(&self) -> usize {
        let poisoned = self.is_poisoned();
        self.count_workers(|slot| slot.running().is_some_and(|id| poisoned || slot.is_abandoned(id)))
    }

    fn count_workers(&self, counts: impl Fn(&Slot) -> bool) -> usize {
        let counted = |queue: &Arc<Queue>| queue.crew.lock().slots.iter().filter(|slot| counts(slot)).count();
        self.queues.iter().map(counted).sum()
    }
}

/// A shutdown of an engine that another one has closed: waits for runs that may still come back.
fn wait_for_the_rest(inner: &Inner, deadline: Option<Instant>, mut report: ShutdownReport) -> ShutdownReport {
    inner.changes.wait_while(deadline, || {
        let threads = inner.threads.lock();
        !threads.shut || !threads.living.is_empty()
    });
    let shut = inner.threads.lock().shut;
    inner.report_left_running(&mut report);
    inner.join_ended();
    // The one that closed it gives the observer its time; here it is only looked at.
    report.observer_stuck = shut && !inner.observation.wait_for_end(deadline_after(Some(Duration::ZERO)));
    report
}

fn log_end(inner: &Inner, report: &ShutdownReport) {
    let still_running = Shown(|f: &mut Formatter<'_>| match report.running_count() {
        0 => Ok(()),
        running => write!(f, " with {running} tasks still running"),
    });
    let lost = Shown(|f: &mut Formatter<'_>| match report.queued {
        0 => Ok(()),
        queued if inner.journal.is_some() => write!(f, "; {queued} tasks stay in the store"),
        queued => write!(f, "; {queued} queued tasks were cancelled ({SHUT_DOWN_REASON})"),
    });
    inner.observation.log(LogLevel::Info, format_args!("the engine is shut down{still_running}{lost}"));
}
