//! What is promised of tasks that ran when a process ended uncleanly: of these one runs at a time, and none that cannot run holds up another one.
//! A process that is killed is played by a copy of the store's files, as in tests/durable.rs.

mod common;

use backrun::{
    CancelResult, Engine, EngineOptions, EventKind, Failure, Lease, Observer, Outcome, QueueName, QueueOptions,
    ShutdownMode, State, StoreKind, Submission, TaskContext, TaskId, TaskOptions,
};
use common::folder::Folder;
use common::Recorder;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3600);

/// An engine whose runs say that they begin, and end as they are told.
struct Process {
    engine: Engine,
    comes: Receiver<TaskId>,
    end: Sender<Outcome>,
    told: Receiver<(TaskId, Option<State>)>,
}

/// Hears the ends that were asked for.
struct Ears(Mutex<Sender<(TaskId, Option<State>)>>);

impl Observer for Ears {
    fn wants_events(&self) -> bool {
        false
    }

    fn wants_ends(&self) -> bool {
        true
    }

    fn ended(&self, id: TaskId, _: Lease, state: Option<State>) {
        self.0.lock().unwrap().send((id, state)).unwrap();
    }
}

impl Process {
    /// With the names "one", "two" and "three" in the default queue, and "other" in a queue of that name.
    fn start(folder: &Folder) -> Self {
        let mut options = EngineOptions::default();
        options.workers = Some(4);
        options.manual_time = true;
        options.store = StoreKind::Sqlite {
            path: folder.file(),
            owner_wait: Some(Duration::ZERO),
            keep_for: None,
            encryption: None,
        };
        let (tell, told) = channel();
        let engine = Engine::start_observed(options, Ears(Mutex::new(tell))).unwrap();
        for queue in ["other", "none"] {
            engine.configure_queue(queue, QueueOptions::default()).unwrap();
        }
        let (came, comes) = channel();
        let (end, ends) = channel();
        let ends = Arc::new(Mutex::new(ends));
        for name in ["one", "two", "three", "other"] {
            let (came, ends) = (came.clone(), ends.clone());
            let handler = move |task: &TaskContext<'_>| {
                came.send(task.id()).unwrap();
                // Nobody tells it any more: the process was killed, as far as the next one knows.
                ends.lock().unwrap().recv().unwrap_or(Outcome::Done)
            };
            let mut options = TaskOptions::default();
            options.queue = (name == "other").then(|| QueueName::new(name).unwrap());
            engine.register_with(name, options, || handler).unwrap();
        }
        Self { engine, comes, end, told }
    }

    fn submit(&self, name: &str) -> TaskId {
        self.engine.submit(&Submission::new(name, b"")).unwrap()
    }

    #[track_caller]
    fn begins(&self) -> TaskId {
        self.comes.recv_timeout(LONG).expect("a run begins")
    }

    #[track_caller]
    fn none_begins(&self) {
        let came = self.comes.recv_timeout(Duration::from_millis(50));
        assert_eq!(came, Err(RecvTimeoutError::Timeout), "one of them runs, the others wait");
    }

    #[track_caller]
    fn ends_as(&self, id: TaskId, outcome: Outcome, state: State) {
        self.end.send(outcome).unwrap();
        wait_until(|| self.engine.status(id).unwrap().state == state);
    }

    fn kill(self, folder: &Folder) -> Folder {
        // What nobody waits for, such as that a task waits for its next run, is written before this.
        self.engine.pause("none").unwrap();
        let killed = folder.copy();
        drop(self.end);
        self.engine.shutdown(ShutdownMode::Cancel, Some(LONG)).unwrap();
        killed
    }
}

#[track_caller]
fn wait_until(is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < LONG, "it never came");
        std::thread::yield_now();
    }
}

fn later() -> Outcome {
    Outcome::RetryAfter(Failure::message("not now"), Some(HOUR))
}

#[test]
fn a_suspect_that_is_put_off_or_whose_queue_pauses_holds_up_no_other_and_runs_beside_none() {
    let folder = Folder::new();
    let first = Process::start(&folder);
    let (other, one, two) = (first.submit("other"), first.submit("one"), first.submit("two"));
    let all = [first.begins(), first.begins(), first.begins()];
    assert!([other, one, two].iter().all(|id| all.contains(id)));
    first.engine.pause("other").unwrap();
    let killed = first.kill(&folder);

    let second = Process::start(&killed);
    let one_of_them = second.begins();
    assert_ne!(one_of_them, other, "its queue pauses");
    let (one, two) = if one_of_them == one { (one, two) } else { (two, one) };
    second.none_begins();
    second.ends_as(one, later(), State::Scheduled);
    assert_eq!(second.begins(), two);
    second.engine.pause("none").unwrap();
    let killed_again = killed.copy();
    second.engine.resume("other").unwrap();
    second.none_begins();
    // It was claimed, and put aside: that shows in nothing.
    let status = second.engine.status(other).unwrap();
    assert_eq!((status.state, status.lease, status.attempt), (State::Ready, Lease::new(1), 0));
    assert_eq!(second.engine.tell_end(other).unwrap(), None);
    second.ends_as(two, Outcome::Done, State::Succeeded);
    assert_eq!(second.begins(), other);
    second.ends_as(other, Outcome::Done, State::Succeeded);
    assert_eq!(second.told.recv_timeout(LONG).unwrap(), (other, Some(State::Succeeded)));
    drop(second.kill(&killed));

    let third = Process::start(&killed_again);
    assert_eq!(third.begins(), two, "one waits for its time, the other one's queue pauses");
    assert_eq!(third.engine.status(one).unwrap().state, State::Scheduled);
    third.ends_as(two, Outcome::Done, State::Succeeded);
    third.none_begins();
    drop(third.kill(&killed_again));
}

#[test]
fn suspects_whose_time_comes_at_once_run_one_after_the_other_and_can_be_cancelled_and_awaited_meanwhile() {
    let folder = Folder::new();
    let first = Process::start(&folder);
    let names = ["one", "two", "three", "other"];
    let mut ids = names.map(|name| first.submit(name));
    let mut begun = names.map(|_| first.begins());
    begun.sort_unstable();
    assert_eq!(begun, ids);
    let killed = first.kill(&folder);
    let second = Process::start(&killed);
    for _ in names {
        let id = second.begins();
        second.ends_as(id, later(), State::Scheduled);
    }
    let killed_again = second.kill(&killed);

    let third = Process::start(&killed_again);
    // They wait for their time in memory, and all are claimed when it has come.
    assert!(ids.iter().all(|id| third.engine.status(*id).unwrap().state == State::Scheduled));
    wait_until(|| third.engine.statistics().unwrap().engine.scheduled == 4);
    let watched = ids.map(|id| {
        let (tell, told) = channel();
        third.engine.watch(id, move |status, end| tell.send((status.state, end.is_ok())).unwrap()).unwrap();
        (id, told)
    });
    ids.iter().for_each(|id| assert_eq!(third.engine.tell_end(*id).unwrap(), None));
    third.engine.advance_time(2 * HOUR).unwrap();
    let runs = third.begins();
    third.none_begins();
    ids.sort_unstable_by_key(|id| (*id == runs, *id));
    let [waits, .., next, last] = ids;
    assert_eq!(last, runs);
    assert_eq!(third.engine.cancel(waits, "not wanted").unwrap(), CancelResult::Queued);
    assert_eq!(third.engine.status(next).unwrap().attempt, 1);
    third.ends_as(runs, Outcome::Done, State::Succeeded);
    for _ in 0..2 {
        let id = third.begins();
        third.none_begins();
        third.ends_as(id, Outcome::Done, State::Succeeded);
    }
    let due = |id| if id == waits { State::Cancelled } else { State::Succeeded };
    for (id, told) in watched {
        assert_eq!(told.recv_timeout(LONG).unwrap(), (due(id), true));
    }
    let mut told: Vec<_> = ids.iter().map(|_| third.told.recv_timeout(LONG).unwrap()).collect();
    told.sort_unstable_by_key(|(id, _)| *id);
    ids.sort_unstable();
    assert_eq!(told, ids.map(|id| (id, Some(due(id)))));
    let counters = third.engine.statistics().unwrap().engine;
    assert_eq!((counters.accepted, counters.started, counters.ready, counters.running), (0, 3, 0, 0));
    // What has come to an end is no suspect any more: nothing waits for it.
    let new = third.submit("one");
    assert_eq!(third.begins(), new);
    third.ends_as(new, Outcome::Done, State::Succeeded);
    drop(third.kill(&killed_again));
}

/// A process whose runs last until it is killed, or `end` is let go.
struct Crashing {
    /// First, so that no run keeps the engine from ending.
    end: Sender<()>,
    engine: Engine,
    recorder: Recorder,
    comes: Receiver<TaskId>,
}

impl Crashing {
    fn start(folder: &Folder, max_crashes: Option<u32>) -> Self {
        let mut options = common::options(1);
        options.store = StoreKind::sqlite(folder.file());
        options.max_crashes = max_crashes;
        let recorder = Recorder::default();
        let engine = Engine::start_observed(options, Arc::new(recorder.clone())).unwrap();
        let (came, comes) = channel();
        let (end, ends) = channel();
        let ends = Mutex::new(ends);
        let handler = move |task: &TaskContext<'_>| {
            came.send(task.id()).unwrap();
            let _ = ends.lock().unwrap().recv();
        };
        engine.register("crash", handler).unwrap();
        Self { engine, recorder, comes, end }
    }

    /// Waits until a task runs. What a kill leaves.
    fn killed_in_its_run(self, folder: &Folder, id: TaskId) -> Folder {
        assert_eq!(self.comes.recv_timeout(LONG).unwrap(), id);
        folder.copy()
    }
}

/// A task that was running at so many kills.
fn crashed(times: usize, max_crashes: Option<u32>) -> (Folder, TaskId) {
    let mut folder = Folder::new();
    let first = Crashing::start(&folder, max_crashes);
    let id = first.engine.submit(&Submission::new("crash", b"in")).unwrap();
    folder = first.killed_in_its_run(&folder, id);
    for _ in 1..times {
        folder = Crashing::start(&folder, max_crashes).killed_in_its_run(&folder, id);
    }
    (folder, id)
}

#[test]
fn a_task_that_has_taken_three_processes_with_it_is_told_and_counted_as_dead_and_whoever_replays_it_forgives_it() {
    let (folder, id) = crashed(3, None);
    let process = Crashing::start(&folder, None);
    let events = process.recorder.events.wait_for(|events| !events.is_empty());
    let told: Vec<_> = events.iter().map(|event| (event.kind, event.task_id)).collect();
    assert_eq!(told, [(EventKind::Dead, Some(id))]);
    assert!(events[0].failure.as_ref().unwrap().text().contains("3 unclean ends"));
    let statistics = process.engine.statistics().unwrap();
    assert_eq!((statistics.engine.dead, statistics.store.unwrap().unfinished), (1, 0));
    // Neither this process nor the next one buries it again.
    process.engine.replay(id).unwrap();
    let killed = process.killed_in_its_run(&folder, id);
    let next = Crashing::start(&killed, None);
    assert_eq!(next.comes.recv_timeout(LONG).unwrap(), id);
    drop(next.end);
    assert_eq!(next.engine.wait(id, Some(LONG)).unwrap().state, State::Succeeded);
}

#[test]
fn at_how_many_crashes_a_task_is_dead_can_be_set() {
    // The fourth run, and none after it where nobody has said that there may be.
    let (folder, id) = crashed(4, Some(5));
    let process = Crashing::start(&folder, None);
    assert_eq!(process.engine.wait(id, Some(LONG)).unwrap().state, State::Dead);
    let (folder, id) = crashed(1, Some(1));
    let process = Crashing::start(&folder, Some(1));
    assert_eq!(process.engine.wait(id, Some(LONG)).unwrap().state, State::Dead);
    assert!(process.comes.try_recv().is_err());

    let refused = |options: EngineOptions| Engine::start(options).unwrap_err().to_string();
    let mut options = common::options(1);
    options.max_crashes = Some(3);
    assert!(refused(options.clone()).contains("max_crashes"), "the memory store has no use for it");
    (options.max_crashes, options.store) = (Some(0), StoreKind::sqlite(Folder::new().file()));
    assert!(refused(options).contains("max_crashes is 0; pass a number from 1"));
}
