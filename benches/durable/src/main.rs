//! What the durable store costs, in one run with the disk's own limit and with SQLite itself: `cargo xtask bench-durable`.
//!
//! Each row is measured in turn with the others, and told by its median. The folder decides which disk it is.

mod backlog;
mod rows;
mod syncs;

use backrun::{Durability, Engine, EngineOptions, ShutdownMode, StoreKind, Submission};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

const USAGE: &str = "\
cargo xtask bench-durable [FOLDER [TASKS]] [--only NAME] [--rounds N]

  FOLDER        on the disk that is to be measured; what is written there is deleted again
  TASKS         so many are stored, a process that stores them is killed, and the next one starts; 0: without that
  --only NAME   only rows with NAME in their name; with 'syncs' the count of syncs (strace must be there)
  --rounds N    each row so often, in turns; by default 5";

const PAYLOAD: &[u8] = &[42; 100];

struct Wanted {
    folder: PathBuf,
    backlog: u64,
    only: Option<String>,
    rounds: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match texts[..] {
        [backlog::FILL, folder, tasks] => backlog::fill(Path::new(folder), tasks.parse().expect("a number of tasks")),
        [backlog::START, folder] => backlog::start(Path::new(folder)),
        [syncs::CHILD, folder, way] => syncs::submit(Path::new(folder), way),
        _ => match wanted(&texts) {
            Ok(wanted) => measure(&wanted),
            Err(complaint) => {
                eprintln!("{complaint}\n{USAGE}");
                std::process::exit(2);
            }
        },
    }
}

fn wanted(arguments: &[&str]) -> Result<Wanted, String> {
    let mut wanted = Wanted { folder: "target/durable-bench".into(), backlog: 1_000_000, only: None, rounds: 5 };
    let mut plain = 0;
    let mut left = arguments.iter();
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("'{text}' is no number"));
    while let Some(&argument) = left.next() {
        match argument {
            "--only" => wanted.only = Some((*left.next().ok_or("--only needs a name")?).to_owned()),
            "--rounds" => wanted.rounds = number(left.next().ok_or("--rounds needs a number")?)?.max(1) as usize,
            _ if argument.starts_with('-') => return Err(format!("'{argument}' is no option")),
            _ if plain == 0 => (plain, wanted.folder) = (1, argument.into()),
            _ if plain == 1 => (plain, wanted.backlog) = (2, number(argument)?),
            _ => return Err(format!("'{argument}' is one argument too many")),
        }
    }
    Ok(wanted)
}

fn measure(wanted: &Wanted) {
    let folder = &wanted.folder;
    let is_wanted = |name: &str| wanted.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    std::fs::create_dir_all(folder).unwrap();
    rows::measure(folder, wanted.rounds, is_wanted);
    if is_wanted("syncs") {
        syncs::count(&folder.join("syncs"));
    }
    if wanted.backlog > 0 && is_wanted("start") {
        backlog::measure(&folder.join("backlog"), wanted.backlog);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

fn engine(folder: &Path, paused: bool) -> Engine {
    let mut options = EngineOptions::default();
    options.store = StoreKind::sqlite(folder.join("tasks.db"));
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
