//! Promise 1 and 2 against processes that are killed: what was accepted runs, whatever happens to the process, and each of its runs has a
//! lease of its own.
//!
//! A child submits and runs tasks on a durable store until its parent kills it at a random moment, again and again; a last child runs
//! what is left. Who was told of what is written to files by single appends, which no kill tears.
//! BACKRUN_TORTURE has it go on for 500 rounds; BACKRUN_STRESS_SEED begins with that seed.

#[path = "common/folder.rs"]
mod folder;
#[path = "common/random.rs"]
mod random;

use backrun::{
    Engine, EngineOptions, Error, Failure, Outcome, RetryPolicy, ShutdownMode, State, StoreKind, Submission,
    TaskContext, TaskFilter, TaskId, TaskOptions,
};
use folder::Folder;
use random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

const FOLDER: &str = "BACKRUN_CRASH_FOLDER";
const SEED: &str = "BACKRUN_CRASH_SEED";
/// The child runs what is left, and ends.
const LAST: &str = "BACKRUN_CRASH_LAST";

/// A file to which lines are appended, each in one call of the system.
struct Lines(File);

impl Lines {
    fn open(folder: &Path, name: &str) -> Self {
        Self(OpenOptions::new().append(true).create(true).open(folder.join(name)).unwrap())
    }

    fn add(&self, words: &[i64]) {
        let mut line = String::new();
        words.iter().for_each(|word| write!(line, "{word} ").unwrap());
        line.push('\n');
        // Where Wine appends, it looks for the end first.
        static APPENDING: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _appending = cfg!(windows).then(|| APPENDING.lock().unwrap());
        (&self.0).write_all(line.as_bytes()).unwrap();
    }

    fn read(folder: &Path, name: &str) -> Vec<Vec<i64>> {
        let Ok(file) = File::open(folder.join(name)) else { return Vec::new() };
        let words = |line: String| line.split_whitespace().map(|word| word.parse().unwrap()).collect();
        BufReader::new(file).lines().map(|line| words(line.unwrap())).collect()
    }
}

fn start(folder: &Path) -> Engine {
    let mut options = EngineOptions::default();
    options.workers = Some(3);
    options.store = StoreKind::sqlite(folder.join("tasks.db"));
    let engine = Engine::start(options).unwrap();
    let (began, ended) = (Lines::open(folder, "began"), Lines::open(folder, "ended"));
    let mut task_options = TaskOptions::default();
    let mut retry = RetryPolicy::attempts(1000);
    (retry.delay, retry.max_delay) = (Duration::from_millis(3), Duration::from_millis(3));
    task_options.retry = Some(retry);
    let runs = AtomicU64::new(u64::from(std::process::id()));
    let handler = move |task: &TaskContext<'_>| {
        let (id, lease) = (task.id().value(), task.lease().value());
        began.add(&[id, lease]);
        let choice = Random(runs.fetch_add(1, Ordering::Relaxed)).next();
        if choice % 4 == 0 {
            // Work that takes a moment, so that kills meet it.
            std::thread::sleep(Duration::from_micros(choice >> 32 & 0x7ff));
        }
        if choice % 7 == 0 {
            return Outcome::Failed(Failure::message("not this time"));
        }
        ended.add(&[id, lease]);
        Outcome::Done
    };
    engine.register_with("work", task_options, || handler).unwrap();
    engine
}

/// Nobody submits once the engine has ended.
fn unless_it_ends<T>(said: backrun::Result<T>) -> T {
    match said {
        Ok(said) => said,
        Err(Error::ShuttingDown) => loop {
            std::thread::park();
        },
        Err(other) => panic!("{other}"),
    }
}

/// Submits in every way there is, for ever.
fn submit(folder: &Path, seed: u64) {
    let engine = Arc::new(start(folder));
    let threads = (0..3u64).map(|way| {
        let engine = engine.clone();
        let mut choices = Random(seed.wrapping_add(way));
        let acknowledged = Arc::new(Lines::open(folder, "acknowledged"));
        std::thread::spawn(move || loop {
            let payload = vec![7; choices.next() as usize % 300];
            let mut submission = Submission::new("work", &payload);
            if choices.next() % 8 == 0 {
                submission.delay = Duration::from_millis(choices.next() % 20);
            }
            match way {
                0 => acknowledged.add(&[unless_it_ends(engine.submit(&submission)).value()]),
                1 => {
                    let all = [submission.clone(), submission.clone(), submission];
                    let ids = unless_it_ends(engine.submit_many(&all));
                    ids.iter().for_each(|id| acknowledged.add(&[id.value()]));
                }
                _ => {
                    let acknowledged = acknowledged.clone();
                    let told = move |said: backrun::Result<TaskId>| match said {
                        Ok(id) => acknowledged.add(&[id.value()]),
                        Err(error) => assert_eq!(error, Error::ShuttingDown),
                    };
                    unless_it_ends(engine.submit_async(&submission, told));
                    // Not so many that the last child has work for minutes.
                    std::thread::sleep(Duration::from_micros(500));
                }
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    println!("ready");
    let mut choices = Random(seed);
    if choices.one_in(4) {
        // Some end by themselves, in the midst of it.
        std::thread::sleep(Duration::from_millis(choices.below(40)));
        engine.shutdown(ShutdownMode::Cancel, None).unwrap();
        std::process::exit(0);
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Runs what is left; writes which tasks are dead.
fn finish(folder: &Path) {
    let engine = start(folder);
    let open = [State::Scheduled, State::Ready, State::Running, State::Pending];
    let mut filter = TaskFilter::default();
    (filter.states, filter.limit) = (&open, Some(1));
    while !engine.list(&filter).unwrap().is_empty() {
        // A look now and then; how often does not matter.
        std::thread::sleep(Duration::from_millis(5));
    }
    let dead = Lines::open(folder, "dead");
    (filter.states, filter.limit) = (&[State::Dead], Some(usize::MAX));
    for task in engine.list(&filter).unwrap() {
        assert!(task.failure.unwrap().text().contains("unclean ends"), "only crashes kill here");
        dead.add(&[task.id.value()]);
    }
    let report = engine.shutdown(ShutdownMode::Drain, None).unwrap();
    assert_eq!(report.queued, 0);
    println!("ready");
}

/// Kills children until it has done so often enough, and they have come to do something: on a busy machine some do not.
fn kill_children(folder: &Path, seed: u64, rounds: usize) {
    let mut choices = Random(seed);
    for round in 0.. {
        let acknowledged = if round < rounds { 0 } else { Lines::read(folder, "acknowledged").len() };
        if acknowledged > 2 * rounds {
            return;
        }
        assert!(round < 50 * rounds, "{round} children were told of {acknowledged} tasks");
        let mut child = child(folder, choices.next(), false);
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        // From before it is ready until well after.
        std::thread::sleep(Duration::from_micros(choices.below(60_000)));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        // By the signal (on Windows, which has none, with the code that the kill gave it), or by itself before that.
        let killed = if cfg!(windows) { Some(1) } else { None };
        assert!(status.code() == killed || status.success(), "round {round}: {status}");
    }
}

fn child(folder: &Path, seed: u64, last: bool) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "every_acknowledged_task_runs_however_often_the_process_is_killed", "--nocapture"]);
    command.env(FOLDER, folder).env(SEED, seed.to_string()).stdout(Stdio::piped());
    if last {
        command.env(LAST, "1");
    }
    command.spawn().unwrap()
}

#[test]
fn every_acknowledged_task_runs_however_often_the_process_is_killed() {
    if let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) {
        if std::env::var_os(LAST).is_some() {
            return finish(&folder);
        }
        return submit(&folder, std::env::var(SEED).unwrap().parse().unwrap());
    }
    let rounds = if std::env::var_os("BACKRUN_TORTURE").is_some() { 500 } else { 12 };
    let seed = std::env::var("BACKRUN_STRESS_SEED").map_or(7, |seed| seed.parse().unwrap());
    println!("{rounds} rounds, BACKRUN_STRESS_SEED={seed}");
    let folder = Folder::new();
    let folder = &folder.0;
    kill_children(folder, seed, rounds);
    let begun = Instant::now();
    let status = child(folder, seed, true).wait().unwrap();
    assert!(status.success(), "the last child: {status}");
    println!("what was left took {:?}", begun.elapsed());

    let of = |name| Lines::read(folder, name);
    let ids = |lines: Vec<Vec<i64>>| lines.into_iter().map(|line| line[0]).collect::<BTreeSet<_>>();
    let (acknowledged, dead) = (ids(of("acknowledged")), ids(of("dead")));
    let (began, ended) = (of("began"), of("ended"));
    println!(
        "{} acknowledged, {} runs, {} to their end, {} dead",
        acknowledged.len(),
        began.len(),
        ended.len(),
        dead.len()
    );
    let ran = ids(ended);
    let lost: Vec<_> = acknowledged.iter().filter(|id| !ran.contains(id) && !dead.contains(id)).collect();
    assert!(lost.is_empty(), "acknowledged and never run to the end: {lost:?}");
    let mut leases: BTreeMap<i64, i64> = BTreeMap::new();
    for run in began {
        let before = leases.insert(run[0], run[1]).unwrap_or(0);
        assert!(before < run[1], "task {} ran with lease {} after {before}", run[0], run[1]);
    }
    assert!(!acknowledged.is_empty() && ran.len() > rounds, "it was put to the test");
}
