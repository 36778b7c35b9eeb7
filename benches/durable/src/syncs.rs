//! How often the disk is asked to sync, counted by strace.

use crate::{engine, submit_many, OnTheirWay, PAYLOAD};
use backrun::{Durability, Submission, TaskContext};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

pub const CHILD: &str = "--syncs";
const TASKS: u64 = 201;
/// Who submits, and how: what it is called, and what is said of it.
const WAYS: &[(&str, &str)] = &[
    ("none", "an engine that starts and ends"),
    ("one", "one caller that waits for each"),
    ("many", "64 callers that wait for each"),
    ("async", "one caller that waits for none"),
    ("buffered", "one caller that waits for each, buffered"),
];

/// Counts for each way the syncs of a process, from its start to its end.
pub fn count(folder: &Path) {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("\nsyncs: not counted, since there is no strace (Debian: apt-get install strace)");
        return;
    }
    println!("\n| {TASKS} tasks accepted, by | fdatasync and fsync |\n| --- | --- |");
    for (way, said) in WAYS {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).unwrap();
        let calls = folder.join("calls");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", "trace=fdatasync,fsync", "-e", "signal=none", "-o"]).arg(&calls);
        let child = command.arg(std::env::current_exe().unwrap()).arg(CHILD).arg(folder).arg(way).status().unwrap();
        assert!(child.success(), "the child has failed: {child}");
        // A call that another thread's came between stands there twice, as `unfinished` and `resumed`.
        let text = std::fs::read_to_string(&calls).unwrap();
        let syncs = text.lines().filter(|line| !line.contains("resumed>")).count();
        println!("| {said} | {syncs} |");
    }
}

pub fn submit(folder: &Path, way: &str) {
    let engine = engine(folder, true);
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    let mut submission = Submission::new("none", PAYLOAD);
    let one = |submission: &Submission<'_>| assert!(engine.submit(submission).is_ok());
    match way {
        "none" => {}
        "one" => (0..TASKS).for_each(|_| one(&submission)),
        "buffered" => {
            submission.durability = Some(Durability::Buffered);
            (0..TASKS).for_each(|_| one(&submission));
        }
        "many" => std::thread::scope(|scope| {
            for caller in 0..64 {
                let submission = &submission;
                scope.spawn(move || (caller..TASKS).step_by(64).for_each(|_| one(submission)));
            }
        }),
        "async" => {
            let on_their_way = Arc::new(OnTheirWay::default());
            submit_many(&engine, "none", TASKS, Durability::Committed, &on_their_way);
            on_their_way.wait_for_all();
        }
        _ => panic!("there is no way '{way}' to submit"),
    }
    crate::end(engine);
}
