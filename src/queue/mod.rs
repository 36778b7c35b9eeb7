//! What runs next: no clock, no thread, no I/O; `now` is an argument.
//!
//! [`lanes`] keeps ready tasks in order of priority with ageing.

pub(crate) mod lanes;
