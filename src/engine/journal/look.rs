//! What is asked of tasks that are in the store and not in memory: those that have ended, and those that wait for their handler.

use crate::alloc::{Ensure, Text};
use crate::engine::event::{Event, EventKind};
use crate::engine::journal::accept::Coming;
use crate::engine::journal::{only, Journal};
use crate::engine::listing::{is_not_dead, thread_is_away, TaskFilter};
use crate::engine::moves::CancelResult;
use crate::engine::submit::room_or_refusal;
use crate::engine::{unknown, Inner};
use crate::error::{Error, Result};
use crate::store::durable::{each, Answer, Change, Move, Page, RunAt, StoredTask, PAGE_BYTES};
use crate::sync::{Arc, Ordering};
use crate::sys;
use crate::task::{Failure, Lease, ResultBytes, State, TaskId, TaskStatus};

/// So many tasks are read at a time.
const PAGE: usize = 512;

/// The type of the failure of a task that the store cannot decrypt.
pub(super) const UNREADABLE: &str = "unreadable";

fn check_readable(task: &StoredTask) -> Result<()> {
    match &task.unreadable {
        Some(why) => Err(Error::Store(Text::say(format_args!("task {} cannot be read: {why}", task.id)))),
        None => Ok(()),
    }
}

fn status_of(task: &StoredTask) -> Result<TaskStatus> {
    let run_at_ms = match task.run_at {
        Some(RunAt::Wall(at) | RunAt::Elapsed(at)) if task.state == State::Scheduled => at,
        _ => 0,
    };
    // What is too old is taken out of the store with one of its next commits.
    let is_kept = task.result_until_us.is_none_or(|until| sys::coarse_unix_micros() < until);
    let result = task.result.as_deref().filter(|_| is_kept);
    // Why there is no result, where it cannot be read.
    let unreadable = task.unreadable.as_deref().filter(|_| task.state == State::Succeeded);
    Ok(TaskStatus {
        id: task.id,
        task_name: task.task_name.clone(),
        queue: task.queue.clone(),
        priority: task.priority,
        state: task.state,
        attempt: task.claims.saturating_sub(task.uncounted),
        lease: Lease::new(i64::from(task.claims)),
        submitted_at_us: task.submitted_us,
        started_at_us: 0,
        finished_at_us: task.finished_us,
        failure: unreadable.map(|why| Failure::new(UNREADABLE, why, "")).or_else(|| task.failure.clone()),
        cancel_requested: task.reason.is_some(),
        cancel_reason: task.reason.clone().unwrap_or_default(),
        run_at_us: run_at_ms.saturating_mul(1000),
        progress: None,
        progress_text: Text::default(),
        result: result.map(ResultBytes::copy).transpose()?,
        stalled_us: 0,
    })
}

impl Inner {
    /// What the store knows of a task that is not in memory; `None` also where it cannot be read.
    pub(crate) fn stored_status(&self, id: TaskId) -> Option<TaskStatus> {
        let journal = self.journal.as_ref()?;
        let task = journal.store.get(id).ok().flatten()?;
        status_of(&task).ok()
    }

    /// What is known of tasks: what the store has, as memory tells it where that knows more.
    pub(crate) fn list_stored(
        &self,
        journal: &Journal,
        filter: &TaskFilter<'_>,
        limit: usize,
    ) -> Result<Vec<TaskStatus>> {
        let mut all = Vec::new();
        self.for_each_stored(journal, filter, |status| {
            all.ensure(1)?;
            all.push(status);
            Ok(all.len() < limit)
        })?;
        all.truncate(limit);
        Ok(all)
    }

    fn for_each_stored(
        &self,
        journal: &Journal,
        filter: &TaskFilter<'_>,
        mut visit: impl FnMut(TaskStatus) -> Result<bool>,
    ) -> Result<()> {
        // A state that is not final may be another one in memory.
        let only_final = !filter.states.is_empty() && filter.states.iter().all(|state| state.is_final());
        let states = if only_final { filter.states } else { &[] };
        let page = Page {
            states,
            task_name: filter.task_name,
            after: filter.after,
            before: None,
            limit: PAGE,
            most_bytes: Some(PAGE_BYTES),
            brief: true,
        };
        let list = |page: &Page<'_>| journal.store.list(page);
        each(page, list, |task| {
            let status = match self.status_in_memory(task.id) {
                Some(status) => status,
                None => status_of(task)?,
            };
            let is_meant = filter.means(status.state, &status.queue, || status.finished_at_us);
            if is_meant {
                visit(status)
            } else {
                Ok(true)
            }
        })
    }

    /// Forgets tasks that have ended. How many.
    pub(crate) fn purge_stored(&self, engine: &Arc<Inner>, journal: &Journal, filter: &TaskFilter<'_>) -> Result<u64> {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let finals = [State::Succeeded, State::Dead, State::Cancelled];
        let wanted = TaskFilter { states: if filter.states.is_empty() { &finals } else { filter.states }, ..*filter };
        let mut changes = Vec::new();
        self.for_each_stored(journal, &wanted, |status| {
            if status.state.is_final() && !self.extras.lock().is_away(status.id) {
                changes.ensure(1)?;
                changes.push(Change::Forget(status.id));
            }
            Ok(changes.len() < limit)
        })?;
        changes.truncate(limit);
        let count = changes.len() as u64;
        if count > 0 {
            journal.apply_and_wait(engine, changes)?;
        }
        Ok(count)
    }

    /// Cancels a task that is in the store only: it waits there for its handler, or for room in memory.
    pub(crate) fn cancel_stored(&self, id: TaskId, reason: Text) -> Result<CancelResult> {
        let Some(journal) = &self.journal else { return Ok(CancelResult::Unknown) };
        // Before the lock: who holds it may wait for the thread that this is.
        Journal::check_may_wait()?;
        let Some(engine) = journal.engine() else { return Err(Error::ShuttingDown) };
        // Held until the store has it: whoever brings the task in looks before or after.
        let reading = journal.reading.lock();
        let Some(mut task) = journal.store.get(id)? else { return Ok(CancelResult::Unknown) };
        if task.state.is_final() {
            return Ok(CancelResult::AlreadyFinal);
        }
        if self.status_in_memory(id).is_some() {
            // It came in meanwhile.
            drop(reading);
            return self.cancel(id, &reason);
        }
        let (claims, uncounted, now_us) = (task.claims, task.uncounted, sys::coarse_unix_micros());
        let to = Move::Cancelled { reason: reason.clone() };
        let cancelled = Change::Move { id, claims, uncounted, now_us, to };
        if journal.apply_and_wait(&engine, only(cancelled)?)?.first() != Some(&Answer::Done) {
            // It has ended meanwhile.
            return Ok(CancelResult::AlreadyFinal);
        }
        drop(reading);
        journal.unfinished.fetch_sub(1, Ordering::SeqCst);
        journal.run_is_over(id);
        if id >= journal.first_new && !journal.was_in_memory(id) {
            self.store.table.skip(id);
        }
        (task.state, task.reason, task.finished_us) = (State::Cancelled, Some(reason), now_us);
        self.has_ended_in_store(journal, &status_of(&task)?);
        Ok(CancelResult::Queued)
    }

    /// Tells of the end of a task that is not in memory: it was cancelled there, or is dead without another run.
    pub(super) fn has_ended_in_store(&self, journal: &Journal, status: &TaskStatus) {
        let is_dead = status.state == State::Dead;
        if let Some(queue) = self.queues.named(&status.queue) {
            let mut seldom = queue.seldom.lock();
            let counter = if is_dead { &mut seldom.dead } else { &mut seldom.cancelled };
            *counter += 1;
        }
        let kind = if is_dead { EventKind::Dead } else { EventKind::Cancelled };
        self.observation.event_if_wanted(kind, || Event { failure: status.failure.clone(), ..Event::of(kind, status) });
        self.answer_end(journal, (status.id, status.lease, status.state), Some(status));
    }

    /// Has a dead task run again.
    pub(crate) fn replay_stored(&self, engine: &Arc<Inner>, journal: &Journal, id: TaskId) -> Result<()> {
        Journal::check_may_wait()?;
        // Until it is in memory, nobody else replays or cancels it.
        let _reading = journal.reading.lock();
        let mut task = journal.store.get(id)?.ok_or_else(|| unknown(id))?;
        if task.state != State::Dead {
            return Err(is_not_dead(id, task.state));
        }
        check_readable(&task)?;
        if self.extras.lock().is_away(id) {
            return Err(thread_is_away(id));
        }
        let mut intake = self.intake.0.lock();
        intake.check_open()?;
        let target = intake.target_of(&task)?;
        room_or_refusal(&mut intake.entrances[target.queue], task.payload.len() as u64)?;
        drop(intake);
        (task.uncounted, task.crashes) = (task.claims, 0);
        let now_us = sys::coarse_unix_micros();
        let ready = Change::Move { id, claims: task.claims, uncounted: task.claims, now_us, to: Move::Ready };
        if journal.apply_and_wait(engine, only(ready)?)?.first() != Some(&Answer::Done) {
            return Err(unknown(id));
        }
        journal.unfinished.fetch_add(1, Ordering::SeqCst);
        (task.state, task.failure) = (State::Ready, None);
        let mut intake = self.intake.0.lock();
        if self.bring_in(&mut intake, &task, target, Coming::Again).is_err() {
            journal.leave_out(id, Coming::Again);
            return Ok(());
        }
        if let Ok(status) = status_of(&task) {
            self.observation.event_if_wanted(EventKind::Replayed, || Event::of(EventKind::Replayed, &status));
        }
        self.let_them_run(intake, std::iter::once(target.queue));
        Ok(())
    }

    /// Why a task that is not in memory cannot be settled.
    pub(crate) fn refuse_of_stored(&self, id: TaskId, lease: Lease) -> Error {
        let Some(status) = self.stored_status(id) else { return unknown(id) };
        if let Some(queue) = self.queues.named(&status.queue) {
            queue.seldom.lock().stale_settles += 1;
        }
        let status = TaskStatus { lease, ..status };
        self.observation.event_if_wanted(EventKind::StaleSettle, || Event::of(EventKind::StaleSettle, &status));
        Error::StaleLease { id: id.value(), lease: lease.value() }
    }

    /// A copy of the payload of a task that waits in the store.
    pub(crate) fn stored_payload(&self, journal: &Journal, id: TaskId) -> Result<Option<Vec<u8>>> {
        let Some(task) = journal.store.get(id)? else { return Ok(None) };
        check_readable(&task)?;
        Ok(Some(task.payload).filter(|payload| !payload.is_empty()))
    }
}
