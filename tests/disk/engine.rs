//! An engine whose disk fails for a while: nothing is accepted falsely, nothing that has happened is lost, and it goes on by itself.

use crate::cut::Image;
use crate::disk::{Disk, Kind, Verdict};
use backrun::store::durable::Store;
use backrun::store::sqlite::{SqliteStore, SqliteView};
use backrun::{
    CancelResult, Engine, EngineOptions, Error, LogLevel, LogRecord, Observer, Outcome, ShutdownMode, State, StoreKind,
    Submission, TaskContext, TaskId,
};
use rusqlite::ffi;
use std::sync::mpsc::{channel, Sender};
use std::sync::Mutex;
use std::time::Duration;

const SOON: Option<Duration> = Some(Duration::from_secs(30));
const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

#[test]
fn while_the_disk_is_full_an_engine_refuses_what_is_new_and_keeps_what_has_ended_until_there_is_room() {
    let disk = Disk::mount(&Image::default());
    let mut options = EngineOptions::default();
    options.workers = Some(2);
    options.store = StoreKind::Sqlite { path: disk.path(), owner_wait: AT_ONCE, keep_for: None, encryption: None };
    let engine = Engine::start(options).unwrap();
    let (open, opened) = channel::<()>();
    let (came, comes) = channel();
    let opened = Mutex::new(opened);
    let handler = move |task: &TaskContext<'_>| {
        came.send(task.id()).unwrap();
        let _ = opened.lock().unwrap().recv();
        task.set_result(b"out").unwrap();
        Outcome::Done
    };
    engine.register("wait", handler).unwrap();
    let payload = vec![7; 20_000];
    let task = Submission::new("wait", &payload);
    let runs = engine.submit(&task).unwrap();
    assert_eq!(comes.recv().unwrap(), runs);
    let (stop, stopped) = channel::<()>();
    let stopped = Mutex::new(stopped);
    let waits_to_stop = move |_: &TaskContext<'_>| {
        let _ = stopped.lock().unwrap().recv();
        Outcome::Cancelled
    };
    engine.register("stop", waits_to_stop).unwrap();
    let stops = engine.submit(&Submission::new("stop", b"")).unwrap();
    while engine.status(stops).unwrap().state != State::Running {
        std::thread::yield_now();
    }
    let mut later = task.clone();
    later.delay = Duration::from_secs(3600);
    let waits = engine.submit(&later).unwrap();

    // Whatever is written, since the log may have room of its own left.
    disk.set_rule(|call| match call.kind {
        Kind::Write => Verdict::Fail(ffi::SQLITE_FULL),
        _ => Verdict::Do,
    });
    let error = engine.submit(&task).unwrap_err();
    assert!(matches!(&error, Error::Store(said) if said.contains("the disk is full")), "{error}");
    let (tell, told) = channel();
    engine.submit_async(&task, move |said| tell.send(said).unwrap()).unwrap();
    assert!(matches!(told.recv_timeout(Duration::from_secs(30)).unwrap(), Err(Error::Store(_))));
    assert_eq!(engine.statistics().unwrap().engine.refused, 2, "nothing silent");
    assert!(matches!(engine.pause("default"), Err(Error::Store(_))));
    assert!(matches!(engine.cancel(waits, "not wanted"), Err(Error::Store(_))));
    assert!(matches!(engine.cancel(stops, "not wanted"), Err(Error::Store(_))));
    assert!(engine.status(stops).unwrap().cancel_requested, "it is asked all the same");
    open.send(()).unwrap();
    while engine.statistics().unwrap().store.unwrap().unsaved < 3 {
        std::thread::yield_now();
    }
    assert_eq!(engine.wait(runs, AT_ONCE).unwrap().state, State::Running, "its end is not safe yet");

    disk.works_again();
    let status = engine.wait(runs, SOON).unwrap();
    assert_eq!((status.state, &**status.result.as_ref().unwrap()), (State::Succeeded, &b"out"[..]));
    assert_eq!(engine.wait(waits, SOON).unwrap().state, State::Cancelled);
    assert_eq!(engine.cancel(waits, "again").unwrap(), CancelResult::AlreadyFinal);
    while engine.statistics().unwrap().store.unwrap().unsaved > 0 {
        std::thread::yield_now();
    }
    let left = SqliteView::open(&disk.path(), &[]).unwrap().get(stops).unwrap().unwrap();
    assert_eq!((left.state, left.reason.as_deref()), (State::Running, Some("not wanted")));
    stop.send(()).unwrap();
    assert_eq!(engine.wait(stops, SOON).unwrap().state, State::Cancelled);
    let new = engine.submit(&task).unwrap();
    assert_eq!(comes.recv().unwrap(), new, "the queue does not pause, and nothing refused runs");
    open.send(()).unwrap();
    assert_eq!(engine.wait(new, SOON).unwrap().state, State::Succeeded);
    let store = engine.statistics().unwrap().store.unwrap();
    assert_eq!((store.unfinished, store.unsaved), (0, 0));
    assert_eq!(engine.shutdown(ShutdownMode::Cancel, None).unwrap().queued, 0);
    let store = SqliteStore::open(crate::workload::options(&disk)).unwrap();
    assert_eq!(store.get(runs).unwrap().unwrap().result.unwrap(), b"out");
    assert_eq!(store.stored().unwrap().finished, 4);
}

/// Hears what an engine logs of tasks that cannot be brought in.
struct Lines(Mutex<Sender<LogLevel>>);

impl Observer for Lines {
    fn wants_events(&self) -> bool {
        false
    }

    fn logs(&self, records: &[LogRecord]) {
        for record in records.iter().filter(|record| record.message.contains("brought in")) {
            self.0.lock().unwrap().send(record.level).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_read_is_read_when_the_disk_works_again_and_one_error_tells_of_it() {
    let disk = Disk::mount(&Image::default());
    let mut options = EngineOptions::default();
    options.workers = Some(2);
    options.memory_tasks = Some(8);
    options.store = StoreKind::Sqlite { path: disk.path(), owner_wait: AT_ONCE, keep_for: None, encryption: None };
    let engine = Engine::start(options.clone()).unwrap();
    engine.register("left", |_: &TaskContext<'_>| ()).unwrap();
    engine.pause("default").unwrap();
    // So much that no cache has it.
    let payload = vec![7; 20_000];
    let mut ids: Vec<TaskId> = engine.submit_many(&vec![Submission::new("left", &payload); 100]).unwrap();
    engine.shutdown(ShutdownMode::Cancel, None).unwrap();

    let breaks = || {
        disk.set_rule(|call| match call.kind {
            Kind::Read => Verdict::Fail(ffi::SQLITE_IOERR_READ),
            _ => Verdict::Do,
        });
    };
    let (say, said) = channel();
    let hears = |due| assert_eq!(said.recv_timeout(Duration::from_secs(30)), Ok(due));
    let engine = Engine::start_observed(options, Lines(Mutex::new(say))).unwrap();
    breaks();
    let (open, opened) = channel::<()>();
    let opened = Mutex::new(opened);
    let waits = move |_: &TaskContext<'_>| {
        let _ = opened.lock().unwrap().recv();
    };
    engine.register("left", waits).unwrap();
    hears(LogLevel::Error);
    disk.works_again();
    hears(LogLevel::Info);
    while engine.statistics().unwrap().engine.ready < 100 {
        std::thread::yield_now();
    }
    // The same of what is in the store since there are so many.
    engine.resume("default").unwrap();
    breaks();
    drop(open);
    hears(LogLevel::Error);
    let ready = engine.statistics().unwrap().engine.ready;
    assert!(ready >= 90, "{ready} are left");
    disk.works_again();
    for id in ids.drain(..) {
        assert_eq!(engine.wait(id, SOON).unwrap().state, State::Succeeded);
    }
    hears(LogLevel::Info);
    engine.shutdown(ShutdownMode::Cancel, None).unwrap();
    assert!(said.try_recv().is_err(), "each was told once");
}
