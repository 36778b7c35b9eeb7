//! Formatters and linters: what `lint` asks of them, what `fmt` lets them change, and what `test` counts.

use crate::crates;
use crate::process::{exists, program, root, run, stdout, Result};
use std::io::IsTerminal;
use std::process::Command;

/// One formatter or linter.
pub struct Tool {
    pub name: &'static str,
    /// Fails where something is not as it should be.
    pub check: fn() -> Result<Verdict>,
    /// Puts it right; `None` for a tool that only tells.
    pub fix: Option<fn() -> Result<Verdict>>,
}

/// How a check that did not fail ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// The program is not installed; .ci/run installs it.
    Missing(String),
    /// There is nothing to look at yet.
    Nothing(String),
}

pub const TOOLS: &[Tool] = &[
    Tool { name: "rustfmt", check: || rustfmt(true), fix: Some(|| rustfmt(false)) },
    Tool { name: "rustfmt of xtask", check: || rustfmt_of_xtask(true), fix: Some(|| rustfmt_of_xtask(false)) },
    Tool { name: "clippy", check: clippy, fix: None },
    Tool { name: "clippy of xtask", check: clippy_of_xtask, fix: None },
    Tool { name: "clang-format", check: || clang_format(true), fix: Some(|| clang_format(false)) },
    Tool { name: "dotnet format", check: || dotnet_format(true), fix: Some(|| dotnet_format(false)) },
];

pub fn lint(arguments: &[String]) -> Result<()> {
    nothing_more("lint", arguments)?;
    let mut failed = Vec::new();
    for tool in TOOLS {
        println!("== {}", tool.name);
        match (tool.check)() {
            Ok(verdict) => say(&verdict),
            Err(what) => {
                eprintln!("{what}");
                failed.push(tool.name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("not in order: {}", failed.join(", ")))
}

pub fn fmt(arguments: &[String]) -> Result<()> {
    nothing_more("fmt", arguments)?;
    for tool in TOOLS {
        if let Some(fix) = tool.fix {
            say(&fix()?);
        }
    }
    Ok(())
}

fn say(verdict: &Verdict) {
    match verdict {
        Verdict::Fine => {}
        Verdict::Missing(why) | Verdict::Nothing(why) => println!("{why}"),
    }
}

fn nothing_more(name: &str, arguments: &[String]) -> Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    Err(format!("{name} takes no arguments"))
}

/// What cargo needs to work on xtask, which is not in the workspace.
pub const OF_XTASK: [&str; 4] = ["--manifest-path", "xtask/Cargo.toml", "--target-dir", "target/xtask"];

fn rustfmt(check: bool) -> Result<Verdict> {
    run(rustfmt_flags(crates::cargo()?.args(["fmt", "--all"]), check))?;
    Ok(Verdict::Fine)
}

fn rustfmt_of_xtask(check: bool) -> Result<Verdict> {
    run(rustfmt_flags(program("cargo").arg("fmt").args(&OF_XTASK[..2]), check))?;
    Ok(Verdict::Fine)
}

fn rustfmt_flags(command: &mut Command, check: bool) -> &mut Command {
    command.args(check.then_some("--check"));
    if !std::io::stdout().is_terminal() {
        command.args(["--", "--color", "never"]); // it colours its differences even in a file
    }
    command
}

fn clippy() -> Result<Verdict> {
    run(crates::cargo()?.args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--features",
        "backrun/cli",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Verdict::Fine)
}

fn clippy_of_xtask() -> Result<Verdict> {
    run(program("cargo").args(["clippy", "--quiet"]).args(OF_XTASK).args(["--all-targets", "--", "-D", "warnings"]))?;
    Ok(Verdict::Fine)
}

fn clang_format(check: bool) -> Result<Verdict> {
    // Versions differ in what they write: the one that .clang-format was written for goes first.
    let Some(name) = ["clang-format-14", "clang-format"].into_iter().find(|name| exists(name)) else {
        return Ok(Verdict::Missing("clang-format is not installed".to_owned()));
    };
    // backrun.h is not among them: it is cbindgen's.
    let places = ["examples", "tests/c", "tests/cpp", "tests/fuzz", "include/backrun.hpp", "include/backrun_codec.hpp"];
    let files = files_in(&places, &["c", "h", "cc", "cpp", "hpp"])?;
    if files.is_empty() {
        return Ok(Verdict::Nothing(format!("no C or C++ file in {}", places.join(", "))));
    }
    let how: &[&str] = if check { &["--dry-run", "-Werror"] } else { &["-i"] };
    run(program(name).arg("--style=file").args(how).args(files))?;
    Ok(Verdict::Fine)
}

fn dotnet_format(check: bool) -> Result<Verdict> {
    if !exists("dotnet") {
        return Ok(Verdict::Missing("the .NET SDK is not installed".to_owned()));
    }
    // It starts from what a restore left, and the projects' references from what a build left.
    run(dotnet().args(["restore", "Backrun.slnx", "--verbosity", "quiet"]))?;
    run(dotnet().args(["format", "Backrun.slnx", "--no-restore"]).args(check.then_some("--verify-no-changes")))?;
    Ok(Verdict::Fine)
}

/// The .NET command line; with nothing of it left running on a CI machine.
pub fn dotnet() -> Command {
    let mut command = program("dotnet");
    command.env("DOTNET_NOLOGO", "1");
    if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
        command.env("MSBUILDDISABLENODEREUSE", "1").env("UseSharedCompilation", "false");
    }
    command
}

/// The files in these places that git knows or would add, with one of these endings.
fn files_in(places: &[&str], endings: &[&str]) -> Result<Vec<String>> {
    let listed = stdout(program("git").args(["ls-files", "-z", "-co", "--exclude-standard", "--"]).args(places))?;
    let of_ending = |file: &&str| file.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending));
    let still_there = |file: &&str| root().join(file).is_file();
    Ok(listed.split('\0').filter(of_ending).filter(still_there).map(str::to_owned).collect())
}
