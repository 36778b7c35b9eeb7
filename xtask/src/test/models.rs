//! The models: loom runs every execution of a few small programs of threads, made of the engine's own parts.

use super::counts;
use super::tally::Tally;
use crate::crates;
use crate::process::{tee, within};
use std::time::Duration;

pub fn run(tally: &mut Tally) {
    let name = "the models";
    match crates::cargo() {
        Ok(mut cargo) => {
            // Their names all hold "models"; the other tests of the library do not run under loom.
            cargo
                .args(["test", "--lib", "--target-dir", "target/loom", "models"])
                .env("RUSTFLAGS", "--cfg loom")
                // Not for itself, but they do what they do some hundred thousand times.
                .env("CARGO_PROFILE_TEST_OPT_LEVEL", "1")
                .envs(tally.effort.environment());
            let limit = tally.effort.limit(Duration::from_secs(900));
            let (output, ended) = tee(&mut within(limit, cargo));
            tally.add(name, counts::of_cargo(&output), ended);
        }
        Err(what) => tally.fail(name, &what),
    }
}
