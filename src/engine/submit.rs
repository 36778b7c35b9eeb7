//! Handing work over: check, copy, find room, queue.

use crate::engine::core::{Core, Leftovers, Phase};
use crate::engine::observer::{Event, EventKind};
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::options::WhenFull;
use crate::store::memory::{Accepted, Task};
use crate::sync::{deadline_after, MutexGuard};
use crate::sys;
use crate::task::{Priority, Submission, TaskId};
use std::sync::Arc;
use std::time::Instant;

impl Engine {
    /// Hands a task over: it will run.
    ///
    /// # Errors
    /// And then nothing was accepted: [`Error::QueueFull`], [`Error::NoHandler`], [`Error::NotFound`] (no such queue),
    /// [`Error::TooLarge`], [`Error::InvalidArgument`], [`Error::NotSupported`], [`Error::ShuttingDown`],
    /// [`Error::WouldDeadlock`] (waiting for room on a thread of this engine), [`Error::OutOfMemory`].
    pub fn submit(&self, submission: &Submission<'_>) -> Result<TaskId> {
        let ids = self.submit_many(std::slice::from_ref(submission))?;
        Ok(ids[0])
    }

    /// Hands many tasks over, all or none, in one step. They are ready in the order of the slice. `when_full` and `durability`
    /// must be the same in all.
    ///
    /// # Errors
    /// As [`Engine::submit`]; more than a queue can ever hold is [`Error::QueueFull`] at once.
    pub fn submit_many(&self, submissions: &[Submission<'_>]) -> Result<Vec<TaskId>> {
        if submissions.is_empty() {
            return Ok(Vec::new());
        }
        accept(&self.inner, submissions).inspect_err(|error| {
            let first = &submissions[0];
            self.refused(first.task_name, first.queue, submissions.len(), error);
        })
    }

    /// Notes a submit that was refused before or by the engine.
    pub(crate) fn refused(&self, task_name: &str, queue: Option<&str>, count: usize, error: &Error) {
        let mut core = self.inner.core.lock();
        let index = core.target_queue(task_name, queue).ok();
        let counter = match index {
            Some(index) => &mut core.queues[index].counters.refused,
            None => &mut core.refused_elsewhere,
        };
        *counter = counter.saturating_add(count as u64);
        let seen = &self.inner.observation;
        if seen.wants(EventKind::Refused) {
            let queue = index.map_or_else(|| "".into(), |index| core.queues[index].name.clone());
            // A name out of bounds is not repeated in events: it may be anything, of any size.
            let name = if crate::task::TaskName::new(task_name).is_ok() {
                task_name
            } else {
                ""
            };
            let event = Event::other(EventKind::Refused, name.into(), queue, error.to_string().into());
            seen.event(Event {
                count: count as u64,
                code: error.code(),
                ..event
            });
        }
    }
}

/// A submission that was copied and knows its queue.
struct Planned {
    task: Arc<Task>,
    task_name: Arc<str>,
    queue: usize,
    priority: Priority,
    bytes: u64,
}

fn accept(inner: &Inner, submissions: &[Submission<'_>]) -> Result<Vec<TaskId>> {
    let first = &submissions[0];
    let count = submissions.len();
    let (mut tasks, mut plan, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    tasks
        .try_reserve_exact(count)
        .and_then(|()| plan.try_reserve_exact(count))
        .and_then(|()| ids.try_reserve_exact(count))
        .map_err(|_| Error::OutOfMemory {
            bytes: count * size_of::<Planned>(),
        })?;
    for (index, submission) in submissions.iter().enumerate() {
        submission.check()?;
        inner
            .store
            .check_durability(submission.durability.or(inner.durability))?;
        if (submission.when_full, submission.durability) != (first.when_full, first.durability) {
            return Err(Error::InvalidArgument(format!(
                "submission {index} of a batch says another when_full or durability than the first; they are those of the batch"
            )));
        }
        tasks.push(Arc::new(Task::copy(submission)?));
    }

    let core = inner.core.lock();
    check_open(&core)?;
    for (submission, task) in submissions.iter().zip(tasks) {
        let queue = core.target_queue(submission.task_name, submission.queue)?;
        let (task_name, _) = core
            .handlers
            .get_key_value(submission.task_name)
            .expect("target_queue has found it");
        let task_name = task_name.clone();
        plan.push(Planned {
            task,
            task_name,
            queue,
            priority: submission.priority,
            bytes: submission.bytes(),
        });
    }
    let when_full = first.when_full;
    let (mut core, dropped) = make_room(inner, core, &plan, when_full)?;

    core.reserve(&plan)?;
    let now = inner.now();
    let now_us = sys::unix_micros();
    let seen = &inner.observation;
    let wants_accepted = seen.wants(EventKind::Accepted);
    for planned in plan {
        let Planned {
            task,
            task_name,
            queue: index,
            priority,
            bytes,
        } = planned;
        let queue = core.queues[index].name.clone();
        let id = core.store.insert(Accepted {
            task_name,
            queue,
            priority,
            bytes,
            task,
            now_us,
        });
        core.queues[index].counters.accepted += 1;
        core.queues[index].push(priority, id, bytes, now);
        if wants_accepted {
            if let Some(record) = core.store.get(id) {
                seen.event(Event::of(EventKind::Accepted, &record.status()));
            }
        }
        ids.push(id);
    }
    drop(core);
    drop(dropped);
    Ok(ids)
}

/// Finds room for all, by the answer that was chosen to a full queue. Room once found stays, since the lock is kept.
fn make_room<'a>(
    inner: &'a Inner,
    mut core: MutexGuard<'a, Core>,
    plan: &[Planned],
    when_full: Option<WhenFull>,
) -> Result<(MutexGuard<'a, Core>, Vec<Leftovers>)> {
    let mut deadline: Option<Option<Instant>> = None;
    let parts = parts(plan);
    loop {
        // Nothing is dropped before it is sure that all will fit: refusals first, then waits, then drops.
        let mut wait_for = None;
        for part in &parts {
            let queue = &core.queues[part.queue];
            if queue.has_room(part.tasks, part.bytes) {
                continue;
            }
            if !queue.could_hold(part.tasks, part.bytes) {
                return Err(queue.full());
            }
            match when_full.unwrap_or(queue.options.when_full) {
                WhenFull::Refuse => return Err(queue.full()),
                WhenFull::Wait(limit) => wait_for = Some((part.queue, limit)),
                WhenFull::DropOldest => {}
            }
        }
        let Some((index, limit)) = wait_for else { break };
        if sys::is_thread_of(inner.number) {
            return Err(Error::WouldDeadlock {
                operation: "waiting for room in a full queue",
                instead: "submit with 'refuse' or 'drop oldest' from inside a run, or from a thread of your own",
            });
        }
        let deadline = *deadline.get_or_insert_with(|| deadline_after(limit));
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(core.queues[index].full());
        }
        let room = core.queues[index].room.clone();
        core.queues[index].waiting_for_room += 1;
        (core, _) = room.wait_until(core, deadline);
        core.queues[index].waiting_for_room -= 1;
        check_open(&core)?;
        inner.check_sound()?;
    }
    let mut dropped = Vec::new();
    for part in &parts {
        while !core.queues[part.queue].has_room(part.tasks, part.bytes) {
            match core.drop_oldest(part.queue, &inner.observation) {
                Some(leftovers) => dropped.push(leftovers),
                None => return Err(core.queues[part.queue].full()),
            }
        }
    }
    Ok((core, dropped))
}

/// What a plan asks of one queue.
struct Part {
    queue: usize,
    tasks: u64,
    bytes: u64,
}

fn parts(plan: &[Planned]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for planned in plan {
        match parts.iter_mut().find(|part| part.queue == planned.queue) {
            Some(part) => {
                part.tasks += 1;
                part.bytes += planned.bytes;
            }
            None => parts.push(Part {
                queue: planned.queue,
                tasks: 1,
                bytes: planned.bytes,
            }),
        }
    }
    parts
}

fn check_open(core: &Core) -> Result<()> {
    if core.phase == Phase::Open {
        Ok(())
    } else {
        Err(Error::ShuttingDown)
    }
}

impl Core {
    /// The queue that a submission goes to.
    fn target_queue(&self, task_name: &str, queue: Option<&str>) -> Result<usize> {
        let registration = self
            .handlers
            .get(task_name)
            .ok_or_else(|| Error::NoHandler(task_name.into()))?;
        match (queue, &registration.options.queue) {
            (Some(name), _) => self.queue_named(name),
            (None, Some(name)) => self.queue_named(name.as_str()),
            // The default queue is the first, from the start.
            (None, None) => Ok(0),
        }
    }

    /// Makes sure that queueing the plan needs no memory.
    fn reserve(&mut self, plan: &[Planned]) -> Result<()> {
        self.store.reserve(plan.len())?;
        for priority in Priority::ALL {
            for index in 0..self.queues.len() {
                let count = plan
                    .iter()
                    .filter(|p| p.queue == index && p.priority == priority)
                    .count();
                if count > 0 {
                    let lanes = &mut self.queues[index].lanes;
                    lanes
                        .reserve(priority, count)
                        .map_err(|_| Error::OutOfMemory { bytes: count * 32 })?;
                }
            }
        }
        Ok(())
    }
}
