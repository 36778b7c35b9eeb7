//! The vectors of MessagePack-CSharp, which tools/vectors runs against the codec: `cargo xtask vectors FILE...`.

use crate::crates;
use crate::files::entries;
use crate::process::{root, run, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the real library produced; README.md there tells the format.
const GOLDEN: &str = "tests/golden";

pub fn command(arguments: &[String]) -> Result<()> {
    if arguments.is_empty() {
        return Err(format!("vectors takes FILE..., such as {GOLDEN}/*.jsonl"));
    }
    // The caller's folder, so that the files are those that the caller means.
    let folder = std::env::current_dir().map_err(|e| e.to_string())?;
    run(runner()?.current_dir(folder).args(arguments))
}

fn runner() -> Result<Command> {
    let mut cargo = crates::cargo()?;
    cargo.args(["run", "--quiet", "--package", "vectors", "--manifest-path"]).arg(root().join("Cargo.toml")).arg("--");
    Ok(cargo)
}

/// Has the codec make about so many lines for a version, from these choices on.
pub fn make(version: &str, seed: u64, count: u64, file: &Path) -> Result<Command> {
    let mut runner = runner()?;
    runner.args(["--make", &count.to_string(), "--seed", &seed.to_string(), "--version", version]).arg(file);
    Ok(runner)
}

/// Runs our own.
pub fn golden() -> Result<Command> {
    of(&golden_files()?)
}

/// Runs these.
pub fn of(files: &[PathBuf]) -> Result<Command> {
    let mut runner = runner()?;
    runner.args(files);
    Ok(runner)
}

fn golden_files() -> Result<Vec<PathBuf>> {
    let mut files = entries(&root().join(GOLDEN))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    Ok(files)
}
