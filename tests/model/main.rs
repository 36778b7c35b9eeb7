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
mod drivers;
mod world;

use common::LONG;
use drivers::{Begun, Driver, When};
use std::collections::HashMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use world::{Due, End, Mutation, Phase, Policy, World};

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

/// An engine, and the model that it is held to.
struct History {
    /// How to let a run go, by task and lease. First, so that none keeps a failed history's engine from ending.
    runs: HashMap<(i64, i64), Sender<End>>,
    begun: Receiver<Begun>,
    engine: Arc<dyn Driver>,
    world: World,
    random: Random,
    said: Vec<String>,
}

const WORKERS: u32 = 3;

/// By which the engine is driven.
#[derive(Clone, Copy, Debug)]
enum Api {
    Rust,
    C,
}

impl History {
    fn new(seed: u64, api: Api, mutation: Mutation) -> Self {
        let (tell, begun) = channel();
        let engine: Arc<dyn Driver> = match api {
            Api::Rust => Arc::new(drivers::Rust::new(WORKERS, tell)),
            Api::C => Arc::new(drivers::C::new(WORKERS, tell)),
        };
        let mut world = World::new(mutation, WORKERS as usize, 0);
        // What the engine's clock on the wall says, by when it has a delayed task begin.
        let id = engine.submit(When::AfterMs(1000), None, None);
        world.wall_ms = engine.look(id).unwrap().run_at_us as u64 / 1000 - 1000;
        world.submit(Some(Due::At(1000)), None, None);
        Self { engine, begun, runs: HashMap::new(), world, random: Random(seed), said: Vec::new() }
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
        let (when, due) = match self.random.below(6) {
            0 => {
                let ms = 1 + self.random.below(100);
                (When::AfterMs(ms), Some(Due::At(self.world.now_ms + ms)))
            }
            1 => {
                let at = (self.world.wall_ms + self.random.below(200)).saturating_sub(50);
                (When::AtUnixMs(at), Some(Due::AtWall(at)))
            }
            _ => (When::Now, None),
        };
        let policy = self
            .random
            .one_in(2)
            .then(|| Policy { attempts: 1 + self.random.below(3) as u32, delay_ms: 2 + self.random.below(50) });
        let limit_ms = self.random.one_in(4).then(|| 1 + self.random.below(100));
        let id = self.engine.submit(when, policy, limit_ms);
        let expected = self.world.submit(due, policy, limit_ms);
        self.say(format!("submit {id}: {due:?} {policy:?} limit {limit_ms:?}"));
        self.expect("the id", id, expected);
        // What is due already is ready in a moment: the engine is asked for that moment.
        self.engine.advance(0);
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
        let is_recorded = || {
            if task.thread {
                // Refused, and what it brought is kept.
                let counted = self.engine.counted().0.stale_settles > stale_before;
                let waits = self.world.tasks[&id].due.is_some();
                return counted && (!waits || self.engine.look(id).unwrap().run_at_us > 0);
            }
            let look = self.engine.look(id).unwrap();
            look.phase != Phase::Running || look.lease != task.lease
        };
        self.wait_until("a run's end is recorded", is_recorded);
    }

    fn wait_until(&self, what: &str, is: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is() {
            if begun.elapsed() > self.patience() {
                self.fail(&format!("{what}: it never came"));
            }
            std::thread::yield_now();
        }
    }

    fn cancel(&mut self) {
        let id = self.any_id();
        let is = self.engine.cancel(id);
        self.say(format!("cancel {id}: {is:?}"));
        let due = self.world.cancel(id);
        self.expect("the answer to a cancel", is, due);
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
        let is = self.engine.settle(id, lease, end);
        self.say(format!("settle {id} lease {lease}: {end:?}: {is:?}"));
        let due = self.world.settle(id, lease, end);
        self.expect("the answer to a settle", is, due);
    }

    fn replay(&mut self) {
        let dead = self.ids(|phase, _| phase == Phase::Dead);
        let id = if self.random.one_in(5) { self.any_id() } else { self.random.pick(&dead).unwrap_or(1) };
        let is = self.engine.replay(id);
        self.say(format!("replay {id}: {is:?}"));
        let due = self.world.replay(id);
        self.expect("the answer to a replay", is, due);
    }

    fn purge(&mut self) {
        let after = self.any_id() - 1;
        let is = self.engine.purge(after, 1);
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
                self.engine.advance(ms);
                self.world.advance(ms);
            }
            16 => {
                let ms = self.random.below(400) as i64 - 200;
                self.say(format!("the clock on the wall jumps {ms} ms"));
                self.engine.jump(ms);
                self.world.jump(ms);
            }
            17 => self.replay(),
            18 => self.purge(),
            _ => {
                self.world.paused = !self.world.paused;
                self.say(format!("paused: {}", self.world.paused));
                self.engine.pause(self.world.paused);
            }
        }
        self.settle_down();
    }

    /// Holds every task and every counter to the model.
    fn look(&self) {
        for (id, task) in &self.world.tasks {
            let Some(look) = self.engine.look(*id) else { self.fail(&format!("task {id} is not known")) };
            let is = (look.phase, look.lease, look.attempt);
            self.expect(&format!("task {id}"), is, (task.phase, task.lease, task.attempt()));
        }
        let (is, is_now) = self.engine.counted();
        self.expect("the counters", is, self.world.counts.clone());
        let now = [Phase::Scheduled, Phase::Ready, Phase::Running, Phase::Pending];
        self.expect("how many there are now", is_now, now.map(|phase| self.world.count(phase) as u64));
    }

    /// Ends the engine while the runs go on for a moment: all that was accepted comes to an end.
    fn end(mut self) {
        self.look();
        let engine = self.engine.clone();
        let shutting = std::thread::spawn(move || engine.shut_down());
        for (_, let_go) in self.runs.drain() {
            let _ = let_go.send(End::Cancelled);
        }
        // The shutdown waits for a pending one, and nobody else settles it.
        for id in self.ids(|phase, _| phase == Phase::Pending) {
            self.engine.settle(id, self.world.tasks[&id].lease, End::Done);
        }
        // What begins before the shutdown is seen is let go too.
        while !shutting.is_finished() {
            if let Ok(begun) = self.begun.recv_timeout(Duration::from_millis(1)) {
                let _ = begun.let_go.send(End::Cancelled);
            }
        }
        if !shutting.join().unwrap() {
            self.fail("the shutdown is not complete");
        }
        for id in self.world.tasks.keys() {
            let look = self.engine.look(*id).unwrap();
            if !look.phase.is_final() {
                self.fail(&format!("task {id} is {:?} after the end", look.phase));
            }
        }
        self.expect("how many there are after the end", self.engine.counted().1, [0; 4]);
    }
}

fn run(seed: u64, steps: u64, api: Api, mutation: Mutation) {
    let mut history = History::new(seed, api, mutation);
    for step in 0..steps {
        history.step();
        if step % 7 == 0 {
            history.look();
        }
        // So that looking at all of them stays quick.
        if history.world.tasks.len() > 200 {
            history.engine.purge(0, 0);
            while history.world.purge_one_after(0) {}
        }
    }
    history.end();
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

fn run_many(usual: u64, api: Api) {
    let long = if std::env::var_os("BACKRUN_TORTURE").is_some() { 1_000_000 } else { usual };
    let total = number("BACKRUN_MODEL_STEPS").unwrap_or(long);
    if let Some(seed) = number("BACKRUN_MODEL_SEED") {
        return run(seed, total, api, Mutation::None);
    }
    // Several short ones: each begins with an empty engine.
    let length = 1_000.min(total);
    let first = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    for n in 0..total / length {
        let seed = first.wrapping_add(n);
        println!("BACKRUN_MODEL_SEED={seed} BACKRUN_MODEL_STEPS={length} {api:?}");
        run(seed, length, api, Mutation::None);
    }
}

#[test]
fn random_histories_come_out_as_the_model_says() {
    run_many(20_000, Api::Rust);
}

#[test]
fn random_histories_by_the_c_functions_come_out_as_the_model_says() {
    run_many(20_000, Api::C);
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
        let is_found =
            (0..40).any(|seed| catch_unwind(AssertUnwindSafe(|| run(seed, 1_000, Api::Rust, mutation))).is_err());
        assert!(is_found, "{mutation:?} is not found");
    }
}
