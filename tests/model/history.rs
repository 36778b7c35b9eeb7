//! A random history: an engine, the model that it is held to, and the steps of both.

use crate::common::folder::Folder;
use crate::common::random::Random;
use crate::common::LONG;
use crate::drivers::{self, Begun, Driver, Step, When};
use crate::mutation::Mutation;
use crate::world::{Answer, Due, End, Phase, Policy, Stage, Task, World, STALL_MS};
use backrun::store::durable::StoredTask;
use backrun::{ShutdownMode, State};
use std::collections::HashMap;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An engine, and the model that it is held to.
pub struct History {
    /// How to let a run go, by task and lease. First, so that none keeps a failed history's engine from ending.
    pub runs: HashMap<(i64, i64), Sender<End>>,
    begun: Receiver<Begun>,
    pub engine: Arc<dyn Driver>,
    pub world: World,
    pub random: Random,
    /// It has stalled runs.
    stalls: bool,
    /// Ends are told when the store has them, a moment after they are known.
    is_durable: bool,
    said: Vec<String>,
}

const WORKERS: u32 = 3;

/// By which the engine is driven.
#[derive(Clone, Copy, Debug)]
pub enum Api {
    Rust,
    /// The same, with a durable store.
    Durable,
    C,
}

/// A task that waits a second, and what the engine's clock on the wall says, by when it has that one begin.
fn begin(engine: &dyn Driver) -> (i64, u64) {
    let id = engine.submit(When::AfterMs(1000), None, None).unwrap();
    (id, engine.look(id).unwrap().run_at_us as u64 / 1000 - 1000)
}

impl History {
    pub fn new(seed: u64, api: Api, mutation: Mutation) -> Self {
        let (tell, begun) = channel();
        let mut random = Random(seed);
        // A worker that comes back from a stall first runs what it has in hand, beside its replacement. The model does not know
        // hands, so a history has the one or the other.
        let stalls = random.one_in(2);
        let does = Step { tell: Mutex::new(tell), lasts: stalls };
        let engine: Arc<dyn Driver> = match api {
            Api::Rust => Arc::new(drivers::Rust::new(WORKERS, does, None)),
            Api::Durable => Arc::new(drivers::Rust::new(WORKERS, does, Some(Folder::new()))),
            Api::C => Arc::new(drivers::C::new(WORKERS, does)),
        };
        let is_durable = matches!(api, Api::Durable);
        let mut world = World::new(mutation, WORKERS as usize, 0);
        let (_, wall_ms) = begin(&*engine);
        world.wall_ms = wall_ms;
        world.submit(Some(Due::At(1000)), None, None).unwrap();
        Self { engine, begun, runs: HashMap::new(), world, random, stalls, is_durable, said: Vec::new() }
    }

    pub fn say(&mut self, what: String) {
        if self.said.len() > 40 {
            self.said.remove(0);
        }
        self.said.push(what);
    }

    /// How long to wait for what is due. With a planted mistake, something that never comes is waited for nearly each time.
    pub fn patience(&self) -> Duration {
        match self.world.mutation {
            Mutation::None => LONG.unwrap(),
            _ => Duration::from_secs(2),
        }
    }

    pub fn fail(&self, why: &str) -> ! {
        panic!("{why}\nthe last steps:\n  {}", self.said.join("\n  "));
    }

    pub fn expect<T: PartialEq + std::fmt::Debug>(&self, what: &str, is: T, due: T) {
        if is != due {
            self.fail(&format!("{what} is {is:?}, due is {due:?}"));
        }
    }

    /// Waits until every run has begun that must, and no other.
    pub fn settle_down(&mut self) {
        let begun = Instant::now();
        while self.world.to_start() > 0 {
            // A drained queue's workers go, and for what comes due later the watchdog brings new ones, at its next look.
            let drains = self.world.stage == Stage::Draining;
            let patience = if drains { Duration::from_millis(5) } else { self.patience() };
            match self.begun.recv_timeout(patience) {
                Ok(begun) => self.began(begun),
                Err(_) if drains && begun.elapsed() < self.patience() => self.advance(20),
                Err(_) => self.fail(&format!("{} more runs are due to begin", self.world.to_start())),
            }
        }
        if let Ok(begun) = self.begun.try_recv() {
            self.began(begun);
            self.fail("a run began that was not due");
        }
        self.wait_for_the_store();
    }

    fn wait_for_the_store(&self) {
        let runs = |phase| matches!(phase, Phase::Running | Phase::Pending);
        for (id, _) in self.world.tasks.iter().filter(|(_, task)| self.is_durable && !runs(task.phase)) {
            let is_recorded = || !self.engine.look(*id).is_some_and(|look| runs(look.phase));
            self.wait_until(&format!("the end of the run of task {id} is recorded"), is_recorded);
        }
    }

    fn began(&mut self, begun: Begun) {
        self.say(format!("began {} lease {} attempt {}", begun.id, begun.lease, begun.attempt));
        if let Err(why) = self.world.started(begun.id, begun.lease, begun.attempt) {
            self.fail(&why);
        }
        self.runs.insert((begun.id, begun.lease), begun.let_go);
    }

    pub fn ids(&self, counts: impl Fn(&Task) -> bool) -> Vec<i64> {
        self.world.tasks.iter().filter(|(_, task)| counts(task)).map(|(id, _)| *id).collect()
    }

    /// An id that was given out, or may be.
    pub fn any_id(&mut self) -> i64 {
        let last = self.world.last_id;
        let given = &self.world.given;
        given.get(self.random.below(given.len() as u64 + 2) as usize).copied().unwrap_or(last + 1)
    }

    fn some_end(&mut self) -> End {
        // What is asked to stop mostly does.
        if self.world.stage == Stage::Cancelling && self.random.one_in(2) {
            return End::Cancelled;
        }
        match self.random.below(12) {
            0..=3 => End::Done,
            4..=6 => End::Failed,
            7 => End::RetryAfter(1 + self.random.below(60)),
            8 => End::Fatal,
            9 => End::Cancelled,
            _ => End::Pending,
        }
    }

    pub fn submit(&mut self) {
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
        self.say(format!("submit {id:?}: {due:?} {policy:?} limit {limit_ms:?}"));
        self.expect("the id", id, expected);
        // What is due already is ready in a moment: the engine is asked for that moment.
        self.engine.advance(0);
    }

    /// Lets some run go.
    pub fn let_one_go(&mut self) {
        let running = self.ids(Task::has_thread);
        if let Some(id) = self.random.pick(&running) {
            let end = self.some_end();
            self.let_go(id, end);
        }
    }

    /// Lets a run go, and waits until that is recorded.
    pub fn let_go(&mut self, id: i64, end: End) {
        let task = self.world.tasks[&id].clone();
        let end = if task.settled_early.is_some() && end == End::Pending { End::Done } else { end };
        self.say(format!("let go {id} lease {}: {end:?}", task.lease));
        let let_go = self.runs.remove(&(id, task.lease)).expect("it runs");
        let stale_before = self.world.counts.stale_settles;
        let is_closed = self.world.stage == Stage::Closed;
        let_go.send(end).unwrap();
        self.world.returned(id, end);
        let now = self.world.now();
        let is_recorded = || {
            if task.thread || is_closed || task.stalled {
                // Refused, and what it brought is kept; and its replacement stands for it no more.
                let (counts, is) = self.engine.counted();
                let refused = counts.stale_settles > stale_before || !task.thread && !is_closed;
                if !refused || is[4] != now[4] || is_closed && is[2] != now[2] {
                    return false;
                }
            }
            let look = self.engine.look(id).unwrap();
            if task.thread || is_closed {
                let waits = self.world.tasks[&id].due.is_some();
                return !waits || look.run_at_us > 0 || look.phase == Phase::Cancelled;
            }
            look.phase != Phase::Running || look.lease != task.lease
        };
        self.wait_until("a run's end is recorded", is_recorded);
    }

    pub fn wait_until(&self, what: &str, is: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is() {
            if begun.elapsed() > self.patience() {
                self.fail(&format!("{what}: it never came"));
            }
            std::thread::yield_now();
        }
    }

    pub fn cancel(&mut self) {
        let unfinished = self.ids(|task| !task.phase.is_final());
        let id = if self.random.one_in(2) { None } else { self.random.pick(&unfinished) };
        let id = id.unwrap_or_else(|| self.any_id());
        let is = self.engine.cancel(id);
        self.say(format!("cancel {id}: {is:?}"));
        let due = self.world.cancel(id);
        self.expect("the answer to a cancel", is, due);
    }

    pub fn settle(&mut self) {
        let pending = self.ids(|task| matches!(task.phase, Phase::Pending | Phase::Running));
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

    pub fn replay(&mut self) {
        let dead = self.ids(|task| task.phase == Phase::Dead);
        // Of an engine that ends, an id that it does not know may be told either thing.
        let any = self.world.stage == Stage::Open && self.random.one_in(5);
        let Some(id) = (if any { Some(self.any_id()) } else { self.random.pick(&dead) }) else { return };
        let is = self.engine.replay(id);
        self.say(format!("replay {id}: {is:?}"));
        let due = self.world.replay(id);
        self.expect("the answer to a replay", is, due);
    }

    pub fn purge(&mut self) {
        let after = self.any_id() - 1;
        let is = self.engine.purge(after, 1);
        self.say(format!("purge one after {after}: {is}"));
        let due = u64::from(self.world.purge_one_after(after));
        self.expect("what was purged", is, due);
    }

    pub fn advance(&mut self, ms: u64) {
        self.say(format!("advance {ms} ms to {}", self.world.now_ms + ms));
        self.engine.advance(ms);
        self.world.advance(ms);
    }

    /// Some time passes.
    pub fn advance_a_little(&mut self) {
        let ms = 1 + self.random.below(60);
        self.advance(ms);
    }

    pub fn jump(&mut self) {
        let ms = self.random.below(400) as i64 - 200;
        self.say(format!("the clock on the wall jumps {ms} ms"));
        self.engine.jump(ms);
        self.world.jump(ms);
    }

    pub fn can_stall(&self) -> bool {
        self.stalls && self.world.can_stall()
    }

    /// Every run lasts for too long while something waits.
    pub fn stall(&mut self) {
        // The watchdog sees them first.
        self.advance(20);
        self.advance(STALL_MS);
        self.world.stall();
        self.say(format!("{} runs stall", self.world.stalled()));
    }

    pub fn step(&mut self) {
        let unfinished = self.world.tasks.values().filter(|task| !task.phase.is_final()).count();
        if self.can_stall() && self.random.one_in(25) {
            self.stall();
            return self.settle_down();
        }
        match self.random.below(20) {
            0..=4 if unfinished < 30 => self.submit(),
            0..=9 => self.let_one_go(),
            10..=11 => self.settle(),
            12 => self.cancel(),
            13..=15 => self.advance_a_little(),
            16 => self.jump(),
            17 => self.replay(),
            18 => self.purge(),
            _ => {
                self.world.paused = !self.world.paused;
                self.say(format!("paused: {}", self.world.paused));
                self.expect("the answer to a pause", self.engine.pause(self.world.paused), Answer::Ok);
            }
        }
        self.settle_down();
    }

    /// Holds what a killed process would leave to the model. Where that is, if it is anywhere.
    pub fn look_at_what_a_kill_leaves(&self) -> Option<Folder> {
        let begun = Instant::now();
        loop {
            let (left, stored) = self.engine.left_by_a_kill()?;
            let wrong: Vec<_> = stored.iter().filter_map(|task| self.wrong_in_store(task)).collect();
            if wrong.is_empty() && stored.len() == self.world.tasks.len() {
                return Some(left);
            }
            // What nobody waits for may be on its way: that a task waits for its next run.
            if begun.elapsed() > self.patience() {
                self.fail(&format!("{} tasks are stored, due are {}; {wrong:?}", stored.len(), self.world.tasks.len()));
            }
        }
    }

    /// The process is killed, and the next one goes on.
    pub fn kill(&mut self) {
        let Some(left) = self.look_at_what_a_kill_leaves() else { return };
        self.say("the process is killed".to_owned());
        // The old engine has files of its own, and nobody hears of it any more.
        self.engine.shut_down(ShutdownMode::Cancel, Some(0));
        self.runs.clear();
        let (tell, begun) = channel();
        let does = Step { tell: Mutex::new(tell), lasts: self.stalls };
        self.engine = Arc::new(drivers::Rust::new(WORKERS, does, Some(left)));
        self.begun = begun;
        let (id, wall_ms) = begin(&*self.engine);
        self.world.go_on_after_a_kill(wall_ms, id - 1);
        let submitted = self.world.submit(Some(Due::At(1000)), None, None);
        self.expect("the id", Ok(id), submitted);
        self.settle_down();
        // What waits comes in bit by bit.
        let is_in = |(id, task): (&i64, &Task)| self.engine.look(*id).is_some_and(|look| task.is_told_as(look.phase));
        let due = self.world.now();
        let is_all_in = || {
            let (_, now) = self.engine.counted();
            let in_line = self.world.ready_suspects() as u64;
            now[0] == due[0] && now[1] + in_line >= due[1] && self.world.tasks.iter().all(is_in)
        };
        self.wait_until("all that was left is as it was", is_all_in);
    }

    fn wrong_in_store(&self, stored: &StoredTask) -> Option<String> {
        let id = stored.id.value();
        let Some(task) = self.world.tasks.get(&id) else { return Some(format!("task {id} is not known")) };
        let due: &[State] = match task.phase {
            // That the time of a task has come is not written.
            Phase::Ready => &[State::Ready, State::Scheduled],
            // What somebody asked to stop has stopped with the process.
            Phase::Running | Phase::Pending if task.reason && !task.alone => &[State::Cancelled],
            Phase::Running | Phase::Pending => &[State::Ready],
            Phase::Scheduled => &[State::Scheduled],
            Phase::Succeeded => &[State::Succeeded],
            Phase::Dead => &[State::Dead],
            Phase::Cancelled => &[State::Cancelled],
        };
        let is_right = due.contains(&stored.state) && i64::from(stored.claims) == task.lease;
        // A run that nobody knows the end of counts as no attempt.
        let is_away = task.thread || matches!(task.phase, Phase::Running | Phase::Pending);
        let attempts = i64::from(stored.claims) - i64::from(stored.uncounted);
        let has_attempts = is_away || attempts == task.attempt();
        let runs = matches!(task.phase, Phase::Running | Phase::Pending);
        let crashes = task.crashes + u32::from(runs);
        let has_crashes = stored.state.is_final() || stored.crashes == crashes;
        let stood = (stored.state, stored.claims, attempts, stored.crashes);
        (!is_right || !has_attempts || !has_crashes).then(|| {
            let due = (task.phase, task.lease, task.attempt(), crashes);
            format!("task {id} is {stood:?}, due is {due:?}: its state, lease, attempt and crashes")
        })
    }

    /// Holds every task and every counter to the model.
    pub fn look(&self) {
        for (id, task) in &self.world.tasks {
            let Some(look) = self.engine.look(*id) else { self.fail(&format!("task {id} is not known")) };
            let phase = if task.is_told_as(look.phase) { task.phase } else { look.phase };
            let is = (phase, look.lease, look.attempt);
            self.expect(&format!("task {id}"), is, (task.phase, task.lease, task.attempt()));
            if matches!(task.phase, Phase::Running | Phase::Pending) {
                self.expect(&format!("whether task {id} is asked to stop"), look.asked, task.asked);
            }
        }
        let (is, mut is_now) = self.engine.counted();
        self.expect("the counters", is, self.world.counts.clone());
        let now = self.world.now();
        // Those that stand in line in the store are not counted.
        let not_counted = now[1].saturating_sub(is_now[1]);
        if not_counted <= self.world.ready_suspects() as u64 {
            is_now[1] += not_counted;
        }
        self.expect("how many are scheduled, ready, running, pending, stalled", is_now, now);
    }
}

impl Drop for History {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nobody settles what is pending any more: it is not waited for.
            self.engine.shut_down(ShutdownMode::Cancel, Some(0));
        }
    }
}
