//! MessagePack-CSharp itself against the codec, both ways: tests/dotnet/Backrun.Vectors has it write vectors at random, and tools/vectors
//! runs them; tools/vectors has the codec write others, and tests/dotnet/Backrun.Vectors reads them.

use crate::folders;
use crate::process::{root, run, stdout, within, Result};
use crate::tools::dotnet;
use crate::vectors;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const PROGRAM: &str = "tests/dotnet/Backrun.Vectors";
const LINES: &str = "artifacts/vectors";
const NATIVE_LINES: &str = "artifacts/vectors/native";

/// Longer than any of these programs takes for the lines of a long torture.
const LIMIT: Duration = Duration::from_secs(1800);

/// A release line of MessagePack-CSharp, and how the program is built with it.
pub struct Peer {
    pub name: &'static str,
    /// As the codec's settings have it.
    version: &'static str,
    arguments: &'static [&'static str],
    output: &'static str,
}

pub const PEERS: &[Peer] = &[
    Peer {
        name: "MessagePack 2.5",
        version: "2.5",
        arguments: &[],
        output: "tests/dotnet/Backrun.Vectors/bin/Release/net10.0",
    },
    Peer {
        name: "MessagePack 3.1",
        version: "3.1",
        arguments: &["-p:Mp=3"],
        output: "artifacts/variants/Backrun.Vectors/mp3/bin/Release/net10.0",
    },
];

/// Has the library make about so many lines from these choices on, and runs them. The table's last row.
pub fn run_lines(peer: &Peer, seed: u64, count: u64) -> Result<String> {
    build(peer)?;
    let file = file(LINES, peer)?;
    let mut make = library(peer);
    make.arg("make").args(["--seed", &seed.to_string(), "--count", &count.to_string()]).arg(&file);
    run(&mut within(LIMIT, make))?;
    last_line(vectors::of(&[file])?).map_err(|what| format!("seed {seed}, {count} lines: {what}"))
}

/// Has the codec make about so many lines, and the library read them: as the values that the lines tell, which it is to write as the same
/// bytes. What the library says last.
pub fn check_lines(peer: &Peer, seed: u64, count: u64) -> Result<String> {
    build(peer)?;
    let file = file(NATIVE_LINES, peer)?;
    run(&mut within(LIMIT, vectors::make(peer.version, seed, count, &file)?))?;
    let mut check = library(peer);
    check.arg("check").arg(&file);
    let read = last_line(check);
    // The way that golden lines go gives the same bytes, and has to read these.
    let ours = last_line(vectors::of(&[file])?);
    match (read, ours) {
        (Ok(read), Ok(_)) => Ok(read),
        (read, ours) => {
            let problems: Vec<String> = [read, ours].into_iter().filter_map(Result::err).collect();
            Err(format!("seed {seed}, {count} lines: {}", problems.join("\n")))
        }
    }
}

fn last_line(command: Command) -> Result<String> {
    let printed = stdout(&mut within(LIMIT, command))?;
    Ok(printed.lines().last().unwrap_or_default().to_owned())
}

fn build(peer: &Peer) -> Result<()> {
    let mut build = dotnet();
    build.args(["build", PROGRAM, "-c", "Release", "--verbosity", "minimal"]).args(peer.arguments);
    run(&mut build)
}

fn file(folder: &str, peer: &Peer) -> Result<PathBuf> {
    let folder = root().join(folder);
    folders::make(&folder)?;
    Ok(folder.join(format!("{}.jsonl", peer.name.replace(' ', "-"))))
}

/// The C# program with this release line.
fn library(peer: &Peer) -> Command {
    let mut program = dotnet();
    program.arg(root().join(peer.output).join("Backrun.Vectors.dll"));
    program
}
