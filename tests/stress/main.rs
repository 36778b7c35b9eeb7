//! Everything at once, from several threads, and a shutdown in the midst of it: what was accepted ends exactly once.
//!
//! Rounds go on for about 8 seconds, or for BACKRUN_STRESS_SECONDS. Each prints its seed; BACKRUN_STRESS_SEED begins with
//! that one. `cargo xtask torture` lets them go on for minutes.

mod actors;
mod called;
#[path = "../common/random.rs"]
mod random;

use actors::{act, ask_for_end, queue, settle, submit};
use backrun::{
    CancelResult, Engine, EngineOptions, Error, Event, EventKind, Failure, Handler, Lease, Observer, Outcome, Priority,
    QueueName, QueueOptions, Retention, ShutdownMode, ShutdownReport, State, Submission, TaskContext, TaskId,
    TaskOptions, WhenFull,
};
use called::{Listener, Runner};
use random::Random;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any step takes on a loaded machine under a sanitizer; reached only by a failing test.
const LONG: Duration = Duration::from_secs(60);
/// The most submissions of a round.
const MOST: usize = 40_000;
/// The tests of this file count the threads of the program.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
const ACTORS: usize = 3;
const SETTLERS: usize = 2;

const NAMES: [&str; 6] = ["fine", "fail", "throw", "slow", "pend", "parent"];
const QUEUES: [&str; 4] = ["default", "limited", "dropping", "waiting"];
/// The most runs of the queue "limited" at one time, whatever a reconfiguration says.
const LIMIT: u64 = 2;

/// What is known of one submission. Its index travels in the payload.
#[derive(Default)]
struct Fact {
    name: AtomicUsize,
    length: AtomicUsize,
    /// 0: no answer yet; -1: refused; else the id.
    id: AtomicI64,
    runs: AtomicU32,
    /// Settles that were taken.
    settled: AtomicU32,
    /// 0: none seen yet; else the number of the final state.
    end: AtomicU32,
    watches: AtomicU32,
    heard: AtomicU32,
    /// How often somebody was promised to be told of the end.
    promised: AtomicU32,
}

/// What the events tell of one id.
#[derive(Default)]
struct Told {
    accepted: AtomicU32,
    started: AtomicU32,
    ended: AtomicU32,
    abandoned: AtomicU32,
    /// The index and one more, written by those who ask for the end before they ask.
    asked_by: AtomicUsize,
    /// Calls of `Observer::ended`.
    ends: AtomicU32,
}

struct World {
    seed: u64,
    ending: Ending,
    facts: Vec<Fact>,
    used: AtomicUsize,
    told: Vec<Told>,
    events_lost: AtomicU64,
    refused: AtomicU64,
    running_limited: AtomicU64,
    handlers_dropped: AtomicUsize,
    observer_dropped: AtomicBool,
    engine: OnceLock<Weak<Engine>>,
    /// The shutdown has begun: actors go on for a moment.
    is_ending: AtomicBool,
    /// Who holds the engine for a moment has done with it. The thread sanitizer does not see the fence by which `Arc::try_unwrap`
    /// comes after that.
    used_engine: AtomicUsize,
    /// Nobody will settle any more.
    over: AtomicBool,
    pending: Pending,
    /// What went wrong where a panic would be caught: in handlers and callbacks.
    wrong: OnceLock<String>,
}

/// Runs to be settled: index, id and lease. A ring that needs no lock, so that a race detector sees through it.
struct Pending {
    slots: Vec<[AtomicI64; 3]>,
    begin: AtomicUsize,
    end: AtomicUsize,
}

impl Pending {
    fn push(&self, index: usize, id: TaskId, lease: Lease) {
        let slot = &self.slots[self.end.fetch_add(1, SeqCst)];
        slot[0].store(index as i64, SeqCst);
        slot[1].store(id.value(), SeqCst);
        // Last: it says that the others are there.
        slot[2].store(lease.value(), SeqCst);
    }

    fn pop(&self) -> Option<(usize, TaskId, Lease)> {
        let at = self.begin.load(SeqCst);
        let slot = self.slots.get(at)?;
        let lease = slot[2].load(SeqCst);
        if lease == 0 || self.begin.compare_exchange(at, at + 1, SeqCst, SeqCst).is_err() {
            return None;
        }
        let id = TaskId::new(slot[1].load(SeqCst)).unwrap();
        Some((slot[0].load(SeqCst) as usize, id, Lease::new(lease)))
    }
}

impl World {
    fn new(seed: u64, ending: Ending) -> Arc<Self> {
        let slot = || [AtomicI64::new(0), AtomicI64::new(0), AtomicI64::new(0)];
        Arc::new(Self {
            seed,
            ending,
            facts: (0..MOST).map(|_| Fact::default()).collect(),
            used: AtomicUsize::new(0),
            told: (0..=MOST).map(|_| Told::default()).collect(),
            events_lost: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            running_limited: AtomicU64::new(0),
            handlers_dropped: AtomicUsize::new(0),
            observer_dropped: AtomicBool::new(false),
            engine: OnceLock::new(),
            is_ending: AtomicBool::new(false),
            used_engine: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            pending: Pending {
                slots: (0..MOST).map(|_| slot()).collect(),
                begin: AtomicUsize::new(0),
                end: AtomicUsize::new(0),
            },
            wrong: OnceLock::new(),
        })
    }

    fn expect(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            let _ = self.wrong.set(what());
        }
    }

    /// A new submission's index; `None` once there are enough.
    fn begin(&self, name: usize, length: usize) -> Option<usize> {
        let index = self.used.fetch_add(1, SeqCst);
        let fact = self.facts.get(index)?;
        fact.name.store(name, SeqCst);
        fact.length.store(length, SeqCst);
        Some(index)
    }

    fn payload(index: usize, length: usize) -> Vec<u8> {
        let mut payload = (index as u64).to_le_bytes().to_vec();
        payload.resize(8 + length, index as u8);
        payload
    }

    fn index_of(payload: &[u8]) -> usize {
        u64::from_le_bytes(payload[..8].try_into().unwrap()) as usize
    }

    fn accepted(&self, index: usize, id: TaskId) {
        self.facts[index].id.store(id.value(), SeqCst);
    }

    fn was_refused(&self, index: usize, error: &Error) {
        let known = matches!(error, Error::QueueFull { .. } | Error::ShuttingDown | Error::WouldDeadlock { .. });
        self.expect(known, || format!("a submit failed: {error}"));
        self.facts[index].id.store(-1, SeqCst);
        self.refused.fetch_add(1, SeqCst);
    }

    /// A submission of this or an earlier moment that was accepted.
    fn some_accepted(&self, random: &mut Random) -> Option<(usize, TaskId)> {
        let used = self.used.load(SeqCst).min(MOST) as u64;
        if used == 0 {
            return None;
        }
        // Mostly one of the latest: those are still on their way.
        let back = random.one_of(&[1, 8, 64, used]).min(used);
        let index = (used - 1 - random.below(back)) as usize;
        let id = self.facts[index].id.load(SeqCst);
        TaskId::new(id).ok().map(|id| (index, id))
    }

    /// A state that somebody saw: a final one never changes.
    fn saw(&self, index: usize, state: State) {
        if state.is_final() {
            let end = self.facts[index].end.compare_exchange(0, state as u32 + 1, SeqCst, SeqCst);
            self.expect(end.is_ok() || end == Err(state as u32 + 1), || {
                format!("{index} was {end:?} and then {state:?}")
            });
        }
    }
}

/// All threads of this program. By name would not do: a new one has its maker's until it runs.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// [`threads`], once those that are on their way out are gone.
fn settled_threads() -> usize {
    loop {
        let before = threads();
        thread::sleep(Duration::from_millis(100));
        if threads() == before {
            return before;
        }
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Drain,
    Cancel,
    DrainAtOnce,
    CancelAtOnce,
    Soon,
    Both,
    Close,
    Abandon,
}

const ENDINGS: [Ending; 8] = [
    Ending::Drain,
    Ending::Cancel,
    Ending::DrainAtOnce,
    Ending::CancelAtOnce,
    Ending::Soon,
    Ending::Both,
    Ending::Close,
    Ending::Abandon,
];

/// How many were accepted, and how many ran.
fn round(seed: u64, threads_before: usize) -> (u64, u64) {
    let mut random = Random(seed);
    let ending = random.one_of(&ENDINGS);
    let world = World::new(seed, ending);
    let keeps_all = random.below(2) == 0;
    let mut options = EngineOptions::default();
    options.workers = Some(1 + random.below(3) as u32);
    if !keeps_all {
        options.keep_finished = Retention::Newest(random.below(200) as usize);
        options.keep_dead = Retention::Newest(random.below(20) as usize);
    } else {
        options.keep_finished = Retention::Newest(MOST);
        options.keep_dead = Retention::Newest(MOST);
    }
    options.observer_capacity = Some(10_000_000);
    options.default_queue = queue("default", &mut random);
    let observed = random.below(2) == 0;
    let listener = Listener { world: world.clone(), wants_events: observed };
    let engine = Arc::new(Engine::start_observed(options, Arc::new(listener)).unwrap());
    world.engine.set(Arc::downgrade(&engine)).unwrap();
    for name in &QUEUES[1..] {
        engine.configure_queue(name, queue(name, &mut random)).unwrap();
    }
    for (number, name) in NAMES.iter().enumerate() {
        let mut task_options = TaskOptions::default();
        task_options.queue = Some(QueueName::new(random.one_of(&QUEUES)).unwrap());
        let runner = || Runner { name: number, world: world.clone() };
        engine.register_with(name, task_options, runner).unwrap();
    }
    let start = |body: Box<dyn FnOnce(Random) + Send>, random: &mut Random| {
        let random = Random(random.next());
        thread::spawn(move || body(random))
    };
    let actors: Vec<_> = (0..ACTORS)
        .map(|_| {
            let (world, engine) = (world.clone(), engine.clone());
            start(Box::new(move |random| act(&world, &engine, random)), &mut random)
        })
        .collect();
    let settlers: Vec<_> = (0..SETTLERS)
        .map(|_| {
            let (world, engine) = (world.clone(), Arc::downgrade(&engine));
            start(Box::new(move |random| settle(&world, &engine, random)), &mut random)
        })
        .collect();

    let most = random.one_of(&[1000, 30_000]);
    thread::sleep(Duration::from_micros(random.below(most)));
    println!("seed {seed}: {ending:?}, keeps all: {keeps_all}, observed: {observed}");
    world.is_ending.store(true, SeqCst);
    let kept = end(&world, ending, engine, actors);
    // What was left running comes back, and then no thread is left.
    if let Some(engine) = &kept {
        let report = engine.shutdown(ShutdownMode::Cancel, Some(LONG)).unwrap();
        assert!(report.is_complete(), "{report:?}");
    }
    wait_until("threads of the engine are left", || threads() <= threads_before + SETTLERS);
    wait_until("the observer is not released", || world.observer_dropped.load(SeqCst));
    wait_until("handlers are not released", || world.handlers_dropped.load(SeqCst) == NAMES.len());
    world.over.store(true, SeqCst);
    for settler in settlers {
        settler.join().unwrap();
    }
    check(&world, kept.as_deref(), keeps_all, observed, ending)
}

/// Ends the engine in one of the ways. It comes back where that way leaves it.
fn end(world: &World, ending: Ending, engine: Arc<Engine>, actors: Vec<thread::JoinHandle<()>>) -> Option<Arc<Engine>> {
    let shutdown = |mode, limit| engine.shutdown(mode, Some(limit)).unwrap();
    let complete =
        |report: ShutdownReport| assert!(report.is_complete(), "{report:?} {:?}", engine.statistics().unwrap());
    match ending {
        Ending::Drain => complete(shutdown(ShutdownMode::Drain, LONG)),
        Ending::Cancel => complete(shutdown(ShutdownMode::Cancel, LONG)),
        Ending::DrainAtOnce => drop(shutdown(ShutdownMode::Drain, Duration::ZERO)),
        Ending::CancelAtOnce => drop(shutdown(ShutdownMode::Cancel, Duration::ZERO)),
        Ending::Soon => drop(shutdown(ShutdownMode::Drain, Duration::from_millis(2))),
        Ending::Both => {
            let other = engine.clone();
            let other = thread::spawn(move || other.shutdown(ShutdownMode::Drain, Some(LONG)).unwrap());
            complete(shutdown(ShutdownMode::Cancel, LONG));
            complete(other.join().unwrap());
        }
        Ending::Close | Ending::Abandon => {}
    }
    for actor in actors {
        actor.join().unwrap();
    }
    if !matches!(ending, Ending::Close | Ending::Abandon) {
        return Some(engine);
    }
    let mut engine = engine;
    loop {
        // A run or a settler may hold it for a moment.
        let unwrapped = Arc::try_unwrap(engine);
        world.used_engine.load(SeqCst);
        match unwrapped {
            Ok(owned) if ending == Ending::Close => owned.close(),
            Ok(owned) => owned.abandon(),
            Err(shared) => {
                engine = shared;
                thread::yield_now();
                continue;
            }
        }
        return None;
    }
}

fn check(world: &World, engine: Option<&Engine>, keeps_all: bool, observed: bool, ending: Ending) -> (u64, u64) {
    assert_eq!(world.wrong.get(), None);
    let used = world.used.load(SeqCst).min(MOST);
    let facts = &world.facts[..used];
    let mut ids: Vec<_> = facts
        .iter()
        .map(|fact| fact.id.load(SeqCst))
        .inspect(|id| assert_ne!(*id, 0, "a submit has not returned"))
        .filter(|id| *id > 0)
        .collect();
    ids.sort_unstable();
    assert!(ids.iter().copied().eq(1..=ids.len() as i64), "ids are given without gaps");
    for (index, fact) in facts.iter().enumerate() {
        let (id, runs) = (fact.id.load(SeqCst), fact.runs.load(SeqCst));
        assert_eq!(fact.heard.load(SeqCst), fact.watches.load(SeqCst), "{index}: each watch is told once");
        assert!(fact.settled.load(SeqCst) <= 1, "{index} was settled twice");
        let (promised, ends) = (fact.promised.load(SeqCst), world.told[id.max(0) as usize].ends.load(SeqCst));
        assert_eq!(ends, promised.min(1), "{index} (task {id}): calls for an end that {promised} were promised");
        if id < 0 {
            assert_eq!(runs, 0, "{index} was refused and ran");
            continue;
        }
        if observed {
            let told = &world.told[id as usize];
            let ends = (told.ended.load(SeqCst), told.abandoned.load(SeqCst));
            assert_eq!(told.accepted.load(SeqCst), 1);
            // Of a run that was given up as it began, nobody may be left to be told that it did.
            let started = told.started.load(SeqCst);
            let unsaid = u32::from(ends.0 == 0);
            assert!(
                started <= runs && runs <= started + unsaid,
                "{index} (task {id}) ran {runs} times and was told to start {started} times: {ends:?}"
            );
            // An abandoned engine does not wait for the worker that puts a task back at the last moment, to tell of it.
            let untold = ending == Ending::Abandon && runs == 0 && ends == (0, 0);
            assert!(
                untold || matches!(ends, (1, 0) | (0, 1)),
                "{index} (task {id}, {runs} runs) ended and was abandoned {ends:?} times"
            );
        }
        let Some(engine) = engine.filter(|_| keeps_all) else {
            continue;
        };
        let status = engine.status(TaskId::new(id).unwrap()).expect("it is kept");
        world.saw(index, status.state);
        let name = NAMES[fact.name.load(SeqCst)];
        let possible = match status.state {
            State::Succeeded => runs == 1 && !["fail", "throw"].contains(&name),
            State::Dead => runs == 1 && ["fail", "throw", "pend"].contains(&name),
            State::Dropped => runs == 0,
            State::Cancelled => true,
            // Abandoned.
            State::Running | State::Pending => true,
            state => panic!("{index} is still {state:?}"),
        };
        assert!(possible, "{index} ('{name}') is {:?} after {runs} runs", status.state);
    }
    assert_eq!(world.events_lost.load(SeqCst), 0);
    let accepted = ids.len() as u64;
    let runs: u64 = facts.iter().map(|fact| u64::from(fact.runs.load(SeqCst))).sum();
    let Some(engine) = engine else { return (accepted, runs) };
    let all = engine.statistics().unwrap().engine;
    let ended = all.succeeded + all.dead + all.cancelled + all.dropped + all.abandoned;
    assert_eq!((all.accepted, ended), (accepted, accepted), "{all:?}");
    assert_eq!(all.refused, world.refused.load(SeqCst), "{all:?}");
    assert_eq!((all.ready, all.ready_bytes, all.running), (0, 0, 0), "{all:?}");
    assert_eq!((all.pending, all.workers, all.idle_workers), (0, 0, 0), "{all:?}");
    assert_eq!(all.started, runs, "{all:?}");
    (accepted, runs)
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}

fn stress_time() -> Duration {
    Duration::from_secs(variable("BACKRUN_STRESS_SECONDS").unwrap_or(8))
}

/// The moment between a worker's taking of a task and its start: many short lives.
#[test]
fn a_task_that_a_worker_takes_at_the_last_moment_ends_too() {
    let _alone = ONE_AT_A_TIME.lock();
    let end = std::env::var_os("BACKRUN_TORTURE").map(|_| Instant::now() + stress_time());
    let mut round = 0;
    while round < 1500 || end.is_some_and(|end| Instant::now() < end) {
        round += 1;
        let mut options = EngineOptions::default();
        options.workers = Some(3);
        let engine = Engine::start(options).unwrap();
        engine.register("fine", |_: &TaskContext<'_>| thread::yield_now()).unwrap();
        let accepted = 1 + round % 60;
        for _ in 0..accepted {
            engine.submit(&Submission::new("fine", b"")).unwrap();
        }
        let left = engine.shutdown(ShutdownMode::Cancel, Some(Duration::ZERO)).unwrap().running;
        let all = engine.statistics().unwrap().engine;
        let ended = all.succeeded + all.cancelled + all.abandoned;
        assert_eq!((ended, all.abandoned), (accepted, left.len() as u64), "{all:?}");
        for id in 1..=accepted as i64 {
            let id = TaskId::new(id).unwrap();
            let state = engine.status(id).unwrap().state;
            assert!(state.is_final() || left.iter().any(|run| run.id == id), "{id} is {state:?}");
        }
    }
}

#[test]
fn whatever_happens_at_once_what_was_accepted_ends_exactly_once() {
    let _alone = ONE_AT_A_TIME.lock();
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut seed = variable("BACKRUN_STRESS_SEED").unwrap_or(clock.as_micros() as u64 % 1_000_000_000_000);
    let end = Instant::now() + stress_time();
    let beat = Arc::new(AtomicU64::new(seed));
    watch_for_a_hang(&beat);
    let threads_before = settled_threads();
    let (mut rounds, mut accepted, mut runs) = (0, 0, 0);
    while Instant::now() < end {
        let done = round(seed, threads_before);
        seed += 1;
        rounds += 1;
        accepted += done.0;
        runs += done.1;
        beat.store(seed, SeqCst);
    }
    beat.store(u64::MAX, SeqCst);
    println!("{rounds} rounds, {accepted} tasks accepted, {runs} runs");
}

/// Ends the program where a round takes far too long: a thread that waits for ever would hide its seed.
fn watch_for_a_hang(beat: &Arc<AtomicU64>) {
    let beat = beat.clone();
    thread::spawn(move || {
        let mut last = (beat.load(SeqCst), Instant::now());
        loop {
            thread::sleep(Duration::from_millis(200));
            let now = beat.load(SeqCst);
            if now == u64::MAX {
                return;
            }
            if now != last.0 {
                last = (now, Instant::now());
            } else if last.1.elapsed() > LONG * 3 {
                eprintln!("the round hangs: BACKRUN_STRESS_SEED={now}");
                std::process::abort();
            }
        }
    });
}
