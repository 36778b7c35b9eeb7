//! What runs next: no clock, no thread start, no I/O; `now` is an argument.
//!
//! [`log`] is the concurrent segmented log that ready tasks lie in, the one file here with atomics; [`lanes`] decides
//! between the five levels of a queue, each a log of its own.

pub(crate) mod lanes;
pub(crate) mod log;
