//! What the durable store costs, in one run with the disk's own limit and with SQLite itself: `cargo xtask bench-durable [FOLDER [TASKS]]`.
//!
//! Each row is measured `ROUNDS` times in turn with the others, and told by its median. The folder decides which disk it is. Last, a process
//! stores so many tasks, and how soon the next one runs the first of them is measured.

use backrun::{Durability, Engine, EngineOptions, ShutdownMode, StoreKind, Submission, TaskContext};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
/// How long a rate is measured.
const LONG: Duration = Duration::from_millis(700);
const PAYLOAD: &[u8] = &[42; 100];

/// What is measured, and how.
type Row = (&'static str, fn(&Path) -> f64);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("--start") {
        return start_with_backlog(Path::new(&arguments.next().expect("a folder")));
    }
    let folder = PathBuf::from(first.unwrap_or_else(|| "target/durable-bench".into()));
    let backlog: u64 = arguments.next().map_or(1_000_000, |count| count.parse().expect("a number of tasks"));
    std::fs::create_dir_all(&folder).unwrap();
    let rows: &[Row] = &[
        ("fdatasync of a 4 KiB append, a second", fdatasync),
        ("SQLite (WAL, FULL), one row a commit, rows a second", |folder| sqlite(folder, 1)),
        ("SQLite (WAL, FULL), 100 rows a commit, rows a second", |folder| sqlite(folder, 100)),
        ("one caller, committed, tasks a second", |folder| callers(folder, 1)),
        ("64 callers, committed, tasks a second", |folder| callers(folder, 64)),
        ("one caller, asynchronous, committed, tasks a second", |folder| asynchronous(folder, Durability::Committed)),
        ("through (submitted, run, settled), committed, tasks a second", |folder| {
            through(folder, Durability::Committed)
        }),
        ("through, buffered, tasks a second", |folder| through(folder, Durability::Buffered)),
        ("one fdatasync, p50, microseconds", fdatasync_p50),
        ("submit to run, one at a time, committed, p50, microseconds", submit_to_run),
    ];
    let mut figures: Vec<Vec<f64>> = rows.iter().map(|_| Vec::new()).collect();
    for round in 0..ROUNDS {
        for ((name, measure), figures) in rows.iter().zip(&mut figures) {
            let place = folder.join("row");
            let _ = std::fs::remove_dir_all(&place);
            std::fs::create_dir_all(&place).unwrap();
            let figure = measure(&place);
            eprintln!("round {round}: {name}: {figure:.1}");
            figures.push(figure);
        }
    }
    println!("| what | median of {ROUNDS} | least | most |\n| --- | --- | --- | --- |");
    for ((name, _), figures) in rows.iter().zip(&mut figures) {
        figures.sort_by(f64::total_cmp);
        println!("| {name} | {:.1} | {:.1} | {:.1} |", figures[ROUNDS / 2], figures[0], figures[ROUNDS - 1]);
    }
    leave_backlog(&folder.join("backlog"), backlog);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// How often something can be done a second.
fn rate(mut act: impl FnMut() -> u64) -> f64 {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < LONG {
        count += act();
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

fn p50(mut act: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < LONG {
        let one = Instant::now();
        act();
        times.push(one.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn append(folder: &Path) -> impl FnMut() {
    let mut file = File::create(folder.join("append")).unwrap();
    move || {
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
    }
}

fn fdatasync(folder: &Path) -> f64 {
    let mut append = append(folder);
    rate(|| {
        append();
        1
    })
}

fn fdatasync_p50(folder: &Path) -> f64 {
    p50(append(folder))
}

fn sqlite(folder: &Path, rows: u64) -> f64 {
    let connection = rusqlite::Connection::open(folder.join("plain.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute_batch("CREATE TABLE task (id INTEGER PRIMARY KEY, payload BLOB)").unwrap();
    let mut insert = connection.prepare("INSERT INTO task (payload) VALUES (?)").unwrap();
    rate(|| {
        connection.execute_batch("BEGIN").unwrap();
        (0..rows).for_each(|_| assert_eq!(insert.execute([PAYLOAD]).unwrap(), 1));
        connection.execute_batch("COMMIT").unwrap();
        rows
    })
}

fn engine(folder: &Path, paused: bool) -> Engine {
    let mut options = EngineOptions::default();
    options.store = StoreKind::Sqlite { path: folder.join("tasks.db"), owner_wait: None, keep_for: None };
    options.default_queue.capacity = 100_000_000;
    options.default_queue.capacity_bytes = 1 << 40;
    let engine = Engine::start(options).unwrap();
    if paused {
        engine.pause("default").unwrap();
    }
    engine
}

fn end(engine: Engine) {
    engine.shutdown(ShutdownMode::Cancel, None).unwrap();
}

/// Submits that wait, on so many threads; nothing of them runs meanwhile.
fn callers(folder: &Path, threads: usize) -> f64 {
    let engine = engine(folder, true);
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    let submit = || {
        rate(|| {
            engine.submit(&Submission::new("none", PAYLOAD)).unwrap();
            1
        })
    };
    let sum = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(submit)).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    end(engine);
    sum
}

/// Counts what is told, and lets its thread go on only while not too much is on its way.
#[derive(Default)]
struct OnTheirWay {
    count: Mutex<u64>,
    fewer: Condvar,
}

impl OnTheirWay {
    const MOST: u64 = 20_000;

    fn begin(&self) {
        let mut count = self.count.lock().unwrap();
        while *count >= Self::MOST {
            count = self.fewer.wait(count).unwrap();
        }
        *count += 1;
    }

    fn end(&self) {
        let mut count = self.count.lock().unwrap();
        *count -= 1;
        if *count == Self::MOST / 2 || *count == 0 {
            self.fewer.notify_all();
        }
    }

    fn wait_for_all(&self) {
        let mut count = self.count.lock().unwrap();
        while *count > 0 {
            count = self.fewer.wait(count).unwrap();
        }
    }
}

/// One thread that does not wait; nothing of it runs meanwhile.
fn asynchronous(folder: &Path, durability: Durability) -> f64 {
    const TASKS: u64 = 150_000;
    let engine = engine(folder, true);
    engine.register("none", |_: &TaskContext<'_>| ()).unwrap();
    let on_their_way = Arc::new(OnTheirWay::default());
    let begun = Instant::now();
    submit_many(&engine, "none", TASKS, durability, &on_their_way);
    on_their_way.wait_for_all();
    let rate = TASKS as f64 / begun.elapsed().as_secs_f64();
    end(engine);
    rate
}

fn submit_many(engine: &Engine, name: &str, tasks: u64, durability: Durability, on_their_way: &Arc<OnTheirWay>) {
    let mut submission = Submission::new(name, PAYLOAD);
    submission.durability = Some(durability);
    for _ in 0..tasks {
        on_their_way.begin();
        let on_their_way = on_their_way.clone();
        let told = move |said: backrun::Result<_>| {
            said.unwrap();
            on_their_way.end();
        };
        engine.submit_async(&submission, told).unwrap();
    }
}

/// From the first submit to the record of the last end.
fn through(folder: &Path, durability: Durability) -> f64 {
    const TASKS: u64 = 100_000;
    let mut options = EngineOptions::default();
    options.store = StoreKind::Sqlite { path: folder.join("tasks.db"), owner_wait: None, keep_for: None };
    options.durability = Some(durability);
    let engine = Engine::start(options).unwrap();
    let runs = Arc::new(AtomicU64::new(0));
    let counted = runs.clone();
    let count = move |_: &TaskContext<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    engine.register("count", count).unwrap();
    let on_their_way = Arc::new(OnTheirWay::default());
    let begun = Instant::now();
    submit_many(&engine, "count", TASKS, durability, &on_their_way);
    // What the store has not told of when a drain begins is left to the next start.
    on_their_way.wait_for_all();
    let report = engine.shutdown(ShutdownMode::Drain, None).unwrap();
    let rate = TASKS as f64 / begun.elapsed().as_secs_f64();
    assert_eq!((report.queued, runs.load(Ordering::Relaxed)), (0, TASKS));
    rate
}

/// From the call of a submit to the beginning of its run.
fn submit_to_run(folder: &Path) -> f64 {
    let engine = engine(folder, false);
    let (tell, told) = std::sync::mpsc::channel();
    engine.register("tell", move |_: &TaskContext<'_>| tell.send(Instant::now()).unwrap()).unwrap();
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < LONG {
        let one = Instant::now();
        engine.submit(&Submission::new("tell", PAYLOAD)).unwrap();
        times.push(told.recv().unwrap() - one);
    }
    end(engine);
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Has a process store so many tasks and be killed, and measures how soon the next one runs the first of them.
fn leave_backlog(folder: &Path, tasks: u64) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).unwrap();
    let engine = engine(folder, true);
    engine.register("first", |_: &TaskContext<'_>| ()).unwrap();
    let on_their_way = Arc::new(OnTheirWay::default());
    submit_many(&engine, "first", tasks, Durability::Buffered, &on_their_way);
    on_their_way.wait_for_all();
    engine.resume("default").unwrap();
    end(engine);
    // What ran before the end above is little; of the unclean end of a process, there is its mark in the file.
    let begun = Instant::now();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--start")
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    println!(
        "\nWith {tasks} tasks stored, from the start of the next process to its first run: {:?} ({first})",
        begun.elapsed()
    );
    println!("{}", lines.next().unwrap().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
}

fn start_with_backlog(folder: &Path) {
    let engine = engine(folder, false);
    let ran = AtomicU64::new(0);
    let handler = move |_: &TaskContext<'_>| {
        if ran.fetch_add(1, Ordering::Relaxed) == 0 {
            println!("{} KiB resident then", resident_kib());
        } else {
            // The rest stays, so that memory is seen with it.
            std::thread::park();
        }
    };
    engine.register("first", handler).unwrap();
    let mut most = 0;
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(100));
        most = most.max(resident_kib());
    }
    println!("resident memory after 10 s: {} KiB, at most {most} KiB", resident_kib());
    std::thread::park();
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
