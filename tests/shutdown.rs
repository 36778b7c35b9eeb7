//! Promise 7: shutdown ends.

mod common;

use backrun::{Engine, Error, EventKind, Handler, Outcome, ShutdownMode, State, Submission, TaskContext};
use common::*;
use std::sync::Arc;
use std::time::Duration;

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

fn task(name: &str) -> Submission<'_> {
    Submission::new(name, b"")
}

/// Says when it is dropped, which is what `release` is at the border.
struct Held {
    running: Seen<i64>,
    gate: Gate,
    dropped: Gate,
}

impl Handler for Held {
    fn run(&self, context: &TaskContext<'_>) -> Outcome {
        self.running.push(context.id().value());
        self.gate.wait();
        if context.is_cancelled() {
            return Outcome::Cancelled;
        }
        Outcome::Done
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.dropped.open();
    }
}

fn held(engine: &Engine) -> (Seen<i64>, Gate, Gate) {
    let handler = Held { running: Seen::default(), gate: Gate::default(), dropped: Gate::default() };
    let parts = (handler.running.clone(), handler.gate.clone(), handler.dropped.clone());
    engine.register("held", handler).unwrap();
    parts
}

#[test]
fn a_drain_runs_what_is_queued_and_takes_nothing_new() {
    let engine = Arc::new(engine(1));
    let (running, gate, dropped) = held(&engine);
    let ids = [engine.submit(&task("held")).unwrap(), engine.submit(&task("held")).unwrap()];
    running.wait_for(|all| all.len() == 1);
    let draining = engine.clone();
    let shutdown = std::thread::spawn(move || draining.shutdown(ShutdownMode::Drain, LONG).unwrap());
    while engine.submit(&task("held")).is_ok_and(|id| engine.cancel(id, "") == Ok(backrun::CancelResult::Queued)) {
        std::thread::yield_now();
    }
    assert_eq!(engine.submit(&task("held")), Err(Error::ShuttingDown));
    gate.open();
    let report = shutdown.join().unwrap();
    assert!(report.is_complete());
    assert_eq!(report.queued, 0);
    dropped.wait();
    for id in ids {
        assert_eq!(engine.status(id).unwrap().state, State::Succeeded, "status still answers");
    }
    assert_eq!(engine.statistics().unwrap().engine.workers, 0);
    assert!(engine.shutdown(ShutdownMode::Cancel, AT_ONCE).unwrap().is_complete(), "again is fine");
}

#[test]
fn a_cancel_stops_what_runs_keeps_its_attempt_and_cancels_what_is_queued() {
    let recorder = Recorder::default();
    let engine = Engine::start_observed(options(1), Arc::new(recorder.clone())).unwrap();
    let (running, gate, _) = held(&engine);
    let (first, second) = (engine.submit(&task("held")).unwrap(), engine.submit(&task("held")).unwrap());
    running.wait_for(|all| all.len() == 1);
    let told = Seen::default();
    let ended = told.clone();
    engine.watch(second, move |status, result| ended.push((status.state, result))).unwrap();
    let engine = Arc::new(engine);
    let cancelling = engine.clone();
    let shutdown = std::thread::spawn(move || cancelling.shutdown(ShutdownMode::Cancel, LONG).unwrap());
    told.wait_for(|all| all == [(State::Cancelled, Ok(()))]);
    gate.open();
    let report = shutdown.join().unwrap();
    assert_eq!((report.is_complete(), report.queued), (true, 1));
    let status = engine.status(first).unwrap();
    assert_eq!((status.state, status.attempt), (State::Cancelled, 0), "an interrupted attempt does not count");
    assert_eq!(&*status.cancel_reason, "the engine was shut down");
    let kinds = recorder.kinds();
    assert!(kinds.contains(&EventKind::Interrupted), "{kinds:?}");
    assert_eq!(engine.statistics().unwrap().engine.interrupted, 1);
}

#[test]
fn a_shutdown_that_is_out_of_time_names_what_runs_and_refuses_its_outcome() {
    let recorder = Recorder::default();
    let engine = Engine::start_observed(options(1), Arc::new(recorder.clone())).unwrap();
    let (running, gate, dropped) = held(&engine);
    let id = engine.submit(&task("held")).unwrap();
    running.wait_for(|all| all.len() == 1);
    let told = Seen::default();
    let ended = told.clone();
    engine.watch(id, move |status, result| ended.push((status.state, result.unwrap_err().code()))).unwrap();
    let report = engine.shutdown(ShutdownMode::Drain, AT_ONCE).unwrap();
    assert!(!report.is_complete());
    assert_eq!((report.running[0].id, &*report.running[0].task_name), (id, "held"));
    assert_eq!(told.all(), [(State::Running, 8)], "whoever watched it is told before the shutdown returns");
    assert!(recorder.kinds().contains(&EventKind::Abandoned));
    assert!(matches!(engine.wait(id, LONG), Err(Error::ShutdownIncomplete(_))));
    assert_eq!(engine.watch(id, |_, _| ()).unwrap_err().code(), 8);
    gate.open();
    dropped.wait();
    assert!(engine.shutdown(ShutdownMode::Drain, LONG).unwrap().is_complete(), "its thread came back");
    assert_eq!(engine.status(id).unwrap().state, State::Running, "its outcome was refused");
    assert_eq!(engine.statistics().unwrap().engine.stale_settles, 1);
}

#[test]
fn a_shutdown_counts_all_that_a_paused_queue_loses_also_what_a_worker_has_in_hand() {
    let engine = engine(1);
    let (begun, gate) = (Seen::default(), Gate::default());
    let (seen, wait) = (begun.clone(), gate.clone());
    engine
        .register("short", move |_: &TaskContext<'_>| {
            seen.push(());
            // The worker takes several at a time by now.
            if seen.all().len() == 1000 {
                wait.wait();
            }
        })
        .unwrap();
    let ids: Vec<_> = (0..1100).map(|_| engine.submit(&task("short")).unwrap()).collect();
    begun.wait_for(|begun| begun.len() == 1000);
    engine.pause("default").unwrap();
    gate.open();
    assert_eq!(ended(&engine, ids[999]), State::Succeeded);
    let report = engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    let counters = engine.statistics().unwrap().engine;
    assert_eq!((report.queued, counters.cancelled, counters.succeeded), (100, 100, 1000));
}

#[test]
fn a_pending_run_keeps_a_shutdown_waiting_and_is_refused_after_it() {
    let engine = engine(1);
    let leases = Seen::default();
    let told = leases.clone();
    engine
        .register("pend", move |t: &TaskContext<'_>| {
            told.push((t.id(), t.lease()));
            Outcome::Pending
        })
        .unwrap();
    let id = engine.submit(&task("pend")).unwrap();
    let (_, lease) = leases.wait_for(|all| all.len() == 1)[0];
    while engine.status(id).unwrap().state != State::Pending {
        std::thread::yield_now();
    }
    let report = engine.shutdown(ShutdownMode::Drain, AT_ONCE).unwrap();
    assert_eq!(report.running.len(), 1);
    assert!(matches!(engine.settle(id, lease, Outcome::Done), Err(Error::StaleLease { .. })));
}

#[test]
fn an_abandoned_engine_never_waits_and_the_last_run_releases_its_handler() {
    let engine = engine(1);
    let (running, gate, dropped) = held(&engine);
    engine.submit(&task("held")).unwrap();
    running.wait_for(|all| all.len() == 1);
    engine.abandon();
    gate.open();
    dropped.wait();
}

#[test]
fn an_engine_dropped_by_its_own_run_does_not_wait_for_itself() {
    let engine = Arc::new(locks::Mutex::new(None));
    let ended = Gate::default();
    let (mine, done) = (engine.clone(), ended.clone());
    let started = common::engine(1);
    started
        .register("drop", move |_: &TaskContext<'_>| {
            drop(mine.lock().unwrap().take());
            done.open();
        })
        .unwrap();
    let mut slot = engine.lock().unwrap();
    started.submit(&task("drop")).unwrap();
    *slot = Some(started);
    drop(slot);
    ended.wait();
}

#[test]
fn two_shutdowns_at_once_both_end_and_the_stricter_one_wins() {
    let engine = Arc::new(engine(1));
    let (running, gate, _) = held(&engine);
    let ids = [engine.submit(&task("held")).unwrap(), engine.submit(&task("held")).unwrap()];
    running.wait_for(|all| all.len() == 1);
    let draining = engine.clone();
    let drain = std::thread::spawn(move || draining.shutdown(ShutdownMode::Drain, None).unwrap());
    let cancelling = engine.clone();
    let cancel = std::thread::spawn(move || cancelling.shutdown(ShutdownMode::Cancel, None).unwrap());
    while engine.status(ids[1]).unwrap().state != State::Cancelled {
        std::thread::yield_now();
    }
    gate.open();
    assert!(drain.join().unwrap().is_complete());
    assert!(cancel.join().unwrap().is_complete());
}

#[test]
fn a_thousand_engines_leave_no_thread_behind() {
    let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let before = threads();
    for round in 0..1000 {
        let engine = engine(2);
        engine.register("fine", |_: &TaskContext<'_>| ()).unwrap();
        let id = engine.submit(&task("fine")).unwrap();
        if round % 2 == 0 {
            engine.wait(id, LONG).unwrap();
            assert!(engine.shutdown(ShutdownMode::Drain, LONG).unwrap().is_complete());
        }
        engine.close();
    }
    // Other tests of this file run beside it: a bound, not an equality.
    assert!(threads() < before + 100, "{before} threads before, {} after", threads());
}
