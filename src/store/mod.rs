//! Where accepted tasks live until they are done, and what is kept of them afterwards.
//!
//! One store so far: [`memory`], on the [`table`] of all tasks, which guards every move by the table of states
//! (`task::MOVES`); [`finished`] says how long it knows a finished one.

pub(crate) mod finished;
pub(crate) mod memory;
pub(crate) mod table;
