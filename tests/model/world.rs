//! What is to be true of tasks, as simple as it can be said: no threads, no locks, one map. `main.rs` holds an engine to it.

use std::collections::{BTreeMap, VecDeque};

/// Mistakes that are planted on purpose, to show that a history finds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// None: the model as it is meant.
    None,
    /// One attempt more than the policy says.
    OneAttemptMore,
    /// A retry comes a millisecond early.
    EarlyRetry,
    /// A delayed task comes a millisecond late.
    LateTask,
    /// A cancel does not keep a failed run from being tried again.
    CancelForgotten,
    /// A settle with an old lease counts.
    OldLeaseCounts,
    /// A run that stops at its time limit was cancelled, not failed.
    LimitIsCancel,
    /// A replayed task goes on counting its attempts.
    ReplayKeepsAttempts,
    /// A task whose run was given up is tried again though its thread is not back.
    RetryBesideThread,
    /// A time of day does not follow a clock that is set.
    WallIgnored,
    /// A paused queue goes on.
    PauseIgnored,
}

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

#[derive(Clone, Debug)]
pub struct Task {
    pub phase: Phase,
    /// The lease of its last run.
    pub lease: i64,
    pub uncounted: i64,
    pub policy: Option<Policy>,
    pub limit_ms: Option<u64>,
    pub due: Option<Due>,
    /// Somebody asked its run to stop.
    pub cancel_asked: bool,
    /// Its time limit did, and nobody else.
    pub limit_asked: bool,
    pub limit_at: Option<u64>,
    pub grace_at: Option<u64>,
    pub settled_early: Option<End>,
    /// A thread is in a run of it that was given up.
    pub thread: bool,
}

impl Task {
    pub fn attempt(&self) -> i64 {
        self.lease - self.uncounted
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub accepted: u64,
    pub started: u64,
    pub succeeded: u64,
    pub runs_failed: u64,
    pub retried: u64,
    pub dead: u64,
    pub cancelled: u64,
    pub stale_settles: u64,
}

pub struct World {
    pub mutation: Mutation,
    pub tasks: BTreeMap<i64, Task>,
    pub counts: Counts,
    pub now_ms: u64,
    pub wall_ms: u64,
    pub paused: bool,
    pub workers: usize,
    pub last_id: i64,
}

pub const GRACE_MS: u64 = 50;

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
}

impl World {
    pub fn new(mutation: Mutation, workers: usize, wall_ms: u64) -> Self {
        Self {
            mutation,
            tasks: BTreeMap::new(),
            counts: Counts::default(),
            now_ms: 0,
            wall_ms,
            paused: false,
            workers,
            last_id: 0,
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
        self.tasks.values().filter(|task| task.phase == Phase::Running || task.thread).count()
    }

    /// How many runs must begin before nothing more happens by itself.
    pub fn to_start(&self) -> usize {
        if self.paused && !self.is(Mutation::PauseIgnored) {
            return 0;
        }
        self.count(Phase::Ready).min(self.workers.saturating_sub(self.busy()))
    }

    pub fn submit(&mut self, due: Option<Due>, policy: Option<Policy>, limit_ms: Option<u64>) -> i64 {
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
            cancel_asked: false,
            limit_asked: false,
            limit_at: None,
            grace_at: None,
            settled_early: None,
            thread: false,
        };
        self.tasks.insert(self.last_id, task);
        self.come_due();
        self.last_id
    }

    /// The engine says that it began a run. What is wrong with that, if anything.
    pub fn started(&mut self, id: i64, lease: i64, attempt: i64) -> Result<(), String> {
        if self.paused && !self.is(Mutation::PauseIgnored) {
            return Err(format!("task {id} began in a paused queue"));
        }
        if self.busy() >= self.workers {
            return Err(format!("task {id} began though all {} workers had a run", self.workers));
        }
        let now_ms = self.now_ms;
        let task = self.tasks.get_mut(&id).ok_or_else(|| format!("task {id} began and is not known"))?;
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
        (task.cancel_asked, task.limit_asked, task.grace_at) = (false, false, None);
        task.limit_at = task.limit_ms.map(|limit_ms| now_ms + limit_ms);
        self.counts.started += 1;
        Ok(())
    }

    /// A thread comes back from its run.
    pub fn returned(&mut self, id: i64, end: End) {
        let now_ms = self.now_ms;
        let Some(task) = self.tasks.get_mut(&id) else { return };
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
            task.phase = Phase::Pending;
            return;
        }
        self.end(id, end, false);
    }

    /// A run ends as it says. `given_up`: its thread is still in it.
    fn end(&mut self, id: i64, end: End, given_up: bool) {
        let now_ms = self.now_ms;
        let mutation = self.mutation;
        let Some(task) = self.tasks.get_mut(&id) else { return };
        (task.limit_at, task.grace_at) = (None, None);
        task.thread = given_up;
        let by_limit = task.limit_asked && !task.cancel_asked;
        let end = match end {
            End::Cancelled if by_limit && mutation != Mutation::LimitIsCancel => End::Failed,
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
                let heeds = task.cancel_asked && mutation != Mutation::CancelForgotten;
                match delay_ms.filter(|_| !heeds) {
                    Some(delay_ms) => {
                        task.phase = Phase::Scheduled;
                        let waits = given_up && mutation != Mutation::RetryBesideThread;
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
                task.due = None;
                self.counts.cancelled += 1;
                Cancelled::Queued
            }
            Phase::Running | Phase::Pending => {
                task.cancel_asked = true;
                Cancelled::Running
            }
            _ => Cancelled::AlreadyFinal,
        }
    }

    pub fn settle(&mut self, id: i64, lease: i64, end: End) -> Answer {
        let old_counts = self.is(Mutation::OldLeaseCounts);
        let Some(task) = self.tasks.get_mut(&id) else { return Answer::NotFound };
        let counts = task.lease == lease || old_counts;
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
        let keeps = self.is(Mutation::ReplayKeepsAttempts);
        let Some(task) = self.tasks.get_mut(&id) else { return Answer::NotFound };
        if task.phase != Phase::Dead || task.thread {
            return Answer::Invalid;
        }
        task.phase = Phase::Ready;
        if !keeps {
            task.uncounted = task.lease;
        }
        (task.cancel_asked, task.limit_asked) = (false, false);
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
                task.limit_asked = !task.cancel_asked;
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
