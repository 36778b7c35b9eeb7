//! `cargo xtask fuzz`: tests/fuzz with as many cases as are wanted, optimised but with debug assertions.

use crate::crates;
use crate::process::{run, Result};
use std::time::{SystemTime, UNIX_EPOCH};

/// Of each test, where nobody says how many.
const CASES: u64 = 2_000_000;

pub fn command(arguments: &[String]) -> Result<()> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?;
    let (mut cases, mut seed) = (CASES, since_1970.as_secs());
    let mut tests = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || {
            let number = rest.next().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
            number.ok_or_else(|| format!("{argument} is followed by a whole number from 1 on"))
        };
        match argument.as_str() {
            "--cases" => cases = number()?,
            "--seed" => seed = number()?,
            _ => tests.push(argument),
        }
    }
    println!("cases of each test: {cases}, seed: {seed} (--seed {seed} begins with the same choices)");
    let mut cargo = crates::cargo()?;
    cargo.args(["test", "--release", "--config", "profile.release.debug-assertions=true", "--test", "fuzz", "--"]);
    cargo.arg("--nocapture").args(tests);
    run(cargo.env("BACKRUN_FUZZ_CASES", cases.to_string()).env("BACKRUN_FUZZ_SEED", seed.to_string()))
}
