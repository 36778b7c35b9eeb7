//! The Rust tests: of the workspace, and of xtask itself.

use super::counts;
use super::tally::Tally;
use crate::crates;
use crate::process::{program, tee, within};
use crate::tools::OF_XTASK;
use std::time::Duration;

pub fn run(tally: &mut Tally) {
    match crates::cargo() {
        Ok(mut cargo) => {
            cargo.args(["test", "--workspace", "--no-fail-fast"]);
            let (output, ended) = tee(&mut within(Duration::from_secs(3000), cargo));
            tally.add("cargo test --workspace", counts::of_cargo(&output), ended);
        }
        Err(what) => tally.fail("cargo test --workspace", &what),
    }
    let mut cargo = program("cargo");
    cargo.arg("test").args(OF_XTASK);
    let (output, ended) = tee(&mut cargo);
    tally.add("cargo test of xtask", counts::of_cargo(&output), ended);
}
