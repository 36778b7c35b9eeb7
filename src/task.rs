//! The words: ids, names, submissions, outcomes, and the table of states.

use crate::alloc::{self, Arc, Text};
use crate::error::{Error, Result};
use crate::options::{
    check_delay, check_name, check_time_limit, Durability, RetryPolicy, WhenFull, LATEST_RUN_AT_MS, MAX_HEADER_BYTES,
    MAX_PAYLOAD_BYTES, MAX_TASK_NAME_BYTES, MAX_USER_CONTEXT_BYTES,
};
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::time::Duration;

/// The id of a task: a positive number given by the store, growing, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(i64);

impl TaskId {
    /// The id of this number, which must be positive.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is not.
    pub fn new(value: i64) -> Result<Self> {
        if value > 0 {
            return Ok(Self(value));
        }
        Err(Error::invalid(format_args!("the task id is {value}; task ids are positive numbers given by a submit")))
    }

    /// The id of this number, which is positive: it was counted up from 1, or is an id that was written down.
    pub(crate) fn counted(value: i64) -> Self {
        debug_assert!(value > 0);
        Self(value)
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> i64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A number that grows with each claim of a task; 0 before the first. A settle with an old one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Lease(i64);

impl Lease {
    /// The lease of this number.
    #[must_use]
    pub fn new(value: i64) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> i64 {
        self.0
    }
}

/// The stable text that binds a task to its handler: 1 to 200 bytes of printable UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskName(Text);

impl TaskName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is empty or not printable, [`Error::TooLarge`] if it is too long,
    /// [`Error::OutOfMemory`].
    pub fn new(name: &str) -> Result<Self> {
        Self::check(name)?;
        Ok(Self(Text::copy(name)?))
    }

    pub(crate) fn check(name: &str) -> Result<()> {
        check_name("the task name", name, MAX_TASK_NAME_BYTES)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn text(&self) -> Text {
        self.0.clone()
    }
}

impl fmt::Debug for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The number of a task name: what a submission may carry in place of the name, so that nothing is looked up. Stable for the
/// life of the engine that gave it (`Engine::task_number`), and good in that engine only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskNumber(NonZeroU32);

impl TaskNumber {
    /// The number of this value; `None` for 0, which is no number.
    #[must_use]
    pub fn new(value: u32) -> Option<Self> {
        NonZeroU32::new(value).map(Self)
    }

    /// The value.
    #[must_use]
    pub fn value(self) -> u32 {
        self.0.get()
    }
}

/// What goes first: five levels, named as System.Threading.ThreadPriority names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Priority {
    /// -2.
    Lowest = -2,
    /// -1.
    BelowNormal = -1,
    /// 0.
    #[default]
    Normal = 0,
    /// 1.
    AboveNormal = 1,
    /// 2.
    Highest = 2,
}

impl Priority {
    /// All levels, lowest first.
    pub const ALL: [Priority; 5] =
        [Priority::Lowest, Priority::BelowNormal, Priority::Normal, Priority::AboveNormal, Priority::Highest];

    /// The level of this number.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is none.
    pub fn from_level(level: i32) -> Result<Self> {
        Self::ALL.into_iter().find(|priority| priority.level() == level).ok_or_else(|| {
            Error::invalid(format_args!("the priority is {level}; pass a number from -2 (lowest) to 2 (highest)"))
        })
    }

    /// The number.
    #[must_use]
    pub fn level(self) -> i32 {
        self as i32
    }
}

/// How the payload's bytes are to be read; kept with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PayloadFormat {
    /// As MessagePack-CSharp's ContractlessStandardResolver writes it.
    #[default]
    Contractless,
    /// As its StandardResolver writes it.
    Standard,
    /// As its TypelessContractlessStandardResolver writes it: with the names of types. Not looked into here; who reads it decides which names it trusts.
    Typeless,
}

impl PayloadFormat {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Contractless, Self::Standard, Self::Typeless];
}

/// Work to be handed over: what a submit copies.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Submission<'a> {
    /// The name of a registered handler. Not looked at where there is a number.
    pub task_name: &'a str,
    /// The number of the name, which takes its place.
    pub task_number: Option<TaskNumber>,
    /// The MessagePack bytes of the parameters.
    pub payload: &'a [u8],
    /// On whose behalf the task runs.
    pub user_context: Option<&'a [u8]>,
    /// Small named texts that travel with it.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The queue. `None`: that of the task name's options, else `default`.
    pub queue: Option<&'a str>,
    /// What goes first.
    pub priority: Priority,
    /// How the payload is to be read.
    pub payload_format: PayloadFormat,
    /// How safe it is when the submit returns. `None`: the engine's.
    pub durability: Option<Durability>,
    /// What to do if the queue is full. `None`: the queue's.
    pub when_full: Option<WhenFull>,
    /// What follows a failed run. `None`: the task name's.
    pub retry: Option<RetryPolicy>,
    /// Not to be started before so much time has passed. Zero: at once. At most a hundred years.
    pub delay: Duration,
    /// Not to be started before this time of day, in milliseconds since 1970 UTC, as the clock of this machine says then.
    pub run_at_unix_ms: Option<i64>,
    /// How long each run may take. `None`: as the task name's options say.
    pub time_limit: Option<Duration>,
}

impl<'a> Submission<'a> {
    /// A submission with every default.
    #[must_use]
    pub fn new(task_name: &'a str, payload: &'a [u8]) -> Self {
        Self { task_name, payload, ..Self::default() }
    }

    /// A submission with every default, of the task name with this number.
    #[must_use]
    pub fn numbered(task_number: TaskNumber, payload: &'a [u8]) -> Self {
        Self { task_number: Some(task_number), payload, ..Self::default() }
    }

    /// On behalf of a user.
    #[must_use]
    pub fn user_context(mut self, user_context: &'a [u8]) -> Self {
        self.user_context = Some(user_context);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// To this queue.
    #[must_use]
    pub fn queue(mut self, queue: &'a str) -> Self {
        self.queue = Some(queue);
        self
    }

    /// At this priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// With this answer to a full queue.
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = Some(when_full);
        self
    }

    /// Not before so much time has passed.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Not before this time of day, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn run_at_unix_ms(mut self, run_at_unix_ms: i64) -> Self {
        self.run_at_unix_ms = Some(run_at_unix_ms);
        self
    }

    /// With this retry policy.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// With this time limit for each run.
    #[must_use]
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = Some(time_limit);
        self
    }

    /// Checks every limit but that of the name: a registered name keeps it, and another one is looked at when it is not
    /// found.
    pub(crate) fn check(&self) -> Result<()> {
        let too_large = |what, actual, limit, instead| Err(Error::TooLarge { what, actual, limit, instead });
        if self.payload.len() > MAX_PAYLOAD_BYTES {
            let instead = "store the data elsewhere and pass where it is";
            return too_large("the payload", self.payload.len(), MAX_PAYLOAD_BYTES, instead);
        }
        if let Some(user_context) = self.user_context {
            if user_context.len() > MAX_USER_CONTEXT_BYTES {
                let instead = "pass what identifies the user, not all that is known of them";
                return too_large("the user context", user_context.len(), MAX_USER_CONTEXT_BYTES, instead);
            }
        }
        let header_bytes = self.header_bytes();
        if header_bytes > MAX_HEADER_BYTES {
            let instead = "pass fewer or shorter headers, or use the payload";
            return too_large("all headers together", header_bytes, MAX_HEADER_BYTES, instead);
        }
        for (index, (name, _)) in self.headers.iter().enumerate() {
            check_name("a header name", name, MAX_HEADER_BYTES)?;
            if self.headers[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Error::invalid(format_args!("the header '{name}' is given twice; give each once")));
            }
        }
        if !self.delay.is_zero() && self.run_at_unix_ms.is_some() {
            return Err(Error::InvalidArgument(
                "the submission says both a delay and a time to run at; say one of them".into(),
            ));
        }
        check_delay("the delay", self.delay)?;
        if let Some(at_ms) = self.run_at_unix_ms {
            if !(0..=LATEST_RUN_AT_MS).contains(&at_ms) {
                return Err(Error::invalid(format_args!(
                    "the time to run at is {at_ms}; pass milliseconds since 1970 UTC, from 0 to {LATEST_RUN_AT_MS} (the year 3000)"
                )));
            }
        }
        self.retry.map_or(Ok(()), |retry| retry.check())?;
        self.time_limit.map_or(Ok(()), check_time_limit)
    }

    fn header_bytes(&self) -> usize {
        self.headers.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// What counts against a queue's capacity in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        (self.payload.len() + self.user_context.map_or(0, <[u8]>::len) + self.header_bytes()) as u64
    }
}

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Waits for its time.
    Scheduled,
    /// Waits for a worker.
    Ready,
    /// A worker runs it.
    Running,
    /// It runs without a worker, until it is settled.
    Pending,
    /// Done.
    Succeeded,
    /// Out of attempts, or failed for good.
    Dead,
    /// Cancelled before or during its run.
    Cancelled,
    /// Dropped from a full queue. Memory store only.
    Dropped,
}

/// The table of states: every move there is, and nothing else. Each store's guards are tested against it.
pub const MOVES: &[(State, State)] = {
    use State::{Cancelled, Dead, Dropped, Pending, Ready, Running, Scheduled, Succeeded};
    &[
        (Scheduled, Ready),
        (Scheduled, Cancelled),
        (Ready, Running),
        (Ready, Cancelled),
        (Ready, Dropped),
        (Running, Succeeded),
        (Running, Pending),
        (Running, Scheduled), // retry
        (Running, Ready),     // interrupted
        (Running, Dead),
        (Running, Cancelled),
        (Pending, Succeeded),
        (Pending, Scheduled), // retry
        (Pending, Ready),     // interrupted
        (Pending, Dead),
        (Pending, Cancelled),
        (Dead, Ready), // replay
    ]
};

impl State {
    /// Every state.
    pub const ALL: [State; 8] = [
        State::Scheduled,
        State::Ready,
        State::Running,
        State::Pending,
        State::Succeeded,
        State::Dead,
        State::Cancelled,
        State::Dropped,
    ];

    /// Whether nothing more happens to the task by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, State::Succeeded | State::Dead | State::Cancelled | State::Dropped)
    }

    /// Whether a run of the task goes on: a worker has it, or it is pending.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, State::Running | State::Pending)
    }

    /// Whether the table of states has this move.
    #[must_use]
    pub fn can_move_to(self, to: State) -> bool {
        MOVES.contains(&(self, to))
    }
}

/// How a run ended, as its handler says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed; the retry policy decides what follows.
    Failed(Failure),
    /// It failed, and wants to be tried again after this time: so often as the retry policy says, or, without one, always.
    /// `None`: after the delay that the retry policy says; without one, after [`DEFAULT_RETRY_DELAY`](crate::options::DEFAULT_RETRY_DELAY).
    RetryAfter(Failure, Option<Duration>),
    /// It failed for good.
    Fatal(Failure),
    /// It stopped because it was asked to.
    Cancelled,
    /// It goes on elsewhere; `Engine::settle` ends it.
    Pending,
}

/// Why a run failed. Texts longer than their limit are cut. Cloned without an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Type, message and detail, one behind the other.
    texts: Text,
    type_bytes: usize,
    message_bytes: usize,
}

impl Failure {
    /// Bytes that are kept of the kind of error.
    pub const MAX_TYPE_BYTES: usize = 512;
    /// Bytes that are kept of the message.
    pub const MAX_MESSAGE_BYTES: usize = 4 * 1024;
    /// Bytes that are kept of the detail.
    pub const MAX_DETAIL_BYTES: usize = 32 * 1024;

    /// A failure with the kind of error, a message and detail such as a stack trace. Where memory is short, it is one whose
    /// message says so.
    #[must_use]
    pub fn new(error_type: &str, message: &str, detail: &str) -> Self {
        Self::try_new(error_type, message, detail).unwrap_or(Self::MISSING)
    }

    /// [`Failure::new`] that answers.
    pub(crate) fn try_new(error_type: &str, message: &str, detail: &str) -> Result<Self> {
        let error_type = cut(error_type, Self::MAX_TYPE_BYTES);
        let message = cut(message, Self::MAX_MESSAGE_BYTES);
        let texts = Text::concat(&[error_type, message, cut(detail, Self::MAX_DETAIL_BYTES)])?;
        Ok(Self { texts, type_bytes: error_type.len(), message_bytes: message.len() })
    }

    /// A failure with a message only.
    #[must_use]
    pub fn message(message: impl AsRef<str>) -> Self {
        Self::new("", message.as_ref(), "")
    }

    /// A failure with a message of the program.
    pub(crate) const fn fixed(message: &'static str) -> Self {
        Self { texts: Text::fixed(message), type_bytes: 0, message_bytes: message.len() }
    }

    pub(crate) const MISSING: Self = Self::fixed("(there was no memory for the reason of the failure)");

    /// The kind of error; may be empty.
    #[must_use]
    pub fn error_type(&self) -> &str {
        &self.texts[..self.type_bytes]
    }

    /// The message.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.texts[self.type_bytes..][..self.message_bytes]
    }

    /// More, such as a stack trace; may be empty.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.texts[self.type_bytes + self.message_bytes..]
    }
}

/// The start of a text, at most `limit` bytes, cut between characters.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

/// What was known of a task at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskStatus {
    /// Its id.
    pub id: TaskId,
    /// Its name.
    pub task_name: Text,
    /// Its queue.
    pub queue: Text,
    /// Its priority.
    pub priority: Priority,
    /// Where it is.
    pub state: State,
    /// Runs begun, interrupted ones not counted.
    pub attempt: u32,
    /// The lease of its last run; 0 before the first.
    pub lease: Lease,
    /// When it was accepted, in microseconds since 1970 UTC.
    pub submitted_at_us: i64,
    /// When its last run began, likewise; 0 before the first.
    pub started_at_us: i64,
    /// When it came to its final state, likewise; 0 before.
    pub finished_at_us: i64,
    /// Its last error.
    pub failure: Option<Failure>,
    /// Whether its cancellation was asked for.
    pub cancel_requested: bool,
    /// Why; may be empty.
    pub cancel_reason: Text,
    /// When a scheduled task may run, in microseconds since 1970 UTC; 0 where it is not scheduled, or waits for its last run's
    /// thread to come back. The clock on the wall may jump meanwhile.
    pub run_at_us: i64,
    /// How far its last run said it is, from 0 to 1. `None`: it has not said.
    pub progress: Option<f64>,
    /// What that run said it is at; may be empty.
    pub progress_text: Text,
    /// What it left, if it succeeded and that is still kept.
    pub result: Option<ResultBytes>,
    /// For how long its run has held up what waits behind it, in microseconds; 0: it does not.
    pub stalled_us: i64,
}

/// A header as a record has it, and a store: two lengths of two bytes, little-endian, then the name and the value.
pub(crate) fn encode_header((name, value): (&str, &str), mut write: impl FnMut(&[u8])) {
    // Both are below 4 KiB together (Submission::check).
    write(&(name.len() as u16).to_le_bytes());
    write(&(value.len() as u16).to_le_bytes());
    write(name.as_bytes());
    write(value.as_bytes());
}

/// Headers that [`encode_header`] has written one behind the other.
pub(crate) fn decode_headers(bytes: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (lengths, after) = rest.split_at_checked(4)?;
        let name = usize::from(u16::from_le_bytes([lengths[0], lengths[1]]));
        let value = usize::from(u16::from_le_bytes([lengths[2], lengths[3]]));
        let (name, after) = after.split_at_checked(name)?;
        let (value, after) = after.split_at_checked(value)?;
        rest = after;
        // They were `str` when they were written.
        Some((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?))
    })
}

/// The result of a task. Cloned without an allocation.
#[derive(Clone)]
pub struct ResultBytes(Arc<Box<[u8]>>);

impl ResultBytes {
    pub(crate) fn copy(bytes: &[u8]) -> Result<Self> {
        Ok(Self(Arc::try_new(alloc::copy(bytes)?.into_boxed_slice())?))
    }
}

impl Deref for ResultBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ResultBytes {
    /// Not the bytes themselves: they are the user's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_states_has_no_way_out_of_a_final_state_but_replay() {
        for &(from, to) in MOVES {
            assert_ne!(from, to);
            assert!(!from.is_final() || (from, to) == (State::Dead, State::Ready), "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn every_state_is_reached_and_every_unfinished_one_can_be_left() {
        for state in State::ALL {
            let reached = MOVES.iter().any(|&(_, to)| to == state);
            assert!(reached, "{state:?} is never reached");
            let left = MOVES.iter().any(|&(from, _)| from == state);
            assert!(left || state.is_final(), "{state:?} cannot be left");
        }
        assert!(State::Ready.can_move_to(State::Dropped));
        assert!(!State::Running.can_move_to(State::Dropped), "only a queued task is dropped");
        assert!(!State::Ready.can_move_to(State::Succeeded), "nothing succeeds without a run");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("aéb", 2), "a");
        assert_eq!(cut("aéb", 3), "aé");
        assert_eq!(cut("aéb", 9), "aéb");
        let failure = Failure::message("é".repeat(4000));
        assert_eq!(failure.text().len(), 4096);
        let failure = Failure::new(&"t".repeat(513), "é", &"d".repeat(32 * 1024 + 1));
        assert_eq!((failure.error_type().len(), failure.text(), failure.detail().len()), (512, "é", 32 * 1024));
    }

    #[test]
    fn limits_are_exact_and_name_both_numbers() {
        let at = |n| vec![0u8; n];
        let (payload, over) = (at(MAX_PAYLOAD_BYTES), at(MAX_PAYLOAD_BYTES + 1));
        assert!(Submission::new("t", &payload).check().is_ok());
        let message = Submission::new("t", &over).check().unwrap_err().to_string();
        assert!(message.contains("4194305") && message.contains("4194304"), "{message}");
        let context = at(MAX_USER_CONTEXT_BYTES + 1);
        assert!(Submission::new("t", &[]).user_context(&context[1..]).check().is_ok());
        assert!(Submission::new("t", &[]).user_context(&context).check().is_err());
        let value = "v".repeat(MAX_HEADER_BYTES - 1);
        assert!(Submission::new("t", &[]).header("n", &value).check().is_ok());
        assert!(Submission::new("t", &[]).header("nn", &value).check().is_err());
        assert!(Submission::new("t", &[]).header("n", "1").header("n", "2").check().is_err());
        assert!(TaskName::new(&"t".repeat(200)).is_ok());
        assert!(TaskName::new(&"t".repeat(201)).is_err());
    }
}
