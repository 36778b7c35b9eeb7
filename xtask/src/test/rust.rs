//! The Rust tests: of the workspace, and of xtask itself.

use super::counts;
use super::tally::Tally;
use crate::crates;
use crate::process::{program, stdout, tee, within};
use crate::tools::{Verdict, OF_XTASK};
use crate::vectors;
use std::time::Duration;

pub fn run(tally: &mut Tally) {
    match crates::cargo() {
        Ok(mut cargo) => {
            // With the program `backrun`, which nobody else builds.
            cargo.args(["test", "--workspace", "--features", "backrun/cli", "--no-fail-fast"]);
            let (output, ended) = tee(&mut within(Duration::from_secs(3000), cargo));
            tally.add("cargo test --workspace", counts::of_cargo(&output), ended);
        }
        Err(what) => tally.fail("cargo test --workspace", &what),
    }
    tally.check("every vector of MessagePack-CSharp that applies passes", || {
        let printed = stdout(&mut within(Duration::from_secs(600), vectors::golden()?))?;
        // The table's last row is the sum.
        println!("{}", printed.lines().last().unwrap_or_default());
        Ok(Verdict::Fine)
    });
    let mut cargo = program("cargo");
    cargo.arg("test").args(OF_XTASK);
    let (output, ended) = tee(&mut cargo);
    tally.add("cargo test of xtask", counts::of_cargo(&output), ended);
}
