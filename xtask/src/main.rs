//! The project's own commands: `cargo xtask` lists them.

mod apt_sources;
mod arguments;
mod bench;
mod crates;
mod cross;
mod debian;
mod docs;
mod files;
mod folders;
mod fuzz;
mod header;
mod json;
mod native;
mod pack;
mod process;
mod site;
mod sqlite;
mod systems;
mod test;
mod tools;
mod vectors;

use process::{run, Result};
use std::env;
use std::process::ExitCode;

struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const fn command(
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
) -> Command {
    Command { name, arguments, about, run }
}

const COMMANDS: &[Command] = &[
    command(
        "native",
        "[--release | --debug | --for RID]",
        "builds the library into artifacts/native; or that of a system, linux-arm64 say, into artifacts/natives as a package has it",
        native::command,
    ),
    command(
        "test",
        "[STEP]...",
        "runs every test there is, or some steps: checks, rust, models, tsan, asan, c, valgrind, instructions, dotnet, asan-dotnet, aot, packages, site, sample",
        test::command,
    ),
    command(
        "torture",
        "[--minutes N] [--seed N] [STEP]...",
        "runs the long forms of the tests, or of some steps: rust, models, tsan, asan, c, valgrind, dotnet",
        test::torture::command,
    ),
    command(
        "fuzz",
        "[--guided [--minutes N] [--keep]] [--cases N] [--seed N] [TEST]",
        "tries the codec with millions of random messages, or one of the tests of tests/fuzz; or the C ABI, guided by what is reached",
        fuzz::command,
    ),
    command("lint", "", "asks every linter and formatter, and changes nothing", tools::lint),
    command("fmt", "", "lets every formatter put things right", tools::fmt),
    command("header", "[--check]", "writes include/backrun.h from src/ffi, or compares it", header::command),
    command("bench", "[--json OUT] ARGS...", "runs the benchmarks, in release", bench::command),
    command(
        "bench-durable",
        "[FOLDER [TASKS]]",
        "measures the durable store beside the disk's own limit, in a folder on that disk, and a start with so many tasks stored",
        bench::durable,
    ),
    command(
        "pack",
        "[--with FOLDER]",
        "makes the NuGet packages, in artifacts/packages; with the libraries of other systems that lie in a folder as native --for leaves them",
        pack::command,
    ),
    command("site", "", "makes the site of the documentation, in artifacts/site", site::command),
    command("vectors", "FILE...", "runs MessagePack vectors against the codec (tests/golden/README.md)", vectors::command),
    command("cargo", "ARGS...", "runs cargo with the crates as this machine has them", cargo),
    command("env", "", "prints what to `eval` in a shell so that plain cargo finds the crates", print_env),
];

fn main() -> ExitCode {
    process::forget_cargo_run();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        list();
        return ExitCode::SUCCESS;
    };
    let Some(command) = COMMANDS.iter().find(|c| c.name == name) else {
        eprintln!("xtask: there is no command {name}; `cargo xtask` lists them");
        return ExitCode::from(2);
    };
    match (command.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("xtask: {what}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    println!("cargo xtask COMMAND, from the repository's root:");
    for command in COMMANDS {
        let usage = format!("{} {}", command.name, command.arguments);
        println!("  {usage:<44} {}", command.about);
    }
}

fn cargo(arguments: &[String]) -> Result<()> {
    let mut command = crates::cargo()?;
    // The caller's folder, so that paths among the arguments mean what they meant to the caller.
    command.current_dir(env::current_dir().map_err(|e| e.to_string())?);
    run(command.args(arguments))
}

fn print_env(_: &[String]) -> Result<()> {
    print!("{}{}", crates::Route::find()?.exports(), sqlite::exports()?);
    Ok(())
}
