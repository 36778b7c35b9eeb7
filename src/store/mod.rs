//! Where accepted tasks live until they are done, and what is kept of them afterwards.
//!
//! One store so far: [`memory`]. It guards every move of a task by the table of states (`task::MOVES`).

pub(crate) mod memory;
