//! A run that lasts does not hold up what waits behind it.

mod common;

use backrun::{
    CancelResult, Engine, EngineOptions, EventKind, Outcome, QueueOptions, ShutdownMode, State, Submission,
    TaskContext, TaskId,
};
use common::{observed, options, Gate, Recorder, Seen, LONG};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn manual(options: EngineOptions) -> (Engine, Recorder) {
    let mut options = options;
    options.manual_time = true;
    let recorder = Recorder::default();
    (Engine::start_observed(options, Arc::new(recorder.clone())).unwrap(), recorder)
}

/// Registers `count`, which counts its runs.
fn counting(engine: &Engine) -> Seen<i64> {
    let ran = Seen::default();
    let seen = ran.clone();
    engine.register("count", move |task: &TaskContext<'_>| seen.push(task.id().value())).unwrap();
    ran
}

fn submit(engine: &Engine, name: &str, count: usize) -> Vec<TaskId> {
    (0..count).map(|_| engine.submit(&Submission::new(name, b"")).unwrap()).collect()
}

#[test]
fn tasks_behind_runs_that_never_end_are_run_all_the_same() {
    let (engine, recorder) = observed(2);
    let (running, gate) = common::blocker(&engine);
    let ran = counting(&engine);
    let blocked = submit(&engine, "block", 8);
    let short = submit(&engine, "count", 1000);
    ran.wait_for(|ran| ran.len() == short.len());
    assert_eq!(running.all().len(), 8, "all of the long ones run too");
    let statistics = engine.statistics().unwrap();
    assert!(statistics.engine.stalls >= 7, "{:?}", statistics.engine);
    // While it lasts, it shows: in statistics, status, events and logs.
    let stalled = &statistics.stalled_runs[0];
    assert_eq!((&*stalled.task_name, &*stalled.queue), ("block", "default"));
    assert!(blocked.contains(&stalled.task_id) && stalled.worker > 0 && stalled.for_us >= 100_000, "{stalled:?}");
    assert!(engine.status(stalled.task_id).unwrap().stalled_us >= 100_000);
    recorder.events.wait_for(|events| events.iter().any(|event| event.kind == EventKind::RunStalled));
    recorder.logs.wait_for(|lines| lines.iter().any(|line| line.message.contains("has been running it for")));
    gate.open();
    blocked.iter().for_each(|id| assert_eq!(engine.wait(*id, LONG).unwrap().state, State::Succeeded));
    recorder.events.wait_for(|events| events.iter().any(|event| event.kind == EventKind::StallEnded));
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
}

#[test]
fn replacements_go_when_the_stall_is_over() {
    let (engine, _) = observed(2);
    let (_, gate) = common::blocker(&engine);
    let ran = counting(&engine);
    let blocked = submit(&engine, "block", 6);
    submit(&engine, "count", 10);
    ran.wait_for(|ran| ran.len() == 10);
    assert!(engine.statistics().unwrap().engine.workers >= 7);
    gate.open();
    blocked.iter().for_each(|id| drop(engine.wait(*id, LONG).unwrap()));
    // Each goes when its run has ended, or when it is next idle.
    let now = || engine.statistics().unwrap().engine;
    while (now().workers, now().stalled, now().running) != (2, 0, 0) {
        std::thread::yield_now();
    }
    submit(&engine, "count", 10);
    ran.wait_for(|ran| ran.len() == 20);
}

#[test]
fn a_run_is_stalled_after_the_threshold_and_only_while_others_wait() {
    let mut options = options(1);
    options.default_queue.stall_threshold = Duration::from_secs(10);
    let (engine, recorder) = manual(options);
    let (running, gate) = common::blocker(&engine);
    let ran = counting(&engine);
    submit(&engine, "block", 1);
    running.wait_for(|running| running.len() == 1);
    // Nobody waits: however long it lasts, it is no stall.
    engine.advance_time(Duration::from_secs(3600)).unwrap();
    assert_eq!(engine.statistics().unwrap().engine.stalls, 0);
    let waits = submit(&engine, "count", 1)[0];
    engine.advance_time(MS).unwrap();
    engine.advance_time(Duration::from_secs(9)).unwrap();
    assert_eq!((engine.statistics().unwrap().engine.stalls, engine.status(waits).unwrap().state), (0, State::Ready));
    engine.advance_time(Duration::from_secs(2)).unwrap();
    ran.wait_for(|ran| ran.len() == 1);
    assert_eq!(engine.statistics().unwrap().engine.stalls, 1);
    gate.open();
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    assert_eq!(recorder.kinds().iter().filter(|kind| **kind == EventKind::RunStalled).count(), 1);
}

#[test]
fn past_max_workers_nobody_is_replaced_and_that_is_told_once() {
    let mut options = options(2);
    options.max_workers = Some(3);
    let (engine, recorder) = manual(options);
    let (running, gate) = common::blocker(&engine);
    let ran = counting(&engine);
    let blocked = submit(&engine, "block", 5);
    submit(&engine, "count", 3);
    running.wait_for(|running| running.len() == 2);
    for _ in 0..20 {
        engine.advance_time(200 * MS).unwrap();
    }
    running.wait_for(|running| running.len() == 3);
    assert_eq!(engine.statistics().unwrap().engine.workers, 3);
    assert!(ran.all().is_empty());
    recorder.events.wait_for(|events| events.iter().any(|event| event.kind == EventKind::WorkersExhausted));
    gate.open();
    blocked.iter().for_each(|id| drop(engine.wait(*id, LONG).unwrap()));
    ran.wait_for(|ran| ran.len() == 3);
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    let told = recorder.kinds().iter().filter(|kind| **kind == EventKind::WorkersExhausted).count();
    assert_eq!(told, 1);
}

#[test]
fn a_concurrency_limit_is_hard_nobody_is_replaced_past_it() {
    let mut options = options(2);
    options.default_queue.concurrency_limit = Some(2);
    let (engine, _) = manual(options);
    let (running, gate) = common::blocker(&engine);
    let ran = counting(&engine);
    submit(&engine, "block", 2);
    submit(&engine, "count", 3);
    running.wait_for(|running| running.len() == 2);
    for _ in 0..20 {
        engine.advance_time(200 * MS).unwrap();
    }
    assert!(ran.all().is_empty());
    assert_eq!(engine.statistics().unwrap().engine.workers, 2);
    gate.open();
    ran.wait_for(|ran| ran.len() == 3);
}

#[test]
fn runs_that_use_up_a_concurrency_limit_are_seen_to_stall_while_they_last_though_nobody_is_replaced() {
    // With workers to spare nobody is woken for what waits; without, all of them are at it.
    for workers in [2, 4] {
        let mut options = options(workers);
        options.default_queue.concurrency_limit = Some(2);
        let (engine, recorder) = manual(options);
        let (running, gate) = common::blocker(&engine);
        let ran = counting(&engine);
        let blocked = submit(&engine, "block", 2);
        submit(&engine, "count", 3);
        running.wait_for(|running| running.len() == 2);
        // A worker that finds the limit used up has the watchdog look, which then looks at each tick.
        while engine.statistics().unwrap().engine.stalls < 2 {
            engine.advance_time(20 * MS).unwrap();
            std::thread::yield_now();
        }
        let statistics = engine.statistics().unwrap();
        let now = statistics.engine;
        assert_eq!((now.stalls, now.stalled, now.workers, now.ready), (2, 2, u64::from(workers), 3));
        let mut named: Vec<_> = statistics.stalled_runs.iter().map(|stalled| stalled.task_id).collect();
        named.sort_unstable();
        assert_eq!(named, blocked);
        assert!(blocked.iter().all(|id| engine.status(*id).unwrap().stalled_us >= 100_000));
        assert!(ran.all().is_empty());
        gate.open();
        ran.wait_for(|ran| ran.len() == 3);
        engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
        let told = |wanted: EventKind| recorder.kinds().iter().filter(|kind| **kind == wanted).count();
        assert_eq!((told(EventKind::RunStalled), told(EventKind::StallEnded)), (2, 2));
        assert!(recorder.logs.all().iter().any(|line| line.message.contains("while 3 tasks wait")));
    }
}

#[test]
fn a_run_beside_pending_ones_that_use_up_the_limit_is_seen_to_stall_and_replaced_once_there_is_room() {
    let mut options = options(1);
    options.default_queue.concurrency_limit = Some(2);
    let (engine, _) = manual(options);
    let (running, gate) = common::blocker(&engine);
    let ran = counting(&engine);
    engine.register("pend", |_: &TaskContext<'_>| Outcome::Pending).unwrap();
    let pending = submit(&engine, "pend", 1)[0];
    common::wait_until(&engine, pending, State::Pending);
    submit(&engine, "block", 1);
    running.wait_for(|running| running.len() == 1);
    submit(&engine, "count", 3);
    while engine.statistics().unwrap().engine.stalls == 0 {
        engine.advance_time(20 * MS).unwrap();
    }
    engine.advance_time(20 * MS).unwrap();
    assert_eq!((engine.statistics().unwrap().engine.workers, ran.all().len()), (1, 0));
    engine.settle(pending, engine.status(pending).unwrap().lease, Outcome::Done).unwrap();
    engine.advance_time(20 * MS).unwrap();
    ran.wait_for(|ran| ran.len() == 3);
    gate.open();
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
}

#[test]
fn a_limit_above_the_workers_lets_stalled_ones_be_replaced_up_to_it() {
    let mut options = options(2);
    options.default_queue.concurrency_limit = Some(4);
    let (engine, _) = observed_with(options);
    let (running, gate) = common::blocker(&engine);
    submit(&engine, "block", 6);
    running.wait_for(|running| running.len() == 4);
    assert_eq!(engine.statistics().unwrap().engine.running, 4);
    gate.open();
    running.wait_for(|running| running.len() == 6);
}

fn observed_with(options: EngineOptions) -> (Engine, Recorder) {
    let recorder = Recorder::default();
    (Engine::start_observed(options, Arc::new(recorder.clone())).unwrap(), recorder)
}

#[test]
fn what_a_stalled_worker_has_in_hand_is_run_by_others() {
    let (engine, _) = observed(1);
    let (gate, runs) = (Gate::default(), Arc::new(AtomicU64::new(0)));
    let (wait, count) = (gate.clone(), runs.clone());
    engine
        .register("short", move |_: &TaskContext<'_>| {
            // The worker takes several at a time by now, and has some in hand.
            if count.fetch_add(1, Ordering::SeqCst) == 2000 {
                wait.wait();
            }
        })
        .unwrap();
    let ids = submit(&engine, "short", 5000);
    while runs.load(Ordering::SeqCst) < 5000 {
        std::thread::yield_now();
    }
    gate.open();
    ids.iter().for_each(|id| assert_eq!(engine.wait(*id, LONG).unwrap().state, State::Succeeded));
}

#[test]
fn loops_that_burn_the_processors_do_not_stop_the_others() {
    let (engine, _) = observed(2);
    let stop = Arc::new(AtomicBool::new(false));
    let stops = stop.clone();
    engine
        .register("burn", move |_: &TaskContext<'_>| {
            while !stops.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        })
        .unwrap();
    let ran = counting(&engine);
    submit(&engine, "burn", 8);
    submit(&engine, "count", 1000);
    ran.wait_for(|ran| ran.len() == 1000);
    stop.store(true, Ordering::Relaxed);
    assert!(engine.shutdown(ShutdownMode::Drain, LONG).unwrap().is_complete());
}

#[test]
fn a_queue_does_not_take_workers_from_another_one() {
    let (engine, _) = observed(1);
    let mut other = QueueOptions::default();
    other.workers = Some(1);
    engine.configure_queue("other", other).unwrap();
    let (running, gate) = common::blocker(&engine);
    let ran = counting(&engine);
    let id = submit(&engine, "block", 1)[0];
    running.wait_for(|running| running.len() == 1);
    engine.submit(&Submission::new("count", b"").queue("other")).unwrap();
    ran.wait_for(|ran| ran.len() == 1);
    assert_eq!(engine.statistics().unwrap().engine.stalls, 0, "nothing waited behind it");
    assert_eq!(engine.cancel(id, "enough").unwrap(), CancelResult::Running);
    gate.open();
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
}

#[test]
fn how_long_tasks_waited_and_ran_is_told_by_task_name() {
    let (engine, _) = observed(1);
    let (running, gate) = common::blocker(&engine);
    counting(&engine);
    let id = submit(&engine, "block", 1)[0];
    running.wait_for(|running| running.len() == 1);
    let ids = submit(&engine, "count", 5000);
    let begun = std::time::Instant::now();
    while begun.elapsed() < 50 * MS {
        std::thread::yield_now();
    }
    gate.open();
    ids.iter().chain([&id]).for_each(|id| drop(engine.wait(*id, LONG).unwrap()));
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    let names = engine.statistics().unwrap().task_names;
    let of = |name: &str| names.iter().find(|known| *known.task_name == *name).unwrap();
    let (block, count) = (of("block"), of("count"));
    assert_eq!(block.ran.count, 1);
    assert!(block.ran.max_us >= 50_000 && block.ran.p50_us >= 50_000, "{block:?}");
    // All of them waited for it; nearly all of them are short, so one in eight turns stands for them.
    assert!((2_500..=10_000).contains(&count.ran.count), "{count:?}");
    assert!(count.waited.p50_us >= 40_000 && count.waited.p99_us <= count.waited.max_us, "{count:?}");
    assert!(count.ran.p50_us < block.ran.p50_us, "{count:?}");
}

#[test]
fn what_was_cancelled_while_it_waited_is_no_run_in_the_times_of_a_name() {
    let (engine, _) = observed(1);
    let (running, gate) = common::blocker(&engine);
    let ran = counting(&engine);
    let id = submit(&engine, "block", 1)[0];
    running.wait_for(|running| running.len() == 1);
    for id in submit(&engine, "count", 100) {
        assert_eq!(engine.cancel(id, "not wanted").unwrap(), CancelResult::Queued);
    }
    gate.open();
    engine.wait(id, LONG).unwrap();
    engine.shutdown(ShutdownMode::Drain, LONG).unwrap();
    let names = engine.statistics().unwrap().task_names;
    assert_eq!(names.iter().map(|name| name.ran.count).collect::<Vec<_>>(), [1, 0], "{names:?}");
    assert!(ran.all().is_empty());
}

/// The niceness of the thread that calls this.
#[cfg(target_os = "linux")]
fn niceness() -> i32 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // The fields behind the name, which may have spaces: the 19th of all is the niceness.
    stat[stat.rfind(')').unwrap() + 2..].split(' ').nth(16).unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_stalled_run_that_burns_is_demoted_one_that_waits_is_not_and_neither_is_who_takes_its_place() {
    let (engine, _) = observed(1);
    let usual = niceness();
    let (burner, stop) = (Seen::default(), Arc::new(AtomicBool::new(false)));
    let (seen, stops) = (burner.clone(), stop.clone());
    engine
        .register("burn", move |_: &TaskContext<'_>| {
            // Until it is demoted, and somebody says so.
            while niceness() == usual || !stops.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
            seen.push(niceness());
        })
        .unwrap();
    let gate = Gate::default();
    let (waiter, wait) = (Seen::default(), gate.clone());
    let seen = waiter.clone();
    engine
        .register("wait", move |_: &TaskContext<'_>| {
            wait.wait();
            seen.push(niceness());
        })
        .unwrap();
    let short = Seen::default();
    let seen = short.clone();
    engine.register("short", move |_: &TaskContext<'_>| seen.push(niceness())).unwrap();
    submit(&engine, "burn", 1);
    submit(&engine, "wait", 1);
    submit(&engine, "short", 100);
    short.wait_for(|short| short.len() == 100);
    while engine.statistics().unwrap().engine.stalled < 2 {
        // Something has to wait, or nobody looks: it waits for no longer than it takes to be run.
        submit(&engine, "short", 1);
        std::thread::yield_now();
    }
    stop.store(true, Ordering::Relaxed);
    gate.open();
    while burner.all().is_empty() {
        // It may have had too little of the processors to be seen to burn.
        submit(&engine, "short", 1);
        std::thread::yield_now();
    }
    waiter.wait_for(|waiter| waiter.len() == 1);
    let before = short.all().len();
    submit(&engine, "short", 100);
    let all = short.wait_for(|short| short.len() >= before + 100);
    assert!(all.iter().all(|nice| *nice == usual), "{all:?}");
    assert_eq!(waiter.all(), [usual]);
    assert!(burner.all()[0] > usual);
}

#[test]
#[cfg(target_os = "linux")]
fn a_burning_run_that_nobody_may_run_beside_is_not_demoted() {
    let mut options = options(2);
    options.default_queue.concurrency_limit = Some(1);
    let (engine, _) = observed_with(options);
    let usual = niceness();
    let (seen, stop) = (Seen::default(), Arc::new(AtomicBool::new(false)));
    let (burnt, stops) = (seen.clone(), stop.clone());
    engine
        .register("burn", move |_: &TaskContext<'_>| {
            while !stops.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
            burnt.push(niceness());
        })
        .unwrap();
    let id = submit(&engine, "burn", 2)[0];
    // The watchdog looks many times past the threshold.
    while engine.status(id).unwrap().stalled_us < 400_000 {
        std::thread::yield_now();
    }
    stop.store(true, Ordering::Relaxed);
    assert_eq!(seen.wait_for(|seen| seen.len() == 2), [usual, usual]);
}
