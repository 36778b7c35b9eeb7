//! What is promised of a task that is cancelled while it runs, past the end of the process. A process that is killed is played by a copy of
//! the store's files, as in tests/durable.rs.

mod common;

use backrun::{
    CancelResult, Engine, Failure, Lease, Outcome, RetryPolicy, ShutdownMode, State, StoreKind, Submission,
    TaskContext, TaskId, TaskOptions,
};
use common::folder::Folder;
use common::{options, wait_until, Seen, HOUR, LONG};
use std::sync::mpsc::{channel, Sender};
use std::sync::Mutex;

/// An engine whose runs wait to be told how they end.
fn start(folder: &Folder) -> (Engine, Seen<i64>, Sender<Outcome>) {
    let mut options = options(1);
    options.store = StoreKind::sqlite(folder.file());
    options.manual_time = true;
    let engine = Engine::start(options).unwrap();
    let (end, ends) = channel();
    let (ran, ends) = (Seen::default(), Mutex::new(ends));
    let seen = ran.clone();
    let handler = move |task: &TaskContext<'_>| {
        seen.push(task.id().value());
        // Nobody tells it any more: the process was killed, as far as the next one knows.
        ends.lock().unwrap().recv().unwrap_or(Outcome::Done)
    };
    let mut options = TaskOptions::default();
    options.retry = Some(RetryPolicy::attempts(5).delay(HOUR));
    engine.register_with("waits", options, || handler).unwrap();
    (engine, ran, end)
}

fn submit(engine: &Engine) -> TaskId {
    engine.submit(&Submission::new("waits", b"in")).unwrap()
}

/// What the next process makes of these files: the end of a task, and what it has run until then.
fn after_a_kill(folder: Folder, id: TaskId) -> (backrun::TaskStatus, Vec<i64>) {
    let (engine, ran, end) = start(&folder);
    drop(end);
    let status = engine.wait(id, LONG).unwrap();
    assert!(engine.shutdown(ShutdownMode::Drain, LONG).unwrap().is_complete());
    (status, ran.all())
}

#[test]
fn a_running_task_that_was_cancelled_does_not_run_again_after_a_kill_and_one_that_was_not_does() {
    let folder = Folder::new();
    let (engine, ran, end) = start(&folder);
    let id = submit(&engine);
    ran.wait_for(|ran| ran.len() == 1);
    let (status, again) = after_a_kill(folder.copy(), id);
    assert_eq!((status.state, again), (State::Succeeded, vec![id.value()]), "nobody has cancelled it yet");

    assert_eq!(engine.cancel(id, "the customer has left").unwrap(), CancelResult::Running);
    let (status, again) = after_a_kill(folder.copy(), id);
    assert_eq!(again, []);
    assert_eq!((status.state, &*status.cancel_reason), (State::Cancelled, "the customer has left"));
    assert_eq!((status.attempt, status.lease, status.failure), (1, Lease::new(1), None));
    assert!(status.cancel_requested && status.finished_at_us >= status.submitted_at_us);

    // It was told, and does what it likes.
    assert_eq!(engine.cancel(id, "once more").unwrap(), CancelResult::Running);
    end.send(Outcome::Done).unwrap();
    assert_eq!(engine.wait(id, LONG).unwrap().state, State::Succeeded);
    assert_eq!(after_a_kill(folder.copy(), id).0.state, State::Succeeded);
    assert_eq!(engine.statistics().unwrap().store.unwrap().unfinished, 0);
}

#[test]
fn a_pending_task_that_was_cancelled_does_not_run_again_after_a_kill() {
    let folder = Folder::new();
    let (engine, ran, end) = start(&folder);
    let (first, second) = (submit(&engine), submit(&engine));
    // One is cancelled while it is pending, the other one before it says that it is.
    end.send(Outcome::Pending).unwrap();
    wait_until(&engine, first, State::Pending);
    assert_eq!(engine.cancel(first, "first").unwrap(), CancelResult::Running);
    ran.wait_for(|ran| ran.len() == 2);
    assert_eq!(engine.cancel(second, "second").unwrap(), CancelResult::Running);
    end.send(Outcome::Pending).unwrap();
    wait_until(&engine, second, State::Pending);
    // That it is pending may be on its way to the store: either way it has run, and was asked to stop.
    let copy = folder.copy();
    for id in [first, second] {
        engine.settle(id, Lease::new(1), Outcome::Cancelled).unwrap();
    }
    let (engine, ran, _) = start(&copy);
    assert!(engine.shutdown(ShutdownMode::Drain, LONG).unwrap().is_complete());
    assert_eq!(ran.all(), []);
    for (id, reason) in [(first, "first"), (second, "second")] {
        let status = engine.status(id).unwrap();
        assert_eq!((status.state, &*status.cancel_reason), (State::Cancelled, reason));
    }
}

#[test]
fn a_task_that_was_cancelled_while_a_later_attempt_ran_does_not_run_again_after_a_kill() {
    let folder = Folder::new();
    let (engine, ran, end) = start(&folder);
    let id = submit(&engine);
    end.send(Outcome::Failed(Failure::message("the first attempt"))).unwrap();
    wait_until(&engine, id, State::Scheduled);
    engine.advance_time(2 * HOUR).unwrap();
    ran.wait_for(|ran| ran.len() == 2);
    assert_eq!(engine.cancel(id, "enough").unwrap(), CancelResult::Running);
    let (status, again) = after_a_kill(folder.copy(), id);
    assert_eq!((status.state, &*status.cancel_reason, status.attempt), (State::Cancelled, "enough", 2));
    assert_eq!(again, []);
    // A failure of what was asked to stop is its last one.
    end.send(Outcome::Failed(Failure::message("the second attempt"))).unwrap();
    assert_eq!(engine.wait(id, LONG).unwrap().state, State::Dead);
    let (status, again) = after_a_kill(folder.copy(), id);
    assert_eq!((status.state, again), (State::Dead, vec![]));
    assert_eq!(status.failure.unwrap().text(), "the second attempt");
}

#[test]
fn a_task_that_was_cancelled_and_never_came_back_does_not_run_again_after_a_shutdown_that_left_it() {
    let folder = Folder::new();
    let (engine, ran, end) = start(&folder);
    let (asked, not_asked) = (submit(&engine), submit(&engine));
    ran.wait_for(|ran| ran.len() == 1);
    engine.cancel(asked, "the customer has left").unwrap();
    let report = engine.shutdown(ShutdownMode::Cancel, Some(std::time::Duration::ZERO)).unwrap();
    assert_eq!(report.running.len(), 1);
    let copy = folder.copy();
    drop((end, engine));
    let (engine, ran, end) = start(&copy);
    drop(end);
    assert_eq!(engine.wait(not_asked, LONG).unwrap().state, State::Succeeded);
    assert_eq!(ran.all(), [not_asked.value()]);
    let status = engine.status(asked).unwrap();
    assert_eq!((status.state, &*status.cancel_reason), (State::Cancelled, "the customer has left"));
}

#[test]
fn what_only_a_shutdown_asked_to_stop_runs_again() {
    let folder = Folder::new();
    let (engine, ran, end) = start(&folder);
    let id = submit(&engine);
    ran.wait_for(|ran| ran.len() == 1);
    let report = engine.shutdown(ShutdownMode::Cancel, Some(std::time::Duration::ZERO)).unwrap();
    assert_eq!(report.running.len(), 1);
    let copy = folder.copy();
    drop((end, engine));
    let (status, again) = after_a_kill(copy, id);
    assert_eq!((status.state, again), (State::Succeeded, vec![id.value()]));
}
