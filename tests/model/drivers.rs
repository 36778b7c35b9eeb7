//! What a history is played on: the engine by its Rust API, or by its C functions.

mod c;

pub use c::C;

use crate::common::folder::Folder;
use crate::common::options;
use crate::world::{Answer, Cancelled, Counts, End, Phase, Policy, GRACE_MS, MAX_WORKERS, STALL_MS};
use backrun::store::durable::{Page, Store, StoredTask};
use backrun::store::sqlite::{SqliteOptions, SqliteStore};
use backrun::{
    Backoff, CancelResult, Engine, Error, Failure, Lease, Outcome, RetryPolicy, ShutdownMode, State, StoreKind,
    Submission, TaskContext, TaskFilter, TaskId, TaskOptions,
};
use std::sync::mpsc::{channel, Sender};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What a run says when it begins, and how it is let go.
pub struct Begun {
    pub id: i64,
    pub lease: i64,
    pub attempt: i64,
    pub let_go: Sender<End>,
}

/// When a submission wants to run.
#[derive(Clone, Copy)]
pub enum When {
    Now,
    AfterMs(u64),
    AtUnixMs(u64),
}

/// What the status of a task says.
pub struct Look {
    pub phase: Phase,
    pub lease: i64,
    pub attempt: i64,
    pub run_at_us: i64,
    /// Its run was asked to stop.
    pub asked: bool,
}

/// Counters since the start, and how many are scheduled, ready, running, pending and stalled now.
pub type Counted = (Counts, [u64; 5]);

/// What a shutdown says in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Nothing is left.
    pub complete: bool,
    pub running: Vec<i64>,
    /// Queued tasks that it cancelled.
    pub queued: u64,
}

pub trait Driver: Send + Sync {
    fn submit(&self, when: When, policy: Option<Policy>, limit_ms: Option<u64>) -> Result<i64, Answer>;
    fn cancel(&self, id: i64) -> Cancelled;
    fn settle(&self, id: i64, lease: i64, end: End) -> Answer;
    fn replay(&self, id: i64) -> Answer;
    /// Forgets finished tasks with a larger id, up to so many (0: all). How many.
    fn purge(&self, after: i64, limit: u32) -> u64;
    fn advance(&self, ms: u64);
    fn jump(&self, ms: i64);
    fn pause(&self, pause: bool) -> Answer;
    fn look(&self, id: i64) -> Option<Look>;
    fn counted(&self) -> Counted;
    /// The files as a process would find them if this one were killed now, and what it finds in them of each task; `None` without such a
    /// store.
    fn left_by_a_kill(&self) -> Option<(Folder, Vec<StoredTask>)>;
    /// Ends the work as `mode` says, and waits; `limit_ms`: `None` for ever.
    fn shut_down(&self, mode: ShutdownMode, limit_ms: Option<u64>) -> Report;
}

/// What the handler of all tasks does.
pub struct Step {
    pub tell: Mutex<Sender<Begun>>,
    /// Every run lasts so long that its worker takes one task at a time, not several into its hand.
    pub lasts: bool,
}

/// Workers take one task at a time where runs last as long as this (`SHORT_RUN` in src/engine/worker.rs).
const NOT_SHORT: Duration = Duration::from_micros(100);

impl Step {
    /// Tells the history of a run that begins, and waits until it is let go.
    fn run(&self, id: i64, lease: i64, attempt: i64) -> End {
        let begun = Instant::now();
        let (let_go, wait) = channel();
        // Where nobody hears of it or lets it go, the history has failed.
        let _ = self.tell.lock().unwrap().send(Begun { id, lease, attempt, let_go });
        let end = wait.recv().unwrap_or(End::Done);
        while self.lasts && begun.elapsed() < NOT_SHORT {
            std::thread::yield_now();
        }
        end
    }
}

pub struct Rust {
    engine: Engine,
    /// Where its tasks are kept, if they are.
    folder: Option<Folder>,
}

impl Rust {
    /// `folder`: where its tasks are kept, and those that an earlier process has left.
    pub fn new(workers: u32, does: Step, folder: Option<Folder>) -> Self {
        let mut options = options(workers);
        if let Some(folder) = &folder {
            options.store = StoreKind::sqlite(folder.file());
        }
        options.manual_time = true;
        options.max_workers = Some(MAX_WORKERS);
        options.keep_finished = backrun::Retention::Newest(1_000_000);
        options.keep_dead = backrun::Retention::Newest(1_000_000);
        options.default_queue.stall_threshold = Duration::from_millis(STALL_MS);
        let engine = Engine::start(options).unwrap();
        let mut options = TaskOptions::default();
        options.grace = Some(Duration::from_millis(GRACE_MS));
        let step = move |task: &TaskContext<'_>| {
            outcome(does.run(task.id().value(), task.lease().value(), i64::from(task.attempt())))
        };
        engine.register_with("step", options, || step).unwrap();
        Self { engine, folder }
    }
}

fn id_of(id: i64) -> TaskId {
    TaskId::new(id).unwrap()
}

fn outcome(end: End) -> Outcome {
    let failure = || Failure::message("as the history says");
    match end {
        End::Done => Outcome::Done,
        End::Failed => Outcome::Failed(failure()),
        End::RetryAfter(ms) => Outcome::RetryAfter(failure(), Some(Duration::from_millis(ms))),
        End::Fatal => Outcome::Fatal(failure()),
        End::Cancelled => Outcome::Cancelled,
        End::Pending => Outcome::Pending,
    }
}

fn answer(result: Result<(), Error>) -> Answer {
    match result {
        Ok(()) => Answer::Ok,
        Err(Error::StaleLease { .. }) => Answer::StaleLease,
        Err(Error::NotFound(_)) => Answer::NotFound,
        Err(Error::InvalidArgument(_)) => Answer::Invalid,
        Err(Error::ShuttingDown) => Answer::ShuttingDown,
        Err(other) => panic!("{other}"),
    }
}

impl Driver for Rust {
    fn submit(&self, when: When, policy: Option<Policy>, limit_ms: Option<u64>) -> Result<i64, Answer> {
        let mut submission = Submission::new("step", b"payload");
        submission = match when {
            When::Now => submission,
            When::AfterMs(ms) => submission.delay(Duration::from_millis(ms)),
            When::AtUnixMs(ms) => submission.run_at_unix_ms(ms as i64),
        };
        if let Some(Policy { attempts, delay_ms }) = policy {
            let retry = RetryPolicy::attempts(attempts).backoff(Backoff::Fixed).jitter_percent(0);
            submission = submission.retry(retry.delay(Duration::from_millis(delay_ms)));
        }
        if let Some(ms) = limit_ms {
            submission = submission.time_limit(Duration::from_millis(ms));
        }
        self.engine.submit(&submission).map(TaskId::value).map_err(|error| answer(Err(error)))
    }

    fn cancel(&self, id: i64) -> Cancelled {
        match self.engine.cancel(id_of(id), "the history").unwrap() {
            CancelResult::Queued => Cancelled::Queued,
            CancelResult::Running => Cancelled::Running,
            CancelResult::AlreadyFinal => Cancelled::AlreadyFinal,
            CancelResult::Unknown => Cancelled::Unknown,
        }
    }

    fn settle(&self, id: i64, lease: i64, end: End) -> Answer {
        answer(self.engine.settle(id_of(id), Lease::new(lease), outcome(end)))
    }

    fn replay(&self, id: i64) -> Answer {
        answer(self.engine.replay(id_of(id)))
    }

    fn purge(&self, after: i64, limit: u32) -> u64 {
        let mut filter = TaskFilter::default();
        filter.after = TaskId::new(after).ok();
        filter.limit = (limit > 0).then_some(limit as usize);
        self.engine.purge(&filter).unwrap()
    }

    fn advance(&self, ms: u64) {
        self.engine.advance_time(Duration::from_millis(ms)).unwrap();
    }

    fn jump(&self, ms: i64) {
        self.engine.jump_wall_clock(ms).unwrap();
    }

    fn pause(&self, pause: bool) -> Answer {
        answer(if pause { self.engine.pause("default") } else { self.engine.resume("default") })
    }

    fn look(&self, id: i64) -> Option<Look> {
        let status = self.engine.status(id_of(id))?;
        let phase = match status.state {
            State::Scheduled => Phase::Scheduled,
            State::Ready => Phase::Ready,
            State::Running => Phase::Running,
            State::Pending => Phase::Pending,
            State::Succeeded => Phase::Succeeded,
            State::Dead => Phase::Dead,
            State::Cancelled => Phase::Cancelled,
            other => panic!("task {id} is {other:?}"),
        };
        let (lease, attempt) = (status.lease.value(), i64::from(status.attempt));
        Some(Look { phase, lease, attempt, run_at_us: status.run_at_us, asked: status.cancel_requested })
    }

    fn counted(&self) -> Counted {
        let counters = self.engine.statistics().unwrap().engine;
        let counts = Counts {
            accepted: counters.accepted,
            refused: counters.refused,
            started: counters.started,
            succeeded: counters.succeeded,
            runs_failed: counters.runs_failed,
            retried: counters.retried,
            dead: counters.dead,
            cancelled: counters.cancelled,
            stale_settles: counters.stale_settles,
            stalls: counters.stalls,
            interrupted: counters.interrupted,
            abandoned: counters.abandoned,
        };
        (counts, [counters.scheduled, counters.ready, counters.running, counters.pending, counters.stalled])
    }

    fn left_by_a_kill(&self) -> Option<(Folder, Vec<StoredTask>)> {
        let left = self.folder.as_ref()?.copy();
        // Whoever opens it changes it.
        let looked_at = left.copy();
        let store = SqliteStore::open(SqliteOptions::new(looked_at.file())).unwrap();
        let all = store.list(&Page { limit: usize::MAX, ..Page::default() }).unwrap();
        Some((left, all))
    }

    fn shut_down(&self, mode: ShutdownMode, limit_ms: Option<u64>) -> Report {
        let report = self.engine.shutdown(mode, limit_ms.map(Duration::from_millis)).unwrap();
        Report {
            complete: report.is_complete(),
            running: report.running.iter().map(|left| left.id.value()).collect(),
            queued: report.queued,
        }
    }
}
