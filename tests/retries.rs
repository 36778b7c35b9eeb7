//! What follows a failed run, by a clock that the test sets.

mod common;

use backrun::{
    Backoff, Engine, Error, EventKind, Failure, Outcome, RetryPolicy, ShutdownMode, State, Submission, TaskContext,
    TaskOptions,
};
use common::{ended, manual, state, wait_until, Gate, Seen, HOUR, LONG, MS, SECOND};

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
    // Not how long: the line's own time goes on while that of the engine stands still.
    assert!(lines.iter().any(|line| line.starts_with("attempt 1 failed, the next one is in ")), "{lines:?}");
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
