//! The C ABI: translation and nothing else.
//!
//! `include/backrun.h` is generated from the files of this folder, so the names here are the C names and the comments
//! here are the header's comments. The contract they keep is docs/c-abi.md. One file a C type family:
//!
//! * [`bytes`]: borrowed views in, owned buffers out;  [`status`]: status codes and error objects
//! * [`structs`]: how a versioned struct is read and written;  [`mod@panic`]: what surrounds every export
//! * [`engine`]: an engine's life;  [`queue`]: its queues;  [`handler`]: what runs tasks
//! * [`codec`]: how MessagePack is written and read;  [`codec_writer`], [`codec_reader`]: value by value;  [`codec_dotnet`]: .NET's types;  [`payload`]: as a whole
//! * [`submit`]: handing work over;  [`task`]: what a callback may ask and say of its task
//! * [`lookup`]: status, wait, cancel, lists;  [`stats`]: counters;  [`observer`]: events, logs, watching one task
#![allow(non_camel_case_types, reason = "C's own spelling of types")]
#![allow(clippy::missing_safety_doc, reason = "the contract of every export is that of the C ABI, docs/c-abi.md")]

pub mod bytes;
pub mod codec;
pub mod codec_dotnet;
pub mod codec_reader;
pub mod codec_writer;
mod convert;
pub mod engine;
pub mod handler;
#[cfg(test)]
mod layout_tests;
pub mod lookup;
pub mod observer;
pub mod panic;
pub mod payload;
#[cfg(all(test, not(loom)))]
mod poison_tests;
pub mod queue;
pub mod stats;
pub mod status;
pub mod structs;
pub mod submit;
pub mod task;
