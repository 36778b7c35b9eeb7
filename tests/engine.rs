//! Submit, run, status, cancel, queues: the engine through its Rust API.

mod common;

use backrun::{
    CancelResult, Error, EventKind, Failure, Handler, Lease, Outcome, Priority, State, Submission, TaskContext, TaskId,
    TaskNumber, WhenFull,
};
use common::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn task(name: &str) -> Submission<'_> {
    Submission::new(name, b"")
}

#[test]
fn a_task_sees_what_was_submitted() {
    let engine = engine(2);
    let seen = Seen::default();
    let told = seen.clone();
    engine
        .register("look", move |t: &TaskContext<'_>| {
            let headers: Vec<_> = t.headers().map(|(n, v)| format!("{n}={v}")).collect();
            let user = t.user_context().map(<[u8]>::to_vec);
            told.push((t.id(), t.payload().to_vec(), user, headers, t.priority(), t.attempt(), t.queue().to_owned()));
        })
        .unwrap();
    let submission = Submission::new("look", b"payload")
        .user_context(b"ada")
        .header("culture", "de-AT")
        .header("empty", "")
        .priority(Priority::AboveNormal);
    let id = engine.submit(&submission).unwrap();
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!((status.state, status.attempt), (State::Succeeded, 1));
    assert!(status.submitted_at_us <= status.started_at_us && status.started_at_us <= status.finished_at_us);
    let headers = vec!["culture=de-AT".to_owned(), "empty=".to_owned()];
    let expected =
        (id, b"payload".to_vec(), Some(b"ada".to_vec()), headers, Priority::AboveNormal, 1, "default".to_owned());
    assert_eq!(seen.all(), [expected]);
}

#[test]
fn a_number_stands_in_place_of_the_name() {
    let engine = engine(1);
    let seen = Seen::default();
    let told = seen.clone();
    engine.register("other", |_: &TaskContext<'_>| ()).unwrap();
    engine
        .register("look", move |t: &TaskContext<'_>| told.push((t.task_name().to_owned(), t.payload().to_vec())))
        .unwrap();
    let number = engine.task_number("look").unwrap();
    let id = engine.submit(&Submission::numbered(number, b"one")).unwrap();
    engine.wait(id, LONG).unwrap();
    let ids = engine.submit_many(&[Submission::numbered(number, b"two"), Submission::new("look", b"three")]).unwrap();
    engine.wait(ids[1], LONG).unwrap();
    let expected = [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()].map(|payload| ("look".to_owned(), payload));
    assert_eq!(seen.all(), expected);
    assert!(matches!(engine.task_number("nobody"), Err(Error::NoHandler(_))));
    let unknown = TaskNumber::new(3).unwrap();
    assert!(matches!(engine.submit(&Submission::numbered(unknown, b"")), Err(Error::InvalidArgument(_))));
}

#[test]
fn a_failed_run_keeps_type_message_and_detail_in_status_event_and_log() {
    let (engine, recorder) = observed(1);
    engine
        .register("fail", |_: &TaskContext<'_>| Outcome::Failed(Failure::new("App.Error", "no such file", "at main")))
        .unwrap();
    let id = engine.submit(&task("fail")).unwrap();
    let status = engine.wait(id, LONG).unwrap();
    let failure = status.failure.unwrap();
    assert_eq!(status.state, State::Dead);
    assert_eq!((failure.error_type(), failure.text(), failure.detail()), ("App.Error", "no such file", "at main"));
    let events = recorder.events.wait_for(|all| all.iter().any(|e| e.kind == EventKind::Dead));
    let kinds: Vec<_> = events.iter().map(|e| e.kind).collect();
    assert_eq!(kinds, [EventKind::Accepted, EventKind::Started, EventKind::RunFailed, EventKind::Dead]);
    assert_eq!(events[2].failure.as_ref().unwrap().text(), "no such file");
    let logs = recorder.logs.wait_for(|all| all.iter().any(|l| l.event_kind == Some(EventKind::Dead)));
    let line = logs.iter().find(|l| l.event_kind == Some(EventKind::Dead)).unwrap();
    assert!(line.message.contains("App.Error: no such file"), "{}", line.message);
}

#[test]
fn a_panic_in_a_handler_is_that_tasks_failure_and_nothing_else() {
    let engine = engine(1);
    engine
        .register("panic", |_: &TaskContext<'_>| {
            if true {
                panic!("by design")
            }
        })
        .unwrap();
    engine.register("fine", |_: &TaskContext<'_>| ()).unwrap();
    let (bad, good) = (engine.submit(&task("panic")).unwrap(), engine.submit(&task("fine")).unwrap());
    let status = engine.wait(bad, LONG).unwrap();
    assert_eq!(status.state, State::Dead);
    assert_eq!(status.failure.unwrap().text(), "by design");
    assert_eq!(engine.wait(good, LONG).unwrap().state, State::Succeeded);
}

#[test]
fn a_submit_that_cannot_be_done_says_why_and_accepts_nothing() {
    let (engine, recorder) = observed(1);
    engine.register("known", |_: &TaskContext<'_>| ()).unwrap();
    assert_eq!(engine.submit(&task("unknown")), Err(Error::NoHandler("unknown".into())));
    assert!(matches!(engine.submit(&task("known").queue("nowhere")), Err(Error::NotFound(_))));
    assert!(matches!(engine.submit(&task("")), Err(Error::InvalidArgument(_))));
    let big = vec![0; backrun::options::MAX_PAYLOAD_BYTES + 1];
    assert!(matches!(engine.submit(&Submission::new("known", &big)), Err(Error::TooLarge { .. })));
    let all = [task("known"), task("unknown")];
    assert!(engine.submit_many(&all).is_err(), "all or nothing");
    let events = recorder.events.wait_for(|all| all.len() == 5);
    assert!(events.iter().all(|e| e.kind == EventKind::Refused));
    assert_eq!(events[4].count, 2);
    let statistics = engine.statistics().unwrap();
    assert_eq!((statistics.engine.accepted, statistics.engine.refused), (0, 6));
    assert_eq!(engine.register("known", |_: &TaskContext<'_>| ()), Err(Error::AlreadyRegistered("known".into())));
}

#[test]
fn priorities_go_first_and_equals_go_in_order() {
    let engine = engine(1);
    let (running, gate) = blocker(&engine);
    let order = Seen::default();
    let told = order.clone();
    engine.register("note", move |t: &TaskContext<'_>| told.push((t.priority().level(), t.id().value()))).unwrap();
    engine.submit(&task("block")).unwrap();
    running.wait_for(|all| all.len() == 1);
    let mut ids = Vec::new();
    for priority in [Priority::Lowest, Priority::Normal, Priority::Highest, Priority::Normal, Priority::Highest] {
        ids.push(engine.submit(&task("note").priority(priority)).unwrap().value());
    }
    gate.open();
    let order = order.wait_for(|all| all.len() == 5);
    assert_eq!(order, [(2, ids[2]), (2, ids[4]), (0, ids[1]), (0, ids[3]), (-2, ids[0])]);
}

#[test]
fn a_concurrency_limit_is_never_passed_and_pending_runs_count() {
    let engine = engine(4);
    let mut options = queue();
    options.workers = Some(4);
    options.concurrency_limit = Some(2);
    engine.configure_queue("narrow", options).unwrap();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, peak) = (now.clone(), most.clone());
    engine
        .register("count", move |_: &TaskContext<'_>| {
            peak.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            counter.fetch_sub(1, Ordering::SeqCst);
        })
        .unwrap();
    let started = Seen::default();
    let told = started.clone();
    engine
        .register("pend", move |t: &TaskContext<'_>| {
            told.push((t.id(), t.lease()));
            Outcome::Pending
        })
        .unwrap();
    let many: Vec<_> = (0..200).map(|_| task("count").queue("narrow")).collect();
    let ids = engine.submit_many(&many).unwrap();
    for id in ids {
        assert_eq!(engine.wait(id, LONG).unwrap().state, State::Succeeded);
    }
    assert!(most.load(Ordering::SeqCst) <= 2);
    let pending: Vec<_> = (0..3).map(|_| engine.submit(&task("pend").queue("narrow")).unwrap()).collect();
    let (first, lease) = started.wait_for(|all| all.len() == 2)[0];
    assert_eq!(engine.status(pending[2]).unwrap().state, State::Ready, "two pending runs fill the limit");
    engine.settle(first, lease, Outcome::Done).unwrap();
    started.wait_for(|all| all.len() == 3);
    for (id, lease) in started.all().into_iter().filter(|(id, _)| *id != first) {
        engine.settle(id, lease, Outcome::Done).unwrap();
    }
    for id in pending {
        assert_eq!(engine.wait(id, LONG).unwrap().state, State::Succeeded);
    }
}

#[test]
fn a_pending_run_is_settled_once_from_any_thread_even_before_it_returned() {
    let engine = Arc::new(engine(1));
    let (leases, gate) = (Seen::<(TaskId, Lease)>::default(), Gate::default());
    let (told, wait) = (leases.clone(), gate.clone());
    engine
        .register("pend", move |t: &TaskContext<'_>| {
            told.push((t.id(), t.lease()));
            wait.wait();
            Outcome::Pending
        })
        .unwrap();
    let id = engine.submit(&task("pend")).unwrap();
    let (_, lease) = leases.wait_for(|all| all.len() == 1)[0];
    assert!(matches!(engine.settle(id, Lease::new(lease.value() + 1), Outcome::Done), Err(Error::StaleLease { .. })));
    engine.settle(id, lease, Outcome::Failed(Failure::message("early"))).unwrap();
    assert!(matches!(engine.settle(id, lease, Outcome::Done), Err(Error::StaleLease { .. })), "once");
    assert_eq!(engine.status(id).unwrap().state, State::Running, "its thread has not come back");
    gate.open();
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!((status.state, status.failure.unwrap().text()), (State::Dead, "early"));
    assert!(matches!(engine.settle(id, lease, Outcome::Done), Err(Error::StaleLease { .. })), "final");
    let unknown = TaskId::new(999).unwrap();
    assert!(matches!(engine.settle(unknown, lease, Outcome::Done), Err(Error::NotFound(_))));
    assert_eq!(engine.statistics().unwrap().engine.stale_settles, 3);
}

struct Cancellable {
    running: Seen<i64>,
    asked: Seen<(i64, i64)>,
    gate: Gate,
}

impl Handler for Cancellable {
    fn run(&self, context: &TaskContext<'_>) -> Outcome {
        self.running.push(context.id().value());
        self.gate.wait();
        assert!(context.is_cancelled());
        Outcome::Cancelled
    }

    fn cancel_requested(&self, id: TaskId, lease: Lease) {
        self.asked.push((id.value(), lease.value()));
    }
}

#[test]
fn cancel_says_what_it_met_and_a_running_task_is_told() {
    let (engine, recorder) = observed(1);
    let handler = Cancellable { running: Seen::default(), asked: Seen::default(), gate: Gate::default() };
    let (running, asked, gate) = (handler.running.clone(), handler.asked.clone(), handler.gate.clone());
    engine.register("stop", handler).unwrap();
    let (first, second) = (engine.submit(&task("stop")).unwrap(), engine.submit(&task("stop")).unwrap());
    running.wait_for(|all| all.len() == 1);
    assert_eq!(engine.cancel(second, "not needed"), Ok(CancelResult::Queued));
    let status = engine.status(second).unwrap();
    assert_eq!((status.state, &*status.cancel_reason), (State::Cancelled, "not needed"));
    assert_eq!(engine.cancel(first, "enough"), Ok(CancelResult::Running));
    assert_eq!(engine.cancel(first, "again"), Ok(CancelResult::Running));
    asked.wait_for(|all| all.len() == 1);
    gate.open();
    let status = engine.wait(first, LONG).unwrap();
    assert_eq!((status.state, &*status.cancel_reason), (State::Cancelled, "enough"), "the first reason counts");
    assert_eq!(asked.all(), [(first.value(), status.lease.value())], "asked once");
    assert_eq!(engine.cancel(first, ""), Ok(CancelResult::AlreadyFinal));
    assert_eq!(engine.cancel(TaskId::new(77).unwrap(), ""), Ok(CancelResult::Unknown));
    recorder.events.wait_for(|all| all.iter().filter(|e| e.kind == EventKind::Cancelled).count() == 2);
    assert_eq!(recorder.kinds().iter().filter(|k| **k == EventKind::CancelRequested).count(), 1);
    assert_eq!(engine.statistics().unwrap().engine.ready, 0);
}

#[test]
fn a_full_queue_refuses_waits_or_drops_as_the_caller_chose() {
    let engine = Arc::new(engine(1));
    let mut options = queue();
    options.workers = Some(1);
    options.capacity = 2;
    options.capacity_bytes = 100;
    engine.configure_queue("small", options).unwrap();
    let (running, gate) = blocker(&engine);
    let small = || task("block").queue("small");
    let head = engine.submit(&small()).unwrap();
    running.wait_for(|all| all == [head.value()]);
    let queued = [engine.submit(&small()).unwrap(), engine.submit(&small()).unwrap()];
    let error = engine.submit(&small()).unwrap_err();
    assert!(matches!(error, Error::QueueFull { tasks: 2, capacity: 2, .. }), "{error}");
    let no_time = WhenFull::Wait(Some(Duration::ZERO));
    assert!(matches!(engine.submit(&small().when_full(no_time)), Err(Error::QueueFull { .. })));
    let newest = engine.submit(&small().when_full(WhenFull::DropOldest)).unwrap();
    assert_eq!(engine.status(queued[0]).unwrap().state, State::Dropped);
    let too_many = [small(), small(), small()];
    assert!(matches!(engine.submit_many(&too_many), Err(Error::QueueFull { .. })), "more than it can ever hold");
    let bytes = [0; 101];
    let wide = Submission::new("block", &bytes).queue("small").when_full(WhenFull::DropOldest);
    assert!(matches!(engine.submit(&wide), Err(Error::QueueFull { capacity_bytes: 100, .. })));
    assert_eq!(engine.status(queued[1]).unwrap().state, State::Ready, "nothing was dropped in vain");

    let waiting = engine.clone();
    let submitted = std::thread::spawn(move || waiting.submit(&small().when_full(WhenFull::Wait(LONG))).unwrap());
    gate.open();
    let last = submitted.join().unwrap();
    for id in [head, queued[1], newest, last] {
        assert_eq!(engine.wait(id, LONG).unwrap().state, State::Succeeded);
    }
    assert_eq!(engine.statistics().unwrap().engine.dropped, 1);
}

#[test]
fn a_batch_that_is_refused_by_one_queue_drops_nothing_from_another() {
    let engine = engine(1);
    let mut options = queue();
    options.workers = Some(1);
    options.capacity = 1;
    options.when_full = WhenFull::DropOldest;
    engine.configure_queue("a", options.clone()).unwrap();
    options.when_full = WhenFull::Refuse;
    engine.configure_queue("b", options).unwrap();
    let (running, gate) = blocker(&engine);
    let block = |queue| engine.submit(&task("block").queue(queue)).unwrap();
    block("a");
    block("b");
    running.wait_for(|all| all.len() == 2);
    let queued = [block("a"), block("b")];
    let batch = [task("block").queue("a"), task("block").queue("b")];
    assert!(matches!(engine.submit_many(&batch), Err(Error::QueueFull { .. })));
    let states = queued.map(|id| engine.status(id).unwrap().state);
    assert_eq!(states, [State::Ready, State::Ready]);
    gate.open();
}

#[test]
fn an_engine_thread_that_would_wait_for_itself_is_told_so() {
    let engine = Arc::new(engine(1));
    let mut options = queue();
    options.workers = Some(1);
    options.capacity = 1;
    engine.configure_queue("small", options).unwrap();
    let errors = Seen::default();
    let (inside, told) = (engine.clone(), errors.clone());
    engine
        .register("try", move |t: &TaskContext<'_>| {
            told.push(inside.wait(t.id(), LONG).map(|_| ()));
            told.push(inside.wait(t.id(), Some(Duration::ZERO)).map(|_| ()));
            told.push(inside.shutdown(backrun::ShutdownMode::Drain, LONG).map(|_| ()));
            let submission = Submission::new("try", b"").queue("small").when_full(WhenFull::Wait(LONG));
            told.push(inside.submit(&submission).map(|_| ()));
            told.push(inside.submit(&submission).map(|_| ()));
        })
        .unwrap();
    // The worker of `small` is busy with a task that waits for a gate, so that `small` fills up.
    let (running, gate) = blocker(&engine);
    engine.submit(&task("block").queue("small")).unwrap();
    running.wait_for(|all| all.len() == 1);
    let id = engine.submit(&task("try")).unwrap();
    engine.wait(id, LONG).unwrap();
    let errors = errors.all();
    assert!(matches!(errors[0], Err(Error::WouldDeadlock { .. })));
    assert_eq!(errors[1], Ok(()), "a look is no wait");
    assert!(matches!(errors[2], Err(Error::WouldDeadlock { .. })));
    assert_eq!(errors[3], Ok(()));
    assert!(matches!(errors[4], Err(Error::WouldDeadlock { .. })));
    gate.open();
}

#[test]
fn the_newest_finished_tasks_can_be_asked_for_and_a_waiter_is_told_even_if_nothing_is_kept() {
    // Nobody can see that a wait has begun, so the run may end first; one round in which it does not is enough.
    let waited = (0..1000).any(|_| {
        let mut options = options(1);
        options.keep_finished = backrun::Retention::Newest(0);
        let engine = backrun::Engine::start(options).unwrap();
        let (running, gate) = blocker(&engine);
        let id = engine.submit(&task("block")).unwrap();
        running.wait_for(|all| all.len() == 1);
        let told = Seen::default();
        let ended = told.clone();
        engine.watch(id, move |status, result| ended.push((status.state, result))).unwrap();
        let gate_opener = std::thread::spawn(move || gate.open());
        let waited = engine.wait(id, LONG);
        gate_opener.join().unwrap();
        told.wait_for(|all| all == [(State::Succeeded, Ok(()))]);
        assert!(engine.status(id).is_none());
        assert!(matches!(engine.wait(id, LONG), Err(Error::NotFound(_))));
        assert!(matches!(engine.watch(id, |_, _| ()), Err(Error::NotFound(_))));
        assert!(matches!(engine.payload(id), Err(Error::NotFound(_))));
        waited.is_ok_and(|status| status.state == State::Succeeded)
    });
    assert!(waited);
}

#[test]
fn the_payload_of_a_task_can_be_read_while_it_lies_in_a_workers_hand() {
    let engine = engine(1);
    let (running, gate) = blocker(&engine);
    let ran = Seen::default();
    let counting = ran.clone();
    engine.register("short", move |t: &TaskContext<'_>| counting.push(t.id().value())).unwrap();
    // Short runs, so that the worker takes several at a time.
    let warm: Vec<_> = (0..1000).map(|_| engine.submit(&task("short")).unwrap()).collect();
    engine.wait(warm[999], LONG).unwrap();
    let large = vec![7; 100_000];
    let all: Vec<_> = (0..30u8)
        .map(|n| if n == 0 { task("block") } else { Submission::new("short", &large[..usize::from(n) * 3000]) })
        .collect();
    let ids = engine.submit_many(&all).unwrap();
    running.wait_for(|all| all.len() == 1);
    for (id, submission) in ids.iter().zip(&all).skip(1) {
        assert_eq!(engine.payload(*id).as_deref(), Ok(submission.payload), "{id}");
    }
    assert!(matches!(engine.payload(ids[0]), Err(Error::NotFound(_))), "it runs");
    gate.open();
    engine.wait(ids[29], LONG).unwrap();
}

/// Runs that take a while, whatever their end is.
#[test]
fn how_long_a_run_took_is_measured_however_it_ended() {
    for (kind, outcome) in [
        (EventKind::RunFailed, Outcome::Failed(Failure::new("", "by design", ""))),
        (EventKind::Dead, Outcome::Failed(Failure::new("", "by design", ""))),
        (EventKind::Cancelled, Outcome::Cancelled),
        (EventKind::Succeeded, Outcome::Done),
    ] {
        let recorder = Recorder::default();
        let mut options = options(1);
        options.event_kinds = 1 << kind as u32;
        options.log_level = backrun::LogFilter::Off;
        let engine = backrun::Engine::start_observed(options, Arc::new(recorder.clone())).unwrap();
        let took = Seen::default();
        let measured = took.clone();
        engine
            .register("busy", move |_: &TaskContext<'_>| {
                let began = Instant::now();
                while began.elapsed() < Duration::from_micros(300) {
                    std::hint::spin_loop();
                }
                measured.push(began.elapsed());
                outcome.clone()
            })
            .unwrap();
        for round in 0..20 {
            let before = Instant::now();
            engine.submit(&task("busy")).unwrap();
            let events = recorder.events.wait_for(|all| all.len() == round + 1);
            let run = Duration::from_micros(u64::try_from(events[round].run_us).unwrap());
            // Cut to whole microseconds.
            let least = took.all()[round].saturating_sub(Duration::from_micros(1));
            assert!(least <= run && run <= before.elapsed(), "{kind:?}: {run:?}, {least:?}");
        }
    }
}

#[test]
fn queues_can_be_changed_while_they_work() {
    let engine = engine(2);
    let workers = |engine: &backrun::Engine| engine.statistics().unwrap().engine.workers;
    let mut options = queue();
    options.workers = Some(6);
    engine.configure_queue("default", options.clone()).unwrap();
    assert_eq!(workers(&engine), 6);
    options.workers = Some(60);
    engine.configure_queue("second", options.clone()).unwrap_err();
    options.workers = Some(2);
    engine.configure_queue("default", options).unwrap();
    // Surplus workers go by themselves; no more than the surplus goes.
    engine.register("fine", |_: &TaskContext<'_>| ()).unwrap();
    let ids: Vec<_> = (0..100).map(|_| engine.submit(&task("fine")).unwrap()).collect();
    for id in ids {
        engine.wait(id, LONG).unwrap();
    }
    while workers(&engine) > 2 {
        std::thread::yield_now();
    }
    assert_eq!(workers(&engine), 2);
}

#[test]
fn a_storm_from_many_threads_loses_nothing_and_runs_everything_once() {
    let engine = Arc::new(engine(3));
    let runs: Arc<Vec<AtomicUsize>> = Arc::new((0..20_000).map(|_| AtomicUsize::new(0)).collect());
    let counted = runs.clone();
    engine
        .register("count", move |t: &TaskContext<'_>| {
            let number = u32::from_le_bytes(t.payload().try_into().unwrap());
            counted[number as usize].fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
    std::thread::scope(|scope| {
        let engine = &engine;
        let submits = |part: u32| {
            scope.spawn(move || {
                for number in (part * 5000)..(part * 5000 + 5000) {
                    engine.submit(&Submission::new("count", &number.to_le_bytes())).unwrap();
                }
            })
        };
        // Joined one by one: the thread sanitizer does not see how a scope waits.
        let threads: Vec<_> = (0..4).map(submits).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let report = engine.shutdown(backrun::ShutdownMode::Drain, LONG).unwrap();
    assert!(report.is_complete());
    assert!(runs.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    let counters = engine.statistics().unwrap().engine;
    assert_eq!((counters.accepted, counters.started, counters.succeeded, counters.ready), (20_000, 20_000, 20_000, 0));
}
