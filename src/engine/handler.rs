//! What runs tasks: the trait, and what a run is told.

use crate::alloc::Text;
use crate::engine::observer::Observation;
use crate::engine::Inner;
use crate::error::{panic_text, Result};
use crate::options::LogLevel;
use crate::queue::log::Record;
use crate::store::table::{Entry, Word};
use crate::sync::Arc;
use crate::task::{Failure, Lease, Outcome, PayloadFormat, Priority, TaskId};
use std::fmt::{self, Display};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// What runs tasks of one name. Called from many threads at once; dropped once, when nothing of the engine uses it any more.
///
/// A closure `Fn(&TaskContext) -> R` is a handler, where `R` is `()`, [`Outcome`] or a `Result` of them with an error that
/// can be displayed.
pub trait Handler: Send + Sync + 'static {
    /// Runs a task. A panic is a failed run.
    fn run(&self, context: &TaskContext<'_>) -> Outcome;

    /// Tells that cancellation of a run was asked for. On the observer thread; must return promptly. The run may have ended
    /// meanwhile: compare the lease.
    fn cancel_requested(&self, id: TaskId, lease: Lease) {
        let _ = (id, lease);
    }
}

/// Whoever lets go of it last drops it: by [`let_go`], since that is user code.
pub(crate) type SharedHandler = Arc<Box<dyn Handler>>;

/// Drops a handler if nobody else has it. A panic in its drop is its own. Not with a lock held.
pub(crate) fn let_go(handler: SharedHandler, seen: &Observation) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(handler))) {
        let text = panic_text(&*panic);
        seen.log(LogLevel::Error, format_args!("a handler panicked as it was dropped: {text}"));
    }
}

impl<F, R> Handler for F
where
    F: Fn(&TaskContext<'_>) -> R + Send + Sync + 'static,
    R: IntoOutcome,
{
    fn run(&self, context: &TaskContext<'_>) -> Outcome {
        self(context).into_outcome()
    }
}

/// What a closure may return.
pub trait IntoOutcome {
    /// As an outcome.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Done
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl<T: IntoOutcome, E: Display> IntoOutcome for std::result::Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => {
                Outcome::Failed(Failure::new(std::any::type_name::<E>(), &Text::say(format_args!("{error}")), ""))
            }
        }
    }
}

/// A task as its run sees it.
pub struct TaskContext<'a> {
    pub(crate) id: TaskId,
    pub(crate) task_name: &'a str,
    pub(crate) queue: &'a str,
    /// As its run found it.
    pub(crate) word: Word,
    pub(crate) record: Record<'a>,
    /// Where a request to stop shows.
    pub(crate) entry: &'a Entry,
    pub(crate) inner: &'a Inner,
}

impl fmt::Debug for TaskContext<'_> {
    /// Not what the task brings: that is the user's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("id", &self.id)
            .field("task_name", &self.task_name)
            .field("queue", &self.queue)
            .field("lease", &self.lease())
            .finish_non_exhaustive()
    }
}

impl TaskContext<'_> {
    /// The id of the task.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The name of the task.
    #[must_use]
    pub fn task_name(&self) -> &str {
        self.task_name
    }

    /// The queue it runs in.
    #[must_use]
    pub fn queue(&self) -> &str {
        self.queue
    }

    /// Its priority.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.word.priority()
    }

    /// 1 for the first run; an interrupted run does not count.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.inner.attempt_of(self.id, self.word)
    }

    /// The lease of this run.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.word.lease()
    }

    /// The MessagePack bytes of the parameters.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.record.payload
    }

    /// How they are to be read.
    #[must_use]
    pub fn payload_format(&self) -> PayloadFormat {
        self.word.format()
    }

    /// On whose behalf the task runs.
    #[must_use]
    pub fn user_context(&self) -> Option<&[u8]> {
        self.record.user_context
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// All headers, in the order of the submission.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.record.headers()
    }

    /// Tells how far the run is: from 0 to 1, and what it is at (the first 512 bytes are kept). It is in the task's status until
    /// the next call.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument), [`Error::StaleLease`](crate::Error::StaleLease) (the run was
    /// given up), [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn set_progress(&self, fraction: f64, text: &str) -> Result<()> {
        self.inner.sound(|| self.inner.set_progress(self.id, self.lease(), fraction, text))
    }

    /// Leaves the result of the task: kept if the run succeeds, for the time that the task name's options say. The last one
    /// counts. At most 4 MiB.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge), [`Error::StaleLease`](crate::Error::StaleLease) (the run was given up),
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn set_result(&self, result: &[u8]) -> Result<()> {
        self.inner.sound(|| self.inner.set_result(self.id, self.lease(), result))
    }

    /// Whether the run is asked to stop. Costs one load.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.entry.is_cancelled()
    }
}
