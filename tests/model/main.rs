//! Random histories of an engine, held to a simple model of what is to be true of tasks (`world.rs`).
//!
//! Time is set by hand. Every run waits until the history lets it go, so after each step the history can wait until the engine
//! has done all that follows from it: then who runs, what the status of every task is and what the counters say must be what
//! the model says. The model leaves open which of several ready tasks begins first.
//!
//! `BACKRUN_MODEL_SEED` replays a history (each prints its seed), `BACKRUN_MODEL_STEPS` says how long it is; `BACKRUN_TORTURE`
//! makes it a million steps.

#[path = "../common/mod.rs"]
mod common;
mod world;

use backrun::{
    Backoff, CancelResult, Engine, Error, Failure, Lease, Outcome, RetryPolicy, ShutdownMode, State, Submission,
    TaskContext, TaskFilter, TaskId, TaskOptions,
};
use common::{options, LONG};
use std::collections::HashMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use world::{Answer, Cancelled, Due, End, Mutation, Phase, Policy, World, GRACE_MS};

/// splitmix64: the same history for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.below(of.len() as u64) as usize])
    }
}

/// What a run says when it begins, and how it is let go.
struct Begun {
    id: i64,
    lease: i64,
    attempt: i64,
    let_go: Sender<End>,
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

/// An engine, and the model that it is held to.
struct History {
    /// How to let a run go, by task and lease. First, so that none keeps a failed history's engine from ending.
    runs: HashMap<(i64, i64), Sender<End>>,
    begun: Receiver<Begun>,
    engine: Arc<Engine>,
    world: World,
    random: Random,
    said: Vec<String>,
}

const WORKERS: u32 = 3;

impl History {
    fn new(seed: u64, mutation: Mutation) -> Self {
        let mut options = options(WORKERS);
        options.manual_time = true;
        options.keep_finished = backrun::Retention::Newest(1_000_000);
        options.keep_dead = backrun::Retention::Newest(1_000_000);
        // Nobody is replaced here: tests/watchdog.rs is about that.
        options.default_queue.stall_threshold = Duration::from_secs(50 * 365 * 24 * 3600);
        let engine = Engine::start(options).unwrap();
        let (tell, begun) = channel();
        let tell = Mutex::new(tell);
        let mut options = TaskOptions::default();
        options.grace = Some(Duration::from_millis(GRACE_MS));
        engine
            .register_with("step", options, || {
                move |task: &TaskContext<'_>| {
                    let (let_go, wait) = channel();
                    let (id, lease, attempt) = (task.id().value(), task.lease().value(), i64::from(task.attempt()));
                    tell.lock().unwrap().send(Begun { id, lease, attempt, let_go }).unwrap();
                    // Nobody lets it go any more: the history has failed.
                    wait.recv().map_or(Outcome::Done, outcome)
                }
            })
            .unwrap();
        let mut this = Self {
            engine: Arc::new(engine),
            begun,
            runs: HashMap::new(),
            world: World::new(mutation, WORKERS as usize, 0),
            random: Random(seed),
            said: Vec::new(),
        };
        // What the engine's clock on the wall says, by when it has a delayed task begin.
        let id = this.engine.submit(&Submission::new("step", b"").delay(Duration::from_secs(1))).unwrap();
        this.world.wall_ms = this.engine.status(id).unwrap().run_at_us as u64 / 1000 - 1000;
        this.world.submit(Some(Due::At(1000)), None, None);
        this
    }

    fn say(&mut self, what: String) {
        if self.said.len() > 40 {
            self.said.remove(0);
        }
        self.said.push(what);
    }

    /// How long to wait for what is due. With a planted mistake, something that never comes is waited for nearly each time.
    fn patience(&self) -> Duration {
        match self.world.mutation {
            Mutation::None => LONG.unwrap(),
            _ => Duration::from_secs(2),
        }
    }

    fn fail(&self, why: &str) -> ! {
        panic!("{why}\nthe last steps:\n  {}", self.said.join("\n  "));
    }

    fn expect<T: PartialEq + std::fmt::Debug>(&self, what: &str, is: T, due: T) {
        if is != due {
            self.fail(&format!("{what} is {is:?}, due is {due:?}"));
        }
    }

    /// Waits until every run has begun that must, and no other.
    fn settle_down(&mut self) {
        while self.world.to_start() > 0 {
            match self.begun.recv_timeout(self.patience()) {
                Ok(begun) => self.began(begun),
                Err(_) => self.fail(&format!("{} more runs are due to begin", self.world.to_start())),
            }
        }
        if let Ok(begun) = self.begun.try_recv() {
            self.began(begun);
            self.fail("a run began that was not due");
        }
    }

    fn began(&mut self, begun: Begun) {
        self.say(format!("began {} lease {} attempt {}", begun.id, begun.lease, begun.attempt));
        if let Err(why) = self.world.started(begun.id, begun.lease, begun.attempt) {
            self.fail(&why);
        }
        self.runs.insert((begun.id, begun.lease), begun.let_go);
    }

    fn ids(&self, counts: impl Fn(Phase, bool) -> bool) -> Vec<i64> {
        self.world.tasks.iter().filter(|(_, task)| counts(task.phase, task.thread)).map(|(id, _)| *id).collect()
    }

    fn any_id(&mut self) -> i64 {
        self.random.below(self.world.last_id as u64 + 2) as i64 + 1
    }

    fn some_end(&mut self) -> End {
        match self.random.below(12) {
            0..=3 => End::Done,
            4..=6 => End::Failed,
            7 => End::RetryAfter(1 + self.random.below(60)),
            8 => End::Fatal,
            9 => End::Cancelled,
            _ => End::Pending,
        }
    }

    fn submit(&mut self) {
        let mut submission = Submission::new("step", b"payload");
        let due = match self.random.below(6) {
            0 => {
                let ms = 1 + self.random.below(100);
                submission = submission.delay(Duration::from_millis(ms));
                Some(Due::At(self.world.now_ms + ms))
            }
            1 => {
                let at = (self.world.wall_ms + self.random.below(200)).saturating_sub(50);
                submission = submission.run_at_unix_ms(at as i64);
                Some(Due::AtWall(at))
            }
            _ => None,
        };
        let policy = self
            .random
            .one_in(2)
            .then(|| Policy { attempts: 1 + self.random.below(3) as u32, delay_ms: 2 + self.random.below(50) });
        if let Some(Policy { attempts, delay_ms }) = policy {
            let retry = RetryPolicy::attempts(attempts).backoff(Backoff::Fixed).jitter_percent(0);
            submission = submission.retry(retry.delay(Duration::from_millis(delay_ms)));
        }
        let limit_ms = self.random.one_in(4).then(|| 1 + self.random.below(100));
        if let Some(ms) = limit_ms {
            submission = submission.time_limit(Duration::from_millis(ms));
        }
        let id = self.engine.submit(&submission).unwrap().value();
        let expected = self.world.submit(due, policy, limit_ms);
        self.say(format!("submit {id}: {due:?} {policy:?} limit {limit_ms:?}"));
        self.expect("the id", id, expected);
        // What is due already is ready in a moment: the engine is asked for that moment.
        self.engine.advance_time(Duration::ZERO).unwrap();
    }

    /// Lets a run go, and waits until that is recorded.
    fn let_go(&mut self, id: i64) {
        let task = self.world.tasks[&id].clone();
        let mut end = self.some_end();
        if task.settled_early.is_some() && end == End::Pending {
            end = End::Done;
        }
        self.say(format!("let go {id} lease {}: {end:?}", task.lease));
        let let_go = self.runs.remove(&(id, task.lease)).expect("it runs");
        let stale_before = self.world.counts.stale_settles;
        let_go.send(end).unwrap();
        self.world.returned(id, end);
        let task_id = TaskId::new(id).unwrap();
        let is_recorded = || {
            if task.thread {
                // Refused, and what it brought is kept.
                let counted = self.engine.statistics().unwrap().engine.stale_settles > stale_before;
                let waits = self.world.tasks[&id].due.is_some();
                return counted && (!waits || self.engine.status(task_id).unwrap().run_at_us > 0);
            }
            let status = self.engine.status(task_id).unwrap();
            status.state != State::Running || status.lease.value() != task.lease
        };
        self.wait_until("a run's end is recorded", is_recorded);
    }

    fn wait_until(&self, what: &str, is: impl Fn() -> bool) {
        let begun = std::time::Instant::now();
        while !is() {
            if begun.elapsed() > self.patience() {
                self.fail(&format!("{what}: it never came"));
            }
            std::thread::yield_now();
        }
    }

    fn cancel(&mut self) {
        let id = self.any_id();
        let is = match self.engine.cancel(TaskId::new(id).unwrap(), "the history").unwrap() {
            CancelResult::Queued => Cancelled::Queued,
            CancelResult::Running => Cancelled::Running,
            CancelResult::AlreadyFinal => Cancelled::AlreadyFinal,
            CancelResult::Unknown => Cancelled::Unknown,
        };
        self.say(format!("cancel {id}: {is:?}"));
        let due = self.world.cancel(id);
        self.expect("the answer to a cancel", is, due);
    }

    fn answer(result: Result<(), Error>) -> Answer {
        match result {
            Ok(()) => Answer::Ok,
            Err(Error::StaleLease { .. }) => Answer::StaleLease,
            Err(Error::NotFound(_)) => Answer::NotFound,
            Err(Error::InvalidArgument(_)) => Answer::Invalid,
            Err(other) => panic!("{other}"),
        }
    }

    fn settle(&mut self) {
        let pending = self.ids(|phase, _| matches!(phase, Phase::Pending | Phase::Running));
        let id = if self.random.one_in(5) { self.any_id() } else { self.random.pick(&pending).unwrap_or(1) };
        let known = self.world.tasks.get(&id).map_or(1, |task| task.lease);
        let lease = if self.random.one_in(4) { self.random.below(4) as i64 } else { known };
        let mut end = self.some_end();
        if end == End::Pending {
            end = End::Failed;
        }
        let is = Self::answer(self.engine.settle(TaskId::new(id).unwrap(), Lease::new(lease), outcome(end)));
        self.say(format!("settle {id} lease {lease}: {end:?}: {is:?}"));
        let due = self.world.settle(id, lease, end);
        self.expect("the answer to a settle", is, due);
    }

    fn replay(&mut self) {
        let dead = self.ids(|phase, _| phase == Phase::Dead);
        let id = if self.random.one_in(5) { self.any_id() } else { self.random.pick(&dead).unwrap_or(1) };
        let is = Self::answer(self.engine.replay(TaskId::new(id).unwrap()));
        self.say(format!("replay {id}: {is:?}"));
        let due = self.world.replay(id);
        self.expect("the answer to a replay", is, due);
    }

    fn purge(&mut self) {
        let after = self.any_id() - 1;
        let mut filter = TaskFilter::default();
        (filter.after, filter.limit) = (TaskId::new(after).ok(), Some(1));
        let is = self.engine.purge(&filter).unwrap();
        self.say(format!("purge one after {after}: {is}"));
        let due = u64::from(self.world.purge_one_after(after));
        self.expect("what was purged", is, due);
    }

    fn step(&mut self) {
        let unfinished = self.world.tasks.values().filter(|task| !task.phase.is_final()).count();
        match self.random.below(20) {
            0..=4 if unfinished < 30 => self.submit(),
            0..=9 => {
                let running = self.ids(|phase, thread| phase == Phase::Running || thread);
                if let Some(id) = self.random.pick(&running) {
                    self.let_go(id);
                }
            }
            10..=11 => self.settle(),
            12 => self.cancel(),
            13..=15 => {
                let ms = 1 + self.random.below(60);
                self.say(format!("advance {ms} ms to {}", self.world.now_ms + ms));
                self.engine.advance_time(Duration::from_millis(ms)).unwrap();
                self.world.advance(ms);
            }
            16 => {
                let ms = self.random.below(400) as i64 - 200;
                self.say(format!("the clock on the wall jumps {ms} ms"));
                self.engine.jump_wall_clock(ms).unwrap();
                self.world.jump(ms);
            }
            17 => self.replay(),
            18 => self.purge(),
            _ => {
                self.world.paused = !self.world.paused;
                self.say(format!("paused: {}", self.world.paused));
                let paused = self.world.paused;
                if paused { self.engine.pause("default") } else { self.engine.resume("default") }.unwrap();
            }
        }
        self.settle_down();
    }

    /// Holds every task and every counter to the model.
    fn look(&self) {
        for (id, task) in &self.world.tasks {
            let Some(status) = self.engine.status(TaskId::new(*id).unwrap()) else {
                self.fail(&format!("task {id} is not known"));
            };
            let phase = match status.state {
                State::Scheduled => Phase::Scheduled,
                State::Ready => Phase::Ready,
                State::Running => Phase::Running,
                State::Pending => Phase::Pending,
                State::Succeeded => Phase::Succeeded,
                State::Dead => Phase::Dead,
                State::Cancelled => Phase::Cancelled,
                other => self.fail(&format!("task {id} is {other:?}")),
            };
            let is = (phase, status.lease.value(), i64::from(status.attempt));
            self.expect(&format!("task {id}"), is, (task.phase, task.lease, task.attempt()));
        }
        let counters = self.engine.statistics().unwrap().engine;
        let is = world::Counts {
            accepted: counters.accepted,
            started: counters.started,
            succeeded: counters.succeeded,
            runs_failed: counters.runs_failed,
            retried: counters.retried,
            dead: counters.dead,
            cancelled: counters.cancelled,
            stale_settles: counters.stale_settles,
        };
        self.expect("the counters", is, self.world.counts.clone());
        let now = |phase| self.world.count(phase) as u64;
        let is = [counters.scheduled, counters.ready, counters.running, counters.pending];
        self.expect(
            "how many there are now",
            is,
            [now(Phase::Scheduled), now(Phase::Ready), now(Phase::Running), now(Phase::Pending)],
        );
    }

    /// Ends the engine while the runs go on for a moment: all that was accepted comes to an end, and once.
    fn end(mut self) {
        self.look();
        let engine = self.engine.clone();
        let shutting = std::thread::spawn(move || engine.shutdown(ShutdownMode::Cancel, LONG).unwrap());
        for (_, let_go) in self.runs.drain() {
            let _ = let_go.send(End::Cancelled);
        }
        // One may be settled by nobody: the shutdown waits for it, so it is settled here.
        for id in self.ids(|phase, _| phase == Phase::Pending) {
            let lease = Lease::new(self.world.tasks[&id].lease);
            self.engine.settle(TaskId::new(id).unwrap(), lease, Outcome::Done).unwrap();
        }
        // What begins before the shutdown is seen is let go too.
        while !shutting.is_finished() {
            if let Ok(begun) = self.begun.recv_timeout(Duration::from_millis(1)) {
                let _ = begun.let_go.send(End::Cancelled);
            }
        }
        let report = shutting.join().unwrap();
        assert!(report.is_complete(), "{report:?}");
        for id in self.world.tasks.keys() {
            let status = self.engine.status(TaskId::new(*id).unwrap()).unwrap();
            assert!(status.state.is_final(), "task {id} is {:?}", status.state);
        }
        let counters = self.engine.statistics().unwrap().engine;
        assert_eq!((counters.ready, counters.running, counters.pending, counters.scheduled), (0, 0, 0, 0));
    }
}

fn run(seed: u64, steps: u64, mutation: Mutation) {
    let mut history = History::new(seed, mutation);
    for step in 0..steps {
        history.step();
        if step % 7 == 0 {
            history.look();
        }
        // So that looking at all of them stays quick.
        if history.world.tasks.len() > 200 {
            history.engine.purge(&TaskFilter::default()).unwrap();
            while history.world.purge_one_after(0) {}
        }
    }
    history.end();
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn random_histories_come_out_as_the_model_says() {
    let total = number("BACKRUN_MODEL_STEPS").unwrap_or(if std::env::var_os("BACKRUN_TORTURE").is_some() {
        1_000_000
    } else {
        20_000
    });
    if let Some(seed) = number("BACKRUN_MODEL_SEED") {
        return run(seed, total, Mutation::None);
    }
    // Several short ones: each begins with an empty engine.
    let length = 1_000.min(total);
    let first = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    for n in 0..total / length {
        let seed = first.wrapping_add(n);
        println!("BACKRUN_MODEL_SEED={seed} BACKRUN_MODEL_STEPS={length}");
        run(seed, length, Mutation::None);
    }
}

/// That the histories bite: with each of these mistakes in the model, one of them comes out otherwise.
#[test]
fn every_planted_mistake_is_found() {
    use Mutation::{
        CancelForgotten, EarlyRetry, LateTask, LimitIsCancel, OldLeaseCounts, OneAttemptMore, PauseIgnored,
        ReplayKeepsAttempts, RetryBesideThread, WallIgnored,
    };
    let all = [
        OneAttemptMore,
        EarlyRetry,
        LateTask,
        CancelForgotten,
        OldLeaseCounts,
        LimitIsCancel,
        ReplayKeepsAttempts,
        RetryBesideThread,
        WallIgnored,
        PauseIgnored,
    ];
    for mutation in all {
        let is_found = (0..40).any(|seed| catch_unwind(AssertUnwindSafe(|| run(seed, 1_000, mutation))).is_err());
        assert!(is_found, "{mutation:?} is not found");
    }
}
