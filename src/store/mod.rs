//! Where accepted tasks live until they are done, and what is kept of them afterwards.
//!
//! In memory: `memory`, on the `table` of all tasks, which guards every move by the table of states (`task::MOVES`); `finished` says how
//! long it knows a finished one. Past the end of the process: [`durable`] is the contract in words and types, [`conformance`] a check for
//! each of its promises, [`sqlite`] one file.

pub mod conformance;
pub mod durable;
pub(crate) mod finished;
pub(crate) mod memory;
pub mod sqlite;
pub(crate) mod table;
