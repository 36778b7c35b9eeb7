//! What a shutdown does to the tasks of the model.

use super::{Phase, Stage, Task, World};
use crate::mutation::Mutation;

impl World {
    fn cancel_all(&mut self, which: impl Fn(&Task) -> bool) {
        let queued = |task: &&mut Task| matches!(task.phase, Phase::Ready | Phase::Scheduled);
        for task in self.tasks.values_mut().filter(queued).filter(|task| which(task)) {
            (task.phase, task.due) = (Phase::Cancelled, None);
            self.counts.cancelled += 1;
            self.lost += 1;
        }
    }

    pub fn drain(&mut self) {
        self.stage = Stage::Draining;
        if self.is(Mutation::DrainLeavesReady) {
            self.cancel_all(|task| task.phase == Phase::Ready);
        }
    }

    /// Nothing more starts, and what runs is asked to stop, without a reason.
    pub fn cancel_everything(&mut self) {
        self.stage = Stage::Cancelling;
        let outlives = self.is(Mutation::ScheduledOutlivesCancel);
        self.cancel_all(|task| task.phase == Phase::Ready || !outlives);
        for task in self.tasks.values_mut() {
            task.asked |= matches!(task.phase, Phase::Running | Phase::Pending);
        }
    }

    /// Whether a shutdown that lasts has nothing more to wait for.
    pub fn is_over(&self) -> bool {
        // What a paused queue holds does not run, and is not waited for.
        let waits = self.stage == Stage::Draining && !self.paused && self.count(Phase::Ready) > 0;
        !waits && self.count(Phase::Pending) == 0 && self.busy() == 0
    }

    /// A shutdown has nothing more to wait for: what is queued still is lost.
    pub fn close(&mut self) {
        self.cancel_all(|_| true);
        self.stage = Stage::Closed;
    }

    /// The time for a shutdown is up. Which tasks it leaves running.
    pub fn close_out_of_time(&mut self) -> Vec<i64> {
        self.cancel_everything();
        let left = self.left();
        self.counts.abandoned += left.len() as u64;
        self.close();
        left
    }

    /// Tasks that somebody who waits for the end still waits for.
    pub fn left(&self) -> Vec<i64> {
        let names_all = !self.is(Mutation::GivenUpNotNamed);
        // What was pending when the engine was closed has no thread that could come back.
        let pending = |task: &Task| task.phase == Phase::Pending && self.stage < Stage::Closed;
        let is_left = |task: &Task| (task.has_thread() && (names_all || !task.thread)) || pending(task);
        self.tasks.iter().filter(|(_, task)| is_left(task)).map(|(id, _)| *id).collect()
    }
}
