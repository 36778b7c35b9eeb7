//! The tables, and how those of older versions become them.
//!
//! `task` holds what is not done yet, and what is dead: rows are written at its end and mostly deleted near its beginning, in the
//! order of the ids. What few tasks have stands in `note`. What has ended moves to `finished`, in the order of the ends, so that the
//! oldest can be forgotten without a look at the others. There is an index only where rows are few: most tasks are of priority 0
//! and never scheduled, and pay for none.
//!
//! `sealed_by` is the number of the key that payload, user context and result of a row are encrypted with; NULL: of none.

use crate::alloc::Text;
use crate::error::{Error, Result};
use crate::store::sqlite::failed;
use rusqlite::Connection;

/// One step each, from the version before it. A released step is never changed.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE name (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('next_id', 1), ('unclean', 0);
    CREATE TABLE task (
        id INTEGER PRIMARY KEY,
        state INTEGER NOT NULL,
        task_name INTEGER NOT NULL,
        queue INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        payload_format INTEGER NOT NULL,
        claims INTEGER NOT NULL,
        uncounted INTEGER NOT NULL,
        crashes INTEGER NOT NULL,
        submitted_us INTEGER NOT NULL,
        run_at_ms INTEGER,
        by_wall INTEGER,
        own BLOB,
        payload BLOB NOT NULL,
        user_context BLOB,
        headers BLOB
    ) STRICT;
    CREATE INDEX task_scheduled ON task (run_at_ms) WHERE state = 1;
    CREATE INDEX task_urgent ON task (priority, id) WHERE state = 2 AND priority <> 0;
    CREATE INDEX task_dead ON task (id) WHERE state = 6;
    CREATE TABLE note (
        id INTEGER PRIMARY KEY,
        finished_us INTEGER,
        failure_type TEXT,
        failure_message TEXT,
        failure_detail TEXT
    ) STRICT;
    CREATE TABLE finished (
        seq INTEGER PRIMARY KEY,
        id INTEGER NOT NULL UNIQUE,
        state INTEGER NOT NULL,
        task_name INTEGER NOT NULL,
        queue INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        payload_format INTEGER NOT NULL,
        claims INTEGER NOT NULL,
        uncounted INTEGER NOT NULL,
        crashes INTEGER NOT NULL,
        submitted_us INTEGER NOT NULL,
        finished_us INTEGER NOT NULL,
        reason TEXT,
        result BLOB
    ) STRICT;
    CREATE TABLE paused (queue TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE encryption_key (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, proof BLOB NOT NULL) STRICT;
    ALTER TABLE task ADD COLUMN sealed_by INTEGER;
    ALTER TABLE finished ADD COLUMN sealed_by INTEGER;
    ALTER TABLE finished ADD COLUMN result_until_us INTEGER;
    CREATE INDEX finished_result ON finished (result_until_us) WHERE result_until_us IS NOT NULL;
    INSERT INTO meta VALUES ('may_be_plain', 1);
",
];

/// Says in the file's header whose it is: \"Bkrn\".
const APPLICATION_ID: i32 = 0x426b_726e;

/// Makes the tables of a new file, or brings an older one up to date.
///
/// # Errors
/// The file is another program's, or a newer version's; or SQLite's.
pub(super) fn prepare(connection: &mut Connection, path: &str) -> Result<()> {
    let version = version(connection, path)?;
    for (index, step) in MIGRATIONS.iter().enumerate().skip(version.max(0) as usize) {
        let transaction = connection.transaction().map_err(failed)?;
        transaction.execute_batch(step).map_err(failed)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        transaction.pragma_update(None, "user_version", index as i32 + 1).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

/// Looks whether the tables are those that this version reads.
///
/// # Errors
/// As of [`prepare`], and the file is an older version's.
pub(super) fn check(connection: &Connection, path: &str) -> Result<()> {
    let (version, known) = (version(connection, path)?, MIGRATIONS.len() as i32);
    if version < known {
        return Err(Error::Store(Text::say(format_args!(
            "'{path}' was written by an older Backrun (its tables have version {version}, this one reads {known}); an engine that opens it brings it up to date"
        ))));
    }
    Ok(())
}

/// The version of the tables; 0: there are none yet.
fn version(connection: &Connection, path: &str) -> Result<i32> {
    let pragma = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id").map_err(failed)?, pragma("user_version").map_err(failed)?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(Error::Store(Text::say(format_args!(
            "'{path}' is an SQLite file of another program; let Backrun have a file of its own"
        ))));
    }
    let known = MIGRATIONS.len() as i32;
    if version > known {
        return Err(Error::Store(Text::say(format_args!(
            "'{path}' was written by a newer Backrun (its tables have version {version}, this one knows {known}); use that one, or another file"
        ))));
    }
    Ok(version)
}
