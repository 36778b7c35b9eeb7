//! The contract of a store that outlives the process.
//!
//! A durable store is a *journal of what is not done yet*: a task comes into it when it is accepted, changes when more is known of
//! it than its bytes, and leaves it when it has ended; of what has ended the newest are kept for those who ask. The engine holds in
//! memory what runs next, and never asks a store what to do.
//!
//! What a store promises:
//! 1. **A batch is one step**: after a crash, of the process or of the machine, all of it is there or nothing of it.
//! 2. **In order**: batches take effect in the order of their [`Store::apply`] calls, and the changes of a batch in theirs.
//! 3. **Told means safe**: a batch is told of ([`Batch::told`]) when it is as safe as its durability says. [`Durability::Committed`]:
//!    it is on the disk. [`Durability::Buffered`]: no crash of the process can lose it.
//! 4. **The table of states holds**: a move that [`State::can_move_to`] does not have changes nothing, and is answered by
//!    [`Answer::Refused`] with the state that the task is in. A claim is no change, and neither is that a scheduled task's time has
//!    come: a move that names more claims than the store knows, of a task that is ready or scheduled there, is one from *running*;
//!    one that names fewer is refused. So a settle that comes late cannot undo anything, whoever sends it.
//! 5. **Ids are never given out twice** ([`Store::reserve_ids`]), whatever crashes.
//! 6. **A claim is remembered** past the end of the process ([`Store::claim`]), so that after an unclean end it can be told who ran.
//! 7. **Who was asked to stop does not run again** ([`Change::AskToStop`]): where the end of its run is not told before the process ends,
//!    however it ends, it is cancelled for the reason that was given.
//! 8. **Errors lose nothing**: a batch that fails (the disk is full) is told of with the error, has changed nothing, and the next one
//!    is tried on its own. Only where the disk fails to sync, and the process ends before another batch is told of, may the next one
//!    find what was refused, whole: nobody knows then what is on the disk.
//!
//! [`conformance`](crate::store::conformance) has a test for each of these that any store can be put to.

use crate::alloc::{self, Ensure, Text};
use crate::error::Error;
use crate::options::{Durability, RetryPolicy, MAX_HEADER_BYTES};
use crate::task::{decode_headers, encode_header, Failure, PayloadFormat, Priority, State, TaskId};
use std::sync::mpsc::channel;
use std::time::Duration;

/// When a task is to run that waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAt {
    /// When so much time has passed: milliseconds since 1970 UTC, as the clock on the wall said when that was reckoned.
    Elapsed(i64),
    /// When the clock on the wall says so: milliseconds since 1970 UTC.
    Wall(i64),
}

/// A task as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// Its id.
    pub id: TaskId,
    /// Where it stands. A store says [`State::Running`] only of a task that was asked to stop, as long as the process lives that runs it:
    /// who else ran when a process ended is told by [`Store::interrupted`].
    pub state: State,
    /// The name of what runs it.
    pub task_name: Text,
    /// Its queue.
    pub queue: Text,
    /// What goes first.
    pub priority: Priority,
    /// How the payload is to be read.
    pub payload_format: PayloadFormat,
    /// How often it was claimed, as far as that was told.
    pub claims: u32,
    /// Claims that do not count as attempts.
    pub uncounted: u32,
    /// How often a process ended uncleanly while it ran, since it was last tried again after it was dead.
    pub crashes: u32,
    /// When it was accepted, in microseconds since 1970 UTC.
    pub submitted_us: i64,
    /// When it ended, likewise; 0 while it has not.
    pub finished_us: i64,
    /// When it is to run, where it is scheduled.
    pub run_at: Option<RunAt>,
    /// Retries of its own.
    pub retry: Option<RetryPolicy>,
    /// A time limit of its own.
    pub time_limit: Option<Duration>,
    /// The bytes of its parameters. Empty once it has succeeded or was cancelled.
    pub payload: Vec<u8>,
    /// On whose behalf it runs.
    pub user_context: Option<Vec<u8>>,
    /// Its headers, encoded: [`StoredTask::encode_headers`].
    pub headers: Vec<u8>,
    /// Why its last run failed.
    pub failure: Option<Failure>,
    /// Why it was cancelled, or asked to stop.
    pub reason: Option<Text>,
    /// What it left.
    pub result: Option<Vec<u8>>,
    /// Until when that is kept, in microseconds since 1970 UTC. `None`: as long as the rest.
    pub result_until_us: Option<i64>,
    /// The id of the key that payload, user context and result are encrypted with where the store keeps them. A store that has keys
    /// says so of what it reads; of what it is given it does not matter.
    pub key_id: Option<Text>,
    /// Why payload, user context and result cannot be read, and are empty here: the key is missing, or they were changed.
    pub unreadable: Option<Text>,
}

impl StoredTask {
    /// Its headers, in the order of the submission.
    pub fn header_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        decode_headers(&self.headers)
    }

    /// Headers as [`StoredTask::headers`] has them.
    ///
    /// # Errors
    /// [`Error::TooLarge`]: they are more than [`MAX_HEADER_BYTES`]; [`Error::OutOfMemory`].
    pub fn encode_headers<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Vec<u8>, Error> {
        let (mut bytes, mut texts) = (Vec::new(), 0);
        for (name, value) in pairs {
            texts += name.len() + value.len();
            if texts > MAX_HEADER_BYTES {
                let instead = "carry larger data in the parameters";
                return Err(Error::TooLarge { what: "the headers", actual: texts, limit: MAX_HEADER_BYTES, instead });
            }
            bytes.ensure(4 + name.len() + value.len())?;
            encode_header((name, value), |piece| bytes.extend_from_slice(piece));
        }
        Ok(bytes)
    }
}

/// What becomes of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// It has succeeded, and left this.
    Succeeded {
        /// The bytes of its result.
        result: Option<Vec<u8>>,
        /// Until when they are kept at most, in microseconds since 1970 UTC. `None`: as long as the rest of what is known of it.
        result_until_us: Option<i64>,
    },
    /// It was cancelled.
    Cancelled {
        /// Why.
        reason: Text,
    },
    /// It has failed for good. Its payload is kept.
    Dead {
        /// Why.
        failure: Failure,
    },
    /// It waits for its time: after a failed run, or because it was put off.
    Scheduled {
        /// Until when.
        run_at: RunAt,
        /// Why it failed, if it did.
        failure: Option<Failure>,
    },
    /// It waits for a worker: its time has come, its run was interrupted, or it is tried again after it was dead.
    Ready,
    /// It goes on without a worker.
    Pending,
}

impl Move {
    /// It has succeeded, and left nothing.
    pub const DONE: Move = Move::Succeeded { result: None, result_until_us: None };

    /// The state that it leads to.
    #[must_use]
    pub fn to(&self) -> State {
        match self {
            Move::Succeeded { .. } => State::Succeeded,
            Move::Cancelled { .. } => State::Cancelled,
            Move::Dead { .. } => State::Dead,
            Move::Scheduled { .. } => State::Scheduled,
            Move::Ready => State::Ready,
            Move::Pending => State::Pending,
        }
    }
}

/// One change of what a store keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new task, ready or scheduled.
    Accept(Box<StoredTask>),
    /// A task moves.
    Move {
        /// Which.
        id: TaskId,
        /// How often it was claimed when that was decided.
        claims: u32,
        /// Of those, how many do not count as attempts.
        uncounted: u32,
        /// When, in microseconds since 1970 UTC.
        now_us: i64,
        /// Where to.
        to: Move,
    },
    /// A task that runs, or is pending, was asked to stop. It is running from here on, where it was ready or scheduled. Of any other task,
    /// and of another claim than the last one, it is refused.
    AskToStop {
        /// Which.
        id: TaskId,
        /// The claim of the run.
        claims: u32,
        /// Of its claims, how many do not count as attempts.
        uncounted: u32,
        /// Why.
        reason: Text,
    },
    /// A task in a final state is forgotten.
    Forget(TaskId),
    /// A queue is paused (`true`), or goes on.
    Pause(Text, bool),
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was made.
    Done,
    /// There is no such task.
    NotFound,
    /// The task is in this state, from which there is no such move, or was claimed since: nothing has changed.
    Refused(State),
}

/// Who is told what became of a batch: its changes are handed back, with an answer for each, or why nothing of them was done.
pub type Told = Box<dyn FnOnce(Vec<Change>, Result<Vec<Answer>, Error>) + Send>;

/// Changes that are made in one step.
pub struct Batch {
    /// What is to change, in this order.
    pub changes: Vec<Change>,
    /// How safe it is to be when it is told of.
    pub durability: Durability,
    /// Told on a thread of the store's, which it must not hold up.
    pub told: Told,
}

/// A part of what a store keeps, in the order of the ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page<'a> {
    /// In these states; empty: in any.
    pub states: &'a [State],
    /// Of this name.
    pub task_name: Option<&'a str>,
    /// With a larger id.
    pub after: Option<TaskId>,
    /// With a smaller id.
    pub before: Option<TaskId>,
    /// At most so many.
    pub limit: usize,
    /// No more after those that are of so many bytes together, payloads and whatever else is large; `None`: however large they are. A page
    /// that has no task is the last one, and no other need be.
    pub most_bytes: Option<u64>,
    /// Without payloads, user contexts and headers, which are not read then.
    pub brief: bool,
}

/// What a page has at most for [`Page::most_bytes`], beside its last task, where nobody knows how large the tasks are.
pub const PAGE_BYTES: u64 = 16 << 20;

/// How many tasks a store keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// That wait for their time.
    pub scheduled: u64,
    /// That wait for a worker, or have one.
    pub ready: u64,
    /// That go on without one.
    pub pending: u64,
    /// That have failed for good.
    pub dead: u64,
    /// Others that have ended and are kept.
    pub finished: u64,
    /// What it takes on the disk, in bytes.
    pub bytes: u64,
}

/// Tasks of one name that have not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Their name.
    pub task_name: Text,
    /// How many.
    pub count: u64,
    /// The smallest id of theirs.
    pub first: TaskId,
    /// The largest.
    pub last: TaskId,
}

/// A task that ran when a process ended uncleanly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterruptedRun {
    /// Which.
    pub id: TaskId,
    /// Its claim.
    pub claims: u32,
}

/// Where accepted tasks live until they are done, past the end of the process.
pub trait Store: Send + Sync {
    /// Gives out ids that nobody had before: the first of so many that follow each other. Of none, the one that is given out next.
    ///
    /// # Errors
    /// [`Error::Store`].
    fn reserve_ids(&self, count: u64) -> Result<TaskId, Error>;

    /// Has changes made, in one step. Returns at once.
    fn apply(&self, batch: Batch);

    /// Notes that a worker (by its number, from 0) runs a task, or nothing any more. It costs next to nothing, and no crash of
    /// the process loses it; a power cut may. It is remembered until a move that names the claim is made, also where its worker has
    /// begun another run since: so the next process knows of every claim.
    fn claim(&self, worker: usize, run: Option<InterruptedRun>);

    /// Who ran when the last process that had the store ended, if it ended uncleanly, without those that had been asked to stop, which are
    /// cancelled. Each has its `crashes` counted up already.
    fn interrupted(&self) -> &[InterruptedRun];

    /// What is known of a task.
    ///
    /// # Errors
    /// [`Error::Store`].
    fn get(&self, id: TaskId) -> Result<Option<StoredTask>, Error>;

    /// What is known of tasks, those with the smallest ids first.
    ///
    /// # Errors
    /// [`Error::Store`].
    fn list(&self, page: &Page<'_>) -> Result<Vec<StoredTask>, Error>;

    /// How many tasks of each name have not ended, and the smallest and the largest id of those.
    ///
    /// # Errors
    /// [`Error::Store`].
    fn unfinished(&self) -> Result<Vec<Unfinished>, Error>;

    /// The queues that are paused.
    ///
    /// # Errors
    /// [`Error::Store`].
    fn paused(&self) -> Result<Vec<Text>, Error>;

    /// How many tasks there are.
    ///
    /// # Errors
    /// [`Error::Store`].
    fn stored(&self) -> Result<Stored, Error>;

    /// What it takes on the disk, in bytes, as far as that can be told without reading it.
    fn size(&self) -> u64;

    /// Waits until all that was asked for is done, and ends it cleanly: nobody ran.
    ///
    /// # Errors
    /// [`Error::Store`].
    fn close(&self) -> Result<(), Error>;
}

/// Has changes made, and waits until they are safe. Not on the store's own thread.
///
/// # Errors
/// The store's; [`Error::Store`] where it ended without a word; [`Error::OutOfMemory`].
pub fn apply(store: &dyn Store, changes: Vec<Change>) -> Result<Vec<Answer>, Error> {
    let (tell, told) = channel();
    let told_of = alloc::boxed(move |_, answers| drop(tell.send(answers)))?;
    store.apply(Batch { changes, durability: Durability::Committed, told: told_of });
    told.recv().unwrap_or_else(|_| Err(Error::Store(Text::fixed("it has ended without saying what became of a batch"))))
}

/// Visits the tasks that a page begins with and all that follow, so many at a time as it says, until `visit` says that it has enough.
///
/// # Errors
/// Those of `list` and of `visit`.
pub fn each<E>(
    mut page: Page<'_>,
    mut list: impl FnMut(&Page<'_>) -> Result<Vec<StoredTask>, E>,
    mut visit: impl FnMut(&StoredTask) -> Result<bool, E>,
) -> Result<(), E> {
    loop {
        let tasks = list(&page)?;
        let Some(last) = tasks.last() else { return Ok(()) };
        page.after = Some(last.id);
        for task in &tasks {
            if !visit(task)? {
                return Ok(());
            }
        }
    }
}
