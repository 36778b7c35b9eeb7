//! What a store should keep, task by task.

use backrun::store::durable::{Answer, Change, Move, StoredTask};
use backrun::{State, Text};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is there after a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    pub tasks: BTreeMap<i64, Arc<StoredTask>>,
    pub paused: BTreeSet<Text>,
}

#[derive(Clone, Default)]
pub struct Model {
    pub kept: Kept,
    /// Those that have ended, the oldest end first.
    ends: Vec<i64>,
    keep_finished: usize,
}

impl Model {
    pub fn new(keep_finished: usize) -> Self {
        Self { keep_finished, ..Self::default() }
    }

    pub fn make(&mut self, change: &Change) -> Answer {
        match change {
            Change::Accept(task) => {
                self.kept.tasks.insert(task.id.value(), Arc::new((**task).clone()));
                Answer::Done
            }
            Change::Move { id, claims, uncounted, now_us, to } => {
                self.move_task(id.value(), (*claims, *uncounted), *now_us, to)
            }
            Change::AskToStop { id, claims, uncounted, reason } => {
                let Some(task) = self.kept.tasks.get_mut(&id.value()) else { return Answer::NotFound };
                let task = Arc::make_mut(task);
                match task.state {
                    State::Ready | State::Scheduled if *claims > task.claims => {
                        (task.state, task.claims, task.uncounted) = (State::Running, *claims, *uncounted);
                        task.run_at = None;
                    }
                    State::Running | State::Pending if *claims == task.claims => {}
                    state => return Answer::Refused(state),
                }
                (task.reason, task.failure) = (Some(reason.clone()), None);
                Answer::Done
            }
            Change::Forget(id) => match self.kept.tasks.get(&id.value()).map(|task| task.state) {
                None => Answer::NotFound,
                Some(State::Succeeded | State::Cancelled | State::Dead) => {
                    self.kept.tasks.remove(&id.value());
                    self.ends.retain(|end| *end != id.value());
                    Answer::Done
                }
                Some(state) => Answer::Refused(state),
            },
            Change::Pause(queue, true) => {
                self.kept.paused.insert(queue.clone());
                Answer::Done
            }
            Change::Pause(queue, false) => {
                self.kept.paused.remove(queue);
                Answer::Done
            }
        }
    }

    fn move_task(&mut self, id: i64, (claims, uncounted): (u32, u32), now_us: i64, to: &Move) -> Answer {
        let Some(task) = self.kept.tasks.get_mut(&id) else { return Answer::NotFound };
        let is_claimed = claims > task.claims && matches!(task.state, State::Ready | State::Scheduled);
        let from = if is_claimed { State::Running } else { task.state };
        if !from.can_move_to(to.to()) || claims < task.claims {
            return Answer::Refused(task.state);
        }
        let task = Arc::make_mut(task);
        if task.state == State::Dead {
            task.crashes = 0;
        }
        (task.state, task.claims, task.uncounted) = (to.to(), claims, uncounted);
        (task.run_at, task.finished_us) = (None, 0);
        if *to != Move::Pending {
            task.reason = None;
        }
        match to {
            Move::Succeeded { .. } | Move::Cancelled { .. } => {
                task.finished_us = now_us;
                task.payload = Vec::new();
                task.headers = Vec::new();
                (task.user_context, task.retry, task.time_limit, task.failure) = (None, None, None, None);
                match to {
                    Move::Succeeded { result, .. } => task.result.clone_from(result),
                    Move::Cancelled { reason } => task.reason = Some(reason.clone()),
                    _ => {}
                }
                self.ends.push(id);
            }
            Move::Dead { failure } => (task.finished_us, task.failure) = (now_us, Some(failure.clone())),
            Move::Scheduled { run_at, failure } => {
                task.run_at = Some(*run_at);
                if failure.is_some() {
                    task.failure.clone_from(failure);
                }
            }
            Move::Ready | Move::Pending => {}
        }
        Answer::Done
    }

    /// The end of a commit: of what has ended the newest are kept.
    pub fn forget_old(&mut self) {
        let old = self.ends.len().saturating_sub(self.keep_finished);
        for id in self.ends.drain(..old) {
            self.kept.tasks.remove(&id);
        }
    }
}

/// What a task is after an end: as it was; or, where it was asked to stop, cancelled, with one more crash if the end was unclean; or, where it was pending, ready, its run no attempt, with one more crash if the end was unclean; or, where it had a
/// claim that the tables did not, ready with that claim, which is no attempt, and with one more crash if that run is said to have crashed.
pub fn is_after_an_end(now: &StoredTask, was: &StoredTask, is_clean: bool, ends: &Ends<'_>) -> bool {
    let mut due = was.clone();
    if let (State::Running | State::Pending, Some(reason)) = (was.state, &was.reason) {
        let mut after = Model::new(1);
        after.kept.tasks.insert(was.id.value(), Arc::new(due));
        let cancelled = Move::Cancelled { reason: reason.clone() };
        after.move_task(was.id.value(), (was.claims, was.uncounted), now.finished_us, &cancelled);
        let mut due = StoredTask::clone(&after.kept.tasks[&was.id.value()]);
        due.crashes += u32::from(!is_clean);
        return *now == due && now.finished_us > 0;
    }
    if was.state == State::Pending {
        due.state = State::Ready;
        due.uncounted += 1;
        due.crashes += u32::from(!is_clean);
    }
    if *now == due {
        return true;
    }
    let id = was.id.value();
    due.state = State::Ready;
    due.run_at = None;
    due.claims = now.claims;
    due.uncounted += now.claims.saturating_sub(was.claims);
    due.crashes += u32::from(!is_clean && ends.crashed.contains(&(id, now.claims)));
    matches!(was.state, State::Ready | State::Scheduled)
        && now.claims > was.claims
        && ends.claims.contains(&(id, now.claims))
        && *now == due
}

/// What is known of the runs at an end.
pub struct Ends<'e> {
    /// Every claim that was noted.
    pub claims: &'e [(i64, u32)],
    /// Those that the store says have crashed, now or at the end before.
    pub crashed: &'e [(i64, u32)],
}
