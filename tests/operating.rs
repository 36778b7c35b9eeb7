//! What a running engine is asked and told: progress and results, pause, list, replay, purge.

mod common;

use backrun::{
    CancelResult, Engine, Error, EventKind, Failure, Lease, Outcome, ShutdownMode, State, Submission, TaskContext,
    TaskFilter, TaskId, TaskOptions,
};
use common::{ended, manual, noting, options, state, Gate, Seen, HOUR, LONG};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

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
