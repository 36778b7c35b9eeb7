//! What the tests of the engine share: gates instead of sleeps, and observers that remember.
#![allow(dead_code, reason = "no one test uses all of it")]

pub mod folder;
pub mod locks;
pub mod random;

use backrun::{Engine, EngineOptions, Event, EventKind, LogRecord, Observer, QueueOptions, State, TaskContext, TaskId};
use locks::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any step takes on a loaded machine; reached only by a failing test.
pub const LONG: Option<Duration> = Some(Duration::from_secs(30));

pub const MS: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(3600);

/// Opened once; whoever waits goes on.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0 .0.lock().unwrap() = true;
        self.0 .1.notify_all();
    }

    pub fn wait(&self) {
        let (open, changed) = &*self.0;
        let (guard, out_of_time) =
            changed.wait_timeout_while(open.lock().unwrap(), LONG.unwrap(), |open| !*open).unwrap();
        drop(guard);
        assert!(!out_of_time.timed_out(), "nobody opened the gate");
    }
}

/// A list that several threads append to, and that can be waited for.
#[derive(Clone)]
pub struct Seen<T>(Arc<(Mutex<Vec<T>>, Condvar)>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Seen<T> {
    pub fn push(&self, item: T) {
        self.0 .0.lock().unwrap().push(item);
        self.0 .1.notify_all();
    }

    pub fn all(&self) -> Vec<T> {
        self.0 .0.lock().unwrap().clone()
    }

    pub fn wait_for(&self, what: impl Fn(&[T]) -> bool) -> Vec<T> {
        let (list, changed) = &*self.0;
        let (guard, out_of_time) =
            changed.wait_timeout_while(list.lock().unwrap(), LONG.unwrap(), |list| !what(list)).unwrap();
        assert!(!out_of_time.timed_out(), "what was waited for never came");
        guard.clone()
    }
}

/// Remembers all events and log records.
#[derive(Clone, Default)]
pub struct Recorder {
    pub events: Seen<Event>,
    pub logs: Seen<LogRecord>,
}

impl Observer for Recorder {
    fn events(&self, events: &[Event]) {
        events.iter().for_each(|event| self.events.push(event.clone()));
    }

    fn logs(&self, records: &[LogRecord]) {
        records.iter().for_each(|record| self.logs.push(record.clone()));
    }
}

impl Recorder {
    pub fn kinds(&self) -> Vec<EventKind> {
        self.events.all().iter().map(|event| event.kind).collect()
    }
}

pub fn options(workers: u32) -> EngineOptions {
    let mut options = EngineOptions::default();
    options.workers = Some(workers);
    options
}

pub fn engine(workers: u32) -> Engine {
    Engine::start(options(workers)).unwrap()
}

pub fn observed(workers: u32) -> (Engine, Recorder) {
    let recorder = Recorder::default();
    let engine = Engine::start_observed(options(workers), Arc::new(recorder.clone())).unwrap();
    (engine, recorder)
}

pub fn queue() -> QueueOptions {
    QueueOptions::default()
}

/// Registers a handler named `block` that says when it runs and then waits for the gate.
pub fn blocker(engine: &Engine) -> (Seen<i64>, Gate) {
    let (running, gate) = (Seen::default(), Gate::default());
    let (seen, wait) = (running.clone(), gate.clone());
    engine
        .register("block", move |task: &TaskContext<'_>| {
            seen.push(task.id().value());
            wait.wait();
        })
        .unwrap();
    (running, gate)
}

/// An engine whose clock the test sets.
pub fn manual(workers: u32) -> (Engine, Recorder) {
    let mut options = options(workers);
    options.manual_time = true;
    let recorder = Recorder::default();
    (Engine::start_observed(options, Arc::new(recorder.clone())).unwrap(), recorder)
}

/// Registers `note`, which notes the ids of what ran.
pub fn noting(engine: &Engine) -> Seen<i64> {
    let ran = Seen::default();
    let seen = ran.clone();
    engine.register("note", move |task: &TaskContext<'_>| seen.push(task.id().value())).unwrap();
    ran
}

pub fn state(engine: &Engine, id: TaskId) -> State {
    engine.status(id).unwrap().state
}

/// The state in which a task ends.
pub fn ended(engine: &Engine, id: TaskId) -> State {
    engine.wait(id, LONG).unwrap().state
}

pub fn wait_until(engine: &Engine, id: TaskId, wanted: State) {
    // A run ends on its worker: nothing tells of its end while it is not final but an event.
    while state(engine, id) != wanted {
        std::thread::yield_now();
    }
}
