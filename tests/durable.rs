//! What an engine with a durable store promises past the end of the process, through the public API. A process that is killed is played by
//! a copy of the store's files as they are while the engine is at work, which is what a kill leaves (tests/crash.rs kills real ones).

#[path = "common/folder.rs"]
mod folder;

use backrun::store::durable::Store;
use backrun::store::sqlite::{SqliteOptions, SqliteStore};
use backrun::{
    CancelResult, Durability, Engine, EngineOptions, Error, Failure, Lease, Observer, Outcome, Priority, QueueOptions,
    RetryPolicy, ShutdownMode, State, StoreKind, Submission, TaskContext, TaskFilter, TaskId, TaskOptions, WhenFull,
};
use folder::Folder;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOON: Option<Duration> = Some(Duration::from_secs(20));

impl Folder {
    fn options(&self) -> EngineOptions {
        options(&self.file())
    }

    fn start(&self) -> Engine {
        Engine::start(self.options()).unwrap()
    }

    /// What the store has, once no engine has it.
    fn read<T>(&self, read: impl FnOnce(&dyn Store) -> T) -> T {
        let mut options = SqliteOptions::new(self.file());
        options.owner_wait = Duration::ZERO;
        let store = SqliteStore::open(options).unwrap();
        let read = read(&store);
        store.close().unwrap();
        read
    }
}

fn options(file: &Path) -> EngineOptions {
    let mut options = EngineOptions::default();
    options.workers = Some(2);
    options.store =
        StoreKind::Sqlite { path: file.into(), owner_wait: Some(Duration::ZERO), keep_for: None, encryption: None };
    options
}

/// A gate that runs wait at, and what they say when they come to it.
struct Gate {
    opened: Mutex<Receiver<()>>,
    came: Sender<TaskId>,
}

fn gate() -> (Arc<Gate>, Sender<()>, Receiver<TaskId>) {
    let (open, opened) = channel();
    let (came, comes) = channel();
    (Arc::new(Gate { opened: Mutex::new(opened), came }), open, comes)
}

impl Gate {
    fn pass(&self, id: TaskId) {
        self.came.send(id).unwrap();
        let _ = self.opened.lock().unwrap().recv();
    }
}

fn shut_down(engine: Engine) -> u64 {
    let report = engine.shutdown(ShutdownMode::Cancel, SOON).unwrap();
    assert!(report.is_complete());
    report.queued
}

#[test]
fn a_task_is_in_the_store_when_its_submit_returns_and_gone_from_it_when_it_has_ended() {
    let folder = Folder::new();
    let engine = folder.start();
    let (gate, open, comes) = gate();
    engine.register("wait", move |task: &TaskContext<'_>| gate.pass(task.id())).unwrap();
    let mut submission = Submission::new("wait", b"bytes").user_context(b"user");
    submission.headers.push(("culture", "de-DE"));
    let id = engine.submit(&submission).unwrap();
    assert_eq!(comes.recv().unwrap(), id);
    folder.copy().read(|store| {
        let task = store.get(id).unwrap().expect("it was accepted");
        assert_eq!((&*task.task_name, &*task.queue, task.state), ("wait", "default", State::Ready));
        assert_eq!((&*task.payload, task.user_context.as_deref()), (&b"bytes"[..], Some(&b"user"[..])));
        assert_eq!(task.crashes, 1, "it ran when the process was killed");
    });
    open.send(()).unwrap();
    assert_eq!(engine.wait(id, SOON).unwrap().state, State::Succeeded);
    assert_eq!(engine.status(id).unwrap().state, State::Succeeded, "it is known afterwards");
    folder.copy().read(|store| {
        assert_eq!(store.get(id).unwrap().unwrap().state, State::Succeeded);
        assert_eq!(store.stored().unwrap().ready, 0);
    });
    assert_eq!(shut_down(engine), 0);
}

#[test]
fn what_a_killed_process_left_runs_in_the_next_one_with_all_that_it_was_given() {
    let folder = Folder::new();
    let engine = folder.start();
    engine.configure_queue("paused", QueueOptions::default()).unwrap();
    engine.register_with("say", in_queue("paused"), || |_: &TaskContext<'_>| ()).unwrap();
    engine.pause("paused").unwrap();
    let mut all = Vec::new();
    for number in 0..100u8 {
        let payload = [number];
        let mut submission = Submission::new("say", &payload);
        submission.user_context = (number % 2 == 0).then_some(b"user");
        submission.headers.push(("number", "a header"));
        all.push(engine.submit(&submission).unwrap());
    }
    let killed = folder.copy();
    shut_down(engine);

    let engine = killed.start();
    let (say, said) = channel();
    engine.configure_queue("paused", QueueOptions::default()).unwrap();
    let handler = move |task: &TaskContext<'_>| {
        let header = task.headers().next().map(|(name, value)| format!("{name}={value}"));
        say.send((task.id(), task.payload().to_vec(), task.user_context().is_some(), header)).unwrap();
    };
    engine.register_with("say", in_queue("paused"), || handler).unwrap();
    assert!(said.recv_timeout(Duration::from_millis(50)).is_err(), "the queue is paused, as it was");
    engine.resume("paused").unwrap();
    let mut heard: Vec<_> = (0..100).map(|_| said.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
    heard.sort_unstable();
    let due: Vec<_> =
        (0..100u8).map(|n| (all[usize::from(n)], vec![n], n % 2 == 0, Some("number=a header".to_owned()))).collect();
    assert_eq!(heard, due);
    for id in all {
        assert_eq!(engine.wait(id, SOON).unwrap().state, State::Succeeded);
    }
    let new = engine.submit(&Submission::new("say", b"")).unwrap();
    assert!(new > due.last().unwrap().0, "ids are not given twice");
    shut_down(engine);
}

fn in_queue(name: &str) -> TaskOptions {
    let mut options = TaskOptions::default();
    options.queue = Some(backrun::QueueName::new(name).unwrap());
    options
}

#[test]
fn a_shutdown_leaves_what_has_not_run_in_the_store_and_gives_an_interrupted_run_its_attempt_back() {
    let folder = Folder::new();
    let engine = folder.start();
    let (gate, _open, comes) = gate();
    let handler = move |task: &TaskContext<'_>| {
        gate.came.send(task.id()).unwrap();
        while !task.is_cancelled() {
            std::thread::yield_now();
        }
        Outcome::Cancelled
    };
    engine.register("stop", handler).unwrap();
    let ids: Vec<_> = (0..10).map(|_| engine.submit(&Submission::new("stop", b"x")).unwrap()).collect();
    let _both = [comes.recv().unwrap(), comes.recv().unwrap()];
    assert_eq!(shut_down(engine), 10);

    let engine = folder.start();
    let (say, said) = channel();
    engine
        .register("stop", move |task: &TaskContext<'_>| {
            say.send((task.id(), task.attempt(), task.lease().value())).unwrap()
        })
        .unwrap();
    let mut heard: Vec<_> = (0..10).map(|_| said.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
    heard.sort_unstable();
    assert!(heard.iter().map(|(id, _, _)| *id).eq(ids), "each runs, once");
    assert!(heard.iter().all(|(_, attempt, _)| *attempt == 1), "{heard:?}");
    // At least two ran before; more, where those stalled.
    assert!(heard.iter().filter(|(_, _, lease)| *lease == 2).count() >= 2, "leases go on: {heard:?}");
    shut_down(engine);
}

#[test]
fn what_is_delayed_retried_dead_or_cancelled_is_so_after_a_kill() {
    let folder = Folder::new();
    let engine = folder.start();
    let mut retry = TaskOptions::default();
    let mut policy = RetryPolicy::attempts(3);
    policy.delay = Duration::from_secs(3600);
    policy.max_delay = policy.delay;
    retry.retry = Some(policy);
    engine.register_with("fails", retry.clone(), || |_: &TaskContext<'_>| Err::<(), _>("no luck")).unwrap();
    engine.register("dies", |_: &TaskContext<'_>| Outcome::Fatal(Failure::new("Kind", "for good", "stack"))).unwrap();
    engine.register("leaves", |task: &TaskContext<'_>| task.set_result(b"result").unwrap()).unwrap();
    let mut later = Submission::new("leaves", b"later");
    later.delay = Duration::from_secs(7200);
    let delayed = engine.submit(&later).unwrap();
    let cancelled = engine.submit(&later).unwrap();
    assert_eq!(engine.cancel(cancelled, "not wanted").unwrap(), CancelResult::Queued);
    let fails = engine.submit(&Submission::new("fails", b"f")).unwrap();
    let dead = engine.submit(&Submission::new("dies", b"d")).unwrap();
    let done = engine.submit(&Submission::new("leaves", b"l")).unwrap();
    assert_eq!(engine.wait(dead, SOON).unwrap().state, State::Dead);
    assert_eq!(engine.wait(done, SOON).unwrap().state, State::Succeeded);
    while engine.status(fails).unwrap().state != State::Scheduled {
        std::thread::yield_now();
    }
    // A batch after it is told of: so what came before is written.
    let last = engine.submit(&later).unwrap();
    let killed = folder.copy();
    shut_down(engine);

    let engine = killed.start();
    engine.register("leaves", |_: &TaskContext<'_>| ()).unwrap();
    engine.register_with("fails", retry, || |_: &TaskContext<'_>| ()).unwrap();
    let state = |id| engine.status(id).map(|status| status.state);
    assert_eq!(state(delayed), Some(State::Scheduled));
    let run_at_s = engine.status(delayed).unwrap().run_at_us / 1_000_000;
    let now_s = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    assert!((7100..=7200).contains(&(run_at_s - now_s)), "{}", run_at_s - now_s);
    assert_eq!(state(last), Some(State::Scheduled));
    let status = engine.status(fails).unwrap();
    assert_eq!((status.state, status.attempt), (State::Scheduled, 1));
    assert_eq!(status.failure.unwrap().text(), "no luck");
    let status = engine.status(dead).unwrap();
    assert_eq!((status.state, status.failure.unwrap().detail()), (State::Dead, "stack"));
    let status = engine.status(cancelled).unwrap();
    assert_eq!((status.state, &*status.cancel_reason), (State::Cancelled, "not wanted"));
    assert_eq!(&**engine.status(done).unwrap().result.as_ref().unwrap(), b"result");
    // Dead ones can still be tried again.
    let (say, said) = channel();
    engine
        .register("dies", move |task: &TaskContext<'_>| say.send((task.payload().to_vec(), task.attempt())).unwrap())
        .unwrap();
    engine.replay(dead).unwrap();
    assert_eq!(said.recv_timeout(Duration::from_secs(20)).unwrap(), (b"d".to_vec(), 1));
    assert_eq!(engine.wait(dead, SOON).unwrap().state, State::Succeeded);
    let listed = engine.list(&TaskFilter::default()).unwrap();
    let listed: Vec<_> = listed.iter().map(|status| (status.id, status.state)).collect();
    let due = [
        (delayed, State::Scheduled),
        (cancelled, State::Cancelled),
        (fails, State::Scheduled),
        (dead, State::Succeeded),
        (done, State::Succeeded),
        (last, State::Scheduled),
    ];
    assert_eq!(listed, due);
    assert_eq!(engine.purge(&TaskFilter::default()).unwrap(), 3);
    assert_eq!(engine.list(&TaskFilter::default()).unwrap().len(), 3);
    shut_down(engine);
}

#[test]
fn tasks_that_ran_at_a_crash_run_one_at_a_time_and_a_task_that_crashes_three_times_is_dead() {
    let mut folder = Folder::new();
    let mut ids = Vec::new();
    for crash in 1..=3 {
        let engine = folder.start();
        let (gate, open, comes) = gate();
        engine.register("crash", move |task: &TaskContext<'_>| gate.pass(task.id())).unwrap();
        if crash == 1 {
            ids = (0..2).map(|_| engine.submit(&Submission::new("crash", b"")).unwrap()).collect();
            let _both = [comes.recv().unwrap(), comes.recv().unwrap()];
        } else {
            assert_eq!(comes.recv_timeout(Duration::from_secs(20)).unwrap(), ids[0]);
            assert!(comes.recv_timeout(Duration::from_millis(50)).is_err(), "the other one waits for its turn");
        }
        let killed = folder.copy();
        drop(open);
        shut_down(engine);
        folder = killed;
    }
    let engine = folder.start();
    let (say, said) = channel();
    engine.register("crash", move |task: &TaskContext<'_>| say.send(task.id()).unwrap()).unwrap();
    assert_eq!(said.recv_timeout(Duration::from_secs(20)).unwrap(), ids[1]);
    assert_eq!(engine.wait(ids[1], SOON).unwrap().state, State::Succeeded);
    while engine.status(ids[0]).unwrap().state != State::Dead {
        std::thread::yield_now();
    }
    let failure = engine.status(ids[0]).unwrap().failure.unwrap();
    assert!(failure.text().contains("3 unclean ends"), "{}", failure.text());
    shut_down(engine);
}

#[test]
fn a_shutdown_that_is_out_of_time_names_a_run_that_was_given_up_and_returns_though_memory_has_nothing_of_it() {
    let folder = Folder::new();
    let engine = folder.start();
    engine.register("stuck", |_: &TaskContext<'_>| ()).unwrap();
    engine.pause("default").unwrap();
    let mut submission = Submission::new("stuck", b"");
    submission.time_limit = Some(Duration::from_secs(1));
    let id = engine.submit(&submission).unwrap();
    shut_down(engine);
    // In the next process it is the only one of its part of the table.
    let mut options = folder.options();
    options.manual_time = true;
    let engine = Engine::start(options).unwrap();
    let (gate, open, comes) = gate();
    engine.register("stuck", move |task: &TaskContext<'_>| gate.pass(task.id())).unwrap();
    engine.resume("default").unwrap();
    assert_eq!(comes.recv_timeout(Duration::from_secs(20)).unwrap(), id);
    engine.advance_time(Duration::from_secs(2)).unwrap();
    engine.advance_time(Duration::from_secs(60)).unwrap();
    assert_eq!(engine.wait(id, SOON).unwrap().state, State::Dead);
    let report = engine.shutdown(ShutdownMode::Cancel, Some(Duration::ZERO)).unwrap();
    let running: Vec<_> = report.running.iter().map(|left| (left.id, &*left.task_name)).collect();
    assert_eq!(running, [(id, "stuck")]);
    drop(open);
    assert!(engine.shutdown(ShutdownMode::Cancel, SOON).unwrap().is_complete());
}

#[test]
fn tasks_without_a_handler_stay_in_the_store_and_can_be_asked_for() {
    let folder = Folder::new();
    let engine = folder.start();
    engine.register("gone", |_: &TaskContext<'_>| ()).unwrap();
    let mut later = Submission::new("gone", b"payload");
    later.delay = Duration::from_secs(3600);
    let id = engine.submit(&later).unwrap();
    shut_down(engine);
    let engine = folder.start();
    assert_eq!(engine.status(id).unwrap().state, State::Scheduled);
    assert_eq!(engine.payload(id).unwrap(), b"payload");
    assert!(matches!(engine.wait(id, SOON), Err(Error::NoHandler(_))));
    assert_eq!(shut_down(engine), 1);
    folder.read(|store| assert_eq!(store.get(id).unwrap().unwrap().state, State::Scheduled));
}

#[test]
fn the_end_of_a_task_can_be_waited_for_as_soon_as_its_name_is_registered() {
    let folder = Folder::new();
    let engine = folder.start();
    engine.register("many", |_: &TaskContext<'_>| ()).unwrap();
    engine.pause("default").unwrap();
    let submissions = vec![Submission::new("many", b"x"); 3_000];
    let ids = engine.submit_many(&submissions).unwrap();
    shut_down(engine);
    let engine = folder.start();
    engine.register("many", |_: &TaskContext<'_>| ()).unwrap();
    let (last, first) = (ids[ids.len() - 1], ids[0]);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| engine.wait(last, SOON).unwrap().state);
        engine.resume("default").unwrap();
        assert_eq!(waiting.join().unwrap(), State::Succeeded);
    });
    assert_eq!(engine.wait(first, SOON).unwrap().state, State::Succeeded);
    shut_down(engine);
}

#[test]
fn of_a_long_queue_memory_holds_a_part_and_the_rest_runs_by_priority_and_can_be_cancelled() {
    let folder = Folder::new();
    for is_restarted in [false, true] {
        let mut options = folder.options();
        (options.memory_tasks, options.workers) = (Some(10), Some(1));
        let mut engine = Engine::start(options.clone()).unwrap();
        let (say, said) = channel();
        let handler = move |task: &TaskContext<'_>| say.send(task.id()).unwrap();
        engine.register("say", handler.clone()).unwrap();
        engine.pause("default").unwrap();
        let payload = [1];
        let mut ids = Vec::new();
        for number in 0..200 {
            let mut submission = Submission::new("say", &payload);
            submission.priority = if number % 20 == 19 { Priority::BelowNormal } else { Priority::Normal };
            ids.push(engine.submit(&submission).unwrap());
        }
        if is_restarted {
            assert_eq!(shut_down(engine), 200);
            engine = Engine::start(options).unwrap();
            engine.register("say", handler).unwrap();
        }
        while engine.statistics().unwrap().engine.ready < 200 {
            std::thread::yield_now();
        }
        let statistics = engine.statistics().unwrap();
        let accepted = if is_restarted { 0 } else { 200 };
        assert_eq!(statistics.engine.accepted, accepted, "by this process");
        let store = statistics.store.unwrap();
        assert_eq!((store.unfinished, store.unsaved), (200, 0));
        assert!(store.outside >= 180 && store.bytes > 10_000, "{store:?}");
        assert_eq!(engine.status(ids[150]).unwrap().state, State::Ready);
        assert_eq!(engine.payload(ids[150]).unwrap(), [1]);
        assert_eq!(engine.cancel(ids[150], "not wanted").unwrap(), CancelResult::Queued);
        assert_eq!(engine.wait(ids[150], SOON).unwrap().state, State::Cancelled);
        engine.resume("default").unwrap();
        for (number, id) in ids.iter().enumerate() {
            let due = if number == 150 { State::Cancelled } else { State::Succeeded };
            assert_eq!(engine.wait(*id, SOON).unwrap().state, due);
        }
        let order: Vec<_> = said.try_iter().collect();
        assert_eq!(order.len(), 199);
        let place = |number: usize| order.iter().position(|other| *other == ids[number]).unwrap();
        assert!(place(198) < place(179), "what is below waits for what is not");
        let statistics = engine.statistics().unwrap();
        let store = statistics.store.unwrap();
        assert_eq!((statistics.engine.ready, store.unfinished, store.outside), (0, 0, 0));
        assert_eq!(statistics.engine.accepted, accepted, "also with one that was cancelled in the store");
        shut_down(engine);
    }
}

#[test]
fn ids_run_out_and_more_are_asked_for_while_others_submit() {
    let folder = Folder::new();
    let engine = folder.start();
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    // Several times what is asked for ahead, by batches and one by one, awaited and not.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let batch = vec![Submission::new("none", b"x"); 999];
                for _ in 0..12 {
                    engine.submit_async(&batch[0], |said| assert!(said.is_ok())).unwrap();
                    assert_eq!(engine.submit_many(&batch).unwrap().len(), 999);
                }
            });
        }
    });
    let report = engine.shutdown(ShutdownMode::Drain, SOON).unwrap();
    assert_eq!((report.is_complete(), report.queued), (true, 0));
}

#[test]
fn of_two_who_replay_a_dead_task_at_once_one_is_refused_and_it_runs_once() {
    let folder = Folder::new();
    let engine = folder.start();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let handler = move |_: &TaskContext<'_>| match counted.fetch_add(1, Ordering::SeqCst) % 2 {
        0 => Outcome::Fatal(Failure::message("dies at first")),
        _ => Outcome::Done,
    };
    engine.register("dies", handler).unwrap();
    for round in 0..20 {
        let id = engine.submit(&Submission::new("dies", b"")).unwrap();
        assert_eq!(engine.wait(id, SOON).unwrap().state, State::Dead);
        let replays: Vec<bool> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..3).map(|_| scope.spawn(|| engine.replay(id).is_ok())).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(replays.iter().filter(|done| **done).count(), 1);
        assert_eq!(engine.wait(id, SOON).unwrap().state, State::Succeeded);
        assert_eq!(runs.load(Ordering::SeqCst), 2 * (round + 1));
    }
    assert_eq!(engine.statistics().unwrap().store.unwrap().unfinished, 0);
    shut_down(engine);
}

#[test]
fn what_was_kept_outside_for_a_batch_that_was_only_promised_room_runs() {
    let folder = Folder::new();
    let mut options = folder.options();
    (options.memory_tasks, options.workers) = (Some(5), Some(1));
    let engine = Engine::start(options).unwrap();
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    let (tell, told) = channel();
    for _ in 0..50 {
        // One by itself, and at once a batch of more than memory is to hold.
        let tell = tell.clone();
        engine.submit_async(&Submission::new("none", b"x"), move |said| tell.send(said.unwrap()).unwrap()).unwrap();
        let ids = engine.submit_many(&vec![Submission::new("none", b"y"); 12]).unwrap();
        for id in ids.into_iter().chain([told.recv().unwrap()]) {
            assert_eq!(engine.wait(id, SOON).unwrap().state, State::Succeeded);
        }
    }
    shut_down(engine);
}

#[test]
fn a_cancel_after_the_end_of_the_engine_is_refused_and_does_not_wait() {
    let folder = Folder::new();
    let engine = folder.start();
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    let mut later = Submission::new("none", b"");
    later.delay = Duration::from_secs(3600);
    let id = engine.submit(&later).unwrap();
    assert!(engine.shutdown(ShutdownMode::Cancel, SOON).unwrap().is_complete());
    assert!(matches!(engine.cancel(id, "late"), Err(Error::ShuttingDown)));
    drop(engine);
    folder.read(|store| assert_eq!(store.get(id).unwrap().unwrap().state, State::Scheduled));
}

#[test]
fn a_run_that_comes_back_after_its_time_limit_while_its_end_is_on_its_way_changes_nothing() {
    let folder = Folder::new();
    let engine = folder.start();
    let mut options = TaskOptions::default();
    (options.time_limit, options.grace) = (Some(Duration::from_millis(2)), Some(Duration::from_millis(1)));
    let moment = AtomicU32::new(0);
    let handler = move |_: &TaskContext<'_>| {
        // Around the moment at which the end is handed over.
        let micros = 2_500 + 150 * u64::from(moment.fetch_add(1, Ordering::Relaxed) % 30);
        std::thread::sleep(Duration::from_micros(micros));
    };
    engine.register_with("late", options, || handler).unwrap();
    let ids: Vec<_> = (0..300).map(|_| engine.submit(&Submission::new("late", b"")).unwrap()).collect();
    for id in ids {
        let state = engine.wait(id, SOON).unwrap().state;
        assert!(matches!(state, State::Succeeded | State::Dead), "{state:?}");
    }
    shut_down(engine);
}

#[test]
fn an_asynchronous_submit_tells_the_id_when_the_task_is_safe_and_one_thread_has_many_on_their_way() {
    let folder = Folder::new();
    let engine = folder.start();
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    let (tell, told) = channel();
    for _ in 0..5_000 {
        let tell = tell.clone();
        engine.submit_async(&Submission::new("none", b"x"), move |said| tell.send(said).unwrap()).unwrap();
    }
    let ids: Vec<_> = (0..5_000).map(|_| told.recv_timeout(Duration::from_secs(20)).unwrap().unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "in the order of the submits");
    for id in ids {
        assert_eq!(engine.wait(id, SOON).unwrap().state, State::Succeeded);
    }
    shut_down(engine);
}

#[test]
fn whoever_is_told_by_the_store_is_refused_a_wait_for_it() {
    let folder = Folder::new();
    let engine = Arc::new(folder.start());
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    let (tell, told) = channel();
    let inside = engine.clone();
    let submission = Submission::new("none", b"x");
    let told_of = move |_| {
        let said = inside.submit(&Submission::new("none", b"y"));
        drop(inside);
        tell.send(said).unwrap();
    };
    engine.submit_async(&submission, told_of).unwrap();
    let said = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(matches!(said, Err(Error::WouldDeadlock { .. })), "{said:?}");
    shut_down(Arc::into_inner(engine).unwrap());
}

#[test]
fn a_callback_of_a_submit_that_panics_harms_nobody_else() {
    let folder = Folder::new();
    let engine = folder.start();
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    let (tell, told) = channel();
    let callback = move |said: Result<TaskId, Error>| {
        tell.send(said.unwrap()).unwrap();
        panic!("on purpose");
    };
    engine.submit_async(&Submission::new("none", b"x"), callback).unwrap();
    let id = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(engine.wait(id, SOON).unwrap().state, State::Succeeded);
    let next = engine.submit(&Submission::new("none", b"y")).unwrap();
    assert_eq!(engine.wait(next, SOON).unwrap().state, State::Succeeded);
    shut_down(engine);
}

#[test]
fn batches_of_any_kind_are_stored_whole_and_run() {
    let folder = Folder::new();
    let engine = folder.start();
    let (say, said) = channel();
    engine.register("say", move |task: &TaskContext<'_>| say.send(task.payload().to_vec()).unwrap()).unwrap();
    let payloads: Vec<_> = (0..2_000u32).map(|number| number.to_le_bytes()).collect();
    let mut submissions: Vec<_> = payloads.iter().map(|payload| Submission::new("say", payload)).collect();
    submissions.iter_mut().for_each(|submission| submission.durability = Some(Durability::Buffered));
    let ids = engine.submit_many(&submissions).unwrap();
    assert_eq!(ids.len(), 2_000);
    let mut heard: Vec<_> = (0..2_000).map(|_| said.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
    heard.sort_unstable_by_key(|payload| u32::from_le_bytes(payload[..].try_into().unwrap()));
    assert!(heard.iter().zip(&payloads).all(|(heard, due)| heard[..] == due[..]));
    shut_down(engine);
}

#[test]
fn a_pending_run_is_settled_durably_and_runs_again_where_nobody_settled_it() {
    let folder = Folder::new();
    let engine = folder.start();
    let (say, said) = channel();
    let handler = move |task: &TaskContext<'_>| {
        say.send((task.id(), task.lease())).unwrap();
        Outcome::Pending
    };
    engine.register("pend", handler).unwrap();
    let (first, second) = (
        engine.submit(&Submission::new("pend", b"1")).unwrap(),
        engine.submit(&Submission::new("pend", b"2")).unwrap(),
    );
    let mut leases = [said.recv().unwrap(), said.recv().unwrap()];
    leases.sort_unstable_by_key(|(id, _)| *id);
    engine.settle_with_result(first, leases[0].1, b"out").unwrap();
    assert!(matches!(
        engine.settle(first, leases[0].1, Outcome::Done),
        Err(Error::StaleLease { .. } | Error::NotFound(_))
    ));
    assert_eq!(&**engine.wait(first, SOON).unwrap().result.as_ref().unwrap(), b"out");
    while engine.status(second).unwrap().state != State::Pending {
        std::thread::yield_now();
    }
    engine.cancel(TaskId::new(1).unwrap(), "").unwrap();
    let killed = folder.copy();
    engine.abandon();
    let engine = killed.start();
    let (say, said) = channel();
    engine.register("pend", move |task: &TaskContext<'_>| say.send(task.id()).unwrap()).unwrap();
    assert_eq!(said.recv_timeout(Duration::from_secs(20)).unwrap(), second);
    assert_eq!(engine.wait(second, SOON).unwrap().state, State::Succeeded);
    shut_down(engine);
}

#[test]
fn a_durable_store_refuses_to_drop_what_it_has_accepted() {
    let folder = Folder::new();
    let engine = folder.start();
    let mut options = QueueOptions::default();
    options.when_full = WhenFull::DropOldest;
    let error = engine.configure_queue("drops", options).unwrap_err();
    assert!(matches!(error, Error::NotSupported { .. }), "{error}");
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    let mut submission = Submission::new("none", b"");
    submission.when_full = Some(WhenFull::DropOldest);
    assert!(matches!(engine.submit(&submission), Err(Error::NotSupported { .. })));
    shut_down(engine);
}

#[test]
fn two_engines_cannot_have_one_file_and_the_error_names_the_process() {
    let folder = Folder::new();
    let engine = folder.start();
    let error = Engine::start(folder.options()).err().unwrap().to_string();
    assert!(error.contains(&format!("in use by process {}", std::process::id())), "{error}");
    shut_down(engine);
    shut_down(folder.start());
}

/// Hears the ends that were asked for.
struct Ears(Mutex<Sender<(TaskId, Option<State>)>>);

impl Observer for Ears {
    fn wants_events(&self) -> bool {
        false
    }

    fn wants_logs(&self) -> bool {
        false
    }

    fn wants_ends(&self) -> bool {
        true
    }

    fn ended(&self, id: TaskId, _: Lease, state: Option<State>) {
        self.0.lock().unwrap().send((id, state)).unwrap();
    }
}

#[test]
fn the_end_of_a_task_that_an_earlier_process_left_is_told_once_however_it_comes() {
    let mut folder = Folder::new();
    let (mut crashes, mut runs, mut stays) = (None, None, None);
    for _ in 0..3 {
        let engine = folder.start();
        let (gate, open, comes) = gate();
        engine.register("crash", move |task: &TaskContext<'_>| gate.pass(task.id())).unwrap();
        let submit = |name| engine.submit(&Submission::new(name, b"")).unwrap();
        let id = *crashes.get_or_insert_with(|| submit("crash"));
        assert_eq!(comes.recv_timeout(Duration::from_secs(20)).unwrap(), id);
        if runs.is_none() {
            engine.configure_queue("paused", QueueOptions::default()).unwrap();
            engine.pause("paused").unwrap();
            for name in ["run", "stay"] {
                engine.register_with(name, in_queue("paused"), || |_: &TaskContext<'_>| ()).unwrap();
            }
            (runs, stays) = (Some(submit("run")), Some(submit("stay")));
        }
        let killed = folder.copy();
        drop(open);
        shut_down(engine);
        folder = killed;
    }
    let (tell, told) = channel();
    let engine = Engine::start_observed(folder.options(), Arc::new(Ears(Mutex::new(tell)))).unwrap();
    let (crashes, runs, stays) = (crashes.unwrap(), runs.unwrap(), stays.unwrap());
    for id in [crashes, runs, stays, runs] {
        assert_eq!(engine.tell_end(id).unwrap(), None, "{id}");
    }
    assert!(matches!(engine.tell_end(TaskId::new(i64::MAX).unwrap()), Err(Error::NotFound(_))));
    engine.register("crash", |_: &TaskContext<'_>| ()).unwrap();
    assert_eq!(engine.wait(crashes, SOON).unwrap().state, State::Dead);
    engine.register("run", |_: &TaskContext<'_>| ()).unwrap();
    let mut heard: Vec<_> = (0..2).map(|_| told.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
    heard.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(heard, [(crashes, Some(State::Dead)), (runs, Some(State::Succeeded))]);
    assert_eq!(engine.tell_end(runs).unwrap().unwrap().0, State::Succeeded, "it has ended");
    assert_eq!(shut_down(engine), 1);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [(stays, None)], "it stays in the store");
}

#[test]
fn what_ended_longer_ago_than_it_is_kept_is_not_known_any_more() {
    let folder = Folder::new();
    let engine = folder.start();
    engine.register("nothing", |_: &TaskContext<'_>| ()).unwrap();
    let id = engine.submit(&Submission::new("nothing", b"")).unwrap();
    let finished_us = engine.wait(id, SOON).unwrap().finished_at_us;
    shut_down(engine);
    while std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as i64 <= finished_us + 2000 {
        std::thread::yield_now();
    }
    let keep_for = |time: Duration| {
        let mut options = folder.options();
        options.store = StoreKind::Sqlite {
            path: folder.file(),
            owner_wait: Some(Duration::ZERO),
            keep_for: Some(time),
            encryption: None,
        };
        options
    };
    let refused = Engine::start(keep_for(Duration::from_micros(999))).err().unwrap().to_string();
    assert!(refused.contains("keep_for is 999"), "{refused}");
    let status_after_a_commit = |options: EngineOptions| {
        let engine = Engine::start(options).unwrap();
        engine.register("nothing", |_: &TaskContext<'_>| ()).unwrap();
        engine.submit(&Submission::new("nothing", b"")).unwrap();
        let status = engine.status(id);
        shut_down(engine);
        status
    };
    assert_eq!(status_after_a_commit(keep_for(Duration::from_secs(3600))).unwrap().state, State::Succeeded);
    assert!(status_after_a_commit(keep_for(Duration::from_millis(1))).is_none());
}
