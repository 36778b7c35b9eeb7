//! Random histories of an engine, held to a simple model of what is to be true of tasks (`world.rs`).
//!
//! Time is set by hand. Every run waits until the history lets it go, so after each step the history can wait until the engine
//! has done all that follows from it: then who runs, what the status of every task is and what the counters say must be what
//! the model says. The model leaves open which of several ready tasks begins first. Each history ends in a shutdown (`ending.rs`).
//!
//! `BACKRUN_MODEL_SEED` replays a history (each prints its seed), `BACKRUN_MODEL_STEPS` says how many steps all of them have
//! together; `BACKRUN_TORTURE` makes it a million.

#[path = "../common/mod.rs"]
mod common;
mod drivers;
mod ending;
mod history;
mod mutation;
mod world;

use history::{Api, History};
use mutation::Mutation;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{SystemTime, UNIX_EPOCH};

/// How many steps it had.
fn run(seed: u64, api: Api, mutation: Mutation) -> u64 {
    let mut history = History::new(seed, api, mutation);
    let steps = 20 + history.random.below(980);
    for step in 0..steps {
        history.step();
        if step % 7 == 0 {
            history.look();
        }
        if step % 50 == 0 {
            history.look_at_what_a_kill_leaves();
        }
        // Now and then one soon after the other, so that what runs has been there before.
        if matches!(api, Api::Durable) && history.random.one_in(if step % 200 < 30 { 8 } else { 60 }) {
            history.kill();
        }
        // So that looking at all of them stays quick.
        if history.world.tasks.len() > 200 {
            history.engine.purge(0, 0);
            while history.world.purge_one_after(0) {}
        }
    }
    history.look();
    if let Api::Durable = api {
        // Its shutdowns leave in the store what others lose (tests/durable.rs).
        history.look_at_what_a_kill_leaves();
        return steps;
    }
    steps + history.end()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

fn run_many(usual: u64, api: Api) {
    if let Some(seed) = number("BACKRUN_MODEL_SEED") {
        run(seed, api, Mutation::None);
        return;
    }
    let long = if std::env::var_os("BACKRUN_TORTURE").is_some() { 1_000_000 } else { usual };
    let total = number("BACKRUN_MODEL_STEPS").unwrap_or(long);
    let first = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (mut steps, mut histories) = (0, 0);
    while steps < total {
        let seed = first.wrapping_add(histories);
        println!("BACKRUN_MODEL_SEED={seed} {api:?}");
        steps += run(seed, api, Mutation::None);
        histories += 1;
    }
    println!("{histories} histories of {steps} steps in all");
}

#[test]
fn random_histories_come_out_as_the_model_says() {
    run_many(20_000, Api::Rust);
}

#[test]
fn random_histories_by_the_c_functions_come_out_as_the_model_says() {
    run_many(20_000, Api::C);
}

#[test]
fn random_histories_of_a_durable_engine_come_out_as_the_model_says_and_so_would_a_kill_at_any_time() {
    run_many(3_000, Api::Durable);
}

/// That the histories bite: with each of these mistakes in the model, one of them comes out otherwise.
#[test]
fn every_planted_mistake_is_found() {
    for mutation in Mutation::ALL {
        let api = if mutation.is_of_kills() { Api::Durable } else { Api::Rust };
        let found = (1..=200).find(|seed| catch_unwind(AssertUnwindSafe(|| run(*seed, api, *mutation))).is_err());
        println!("{mutation:?} is found by history {found:?}");
        assert!(found.is_some(), "{mutation:?} is not found");
    }
}
