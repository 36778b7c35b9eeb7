//! Runs MessagePack vectors against the codec: `vectors FILE…`. `cargo xtask vectors` starts it; the format of the files is told in
//! tests/golden/README.md. Or has the codec make such lines, for MessagePack-CSharp to read: `vectors --make COUNT … FILE` (making).
//!
//! The C# types that the lines name are learned from the `types.cs.txt` beside a file, else from the one in tests/golden. A class that
//! neither tells is written from what the line itself shows.

mod checks;
mod classes;
mod clr;
mod csharp;
mod enums;
mod families;
mod json;
mod layout;
mod line;
mod making;
mod node;
mod options;
mod reading;
mod reading_classes;
mod report;
mod rules;
mod same;
mod scalars;
mod stop;
mod typeless;
mod unknown;
mod value;
mod world;
mod writing;

use checks::Outcome;
use classes::Classes;
use line::Line;
use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use world::World;

/// Values are walked by recursion, and some lines nest deep.
const STACK: usize = 1 << 30;

fn main() -> ExitCode {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        eprintln!("usage: vectors FILE…, or {}", making::USAGE);
        return ExitCode::from(2);
    }
    if files[0].as_os_str() == "--make" {
        let given: Vec<String> = std::env::args().skip(2).collect();
        return match making::Arguments::parse(&given).and_then(|arguments| making::run(&arguments)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(what) => {
                eprintln!("vectors: {what}");
                ExitCode::from(2)
            }
        };
    }
    let runner = std::thread::Builder::new().stack_size(STACK).spawn(move || run(&files));
    match runner.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(true))) => ExitCode::SUCCESS,
        Ok(Ok(Ok(false))) => ExitCode::FAILURE,
        Ok(Ok(Err(what))) => {
            eprintln!("vectors: {what}");
            ExitCode::from(2)
        }
        Ok(Err(_)) => ExitCode::FAILURE,
        Err(what) => {
            eprintln!("vectors: there is no thread to run them on: {what}");
            ExitCode::from(2)
        }
    }
}

fn run(files: &[PathBuf]) -> Result<bool, String> {
    let mut report = Report::default();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|what| format!("cannot read {}: {what}", file.display()))?;
        let mut world = World { classes: classes_beside(file)?, ..World::default() };
        let lines = text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
        let lines: Vec<(usize, Result<Line, String>)> = lines.map(|(at, text)| (at + 1, Line::parse(text))).collect();
        for (_, line) in &lines {
            if let Ok(Some(value)) = line.as_ref().map(|line| line.json.get("value")) {
                world.learn(value);
            }
        }
        for (number, line) in lines {
            match line {
                Ok(line) => report.add(line.family(), &line.id, of_line(&world, &line)),
                Err(why) => {
                    let id = format!("{}:{number}", file.display());
                    report.add("(unreadable)", &id, Outcome::Failed(why));
                }
            }
        }
    }
    Ok(report.print())
}

/// A panic is a failure of its line.
fn of_line(world: &World, line: &Line) -> Outcome {
    std::panic::catch_unwind(|| checks::run(world, line)).unwrap_or_else(|_| Outcome::Failed("it panicked".to_owned()))
}

fn classes_beside(file: &Path) -> Result<Classes, String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/types.cs.txt");
    let beside = file.with_file_name("types.cs.txt");
    match [beside, own].iter().find(|path| path.is_file()) {
        Some(path) => {
            let source =
                std::fs::read_to_string(path).map_err(|what| format!("cannot read {}: {what}", path.display()))?;
            Classes::parse(&source).map_err(|what| format!("{}: {what}", path.display()))
        }
        None => Ok(Classes::default()),
    }
}
