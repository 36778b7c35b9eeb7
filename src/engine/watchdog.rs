//! Keeps a run that lasts from holding up what waits behind it: once it has lasted past the queue's stall threshold while tasks
//! wait, its worker gets a replacement, unless the concurrency limit would keep that from running; when the stall is over, one
//! worker is too many, and goes.
//!
//! Runs on the control thread, at a tick, and only while something runs and something waits. It needs nothing of the hot path:
//! a run is told from the next one by what each worker counts anyway, and how long it lasts is what the watchdog sees itself.

use crate::alloc::{Ensure, Text};
use crate::engine::event::{Event, EventKind};
use crate::engine::intake::Phase;
use crate::engine::poison::{point, Place};
use crate::engine::queues::{Queue, Slot};
use crate::engine::{worker, Inner};
use crate::error::Result;
use crate::options::LogLevel;
use crate::sync::{Arc, Ordering};
use crate::sys;
use crate::task::{State, TaskId};
use std::time::Duration;

/// A run is watched for so long before its use of the processors counts.
const LONG_ENOUGH_US: u64 = 20_000;

/// What the watchdog has seen of a worker's run.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    task: i64,
    /// Which run of the worker's it is.
    run: u64,
    since_us: u64,
    /// When it was first seen, and how much processor time its thread had used by then.
    first_us: u64,
    cpu_us: u64,
    demoted: bool,
    /// It has ended, and its worker is about to let go of it.
    is_over: bool,
}

/// A run that lasts while tasks wait.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StalledRun {
    /// The task.
    pub task_id: TaskId,
    /// Its name.
    pub task_name: Text,
    /// Its queue.
    pub queue: Text,
    /// The number of its worker, as in the thread's name.
    pub worker: u64,
    /// For how long it has been seen to run, in microseconds.
    pub for_us: u64,
}

/// Starts the workers that queues lack, after some have left that were demoted. Whether none is missing.
pub(crate) fn refill_queues(inner: &Arc<Inner>) -> bool {
    let mut all_there = true;
    for queue in inner.queues.iter().filter(|_| inner.phase() < Phase::Cancelling) {
        if let Err(error) = worker::start_missing(inner, queue) {
            all_there = false;
            inner.observation.log(
                LogLevel::Warning,
                format_args!(
                    "a worker of queue '{}' that had stalled has left, and there is no other yet: {error}",
                    queue.name
                ),
            );
        }
    }
    all_there
}

/// Looks after every queue. Whether there is a reason to look again.
pub(crate) fn watch_queues(inner: &Arc<Inner>) -> bool {
    let now_us = inner.control.now_us();
    let mut goes_on = false;
    for queue in inner.queues.iter() {
        // Also where nobody is seen to run yet: whoever has just taken a task is about to. And where the concurrency limit is used
        // up: who stalls is told, though nobody is replaced.
        if !queue.is_drained() {
            goes_on = true;
            // What waits for a worker that is free waits for a moment only, and nobody holds it up.
            let lets_one_in = queue.lets_another_run();
            if !lets_one_in || queue.parking.nobody_is_free() {
                watch_queue(inner, queue, now_us, lets_one_in);
            }
        }
    }
    goes_on
}

/// `lets_one_in`: whether another run may begin beside those that there are; pending ones take their part of the limit too.
fn watch_queue(inner: &Arc<Inner>, queue: &Arc<Queue>, now_us: u64, lets_one_in: bool) {
    let threshold_us = queue.stall_threshold_us.load(Ordering::Relaxed);
    // One at a time: what is told of a stall takes other locks.
    for index in 0.. {
        let crew = queue.crew.lock();
        let Some(slot) = crew.slots.get(index).cloned() else { break };
        let lasts_us = slot.look(now_us, |id| inner.has_run_for_us(id)).unwrap_or(0);
        let stalls = lasts_us >= threshold_us && !slot.is_stalled();
        if stalls {
            slot.set_stalled(true);
        }
        // Where nobody can run beside it, it holds the others up for all the longer.
        if slot.is_stalled() && lets_one_in {
            slot.demote_if_it_burns(now_us);
        }
        drop(crew);
        if stalls {
            inner.run_stalls(queue, &slot, lasts_us);
        }
    }
    let crew = queue.crew.lock();
    let missing = crew.wanted().saturating_sub(crew.slots.len());
    drop(crew);
    if missing > 0 && lets_one_in && inner.phase() < Phase::Cancelling {
        replace(inner, queue, missing);
    }
}

/// Starts workers beside those that stall, as many as the engine may have.
fn replace(inner: &Arc<Inner>, queue: &Arc<Queue>, missing: usize) {
    let living = inner.threads.lock().living.len();
    let room = (inner.resolved.max_workers as usize).saturating_sub(living);
    if room < missing {
        inner.no_more_workers(queue);
    }
    if room == 0 {
        return;
    }
    if let Err(error) = worker::start_some(inner, queue, room.min(missing)) {
        inner.observation.log(
            LogLevel::Warning,
            format_args!("a stalled worker of queue '{}' has no replacement yet: {error}", queue.name),
        );
    }
}

impl Inner {
    /// Whether the watchdog has a reason to look: something waits in a queue that does not pause.
    pub(crate) fn something_waits(&self) -> bool {
        self.queues.iter().any(|queue| !queue.is_drained())
    }

    /// For how long a task has run, to a few milliseconds, by the clock on the wall: good enough for what ran before anybody
    /// looked. Nothing where time is set by hand.
    fn has_run_for_us(&self, id: TaskId) -> u64 {
        const MOST_US: i64 = 24 * 60 * 60 * 1_000_000;
        let Some(chunk) = self.store.chunk(id).filter(|_| !self.control.is_manual()) else { return 0 };
        let entry = chunk.entry(id);
        let word = entry.word();
        // Its worker may be about to claim it: then what stands there is of an earlier run, or of none.
        if word.state() != Some(State::Running) {
            return 0;
        }
        let us = sys::coarse_unix_micros() - entry.times(word).started_us;
        us.clamp(0, MOST_US) as u64
    }

    fn run_stalls(&self, queue: &Queue, slot: &Slot, lasts_us: u64) {
        queue.seldom.lock().stalls += 1;
        let Some(id) = slot.running() else { return };
        let Some(status) = self.status(id) else { return };
        let waiting = self.ready_in(queue);
        let message = Text::say(format_args!(
            "worker {} has been running it for {} ms while {waiting} tasks wait",
            slot.number(),
            lasts_us / 1000
        ));
        let run_us = i64::try_from(lasts_us).unwrap_or(i64::MAX);
        self.observation.event_if_wanted(EventKind::RunStalled, || Event {
            run_us,
            message,
            ..Event::of(EventKind::RunStalled, &status)
        });
    }

    /// Tells, once while it lasts, that no more workers may be started.
    fn no_more_workers(&self, queue: &Queue) {
        if queue.exhausted.swap(true, Ordering::Relaxed) {
            return;
        }
        let message = Text::say(format_args!(
            "all {} workers that the engine may have (max_workers) are taken, and more runs stall: what waits in queue '{}' waits for one of them",
            self.resolved.max_workers, queue.name
        ));
        let of_no_task = || Event::other(EventKind::WorkersExhausted, Text::default(), queue.name.clone(), message);
        self.observation.event_if_wanted(EventKind::WorkersExhausted, of_no_task);
    }

    /// A run that had stalled has ended; on its worker. Whether that is to leave: its thread is demoted, or has a replacement.
    pub(crate) fn stall_is_over(&self, queue: &Queue, slot: &Slot, id: TaskId) -> bool {
        // Before the crew's lock: the schedule's comes before it.
        let now_us = self.control.now_us();
        let crew = queue.crew.lock();
        slot.set_stalled(false);
        let lasted_us = slot.seen_us(now_us);
        let mut seen = slot.seen.lock();
        // Or it would be seen to stall again, as long as the slot names it.
        seen.is_over = true;
        let leaves = seen.demoted || crew.slots.len() > crew.wanted();
        drop(seen);
        drop(crew);
        point(Place::StallOver);
        queue.exhausted.store(false, Ordering::Relaxed);
        self.observation.event_if_wanted(EventKind::StallEnded, || {
            let run_us = i64::try_from(lasted_us).unwrap_or(i64::MAX);
            match self.status(id) {
                Some(status) => Event { run_us, ..Event::of(EventKind::StallEnded, &status) },
                None => {
                    let event =
                        Event::other(EventKind::StallEnded, Text::default(), queue.name.clone(), Text::default());
                    Event { run_us, task_id: Some(id), ..event }
                }
            }
        });
        leaves
    }

    /// All runs that stall now.
    pub(crate) fn stalled_runs(&self) -> Result<Vec<StalledRun>> {
        let now_us = self.control.now_us();
        let mut all = Vec::new();
        for queue in self.queues.iter() {
            for index in 0.. {
                let crew = queue.crew.lock();
                let Some(slot) = crew.slots.get(index).cloned() else { break };
                drop(crew);
                let Some(task_id) = slot.running().filter(|_| slot.is_stalled()) else { continue };
                let Some(chunk) = self.store.chunk(task_id) else { continue };
                let registration = chunk.entry(task_id).word().registration();
                let task_name = self.registrations.lock()[registration].name.clone();
                all.ensure(1)?;
                let (worker, for_us) = (slot.number(), slot.seen_us(now_us));
                all.push(StalledRun { task_id, task_name, queue: queue.name.clone(), worker, for_us });
            }
        }
        Ok(all)
    }

    /// For how long the run of a task has stalled; `None` if it does not.
    pub(crate) fn stalls_for(&self, queue: &Queue, id: TaskId) -> Option<Duration> {
        let now_us = self.control.now_us();
        let crew = queue.crew.lock();
        let slot = crew.slots.iter().find(|slot| slot.running() == Some(id) && slot.is_stalled())?;
        Some(Duration::from_micros(slot.seen_us(now_us)))
    }
}

impl Slot {
    /// Looks at what the worker runs: for how long it has been seen to, in microseconds; `None`: it runs nothing any more.
    /// `has_run_for_us`: for how long a task ran before it was seen.
    fn look(&self, now_us: u64, has_run_for_us: impl Fn(TaskId) -> u64) -> Option<u64> {
        let task = self.current.load(Ordering::SeqCst);
        let run = self.runs_begun();
        let mut seen = self.seen.lock();
        if task == 0 {
            *seen = Seen::default();
            return None;
        }
        if (seen.task, seen.run) != (task, run) {
            let before_us = has_run_for_us(TaskId::counted(task));
            let cpu_us = self.system_thread().map_or(0, sys::thread_cpu_us);
            let since_us = now_us.saturating_sub(before_us);
            *seen = Seen { task, run, since_us, first_us: now_us, cpu_us, demoted: false, is_over: false };
        }
        if seen.is_over {
            return None;
        }
        Some(now_us.saturating_sub(seen.since_us))
    }

    fn seen_us(&self, now_us: u64) -> u64 {
        now_us.saturating_sub(self.seen.lock().since_us)
    }

    /// Has a stalled run that mostly burns processor time take little of it from the others. One that mostly waits takes none,
    /// and is left as it is: a thread cannot be promoted again, and what it starts is as it is.
    fn demote_if_it_burns(&self, now_us: u64) {
        let mut seen = self.seen.lock();
        let watched_us = now_us.saturating_sub(seen.first_us);
        let Some(thread) = self.system_thread().filter(|_| !seen.demoted && watched_us >= LONG_ENOUGH_US) else {
            return;
        };
        // A fifth: where there are more loops than processors, each gets only its share.
        if 5 * sys::thread_cpu_us(thread).saturating_sub(seen.cpu_us) >= watched_us {
            seen.demoted = true;
            sys::demote_thread(thread);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::engine::poison::{on_purpose::at, Place};
    use crate::engine::{Engine, Outcome, TaskContext};
    use crate::options::EngineOptions;
    use crate::task::Submission;
    use std::sync::mpsc::channel;
    use std::sync::Mutex;
    use std::time::Duration;

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn a_stall_that_is_over_is_not_seen_again_while_its_worker_lets_go_of_the_run() {
        let options = EngineOptions { workers: Some(1), manual_time: true, ..EngineOptions::default() };
        let engine = Engine::start(options).unwrap();
        let ((begin, begun), (let_go, waits)) = (channel(), channel::<()>());
        let waits = Mutex::new(waits);
        engine
            .register("hold", move |_: &TaskContext<'_>| {
                begin.send(()).unwrap();
                let _ = waits.lock().unwrap().recv_timeout(LIMIT);
                Outcome::Done
            })
            .unwrap();
        // The first one stalls, the second one runs in its place, the third one waits.
        for _ in 0..3 {
            engine.submit(&Submission::new("hold", b"")).unwrap();
        }
        begun.recv_timeout(LIMIT).unwrap();
        engine.advance_time(Duration::from_millis(20)).unwrap();
        engine.advance_time(Duration::from_millis(200)).unwrap();
        begun.recv_timeout(LIMIT).unwrap();
        let ((over, is_over), (go_on, goes_on)) = (channel(), channel::<()>());
        at(Place::StallOver, engine.threads(), move || {
            over.send(()).unwrap();
            let _ = goes_on.recv_timeout(LIMIT);
        });
        let_go.send(()).unwrap();
        is_over.recv_timeout(LIMIT).unwrap();
        engine.advance_time(Duration::from_millis(20)).unwrap();
        let seen = engine.statistics().unwrap().engine;
        go_on.send(()).unwrap();
        drop(let_go);
        assert_eq!((seen.stalls, seen.stalled), (1, 0));
    }

    #[test]
    fn a_task_that_is_about_to_be_claimed_has_not_run_for_any_time() {
        let engine = Engine::start(EngineOptions::default()).unwrap();
        engine.register("nothing", |_: &TaskContext<'_>| ()).unwrap();
        engine.pause("default").unwrap();
        let id = engine.submit(&Submission::new("nothing", b"")).unwrap();
        assert_eq!(engine.inner.has_run_for_us(id), 0);
    }
}
