//! The benchmarks: `cargo xtask bench`.

use crate::crates;
use crate::native;
use crate::process::{root, run, Result};
use crate::tools::dotnet;
use std::path::PathBuf;

const PROJECT: &str = "benches/dotnet/Backrun.Benchmarks";

/// Every argument goes to the benchmark program.
pub fn command(arguments: &[String]) -> Result<()> {
    native::build(native::Profile::Release, false)?;
    let codec = if wants_codec(arguments) { Some(codec()?) } else { None };
    // The caller's folder, so that `--json OUT` lands where the caller means it to.
    let folder = std::env::current_dir().map_err(|e| e.to_string())?;
    let project = root().join(PROJECT);
    let mut program = dotnet();
    program.envs(codec.map(|library| ("BACKRUN_CODEC_BENCH", library)));
    program.current_dir(folder).args(["run", "-c", "Release", "--project"]).arg(project).arg("--").args(arguments);
    run(&mut program)
}

/// The durable store, which needs no .NET.
pub fn durable(arguments: &[String]) -> Result<()> {
    let folder = std::env::current_dir().map_err(|e| e.to_string())?;
    let mut cargo = crates::cargo()?;
    cargo.args(["run", "--quiet", "--release", "--package", "durable-bench", "--manifest-path"]);
    run(cargo.arg(root().join("Cargo.toml")).current_dir(folder).arg("--").args(arguments))
}

/// Whether one of the codec's scenarios may be among those that are asked for: it takes a while to build what they need.
fn wants_codec(arguments: &[String]) -> bool {
    let only = arguments.iter().position(|argument| argument == "--only").and_then(|at| arguments.get(at + 1));
    match only.map(|name| name.to_lowercase()) {
        None => true,
        // A part of a name: `contractless` names scenarios of the engine and of the codec.
        Some(name) => ["codec", "contractless", "int-keys", "typeless", "list", "texts"]
            .iter()
            .any(|part| part.contains(&name) || name.contains(part)),
    }
}

/// Builds the native side of those.
fn codec() -> Result<PathBuf> {
    let mut cargo = crates::cargo()?;
    cargo
        .args(["build", "--release", "--package", "codec-bench", "--target-dir", "target"])
        .env_remove("CARGO_BUILD_TARGET");
    run(&mut cargo)?;
    Ok(root().join("target/release/libcodec_bench.so"))
}
