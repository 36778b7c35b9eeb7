//! Rates and times, beside those of the disk and of SQLite itself.

use crate::{end, engine, submit_many, OnTheirWay, PAYLOAD};
use backrun::{
    Durability, Encryption, EncryptionKey, Engine, EngineOptions, ShutdownMode, StoreKind, Submission, TaskContext,
};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a rate is measured.
const LONG: Duration = Duration::from_millis(700);

/// What is measured, and how.
type Row = (&'static str, fn(&Path) -> f64);

const ROWS: &[Row] = &[
    ("fdatasync of a 4 KiB append, a second", fdatasync),
    ("SQLite (WAL, FULL), one row a commit, rows a second", |folder| sqlite(folder, 1)),
    ("SQLite (WAL, FULL), 100 rows a commit, rows a second", |folder| sqlite(folder, 100)),
    ("one caller, committed, tasks a second", |folder| callers(folder, 1)),
    ("64 callers, committed, tasks a second", |folder| callers(folder, 64)),
    ("one caller, asynchronous, committed, tasks a second", |folder| asynchronous(folder, Durability::Committed)),
    ("one caller, asynchronous, buffered, tasks a second", |folder| asynchronous(folder, Durability::Buffered)),
    ("through (submitted, run, settled), committed, tasks a second", |folder| {
        through(folder, Durability::Committed, None)
    }),
    ("through, committed, encrypted, tasks a second", |folder| through(folder, Durability::Committed, Some(key()))),
    ("through, buffered, tasks a second", |folder| through(folder, Durability::Buffered, None)),
    ("one fdatasync, p50, microseconds", fdatasync_p50),
    ("submit to run, one at a time, committed, p50, microseconds", submit_to_run),
];

pub fn measure(folder: &Path, rounds: usize, is_wanted: impl Fn(&str) -> bool) {
    let rows: Vec<_> = ROWS.iter().filter(|(name, _)| is_wanted(name)).collect();
    if rows.is_empty() {
        return;
    }
    let mut figures: Vec<Vec<f64>> = rows.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for ((name, measure), figures) in rows.iter().zip(&mut figures) {
            let place = folder.join("row");
            let _ = std::fs::remove_dir_all(&place);
            std::fs::create_dir_all(&place).unwrap();
            let figure = measure(&place);
            eprintln!("round {round}: {name}: {figure:.1}");
            figures.push(figure);
        }
    }
    println!("| what | median of {rounds} | least | most |\n| --- | --- | --- | --- |");
    for ((name, _), figures) in rows.iter().zip(&mut figures) {
        figures.sort_by(f64::total_cmp);
        println!("| {name} | {:.1} | {:.1} | {:.1} |", figures[rounds / 2], figures[0], figures[rounds - 1]);
    }
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

fn key() -> Encryption {
    Encryption::with(vec![EncryptionKey::new("bench", b"0123456789abcdef0123456789abcdef").unwrap()])
}

/// From the first submit to the record of the last end.
fn through(folder: &Path, durability: Durability, encryption: Option<Encryption>) -> f64 {
    const TASKS: u64 = 100_000;
    let mut options = EngineOptions::default();
    let path = folder.join("tasks.db");
    options.store = StoreKind::Sqlite { path, owner_wait: None, keep_for: None, encryption };
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
