//! Every test there is, counted together: `cargo xtask test`.

mod c;
mod checks;
mod counts;
mod dotnet;
mod instructions;
mod models;
mod rust;
mod sample;
mod sample_files;
mod sanitizers;
mod tally;

use crate::process::Result;
use tally::Tally;

struct Step {
    name: &'static str,
    heading: &'static str,
    run: fn(&mut Tally),
}

const STEPS: &[Step] = &[
    Step { name: "checks", heading: "Checks of the sources", run: checks::run },
    Step { name: "rust", heading: "Rust", run: rust::run },
    Step { name: "models", heading: "Models", run: models::run },
    Step { name: "tsan", heading: "Rust under the thread sanitizer", run: sanitizers::threads },
    Step { name: "asan", heading: "Rust under the address sanitizer", run: sanitizers::addresses },
    Step { name: "c", heading: "C and C++", run: c::run },
    Step { name: "valgrind", heading: "C and C++ in valgrind", run: c::run_in_valgrind },
    Step { name: "instructions", heading: "Instructions of the hot path", run: instructions::run },
    Step { name: "dotnet", heading: "C#", run: dotnet::run },
    Step { name: "sample", heading: "The sample", run: sample::run },
];

pub fn command(arguments: &[String]) -> Result<()> {
    let known = || STEPS.iter().map(|s| s.name).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = arguments.iter().find(|a| STEPS.iter().all(|s| s.name != **a)) {
        return Err(format!("there is no step {unknown}; the steps are {}", known()));
    }
    let mut tally = Tally::new(std::env::var_os("CI").is_some_and(|ci| ci == "true"));
    for step in STEPS.iter().filter(|s| arguments.is_empty() || arguments.iter().any(|a| a == s.name)) {
        println!("\n=== {} ({})", step.heading, step.name);
        tally.start(step.name);
        (step.run)(&mut tally);
    }
    tally.close()
}
