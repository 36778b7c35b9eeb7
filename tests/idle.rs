//! An engine that has nothing to do does nothing: no thread of it wakes, and a durable store's files are not touched. In a program of its
//! own, since it counts the wakes of every engine's threads.

#[path = "common/folder.rs"]
mod folder;

use backrun::{Engine, EngineOptions, ShutdownMode, State, StoreKind, Submission, TaskContext};
use folder::Folder;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Longer than whatever a thread does once work has ended: giving memory back comes after a second.
const REST: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_secs(60);

/// How often each thread of an engine has gone to sleep, by its number.
fn sleeps() -> Vec<(String, u64)> {
    let mut all = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        // It may end in between.
        let Ok(status) = std::fs::read_to_string(thread.path().join("status")) else { continue };
        let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        if value("Name:").starts_with("backrun-") {
            all.push((thread.file_name().into_string().unwrap(), value("voluntary_ctxt_switches:").parse().unwrap()));
        }
    }
    all.sort();
    all
}

fn files(folder: &Path) -> Vec<(String, u64, SystemTime)> {
    let of = |file: std::fs::DirEntry| {
        let metadata = file.metadata().unwrap();
        (file.file_name().into_string().unwrap(), metadata.len(), metadata.modified().unwrap())
    };
    let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| of(file.unwrap())).collect();
    all.sort();
    all
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_engine_wakes_for_nothing_and_writes_nothing() {
    let folder = Folder::new();
    let mut options = EngineOptions::default();
    options.store = StoreKind::sqlite(folder.file());
    let engine = Engine::start(options).unwrap();
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    for _ in 0..100 {
        let id = engine.submit(&Submission::new("none", b"x")).unwrap();
        assert_eq!(engine.wait(id, Some(PATIENCE)).unwrap().state, State::Succeeded);
    }
    assert!(sleeps().len() >= 6, "workers, observer, control, journal and store are threads: {:?}", sleeps());
    let begun = Instant::now();
    loop {
        let before = (sleeps(), files(&folder.0));
        // Not for being right: so that what wakes has the time to be seen.
        std::thread::sleep(REST);
        let after = (sleeps(), files(&folder.0));
        if before == after {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "it never comes to rest: {before:?}, then {after:?}");
    }
    engine.shutdown(ShutdownMode::Cancel, None).unwrap();
}
