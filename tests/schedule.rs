//! Delays, retries and time limits, by a clock that the test sets.

mod common;

use backrun::{
    Backoff, CancelResult, Engine, Error, EventKind, Failure, Lease, Outcome, RetryPolicy, ShutdownMode, State,
    Submission, TaskContext, TaskFilter, TaskId, TaskOptions,
};
use common::{options, Gate, Recorder, Seen, LONG};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn manual(workers: u32) -> (Engine, Recorder) {
    let mut options = options(workers);
    options.manual_time = true;
    let recorder = Recorder::default();
    (Engine::start_observed(options, Arc::new(recorder.clone())).unwrap(), recorder)
}

/// Registers `note`, which notes the ids of what ran.
fn noting(engine: &Engine) -> Seen<i64> {
    let ran = Seen::default();
    let seen = ran.clone();
    engine.register("note", move |task: &TaskContext<'_>| seen.push(task.id().value())).unwrap();
    ran
}

fn state(engine: &Engine, id: TaskId) -> State {
    engine.status(id).unwrap().state
}

fn ended(engine: &Engine, id: TaskId) -> State {
    engine.wait(id, LONG).unwrap().state
}

fn unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

#[test]
fn a_delayed_task_runs_when_its_time_has_come_and_not_before() {
    let (engine, _) = manual(2);
    let ran = noting(&engine);
    let id = engine.submit(&Submission::new("note", b"x").delay(SECOND)).unwrap();
    let status = engine.status(id).unwrap();
    assert_eq!((status.state, status.attempt), (State::Scheduled, 0));
    assert!((status.run_at_us / 1000 - unix_ms() - 1000).abs() < 60_000, "{}", status.run_at_us);
    engine.advance_time(SECOND - MS).unwrap();
    assert_eq!(state(&engine, id), State::Scheduled);
    engine.advance_time(MS).unwrap();
    assert_eq!(ended(&engine, id), State::Succeeded);
    assert_eq!(ran.all(), [id.value()]);
    let counters = engine.statistics().unwrap().engine;
    assert_eq!((counters.accepted, counters.scheduled, counters.ready, counters.started), (1, 0, 0, 1));
}

#[test]
fn a_delay_of_real_time_is_never_cut_short_and_ends_by_itself() {
    let engine = common::engine(1);
    noting(&engine);
    let begun = std::time::Instant::now();
    let id = engine.submit(&Submission::new("note", b"").delay(30 * MS)).unwrap();
    assert_eq!(ended(&engine, id), State::Succeeded);
    assert!(begun.elapsed() >= 30 * MS, "{:?}", begun.elapsed());
}

#[test]
fn delayed_tasks_come_in_the_order_of_their_times() {
    let (engine, _) = manual(1);
    let ran = noting(&engine);
    let submit = |ms: u32| engine.submit(&Submission::new("note", b"").delay(ms * MS)).unwrap().value();
    let ids = [submit(30), submit(10), submit(20), submit(10)];
    engine.advance_time(SECOND).unwrap();
    let all = ran.wait_for(|ran| ran.len() == 4);
    assert_eq!(all, [ids[1], ids[3], ids[2], ids[0]]);
}

#[test]
fn a_scheduled_task_keeps_all_that_its_submission_brought() {
    let (engine, _) = manual(1);
    let seen = Seen::default();
    let brought = seen.clone();
    engine
        .register("show", move |task: &TaskContext<'_>| {
            let headers: Vec<_> = task.headers().map(|(name, value)| format!("{name}={value}")).collect();
            let user = task.user_context().map(<[u8]>::to_vec);
            brought.push((task.payload().to_vec(), user, headers, task.priority().level(), task.attempt()));
        })
        .unwrap();
    let large = vec![7u8; 100_000];
    let submission = Submission::new("show", &large).user_context(b"me").header("culture", "de-DE").delay(SECOND);
    let id = engine.submit(&submission.priority(backrun::Priority::Highest)).unwrap();
    engine.advance_time(SECOND).unwrap();
    assert_eq!(ended(&engine, id), State::Succeeded);
    assert_eq!(seen.all(), [(large, Some(b"me".to_vec()), vec!["culture=de-DE".to_owned()], 2, 1)]);
}

#[test]
fn a_scheduled_task_is_cancelled_at_once() {
    let (engine, recorder) = manual(1);
    let ran = noting(&engine);
    let id = engine.submit(&Submission::new("note", b"").delay(SECOND)).unwrap();
    assert_eq!(engine.cancel(id, "not needed").unwrap(), CancelResult::Queued);
    let status = engine.status(id).unwrap();
    assert_eq!((status.state, &*status.cancel_reason, status.run_at_us), (State::Cancelled, "not needed", 0));
    engine.advance_time(HOUR).unwrap();
    assert_eq!(engine.cancel(id, "again").unwrap(), CancelResult::AlreadyFinal);
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    assert!(ran.all().is_empty());
    assert!(recorder.kinds().contains(&EventKind::Cancelled));
}

#[test]
fn scheduled_tasks_count_against_the_capacity_of_their_queue() {
    let mut options = options(1);
    options.manual_time = true;
    options.default_queue.capacity = 2;
    let engine = Engine::start(options).unwrap();
    let ran = noting(&engine);
    let first = engine.submit(&Submission::new("note", b"").delay(SECOND)).unwrap();
    engine.submit(&Submission::new("note", b"").delay(2 * SECOND)).unwrap();
    let refused = engine.submit(&Submission::new("note", b"").delay(SECOND)).unwrap_err();
    assert!(matches!(refused, Error::QueueFull { .. }), "{refused}");
    engine.cancel(first, "").unwrap();
    engine.submit(&Submission::new("note", b"").delay(SECOND)).unwrap();
    engine.advance_time(2 * SECOND).unwrap();
    ran.wait_for(|ran| ran.len() == 2);
}

#[test]
fn a_shutdown_does_not_wait_for_what_is_scheduled_and_says_what_it_lost() {
    let (engine, _) = manual(1);
    noting(&engine);
    let id = engine.submit(&Submission::new("note", b"").delay(HOUR)).unwrap();
    let report = engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    assert!(report.is_complete());
    assert_eq!(report.queued, 1);
    assert_eq!(state(&engine, id), State::Cancelled);
}

#[test]
fn a_time_of_day_follows_the_clock_on_the_wall_wherever_it_jumps() {
    let (engine, _) = manual(1);
    let ran = noting(&engine);
    let in_an_hour = unix_ms() + 3_600_000;
    let id = engine.submit(&Submission::new("note", b"").run_at_unix_ms(in_an_hour)).unwrap();
    let delayed = engine.submit(&Submission::new("note", b"").delay(HOUR)).unwrap();
    // Back: an hour later it is not yet the time, though an hour has passed for the delay.
    engine.jump_wall_clock(-2 * 3_600_000).unwrap();
    engine.advance_time(HOUR + SECOND).unwrap();
    assert_eq!(ended(&engine, delayed), State::Succeeded);
    assert_eq!(state(&engine, id), State::Scheduled);
    // What is asked for after the jump is by the new time.
    let soon = engine.submit(&Submission::new("note", b"").run_at_unix_ms(unix_ms() - 3_600_000 + 600_000)).unwrap();
    assert_eq!(state(&engine, soon), State::Scheduled);
    engine.advance_time(Duration::from_secs(900)).unwrap();
    assert_eq!(ended(&engine, soon), State::Succeeded);
    assert_eq!(state(&engine, id), State::Scheduled);
    // Forward: its time has come, though none has passed.
    engine.jump_wall_clock(10 * 3_600_000).unwrap();
    assert_eq!(ended(&engine, id), State::Succeeded);
    assert_eq!(ran.all().len(), 3);
}

#[test]
fn a_time_of_day_that_has_passed_is_now() {
    let (engine, _) = manual(1);
    noting(&engine);
    let id = engine.submit(&Submission::new("note", b"").run_at_unix_ms(1)).unwrap();
    assert_eq!(ended(&engine, id), State::Succeeded);
}

#[test]
fn many_delayed_tasks_are_accepted_all_or_none() {
    let mut options = options(1);
    options.manual_time = true;
    options.default_queue.capacity = 5;
    let engine = Engine::start(options).unwrap();
    let ran = noting(&engine);
    let batch = |delays: &[u32]| {
        let submissions: Vec<_> = delays.iter().map(|ms| Submission::new("note", b"").delay(*ms * MS)).collect();
        engine.submit_many(&submissions)
    };
    assert!(batch(&[1, 2, 3, 0, 5, 6]).is_err());
    assert_eq!(engine.statistics().unwrap().engine.scheduled, 0);
    let ids = batch(&[10, 0, 5]).unwrap();
    ran.wait_for(|ran| *ran == [ids[1].value()]);
    engine.advance_time(SECOND).unwrap();
    ran.wait_for(|ran| *ran == [ids[1].value(), ids[2].value(), ids[0].value()]);
}

#[test]
fn what_a_submission_says_of_time_is_checked_and_the_error_says_what_to_do() {
    let (engine, _) = manual(1);
    noting(&engine);
    let error = |submission: Submission<'_>| engine.submit(&submission).unwrap_err().to_string();
    let note = || Submission::new("note", b"");
    assert!(error(note().delay(SECOND).run_at_unix_ms(1)).contains("say one of them"));
    assert!(error(note().run_at_unix_ms(-1)).contains("from 0 to"));
    assert!(error(note().delay(Duration::MAX)).contains("pass at most"));
    assert!(error(note().time_limit(Duration::ZERO)).contains("the time limit is 0"));
    assert!(error(note().retry(RetryPolicy::attempts(0))).contains("attempts of a retry policy is 0"));
}

/// Registers `fail`, whose runs fail until the given one, with options.
fn failing(engine: &Engine, until: u32, options: TaskOptions) -> Seen<u32> {
    let attempts = Seen::default();
    let seen = attempts.clone();
    engine
        .register_with("fail", options, || {
            move |task: &TaskContext<'_>| {
                seen.push(task.attempt());
                if task.attempt() < until {
                    return Outcome::Failed(Failure::message(format!("attempt {}", task.attempt())));
                }
                Outcome::Done
            }
        })
        .unwrap();
    attempts
}

fn retrying(policy: RetryPolicy) -> TaskOptions {
    let mut options = TaskOptions::default();
    options.retry = Some(policy);
    options
}

fn wait_until(engine: &Engine, id: TaskId, wanted: State) {
    // A run ends on its worker: nothing tells of its end while it is not final but an event.
    while state(engine, id) != wanted {
        std::thread::yield_now();
    }
}

#[test]
fn a_failed_run_is_tried_again_after_its_delay_until_it_succeeds() {
    let (engine, recorder) = manual(1);
    let policy = RetryPolicy::attempts(5).jitter_percent(0);
    let attempts = failing(&engine, 3, retrying(policy));
    let id = engine.submit(&Submission::new("fail", b"payload")).unwrap();
    for (attempt, seconds) in [(1, 1), (2, 2)] {
        wait_until(&engine, id, State::Scheduled);
        let status = engine.status(id).unwrap();
        assert_eq!((status.attempt, status.failure.unwrap().text()), (attempt, &*format!("attempt {attempt}")));
        engine.advance_time(seconds * SECOND - MS).unwrap();
        assert_eq!(state(&engine, id), State::Scheduled);
        engine.advance_time(MS).unwrap();
    }
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!((status.state, status.attempt, status.lease.value()), (State::Succeeded, 3, 3));
    assert_eq!(attempts.all(), [1, 2, 3]);
    let counters = engine.statistics().unwrap().engine;
    assert_eq!((counters.started, counters.runs_failed, counters.retried, counters.succeeded), (3, 2, 2, 1));
    assert_eq!((counters.accepted, counters.dead, counters.scheduled), (1, 0, 0));
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    let failed: Vec<_> = recorder.events.all().into_iter().filter(|event| event.kind == EventKind::RunFailed).collect();
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|event| event.state == Some(State::Scheduled) && event.run_at_us > 0));
    let lines: Vec<_> = recorder.logs.all().iter().map(|line| line.message.to_string()).collect();
    assert!(lines.iter().any(|line| line.starts_with("attempt 1 failed, the next one is in 1.0")), "{lines:?}");
}

#[test]
fn a_task_out_of_attempts_is_dead_with_its_last_failure() {
    let (engine, _) = manual(1);
    let attempts = failing(&engine, 99, retrying(RetryPolicy::attempts(3).backoff(Backoff::Fixed).delay(SECOND)));
    let id = engine.submit(&Submission::new("fail", b"")).unwrap();
    for _ in 0..2 {
        wait_until(&engine, id, State::Scheduled);
        engine.advance_time(2 * SECOND).unwrap();
    }
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!((status.state, status.failure.unwrap().text()), (State::Dead, "attempt 3"));
    assert_eq!(attempts.all(), [1, 2, 3]);
}

#[test]
fn a_submission_has_its_own_policy_before_that_of_the_handler() {
    let (engine, _) = manual(1);
    failing(&engine, 99, retrying(RetryPolicy::attempts(3)));
    let never = engine.submit(&Submission::new("fail", b"").retry(RetryPolicy::none())).unwrap();
    assert_eq!(ended(&engine, never), State::Dead);
    let twice = engine.submit(&Submission::new("fail", b"").retry(RetryPolicy::attempts(2).delay(MS))).unwrap();
    wait_until(&engine, twice, State::Scheduled);
    engine.advance_time(SECOND).unwrap();
    assert_eq!(engine.wait(twice, LONG).unwrap().attempt, 2);
}

#[test]
fn a_handler_says_when_it_is_to_be_tried_again_or_that_it_is_not() {
    let (engine, _) = manual(1);
    engine
        .register("later", |task: &TaskContext<'_>| match task.attempt() {
            1 => Outcome::RetryAfter(Failure::message("busy"), Some(HOUR)),
            2 => Outcome::Fatal(Failure::message("never")),
            _ => Outcome::Done,
        })
        .unwrap();
    let id = engine.submit(&Submission::new("later", b"").retry(RetryPolicy::attempts(9))).unwrap();
    wait_until(&engine, id, State::Scheduled);
    engine.advance_time(HOUR - MS).unwrap();
    assert_eq!(state(&engine, id), State::Scheduled);
    engine.advance_time(MS).unwrap();
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!((status.state, status.attempt, status.failure.unwrap().text()), (State::Dead, 2, "never"));
}

#[test]
fn without_a_policy_a_handler_is_tried_again_as_often_as_it_asks_and_with_one_up_to_its_attempts() {
    let (engine, _) = manual(1);
    engine
        .register("busy", |task: &TaskContext<'_>| match task.attempt() {
            1..=4 => Outcome::RetryAfter(Failure::message("busy"), Some(SECOND)),
            _ => Outcome::Done,
        })
        .unwrap();
    let run = |submission: Submission<'_>| {
        let id = engine.submit(&submission).unwrap();
        loop {
            while state(&engine, id) != State::Scheduled && !state(&engine, id).is_final() {
                std::thread::yield_now();
            }
            if state(&engine, id).is_final() {
                let status = engine.status(id).unwrap();
                return (status.state, status.attempt);
            }
            engine.advance_time(SECOND).unwrap();
        }
    };
    assert_eq!(run(Submission::new("busy", b"")), (State::Succeeded, 5));
    assert_eq!(run(Submission::new("busy", b"").retry(RetryPolicy::attempts(2))), (State::Dead, 2));
}

#[test]
fn a_task_that_somebody_cancels_while_it_fails_is_not_tried_again() {
    let (engine, _) = manual(1);
    let (running, gate) = (Seen::default(), Gate::default());
    let (seen, wait) = (running.clone(), gate.clone());
    engine
        .register("fail", move |task: &TaskContext<'_>| {
            seen.push(task.id().value());
            wait.wait();
            Outcome::Failed(Failure::message("no"))
        })
        .unwrap();
    let id = engine.submit(&Submission::new("fail", b"").retry(RetryPolicy::attempts(5))).unwrap();
    running.wait_for(|running| !running.is_empty());
    engine.cancel(id, "enough").unwrap();
    gate.open();
    assert_eq!(ended(&engine, id), State::Dead);
}

#[test]
fn a_pending_run_is_tried_again_with_all_that_it_brought() {
    let (engine, _) = manual(1);
    let seen = Seen::default();
    let runs = seen.clone();
    engine
        .register("pend", move |task: &TaskContext<'_>| {
            runs.push((task.payload().to_vec(), task.attempt(), task.lease()));
            Outcome::Pending
        })
        .unwrap();
    let id = engine.submit(&Submission::new("pend", b"bytes").retry(RetryPolicy::attempts(2).delay(MS))).unwrap();
    let first = seen.wait_for(|runs| runs.len() == 1)[0].clone();
    engine.settle(id, first.2, Outcome::Failed(Failure::message("no"))).unwrap();
    wait_until(&engine, id, State::Scheduled);
    assert!(matches!(engine.settle(id, first.2, Outcome::Done), Err(Error::StaleLease { .. })));
    engine.advance_time(SECOND).unwrap();
    let second = seen.wait_for(|runs| runs.len() == 2)[1].clone();
    assert_eq!((second.0, second.1), (b"bytes".to_vec(), 2));
    wait_until(&engine, id, State::Pending);
    assert!(matches!(engine.settle(id, first.2, Outcome::Done), Err(Error::StaleLease { .. })));
    engine.settle(id, second.2, Outcome::Done).unwrap();
    assert_eq!(ended(&engine, id), State::Succeeded);
}

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
fn progress_and_result_are_in_the_status() {
    let (engine, _) = manual(1);
    let (told, gate) = (Seen::default(), Gate::default());
    let (seen, wait) = (told.clone(), gate.clone());
    let mut options = TaskOptions::default();
    options.result_retention = Some(HOUR);
    engine
        .register_with("tell", options, || {
            move |task: &TaskContext<'_>| {
                task.set_progress(0.5, "half way").unwrap();
                task.set_result(b"the result").unwrap();
                seen.push(task.set_progress(1.5, "").unwrap_err().to_string());
                wait.wait();
            }
        })
        .unwrap();
    let id = engine.submit(&Submission::new("tell", b"")).unwrap();
    told.wait_for(|told| told.len() == 1);
    assert!(told.all()[0].contains("pass a number from 0"));
    let status = engine.status(id).unwrap();
    assert_eq!((status.progress, &*status.progress_text, status.result.is_none()), (Some(0.5), "half way", true));
    gate.open();
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!((status.state, status.result.as_deref()), (State::Succeeded, Some(&b"the result"[..])));
    let late = engine.set_progress(id, status.lease, 1.0, "").unwrap_err();
    assert!(matches!(late, Error::StaleLease { .. }), "{late}");
    engine.advance_time(HOUR).unwrap();
    let status = engine.status(id).unwrap();
    assert!(status.result.is_none(), "its time is over");
    assert_eq!(&*status.progress_text, "half way");
}

#[test]
fn the_result_of_a_failed_run_is_not_kept() {
    let (engine, _) = manual(1);
    engine
        .register("fail", |task: &TaskContext<'_>| {
            task.set_result(b"half of it").unwrap();
            Outcome::Failed(Failure::message("no"))
        })
        .unwrap();
    let id = engine.submit(&Submission::new("fail", b"")).unwrap();
    assert!(engine.wait(id, LONG).unwrap().result.is_none());
}

#[test]
fn a_paused_queue_starts_nothing_until_it_is_resumed() {
    let (engine, _) = manual(2);
    let ran = noting(&engine);
    engine.pause("default").unwrap();
    engine.pause("default").unwrap();
    let ids: Vec<_> = (0..10).map(|_| engine.submit(&Submission::new("note", b"")).unwrap()).collect();
    let counters = engine.statistics().unwrap().engine;
    assert_eq!((counters.ready, counters.started), (10, 0));
    assert_eq!(engine.cancel(ids[3], "").unwrap(), CancelResult::Queued);
    engine.resume("default").unwrap();
    ran.wait_for(|ran| ran.len() == 9);
    assert!(matches!(engine.pause("nowhere"), Err(Error::NotFound(_))));
}

#[test]
fn a_drain_does_not_wait_for_a_paused_queue() {
    let (engine, _) = manual(1);
    noting(&engine);
    engine.pause("default").unwrap();
    let id = engine.submit(&Submission::new("note", b"")).unwrap();
    let report = engine.shutdown(ShutdownMode::Drain, None).unwrap();
    assert_eq!((report.is_complete(), report.queued), (true, 1));
    assert_eq!(state(&engine, id), State::Cancelled);
}

#[test]
fn a_pause_takes_effect_between_two_tasks_of_a_hand() {
    let (engine, _) = manual(1);
    let engine = Arc::new(engine);
    let runs = Arc::new(AtomicU32::new(0));
    let (count, weak) = (runs.clone(), Arc::downgrade(&engine));
    let paused = Gate::default();
    let done = paused.clone();
    engine
        .register("short", move |_: &TaskContext<'_>| {
            if count.fetch_add(1, Ordering::SeqCst) == 1000 {
                weak.upgrade().unwrap().pause("default").unwrap();
                done.open();
            }
        })
        .unwrap();
    for _ in 0..3000 {
        engine.submit(&Submission::new("short", b"")).unwrap();
    }
    paused.wait();
    engine.wait(TaskId::new(1001).unwrap(), LONG).unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 1001);
    engine.resume("default").unwrap();
    engine.wait(TaskId::new(3000).unwrap(), LONG).unwrap();
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3000);
}

#[test]
fn a_dead_task_is_listed_replayed_with_fresh_attempts_and_purged() {
    let (engine, recorder) = manual(1);
    let broken = Arc::new(AtomicU32::new(1));
    let (is_broken, seen) = (broken.clone(), Seen::default());
    let attempts = seen.clone();
    engine
        .register("fragile", move |task: &TaskContext<'_>| {
            attempts.push((task.attempt(), task.payload().to_vec()));
            match is_broken.load(Ordering::SeqCst) {
                0 => Outcome::Done,
                _ => Outcome::Failed(Failure::message("broken")),
            }
        })
        .unwrap();
    noting(&engine);
    let dead: Vec<_> = (0..3u8).map(|n| engine.submit(&Submission::new("fragile", &[n])).unwrap()).collect();
    let fine = engine.submit(&Submission::new("note", b"")).unwrap();
    let later = engine.submit(&Submission::new("note", b"").delay(HOUR)).unwrap();
    dead.iter().for_each(|id| assert_eq!(ended(&engine, *id), State::Dead));
    assert_eq!(ended(&engine, fine), State::Succeeded);
    let list = |filter: TaskFilter<'_>| -> Vec<TaskId> {
        engine.list(&filter).unwrap().iter().map(|status| status.id).collect()
    };
    let mut filter = TaskFilter::default();
    assert_eq!(list(filter), [dead[0], dead[1], dead[2], fine, later]);
    filter.states = &[State::Dead];
    assert_eq!(list(filter), dead);
    (filter.after, filter.limit) = (Some(dead[0]), Some(1));
    assert_eq!(list(filter), [dead[1]]);
    filter = TaskFilter::default();
    filter.task_name = Some("note");
    assert_eq!(list(filter), [fine, later]);
    filter.queue = Some("elsewhere");
    assert!(list(filter).is_empty());

    assert!(matches!(engine.replay(fine), Err(Error::InvalidArgument(_))));
    assert!(matches!(engine.replay(TaskId::new(999).unwrap()), Err(Error::NotFound(_))));
    broken.store(0, Ordering::SeqCst);
    engine.replay(dead[1]).unwrap();
    let status = engine.wait(dead[1], LONG).unwrap();
    assert_eq!((status.state, status.attempt, status.lease.value()), (State::Succeeded, 1, 2));
    assert_eq!(seen.all()[3], (1, vec![1]));
    assert!(engine.replay(dead[1]).is_err());

    filter = TaskFilter::default();
    filter.states = &[State::Dead, State::Scheduled];
    assert_eq!(engine.purge(&filter).unwrap(), 2, "what is not over is not forgotten");
    assert!(engine.status(dead[0]).is_none() && engine.status(later).is_some());
    assert_eq!(engine.purge(&TaskFilter::default()).unwrap(), 2);
    assert_eq!(list(TaskFilter::default()), [later]);
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    assert!(recorder.kinds().contains(&EventKind::Replayed));
}

#[test]
fn purged_tasks_are_forgotten_once_however_many_end_after_them() {
    let mut options = options(1);
    options.keep_finished = backrun::Retention::Newest(10);
    let engine = Engine::start(options).unwrap();
    noting(&engine);
    for _ in 0..300 {
        let ids: Vec<_> = (0..7).map(|_| engine.submit(&Submission::new("note", b"")).unwrap()).collect();
        ids.iter().for_each(|id| drop(engine.wait(*id, LONG)));
        engine.purge(&TaskFilter::default()).unwrap();
    }
    assert!(engine.list(&TaskFilter::default()).unwrap().is_empty());
}

#[test]
fn a_run_that_does_not_say_when_it_is_to_be_tried_again_waits_as_its_policy_says_or_a_second() {
    let (engine, _) = manual(1);
    engine.register("again", |_: &TaskContext<'_>| Outcome::RetryAfter(Failure::message("busy"), None)).unwrap();
    let policy = RetryPolicy::attempts(2).delay(5 * SECOND).jitter_percent(0);
    for (submission, delay) in
        [(Submission::new("again", b"").retry(policy), 5 * SECOND), (Submission::new("again", b""), SECOND)]
    {
        let id = engine.submit(&submission).unwrap();
        wait_until(&engine, id, State::Scheduled);
        engine.advance_time(delay - MS).unwrap();
        assert_eq!((state(&engine, id), engine.status(id).unwrap().attempt), (State::Scheduled, 1));
        engine.advance_time(MS).unwrap();
        while engine.status(id).unwrap().attempt < 2 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_settle_leaves_its_result_and_one_that_is_refused_does_not() {
    let (engine, _) = manual(1);
    let leases = Seen::default();
    let seen = leases.clone();
    engine
        .register("wait", move |task: &TaskContext<'_>| {
            task.set_result(b"of the run").unwrap();
            seen.push(task.lease());
            Outcome::Pending
        })
        .unwrap();
    let id = engine.submit(&Submission::new("wait", b"")).unwrap();
    leases.wait_for(|leases| leases.len() == 1);
    let lease = leases.all()[0];
    let refused = engine.settle_with_result(id, Lease::new(lease.value() + 1), b"of another").unwrap_err();
    assert!(matches!(refused, Error::StaleLease { .. }), "{refused}");
    let large = engine.settle_with_result(id, lease, &vec![0; (4 << 20) + 1]).unwrap_err();
    assert!(large.to_string().contains("4194305"), "{large}");
    assert!(!state(&engine, id).is_final());
    engine.settle_with_result(id, lease, b"of the settle").unwrap();
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!((status.state, status.result.as_deref()), (State::Succeeded, Some(&b"of the settle"[..])));
    assert!(engine.settle_with_result(id, lease, b"late").is_err());
    assert_eq!(engine.status(id).unwrap().result.as_deref(), Some(&b"of the settle"[..]));
}

#[test]
fn what_a_settle_left_before_the_run_has_returned_is_not_the_runs_to_change() {
    let (engine, _) = manual(1);
    let (leases, settled, told) = (Seen::default(), Gate::default(), Seen::default());
    let (seen, wait, said) = (leases.clone(), settled.clone(), told.clone());
    engine
        .register("early", move |task: &TaskContext<'_>| {
            seen.push(task.lease());
            wait.wait();
            said.push(task.set_result(b"of the run").unwrap_err().code());
            Outcome::Pending
        })
        .unwrap();
    let id = engine.submit(&Submission::new("early", b"")).unwrap();
    leases.wait_for(|leases| leases.len() == 1);
    engine.settle_with_result(id, leases.all()[0], b"of the settle").unwrap();
    settled.open();
    assert_eq!(engine.wait(id, LONG).unwrap().result.as_deref(), Some(&b"of the settle"[..]));
    assert_eq!(told.all(), [10]);
}
