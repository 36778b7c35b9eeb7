//! What is to be true of tasks, as simple as it can be said: no threads, no locks, one map. `history.rs` holds an engine to it.

mod crash;
mod shutdown;

use crate::mutation::Mutation;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Scheduled,
    Ready,
    Running,
    Pending,
    Succeeded,
    Dead,
    Cancelled,
}

impl Phase {
    pub fn is_final(self) -> bool {
        matches!(self, Phase::Succeeded | Phase::Dead | Phase::Cancelled)
    }
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    Failed,
    RetryAfter(u64),
    Fatal,
    Cancelled,
    Pending,
}

/// Attempts in all, and the delay between two.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub attempts: u32,
    pub delay_ms: u64,
}

/// When a scheduled task is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    At(u64),
    AtWall(u64),
    /// When the thread of its last run is back, and so much later.
    AfterThread(u64),
}

/// When a durable store has a task run that waits for its time, by a clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredDue {
    /// What was reckoned from a delay.
    Elapsed(u64),
    Wall(u64),
}

#[derive(Clone, Debug)]
pub struct Task {
    pub phase: Phase,
    /// The lease of its last run.
    pub lease: i64,
    pub uncounted: i64,
    pub policy: Option<Policy>,
    pub limit_ms: Option<u64>,
    pub due: Option<Due>,
    /// Its run was asked to stop.
    pub asked: bool,
    /// By somebody, or by its time limit, who say why; a shutdown does not.
    pub reason: bool,
    /// By its time limit alone.
    pub alone: bool,
    pub limit_at: Option<u64>,
    pub grace_at: Option<u64>,
    pub settled_early: Option<End>,
    /// A thread is in a run of it that was given up.
    pub thread: bool,
    /// The thread that is in a run of it has a replacement.
    pub stalled: bool,
    /// The thread of its run came back when the engine was closed, and nothing was recorded.
    pub came_late: bool,
    /// Until its next run ends or is lost. That its time has come is not written.
    pub stored_due: Option<StoredDue>,
    /// Processes that were killed while it ran.
    pub crashes: u32,
    /// It ran when a process was killed, and no run of it has come to an end since: none like it runs beside it.
    pub suspect: bool,
}

impl Task {
    pub fn attempt(&self) -> i64 {
        self.lease - self.uncounted
    }

    /// Whether its status may say this. Of one that stands in line in the store it says what is written.
    pub fn is_told_as(&self, phase: Phase) -> bool {
        let is_in_store = self.suspect && self.phase == Phase::Ready && self.stored_due.is_some();
        phase == self.phase || is_in_store && phase == Phase::Scheduled
    }

    /// A thread is in a run of it.
    pub fn has_thread(&self) -> bool {
        self.phase == Phase::Running && !self.came_late || self.thread
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub accepted: u64,
    pub refused: u64,
    pub started: u64,
    pub succeeded: u64,
    pub runs_failed: u64,
    pub retried: u64,
    pub dead: u64,
    pub cancelled: u64,
    pub stale_settles: u64,
    pub stalls: u64,
    pub interrupted: u64,
    pub abandoned: u64,
}

/// How far the engine's life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Open,
    Draining,
    Cancelling,
    Closed,
}

pub struct World {
    pub mutation: Mutation,
    pub stage: Stage,
    pub tasks: BTreeMap<i64, Task>,
    pub counts: Counts,
    pub now_ms: u64,
    pub wall_ms: u64,
    pub paused: bool,
    pub workers: usize,
    pub last_id: i64,
    /// Every id that was given out.
    pub given: Vec<i64>,
    /// Queued tasks that shutdowns have cancelled.
    pub lost: u64,
    /// Replacements that stayed, by mistake.
    surplus: usize,
}

pub const GRACE_MS: u64 = 50;

/// When a run stalls: longer than all other steps of a history together, so that none does but in a step of its own.
pub const STALL_MS: u64 = 1_000_000;

pub const MAX_WORKERS: u32 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    Queued,
    Running,
    AlreadyFinal,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Ok,
    StaleLease,
    NotFound,
    Invalid,
    ShuttingDown,
}

impl World {
    pub fn new(mutation: Mutation, workers: usize, wall_ms: u64) -> Self {
        Self {
            mutation,
            stage: Stage::Open,
            tasks: BTreeMap::new(),
            counts: Counts::default(),
            now_ms: 0,
            wall_ms,
            paused: false,
            workers,
            last_id: 0,
            given: Vec::new(),
            lost: 0,
            surplus: 0,
        }
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    pub fn count(&self, phase: Phase) -> usize {
        self.tasks.values().filter(|task| task.phase == phase).count()
    }

    /// Threads that are in a run.
    pub fn busy(&self) -> usize {
        self.tasks.values().filter(|task| task.has_thread()).count()
    }

    pub fn stalled(&self) -> usize {
        self.tasks.values().filter(|task| task.stalled).count()
    }

    /// How many workers there are, as far as there is work for them.
    fn crew(&self) -> usize {
        self.workers + self.surplus + if self.is(Mutation::StallNotReplaced) { 0 } else { self.stalled() }
    }

    fn lets_none_in(&self) -> bool {
        self.stage >= Stage::Cancelling || self.paused && !self.is(Mutation::PauseIgnored)
    }

    /// How many runs must begin before nothing more happens by itself.
    pub fn to_start(&self) -> usize {
        if self.lets_none_in() {
            return 0;
        }
        self.startable().min(self.crew().saturating_sub(self.busy()))
    }

    /// How many are scheduled, ready, running, pending and stalled now.
    pub fn now(&self) -> [u64; 5] {
        let is_closed = self.stage == Stage::Closed;
        let running = self.tasks.values().filter(|task| task.phase == Phase::Running && !task.came_late).count();
        // What is pending when an engine closes has nobody who could end it.
        let pending = if is_closed { 0 } else { self.count(Phase::Pending) };
        let (scheduled, ready) = (self.count(Phase::Scheduled), self.count(Phase::Ready));
        [scheduled, ready, running, pending, self.stalled()].map(|count| count as u64)
    }

    pub fn submit(&mut self, due: Option<Due>, policy: Option<Policy>, limit_ms: Option<u64>) -> Result<i64, Answer> {
        if self.stage > Stage::Open && !self.is(Mutation::DrainTakesWork) {
            self.counts.refused += 1;
            return Err(Answer::ShuttingDown);
        }
        self.last_id += 1;
        self.counts.accepted += 1;
        let late = u64::from(self.is(Mutation::LateTask));
        let due = due.map(|due| match due {
            Due::At(at) => Due::At(at + late),
            other => other,
        });
        let task = Task {
            phase: if due.is_some() { Phase::Scheduled } else { Phase::Ready },
            lease: 0,
            uncounted: 0,
            policy,
            limit_ms,
            due,
            asked: false,
            reason: false,
            alone: false,
            limit_at: None,
            grace_at: None,
            settled_early: None,
            thread: false,
            stalled: false,
            came_late: false,
            stored_due: due.and_then(|due| self.stored(due)),
            crashes: 0,
            suspect: false,
        };
        self.given.push(self.last_id);
        self.tasks.insert(self.last_id, task);
        self.come_due();
        Ok(self.last_id)
    }

    /// The engine says that it began a run. What is wrong with that, if anything.
    pub fn started(&mut self, id: i64, lease: i64, attempt: i64) -> Result<(), String> {
        if self.lets_none_in() {
            return Err(format!("task {id} began in a paused queue, or in an engine that is {:?}", self.stage));
        }
        if self.busy() >= self.crew() {
            return Err(format!("task {id} began though all {} workers had a run", self.crew()));
        }
        let now_ms = self.now_ms;
        let suspect_runs = self.suspect_runs();
        let task = self.tasks.get_mut(&id).ok_or_else(|| format!("task {id} began and is not known"))?;
        if task.suspect && suspect_runs {
            return Err(format!("task {id} began, and another one runs that ran when a process was killed"));
        }
        if task.phase != Phase::Ready || task.thread {
            return Err(format!("task {id} began while it was {:?}, thread {}", task.phase, task.thread));
        }
        task.lease += 1;
        if (task.lease, task.attempt()) != (lease, attempt) {
            return Err(format!(
                "task {id} began with lease {lease}, attempt {attempt}; due were {} and {}",
                task.lease,
                task.attempt()
            ));
        }
        task.phase = Phase::Running;
        (task.asked, task.reason, task.alone, task.grace_at) = (false, false, false, None);
        task.limit_at = task.limit_ms.map(|limit_ms| now_ms + limit_ms);
        self.counts.started += 1;
        Ok(())
    }

    /// A thread comes back from its run.
    pub fn returned(&mut self, id: i64, end: End) {
        let now_ms = self.now_ms;
        let is_closed = self.stage == Stage::Closed && !self.is(Mutation::ClosedRecords);
        let stays = self.is(Mutation::ReplacementStays);
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if std::mem::take(&mut task.stalled) && stays {
            self.surplus += 1;
        }
        if is_closed {
            self.counts.stale_settles += 1;
            (task.thread, task.came_late) = (false, true);
            return;
        }
        if task.thread {
            task.thread = false;
            self.counts.stale_settles += 1;
            if let (Phase::Scheduled, Some(Due::AfterThread(delay_ms))) = (task.phase, task.due) {
                task.due = Some(Due::At(now_ms + delay_ms));
            }
            return;
        }
        let end = task.settled_early.take().unwrap_or(end);
        if end == End::Pending {
            (task.phase, task.stored_due) = (Phase::Pending, None);
            return;
        }
        self.end(id, end, false);
    }

    /// A run ends as it says. `given_up`: its thread is still in it.
    fn end(&mut self, id: i64, end: End, given_up: bool) {
        let (now_ms, wall_ms) = (self.now_ms, self.wall_ms);
        let mutation = self.mutation;
        let stopping = self.stage == Stage::Cancelling;
        let Some(task) = self.tasks.get_mut(&id) else { return };
        (task.limit_at, task.grace_at) = (None, None);
        (task.stored_due, task.suspect) = (None, false);
        task.thread = given_up;
        let (asked, reason, alone) = (task.asked, task.reason, task.alone);
        let by_shutdown = asked && (!reason || mutation == Mutation::ShutdownBeforeCaller && !alone && stopping);
        let end = match end {
            End::Cancelled if alone && mutation != Mutation::LimitIsCancel => End::Failed,
            end => end,
        };
        let finish = |task: &mut Task, phase| {
            task.phase = phase;
            task.due = None;
        };
        match end {
            End::Done => {
                finish(task, Phase::Succeeded);
                self.counts.succeeded += 1;
            }
            End::Cancelled => {
                if by_shutdown {
                    // Interrupted, which is no attempt; then cancelled, since there is nowhere to keep it.
                    self.counts.interrupted += 1;
                    task.uncounted += i64::from(mutation != Mutation::InterruptedCounts);
                }
                finish(task, Phase::Cancelled);
                self.counts.cancelled += 1;
            }
            End::Failed | End::RetryAfter(_) | End::Fatal => {
                self.counts.runs_failed += 1;
                let extra = i64::from(mutation == Mutation::OneAttemptMore);
                let more = task.policy.is_none_or(|policy| task.attempt() < i64::from(policy.attempts) + extra);
                let delay_ms = match (end, task.policy) {
                    (End::RetryAfter(delay_ms), _) => Some(delay_ms).filter(|_| more),
                    (End::Failed, Some(policy)) => {
                        let early = u64::from(mutation == Mutation::EarlyRetry);
                        Some(policy.delay_ms - early).filter(|_| more)
                    }
                    _ => None,
                };
                let heeds = asked && reason && !alone && mutation != Mutation::CancelForgotten;
                match delay_ms.filter(|_| !heeds) {
                    Some(delay_ms) => {
                        task.phase = Phase::Scheduled;
                        let waits = given_up && mutation != Mutation::RetryBesideThread;
                        task.stored_due = Some(StoredDue::Elapsed(wall_ms + delay_ms));
                        task.due = Some(if waits { Due::AfterThread(delay_ms) } else { Due::At(now_ms + delay_ms) });
                        self.counts.retried += 1;
                    }
                    None => {
                        finish(task, Phase::Dead);
                        self.counts.dead += 1;
                    }
                }
            }
            End::Pending => unreachable!("the caller takes it apart"),
        }
    }

    pub fn cancel(&mut self, id: i64) -> Cancelled {
        let Some(task) = self.tasks.get_mut(&id) else { return Cancelled::Unknown };
        match task.phase {
            Phase::Scheduled | Phase::Ready => {
                task.phase = Phase::Cancelled;
                (task.due, task.stored_due, task.suspect) = (None, None, false);
                self.counts.cancelled += 1;
                Cancelled::Queued
            }
            Phase::Running | Phase::Pending => {
                (task.asked, task.reason, task.alone) = (true, true, false);
                Cancelled::Running
            }
            _ => Cancelled::AlreadyFinal,
        }
    }

    pub fn settle(&mut self, id: i64, lease: i64, end: End) -> Answer {
        let old_counts = self.is(Mutation::OldLeaseCounts);
        let is_closed = self.stage == Stage::Closed;
        let Some(task) = self.tasks.get_mut(&id) else { return Answer::NotFound };
        let counts = !is_closed && (task.lease == lease || old_counts);
        match task.phase {
            Phase::Pending if counts => {
                self.end(id, end, false);
                Answer::Ok
            }
            Phase::Running if counts && task.settled_early.is_none() => {
                task.settled_early = Some(end);
                Answer::Ok
            }
            _ => {
                self.counts.stale_settles += 1;
                Answer::StaleLease
            }
        }
    }

    pub fn replay(&mut self, id: i64) -> Answer {
        if self.stage > Stage::Open {
            return Answer::ShuttingDown;
        }
        let keeps = self.is(Mutation::ReplayKeepsAttempts);
        let Some(task) = self.tasks.get_mut(&id) else { return Answer::NotFound };
        if task.phase != Phase::Dead || task.thread {
            return Answer::Invalid;
        }
        (task.phase, task.crashes) = (Phase::Ready, 0);
        if !keeps {
            task.uncounted = task.lease;
        }
        (task.asked, task.reason, task.alone) = (false, false, false);
        Answer::Ok
    }

    /// Forgets the task with the smallest id after this one that is over. Whether there was one.
    pub fn purge_one_after(&mut self, id: i64) -> bool {
        let found =
            self.tasks.range(id + 1..).find(|(_, task)| task.phase.is_final() && !task.thread).map(|(id, _)| *id);
        found.is_some_and(|id| self.tasks.remove(&id).is_some())
    }

    pub fn advance(&mut self, by_ms: u64) {
        self.now_ms += by_ms;
        self.wall_ms += by_ms;
        self.limits();
        self.come_due();
    }

    /// Whether a run that lasts is noticed now: something waits for a worker, and there may be more of them.
    pub fn can_stall(&self) -> bool {
        self.stage <= Stage::Draining
            && !self.paused
            // What stands in line in the store does not wait for a worker.
            && self.count(Phase::Ready) > self.ready_suspects()
            && 2 * self.busy() < MAX_WORKERS as usize
    }

    /// The watchdog has looked, and every run has lasted for too long.
    pub fn stall(&mut self) {
        let again = self.is(Mutation::StallToldAgain);
        for task in self.tasks.values_mut().filter(|task| task.has_thread()) {
            self.counts.stalls += u64::from(!task.stalled || again);
            task.stalled = true;
        }
    }

    pub fn jump(&mut self, by_ms: i64) {
        if !self.is(Mutation::WallIgnored) {
            self.wall_ms = self.wall_ms.saturating_add_signed(by_ms);
        }
        self.come_due();
    }

    fn limits(&mut self) {
        let now_ms = self.now_ms;
        let mut given_up = VecDeque::new();
        for (id, task) in &mut self.tasks {
            if !matches!(task.phase, Phase::Running | Phase::Pending) {
                continue;
            }
            if task.grace_at.is_some_and(|at| at <= now_ms) {
                given_up.push_back((*id, task.phase == Phase::Running));
            } else if task.limit_at.is_some_and(|at| at <= now_ms) {
                task.limit_at = None;
                if !task.asked && !task.reason {
                    (task.reason, task.alone) = (true, true);
                }
                task.asked = true;
                task.grace_at = Some(now_ms + GRACE_MS);
            }
        }
        for (id, has_thread) in given_up {
            // What a settle said first counts, though the thread does not come back.
            let early = self.tasks.get_mut(&id).and_then(|task| task.settled_early.take());
            self.end(id, early.unwrap_or(End::Failed), has_thread);
        }
    }

    fn come_due(&mut self) {
        if self.stage >= Stage::Cancelling {
            // It waits for the shutdown, which cancels it.
            return;
        }
        let (now_ms, wall_ms) = (self.now_ms, self.wall_ms);
        for task in self.tasks.values_mut().filter(|task| task.phase == Phase::Scheduled) {
            let comes = match task.due {
                Some(Due::At(at)) => at <= now_ms,
                Some(Due::AtWall(at)) => at <= wall_ms,
                _ => false,
            };
            if comes {
                task.phase = Phase::Ready;
                task.due = None;
            }
        }
    }
}
