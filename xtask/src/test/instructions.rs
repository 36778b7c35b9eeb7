//! What a task costs, counted in instructions under callgrind: they do not move with the machine's noise, so a change that
//! makes the hot path longer shows at once. The counts that are due stand in benches/instructions.txt.

use super::tally::Tally;
use crate::native;
use crate::process::{capture, exists, line, program, root, Result};
use crate::tools::Verdict;
use std::fs;

/// How far a count may be above what is due; one that is as far below asks for a new line in the file.
const TOLERANCE: f64 = 0.08;
/// Numbers of tasks, both divisible by every batch; the difference leaves out the start and the end of the engine.
const FEW: u64 = 9_600;
const MANY: u64 = 28_800;

pub fn run(tally: &mut Tally) {
    for needed in ["gcc", "valgrind"] {
        if !exists(needed) {
            return tally.missing("instructions of the hot path", &format!("{needed} is not installed"));
        }
    }
    let due = match fs::read_to_string(root().join("benches/instructions.txt")) {
        Ok(text) => parse(&text),
        Err(what) => return tally.fail("benches/instructions.txt", &what.to_string()),
    };
    if let Err(what) = native::build(native::Profile::Release, false).and_then(|_| compile()) {
        return tally.fail("instructions of the hot path", &what);
    }
    for (batch, due) in due {
        let name = format!("a task handed over {batch} a call takes about {due} instructions");
        tally.check(&name, || {
            let count = (instructions(MANY, batch)? - instructions(FEW, batch)?) / (MANY - FEW);
            println!("{count} instructions a task, {due} are due");
            judge(count, due).map(|()| Verdict::Fine)
        });
    }
}

fn judge(count: u64, due: u64) -> Result<()> {
    let ratio = count as f64 / due as f64;
    if ratio > 1.0 + TOLERANCE {
        return Err(format!("{count} instructions a task, {due} were due: the hot path has become longer"));
    }
    if ratio < 1.0 - TOLERANCE {
        return Err(format!(
            "{count} instructions a task, {due} were due: write the better count into benches/instructions.txt"
        ));
    }
    Ok(())
}

/// Lines `BATCH COUNT`; `#` begins a comment.
fn parse(text: &str) -> Vec<(u64, u64)> {
    let numbers = |line: &str| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace().map(str::parse);
        Some((words.next()?.ok()?, words.next()?.ok()?))
    };
    text.lines().filter_map(numbers).collect()
}

fn compile() -> Result<()> {
    let mut gcc = program("gcc");
    gcc.args(["-O2", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread", "-o"]).arg(executable());
    gcc.arg(root().join("benches/c/hot_path.c")).arg("-I").arg(root().join("include"));
    gcc.arg("-L").arg(root().join("artifacts/native")).arg("-lbackrun");
    gcc.arg(format!("-Wl,-rpath,{}", root().join("artifacts/native").display()));
    let output = capture(&mut gcc)?;
    if output.success {
        return Ok(());
    }
    Err(format!("`{}` failed:\n{}{}", line(&gcc), output.stdout, output.stderr))
}

fn executable() -> std::path::PathBuf {
    root().join("target/hot_path")
}

fn instructions(tasks: u64, batch: u64) -> Result<u64> {
    let mut valgrind = program("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(executable());
    valgrind.args([tasks.to_string(), batch.to_string()]);
    let output = capture(&mut valgrind)?;
    let collected = output.stderr.lines().find_map(|line| line.split("Collected : ").nth(1)?.trim().parse().ok());
    match collected {
        Some(count) if output.success => Ok(count),
        _ => Err(format!("`{}` failed:\n{}{}", line(&valgrind), output.stdout, output.stderr)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_due_counts_is_read() {
        assert_eq!(parse("# batch count\n1 2300 # one\n\n32 2200\n"), [(1, 2300), (32, 2200)]);
    }

    #[test]
    fn a_count_is_judged_both_ways() {
        assert!(judge(1050, 1000).is_ok() && judge(950, 1000).is_ok());
        assert!(judge(1100, 1000).is_err() && judge(900, 1000).is_err());
    }
}
