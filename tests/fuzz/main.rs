//! The codec and bytes that nobody has looked at before: random ones, random MessagePack, MessagePack with something wrong in it, and what
//! was found so far (corpus/). Nothing may panic, need more memory than the input justifies, or take what it gives back wrong.
//!
//! A test tries a few thousand cases, the same each time; `cargo xtask fuzz` tries millions, by `BACKRUN_FUZZ_CASES`, from the choices
//! on that `BACKRUN_FUZZ_SEED` names. A case that fails is printed as the message that remains when it is made as small as can be; what
//! is mended goes into corpus/.

#![cfg(not(loom))]

mod choices;
mod memory;
mod messages;
mod reader;
mod serde;
mod shapes;
mod texts;
mod types;

use choices::Choices;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::path::Path;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// What is done with a message. It panics where a promise is not kept.
type Target = fn(&[u8]);

const TARGETS: &[(&str, Target)] = &[
    ("reader", reader::every_way_of_reading_agrees),
    ("scalars", types::scalars),
    ("times", types::times),
    ("containers", types::containers),
    ("serde", serde::every_shape),
    ("json", texts::json),
    ("lz4", texts::lz4),
    ("type names", texts::type_names),
];

/// As many cases of each as a test has time for.
const CASES: u32 = 4_000;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn try_many(name: &str, target: Target) {
    let cases = u32::try_from(number("BACKRUN_FUZZ_CASES", CASES.into())).unwrap();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("BACKRUN_FUZZ_SEED", 0).to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    // A failure is kept by a person, in corpus/.
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 100_000, ..Config::default() };
    let choices = prop::collection::vec(any::<u8>(), 0..200);
    let outcome = TestRunner::new_with_rng(config, random).run(&choices, |choices| {
        let message = messages::any(&mut Choices::of(&choices));
        let tried = std::panic::catch_unwind(|| memory::within_reason(&message, target));
        tried.map_err(|_| TestCaseError::fail(format!("{name} fails with the message {}", hex(&message))))
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    println!("{name}: {cases} cases");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_way_of_reading_agrees_on_any_bytes() {
    try_many("reader", reader::every_way_of_reading_agrees);
}

#[test]
fn any_bytes_become_a_scalar_that_writes_itself_again_or_an_error() {
    try_many("scalars", types::scalars);
    types::each_was_read_at_times();
}

#[test]
fn any_bytes_become_a_time_that_writes_itself_again_or_an_error() {
    try_many("times", types::times);
    types::each_was_read_at_times();
}

#[test]
fn any_bytes_become_a_container_that_writes_itself_again_or_an_error() {
    try_many("containers", types::containers);
    types::each_was_read_at_times();
}

#[test]
fn any_bytes_become_what_serde_asks_for_or_an_error() {
    try_many("serde", serde::every_shape);
    types::each_was_read_at_times();
}

#[test]
fn any_bytes_become_json_or_an_error_and_any_text_bytes_or_an_error() {
    try_many("json", texts::json);
}

#[test]
fn any_bytes_are_decompressed_within_the_limit_or_refused_and_what_was_compressed_comes_back() {
    try_many("lz4", texts::lz4);
}

#[test]
fn any_text_is_a_name_of_a_type_that_is_written_as_it_is_or_none() {
    try_many("type names", texts::type_names);
}

#[test]
fn what_once_went_wrong_goes_right() {
    // Some lie as deep as is allowed, for which unoptimised code needs more than the 2 MiB of a test's thread: 3, and optimised less
    // than a quarter of one.
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(try_the_corpus).unwrap();
    thread.join().unwrap();
}

fn try_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files: Vec<_> = std::fs::read_dir(&corpus).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", corpus.display());
    for file in files {
        let message = std::fs::read(&file).unwrap();
        for (name, target) in TARGETS {
            let tried = std::panic::catch_unwind(|| memory::within_reason(&message, *target));
            assert!(tried.is_ok(), "{name} fails with {}", file.display());
        }
    }
}
