//! How tasks come in: into the store first, and into memory when they are safe there.

use crate::alloc;
use crate::engine::control::Time;
use crate::engine::intake::{Intake, Phase};
use crate::engine::journal::ends::millis;
use crate::engine::journal::Journal;
use crate::engine::outcomes::bytes_of;
use crate::engine::poison::{point, Place};
use crate::engine::submit::{wait_for_room, Named, Part, Work};
use crate::engine::wait::{Filler, WaitSlot};
use crate::engine::Inner;
use crate::error::Result;
use crate::queue::log::{Data, Headers, Record};
use crate::store::durable::{Answer, Change, RunAt, StoredTask};
use crate::store::table::Word;
use crate::sync::{Arc, MutexGuard, Ordering};
use crate::task::{State, TaskId};
use std::time::Duration;

/// How a task comes into memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Coming {
    /// It was accepted just now: nobody knows it.
    New,
    /// It was accepted by this engine, and was in the store only.
    Late,
    /// It was counted as accepted before, by an earlier process or before it was dead.
    Again,
}

/// Where a task goes.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) registration: usize,
    pub(super) queue: usize,
}

/// Accepts tasks of any kind in one step, and waits until they are safe. Returns the first id; the others follow it.
#[cold]
pub(crate) fn accept_and_wait(inner: &Arc<Inner>, journal: &Journal, works: &[Work<'_>]) -> Result<TaskId> {
    Journal::check_may_wait()?;
    let slot = Arc::try_new(WaitSlot::new())?;
    let filled = Filler::new(slot.clone());
    accept(inner, journal, works, true, move |said| filled.fill(said))?;
    slot.wait_for_ever()
}

/// Accepts tasks of any kind in one step. `submitted` hears of it on a thread of the engine's, if and only if this is no error.
/// `is_awaited`: the caller hears it, and notes a refusal.
pub(crate) fn accept(
    inner: &Arc<Inner>,
    journal: &Journal,
    works: &[Work<'_>],
    is_awaited: bool,
    submitted: impl FnOnce(Result<TaskId>) + Send + 'static,
) -> Result<()> {
    let Some(first_work) = works.first() else { return Ok(()) };
    let durability = first_work.durability.unwrap_or(journal.durability);
    let mut changes = alloc::list(works.len())?;
    for work in works {
        changes.push(Change::Accept(alloc::boxed(stored(inner, work)?)?));
    }
    let mut targets: Vec<Target> = alloc::list(works.len())?;
    let mut parts: Vec<Part> = Vec::new();
    let (mut intake, first) = loop {
        // Not with the intake's lock held: the store's thread, which gives ids out, takes that lock.
        journal.ids.ensure(&*journal.store, works.len())?;
        let mut intake = inner.intake.0.lock();
        intake.check_open()?;
        targets.clear();
        parts.clear();
        for (work, change) in works.iter().zip(&mut changes) {
            let (registration, queue) = intake.target(work.task, work.queue)?;
            targets.push(Target { registration, queue });
            if let Change::Accept(task) = change {
                task.task_name = intake.name_numbered(registration);
                task.queue = intake.entrances[queue].queue.name.clone();
            }
            Part::count(&mut parts, queue, work)?;
        }
        let intake = wait_for_room(inner, intake, &parts, first_work.when_full)?;
        // Others may have taken them meanwhile.
        if let Some(first) = journal.ids.take(works.len()) {
            break (intake, first);
        }
    };
    let now_us = intake.clock.now().unix_us;
    for (change, id) in changes.iter_mut().zip(first.value()..) {
        if let Change::Accept(task) = change {
            (task.id, task.submitted_us) = (TaskId::counted(id), now_us);
        }
    }
    let mut promised = alloc::list(parts.len())?;
    promised.extend_from_slice(&parts);
    let told = move |inner: &Arc<Inner>, changes: Vec<Change>, done: Result<Vec<Answer>>| {
        // Whatever happens in it, who waits is told.
        let is_sound = inner.survives(|| {
            point(Place::Stored);
            if let Some(journal) = &inner.journal {
                take_in(inner, journal, &changes, &targets, &parts, done.is_ok());
                // What was promised may have kept something outside, or what is outside may have been promised room that is free again.
                journal.look_for_room(true);
            }
            if let (false, Err(error), Some(Change::Accept(task))) = (is_awaited, &done, changes.first()) {
                inner.refused(Named::Name(&task.task_name), Some(&task.queue), changes.len(), error);
            }
        });
        let said = if is_sound { done.map(drop) } else { inner.check_sound() };
        submitted(said.map(|()| first));
    };
    let batch = journal.batch(inner.clone(), changes, durability, told)?;
    for part in &promised {
        intake.entrances[part.queue].promise(part.tasks, part.bytes);
    }
    drop(intake);
    // Without the lock: a store that has ended answers at once, on this thread.
    journal.hand_over(batch);
    Ok(())
}

/// A task as the store has it, but for what is known with the intake's lock only.
fn stored(inner: &Inner, work: &Work<'_>) -> Result<StoredTask> {
    let own = work.own.as_ref();
    let run_at = own.and_then(|own| own.time).map(|time| match time {
        Time::At(at_ms) => RunAt::Wall(i64::try_from(at_ms).unwrap_or(i64::MAX)),
        Time::After(delay) => {
            let unix_ms = inner.control.open().clock.unix_ms().saturating_add(millis(delay));
            RunAt::Elapsed(i64::try_from(unix_ms).unwrap_or(i64::MAX))
        }
    });
    Ok(StoredTask {
        id: TaskId::counted(1),
        state: if run_at.is_some() { State::Scheduled } else { State::Ready },
        task_name: Default::default(),
        queue: Default::default(),
        priority: work.priority,
        payload_format: work.format,
        claims: 0,
        uncounted: 0,
        crashes: 0,
        submitted_us: 0,
        finished_us: 0,
        run_at,
        retry: own.and_then(|own| own.retry),
        time_limit: own.and_then(|own| own.time_limit),
        payload: alloc::copy(work.data.payload)?,
        user_context: work.data.user_context.map(alloc::copy).transpose()?,
        headers: work.data.copy_headers()?,
        failure: None,
        reason: None,
        result: None,
        result_until_us: None,
        key_id: None,
        unreadable: None,
    })
}

fn data_of(task: &StoredTask) -> Data<'_> {
    Data {
        payload: &task.payload,
        user_context: task.user_context.as_deref(),
        headers: Headers::Encoded(&task.headers),
    }
}

/// What a task takes of its queue's capacity.
pub(super) fn bytes_of_stored(task: &StoredTask) -> u32 {
    bytes_of(&Record::of(&data_of(task)))
}

/// The store has tasks, or has refused them: they come into memory, or their place in the queue is free again.
fn take_in(inner: &Inner, journal: &Journal, changes: &[Change], targets: &[Target], parts: &[Part], are_safe: bool) {
    let mut intake = inner.intake.0.lock();
    for part in parts {
        intake.entrances[part.queue].keep_promise(part.tasks, part.bytes);
    }
    if !are_safe {
        drop(intake);
        parts.iter().for_each(|part| inner.tell_of_room(inner.queues.get(part.queue)));
        return;
    }
    journal.unfinished.fetch_add(changes.len() as u64, Ordering::SeqCst);
    if intake.phase > Phase::Open {
        // They run after the next start.
        return;
    }
    for (change, target) in changes.iter().zip(targets) {
        let Change::Accept(task) = change else { continue };
        // Where it is not brought in now, it was not in memory.
        if inner.keep_outside(journal, &mut intake.entrances[target.queue], task, Coming::Late) {
            continue;
        }
        if inner.bring_in(&mut intake, task, *target, Coming::New).is_err() {
            journal.leave_out(task.id, Coming::Late);
        }
    }
    inner.let_them_run(intake, parts.iter().map(|part| part.queue));
}

impl Intake {
    /// Where a task of the store goes: its queue may be gone since; then where others of its name go.
    pub(super) fn target_of(&mut self, task: &StoredTask) -> Result<Target> {
        let named = Named::Name(&task.task_name);
        let (registration, queue) = self.target(named, Some(&task.queue)).or_else(|_| self.target(named, None))?;
        Ok(Target { registration, queue })
    }
}

impl Inner {
    /// Lets workers see what was brought in to these queues.
    pub(super) fn let_them_run(&self, mut intake: MutexGuard<'_, Intake>, queues: impl Iterator<Item = usize> + Clone) {
        for queue in queues.clone() {
            intake.entrances[queue].commit_all();
        }
        drop(intake);
        for queue in queues {
            self.work_added(self.queues.get(queue));
        }
    }

    /// Brings a task that the store has into memory. Nobody can take it before the queue's commit. On an error it is only in the store.
    pub(super) fn bring_in(
        &self,
        intake: &mut Intake,
        task: &StoredTask,
        target: Target,
        coming: Coming,
    ) -> Result<()> {
        let Target { registration, queue } = target;
        let id = task.id;
        let data = data_of(task);
        let bytes = bytes_of(&Record::of(&data));
        // Of one that came before, this chunk does not count any more, or never has.
        let is_old = coming == Coming::Again;
        let chunk = if is_old { self.store.table.chunk_for_stored(id)? } else { self.store.table.chunk_for_new(id)? };
        let let_go = || {
            if is_old {
                self.store.table.know_one_less(&chunk);
            }
        };
        let entry = chunk.entry(id);
        let mut word =
            Word::new(task.state, queue, registration, task.priority, task.payload_format).with_claims(task.claims);
        if self.note_stored(task).inspect_err(|_| let_go())? {
            word = word.slow();
        }
        let place = match task.run_at.filter(|_| task.state == State::Scheduled) {
            Some(run_at) => {
                let time = self.time_of(run_at);
                let shelved = self.shelve_new(id, &data, bytes, time).inspect_err(|_| self.take_back(id, None));
                Some(shelved.inspect_err(|_| let_go())?)
            }
            None => {
                let now = intake.clock.now();
                let writer = intake.entrances[queue].writer(&self.pool, task.priority);
                let added = writer.and_then(|writer| writer.add(id, now.millis, &data));
                added.inspect_err(|_| self.take_back(id, None)).inspect_err(|_| let_go())?;
                None
            }
        };
        // From here on nothing fails.
        let shown = place.map_or(bytes, |place| place.number());
        let is_new = coming != Coming::Again;
        if is_new {
            self.make_known(entry, id, word, task.submitted_us, shown);
        } else {
            entry.init(word, task.submitted_us, shown);
        }
        if coming != Coming::New {
            // Somebody may have asked for its end meanwhile (`watch_stored`, `tell_stored_end`).
            if self.extras.lock().tasks.contains_key(&id) {
                let _ = entry.mark_slow(false);
            }
            if let Some(journal) = &self.journal {
                self.answer_in_memory(journal, id, entry);
            }
        }
        let entrance = &mut intake.entrances[queue];
        match place {
            Some(_) => {
                entrance.queue.scheduled.add(1, u64::from(bytes));
                if is_new {
                    entrance.accept_elsewhere();
                }
            }
            None if is_new => entrance.count(u64::from(bytes)),
            None => entrance.come_again(u64::from(bytes)),
        }
        Ok(())
    }

    /// Notes what is known of a task beyond its word. Whether there is anything.
    fn note_stored(&self, task: &StoredTask) -> Result<bool> {
        let is_plain =
            task.retry.is_none() && task.time_limit.is_none() && task.uncounted == 0 && task.failure.is_none();
        if is_plain {
            return Ok(false);
        }
        let mut extras = self.extras.lock();
        let extra = extras.get(task.id)?;
        (extra.retry, extra.time_limit) = (task.retry, task.time_limit);
        (extra.uncounted, extra.failure) = (task.uncounted, task.failure.clone());
        Ok(true)
    }

    fn time_of(&self, run_at: RunAt) -> Time {
        match run_at {
            RunAt::Wall(at_ms) => Time::At(u64::try_from(at_ms).unwrap_or(0)),
            RunAt::Elapsed(at_ms) => {
                let unix_ms = self.control.open().clock.unix_ms();
                let left_ms = u64::try_from(at_ms).unwrap_or(0).saturating_sub(unix_ms);
                Time::After(Duration::from_millis(left_ms))
            }
        }
    }
}
