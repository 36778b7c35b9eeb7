//! Options of engines, queues and task names: defaults, limits, validation.

use crate::alloc::Text;
use crate::crypto::Encryption;
use crate::error::{Error, Result};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::retry::{
    Backoff, RetryPolicy, DEFAULT_JITTER_PERCENT, DEFAULT_MAX_RETRY_DELAY, DEFAULT_RETRY_DELAY, MAX_ATTEMPTS,
    MAX_RETRY_DELAY,
};

/// Bytes of a payload.
pub const MAX_PAYLOAD_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a task name.
pub const MAX_TASK_NAME_BYTES: usize = 200;
/// Bytes of a user context.
pub const MAX_USER_CONTEXT_BYTES: usize = 64 * 1024;
/// Bytes of all names and values of a task's headers together.
pub const MAX_HEADER_BYTES: usize = 4 * 1024;
/// Bytes of a queue name.
pub const MAX_QUEUE_NAME_BYTES: usize = 64;
/// Bytes that are kept of the reason of a cancel.
pub const MAX_REASON_BYTES: usize = 512;
/// Bytes that are kept of what a run says of its progress.
pub const MAX_PROGRESS_TEXT_BYTES: usize = 512;
/// Bytes of a result.
pub const MAX_RESULT_BYTES: usize = 4 * 1024 * 1024;
/// The longest that a delay may be: a hundred years.
pub const MAX_DELAY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
/// The latest time of day that a task may be scheduled for, in milliseconds since 1970 UTC: the beginning of the year 3000.
pub const LATEST_RUN_AT_MS: i64 = 32_503_680_000_000;
/// The longest that a time limit, a time of grace or a retention may be: a hundred years.
pub const MAX_TIME_LIMIT: Duration = MAX_DELAY;
/// From the time limit of a run to where it is given up, where the options do not say.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);
/// How long a result is kept, where the options do not say.
pub const DEFAULT_RESULT_RETENTION: Duration = Duration::from_secs(3600);
/// When a run that holds others up gets its worker a replacement, where the options do not say.
pub const DEFAULT_STALL_THRESHOLD: Duration = Duration::from_millis(100);
/// The least that a stall threshold may be.
pub const MIN_STALL_THRESHOLD: Duration = Duration::from_millis(1);
/// Worker threads of an engine, where its options do not say.
pub const DEFAULT_MAX_WORKERS: u32 = 64;
/// The most that `max_workers` may be.
pub const MAX_WORKERS_LIMIT: u32 = 4096;
/// Stack of a worker in bytes, where the options do not say.
pub const DEFAULT_WORKER_STACK_BYTES: u64 = 8 * 1024 * 1024;
/// The least that `worker_stack_bytes` may be: a .NET thread's own default.
pub const MIN_WORKER_STACK_BYTES: u64 = 1536 * 1024;
/// The most that `worker_stack_bytes` may be.
pub const MAX_WORKER_STACK_BYTES: u64 = 1024 * 1024 * 1024;
/// Finished tasks whose status is kept, and dead ones, where the options do not say.
pub const DEFAULT_KEEP: usize = 10_000;
/// How long the state of a finished task is kept at least, however many end after it, up to [`MOST_FINISHED_KEPT_LONGER`] more
/// than the options say; unless these say fewer than [`DEFAULT_KEEP`], which is then exact.
pub const KEEP_FINISHED_FOR: Duration = Duration::from_secs(1);
/// How many finished tasks are kept for [`KEEP_FINISHED_FOR`] that are too many otherwise.
pub const MOST_FINISHED_KEPT_LONGER: usize = 1_000_000;
/// Events and log records together that may wait for the observer, where the options do not say.
pub const DEFAULT_OBSERVER_CAPACITY: u32 = 8192;
/// How long a submit waits for room, where it is to wait and no limit is given.
pub const DEFAULT_FULL_WAIT: Duration = Duration::from_secs(30);

/// Ready tasks of a queue that an engine with a durable store holds in memory, where its options do not say.
pub const DEFAULT_MEMORY_TASKS: u64 = 100_000;
/// Bytes of those, likewise.
pub const DEFAULT_MEMORY_BYTES: u64 = 64 * 1024 * 1024;

/// Unclean ends of a process at which a task ran, from which on it is not run again, where the options do not say.
pub const DEFAULT_MAX_CRASHES: u32 = 3;

/// How an engine is made.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Workers of a queue that does not say how many. `None`: one a core, at least 2.
    pub workers: Option<u32>,
    /// Worker threads of the whole engine at one time. `None`: [`DEFAULT_MAX_WORKERS`].
    pub max_workers: Option<u32>,
    /// Where accepted tasks live.
    pub store: StoreKind,
    /// How safe a submit is when it returns. `None`: the store's default.
    pub durability: Option<Durability>,
    /// Stack of each worker. `None`: [`DEFAULT_WORKER_STACK_BYTES`].
    pub worker_stack_bytes: Option<u64>,
    /// Finished tasks (succeeded, cancelled, dropped) whose status is kept. Where that is [`DEFAULT_KEEP`] or more, older ones
    /// are kept too for [`KEEP_FINISHED_FOR`] from their end on, without the reason of a cancel, up to
    /// [`MOST_FINISHED_KEPT_LONGER`] of them; a smaller number is exact.
    pub keep_finished: Retention,
    /// Dead tasks whose status is kept.
    pub keep_dead: Retention,
    /// Ready tasks of a queue that memory holds, where the store has them too; the rest is read when there is room. `None`:
    /// [`DEFAULT_MEMORY_TASKS`]. Of a memory store, the queue's capacity alone decides.
    pub memory_tasks: Option<u64>,
    /// Bytes of payload, user context and headers of those, likewise. `None`: [`DEFAULT_MEMORY_BYTES`].
    pub memory_bytes: Option<u64>,
    /// A task of a durable store that ran at so many unclean ends of a process is dead and not run again, unless it is replayed. 1: nothing
    /// that ran at one is. `None`: [`DEFAULT_MAX_CRASHES`]. A memory store keeps no task that long, and refuses any other value.
    pub max_crashes: Option<u32>,
    /// Options of the queue `default`.
    pub default_queue: QueueOptions,
    /// Events wanted, the sum of `1 << kind`. 0: all.
    pub event_kinds: u64,
    /// The least severe log records wanted.
    pub log_level: LogFilter,
    /// Events and log records together that may wait for the observer. `None`: [`DEFAULT_OBSERVER_CAPACITY`].
    pub observer_capacity: Option<u32>,
    /// Time passes only by [`Engine::advance_time`](crate::Engine::advance_time): for tests of what delays, retries and time
    /// limits do. What a task's status says of times is not touched by it.
    pub manual_time: bool,
}

impl EngineOptions {
    /// Checks what no type checks, and fills in the numbers.
    pub(crate) fn resolve(&self) -> Result<Resolved> {
        let max_workers = self.max_workers.unwrap_or(DEFAULT_MAX_WORKERS);
        in_range("max_workers", u64::from(max_workers), 1, u64::from(MAX_WORKERS_LIMIT))?;
        let workers = self.workers.unwrap_or_else(|| crate::sys::cores().max(2).min(max_workers));
        in_range("workers", u64::from(workers), 1, u64::from(max_workers))?;
        let stack = self.worker_stack_bytes.unwrap_or(DEFAULT_WORKER_STACK_BYTES);
        in_range("worker_stack_bytes", stack, MIN_WORKER_STACK_BYTES, MAX_WORKER_STACK_BYTES)?;
        let capacity = self.observer_capacity.unwrap_or(DEFAULT_OBSERVER_CAPACITY);
        in_range("observer_capacity", u64::from(capacity), 1, u64::from(u32::MAX))?;
        in_range("memory_tasks", self.memory_tasks.unwrap_or(1), 1, u64::from(u32::MAX))?;
        in_range("memory_bytes", self.memory_bytes.unwrap_or(1), 1, u64::MAX / 2)?;
        in_range("max_crashes", u64::from(self.max_crashes.unwrap_or(1)), 1, u64::from(u32::MAX))?;
        if self.store == StoreKind::Memory && self.max_crashes.is_some() {
            return Err(Error::not_supported(
                "max_crashes",
                "the memory store keeps no task past the end of the process; leave it out, or choose a durable store",
            ));
        }
        self.store.check_durability(self.durability)?;
        self.store.check_keep_for()?;
        if let StoreKind::Sqlite { encryption: Some(encryption), .. } = &self.store {
            encryption.check()?;
        }
        Ok(Resolved { workers, max_workers, stack_bytes: stack as usize, observer_capacity: capacity as usize })
    }
}

/// The numbers of [`EngineOptions`], checked and with defaults filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolved {
    pub(crate) workers: u32,
    pub(crate) max_workers: u32,
    pub(crate) stack_bytes: usize,
    pub(crate) observer_capacity: usize,
}

pub(crate) fn in_range(name: &str, value: u64, least: u64, most: u64) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name} is {value}; pass a number from {least} to {most}")))
}

/// Where accepted tasks live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StoreKind {
    /// In memory: they end with the process.
    #[default]
    Memory,
    /// In one SQLite file, which they outlive the process in.
    Sqlite {
        /// The file; its folder must be there. Beside it lie `-wal` and `-shm` (SQLite's), `-owner` and `-running`.
        path: PathBuf,
        /// How long another process that has it is waited for. `None`: 30 s, as long as an application that is replaced by its next
        /// version may take to end.
        owner_wait: Option<Duration>,
        /// How long tasks that have ended are kept, finished and dead ones, where [`EngineOptions::keep_finished`] and
        /// [`EngineOptions::keep_dead`] leave them, from a millisecond up to [`MAX_TIME_LIMIT`]. What is older is forgotten with one of the next
        /// commits; an engine that has nothing to do forgets nothing. `None`: however long ago they have ended.
        keep_for: Option<Duration>,
        /// How payloads, user contexts and results are encrypted in the file. `None`: they are not.
        encryption: Option<Encryption>,
    },
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreKind::Memory => f.write_str("memory store"),
            StoreKind::Sqlite { path, .. } => write!(f, "store '{}'", path.display()),
        }
    }
}

impl StoreKind {
    /// One SQLite file, with every default.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        StoreKind::Sqlite { path: path.into(), owner_wait: None, keep_for: None, encryption: None }
    }

    /// Refuses a durability that the store cannot keep.
    pub(crate) fn check_durability(&self, wanted: Option<Durability>) -> Result<()> {
        match (self, wanted) {
            (StoreKind::Memory, Some(Durability::Committed)) => Err(Error::not_supported(
                "durability 'committed'",
                "the memory store keeps nothing past the process; use 'buffered' or a durable store",
            )),
            _ => Ok(()),
        }
    }

    fn check_keep_for(&self) -> Result<()> {
        let StoreKind::Sqlite { keep_for: Some(time), .. } = self else { return Ok(()) };
        if *time < Duration::from_millis(1) {
            return Err(Error::invalid(format_args!(
                "keep_for is {time:?}; pass a millisecond or more, or none to keep tasks however long ago they have ended"
            )));
        }
        check_at_most("keep_for", *time, MAX_TIME_LIMIT)
    }

    /// Refuses an answer to a full queue that the store cannot give.
    pub(crate) fn check_when_full(&self, wanted: WhenFull) -> Result<()> {
        match (self, wanted) {
            (StoreKind::Sqlite { .. }, WhenFull::DropOldest) => Err(Error::not_supported(
                "'drop oldest'",
                "a durable store drops nothing that it has accepted; use 'refuse' or 'wait', or the memory store",
            )),
            _ => Ok(()),
        }
    }
}

/// How safe a task is when its submit returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It is on disk. The memory store refuses it.
    Committed,
    /// It may be lost in a power cut, in a durable store never in a process crash.
    Buffered,
}

/// How many tasks of a kind are kept for those who ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// This many, the newest.
    Newest(usize),
}

impl Retention {
    pub(crate) fn count(self) -> usize {
        let Retention::Newest(count) = self;
        count
    }
}

impl Default for Retention {
    fn default() -> Self {
        Retention::Newest(DEFAULT_KEEP)
    }
}

/// How severe a log record is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something needs a person.
    Error = 1,
    /// Something is not as it should be.
    Warning = 2,
    /// The engine's life.
    Info = 3,
    /// Each task's life.
    Debug = 4,
}

/// Which log records are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFilter {
    /// None.
    Off,
    /// Those of this level and worse.
    UpTo(LogLevel),
}

impl LogFilter {
    pub(crate) fn wants(self, level: LogLevel) -> bool {
        matches!(self, LogFilter::UpTo(least) if level <= least)
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        LogFilter::UpTo(LogLevel::Info)
    }
}

/// How a queue is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueOptions {
    /// Workers that normally run for it. `None`: the engine's `workers`.
    pub workers: Option<u32>,
    /// Runs at one time, pending ones included. `None`: no limit.
    pub concurrency_limit: Option<u32>,
    /// Ready tasks it may hold.
    pub capacity: u64,
    /// Bytes of payload, user context and headers its ready tasks may hold together.
    pub capacity_bytes: u64,
    /// What a submit to the full queue does.
    pub when_full: WhenFull,
    /// A run that lasts so long while tasks of the queue wait gets its worker a replacement, up to the engine's `max_workers`.
    pub stall_threshold: Duration,
    /// Ageing: a task waits at most this much longer for each level of priority above its own.
    pub ageing_step: Duration,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            workers: None,
            concurrency_limit: None,
            capacity: 1_000_000,
            capacity_bytes: 512 * 1024 * 1024,
            when_full: WhenFull::Refuse,
            stall_threshold: DEFAULT_STALL_THRESHOLD,
            ageing_step: Duration::from_secs(1),
        }
    }
}

impl QueueOptions {
    pub(crate) fn check(&self) -> Result<()> {
        if self.workers == Some(0)
            || self.concurrency_limit == Some(0)
            || self.capacity == 0
            || self.capacity_bytes == 0
        {
            return Err(Error::InvalidArgument(
                "workers, concurrency_limit, capacity and capacity_bytes of a queue are at least 1 where given".into(),
            ));
        }
        if !(MIN_STALL_THRESHOLD..=MAX_TIME_LIMIT).contains(&self.stall_threshold) {
            return Err(Error::invalid(format_args!(
                "stall_threshold of a queue is {:?}; pass {MIN_STALL_THRESHOLD:?} to {MAX_TIME_LIMIT:?}",
                self.stall_threshold
            )));
        }
        Ok(())
    }
}

/// What a submit to a full queue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused: the caller is never held up.
    Refuse,
    /// It waits for room up to the limit (`None`: for ever), then it is refused.
    Wait(Option<Duration>),
    /// The oldest queued task of the lowest level in use is dropped. Memory store only.
    DropOldest,
}

/// Options of all tasks of one name.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TaskOptions {
    /// The queue of tasks whose submission names none. `None`: `default`.
    pub queue: Option<QueueName>,
    /// What follows a failed run. `None`: the default.
    pub retry: Option<RetryPolicy>,
    /// How long each run may take; then it is asked to stop. `None`: as long as it likes.
    pub time_limit: Option<Duration>,
    /// How long a run may take to stop from its time limit on; then it is given up. `None`: [`DEFAULT_GRACE`].
    pub grace: Option<Duration>,
    /// How long results are kept, at most as long as the task is. `None`: [`DEFAULT_RESULT_RETENTION`].
    pub result_retention: Option<Duration>,
}

impl TaskOptions {
    pub(crate) fn check(&self) -> Result<()> {
        self.retry.map_or(Ok(()), |retry| retry.check())?;
        self.time_limit.map_or(Ok(()), check_time_limit)?;
        self.grace.map_or(Ok(()), |grace| check_at_most("the grace after a time limit", grace, MAX_TIME_LIMIT))?;
        self.result_retention.map_or(Ok(()), |time| check_at_most("the retention of results", time, MAX_TIME_LIMIT))
    }
}

/// A delay that is within its limit.
pub(crate) fn check_delay(what: &str, delay: Duration) -> Result<()> {
    check_at_most(what, delay, MAX_DELAY)
}

pub(crate) fn check_time_limit(limit: Duration) -> Result<()> {
    if limit.is_zero() {
        return Err(Error::InvalidArgument("the time limit is 0; pass how long a run may take, or no limit".into()));
    }
    check_at_most("the time limit", limit, MAX_TIME_LIMIT)
}

fn check_at_most(what: &str, value: Duration, most: Duration) -> Result<()> {
    if value <= most {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{what} is {} ms; pass at most {} ms", value.as_millis(), most.as_millis())))
}

/// The name of a queue: 1 to 64 bytes of printable UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueName(Text);

impl QueueName {
    /// The queue that takes what names no other.
    pub const DEFAULT: &'static str = "default";

    /// Checks a name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is empty or not printable, [`Error::TooLarge`] if it is too long,
    /// [`Error::OutOfMemory`].
    pub fn new(name: &str) -> Result<Self> {
        check_name("the queue name", name, MAX_QUEUE_NAME_BYTES)?;
        Ok(Self(Text::copy(name)?))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_default(&self) -> bool {
        self.as_str() == Self::DEFAULT
    }

    pub(crate) fn text(&self) -> Text {
        self.0.clone()
    }
}

impl Default for QueueName {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

impl fmt::Debug for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name: not empty, not too long, printable.
pub(crate) fn check_name(what: &'static str, name: &str, limit: usize) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid(format_args!("{what} is empty; pass 1 to {limit} bytes of printable text")));
    }
    if name.len() > limit {
        return Err(Error::TooLarge { what, actual: name.len(), limit, instead: "choose a shorter one" });
    }
    if let Some((offset, bad)) = name.char_indices().find(|(_, c)| !is_printable(*c)) {
        return Err(Error::invalid(format_args!(
            "{what} has the character U+{:04X}, which does not print, at offset {offset}; use printable text only",
            bad as u32
        )));
    }
    Ok(())
}

/// Names stand in logs, tables and file listings: nothing that ends a line, hides, or turns the direction of a text.
fn is_printable(c: char) -> bool {
    let hides = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !c.is_control() && !hides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_printable_text_within_its_limit() {
        assert_eq!(QueueName::new("naïve ☕").unwrap().as_str(), "naïve ☕");
        assert!(QueueName::new(&"q".repeat(64)).is_ok());
        assert!(matches!(QueueName::new(&"q".repeat(65)), Err(Error::TooLarge { actual: 65, limit: 64, .. })));
        for bad in ["", "a\0b", "a\nb", "\u{85}", "a\u{2028}", "\u{202e}cba", "\u{200b}"] {
            assert!(matches!(QueueName::new(bad), Err(Error::InvalidArgument(_))), "{bad:?}");
        }
    }

    #[test]
    fn options_out_of_range_name_the_option_and_the_range() {
        let message = |options: EngineOptions| options.resolve().unwrap_err().to_string();
        assert!(message(EngineOptions { workers: Some(65), ..Default::default() })
            .contains("workers is 65; pass a number from 1 to 64"));
        assert!(message(EngineOptions { max_workers: Some(5000), ..Default::default() }).contains("from 1 to 4096"));
        assert!(message(EngineOptions { worker_stack_bytes: Some(4096), ..Default::default() }).contains("1572864"));
        assert!(EngineOptions::default().resolve().unwrap().workers >= 2);
    }

    #[test]
    fn the_memory_store_refuses_committed_by_name() {
        let options = EngineOptions { durability: Some(Durability::Committed), ..Default::default() };
        let error = options.resolve().unwrap_err();
        assert!(error.to_string().contains("'committed'"), "{error}");
        assert_eq!(error.code(), 4);
    }
}
