//! The one error type. Every variant has one stable number, which is its C status code.
//!
//! An error is made and cloned without ending the process where memory is short: its texts are then missing, and its number
//! is what it was.

use crate::alloc::{NoMemory, Text};
use std::any::Any;
use std::fmt::Arguments;

/// The result of a fallible operation of Backrun.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something was not done. The messages are for people: they name the value, the limit and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument is out of its range, not UTF-8, or at odds with another one.
    #[error("{0}")]
    InvalidArgument(Text),
    /// The program was built against another ABI version.
    #[error("the program was built for version {caller} of the Backrun ABI and this library has version {library}; build it against this library's backrun.h")]
    AbiMismatch {
        /// What the program said.
        caller: u32,
        /// What this library is.
        library: u32,
    },
    /// A struct carries something in a part that this library does not know.
    #[error("{structure} has a value at byte {offset}, in a field that this library (version {version}) does not know; set it to zero or use a newer library", version = env!("CARGO_PKG_VERSION"))]
    UnsupportedField {
        /// The C name of the struct.
        structure: &'static str,
        /// Offset of the first byte that is not zero.
        offset: usize,
    },
    /// The engine or its store cannot do this (yet).
    #[error("{what} is not supported: {why}")]
    NotSupported {
        /// The option or function.
        what: Text,
        /// Why, and what to do.
        why: Text,
    },
    /// There is no such thing, or it is no longer kept.
    #[error("{0}")]
    NotFound(Text),
    /// The queue is full.
    #[error("queue '{queue}' is full: {tasks} of {capacity} tasks and {bytes} of {capacity_bytes} bytes are taken; submit later, wait for room, or raise its capacity")]
    QueueFull {
        /// The queue's name.
        queue: Text,
        /// Ready tasks in it.
        tasks: u64,
        /// How many it may hold.
        capacity: u64,
        /// Bytes in it.
        bytes: u64,
        /// How many it may hold.
        capacity_bytes: u64,
    },
    /// The engine takes no new work.
    #[error("the engine is shutting down or has been shut down: it takes no new work; start a new engine")]
    ShuttingDown,
    /// Tasks were still running when the time of a shutdown was up.
    #[error("{0}")]
    ShutdownIncomplete(Text),
    /// A thread of the engine would wait for itself.
    #[error("{operation} from a thread of this engine would wait for itself; {instead}")]
    WouldDeadlock {
        /// What was asked for.
        operation: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// The run's word no longer counts.
    #[error("lease {lease} of task {id} is no longer valid: the run was settled, claimed anew or abandoned; its outcome is not recorded")]
    StaleLease {
        /// The task.
        id: i64,
        /// The lease that was named.
        lease: i64,
    },
    /// Memory could not be had.
    #[error("{bytes} bytes of memory could not be had; nothing was accepted or changed")]
    OutOfMemory {
        /// How many were asked for.
        bytes: usize,
    },
    /// The process is a fork of the one that made the engine.
    #[error("this process is a fork of the one that made the engine, whose threads do not exist here; make an engine in this process")]
    Forked,
    /// A bug in Backrun.
    #[error("a bug in Backrun: {0}; the engine now answers only status, shutdown and free: please report it")]
    Panic(Text),
    /// A value is larger than its limit.
    #[error("{what} is {actual} bytes, the limit is {limit}; {instead}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        actual: usize,
        /// The limit in bytes.
        limit: usize,
        /// What to do.
        instead: &'static str,
    },
    /// A handler of this name is there already.
    #[error("a handler for task name '{0}' is registered already; register each name once")]
    AlreadyRegistered(Text),
    /// No handler of this name is there.
    #[error("no handler for task name '{0}' is registered; register it before the first submit")]
    NoHandler(Text),
    /// The operating system refused something.
    #[error("the system refused {what}: {cause}")]
    System {
        /// What was asked for.
        what: Text,
        /// What it said.
        cause: Text,
    },
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(Text),
    /// Bytes are not what they should be, or a value has no MessagePack form.
    #[error("{0}")]
    InvalidPayload(Text),
}

impl Error {
    /// The stable number: the C status code of the same name.
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Error::InvalidArgument(_) => 1,
            Error::AbiMismatch { .. } => 2,
            Error::UnsupportedField { .. } => 3,
            Error::NotSupported { .. } => 4,
            Error::NotFound(_) => 5,
            Error::QueueFull { .. } => 6,
            Error::ShuttingDown => 7,
            Error::ShutdownIncomplete(_) => 8,
            Error::WouldDeadlock { .. } => 9,
            Error::StaleLease { .. } => 10,
            Error::OutOfMemory { .. } => 11,
            Error::Forked => 12,
            Error::Panic(_) => 13,
            Error::TooLarge { .. } => 14,
            Error::AlreadyRegistered(_) => 15,
            Error::NoHandler(_) => 16,
            Error::System { .. } => 17,
            Error::Store(_) => 18,
            Error::InvalidPayload(_) => 19,
        }
    }

    pub(crate) fn invalid(text: Arguments<'_>) -> Self {
        Error::InvalidArgument(Text::say(text))
    }

    pub(crate) fn not_found(text: Arguments<'_>) -> Self {
        Error::NotFound(Text::say(text))
    }

    pub(crate) fn not_supported(what: &'static str, why: &'static str) -> Self {
        Error::NotSupported { what: what.into(), why: why.into() }
    }

    pub(crate) fn from_panic(payload: &(dyn Any + Send)) -> Self {
        Error::Panic(Text::say(format_args!("{}", panic_text(payload))))
    }
}

impl From<NoMemory> for Error {
    fn from(refused: NoMemory) -> Self {
        Error::OutOfMemory { bytes: refused.bytes }
    }
}

/// What a caught panic said.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
