//! Tasks in one SQLite file, without a server.
//!
//! One thread writes. Batches that come while it commits share the next commit, so that a caller waits for one or two syncs of the
//! disk however many there are, and the disk sees one for them all. Whoever reads has a connection of its own and disturbs nobody
//! (write-ahead log). Nothing polls: without work the thread sleeps, and the file is not touched.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "rusqlite allocates with std whatever is asked of it (docs/decisions/0016); a payload's own bytes were reserved by whoever submits"
)]

mod board;
mod changes;
mod commits;
mod own;
mod owner;
mod place;
mod prepared;
mod reads;
mod recovery;
mod retention;
mod schema;
mod sealing;
#[cfg(test)]
mod tests;
mod upkeep;
mod view;
mod writer;

use crate::alloc::Text;
use crate::crypto::Encryption;
use crate::error::{Error, Result};
use crate::options::{Durability, DEFAULT_KEEP};
use crate::store::durable::{Answer, Batch, Change, InterruptedRun, Page, Store, Stored, StoredTask, Unfinished};
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering};
use crate::task::TaskId;
use board::Board;
use owner::Owner;
use place::{beside, blame, rewrite_log, Place};
use reads::Reading;
use retention::Keep;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, DatabaseName, ErrorCode, OpenFlags};
pub use sealing::KeyUse;
use sealing::Keys;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
pub use upkeep::{encrypt, vacuum, Encrypted};
pub use view::SqliteView;
use writer::Writer;

/// Ids that are reserved at a time: a crash skips as many at most.
const IDS_AT_A_TIME: i64 = 1 << 20;

/// How long another process that has the file is waited for, where nothing else is said: long enough for an application that is
/// replaced by its next version while it ends.
pub const DEFAULT_OWNER_WAIT: Duration = Duration::from_secs(30);

/// Tasks of a kind that are kept once they have ended, where nothing else is said: as many as in memory.
const KEEP: u64 = DEFAULT_KEEP as u64;

/// The length of a file; 0 where there is none.
fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// How a file is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The file; its folder must be there. Beside it lie `-wal` and `-shm` (SQLite's), `-owner` and `-running`.
    pub path: PathBuf,
    /// How long another process that has it is waited for.
    pub owner_wait: Duration,
    /// Finished tasks that are kept for those who ask, the newest.
    pub keep_finished: u64,
    /// Dead tasks that are kept, those with the largest ids.
    pub keep_dead: u64,
    /// Tasks that have ended, finished or dead, are forgotten when their end is so long ago: with one of the commits that follow, which
    /// look at a thousand of a kind once a second. `None`: however long ago it is.
    pub keep_for: Option<Duration>,
    /// How payloads, user contexts and results are encrypted. `None`: they are not.
    pub encryption: Option<Encryption>,
    /// Opens a file that is encrypted also without its keys, for those who look after it: tasks can be moved and forgotten, what is
    /// encrypted is not read ([`StoredTask::unreadable`]), and nothing can be added.
    pub may_lack_keys: bool,
}

impl SqliteOptions {
    /// With every default.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let (path, owner_wait) = (path.into(), DEFAULT_OWNER_WAIT);
        Self {
            path,
            owner_wait,
            keep_finished: KEEP,
            keep_dead: KEEP,
            keep_for: None,
            encryption: None,
            may_lack_keys: false,
        }
    }
}

/// A file of tasks. This process has it until it is closed or the process ends.
pub struct SqliteStore {
    writer: Writer,
    reader: Mutex<Connection>,
    keys: Arc<Keys>,
    ids: Mutex<Ids>,
    board: Arc<Board>,
    interrupted: Vec<InterruptedRun>,
    /// What had not ended when the file was opened, until somebody asks or something changes: it took a look at every task.
    left: Mutex<Option<Vec<Unfinished>>>,
    has_changed: AtomicBool,
    path: PathBuf,
    /// `None` once it is closed.
    owner: Mutex<Option<Owner>>,
}

/// The ids that are reserved and not given out.
struct Ids {
    next: i64,
    end: i64,
}

impl SqliteStore {
    /// Opens a file, or makes it, and repairs what an unclean end has left.
    ///
    /// # Errors
    /// [`Error::Store`]: another process has it, it is another program's or a newer version's, it is damaged, or the system
    /// refuses it.
    pub fn open(options: SqliteOptions) -> Result<Self> {
        let owner = Owner::take(&beside(&options.path, "-owner"), options.owner_wait)?;
        Self::open_owned(&options, owner).map_err(|error| blame(&options.path, error))
    }

    fn open_owned(options: &SqliteOptions, owner: Owner) -> Result<Self> {
        let path = options.path.clone();
        // A log means an unclean end, perhaps after a sync that had failed: what is read of it may be nowhere but in memory.
        rewrite_log(&beside(&path, "-wal"))?;
        let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let shown = Text::say(format_args!("{}", path.display()));
        schema::prepare(&mut connection, &shown)?;
        let keys = Arc::new(Keys::take(&mut connection, options.encryption.as_ref(), options.may_lack_keys)?);
        let board = Arc::new(Board::open(&beside(&path, "-running"))?);
        let keep = Keep { finished: options.keep_finished, dead: options.keep_dead, age: options.keep_for };
        let (interrupted, left) = recovery::recover(&mut connection, &board, keep, keys.clone())?;
        let reader = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let writer = Writer::start(connection, Place::of(&path), keep, keys.clone())?;
        let ids = Mutex::new(Ids { next: 0, end: 0 });
        let (left, has_changed) = (Mutex::new(Some(left)), AtomicBool::new(false));
        let (reader, owner) = (Mutex::new(reader), Mutex::new(Some(owner)));
        Ok(Self { writer, reader, keys, ids, board, interrupted, left, has_changed, path, owner })
    }

    fn blame<T>(&self, read: Result<T>) -> Result<T> {
        read.map_err(|error| blame(&self.path, error))
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        // Whoever panicked with it has changed nothing.
        self.reader.lock()
    }
}

impl Store for SqliteStore {
    fn reserve_ids(&self, count: u64) -> Result<TaskId> {
        let count = i64::try_from(count)
            .map_err(|_| Error::invalid(format_args!("{count} ids at once: there are no so many")))?;
        let mut ids = self.ids.lock();
        if ids.end - ids.next < count.max(1) {
            let more = count.max(IDS_AT_A_TIME);
            ids.next = self.writer.reserve_ids(more)?;
            ids.end = ids.next + more;
        }
        let first = TaskId::new(ids.next)?;
        ids.next += count;
        Ok(first)
    }

    fn apply(&self, batch: Batch) {
        self.has_changed.store(true, Ordering::SeqCst);
        let Batch { changes, durability, told } = batch;
        let board = self.board.clone();
        let told = move |changes: Vec<Change>, answers: Result<Vec<Answer>>| {
            if answers.is_ok() {
                board.forget_recorded(&changes);
            }
            told(changes, answers);
        };
        self.writer.apply(Batch { changes, durability, told: Box::new(told) });
    }

    fn claim(&self, worker: usize, run: Option<InterruptedRun>) {
        self.board.note(worker, run);
    }

    fn interrupted(&self) -> &[InterruptedRun] {
        &self.interrupted
    }

    fn get(&self, id: TaskId) -> Result<Option<StoredTask>> {
        self.blame(reads::get(Reading { connection: &self.reader(), keys: &self.keys }, id))
    }

    fn list(&self, page: &Page<'_>) -> Result<Vec<StoredTask>> {
        self.blame(reads::list(Reading { connection: &self.reader(), keys: &self.keys }, page))
    }

    fn unfinished(&self) -> Result<Vec<Unfinished>> {
        let left = self.left.lock().take();
        match left.filter(|_| !self.has_changed.load(Ordering::SeqCst)) {
            Some(left) => Ok(left),
            None => self.blame(reads::unfinished(&self.reader())),
        }
    }

    fn paused(&self) -> Result<Vec<Text>> {
        self.blame(reads::paused(&self.reader()))
    }

    fn stored(&self) -> Result<Stored> {
        self.blame(reads::stored(&self.reader(), &self.path))
    }

    fn size(&self) -> u64 {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        length(&self.path) + length(Path::new(&log))
    }

    fn close(&self) -> Result<()> {
        let closed = self.writer.close();
        self.board.close();
        // Only now: nothing of this process is written any more.
        drop(self.owner.lock().take());
        closed
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|cause| {
        Error::Store(Text::say(format_args!(
            "'{}' cannot be opened: {cause}; its folder must be there and writable",
            path.display()
        )))
    })?;
    // Who closes the file would put the log back into the tables, whatever syncs have failed before: `commits` does it, and knows.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    // Only a checkpoint can stand in the way, for a moment.
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        // SQLite takes it as good enough to read.
        if connection.is_readonly(DatabaseName::Main).map_err(failed)? {
            return Err(Error::Store(Text::say(format_args!(
                "'{}' may only be read by this user; let the user who runs the program write to it, and to its folder",
                path.display()
            ))));
        }
        // Before there is anything in a new file; an old one stays as it is.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failed)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        set_durability(&connection, Durability::Committed)?;
    }
    Ok(connection)
}

/// Whether the commits that follow wait for the disk.
fn set_durability(connection: &Connection, durability: Durability) -> Result<()> {
    let synchronous = match durability {
        Durability::Committed => "FULL",
        Durability::Buffered => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous).map_err(failed)
}

/// What SQLite refused, in words, and what to do. It does not say of which file: [`blame`] does.
fn failed(cause: rusqlite::Error) -> Error {
    let advice = match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; make room, and what is asked for then is taken on again",
        Some(ErrorCode::SystemIoFailure) => {
            "the disk has failed to read or to write; look into the system's log; what is asked for next is tried again"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the file is damaged, or none of ours; end the program, keep a copy, and take one from before, or what `sqlite3 FILE .recover` finds"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "let the user who runs the program write to the file and to its folder"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program holds it locked; let that one end",
        _ => "nothing of it was done",
    };
    Error::Store(Text::say(format_args!("SQLite: {cause}; {advice}")))
}
