//! Loom's atomics with a meaning for `SeqCst`, which loom takes for acquire and release.
//!
//! Compilers give a sequentially consistent access a full fence, on some processors before it, on others after it (a load
//! then has none). A program may rely on what both have in common, so every model runs under both.

use loom::sync::atomic as imp;
pub(crate) use loom::sync::atomic::Ordering;
use std::cell::Cell;
use std::process::Command;

// Loom runs all threads of a model on the one that called it.
thread_local! {
    static FENCE_FIRST: Cell<bool> = const { Cell::new(false) };
    static MUTATION: Cell<Mutation> = const { Cell::new(Mutation::None) };
}

/// What is taken away from a program to see whether its model notices.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    None,
    /// No fences, and so no sequential consistency.
    NoFences,
    /// No fences, and every access is relaxed.
    Relaxed,
}

const PREEMPTIONS: &str = "BACKRUN_MODEL_PREEMPTIONS";

/// Runs a model: all executions, under both conventions. `preemptions` bounds how often a thread is interrupted where it could
/// go on, for models that have too many executions without.
pub(crate) fn model(preemptions: Option<usize>, body: impl Fn() + Sync + Send + 'static) {
    let body = std::sync::Arc::new(body);
    for first in [false, true] {
        FENCE_FIRST.set(first);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = preemptions.map(|preemptions| preemptions + more_preemptions());
        builder.max_branches = 10_000;
        if preemptions.is_none() {
            builder.max_duration = None;
        }
        let body = body.clone();
        builder.check(move || body());
    }
}

/// How many more interruptions a bounded model is to have than it asks for. LOOM_MAX_DURATION then limits its time.
fn more_preemptions() -> usize {
    std::env::var(PREEMPTIONS).map_or(0, |number| number.parse().expect(PREEMPTIONS))
}

/// Runs a mutated model, which must fail, saying one of `words`. In a process of its own, since a deadlock that loom has
/// found may abort it. `test` is the name of the test that calls this, which that process runs again.
pub(crate) fn must_fail(module: &str, test: &str, words: &[&str], mutation: Mutation, mutated: impl FnOnce()) {
    const VARIABLE: &str = "BACKRUN_MUTATED_MODEL";
    let (_, module) = module.split_once("::").expect("a path inside the crate");
    let name = format!("{module}::{test}");
    if std::env::var(VARIABLE).is_ok_and(|running| running == name) {
        MUTATION.set(mutation);
        return mutated();
    }
    let output = Command::new(std::env::current_exe().expect("the test program"))
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, &name)
        // It fails as it is.
        .env_remove(PREEMPTIONS)
        .env_remove("LOOM_MAX_DURATION")
        .output()
        .expect("the test program runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success(), "the model does not notice the mutation:\n{said}");
    assert!(words.iter().any(|word| said.contains(word)), "the mutated model failed for another reason:\n{said}");
}

pub(crate) fn fence(order: Ordering) {
    if MUTATION.get() == Mutation::None {
        loom::sync::atomic::fence(order);
    }
}

fn weakened(order: Ordering) -> Ordering {
    match MUTATION.get() {
        Mutation::Relaxed => Ordering::Relaxed,
        _ => order,
    }
}

fn before(order: Ordering) {
    if order == Ordering::SeqCst && FENCE_FIRST.get() {
        fence(Ordering::SeqCst);
    }
}

fn after(order: Ordering) {
    if order == Ordering::SeqCst && !FENCE_FIRST.get() {
        fence(Ordering::SeqCst);
    }
}

macro_rules! atomic {
    ($($name:ident($value:ty)),*) => {$(
        #[derive(Debug, Default)]
        pub(crate) struct $name(imp::$name);

        #[allow(dead_code, reason = "not every type needs every operation")]
        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self(imp::$name::new(value))
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                before(order);
                self.0.load(weakened(order))
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                before(order);
                self.0.store(value, weakened(order));
                after(order);
            }

            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                before(order);
                let old = self.0.swap(value, weakened(order));
                after(order);
                old
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                before(success);
                let old = self.0.compare_exchange(current, new, weakened(success), weakened(failure))?;
                after(success);
                Ok(old)
            }

            /// Never fails without cause: such a failure only sends its caller round once more.
            pub(crate) fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }
        }
    )*};
}

macro_rules! count {
    ($($name:ident($value:ty)),*) => {$(
        #[allow(dead_code, reason = "not every type needs every operation")]
        impl $name {
            pub(crate) fn fetch_add(&self, more: $value, order: Ordering) -> $value {
                before(order);
                let old = self.0.fetch_add(more, weakened(order));
                after(order);
                old
            }

            pub(crate) fn fetch_max(&self, other: $value, order: Ordering) -> $value {
                before(order);
                let old = self.0.fetch_max(other, weakened(order));
                after(order);
                old
            }

            pub(crate) fn fetch_sub(&self, less: $value, order: Ordering) -> $value {
                before(order);
                let old = self.0.fetch_sub(less, weakened(order));
                after(order);
                old
            }
        }
    )*};
}

atomic!(AtomicBool(bool), AtomicI64(i64), AtomicU32(u32), AtomicU64(u64), AtomicU8(u8), AtomicUsize(usize));
count!(AtomicI64(i64), AtomicU32(u32), AtomicU64(u64), AtomicU8(u8), AtomicUsize(usize));
