//! Handing work over: check, find room, copy, queue.

use crate::engine::intake::Intake;
use crate::engine::observer::{Event, EventKind};
use crate::engine::queues::Queue;
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::options::WhenFull;
use crate::queue::log::{Data, Headers};
use crate::store::table::{Chunk, Word};
use crate::sync::{deadline_after, Arc, MutexGuard, Ordering};
use crate::sys;
use crate::task::{Submission, TaskId};
use std::time::Instant;

impl Engine {
    /// Hands a task over: it will run.
    ///
    /// # Errors
    /// And then nothing was accepted: [`Error::QueueFull`], [`Error::NoHandler`], [`Error::NotFound`] (no such queue),
    /// [`Error::TooLarge`], [`Error::InvalidArgument`], [`Error::NotSupported`], [`Error::ShuttingDown`],
    /// [`Error::WouldDeadlock`] (waiting for room on a thread of this engine), [`Error::OutOfMemory`].
    pub fn submit(&self, submission: &Submission<'_>) -> Result<TaskId> {
        accept_one(&self.inner, submission)
            .inspect_err(|error| self.refused(submission.task_name, submission.queue, 1, error))
    }

    /// Hands many tasks over, all or none, in one step. They are ready in the order of the slice. `when_full` and `durability`
    /// must be the same in all.
    ///
    /// # Errors
    /// As [`Engine::submit`]; more than a queue can ever hold is [`Error::QueueFull`] at once.
    pub fn submit_many(&self, submissions: &[Submission<'_>]) -> Result<Vec<TaskId>> {
        let Some(first) = submissions.first() else {
            return Ok(Vec::new());
        };
        accept_many(&self.inner, submissions)
            .inspect_err(|error| self.refused(first.task_name, first.queue, submissions.len(), error))
    }

    /// Notes a submit that was refused before or by the engine.
    pub(crate) fn refused(&self, task_name: &str, queue: Option<&str>, count: usize, error: &Error) {
        let mut intake = self.inner.intake.0.lock();
        let index = intake.target(task_name, queue).ok().map(|(_, index)| index);
        let counter = match index {
            Some(index) => &mut intake.entrances[index].refused,
            None => &mut intake.refused_elsewhere,
        };
        *counter = counter.saturating_add(count as u64);
        let seen = &self.inner.observation;
        if seen.wants(EventKind::Refused) {
            let queue = index.map_or_else(|| "".into(), |index| intake.entrances[index].queue.name.clone());
            // A name out of bounds is not repeated in events: it may be anything, of any size.
            let name = if crate::task::TaskName::new(task_name).is_ok() { task_name } else { "" };
            let event = Event::other(EventKind::Refused, name.into(), queue, error.to_string().into());
            seen.event(Event { count: count as u64, code: error.code(), ..event });
        }
    }
}

fn accept_one(inner: &Inner, submission: &Submission<'_>) -> Result<TaskId> {
    submission.check()?;
    inner.check_durability(submission)?;
    let bytes = submission.bytes();
    let mut intake = inner.intake.0.lock();
    intake.check_open()?;
    let (registration, queue) = target(&mut intake, submission)?;
    if !intake.entrances[queue].has_room(1, bytes) {
        let part = [Part { queue, tasks: 1, bytes }];
        intake = make_room(inner, intake, &part, submission.when_full)?;
    }
    let id = intake.next_id(&inner.store.table, 0)?;
    let (chunk, entrance) = intake.chunk_and_entrance(queue);
    entrance
        .add(&inner.pool, submission.priority, id, sys::coarse_millis(), &data_of(submission))
        .inspect_err(|_| entrance.roll_back())?;
    inner.make_known(chunk, id, registration, queue, submission);
    entrance.commit(submission.priority, 1, bytes);
    intake.advance(1);
    drop(intake);
    inner.queues.get(queue).parking.work_added();
    Ok(id)
}

fn accept_many(inner: &Inner, submissions: &[Submission<'_>]) -> Result<Vec<TaskId>> {
    let first = &submissions[0];
    let count = submissions.len();
    let (mut plan, mut ids) = (Vec::new(), Vec::new());
    plan.try_reserve_exact(count)
        .and_then(|()| ids.try_reserve_exact(count))
        .map_err(|_| Error::OutOfMemory { bytes: count * size_of::<(usize, usize, Arc<Chunk>)>() })?;
    for (index, submission) in submissions.iter().enumerate() {
        submission.check()?;
        inner.check_durability(submission)?;
        if (submission.when_full, submission.durability) != (first.when_full, first.durability) {
            return Err(Error::InvalidArgument(format!(
                "submission {index} of a batch says another when_full or durability than the first; they are those of the batch"
            )));
        }
    }
    let mut intake = inner.intake.0.lock();
    intake.check_open()?;
    let mut parts: Vec<Part> = Vec::new();
    for submission in submissions {
        let (registration, queue) = target(&mut intake, submission)?;
        let bytes = submission.bytes();
        match parts.iter_mut().find(|part| part.queue == queue) {
            Some(part) => {
                part.tasks += 1;
                part.bytes += bytes;
            }
            None => parts.push(Part { queue, tasks: 1, bytes }),
        }
        plan.push((registration, queue));
    }
    let mut intake = make_room(inner, intake, &parts, first.when_full)?;
    let now_ms = sys::coarse_millis();
    let mut chunks: Vec<Arc<Chunk>> = Vec::new();
    for (index, (submission, &(_, queue))) in submissions.iter().zip(&plan).enumerate() {
        let added = intake.next_id(&inner.store.table, index).and_then(|id| {
            let (chunk, entrance) = intake.chunk_and_entrance(queue);
            entrance.add(&inner.pool, submission.priority, id, now_ms, &data_of(submission))?;
            if !chunks.last().is_some_and(|last| Arc::ptr_eq(last, chunk)) {
                chunks.push(chunk.clone());
            }
            ids.push(id);
            Ok(())
        });
        if let Err(error) = added {
            intake.entrances.iter_mut().for_each(|entrance| entrance.roll_back());
            return Err(error);
        }
    }
    // From here on nothing fails: all become known, then visible.
    let mut chunks = chunks.iter().peekable();
    for ((submission, &(registration, queue)), &id) in submissions.iter().zip(&plan).zip(&ids) {
        while chunks.peek().is_some_and(|chunk| !chunk.has(id)) {
            chunks.next();
        }
        let chunk = chunks.peek().expect("every id has its chunk");
        inner.make_known(chunk, id, registration, queue, submission);
    }
    for (submission, &(_, queue)) in submissions.iter().zip(&plan) {
        intake.entrances[queue].commit(submission.priority, 1, submission.bytes());
    }
    intake.advance(count);
    drop(intake);
    for part in &parts {
        inner.queues.get(part.queue).parking.work_added();
    }
    Ok(ids)
}

/// The number of a submission's task name and the queue it goes to.
fn target(intake: &mut Intake, submission: &Submission<'_>) -> Result<(usize, usize)> {
    intake.target(submission.task_name, submission.queue).map_err(|error| match error {
        Error::NoHandler(_) => submission.check_unknown_name().err().unwrap_or(error),
        error => error,
    })
}

fn data_of<'a>(submission: &'a Submission<'a>) -> Data<'a> {
    Data {
        payload: submission.payload,
        user_context: submission.user_context,
        headers: Headers::Pairs(&submission.headers),
    }
}

impl Inner {
    fn check_durability(&self, submission: &Submission<'_>) -> Result<()> {
        self.store_kind.check_durability(submission.durability.or(self.durability))
    }

    /// Writes a task into the table, and tells of it before anybody can run it.
    fn make_known(&self, chunk: &Chunk, id: TaskId, registration: usize, queue: usize, submission: &Submission<'_>) {
        let word = Word::ready(queue, registration, submission.priority, submission.payload_format);
        let entry = chunk.entry(id);
        // At most 4 MiB and some: Submission::check.
        entry.init(word, sys::coarse_unix_micros(), submission.bytes() as u32);
        if self.observation.wants(EventKind::Accepted) {
            if let Some(status) = self.plain_status(id, entry, word) {
                self.observation.event(Event::of(EventKind::Accepted, &status));
            }
        }
    }

    /// Tells those who wait for room in a queue. Not with the intake's lock held.
    pub(crate) fn tell_of_room(&self, queue: &Queue) {
        if queue.waiting_for_room.load(Ordering::SeqCst) > 0 {
            // The lock, so that nobody is between its look and its wait.
            drop(self.intake.0.lock());
            queue.room.notify_all();
        }
    }

    /// Ready tasks of a queue. Not with the intake's lock held.
    pub(crate) fn ready_in(&self, queue: &Queue) -> u64 {
        self.intake.0.lock().entrances[queue.index].ready().0
    }
}

/// What a submit asks of one queue.
struct Part {
    queue: usize,
    tasks: u64,
    bytes: u64,
}

/// Finds room for all, by the answer that was chosen to a full queue. Room once found stays, since the lock is kept.
fn make_room<'a>(
    inner: &'a Inner,
    mut intake: MutexGuard<'a, Intake>,
    parts: &[Part],
    when_full: Option<WhenFull>,
) -> Result<MutexGuard<'a, Intake>> {
    let mut deadline: Option<Option<Instant>> = None;
    loop {
        // Nothing is dropped before it is sure that all will fit: refusals first, then waits, then drops.
        let mut wait_for = None;
        for part in parts {
            let entrance = &mut intake.entrances[part.queue];
            if entrance.has_room(part.tasks, part.bytes) {
                continue;
            }
            if !entrance.could_hold(part.tasks, part.bytes) {
                return Err(entrance.full());
            }
            match when_full.unwrap_or(entrance.options.when_full) {
                WhenFull::Refuse => return Err(entrance.full()),
                WhenFull::Wait(limit) => wait_for = Some((part, limit)),
                WhenFull::DropOldest => {}
            }
        }
        let Some((part, limit)) = wait_for else { break };
        if sys::is_thread_of(inner.number) {
            return Err(Error::WouldDeadlock {
                operation: "waiting for room in a full queue",
                instead: "submit with 'refuse' or 'drop oldest' from inside a run, or from a thread of your own",
            });
        }
        let deadline = *deadline.get_or_insert_with(|| deadline_after(limit));
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(intake.entrances[part.queue].full());
        }
        let queue = inner.queues.get(part.queue);
        // Counted first, then looked once more: a worker counts first and then looks for waiters.
        queue.waiting_for_room.fetch_add(1, Ordering::SeqCst);
        if !intake.entrances[part.queue].has_room(part.tasks, part.bytes) {
            (intake, _) = queue.room.wait_until(intake, deadline);
        }
        queue.waiting_for_room.fetch_sub(1, Ordering::SeqCst);
        intake.check_open()?;
        inner.check_sound()?;
    }
    for part in parts {
        while !intake.entrances[part.queue].has_room(part.tasks, part.bytes) {
            if !inner.drop_oldest(inner.queues.get(part.queue)) {
                // What is ready and cannot be dropped is between its worker's taking and starting it: room in a moment, and
                // that worker needs no lock that is held here.
                std::thread::yield_now();
            }
        }
    }
    Ok(intake)
}
