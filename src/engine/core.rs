//! What the engine's one lock guards: queues, runs, watches and the store, and the steps that change them.
//!
//! No step blocks, calls user code or reads a clock that decides anything; `now` is an argument. What may run user code
//! when it is dropped (handlers, payloads of any size) is handed back to be dropped after the lock.

use crate::engine::handler::{CancelFlag, Handler};
use crate::engine::observer::{ended_before, Event, EventKind, Observation, Watcher};
use crate::engine::stats::Counters;
use crate::engine::wait::WaitSlot;
use crate::error::{Error, Result};
use crate::options::{QueueOptions, TaskOptions};
use crate::queue::lanes::Lanes;
use crate::store::memory::{MemoryStore, Task};
use crate::sync::Condvar;
use crate::sys;
use crate::task::{Lease, Outcome, Priority, State, TaskId, TaskStatus};
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How far the engine's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Takes work.
    Open,
    /// Takes no new work, does the old.
    Draining,
    /// Starts nothing more.
    Cancelling,
    /// Records nothing more.
    Closed,
}

pub(crate) struct Core {
    pub(crate) phase: Phase,
    pub(crate) handlers: HashMap<Arc<str>, Registration>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) store: MemoryStore,
    /// Running and pending tasks.
    pub(crate) runs: HashMap<TaskId, Run>,
    pub(crate) watches: HashMap<TaskId, Vec<Watch>>,
    pub(crate) refused_elsewhere: u64,
    last_lease: i64,
    /// Worker threads that have not ended, by number.
    pub(crate) threads: HashMap<u64, JoinHandle<()>>,
    /// Worker threads that are past their last step, to be joined.
    pub(crate) ended_threads: Vec<JoinHandle<()>>,
    pub(crate) last_thread: u64,
    /// Nobody touches the threads any more: the shutdown that closed the engine has done its part.
    pub(crate) shut: bool,
}

#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) options: TaskOptions,
}

pub(crate) struct Queue {
    pub(crate) name: Arc<str>,
    pub(crate) options: QueueOptions,
    pub(crate) lanes: Lanes,
    pub(crate) counters: Counters,
    /// How many workers there should be, and are.
    pub(crate) target: u32,
    pub(crate) workers: u32,
    pub(crate) idle: u32,
    /// Runs now, pending ones included.
    pub(crate) runs: u32,
    pub(crate) pending: u32,
    pub(crate) work: Arc<Condvar>,
    pub(crate) room: Arc<Condvar>,
    pub(crate) waiting_for_room: usize,
}

/// A run that has not ended.
pub(crate) struct Run {
    pub(crate) lease: Lease,
    pub(crate) queue: usize,
    /// The number of the worker that began it.
    pub(crate) worker: u64,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) cancelled: CancelFlag,
    /// A shutdown asked it to stop, and nobody else did.
    pub(crate) interrupted: bool,
    /// It holds a worker: its `run` has not returned.
    pub(crate) on_worker: bool,
    /// Settled before its `run` has returned.
    pub(crate) settled_early: Option<Outcome>,
    pub(crate) started: Instant,
}

/// What a worker takes along to run a task.
pub(crate) struct Claim {
    pub(crate) id: TaskId,
    pub(crate) lease: Lease,
    pub(crate) attempt: u32,
    pub(crate) task_name: Arc<str>,
    pub(crate) queue: Arc<str>,
    pub(crate) priority: Priority,
    pub(crate) task: Arc<Task>,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) cancelled: CancelFlag,
}

/// Who waits for the end of a task.
pub(crate) enum Watch {
    Slot(Arc<WaitSlot>),
    Tell(Watcher),
}

/// What is to be dropped after the lock.
#[derive(Default)]
pub(crate) struct Leftovers {
    _task: Option<Arc<Task>>,
    _handler: Option<Arc<dyn Handler>>,
}

pub(crate) const SHUT_DOWN_REASON: &str = "the engine was shut down";

impl Core {
    pub(crate) fn new(store: MemoryStore) -> Self {
        Self {
            phase: Phase::Open,
            handlers: HashMap::new(),
            queues: Vec::new(),
            store,
            runs: HashMap::new(),
            watches: HashMap::new(),
            refused_elsewhere: 0,
            last_lease: 0,
            threads: HashMap::new(),
            ended_threads: Vec::new(),
            last_thread: 0,
            shut: false,
        }
    }

    pub(crate) fn queue_named(&self, name: &str) -> Result<usize> {
        self.queues
            .iter()
            .position(|queue| &*queue.name == name)
            .ok_or_else(|| {
                let known: Vec<_> = self.queues.iter().map(|queue| &*queue.name).collect();
                Error::NotFound(format!(
                    "there is no queue '{name}', only {}; configure it before it is used",
                    known.join(", ")
                ))
            })
    }

    /// Takes the next task of a queue, if one may run now.
    pub(crate) fn claim(&mut self, queue_index: usize, worker: u64, seen: &Observation) -> Option<Claim> {
        let queue = &mut self.queues[queue_index];
        if self.phase >= Phase::Cancelling || queue.options.concurrency_limit.is_some_and(|limit| queue.runs >= limit) {
            return None;
        }
        let store = &mut self.store;
        let entry = queue.lanes.pop(|id| store.is_ready(id))?;
        let record = store.get_mut(entry.id).expect("a ready task has a record");
        record.move_to(State::Running);
        self.last_lease += 1;
        record.lease = Lease::new(self.last_lease);
        record.attempt += 1;
        record.started_at_us = sys::unix_micros();
        let handler = self
            .handlers
            .get(&record.task_name)
            .expect("only tasks with a handler are accepted");
        let claim = Claim {
            id: entry.id,
            lease: record.lease,
            attempt: record.attempt,
            task_name: record.task_name.clone(),
            queue: queue.name.clone(),
            priority: record.priority,
            task: record.task.clone().expect("a task that is not final has its payload"),
            handler: handler.handler.clone(),
            cancelled: CancelFlag::default(),
        };
        queue.runs += 1;
        queue.counters.started += 1;
        queue.tell_of_room();
        let run = Run {
            lease: claim.lease,
            queue: queue_index,
            worker,
            handler: claim.handler.clone(),
            cancelled: claim.cancelled.clone(),
            interrupted: false,
            on_worker: true,
            settled_early: None,
            started: Instant::now(),
        };
        self.runs.insert(entry.id, run);
        if seen.wants(EventKind::Started) {
            seen.event(Event::of(EventKind::Started, &record.status()));
        }
        Some(claim)
    }

    /// Records what `run` returned. Its worker is free again.
    pub(crate) fn run_returned(&mut self, id: TaskId, lease: Lease, outcome: Outcome, seen: &Observation) -> Leftovers {
        let Some(run) = self.runs.get_mut(&id).filter(|run| run.lease == lease) else {
            self.refuse_outcome(id, lease, seen);
            return Leftovers::default();
        };
        run.on_worker = false;
        if self.phase == Phase::Closed {
            let queue = run.queue;
            self.queues[queue].runs -= 1;
            self.refuse_outcome(id, lease, seen);
            let run = self.runs.remove(&id);
            return Leftovers {
                _task: None,
                _handler: run.map(|run| run.handler),
            };
        }
        // What a settle said first counts, whatever `run` returned after it.
        match run.settled_early.take().unwrap_or(outcome) {
            Outcome::Pending => {
                let queue = &mut self.queues[run.queue];
                queue.pending += 1;
                let record = self.store.get_mut(id).expect("a running task has a record");
                record.move_to(State::Pending);
                if seen.wants(EventKind::Pending) {
                    seen.event(Event::of(EventKind::Pending, &record.status()));
                }
                Leftovers::default()
            }
            outcome => self.end_run(id, outcome, seen),
        }
    }

    /// Settles a pending run, or one whose `run` has not returned yet.
    pub(crate) fn settle(
        &mut self,
        id: TaskId,
        lease: Lease,
        outcome: Outcome,
        seen: &Observation,
    ) -> Result<Leftovers> {
        let stale = Error::StaleLease {
            id: id.value(),
            lease: lease.value(),
        };
        if self.store.get(id).is_none() {
            return Err(Error::NotFound(format!(
                "there is no task {id}, or it is no longer kept"
            )));
        }
        let phase = self.phase;
        match self.runs.get_mut(&id) {
            Some(run) if run.lease == lease && phase != Phase::Closed && run.settled_early.is_none() => {
                if run.on_worker {
                    run.settled_early = Some(outcome);
                    return Ok(Leftovers::default());
                }
                let queue = run.queue;
                self.queues[queue].pending -= 1;
                let leftovers = self.end_run(id, outcome, seen);
                // Its place under the concurrency limit is free, and no worker comes back to see it.
                self.queues[queue].work.notify_one();
                Ok(leftovers)
            }
            _ => {
                self.refuse_outcome(id, lease, seen);
                Err(stale)
            }
        }
    }

    /// Ends a run with an outcome that is not pending.
    fn end_run(&mut self, id: TaskId, outcome: Outcome, seen: &Observation) -> Leftovers {
        let run = self.runs.remove(&id).expect("the caller has found it");
        let run_us = i64::try_from(run.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let queue = &mut self.queues[run.queue];
        queue.runs -= 1;
        let task = match outcome {
            Outcome::Done => self.finish(id, State::Succeeded, run.queue, run_us, seen),
            Outcome::Failed(failure) | Outcome::Fatal(failure) => {
                queue.counters.runs_failed += 1;
                let failure = Arc::new(failure);
                let record = self.store.get_mut(id).expect("a running task has a record");
                record.failure = Some(failure.clone());
                if seen.wants(EventKind::RunFailed) {
                    let mut status = record.status();
                    // One attempt: what failed is dead (retries come with their own issue).
                    status.state = State::Dead;
                    let event = Event {
                        failure: Some(failure),
                        run_us,
                        ..Event::of(EventKind::RunFailed, &status)
                    };
                    seen.event(event);
                }
                self.finish(id, State::Dead, run.queue, run_us, seen)
            }
            Outcome::Cancelled if run.interrupted => self.interrupt(id, run.queue, run_us, seen),
            Outcome::Cancelled => {
                let record = self.store.get_mut(id).expect("a running task has a record");
                if !record.cancel_requested {
                    record.cancel_reason = "its own run cancelled it".into();
                }
                self.finish(id, State::Cancelled, run.queue, run_us, seen)
            }
            Outcome::Pending => unreachable!("the callers take pending apart"),
        };
        Leftovers {
            _task: task,
            _handler: Some(run.handler),
        }
    }

    /// A run that a shutdown stopped: its attempt does not count. The memory store has nowhere to keep it.
    fn interrupt(&mut self, id: TaskId, queue: usize, run_us: i64, seen: &Observation) -> Option<Arc<Task>> {
        self.queues[queue].counters.interrupted += 1;
        let record = self.store.get_mut(id).expect("a running task has a record");
        record.move_to(State::Ready);
        record.attempt -= 1;
        if seen.wants(EventKind::Interrupted) {
            seen.event(Event {
                run_us,
                ..Event::of(EventKind::Interrupted, &record.status())
            });
        }
        self.cancel_ready(id, queue, SHUT_DOWN_REASON, seen)
    }

    /// Cancels a task that is ready and no longer in its lanes' count.
    fn cancel_ready(&mut self, id: TaskId, queue: usize, reason: &str, seen: &Observation) -> Option<Arc<Task>> {
        let record = self.store.get_mut(id).expect("a ready task has a record");
        record.cancel_requested = true;
        record.cancel_reason = reason.into();
        self.finish(id, State::Cancelled, queue, 0, seen)
    }

    /// Brings a task to a final state and tells everybody.
    fn finish(&mut self, id: TaskId, to: State, queue: usize, run_us: i64, seen: &Observation) -> Option<Arc<Task>> {
        let counters = &mut self.queues[queue].counters;
        let (kind, counter) = match to {
            State::Succeeded => (EventKind::Succeeded, &mut counters.succeeded),
            State::Dead => (EventKind::Dead, &mut counters.dead),
            State::Dropped => (EventKind::Dropped, &mut counters.dropped),
            _ => (EventKind::Cancelled, &mut counters.cancelled),
        };
        *counter += 1;
        let (status, task) = self.store.finish(id, to, sys::unix_micros());
        if seen.wants(kind) {
            let failure = if to == State::Dead {
                status.failure.clone()
            } else {
                None
            };
            seen.event(Event {
                run_us,
                failure,
                ..Event::of(kind, &status)
            });
        }
        for watch in self.watches.remove(&id).into_iter().flatten() {
            match watch {
                Watch::Slot(slot) => slot.fill(Ok(status.clone())),
                Watch::Tell(watcher) => seen.tell_watcher(watcher, status.clone(), Ok(())),
            }
        }
        task
    }

    /// Cancels a ready task, or asks a running one to stop.
    pub(crate) fn cancel(&mut self, id: TaskId, reason: &str, seen: &Observation) -> (CancelResult, Leftovers) {
        let Some(record) = self.store.get_mut(id) else {
            return (CancelResult::Unknown, Leftovers::default());
        };
        if record.state().is_final() {
            return (CancelResult::AlreadyFinal, Leftovers::default());
        }
        if let Some(run) = self.runs.get_mut(&id) {
            run.interrupted = false;
            if !record.cancel_requested {
                record.cancel_requested = true;
                record.cancel_reason = reason.into();
                if seen.wants(EventKind::CancelRequested) {
                    seen.event(Event::of(EventKind::CancelRequested, &record.status()));
                }
                // Unless a shutdown has asked it already.
                if !run.cancelled.is_set() {
                    run.cancelled.set();
                    seen.cancel_requested(run.handler.clone(), id, run.lease);
                }
            }
            return (CancelResult::Running, Leftovers::default());
        }
        let (bytes, queue) = (record.bytes, record.queue.clone());
        let queue = self.queue_named(&queue).expect("a ready task's queue exists");
        let task = self.cancel_ready(id, queue, reason, seen);
        let store = &self.store;
        self.queues[queue].lanes.forget(bytes, |id| store.is_ready(id));
        self.queues[queue].tell_of_room();
        (
            CancelResult::Queued,
            Leftovers {
                _task: task,
                _handler: None,
            },
        )
    }

    /// Drops the oldest task of the lowest level in use. `None` if there is none.
    pub(crate) fn drop_oldest(&mut self, queue: usize, seen: &Observation) -> Option<Leftovers> {
        let store = &self.store;
        let entry = self.queues[queue].lanes.pop_oldest_of_lowest(|id| store.is_ready(id))?;
        let task = self.finish(entry.id, State::Dropped, queue, 0, seen);
        Some(Leftovers {
            _task: task,
            _handler: None,
        })
    }

    /// Cancels all that is ready: what a shutdown leaves in a memory store.
    pub(crate) fn cancel_all_ready(&mut self, seen: &Observation) -> Vec<Leftovers> {
        let mut leftovers = Vec::new();
        for queue in 0..self.queues.len() {
            loop {
                let store = &self.store;
                let Some(entry) = self.queues[queue].lanes.pop(|id| store.is_ready(id)) else {
                    break;
                };
                let task = self.cancel_ready(entry.id, queue, SHUT_DOWN_REASON, seen);
                leftovers.push(Leftovers {
                    _task: task,
                    _handler: None,
                });
            }
        }
        leftovers
    }

    /// Asks every run to stop, on behalf of a shutdown.
    pub(crate) fn interrupt_runs(&mut self, seen: &Observation) {
        for (&id, run) in &mut self.runs {
            if !run.cancelled.is_set() {
                run.interrupted = true;
                run.cancelled.set();
                seen.cancel_requested(run.handler.clone(), id, run.lease);
            }
        }
    }

    /// Records nothing more. Tells whoever waits for a task that is still running, and hands the handlers back: those of
    /// runs that still hold a worker stay with their workers.
    pub(crate) fn close(&mut self, seen: &Observation) -> Vec<Arc<dyn Handler>> {
        self.phase = Phase::Closed;
        let mut handlers: Vec<_> = self
            .handlers
            .drain()
            .map(|(_, registration)| registration.handler)
            .collect();
        for (&id, run) in &self.runs {
            self.queues[run.queue].counters.abandoned += 1;
            let record = self.store.get(id).expect("a running task has a record");
            if seen.wants(EventKind::Abandoned) {
                seen.event(Event::of(EventKind::Abandoned, &record.status()));
            }
        }
        handlers.extend(self.runs.values().map(|run| run.handler.clone()));
        // A pending run has no thread that could come back.
        self.runs.retain(|_, run| run.on_worker);
        for (id, watches) in std::mem::take(&mut self.watches) {
            let Some(status) = self.store.get(id).map(|record| record.status()) else {
                continue;
            };
            let error = ended_before(&status);
            for watch in watches {
                match watch {
                    Watch::Slot(slot) => slot.fill(Err(error.clone())),
                    Watch::Tell(watcher) => seen.tell_watcher(watcher, status.clone(), Err(error.clone())),
                }
            }
        }
        handlers
    }

    fn refuse_outcome(&mut self, id: TaskId, lease: Lease, seen: &Observation) {
        let Some(record) = self.store.get(id) else { return };
        let status = TaskStatus {
            lease,
            ..record.status()
        };
        if let Ok(queue) = self.queue_named(&status.queue) {
            self.queues[queue].counters.stale_settles += 1;
        }
        if seen.wants(EventKind::StaleSettle) {
            seen.event(Event::of(EventKind::StaleSettle, &status));
        }
    }

    /// Runs that still hold a worker.
    pub(crate) fn runs_on_workers(&self) -> usize {
        self.runs.values().filter(|run| run.on_worker).count()
    }

    pub(crate) fn ready(&self) -> usize {
        self.queues.iter().map(|queue| queue.lanes.len()).sum()
    }
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

impl Queue {
    pub(crate) fn new(name: Arc<str>, options: QueueOptions, target: u32) -> Self {
        Self {
            name,
            lanes: Lanes::new(options.ageing_step),
            options,
            counters: Counters::default(),
            target,
            workers: 0,
            idle: 0,
            runs: 0,
            pending: 0,
            work: Arc::new(Condvar::new()),
            room: Arc::new(Condvar::new()),
            waiting_for_room: 0,
        }
    }

    /// Whether so many more tasks of so many bytes in all fit now.
    pub(crate) fn has_room(&self, tasks: u64, bytes: u64) -> bool {
        self.lanes.len() as u64 + tasks <= self.options.capacity
            && self.lanes.bytes() + bytes <= self.options.capacity_bytes
    }

    /// Whether they fit into the empty queue.
    pub(crate) fn could_hold(&self, tasks: u64, bytes: u64) -> bool {
        tasks <= self.options.capacity && bytes <= self.options.capacity_bytes
    }

    pub(crate) fn full(&self) -> Error {
        Error::QueueFull {
            queue: self.name.to_string(),
            tasks: self.lanes.len() as u64,
            capacity: self.options.capacity,
            bytes: self.lanes.bytes(),
            capacity_bytes: self.options.capacity_bytes,
        }
    }

    /// Adds a ready task and wakes an idle worker for it.
    pub(crate) fn push(&mut self, priority: Priority, id: TaskId, bytes: u64, now: Duration) {
        self.lanes.push(priority, id, bytes, now);
        if self.idle > 0 {
            self.work.notify_one();
        }
    }

    pub(crate) fn tell_of_room(&self) {
        if self.waiting_for_room > 0 {
            self.room.notify_all();
        }
    }
}
