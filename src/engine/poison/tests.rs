//! An engine in which all kinds of things wait, for a panic at each of the places.

use super::on_purpose::{arm, at, text, Who};
use super::Place;
use crate::alloc::Text;
use crate::engine::intake::Phase;
use crate::engine::moves::Watch;
use crate::engine::wait::WaitSlot;
use crate::engine::{
    Engine, Event, EventKind, Handler, LogRecord, Observer, ShutdownMode, ShutdownReport, TaskContext,
};
use crate::error::{Error, Result};
use crate::options::{EngineOptions, LogFilter, LogLevel, QueueOptions, StoreKind, WhenFull};
use crate::sync::{Arc as OurArc, Ordering};
use crate::task::{Lease, Outcome, State, Submission, TaskId, TaskStatus};
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than any step takes on a loaded machine; reached only by a failing test.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0 .0.lock().unwrap() = true;
        self.0 .1.notify_all();
    }

    fn wait(&self) {
        let (open, changed) = &*self.0;
        drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
    }
}

/// Counted as it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Held {
    running: Sender<TaskId>,
    gate: Gate,
    outcome: Outcome,
    _dropped: Counted,
}

impl Handler for Held {
    fn run(&self, task: &TaskContext<'_>) -> Outcome {
        self.running.send(task.id()).unwrap();
        self.gate.wait();
        self.outcome.clone()
    }
}

struct Listener {
    wants_events: bool,
    ended: Sender<(TaskId, Option<State>)>,
    logs: Sender<String>,
    events: Sender<(Option<TaskId>, EventKind)>,
    _dropped: Counted,
}

impl Observer for Listener {
    fn wants_events(&self) -> bool {
        self.wants_events
    }

    fn wants_ends(&self) -> bool {
        true
    }

    fn ended(&self, id: TaskId, _: Lease, state: Option<State>) {
        let _ = self.ended.send((id, state));
    }

    fn events(&self, events: &[Event]) {
        for event in events {
            let _ = self.events.send((event.task_id, event.kind));
        }
    }

    fn logs(&self, records: &[LogRecord]) {
        records.iter().for_each(|record| drop(self.logs.send(record.message.to_string())));
    }
}

/// Runs something that must come back.
fn within_limit<R: Send + 'static>(what: &str, body: impl FnOnce() -> R + Send + 'static) -> R {
    later(body).recv_timeout(LIMIT).unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn later<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> Receiver<R> {
    let (done, result) = channel();
    thread::spawn(move || drop(done.send(body())));
    result
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = std::time::Instant::now() + LIMIT;
    while !holds() {
        assert!(std::time::Instant::now() < end, "{what}");
        thread::yield_now();
    }
}

fn task(name: &str) -> Submission<'_> {
    Submission::new(name, b"x")
}

/// Its workers are not replaced, however long the runs wait here: a replacement would take what is to stay queued.
fn queue(workers: u32) -> QueueOptions {
    QueueOptions { workers: Some(workers), stall_threshold: Duration::from_secs(3600), ..QueueOptions::default() }
}

/// An engine in which all kinds of things wait.
struct World {
    engine: Arc<Engine>,
    /// Opened: "held" goes on.
    gate: Gate,
    /// Opened: "other" goes on.
    other_gate: Gate,
    running: Receiver<TaskId>,
    ended: Receiver<(TaskId, Option<State>)>,
    logs: Receiver<String>,
    events: Receiver<(Option<TaskId>, EventKind)>,
    handlers_dropped: Arc<AtomicUsize>,
    observer_dropped: Arc<AtomicUsize>,
    /// It runs, and everybody waits for it.
    held: TaskId,
    pending: TaskId,
    /// Runs in a queue of its own, with one behind it.
    other: TaskId,
    behind: TaskId,
    waited: Receiver<Result<TaskStatus>>,
    watched: Receiver<Result<()>>,
    room: Receiver<Result<TaskId>>,
}

const HANDLERS: usize = 4;

impl World {
    fn new(wants_events: bool) -> Self {
        let (handlers_dropped, observer_dropped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let ((tell_end, ended), (tell_log, logs), (tell_event, events)) = (channel(), channel(), channel());
        let options =
            EngineOptions { workers: Some(1), log_level: LogFilter::UpTo(LogLevel::Error), ..EngineOptions::default() };
        let listener = Listener {
            wants_events,
            ended: tell_end,
            logs: tell_log,
            events: tell_event,
            _dropped: Counted(observer_dropped.clone()),
        };
        let engine = Arc::new(Engine::start_observed(options, listener).unwrap());
        let (says, running) = channel();
        let (gate, other_gate, open) = (Gate::default(), Gate::default(), Gate::default());
        open.open();
        for (name, gate, outcome) in [
            ("held", &gate, Outcome::Done),
            ("other", &other_gate, Outcome::Done),
            ("quick", &open, Outcome::Done),
            ("pend", &open, Outcome::Pending),
        ] {
            let dropped = Counted(handlers_dropped.clone());
            let handler = Held { running: says.clone(), gate: gate.clone(), outcome, _dropped: dropped };
            engine.register(name, handler).unwrap();
        }
        engine.configure_queue("held", queue(1)).unwrap();
        engine.configure_queue("other", queue(1)).unwrap();
        let full = QueueOptions { capacity: 1, when_full: WhenFull::Wait(None), ..queue(1) };
        engine.configure_queue("full", full).unwrap();

        let begun = |name, queue| {
            let id = engine.submit(&task(name).queue(queue)).unwrap();
            assert_eq!(running.recv_timeout(LIMIT), Ok(id));
            id
        };
        let pending = begun("pend", "default");
        until("it is pending", || engine.status(pending).is_some_and(|status| status.state == State::Pending));
        let (held, other) = (begun("held", "held"), begun("other", "other"));
        let behind = engine.submit(&task("quick").queue("other")).unwrap();
        begun("held", "full");
        engine.submit(&task("quick").queue("full")).unwrap();

        let (tell, watched) = channel();
        engine.watch(held, move |_, end| tell.send(end).unwrap()).unwrap();
        for id in [held, behind] {
            assert_eq!(engine.tell_end(id), Ok(None));
        }
        let waiting = engine.clone();
        let waited = later(move || waiting.wait(held, None));
        let waiting = engine.clone();
        let room = later(move || waiting.submit(&task("quick").queue("full")));
        let inner = &engine.inner;
        until("both wait for the end", || {
            inner.extras.lock().tasks.get(&held).is_some_and(|extra| extra.watches.len() == 2)
        });
        let full = inner.intake.0.lock().find_queue("full").unwrap();
        until("it waits for room", || inner.queues.get(full).waiting_for_room.load(Ordering::SeqCst) > 0);
        Self {
            engine,
            gate,
            other_gate,
            running,
            ended,
            logs,
            events,
            handlers_dropped,
            observer_dropped,
            held,
            pending,
            other,
            behind,
            waited,
            watched,
            room,
        }
    }

    fn arm_threads(&self, place: Place) {
        self.engine.arm_threads(place);
    }

    fn shutdown(&self, mode: ShutdownMode, limit: Option<Duration>) -> Receiver<Result<ShutdownReport>> {
        let engine = self.engine.clone();
        later(move || engine.shutdown(mode, limit))
    }

    /// Whoever waits is told, once.
    fn check_told(&self, expected: Option<&Error>) {
        let is_expected = |error: Option<&Error>| match expected {
            Some(_) => error == expected,
            None => matches!(error, Some(Error::Panic(_) | Error::ShutdownIncomplete(_) | Error::ShuttingDown)),
        };
        let waited = self.waited.recv_timeout(LIMIT).expect("who waits is told");
        assert!(is_expected(waited.as_ref().err()), "{waited:?}");
        let watched = self.watched.recv_timeout(LIMIT).expect("who watches is told");
        assert!(is_expected(watched.as_ref().err()), "{watched:?}");
        let room = self.room.recv_timeout(LIMIT).expect("who waits for room is told");
        assert!(is_expected(room.as_ref().err()), "{room:?}");
        let mut ends = Vec::new();
        while !(ends.contains(&self.held) && ends.contains(&self.behind)) {
            let (id, state) = self.ended.recv_timeout(LIMIT).expect("who asked for an end is told");
            assert!(!ends.contains(&id), "{id} is told twice");
            assert!(id != self.held || state.is_none(), "{state:?}");
            ends.push(id);
        }
    }

    fn check_refuses(&self, error: &Error) {
        let engine = &self.engine;
        let broken = Some(error);
        assert_eq!(engine.submit(&task("quick")).as_ref().err(), broken);
        assert_eq!(engine.submit_many(&[task("quick")]).as_ref().err(), broken);
        assert_eq!(engine.task_number("quick").as_ref().err(), broken);
        assert_eq!(engine.register("more", |_: &TaskContext<'_>| ()).as_ref().err(), broken);
        assert_eq!(engine.configure_queue("more", queue(1)).as_ref().err(), broken);
        assert_eq!(engine.cancel(self.held, "").as_ref().err(), broken);
        assert_eq!(engine.settle(self.pending, Lease::new(1), Outcome::Done).as_ref().err(), broken);
        assert_eq!(engine.wait(self.held, None).as_ref().err(), broken);
        assert_eq!(engine.watch(self.held, |_, _| unreachable!()).as_ref().err(), broken);
        assert_eq!(engine.tell_end(self.held).as_ref().err(), broken);
        assert_eq!(engine.payload(self.behind).as_ref().err(), broken);
        // What looks only still does.
        assert_eq!(engine.status(self.held).unwrap().state, State::Running);
        assert_eq!(engine.wait(self.held, Some(Duration::ZERO)).unwrap().state, State::Running);
        assert!(engine.statistics().unwrap().engine.accepted >= 6);
    }

    /// Ends what runs and the engine. `left`: what a shutdown that is not limited names.
    fn end(self, mode: ShutdownMode, left: &[TaskId]) {
        self.gate.open();
        self.other_gate.open();
        let report = self.shutdown(mode, None).recv_timeout(LIMIT).expect("a shutdown ends").unwrap();
        let named: Vec<_> = report.running.iter().map(|left| left.id).collect();
        assert_eq!((named.as_slice(), report.unnamed, report.observer_stuck), (left, 0, false));
        assert_eq!(self.handlers_dropped.load(Ordering::SeqCst), HANDLERS, "handlers are released, once");
        assert_eq!(self.observer_dropped.load(Ordering::SeqCst), 1, "the observer is released, once");
        assert_eq!(self.engine.inner.threads.lock().living.len(), 0);
        let Self { engine, watched, ended, running, .. } = self;
        let again = engine.clone();
        let report = within_limit("a second shutdown", move || again.shutdown(mode, None).unwrap());
        assert!(report.is_complete());
        until("who waited has come back", || Arc::strong_count(&engine) == 1);
        let engine = Arc::into_inner(engine).unwrap();
        within_limit("the free", move || drop(engine));
        assert_eq!(watched.try_iter().count(), 0, "a watcher is called once");
        assert_eq!(ended.try_iter().count(), 0, "an end is told once");
        let mut ran: Vec<_> = running.try_iter().collect();
        let runs = ran.len();
        ran.dedup();
        assert_eq!(ran.len(), runs, "a task runs once");
    }
}

fn on_purpose(place: Place) -> Error {
    Error::Panic(Text::say(format_args!("{}", text(place))))
}

const MODES: [ShutdownMode; 2] = [ShutdownMode::Drain, ShutdownMode::Cancel];

mod guarantees;
