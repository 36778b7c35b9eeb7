//! A file with many stored tasks: how soon the process that starts on it runs the first, and what it holds in memory.

use crate::{engine, submit_many, OnTheirWay};
use backrun::{Durability, TaskContext};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const FILL: &str = "--fill";
pub const START: &str = "--start";

/// Has a process store so many tasks and be killed, and looks at the next one.
pub fn measure(folder: &Path, tasks: u64) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).unwrap();
    // Each reads what it is told of the other: the end of a line says that it has come so far.
    let run = |arguments: &[&str], lines: usize| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let said: Vec<_> = (0..lines).map(|_| (said.next().expect("a line").unwrap(), begun.elapsed())).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        said
    };
    let folder = folder.to_str().expect("a folder's name in UTF-8");
    let filled = run(&[FILL, folder, &tasks.to_string()], 1);
    println!("\n{tasks} tasks stored in {:.1?}, {}; killed", filled[0].1, filled[0].0);
    let said = run(&[START, folder], 3);
    println!("from the start of the next process to its first run: {:?} ({})", said[1].1, said[1].0);
    println!("of that, until the engine had started: {} ms", said[0].0);
    println!("{}", said[2].0);
}

/// Stores them and waits to be killed.
pub fn fill(folder: &Path, tasks: u64) {
    // Nothing of it runs: the queue is paused, and the next process lets it go on.
    let engine = engine(folder, true);
    engine.register("first", |_: &TaskContext<'_>| ()).unwrap();
    let on_their_way = Arc::new(OnTheirWay::default());
    submit_many(&engine, "first", tasks, Durability::Buffered, &on_their_way);
    on_their_way.wait_for_all();
    engine.resume("default").unwrap();
    let bytes = std::fs::metadata(folder.join("tasks.db")).unwrap().len();
    println!("{} MiB, the process at {} KiB resident", bytes >> 20, resident_kib("VmHWM:"));
    std::thread::park();
}

pub fn start(folder: &Path) {
    let begun = Instant::now();
    let engine = engine(folder, false);
    println!("{}", begun.elapsed().as_millis());
    let ran = AtomicU64::new(0);
    let handler = move |_: &TaskContext<'_>| {
        if ran.fetch_add(1, Ordering::Relaxed) == 0 {
            println!("{} KiB resident then", resident_kib("VmRSS:"));
        } else {
            // The rest stays, so that memory is seen with it.
            std::thread::park();
        }
    };
    engine.register("first", handler).unwrap();
    // Until each that is stored is known to be: no more have come for two seconds.
    let (mut known, mut since) = (0, Instant::now());
    while since.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(100));
        let outside = engine.statistics().unwrap().store.unwrap().outside;
        if outside != known {
            (known, since) = (outside, Instant::now());
        }
    }
    println!(
        "resident memory after {:.1} s, {known} of them known by their ids alone: {} KiB, at most {} KiB",
        begun.elapsed().as_secs_f64(),
        resident_kib("VmRSS:"),
        resident_kib("VmHWM:")
    );
    std::thread::park();
}

fn resident_kib(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
