//! A look into a file that somebody else may be at work on: nothing is locked, repaired or written.

use crate::alloc::Text;
use crate::crypto::EncryptionKey;
use crate::error::Result;
use crate::store::durable::{Page, Stored, StoredTask, Unfinished};
use crate::store::sqlite::reads::Reading;
use crate::store::sqlite::sealing::{KeyUse, Keys};
use crate::store::sqlite::{connect, failed, reads, schema};
use crate::task::TaskId;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

/// A file of tasks, to be read only, also while an engine has it.
pub struct SqliteView {
    connection: Connection,
    keys: Keys,
    path: PathBuf,
}

impl SqliteView {
    /// Opens a file that is there. What is encrypted with other keys than these is not read ([`StoredTask::unreadable`]), all else is.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store): there is none, it is another program's, an older or a newer version's, or damaged, or the system
    /// refuses it; a key is another one than the file knows by its id.
    pub fn open(path: &Path, keys: &[EncryptionKey]) -> Result<Self> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        schema::check(&connection, &Text::say(format_args!("{}", path.display())))?;
        let keys = Keys::match_up(&connection, keys)?;
        Ok(Self { connection, keys, path: path.into() })
    }

    fn reading(&self) -> Reading<'_> {
        Reading { connection: &self.connection, keys: &self.keys }
    }

    /// What is known of a task.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub fn get(&self, id: TaskId) -> Result<Option<StoredTask>> {
        reads::get(self.reading(), id)
    }

    /// What is known of tasks, those with the smallest ids first.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub fn list(&self, page: &Page<'_>) -> Result<Vec<StoredTask>> {
        reads::list(self.reading(), page)
    }

    /// How many tasks of each name have not ended.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub fn unfinished(&self) -> Result<Vec<Unfinished>> {
        reads::unfinished(&self.connection)
    }

    /// The queues that are paused.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub fn paused(&self) -> Result<Vec<Text>> {
        reads::paused(&self.connection)
    }

    /// How many tasks there are.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub fn stored(&self) -> Result<Stored> {
        reads::stored(&self.connection, &self.path)
    }

    /// How much is encrypted with which key, and how much is not. Reads all of the file.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub fn key_uses(&self) -> Result<Vec<KeyUse>> {
        self.keys.uses(&self.connection)
    }

    /// Reads all of the file, and says what is wrong with it; nothing: it is whole.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub fn check(&self) -> Result<Vec<Text>> {
        let mut check = self.connection.prepare("PRAGMA integrity_check").map_err(failed)?;
        let lines = check.query_map([], |row| Ok(reads::text(row, 0)?.unwrap_or_default())).map_err(failed)?;
        let mut wrong = Vec::new();
        for line in lines {
            let line = line.map_err(failed)?;
            if *line != *"ok" {
                wrong.push(line);
            }
        }
        Ok(wrong)
    }
}
