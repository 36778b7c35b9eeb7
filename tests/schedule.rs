//! Tasks that wait for their time, by a clock that the test sets.

mod common;

use backrun::{CancelResult, Engine, Error, EventKind, RetryPolicy, ShutdownMode, State, Submission, TaskContext};
use common::{ended, manual, noting, options, state, Seen, HOUR, LONG, MS, SECOND};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
fn the_bytes_of_scheduled_tasks_count_against_the_capacity_and_are_told() {
    let mut options = options(1);
    options.manual_time = true;
    options.default_queue.capacity_bytes = 8;
    let engine = Engine::start(options).unwrap();
    let ran = noting(&engine);
    let bytes = || {
        let now = engine.statistics().unwrap().engine;
        (now.scheduled_bytes, now.ready_bytes)
    };
    let first = engine.submit(&Submission::new("note", b"12345").delay(SECOND)).unwrap();
    engine.submit(&Submission::new("note", b"678").delay(SECOND)).unwrap();
    assert_eq!(bytes(), (8, 0));
    let refused = engine.submit(&Submission::new("note", b"9")).unwrap_err();
    assert!(matches!(refused, Error::QueueFull { bytes: 8, .. }), "{refused}");
    engine.cancel(first, "").unwrap();
    assert_eq!(bytes(), (3, 0));
    engine.pause("default").unwrap();
    engine.advance_time(SECOND).unwrap();
    assert_eq!(bytes(), (0, 3));
    engine.resume("default").unwrap();
    ran.wait_for(|ran| ran.len() == 1);
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
