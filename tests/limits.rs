//! Time limits of runs, by a clock that the test sets.

mod common;

use backrun::{
    CancelResult, Engine, Error, EventKind, Outcome, RetryPolicy, ShutdownMode, State, Submission, TaskContext,
    TaskFilter, TaskOptions,
};
use common::{ended, manual, noting, state, wait_until, Gate, Seen, HOUR, LONG, MS, SECOND};
use std::time::Duration;

/// Registers `stay`, which stays until the gate opens or, if it heeds that, it is asked to stop.
fn staying(engine: &Engine, heeds: bool, options: TaskOptions) -> (Seen<u32>, Gate) {
    let (running, gate) = (Seen::default(), Gate::default());
    let (seen, wait) = (running.clone(), gate.clone());
    engine
        .register_with("stay", options, || {
            move |task: &TaskContext<'_>| {
                seen.push(task.attempt());
                if heeds {
                    while !task.is_cancelled() {
                        std::thread::yield_now();
                    }
                    return Outcome::Cancelled;
                }
                wait.wait();
                Outcome::Done
            }
        })
        .unwrap();
    (running, gate)
}

fn limited(limit: Duration, grace: Duration) -> TaskOptions {
    let mut options = TaskOptions::default();
    (options.time_limit, options.grace) = (Some(limit), Some(grace));
    options
}

#[test]
fn a_run_at_its_time_limit_is_asked_to_stop_and_has_failed_if_it_does() {
    let (engine, recorder) = manual(1);
    let (running, _gate) = staying(&engine, true, limited(SECOND, SECOND));
    let id = engine.submit(&Submission::new("stay", b"")).unwrap();
    running.wait_for(|running| running.len() == 1);
    engine.advance_time(SECOND - MS).unwrap();
    assert!(!engine.status(id).unwrap().cancel_requested);
    engine.advance_time(MS).unwrap();
    let status = engine.wait(id, LONG).unwrap();
    let failure = status.failure.unwrap();
    assert_eq!((status.state, failure.error_type()), (State::Dead, "time limit"));
    assert!(failure.text().contains("stopped at its time limit of 1s"), "{}", failure.text());
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    assert!(recorder.kinds().contains(&EventKind::CancelRequested));
    assert!(!recorder.kinds().contains(&EventKind::RunGivenUp));
}

#[test]
fn a_run_that_ends_in_time_is_not_touched_by_its_limit() {
    let (engine, _) = manual(1);
    let (running, gate) = staying(&engine, false, limited(SECOND, SECOND));
    let id = engine.submit(&Submission::new("stay", b"")).unwrap();
    running.wait_for(|running| running.len() == 1);
    // Past the limit, within the grace: it may still end as it likes.
    engine.advance_time(SECOND).unwrap();
    assert!(engine.status(id).unwrap().cancel_requested);
    gate.open();
    assert_eq!(ended(&engine, id), State::Succeeded);
    engine.advance_time(HOUR).unwrap();
    assert_eq!(state(&engine, id), State::Succeeded);
}

#[test]
fn a_run_that_does_not_stop_is_given_up_and_its_retry_waits_until_its_thread_is_back() {
    let (engine, recorder) = manual(2);
    let mut options = limited(SECOND, SECOND);
    options.retry = Some(RetryPolicy::attempts(2).delay(MS).jitter_percent(0));
    let (running, gate) = staying(&engine, false, options);
    let id = engine.submit(&Submission::new("stay", b"payload")).unwrap();
    running.wait_for(|running| running.len() == 1);
    let lease = engine.status(id).unwrap().lease;
    engine.advance_time(SECOND).unwrap();
    engine.advance_time(SECOND).unwrap();
    let status = engine.status(id).unwrap();
    assert_eq!((status.state, status.run_at_us), (State::Scheduled, 0));
    assert!(status.failure.unwrap().text().contains("did not stop within 1s more"));
    assert!(matches!(engine.settle(id, lease, Outcome::Done), Err(Error::StaleLease { .. })));
    // However long that takes.
    engine.advance_time(HOUR).unwrap();
    assert_eq!(running.all(), [1]);
    gate.open();
    let back = || engine.status(id).unwrap().run_at_us > 0;
    while !back() {
        std::thread::yield_now();
    }
    engine.advance_time(SECOND).unwrap();
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!((status.state, status.attempt), (State::Succeeded, 2));
    assert_eq!(running.all(), [1, 2]);
    assert_eq!(engine.statistics().unwrap().engine.stale_settles, 2, "its late outcome was refused");
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    assert!(recorder.kinds().contains(&EventKind::RunGivenUp));
}

#[test]
fn a_run_that_was_given_up_without_a_retry_is_dead_at_once() {
    let (engine, _) = manual(1);
    let (running, gate) = staying(&engine, false, limited(SECOND, Duration::ZERO));
    let id = engine.submit(&Submission::new("stay", b"")).unwrap();
    running.wait_for(|running| running.len() == 1);
    engine.advance_time(SECOND).unwrap();
    engine.advance_time(MS).unwrap();
    assert_eq!(ended(&engine, id), State::Dead);
    // Its thread is still in it: a shutdown says so.
    let report = engine.shutdown(ShutdownMode::Cancel, Some(Duration::ZERO)).unwrap();
    assert_eq!(report.running.iter().map(|left| left.id).collect::<Vec<_>>(), [id]);
    gate.open();
    assert!(engine.shutdown(ShutdownMode::Cancel, LONG).unwrap().is_complete());
}

#[test]
fn a_task_whose_run_was_given_up_is_cancelled_and_touches_no_other() {
    let (engine, _) = manual(1);
    noting(&engine);
    let mut options = limited(SECOND, SECOND);
    options.retry = Some(RetryPolicy::attempts(2));
    let (running, gate) = staying(&engine, false, options);
    // Others on the shelf, whose places a mistaken one would hit.
    let others: Vec<_> = (0..50).map(|_| engine.submit(&Submission::new("note", b"").delay(HOUR)).unwrap()).collect();
    let id = engine.submit(&Submission::new("stay", b"payload of some bytes")).unwrap();
    running.wait_for(|running| running.len() == 1);
    engine.advance_time(SECOND).unwrap();
    engine.advance_time(SECOND).unwrap();
    assert_eq!(engine.statistics().unwrap().engine.scheduled, 51);
    assert_eq!(engine.cancel(id, "enough").unwrap(), CancelResult::Queued);
    assert_eq!(engine.statistics().unwrap().engine.scheduled, 50);
    gate.open();
    engine.advance_time(HOUR).unwrap();
    others.iter().for_each(|other| assert_eq!(ended(&engine, *other), State::Succeeded));
    assert_eq!((state(&engine, id), running.all().len()), (State::Cancelled, 1));
    assert_eq!(engine.statistics().unwrap().engine.scheduled, 0);
}

#[test]
fn a_pending_run_has_a_time_limit_too() {
    let (engine, _) = manual(1);
    let leases = Seen::default();
    let seen = leases.clone();
    engine
        .register("pend", move |task: &TaskContext<'_>| {
            seen.push(task.lease());
            Outcome::Pending
        })
        .unwrap();
    let id = engine.submit(&Submission::new("pend", b"").time_limit(SECOND)).unwrap();
    leases.wait_for(|leases| leases.len() == 1);
    wait_until(&engine, id, State::Pending);
    engine.advance_time(SECOND).unwrap();
    assert!(engine.status(id).unwrap().cancel_requested);
    engine.advance_time(5 * SECOND).unwrap();
    assert_eq!(ended(&engine, id), State::Dead);
    assert!(matches!(engine.settle(id, leases.all()[0], Outcome::Done), Err(Error::StaleLease { .. })));
    assert_eq!(engine.statistics().unwrap().engine.pending, 0);
}

#[test]
fn a_task_whose_run_was_given_up_can_be_forgotten_when_its_thread_is_back_also_after_the_end_of_the_engine() {
    let (engine, _) = manual(1);
    let (running, gate) = staying(&engine, false, limited(SECOND, SECOND));
    let id = engine.submit(&Submission::new("stay", b"")).unwrap();
    running.wait_for(|running| running.len() == 1);
    engine.advance_time(SECOND).unwrap();
    engine.advance_time(SECOND).unwrap();
    assert_eq!(state(&engine, id), State::Dead);
    assert!(!engine.shutdown(ShutdownMode::Cancel, Some(Duration::ZERO)).unwrap().is_complete());
    assert_eq!(engine.purge(&TaskFilter::default()), Ok(0));
    gate.open();
    assert!(engine.shutdown(ShutdownMode::Cancel, LONG).unwrap().is_complete());
    assert_eq!(engine.purge(&TaskFilter::default()), Ok(1));
}
