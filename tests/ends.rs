//! Being told of the ends of tasks that somebody asked for (`Engine::tell_end`, `Observer::ended`).

mod common;

use backrun::{
    CancelResult, Engine, EngineOptions, Error, Failure, Lease, Observer, Outcome, Retention, ShutdownMode, State,
    Submission, TaskContext, TaskId, WhenFull,
};
use common::locks::Mutex;
use common::{blocker, options, queue, wait_until, Gate, Seen, LONG};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

type Told = (TaskId, i64, Option<State>);

/// Called at the end, before it is remembered.
type Then = Box<dyn Fn(&Engine, Told) + Send + Sync>;

struct Ears {
    told: Seen<(Told, ThreadId)>,
    engine: Mutex<Weak<Engine>>,
    then: Then,
    wants_events: bool,
    dropped: Arc<AtomicBool>,
}

impl Observer for Ears {
    fn wants_events(&self) -> bool {
        self.wants_events
    }

    fn wants_logs(&self) -> bool {
        false
    }

    fn wants_ends(&self) -> bool {
        true
    }

    fn ended(&self, id: TaskId, lease: Lease, state: Option<State>) {
        let told = (id, lease.value(), state);
        let engine = self.engine.lock().unwrap().upgrade();
        if let Some(engine) = &engine {
            (self.then)(engine, told);
        }
        self.told.push((told, thread::current().id()));
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::SeqCst);
    }
}

struct Hearing {
    engine: Arc<Engine>,
    told: Seen<(Told, ThreadId)>,
    dropped: Arc<AtomicBool>,
}

impl Hearing {
    fn new(options: EngineOptions, then: impl Fn(&Engine, Told) + Send + Sync + 'static) -> Self {
        Self::that_wants(false, options, then)
    }

    fn that_wants(
        wants_events: bool,
        options: EngineOptions,
        then: impl Fn(&Engine, Told) + Send + Sync + 'static,
    ) -> Self {
        let (told, dropped) = (Seen::default(), Arc::new(AtomicBool::new(false)));
        let ears = Arc::new(Ears {
            told: told.clone(),
            engine: Mutex::default(),
            then: Box::new(then),
            wants_events,
            dropped: dropped.clone(),
        });
        let engine = Arc::new(Engine::start_observed(options, ears.clone()).unwrap());
        *ears.engine.lock().unwrap() = Arc::downgrade(&engine);
        engine.register("fine", |_: &TaskContext<'_>| ()).unwrap();
        engine.register("fail", |_: &TaskContext<'_>| Outcome::Failed(Failure::message("by design"))).unwrap();
        Self { engine, told, dropped }
    }

    fn submit(&self, name: &str) -> TaskId {
        self.engine.submit(&Submission::new(name, b"")).unwrap()
    }

    fn ask(&self, id: TaskId) {
        assert_eq!(self.engine.tell_end(id), Ok(None));
    }

    fn ask_all(&self, ids: &[TaskId]) {
        ids.iter().for_each(|id| self.ask(*id));
    }

    fn told(&self) -> Vec<Told> {
        self.told.all().iter().map(|(told, _)| *told).collect()
    }

    fn shut_down(&self) {
        assert!(self.engine.shutdown(ShutdownMode::Drain, LONG).unwrap().is_complete());
    }
}

fn kept(finished: usize, dead: usize) -> EngineOptions {
    let mut options = options(1);
    options.keep_finished = Retention::Newest(finished);
    options.keep_dead = Retention::Newest(dead);
    options
}

#[test]
fn an_end_that_was_asked_for_is_told_once_after_it_is_recorded_on_the_worker() {
    // With and without an observer of successes: the worker's slow way and its quick one.
    for wants_events in [false, true] {
        let hearing = Hearing::that_wants(wants_events, options(1), |engine, (id, lease, state)| {
            let status = engine.status(id).unwrap();
            assert_eq!((status.lease.value(), Some(status.state)), (lease, state));
            assert_eq!(engine.statistics().unwrap().engine.succeeded, 1);
        });
        let (running, gate) = (Seen::default(), Gate::default());
        let (runs, waits) = (running.clone(), gate.clone());
        let run = move |_: &TaskContext<'_>| {
            runs.push(thread::current().id());
            waits.wait();
        };
        hearing.engine.register("run", run).unwrap();
        let id = hearing.submit("run");
        hearing.ask(id);
        let worker = running.wait_for(|all| all.len() == 1)[0];
        hearing.ask(id);
        assert_eq!(hearing.told(), []);
        gate.open();
        let all = hearing.told.wait_for(|all| all.len() == 1);
        assert_eq!(all, [((id, 1, Some(State::Succeeded)), worker)]);
        hearing.shut_down();
        assert_eq!(hearing.told().len(), 1, "asked twice, told once");
    }
}

#[test]
fn an_end_that_nobody_asked_for_is_not_told() {
    let hearing = Hearing::new(options(1), |_, _| ());
    hearing.submit("fine");
    let asked = hearing.submit("fail");
    let first = hearing.engine.tell_end(asked).unwrap();
    hearing.submit("fail");
    hearing.shut_down();
    let told = if first.is_none() { vec![(asked, 1, Some(State::Dead))] } else { vec![] };
    assert_eq!(hearing.told(), told);
}

#[test]
fn a_task_that_has_ended_says_so_and_one_that_is_unknown_is_an_error() {
    let hearing = Hearing::new(kept(1, 1), |_, _| ());
    let ids = ["fine", "fine", "fail", "fail"].map(|name| hearing.submit(name));
    hearing.shut_down();
    assert!(matches!(hearing.engine.tell_end(ids[0]), Err(Error::NotFound(_))));
    assert_eq!(hearing.engine.tell_end(ids[1]), Ok(Some((State::Succeeded, Lease::new(1)))));
    assert!(matches!(hearing.engine.tell_end(ids[2]), Err(Error::NotFound(_))));
    assert_eq!(hearing.engine.tell_end(ids[3]), Ok(Some((State::Dead, Lease::new(1)))));
    assert!(matches!(hearing.engine.tell_end(TaskId::new(77).unwrap()), Err(Error::NotFound(_))));
    assert_eq!(hearing.told(), []);
}

#[test]
fn where_nobody_could_be_told_asking_is_an_error() {
    for engine in [common::engine(1), common::observed(1).0] {
        engine.register("fine", |_: &TaskContext<'_>| ()).unwrap();
        let id = engine.submit(&Submission::new("fine", b"")).unwrap();
        let error = engine.tell_end(id).unwrap_err();
        assert!(matches!(&error, Error::InvalidArgument(text) if text.contains("on_end")), "{error}");
    }
}

#[test]
fn who_is_told_finds_the_task_even_if_nothing_is_kept() {
    let seen = Seen::default();
    let sees = seen.clone();
    let hearing = Hearing::new(kept(0, 0), move |engine, (id, ..)| {
        let status = engine.status(id).expect("it is not forgotten yet");
        sees.push((status.state, status.failure.is_some(), status.cancel_reason.to_string()));
    });
    let (running, gate) = blocker(&hearing.engine);
    let ids = ["block", "fail", "fine"].map(|name| hearing.submit(name));
    running.wait_for(|all| all.len() == 1);
    hearing.ask_all(&ids);
    assert_eq!(hearing.engine.cancel(ids[2], "by its owner"), Ok(CancelResult::Queued));
    gate.open();
    hearing.shut_down();
    assert_eq!(
        seen.all(),
        [
            (State::Cancelled, false, "by its owner".into()),
            (State::Succeeded, false, String::new()),
            (State::Dead, true, String::new())
        ]
    );
    assert!(ids.iter().all(|id| hearing.engine.status(*id).is_none()));
}

#[test]
fn whoever_records_an_end_tells_of_it_without_a_lock_held() {
    // A lock of the engine that was held would be waited for for ever by one of these.
    let rounds = AtomicUsize::new(0);
    let hearing = Hearing::new(options(1), move |engine, _| {
        let _ = engine.statistics();
        // Each of these may end, and is told of, inside of this call.
        if rounds.fetch_add(1, Ordering::SeqCst) < 10 {
            let id = engine.submit(&Submission::new("fine", b"")).unwrap();
            let _ = engine.tell_end(id).unwrap();
            let _ = engine.cancel(id, "told");
        }
    });
    let (running, gate) = blocker(&hearing.engine);
    let pending = Seen::default();
    let pends = pending.clone();
    hearing
        .engine
        .register("pend", move |task: &TaskContext<'_>| {
            pends.push((task.id(), task.lease()));
            Outcome::Pending
        })
        .unwrap();
    let mut small = queue();
    small.capacity = 1;
    small.when_full = WhenFull::DropOldest;
    hearing.engine.configure_queue("small", small).unwrap();
    let in_small = |name| hearing.engine.submit(&Submission::new(name, b"").queue("small")).unwrap();

    let settled = in_small("pend");
    hearing.ask(settled);
    let (id, lease) = pending.wait_for(|all| all.len() == 1)[0];
    // Before its `run` has returned, its worker would record the end.
    wait_until(&hearing.engine, id, State::Pending);
    hearing.engine.settle(id, lease, Outcome::Done).unwrap();

    in_small("block");
    running.wait_for(|all| all.len() == 1);
    let dropped = in_small("fine");
    hearing.ask(dropped);
    let cancelled = in_small("fine");
    hearing.ask(cancelled);
    assert_eq!(hearing.engine.cancel(cancelled, ""), Ok(CancelResult::Queued));

    let me = thread::current().id();
    let by_me: Vec<_> = hearing.told.all().into_iter().filter(|(_, by)| *by == me).map(|(told, _)| told).collect();
    for end in [
        (settled, 1, Some(State::Succeeded)),
        (dropped, 0, Some(State::Dropped)),
        (cancelled, 0, Some(State::Cancelled)),
    ] {
        assert!(by_me.contains(&end), "{end:?} is not in {by_me:?}");
    }
    gate.open();
    hearing.shut_down();
}

#[test]
fn who_is_told_may_not_wait_for_the_engine_whatever_thread_it_is_on() {
    let errors = Seen::default();
    let sees = errors.clone();
    let hearing = Hearing::new(options(1), move |engine, (id, ..)| {
        let other = engine.submit(&Submission::new("block", b"")).unwrap();
        sees.push(engine.wait(other, LONG).unwrap_err());
        sees.push(engine.shutdown(ShutdownMode::Cancel, LONG).unwrap_err());
        assert!(engine.wait(id, Some(Duration::ZERO)).is_ok(), "a look is no wait");
    });
    let (running, gate) = blocker(&hearing.engine);
    let ids = ["block", "fine"].map(|name| hearing.submit(name));
    running.wait_for(|all| all.len() == 1);
    hearing.ask_all(&ids);
    assert_eq!(hearing.engine.cancel(ids[1], ""), Ok(CancelResult::Queued));
    assert_eq!(errors.all().len(), 2, "on a thread of the program");
    gate.open();
    hearing.told.wait_for(|all| all.len() == 2);
    assert!(errors.all().iter().all(|error| matches!(error, Error::WouldDeadlock { .. })), "{:?}", errors.all());
    assert_eq!(errors.all().len(), 4, "and on a worker");
    hearing.shut_down();
}

#[test]
fn a_panic_of_who_is_told_is_its_own() {
    let hearing = Hearing::new(options(1), |_, _| std::panic::resume_unwind(Box::new("by design")));
    let (running, gate) = blocker(&hearing.engine);
    let ids = ["block", "fine", "fail"].map(|name| hearing.submit(name));
    running.wait_for(|all| all.len() == 1);
    hearing.ask_all(&ids);
    assert_eq!(hearing.engine.cancel(ids[1], ""), Ok(CancelResult::Queued));
    gate.open();
    assert_eq!(hearing.engine.wait(ids[2], LONG).unwrap().state, State::Dead);
    assert_eq!(hearing.engine.wait(hearing.submit("fine"), LONG).unwrap().state, State::Succeeded);
    hearing.shut_down();
    assert_eq!(hearing.engine.statistics().unwrap().engine.workers, 0);
}

#[test]
fn a_task_that_a_shutdown_leaves_running_is_told_of_without_an_end() {
    let hearing = Hearing::new(options(1), |_, _| ());
    let (running, gate) = blocker(&hearing.engine);
    let ids = ["block", "fine"].map(|name| hearing.submit(name));
    running.wait_for(|all| all.len() == 1);
    hearing.ask_all(&ids);
    let report = hearing.engine.shutdown(ShutdownMode::Drain, Some(Duration::ZERO)).unwrap();
    assert!(!report.is_complete());
    assert_eq!(hearing.told(), [(ids[1], 0, Some(State::Cancelled)), (ids[0], 1, None)]);
    assert!(matches!(hearing.engine.tell_end(ids[0]), Err(Error::ShutdownIncomplete(_))));
    assert_eq!(hearing.engine.tell_end(ids[1]), Ok(Some((State::Cancelled, Lease::new(0)))));
    gate.open();
    hearing.shut_down();
    assert_eq!(hearing.told().len(), 2, "its outcome is refused");
    assert!(hearing.dropped.load(Ordering::SeqCst));
}

#[test]
fn an_abandoned_engine_leaves_nobody_waiting() {
    let hearing = Hearing::new(options(1), |_, _| ());
    let (running, gate) = blocker(&hearing.engine);
    let ids = ["block", "fine"].map(|name| hearing.submit(name));
    running.wait_for(|all| all.len() == 1);
    hearing.ask_all(&ids);
    Arc::try_unwrap(hearing.engine).unwrap().abandon();
    let told: Vec<_> = hearing.told.all().iter().map(|(told, _)| *told).collect();
    assert_eq!(told, [(ids[1], 0, Some(State::Cancelled)), (ids[0], 1, None)]);
    gate.open();
}

#[test]
fn a_complete_shutdown_returns_after_the_last_who_is_told_and_has_dropped_the_observer() {
    let (inside, may_go_on) = (Gate::default(), Gate::default());
    let (entered, waits) = (inside.clone(), may_go_on.clone());
    let hearing = Hearing::new(options(1), move |_, _| {
        entered.open();
        waits.wait();
    });
    let (running, gate) = blocker(&hearing.engine);
    let ids = ["block", "fine"].map(|name| hearing.submit(name));
    running.wait_for(|all| all.len() == 1);
    hearing.ask(ids[1]);
    let (engine, told) = (hearing.engine.clone(), hearing.told.clone());
    let canceller = thread::spawn(move || engine.cancel(ids[1], ""));
    inside.wait();
    gate.open();
    let (engine, dropped) = (hearing.engine.clone(), hearing.dropped.clone());
    let ending = thread::spawn(move || {
        let report = engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
        (report.is_complete(), told.all().len(), dropped.load(Ordering::SeqCst))
    });
    while hearing.engine.statistics().unwrap().engine.workers > 0 {
        thread::yield_now();
    }
    // All that it waits for now is the one who is told.
    assert!(!ending.is_finished());
    may_go_on.open();
    assert_eq!(ending.join().unwrap(), (true, 1, true));
    assert_eq!(canceller.join().unwrap(), Ok(CancelResult::Queued));
}
