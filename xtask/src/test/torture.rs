//! The long forms of the tests: `cargo xtask torture`. What is usually tried for seconds is tried for minutes, with choices
//! that begin elsewhere each time. For nights, and after a change of the engine; CI does without.

use super::effort::Effort;
use super::tally::Tally;
use super::{c, counts, models, run_steps, sanitizers, Step};
use crate::arguments;
use crate::crates;
use crate::cross;
use crate::process::{exists, run, tee, within, Result};
use crate::tools::{dotnet, Verdict};
use std::time::{Duration, Instant};

const STEPS: &[Step] = &[
    Step { name: "rust", heading: "Rust", run: rust },
    Step { name: "models", heading: "Models, with more interruptions", run: models::run },
    Step { name: "tsan", heading: "Rust under the thread sanitizer", run: sanitizers::threads },
    Step { name: "asan", heading: "Rust under the address sanitizer", run: sanitizers::addresses },
    Step { name: "c", heading: "C and C++: storms of a million tasks, and the other tests twenty times", run: c::run },
    Step { name: "valgrind", heading: "C and C++ in valgrind: longer storms", run: c::run_in_valgrind },
    Step { name: "dotnet", heading: "C#: the torture classes", run: csharp },
];

/// How long what can go on for any time does, where nobody says.
const MINUTES: u64 = 5;

pub fn command(given: &[String]) -> Result<()> {
    let (mut minutes, mut seed) = (MINUTES, arguments::new_seed()?);
    let steps = arguments::numbers(given, &mut [("--minutes", &mut minutes), ("--seed", &mut seed)])?;
    println!("minutes: {minutes}, seed: {seed} (--seed {seed} begins with the same choices)");
    run_steps(STEPS, &steps, Effort::Long { minutes, seed })
}

fn rust(tally: &mut Tally) {
    let effort = tally.effort;
    cargo_test(tally, "all tests, with debug assertions", effort, &["--workspace"]);
    cargo_test(tally, "the stress, optimised", effort.with_another_seed(100), &["--release", "--test", "stress"]);
    // What fails seldom fails here.
    let Effort::Long { minutes, .. } = effort else { return };
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    while Instant::now() < end {
        let tests = ["--lib", "--test", "engine", "--test", "shutdown", "--", "--quiet"];
        cargo_test(tally, "again and again", Effort::Usual, &tests);
    }
}

fn cargo_test(tally: &mut Tally, name: &str, effort: Effort, arguments: &[&str]) {
    println!("-- {name}");
    match crates::cargo() {
        Ok(mut cargo) => {
            cargo.args(["test", "--no-fail-fast"]).args(arguments).envs(effort.environment());
            let limit = tally.effort.limit(Duration::from_secs(1800));
            let (output, ended) = tee(&mut within(limit, cargo));
            tally.add(name, counts::of_cargo(&output), ended);
        }
        Err(what) => tally.fail(name, &what),
    }
}

fn csharp(tally: &mut Tally) {
    if !exists("dotnet") {
        return tally.missing("C#", "the .NET SDK is not installed");
    }
    let tests = "tests/dotnet/Backrun.Tests";
    if let Err(what) = run(dotnet().args(["build", tests, "-c", "Release", "--verbosity", "minimal"])) {
        return tally.fail("the C# build", &what);
    }
    let mut test = dotnet();
    test.args(["test", "--project", tests, "-c", "Release", "--no-build", "--no-ansi", "--no-progress"])
        .args(["--filter-namespace", "Backrun.Tests.Torture"])
        .envs(tally.effort.environment());
    let limit = tally.effort.limit(Duration::from_secs(3600));
    let (output, ended) = tee(&mut within(limit, test));
    tally.add("dotnet test", counts::of_dotnet(&output), ended);
    let Effort::Long { minutes, seed } = tally.effort else { return };
    for peer in cross::PEERS {
        tally.check(&format!("the codec agrees with {} on other random vectors", peer.name), || {
            println!("{}", cross::run_lines(peer, seed, minutes * 4000)?);
            Ok(Verdict::Fine)
        });
        tally.check(&format!("{} reads other values that the codec writes", peer.name), || {
            println!("{}", cross::check_lines(peer, seed, minutes * 4000)?);
            Ok(Verdict::Fine)
        });
    }
}
