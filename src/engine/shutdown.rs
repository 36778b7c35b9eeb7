//! The end of an engine: shut down, close, abandon.
//!
//! The shutdown that first has no more to wait for, or is out of time, *closes* the engine: from then on nothing is
//! recorded. Others that wait at the same time are told by `Core::shut`.

use crate::engine::core::{Core, Phase, SHUT_DOWN_REASON};
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::options::LogLevel;
use crate::sync::{deadline_after, MutexGuard};
use crate::sys;
use crate::task::TaskId;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How the work of an engine ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownMode {
    /// What is queued runs, what runs goes on.
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
    /// Queued tasks that the memory store lost with the engine: they are cancelled.
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
    pub task_name: Arc<str>,
}

impl ShutdownReport {
    /// Whether every thread was joined and every handler released.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.running.is_empty() && !self.observer_stuck
    }

    /// The error that an incomplete shutdown is at the border.
    pub(crate) fn to_result(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let named: Vec<_> = self
            .running
            .iter()
            .take(5)
            .map(|left| format!("{} ('{}')", left.id, left.task_name))
            .collect();
        let more = if self.running.len() > named.len() { ", …" } else { "" };
        let stuck = if self.observer_stuck {
            "; an event or log callback has not returned"
        } else {
            ""
        };
        Err(Error::ShutdownIncomplete(format!(
            "the time for the shutdown was up with {} tasks still running: {}{more}{stuck}; their outcomes will be refused",
            self.running.len(),
            named.join(", ")
        )))
    }
}

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
        Ok(shut_down(&self.inner, mode, deadline_after(limit)))
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
        let mut core = inner.core.lock();
        if core.phase == Phase::Closed {
            return;
        }
        start_cancelling(inner, &mut core);
        let leftovers = core.cancel_all_ready(&inner.observation);
        let handlers = core.close(&inner.observation);
        core.shut = true;
        core.threads.clear();
        core.ended_threads.clear();
        drop(core);
        inner.changed.notify_all();
        inner.observation.stop();
        drop((leftovers, handlers));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.check_process().is_err() {
            // The lock may be held by a thread that does not exist here, and so may anything that a drop would free.
            std::mem::forget(self.inner.clone());
            return;
        }
        if self.inner.core.lock().phase == Phase::Closed {
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
    let mut core = inner.core.lock();
    let mut leftovers = Vec::new();
    if core.phase < Phase::Closed {
        match mode {
            ShutdownMode::Drain => start_draining(inner, &mut core),
            ShutdownMode::Cancel => {
                start_cancelling(inner, &mut core);
                report.queued += core.ready() as u64;
                leftovers = core.cancel_all_ready(seen);
            }
        }
    }
    // Threads that have nothing to do any more end by themselves, so only runs and queued tasks need the limit.
    while core.phase < Phase::Closed && (!core.runs.is_empty() || core.ready() > 0) {
        let (again, passed) = inner.changed.wait_until(core, deadline);
        core = again;
        if passed {
            break;
        }
    }
    if core.phase == Phase::Closed {
        // Somebody else has closed it. Its part ends by itself; what is left are runs that may come back in time.
        drop(leftovers);
        return wait_for_the_rest(inner, core, deadline, report);
    }
    report.queued += core.ready() as u64;
    leftovers.extend(core.cancel_all_ready(seen));
    report.running = left_running(&core);
    let handlers = core.close(seen);
    wake_all(&core);
    drop(core);
    // The last holder of a handler releases it: for those without a run that is here.
    drop((leftovers, handlers));

    let mut core = inner.core.lock();
    while core.threads.len() > core.runs_on_workers() {
        core = inner.changed.wait(core);
    }
    let ended = std::mem::take(&mut core.ended_threads);
    drop(core);
    for thread in ended {
        let _ = thread.join();
    }
    seen.log(LogLevel::Info, || closing_line(&report));
    seen.stop();
    let grace = Instant::now() + OBSERVER_GRACE;
    report.observer_stuck = !seen.wait_for_end(deadline.map(|deadline| deadline.max(grace)));
    inner.core.lock().shut = true;
    inner.changed.notify_all();
    report
}

fn start_draining(inner: &Inner, core: &mut Core) {
    core.phase = core.phase.max(Phase::Draining);
    wake_all(core);
    inner.changed.notify_all();
}

fn start_cancelling(inner: &Inner, core: &mut Core) {
    core.phase = core.phase.max(Phase::Cancelling);
    core.interrupt_runs(&inner.observation);
    wake_all(core);
    inner.changed.notify_all();
}

/// Wakes whoever waits for work or for room, to see the new phase.
fn wake_all(core: &Core) {
    for queue in &core.queues {
        queue.work.notify_all();
        queue.room.notify_all();
    }
}

fn left_running(core: &Core) -> Vec<LeftRunning> {
    let mut left: Vec<_> = core
        .runs
        .keys()
        .filter_map(|&id| core.store.get(id))
        .map(|record| LeftRunning {
            id: record.id,
            task_name: record.task_name.clone(),
        })
        .collect();
    left.sort_by_key(|left| left.id);
    left
}

/// A shutdown of an engine that another one has closed: waits for runs that may still come back.
fn wait_for_the_rest<'a>(
    inner: &'a Inner,
    mut core: MutexGuard<'a, Core>,
    deadline: Option<Instant>,
    mut report: ShutdownReport,
) -> ShutdownReport {
    while !core.shut || !core.threads.is_empty() {
        let (again, passed) = inner.changed.wait_until(core, deadline);
        core = again;
        if passed {
            break;
        }
    }
    report.running = left_running(&core);
    let ended = std::mem::take(&mut core.ended_threads);
    let shut = core.shut;
    drop(core);
    for thread in ended {
        let _ = thread.join();
    }
    // The one that closed it gives the observer its time; here it is only looked at.
    report.observer_stuck = shut && !inner.observation.wait_for_end(deadline_after(Some(Duration::ZERO)));
    report
}

fn closing_line(report: &ShutdownReport) -> String {
    let lost = match report.queued {
        0 => String::new(),
        queued => format!("; {queued} queued tasks were cancelled ({SHUT_DOWN_REASON})"),
    };
    match report.running.len() {
        0 => format!("the engine is shut down{lost}"),
        running => format!("the engine is shut down with {running} tasks still running{lost}"),
    }
}
