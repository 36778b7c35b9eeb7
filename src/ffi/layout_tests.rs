//! The border's numbers: no padding, first sizes, and codes that are the errors' own.

use super::codec::backrun_codec_settings;
use super::engine::{backrun_encryption_key, backrun_engine_options};
use super::handler::{backrun_handler, backrun_retry_policy, backrun_task_options};
use super::lookup::backrun_filter;
use super::observer::{backrun_event, backrun_log_record};
use super::queue::backrun_queue_options;
use super::status::*;
use super::structs::Versioned;
use super::submit::{backrun_header, backrun_submission};
use super::task::{backrun_failure, backrun_outcome};
use crate::alloc::Text;
use crate::error::Error;

/// The fields of a `#[repr(C)]` struct as the source has them: name and size.
fn fields(source: &str, name: &str) -> Vec<(String, usize)> {
    let start = source.find(&format!("pub struct {name} {{")).unwrap_or_else(|| panic!("{name} is not where it was"));
    let body = &source[start..start + source[start..].find("\n}").unwrap()];
    body.lines()
        .filter_map(|line| line.trim().strip_prefix("pub ").filter(|field| field.contains(": ")))
        .map(|field| {
            let (name, kind) = field.trim_end_matches(',').split_once(": ").unwrap();
            let size = match kind {
                "u32" | "i32" => 4,
                "u64" | "i64" | "usize" => 8,
                "backrun_str" | "backrun_bytes" => 16,
                kind if kind.starts_with('*') || kind.ends_with("_fn") => 8,
                other => panic!("{name} has the type {other}, which must not cross"),
            };
            (name.to_owned(), size)
        })
        .collect()
}

macro_rules! structs {
    ($($name:ident in $file:literal),* $(,)?) => {
        [$((stringify!($name), size_of::<$name>(), include_str!($file))),*]
    };
}

#[test]
#[cfg(target_pointer_width = "64")]
fn no_struct_has_padding() {
    let all = structs![
        backrun_engine_options in "engine.rs",
        backrun_encryption_key in "engine.rs",
        backrun_queue_options in "queue.rs",
        backrun_handler in "handler.rs",
        backrun_retry_policy in "handler.rs",
        backrun_task_options in "handler.rs",
        backrun_failure in "task.rs",
        backrun_outcome in "task.rs",
        backrun_header in "submit.rs",
        backrun_submission in "submit.rs",
        backrun_filter in "lookup.rs",
        backrun_event in "observer.rs",
        backrun_log_record in "observer.rs",
        backrun_codec_settings in "codec.rs",
    ];
    for (name, size, source) in all {
        let fields = fields(source, name);
        assert_eq!(fields[0].0, "struct_size", "{name} starts with its size");
        let mut offset = 0;
        for (field, size) in &fields {
            assert_eq!(offset % size.min(&8), 0, "{name}.{field} would be padded");
            offset += size;
        }
        assert_eq!(offset, size, "{name} is as large as its fields");
    }
}

#[test]
fn the_first_version_of_each_struct_keeps_its_size() {
    fn first<T: Versioned>() -> (usize, usize) {
        (T::FIRST_SIZE, size_of::<T>())
    }
    let all = [
        (first::<backrun_engine_options>(), 128),
        (first::<backrun_encryption_key>(), 40),
        (first::<backrun_queue_options>(), 72),
        (first::<backrun_handler>(), 56),
        (first::<backrun_retry_policy>(), 32),
        (first::<backrun_task_options>(), 56),
        (first::<backrun_failure>(), 56),
        (first::<backrun_outcome>(), 40),
        (first::<backrun_header>(), 40),
        (first::<backrun_submission>(), 152),
        (first::<backrun_filter>(), 64),
        (first::<backrun_codec_settings>(), 32),
    ];
    for ((first, now), frozen) in all {
        assert_eq!(first, frozen, "the first size of a struct never changes");
        assert!(now >= first, "fields are only ever appended");
    }
}

#[test]
fn every_error_has_the_status_code_of_its_name() {
    let text = Text::default;
    let all = [
        (Error::InvalidArgument(text()), BACKRUN_INVALID_ARGUMENT),
        (Error::AbiMismatch { caller: 0, library: 0 }, BACKRUN_ABI_MISMATCH),
        (Error::UnsupportedField { structure: "", offset: 0 }, BACKRUN_UNSUPPORTED_FIELD),
        (Error::not_supported("", ""), BACKRUN_NOT_SUPPORTED),
        (Error::NotFound(text()), BACKRUN_NOT_FOUND),
        (Error::QueueFull { queue: text(), tasks: 0, capacity: 0, bytes: 0, capacity_bytes: 0 }, BACKRUN_QUEUE_FULL),
        (Error::ShuttingDown, BACKRUN_SHUTTING_DOWN),
        (Error::ShutdownIncomplete(text()), BACKRUN_SHUTDOWN_INCOMPLETE),
        (Error::WouldDeadlock { operation: "", instead: "" }, BACKRUN_WOULD_DEADLOCK),
        (Error::StaleLease { id: 0, lease: 0 }, BACKRUN_STALE_LEASE),
        (Error::OutOfMemory { bytes: 0 }, BACKRUN_OUT_OF_MEMORY),
        (Error::Forked, BACKRUN_FORKED),
        (Error::Panic(text()), BACKRUN_PANIC),
        (Error::TooLarge { what: "", actual: 0, limit: 0, instead: "" }, BACKRUN_TOO_LARGE),
        (Error::AlreadyRegistered(text()), BACKRUN_ALREADY_REGISTERED),
        (Error::NoHandler(text()), BACKRUN_NO_HANDLER),
        (Error::System { what: text(), cause: text() }, BACKRUN_SYSTEM),
        (Error::Store(text()), BACKRUN_STORE),
        (Error::InvalidPayload(text()), BACKRUN_INVALID_PAYLOAD),
    ];
    for (index, (error, code)) in all.iter().enumerate() {
        assert_eq!(error.code(), *code, "{error:?}");
        assert_eq!(*code, index as i32 + 1, "codes count up without a gap");
    }
}
