//! Every test there is, counted together: `cargo xtask test`.

mod aot;
mod c;
mod checks;
mod counts;
mod dotnet;
mod effort;
mod instructions;
mod models;
mod packages;
mod rust;
mod sample;
mod sample_files;
mod sanitizers;
mod tally;
pub mod torture;

use crate::process::{exists, Result};
use crate::tools::Verdict;
use effort::Effort;
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
    Step {
        name: "asan-dotnet",
        heading: "C# under the address sanitizer",
        run: dotnet::run_under_the_address_sanitizer,
    },
    Step { name: "aot", heading: "NativeAOT", run: aot::run },
    Step { name: "packages", heading: "What users install", run: packages::run },
    Step { name: "site", heading: "The site", run: site },
    Step { name: "sample", heading: "The sample", run: sample::run },
];

fn site(tally: &mut Tally) {
    if !exists("dotnet") {
        return tally.missing("the site", "the .NET SDK is not installed");
    }
    tally.check("the site of the documentation is made, and each link on it leads somewhere", || {
        crate::site::make().map(|_| Verdict::Fine)
    });
}

pub fn command(arguments: &[String]) -> Result<()> {
    run_steps(STEPS, arguments, Effort::Usual)
}

/// Runs those of the steps that are named, or all.
fn run_steps(steps: &[Step], named: &[String], effort: Effort) -> Result<()> {
    let known = || steps.iter().map(|s| s.name).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = named.iter().find(|a| steps.iter().all(|s| s.name != **a)) {
        return Err(format!("there is no step {unknown}; the steps are {}", known()));
    }
    let mut tally = Tally::new(std::env::var_os("CI").is_some_and(|ci| ci == "true"), effort);
    let is_wanted = |step: &Step| named.is_empty() || named.iter().any(|name| name == step.name);
    for (number, step) in (0..).zip(steps).filter(|(_, step)| is_wanted(step)) {
        println!("\n=== {} ({})", step.heading, step.name);
        tally.effort = effort.with_another_seed(number);
        tally.start(step.name);
        (step.run)(&mut tally);
    }
    tally.close()
}
