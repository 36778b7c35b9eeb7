//! What must hold after a panic.

use super::*;

#[test]
fn after_a_panic_on_a_worker_or_the_observer_thread_whoever_waits_is_told_and_the_engine_ends() {
    for place in [
        Place::Take,
        Place::Claim,
        Place::Claimed,
        Place::Begun,
        Place::Keep,
        Place::Search,
        Place::ObserverTake,
        Place::ObserverTell,
    ] {
        for mode in MODES {
            println!("{place:?}, {mode:?}");
            let world = World::new(matches!(place, Place::ObserverTake | Place::ObserverTell));
            world.arm_threads(place);
            world.engine.submit(&task("quick")).unwrap();
            let error = on_purpose(place);
            world.check_told(Some(&error));
            let log = world.logs.recv_timeout(LIMIT).unwrap();
            assert!(log.contains(&text(place)), "{log}");
            world.check_refuses(&error);
            let pending = world.pending;
            world.end(mode, &[pending]);
        }
    }
}

/// Where a run that is recorded the slow way has ended, in front of a shutdown that waits already.
#[test]
fn a_panic_as_a_run_ends_is_told_to_a_shutdown_that_waits_for_it() {
    for place in [Place::Returned, Place::Ended, Place::Told] {
        for mode in MODES {
            for waits in [false, true] {
                println!("{place:?}, {mode:?}, a shutdown waits: {waits}");
                let world = World::new(false);
                // It has somebody who watches it, and so more than its word.
                let (tell, watched) = channel();
                world.engine.watch(world.other, move |_, end| tell.send(end).unwrap()).unwrap();
                if place == Place::Told {
                    world.engine.tell_end(world.other).unwrap();
                }
                let shutdown = waits.then(|| world.shutdown(mode, None));
                if waits {
                    // Not seen by a submit that is refused: one before it is not, and its end would meet what is meant for another's.
                    until("it has begun", || world.engine.inner.phase() > Phase::Open);
                }
                world.arm_threads(place);
                world.other_gate.open();
                let told = watched.recv_timeout(LIMIT).expect("who watches it is told");
                assert_eq!(told.is_ok(), place == Place::Told, "{told:?}");
                until("it is poisoned", || world.engine.check_sound().is_err());
                assert_eq!(world.engine.check_sound(), Err(on_purpose(place)));
                world.check_told(None);
                world.gate.open();
                if let Some(shutdown) = shutdown {
                    let report = shutdown.recv_timeout(LIMIT).expect("a shutdown ends").unwrap();
                    assert_eq!(report.running.len(), 1, "what is pending: {report:?}");
                }
                let left = [world.pending];
                world.end(mode, if waits { &[] } else { &left });
            }
        }
    }
}

#[test]
fn after_a_panic_in_a_call_no_lock_is_held_whoever_waits_is_told_and_the_engine_ends() {
    type Call = fn(&World) -> Result<()>;
    let calls: [(Place, Call); 9] = [
        (Place::Submit, |world| world.engine.submit(&task("quick")).map(drop)),
        (Place::Written, |world| world.engine.submit(&task("quick")).map(drop)),
        (Place::Cancel, |world| world.engine.cancel(world.held, "").map(drop)),
        (Place::Settle, |world| world.engine.settle(world.pending, Lease::new(1), Outcome::Done)),
        (Place::Watch, |world| world.engine.wait(world.other, None).map(drop)),
        (Place::Payload, |world| world.engine.payload(world.behind).map(drop)),
        (Place::Register, |world| world.engine.register("more", |_: &TaskContext<'_>| ())),
        (Place::Configure, |world| world.engine.configure_queue("other", queue(2))),
        (Place::Statistics, |world| world.engine.statistics().map(drop)),
    ];
    for (place, call) in calls {
        for mode in MODES {
            println!("{place:?}, {mode:?}");
            let world = World::new(false);
            arm(place, Who::Thread(thread::current().id()));
            let error = on_purpose(place);
            assert_eq!(call(&world), Err(error.clone()));
            world.check_told(Some(&error));
            world.check_refuses(&error);
            let pending = world.pending;
            world.end(mode, &[pending]);
        }
    }
}

#[test]
fn a_panic_in_a_shutdown_keeps_it_from_nothing() {
    for place in [Place::Unfinished, Place::CancelReady, Place::Close, Place::Release, Place::Leave] {
        for mode in MODES {
            println!("{place:?}, {mode:?}");
            let world = World::new(false);
            let engine = world.engine.clone();
            let at_worker = place == Place::Leave;
            if at_worker {
                world.arm_threads(place);
            }
            let report = within_limit("a shutdown", move || {
                if !at_worker {
                    arm(place, Who::Thread(thread::current().id()));
                }
                engine.shutdown(mode, Some(Duration::ZERO)).unwrap()
            });
            assert!(report.running.iter().any(|left| left.id == world.held), "{report:?}");
            until("it is poisoned", || world.engine.check_sound().is_err());
            assert_eq!(world.engine.check_sound(), Err(on_purpose(place)));
            world.check_told(None);
            world.end(mode, &[]);
        }
    }
}

#[test]
fn a_poisoned_engine_that_is_abandoned_leaves_nobody_waiting() {
    let world = World::new(false);
    arm(Place::Submit, Who::Thread(thread::current().id()));
    let error = world.engine.submit(&task("quick")).unwrap_err();
    world.check_told(Some(&error));
    let World { engine, gate, other_gate, handlers_dropped, observer_dropped, .. } = world;
    let engine = Arc::into_inner(engine).expect("no thread has it any more");
    within_limit("an abandon", move || engine.abandon());
    gate.open();
    other_gate.open();
    until("the handlers are released", || handlers_dropped.load(Ordering::SeqCst) == HANDLERS);
    until("the observer is released", || observer_dropped.load(Ordering::SeqCst) == 1);
}

/// A submit that drops the oldest holds the intake, and waits for a worker that is about to begin a run.
#[test]
fn a_submit_to_a_full_queue_does_not_wait_for_a_worker_that_panicked() {
    let world = World::new(false);
    let full = QueueOptions { capacity: 1, when_full: WhenFull::DropOldest, ..queue(1) };
    world.engine.configure_queue("dropping", full).unwrap();
    let (claiming, found_nothing) = (Gate::default(), Gate::default());
    let (says, waits) = (claiming.clone(), found_nothing.clone());
    at(Place::Claim, world.engine.threads(), move || {
        says.open();
        waits.wait();
        panic!("{}", text(Place::Claim));
    });
    world.engine.submit(&task("quick").queue("dropping")).unwrap();
    claiming.wait();
    let engine = world.engine.clone();
    let submitted = within_limit("a submit", move || {
        at(Place::Undropped, Who::Thread(thread::current().id()), move || found_nothing.open());
        engine.submit(&task("quick").queue("dropping"))
    });
    assert!(submitted.is_ok(), "it was let in before the panic: {submitted:?}");
    world.check_told(Some(&on_purpose(Place::Claim)));
    let pending = world.pending;
    world.end(ShutdownMode::Drain, &[pending]);
}

/// Not after a panic, but by the same means: the moment between a claim and the run.
#[test]
fn a_task_whose_run_had_not_begun_when_a_shutdown_came_is_cancelled_as_a_queued_one() {
    for events in [false, true] {
        let world = World::new(events);
        let started = world.engine.statistics().unwrap().engine.started;
        let (claimed, goes_on) = (Gate::default(), Gate::default());
        let (says, waits) = (claimed.clone(), goes_on.clone());
        at(Place::Claimed, world.engine.threads(), move || {
            says.open();
            waits.wait();
        });
        let id = world.engine.submit(&task("quick").header("a", "b")).unwrap();
        let (tell, watched) = channel();
        world.engine.watch(id, move |status, end| tell.send((status, end)).unwrap()).unwrap();
        claimed.wait();
        let shutdown = world.shutdown(ShutdownMode::Cancel, None);
        until("it has begun", || world.engine.inner.phase() == Phase::Cancelling);
        goes_on.open();
        let (status, end) = watched.recv_timeout(LIMIT).unwrap();
        assert_eq!((status.state, status.attempt, status.lease, end), (State::Cancelled, 0, Lease::new(0), Ok(())));
        assert_eq!((status.started_at_us, &*status.cancel_reason), (0, "the engine was shut down"));
        let all = world.engine.statistics().unwrap().engine;
        assert_eq!((all.started, all.interrupted), (started, 0));
        world.engine.settle(world.pending, Lease::new(1), Outcome::Done).unwrap();
        world.gate.open();
        world.other_gate.open();
        let report = shutdown.recv_timeout(LIMIT).unwrap().unwrap();
        assert!(report.is_complete(), "{report:?}");
        assert!(world.running.try_iter().all(|ran| ran != id), "it never ran");
        let told = world.events.try_iter().filter(|(of, _)| *of == Some(id)).map(|(_, kind)| kind).collect::<Vec<_>>();
        let expected: &[EventKind] = if events { &[EventKind::Accepted, EventKind::Cancelled] } else { &[] };
        assert_eq!(told, expected);
    }
}

/// What a wait does that had found the engine sound a moment before.
#[test]
fn what_waits_for_its_time_in_a_poisoned_engine_is_cancelled_for_the_same_reason_as_the_rest() {
    let engine = Engine::start(EngineOptions { manual_time: true, ..EngineOptions::default() }).unwrap();
    engine.register("quick", |_: &TaskContext<'_>| ()).unwrap();
    engine.pause("default").unwrap();
    let ids = [task("quick"), task("quick").delay(Duration::from_secs(1))].map(|task| engine.submit(&task).unwrap());
    arm(Place::Cancel, Who::Thread(thread::current().id()));
    assert_eq!(engine.cancel(ids[0], ""), Err(on_purpose(Place::Cancel)));
    engine.shutdown(ShutdownMode::Cancel, None).unwrap();
    for id in ids {
        let status = engine.status(id).unwrap();
        let is = (status.state, &*status.cancel_reason);
        assert_eq!(is, (State::Cancelled, "a bug in Backrun has ended the engine"));
    }
}

/// A shutdown looks at what is queued and then at who runs: what comes due in between is neither, once its worker has ended the
/// run before it and has not begun the next one.
#[test]
fn a_drain_runs_what_comes_due_as_the_last_run_ends() {
    let engine = Arc::new(
        Engine::start(EngineOptions { workers: Some(1), manual_time: true, ..EngineOptions::default() }).unwrap(),
    );
    let (running, runs) = channel();
    let gate = Gate::default();
    let wait = gate.clone();
    engine
        .register("held", move |task: &TaskContext<'_>| {
            running.send(task.id()).unwrap();
            wait.wait();
        })
        .unwrap();
    let first = engine.submit(&task("held")).unwrap();
    let due = engine.submit(&task("held").delay(Duration::from_secs(1))).unwrap();
    assert_eq!(runs.recv_timeout(LIMIT), Ok(first));
    let (looked, has_looked) = channel();
    let (look_on, looks_again) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
    let (draining, goes_on, again) = (engine.clone(), look_on.clone(), looks_again.clone());
    let shutdown = later(move || {
        let me = Who::Thread(thread::current().id());
        at(Place::Queued, me, move || {
            looked.send(()).unwrap();
            goes_on.wait();
            at(Place::Queued, me, move || again.store(1, Ordering::SeqCst));
        });
        draining.shutdown(ShutdownMode::Drain, None)
    });
    has_looked.recv_timeout(LIMIT).unwrap();
    engine.advance_time(Duration::from_secs(1)).unwrap();
    let (takes, has_taken) = channel();
    let taking = engine.clone();
    at(Place::Take, engine.threads(), move || {
        takes.send(()).unwrap();
        let over = || taking.inner.phase() >= Phase::Cancelling;
        until("the shutdown has looked", || looks_again.load(Ordering::SeqCst) == 1 || over());
    });
    gate.open();
    has_taken.recv_timeout(LIMIT).unwrap();
    look_on.open();
    assert!(shutdown.recv_timeout(LIMIT).unwrap().unwrap().is_complete());
    assert_eq!(engine.status(due).unwrap().state, State::Succeeded);
}

#[test]
fn nobody_begins_to_wait_in_a_poisoned_engine() {
    let world = World::new(false);
    let error = Error::Panic("somewhere".into());
    world.engine.poison(&error);
    let slot = OurArc::new(WaitSlot::new());
    assert_eq!(world.engine.inner.add_watch(world.held, Watch::Slot(slot)), Err(error.clone()));
    world.check_told(Some(&error));
    let pending = world.pending;
    world.end(ShutdownMode::Cancel, &[pending]);
}

#[test]
fn an_observer_thread_that_panics_again_and_again_is_given_up_and_nobody_waits_for_it() {
    let world = World::new(true);
    for _ in 0..3 {
        world.arm_threads(Place::ObserverTake);
    }
    world.engine.submit(&task("quick")).unwrap();
    world.check_told(Some(&on_purpose(Place::ObserverTake)));
    let pending = world.pending;
    world.end(ShutdownMode::Drain, &[pending]);
}

#[test]
fn a_panic_of_code_that_makes_a_handler_is_its_callers() {
    let engine = Engine::start(EngineOptions::default()).unwrap();
    let making = std::panic::AssertUnwindSafe(|| {
        engine
            .register_with("one", crate::options::TaskOptions::default(), || -> fn(&TaskContext<'_>) { panic!("mine") })
    });
    let said = std::panic::catch_unwind(making).unwrap_err();
    assert_eq!(said.downcast_ref::<&str>(), Some(&"mine"));
    engine.register("one", |_: &TaskContext<'_>| ()).unwrap();
}

/// A handler whose drop panics.
struct Bad(Held);

impl Handler for Bad {
    fn run(&self, task: &TaskContext<'_>) -> Outcome {
        self.0.run(task)
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("as it was dropped");
    }
}

#[test]
fn a_handler_that_panics_as_it_is_dropped_poisons_nothing_and_keeps_no_thread() {
    for held in [false, true] {
        let dropped = Arc::<AtomicUsize>::default();
        let ((tell_end, _ended), (tell_log, logs), (says, running)) = (channel(), channel(), channel());
        let listener = Listener {
            wants_events: false,
            ended: tell_end,
            logs: tell_log,
            events: channel().0,
            _dropped: Counted(dropped.clone()),
        };
        let engine = Arc::new(Engine::start_observed(EngineOptions::default(), listener).unwrap());
        let gate = Gate::default();
        for name in ["bad", "other"] {
            let inside = Held {
                running: says.clone(),
                gate: gate.clone(),
                outcome: Outcome::Done,
                _dropped: Counted(dropped.clone()),
            };
            engine.register(name, Bad(inside)).unwrap();
        }
        let id = engine.submit(&task("bad")).unwrap();
        assert_eq!(running.recv_timeout(LIMIT), Ok(id));
        if held {
            // The last to have it is the worker.
            let ending = engine.clone();
            let report =
                within_limit("a shutdown", move || ending.shutdown(ShutdownMode::Cancel, Some(Duration::ZERO)));
            assert_eq!(report.unwrap().running.len(), 1);
        }
        gate.open();
        let ending = engine.clone();
        let report = within_limit("a shutdown", move || ending.shutdown(ShutdownMode::Drain, None).unwrap());
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(engine.check_sound(), Ok(()));
        assert_eq!(dropped.load(Ordering::SeqCst), 3, "what a handler has is released, and the observer");
        let logged = logs.try_iter().filter(|line| line.ends_with("as it was dropped")).count();
        assert_eq!(logged, if held { 1 } else { 2 }, "the observer is gone before the worker");
    }
}

/// An engine whose tasks are kept in a file, which goes with it.
struct Durable {
    engine: Arc<Engine>,
    folder: std::path::PathBuf,
}

impl Durable {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("backrun-poison-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let store =
            StoreKind::Sqlite { path: folder.join("tasks.db"), owner_wait: None, keep_for: None, encryption: None };
        let engine = Arc::new(Engine::start(EngineOptions { store, ..EngineOptions::default() }).unwrap());
        engine.register("quick", |_: &TaskContext<'_>| ()).unwrap();
        Self { engine, folder }
    }

    /// Whoever waits for the store at a panic of its thread is told of it, and the engine ends.
    fn breaks<R: Send + 'static>(self, ask: impl FnOnce(&Engine) -> Result<R> + Send + 'static) {
        let mut later = task("quick");
        later.delay = Duration::from_secs(3600);
        self.engine.submit(&later).unwrap();
        self.engine.arm_threads(Place::Stored);
        let engine = self.engine.clone();
        let said = within_limit("it is told", move || ask(&engine).map(drop));
        assert!(matches!(said, Err(Error::Panic(_))), "{said:?}");
        until("it is poisoned", || self.engine.check_sound() == Err(on_purpose(Place::Stored)));
        let engine = self.engine;
        within_limit("it ends", move || engine.shutdown(ShutdownMode::Drain, None).unwrap());
        std::fs::remove_dir_all(self.folder).unwrap();
    }
}

#[test]
fn whoever_waits_for_a_durable_store_is_told_of_a_panic_on_its_thread() {
    Durable::new("submit").breaks(|engine| engine.submit(&task("quick")));
    Durable::new("cancel").breaks(|engine| engine.cancel(TaskId::new(1).unwrap(), "not wanted"));
    Durable::new("pause").breaks(|engine| engine.pause("default"));
    Durable::new("async").breaks(|engine| {
        let (tell, told) = channel();
        engine.submit_async(&task("quick"), move |said| tell.send(said).unwrap())?;
        told.recv_timeout(LIMIT).expect("it is told")
    });
}
