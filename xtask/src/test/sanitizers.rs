//! The Rust tests under the thread sanitizer and under the address sanitizer, which only a nightly compiler offers.

use super::counts;
use super::tally::Tally;
use crate::crates;
use crate::process::{capture, program, root, run, tee, within, Result};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const TARGET: &str = "x86_64-unknown-linux-gnu";
const ADDRESSES: &str = "-Zsanitizer=address";
const ADDRESSES_FOLDER: &str = "target/asan";
/// Two more builds of everything: lines are all that a sanitizer's report needs of debug information, which is most of a build's size.
const SMALL: [(&str, &str); 2] = [("CARGO_PROFILE_DEV_DEBUG", "line-tables-only"), ("CARGO_INCREMENTAL", "0")];

/// The tests in which threads meet, with a durable store too.
const RACED: [&str; 13] = [
    "engine",
    "ends",
    "shutdown",
    "schedule",
    "retries",
    "limits",
    "operating",
    "watchdog",
    "durable",
    "suspects",
    "stop_requests",
    "model",
    "stress",
];

/// Races: what the engine promises, shutdowns, and everything at once.
pub fn threads(tally: &mut Tally) {
    let name = "the thread sanitizer";
    // `unsafe-allow-abi-mismatch`: std is not instrumented, and need not be once `cfg(tsan)` takes other locks than std's
    // (src/sync/sanitized.rs).
    let flags = "--cfg tsan -Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";
    let options = format!("suppressions={}", root().join("xtask/tsan-suppressions.txt").display());
    under(tally, name, flags, "target/tsan", |cargo| {
        cargo
            .args(RACED.iter().flat_map(|test| ["--test", test]))
            // Libtest's capture of what tests print is one more thing of std's that looks like a race.
            .args(["--", "--test-threads=1", "--nocapture"])
            .env("TSAN_OPTIONS", options)
            .env("BACKRUN_STRESS_SECONDS", "10");
    });
}

/// Memory that is used wrongly or not given back.
pub fn addresses(tally: &mut Tally) {
    let name = "the address sanitizer";
    under(tally, name, ADDRESSES, ADDRESSES_FOLDER, |cargo| {
        // Memory that is not to be had is an answer, which tests ask for.
        let options = "detect_leaks=1:allocator_may_return_null=1";
        cargo.args(["--lib", "--tests"]).env("ASAN_OPTIONS", options).env("BACKRUN_STRESS_SECONDS", "5");
    });
}

fn under(tally: &mut Tally, name: &str, flags: &str, target_folder: &str, more: impl FnOnce(&mut Command)) {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return tally.skip(name, &format!("it is set up for {TARGET} only"));
    }
    if !has_nightly() {
        return tally
            .missing(name, "there is no nightly toolchain: rustup toolchain install nightly --profile minimal");
    }
    match nightly_test(flags, target_folder) {
        Ok(mut cargo) => {
            more(&mut cargo);
            // Frames of a debug build that is watched are several times as large, and tests read values 500 deep.
            cargo.env("RUST_MIN_STACK", "33554432");
            cargo.envs(tally.effort.environment());
            let limit = tally.effort.limit(Duration::from_secs(900));
            let (output, ended) = tee(&mut within(limit, cargo));
            tally.add(name, counts::of_cargo(&output), ended);
        }
        Err(what) => tally.fail(name, &what),
    }
}

pub(super) fn has_nightly() -> bool {
    // A cargo that is not rustup's takes "+nightly" for a command that it does not know.
    capture(program("cargo").args(["+nightly", "--version"])).is_ok_and(|output| output.success)
}

/// Builds the library for other languages' tests, with debug assertions and the address sanitizer.
pub(super) fn build_sanitized_library() -> Result<PathBuf> {
    let mut cargo = crates::cargo()?;
    cargo
        .args(["+nightly", "build", "--package", "backrun", "--lib"])
        .args(["--target", TARGET, "--target-dir", ADDRESSES_FOLDER])
        .envs(SMALL)
        .env("RUSTFLAGS", ADDRESSES);
    run(&mut cargo)?;
    Ok(root().join(ADDRESSES_FOLDER).join(TARGET).join("debug/libbackrun.so"))
}

fn nightly_test(flags: &str, target_folder: &str) -> Result<Command> {
    let mut cargo = crates::cargo()?;
    cargo
        .args(["+nightly", "test", "--no-fail-fast"])
        // With a target, build scripts and macros are built without the sanitizer.
        .args(["--target", TARGET, "--target-dir", target_folder])
        .envs(SMALL)
        .env("RUSTFLAGS", flags);
    Ok(cargo)
}
