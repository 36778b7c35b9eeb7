//! What a task says of its own retries and time limit, as bytes: `[1 | attempts | backoff | delay ms | max delay ms | jitter | limit ms]`,
//! little-endian; nothing where it says nothing.

use crate::options::{Backoff, RetryPolicy};
use std::time::Duration;

const VERSION: u8 = 1;
/// No attempts: it says nothing of retries.
const LENGTH: usize = 1 + 4 + 1 + 8 + 8 + 1 + 8;

pub(super) fn encode(retry: Option<&RetryPolicy>, time_limit: Option<Duration>) -> Option<Vec<u8>> {
    if retry.is_none() && time_limit.is_none() {
        return None;
    }
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).to_le_bytes();
    let none = RetryPolicy { attempts: 0, ..RetryPolicy::default() };
    let retry = retry.unwrap_or(&none);
    let mut bytes = Vec::new();
    bytes.push(VERSION);
    bytes.extend_from_slice(&retry.attempts.to_le_bytes());
    bytes.push(match retry.backoff {
        Backoff::Fixed => 0,
        Backoff::Exponential => 1,
    });
    bytes.extend_from_slice(&ms(retry.delay));
    bytes.extend_from_slice(&ms(retry.max_delay));
    bytes.push(retry.jitter_percent);
    bytes.extend_from_slice(&ms(time_limit.unwrap_or_default()));
    Some(bytes)
}

/// What cannot be read says nothing: the task name's options hold then.
pub(super) fn decode(bytes: Option<&[u8]>) -> (Option<RetryPolicy>, Option<Duration>) {
    let Some(bytes) = bytes.filter(|bytes| bytes.len() >= LENGTH && bytes[0] == VERSION) else { return (None, None) };
    let attempts = u32::from_le_bytes(bytes[1..5].try_into().unwrap_or_default());
    let time = |at: usize| Duration::from_millis(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default()));
    let backoff = if bytes[5] == 0 { Backoff::Fixed } else { Backoff::Exponential };
    let retry = (attempts > 0).then(|| RetryPolicy {
        attempts,
        backoff,
        delay: time(6),
        max_delay: time(14),
        jitter_percent: bytes[22],
    });
    (retry, Some(time(23)).filter(|limit| !limit.is_zero()))
}
