//! What the next process makes of the tasks of one that was killed.

use super::{Counts, Due, Phase, StoredDue, Task, World};
use crate::mutation::Mutation;

/// At so many crashes a task is dead.
const MAX_CRASHES: u32 = 3;

impl World {
    /// When a store has a task run that is to begin then, as the clocks are now.
    pub fn stored(&self, due: Due) -> Option<StoredDue> {
        match due {
            Due::At(at) => Some(StoredDue::Elapsed(self.wall_ms + at.saturating_sub(self.now_ms))),
            Due::AtWall(at) => Some(StoredDue::Wall(at)),
            Due::AfterThread(_) => None,
        }
    }

    fn is_ready_suspect(task: &&Task) -> bool {
        task.suspect && task.phase == Phase::Ready
    }

    pub fn ready_suspects(&self) -> usize {
        self.tasks.values().filter(Self::is_ready_suspect).count()
    }

    pub fn suspect_runs(&self) -> bool {
        let runs = |task: &Task| task.suspect && matches!(task.phase, Phase::Running | Phase::Pending);
        !self.is(Mutation::SuspectsRunTogether) && self.tasks.values().any(runs)
    }

    /// How many could begin if there were workers for all of them.
    pub fn startable(&self) -> usize {
        let suspects = self.ready_suspects();
        let of_those = match (self.suspect_runs(), self.is(Mutation::SuspectsRunTogether)) {
            (_, true) => suspects,
            (true, false) => 0,
            (false, false) => suspects.min(1),
        };
        self.count(Phase::Ready) - suspects + of_those
    }

    /// The process was killed, and the next one has begun: what its clock on the wall says, and the last id before its first.
    pub fn go_on_after_a_kill(&mut self, wall_ms: u64, last_id: i64) {
        (self.now_ms, self.wall_ms, self.last_id, self.surplus) = (0, wall_ms, last_id, 0);
        self.counts = Counts::default();
        let mutation = self.mutation;
        for task in self.tasks.values_mut() {
            let is_cancelled = task.reason && !task.alone && mutation != Mutation::StopRequestLost;
            (task.asked, task.reason, task.alone) = (false, false, false);
            (task.limit_at, task.grace_at, task.settled_early) = (None, None, None);
            (task.thread, task.stalled) = (false, false);
            match task.phase {
                Phase::Running | Phase::Pending => {
                    // Nobody knows how it would have ended.
                    (task.due, task.stored_due) = (None, None);
                    task.phase = if is_cancelled { Phase::Cancelled } else { Phase::Ready };
                    task.uncounted += i64::from(!is_cancelled && mutation != Mutation::CrashedRunCounts);
                    task.crashes += 1;
                }
                Phase::Scheduled | Phase::Ready => {
                    task.due = task.stored_due.map(|due| match due {
                        StoredDue::Elapsed(at) => Due::At(at.saturating_sub(wall_ms)),
                        StoredDue::Wall(at) => Due::AtWall(at),
                    });
                    task.phase = if task.due.is_some() { Phase::Scheduled } else { Phase::Ready };
                }
                Phase::Succeeded | Phase::Dead | Phase::Cancelled => {}
            }
            task.suspect = !task.phase.is_final() && task.crashes > 0;
            let most = MAX_CRASHES + u32::from(mutation == Mutation::OneCrashMore);
            if task.suspect && task.crashes >= most {
                // It has one lease more, which no run had.
                (task.phase, task.suspect, task.due, task.stored_due) = (Phase::Dead, false, None, None);
                (task.lease, task.uncounted) = (task.lease + 1, task.uncounted + 1);
                self.counts.dead += 1;
            }
        }
        self.come_due();
    }
}
