//! MessagePack-CSharp itself against the codec: tests/dotnet/Backrun.Vectors has it write vectors at random, and tools/vectors runs them.

use crate::process::{root, run, stdout, within, Result};
use crate::tools::dotnet;
use crate::vectors;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PROGRAM: &str = "tests/dotnet/Backrun.Vectors";
const LINES: &str = "artifacts/vectors";

/// A release line of MessagePack-CSharp, and how the program is built with it.
pub struct Peer {
    pub name: &'static str,
    arguments: &'static [&'static str],
    output: &'static str,
}

pub const PEERS: &[Peer] = &[
    Peer { name: "MessagePack 2.5", arguments: &[], output: "tests/dotnet/Backrun.Vectors/bin/Release/net10.0" },
    Peer {
        name: "MessagePack 3.1",
        arguments: &["-p:Mp=3"],
        output: "artifacts/variants/Backrun.Vectors/mp3/bin/Release/net10.0",
    },
];

/// Has the library make about so many lines from these choices on, and runs them. The table's last row.
pub fn run_lines(peer: &Peer, seed: u64, count: u64) -> Result<String> {
    let mut build = dotnet();
    build.args(["build", PROGRAM, "-c", "Release", "--verbosity", "minimal"]).args(peer.arguments);
    run(&mut build)?;
    let folder = root().join(LINES);
    std::fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    let file = folder.join(format!("{}.jsonl", peer.name.replace(' ', "-")));
    run(&mut within(Duration::from_secs(1800), make(peer, seed, count, &file)))?;
    let printed = stdout(&mut within(Duration::from_secs(1800), vectors::of(&[file])?))
        .map_err(|what| format!("seed {seed}, {count} lines: {what}"))?;
    Ok(printed.lines().last().unwrap_or_default().to_owned())
}

fn make(peer: &Peer, seed: u64, count: u64, file: &Path) -> std::process::Command {
    let program: PathBuf = root().join(peer.output).join("Backrun.Vectors.dll");
    let mut make = dotnet();
    make.arg(program).arg("make").args(["--seed", &seed.to_string(), "--count", &count.to_string()]).arg(file);
    make
}
