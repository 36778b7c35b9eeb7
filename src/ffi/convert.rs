//! Numbers of the ABI to the engine's words. 0 is always the default.

use super::engine::{
    BACKRUN_DURABILITY_BUFFERED, BACKRUN_DURABILITY_COMMITTED, BACKRUN_SHUTDOWN_CANCEL, BACKRUN_SHUTDOWN_DRAIN,
    BACKRUN_STORE_MEMORY, BACKRUN_STORE_POSTGRES, BACKRUN_STORE_SQLITE,
};
use super::handler::{BACKRUN_RETRY_EXPONENTIAL, BACKRUN_RETRY_FIXED};
use super::lookup::{
    BACKRUN_STATE_CANCELLED, BACKRUN_STATE_DEAD, BACKRUN_STATE_DROPPED, BACKRUN_STATE_PENDING, BACKRUN_STATE_READY,
    BACKRUN_STATE_RUNNING, BACKRUN_STATE_SCHEDULED, BACKRUN_STATE_SUCCEEDED,
};
use super::observer::{BACKRUN_LOG_DEBUG, BACKRUN_LOG_ERROR, BACKRUN_LOG_INFO, BACKRUN_LOG_OFF, BACKRUN_LOG_WARNING};
use super::queue::{BACKRUN_WHEN_FULL_DROP_OLDEST, BACKRUN_WHEN_FULL_REFUSE, BACKRUN_WHEN_FULL_WAIT};
use super::submit::{BACKRUN_FORMAT_CONTRACTLESS, BACKRUN_FORMAT_STANDARD, BACKRUN_FORMAT_TYPELESS};
use crate::crypto::Encryption;
use crate::engine::ShutdownMode;
use crate::error::{Error, Result};
use crate::options::{
    Backoff, Durability, LogFilter, LogLevel, Retention, StoreKind, WhenFull, DEFAULT_FULL_WAIT, LATEST_RUN_AT_MS,
    MAX_TIME_LIMIT,
};
use crate::task::{PayloadFormat, State};
use std::path::PathBuf;
use std::time::Duration;

fn unknown(what: &str, value: impl std::fmt::Display, kin: &str) -> Error {
    Error::invalid(format_args!("{what} is {value}; pass one of {kin} and its kin, or 0 for the default"))
}

/// `owner_wait_ms`: 0: the default, -1: not at all. `keep_for_ms`: 0: for ever.
pub(super) fn store(
    kind: u32,
    address: Option<&str>,
    owner_wait_ms: i64,
    keep_for_ms: i64,
    encryption: Option<Encryption>,
) -> Result<StoreKind> {
    match (kind, address) {
        (0 | BACKRUN_STORE_MEMORY, None) if encryption.is_some() => Err(Error::not_supported(
            "backrun_engine_options.encryption_keys",
            "the memory store keeps nothing outside the memory of the process; pass no keys, or choose a durable store",
        )),
        (0 | BACKRUN_STORE_MEMORY, None) if owner_wait_ms != 0 => Err(Error::not_supported(
            "backrun_engine_options.owner_wait_ms",
            "the memory store has no other owner to wait for; leave it 0",
        )),
        (0 | BACKRUN_STORE_MEMORY, None) if keep_for_ms != 0 => Err(Error::not_supported(
            "backrun_engine_options.keep_for_ms",
            "the memory store keeps tasks that have ended by their number (keep_finished, keep_dead); leave it 0",
        )),
        (0 | BACKRUN_STORE_MEMORY, None) => Ok(StoreKind::Memory),
        (0 | BACKRUN_STORE_MEMORY, Some(_)) => Err(Error::InvalidArgument(
            "store_address is given and the store is the memory store, which has none; leave it empty or choose a durable store"
                .into(),
        )),
        (BACKRUN_STORE_SQLITE, None) => Err(Error::InvalidArgument(
            "store is BACKRUN_STORE_SQLITE and store_address is empty; pass the path of the file".into(),
        )),
        (BACKRUN_STORE_SQLITE, Some(path)) => {
            let owner_wait = match owner_wait_ms {
                -1 => Some(Duration::ZERO),
                given => millis(given, "backrun_engine_options.owner_wait_ms", MAX_TIME_LIMIT)?,
            };
            let keep_for = millis(keep_for_ms, "backrun_engine_options.keep_for_ms", MAX_TIME_LIMIT)?;
            Ok(StoreKind::Sqlite { path: PathBuf::from(path), owner_wait, keep_for, encryption })
        }
        (BACKRUN_STORE_POSTGRES, _) => {
            Err(Error::not_supported("store BACKRUN_STORE_POSTGRES", "this version has the memory store and BACKRUN_STORE_SQLITE"))
        }
        (other, _) => Err(unknown("store", other, "BACKRUN_STORE_MEMORY")),
    }
}

pub(super) fn durability(value: u32) -> Result<Option<Durability>> {
    match value {
        0 => Ok(None),
        BACKRUN_DURABILITY_COMMITTED => Ok(Some(Durability::Committed)),
        BACKRUN_DURABILITY_BUFFERED => Ok(Some(Durability::Buffered)),
        other => Err(unknown("durability", other, "BACKRUN_DURABILITY_COMMITTED")),
    }
}

/// A time in milliseconds, 1 and more; 0 is the default, and gives `None`.
pub(super) fn millis(value: i64, field: &str, most: Duration) -> Result<Option<Duration>> {
    match u64::try_from(value).map(Duration::from_millis) {
        Ok(Duration::ZERO) => Ok(None),
        Ok(time) if time <= most => Ok(Some(time)),
        _ => Err(Error::invalid(format_args!(
            "{field} is {value}; pass 1 to {} milliseconds, or 0 for the default",
            most.as_millis()
        ))),
    }
}

/// A time of day in milliseconds since 1970 UTC; 0 is none.
pub(super) fn time_of_day(value: i64, field: &str) -> Result<Option<i64>> {
    match value {
        0 => Ok(None),
        1..=LATEST_RUN_AT_MS => Ok(Some(value)),
        _ => Err(Error::invalid(format_args!(
            "{field} is {value}; pass milliseconds since 1970 UTC, from 1 to {LATEST_RUN_AT_MS} (the year 3000), or 0 for at once"
        ))),
    }
}

pub(super) fn backoff(value: u32) -> Result<Option<Backoff>> {
    match value {
        0 => Ok(None),
        BACKRUN_RETRY_FIXED => Ok(Some(Backoff::Fixed)),
        BACKRUN_RETRY_EXPONENTIAL => Ok(Some(Backoff::Exponential)),
        other => Err(unknown("backrun_retry_policy.kind", other, "BACKRUN_RETRY_FIXED")),
    }
}

pub(super) fn retention(value: i64, field: &str) -> Result<Retention> {
    match value {
        0 => Ok(Retention::default()),
        -1 => Ok(Retention::Newest(0)),
        count => usize::try_from(count).map(Retention::Newest).map_err(|_| {
            Error::invalid(format_args!("{field} is {count}; pass a count, 0 for the default or -1 for none"))
        }),
    }
}

pub(super) fn log_filter(value: u32) -> Result<LogFilter> {
    Ok(LogFilter::UpTo(match value {
        0 | BACKRUN_LOG_INFO => LogLevel::Info,
        BACKRUN_LOG_ERROR => LogLevel::Error,
        BACKRUN_LOG_WARNING => LogLevel::Warning,
        BACKRUN_LOG_DEBUG => LogLevel::Debug,
        BACKRUN_LOG_OFF => return Ok(LogFilter::Off),
        other => return Err(unknown("log_level", other, "BACKRUN_LOG_ERROR")),
    }))
}

pub(super) fn when_full(value: u32, timeout_ms: i64) -> Result<Option<WhenFull>> {
    if timeout_ms != 0 && value != BACKRUN_WHEN_FULL_WAIT {
        return Err(Error::invalid(format_args!(
            "when_full_timeout_ms is {timeout_ms} and when_full is not BACKRUN_WHEN_FULL_WAIT; leave it 0 or choose to wait"
        )));
    }
    match value {
        0 => Ok(None),
        BACKRUN_WHEN_FULL_REFUSE => Ok(Some(WhenFull::Refuse)),
        BACKRUN_WHEN_FULL_WAIT => Ok(Some(WhenFull::Wait(match timeout_ms {
            0 => Some(DEFAULT_FULL_WAIT),
            limit => u64::try_from(limit).ok().map(Duration::from_millis),
        }))),
        BACKRUN_WHEN_FULL_DROP_OLDEST => Ok(Some(WhenFull::DropOldest)),
        other => Err(unknown("when_full", other, "BACKRUN_WHEN_FULL_REFUSE")),
    }
}

pub(super) fn payload_format(value: u32) -> Result<PayloadFormat> {
    match value {
        0 | BACKRUN_FORMAT_CONTRACTLESS => Ok(PayloadFormat::Contractless),
        BACKRUN_FORMAT_STANDARD => Ok(PayloadFormat::Standard),
        BACKRUN_FORMAT_TYPELESS => Ok(PayloadFormat::Typeless),
        other => Err(unknown("payload_format", other, "BACKRUN_FORMAT_CONTRACTLESS")),
    }
}

pub(super) fn payload_format_number(format: PayloadFormat) -> u32 {
    match format {
        PayloadFormat::Contractless => BACKRUN_FORMAT_CONTRACTLESS,
        PayloadFormat::Standard => BACKRUN_FORMAT_STANDARD,
        PayloadFormat::Typeless => BACKRUN_FORMAT_TYPELESS,
    }
}

pub(super) fn shutdown_mode(value: u32) -> Result<ShutdownMode> {
    match value {
        BACKRUN_SHUTDOWN_DRAIN => Ok(ShutdownMode::Drain),
        BACKRUN_SHUTDOWN_CANCEL => Ok(ShutdownMode::Cancel),
        other => Err(Error::invalid(format_args!(
            "mode is {other}; pass BACKRUN_SHUTDOWN_DRAIN or BACKRUN_SHUTDOWN_CANCEL: a shutdown has no default"
        ))),
    }
}

pub(super) fn state_number(state: State) -> u32 {
    match state {
        State::Scheduled => BACKRUN_STATE_SCHEDULED,
        State::Ready => BACKRUN_STATE_READY,
        State::Running => BACKRUN_STATE_RUNNING,
        State::Pending => BACKRUN_STATE_PENDING,
        State::Succeeded => BACKRUN_STATE_SUCCEEDED,
        State::Dead => BACKRUN_STATE_DEAD,
        State::Cancelled => BACKRUN_STATE_CANCELLED,
        State::Dropped => BACKRUN_STATE_DROPPED,
    }
}
