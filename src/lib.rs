//! Backrun: background tasks for .NET, C, C++ and Rust on one native engine.
//!
//! A program registers what runs tasks of a name, submits bytes under that name, and gets on with its work; the engine's
//! workers run them. From Rust:
//!
//! ```
//! use backrun::{Engine, EngineOptions, State, Submission, TaskContext};
//!
//! let engine = Engine::start(EngineOptions::default())?;
//! engine.register("greet", |task: &TaskContext<'_>| {
//!     println!("hello, {}", String::from_utf8_lossy(task.payload()));
//! })?;
//! let id = engine.submit(&Submission::new("greet", b"world"))?;
//! assert_eq!(engine.wait(id, None)?.state, State::Succeeded);
//! # Ok::<(), backrun::Error>(())
//! ```
//!
//! Reading order: [`task`] (the words and the table of states), [`options`], [`error`]; then `queue` (what runs next),
//! `store` (where tasks live), [`engine`] (threads and time around them); [`codec`] (what payloads are made of) and [`typed`], which puts
//! the two together; last [`ffi`], the C ABI, which is translation and nothing else. `alloc` is beneath them all: whatever is allocated, and what if it cannot be.

// What ends the process where memory is short (clippy.toml). Tests may.
#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_macros))]

mod alloc;
pub mod codec;
pub mod crypto;
pub mod engine;
pub mod error;
pub mod ffi;
pub mod options;
mod queue;
mod retry;
pub mod store;
mod sync;
mod sys;
pub mod task;
pub mod typed;

pub use alloc::Text;
pub use crypto::{Encryption, EncryptionKey};
pub use engine::{
    CancelResult, Counters, Durations, Engine, Event, EventKind, Handler, IntoOutcome, LeftRunning, LogRecord,
    NameStatistics, Observer, ShutdownMode, ShutdownReport, StalledRun, Statistics, StoreStatistics, TaskContext,
    TaskFilter,
};
pub use error::{Error, Result};
pub use options::{
    Backoff, Durability, EngineOptions, LogFilter, LogLevel, QueueName, QueueOptions, Retention, RetryPolicy,
    StoreKind, TaskOptions, WhenFull,
};
pub use task::{
    Failure, Lease, Outcome, PayloadFormat, Priority, ResultBytes, State, Submission, TaskId, TaskName, TaskNumber,
    TaskStatus,
};
