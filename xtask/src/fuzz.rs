//! `cargo xtask fuzz`: tests/fuzz with as many cases as are wanted, optimised but with debug assertions; with `--guided` the C ABI by
//! libFuzzer ([`guided`]).

mod guided;

use crate::arguments;
use crate::crates;
use crate::process::{run, Result};

/// Of each test, where nobody says how many.
const CASES: u64 = 2_000_000;

pub fn command(given: &[String]) -> Result<()> {
    if given.iter().any(|argument| argument == "--guided") {
        return guided::command(given);
    }
    let (mut cases, mut seed) = (CASES, arguments::new_seed()?);
    let tests = arguments::numbers(given, &mut [("--cases", &mut cases), ("--seed", &mut seed)])?;
    println!("cases of each test: {cases}, seed: {seed} (--seed {seed} begins with the same choices)");
    let mut cargo = crates::cargo()?;
    cargo.args(["test", "--release", "--config", "profile.release.debug-assertions=true", "--test", "fuzz", "--"]);
    cargo.arg("--nocapture").args(tests);
    run(cargo.env("BACKRUN_FUZZ_CASES", cases.to_string()).env("BACKRUN_FUZZ_SEED", seed.to_string()))
}
