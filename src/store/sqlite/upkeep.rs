//! What is done to a whole file while no engine has it.

use crate::alloc::Text;
use crate::crypto::Part;
use crate::error::Result;
use crate::store::durable::StoredTask;
use crate::store::sqlite::owner::Owner;
use crate::store::sqlite::place::{beside, blame, rewrite_log};
use crate::store::sqlite::reads::{get, Reading};
use crate::store::sqlite::sealing::Keys;
use crate::store::sqlite::{connect, failed, schema, SqliteOptions};
use crate::task::TaskId;
use rusqlite::{params, Connection, OpenFlags};

/// Rows of one step.
const BATCH: i64 = 64;

/// What [`encrypt`] has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encrypted {
    /// Tasks whose payload, user context or result it has encrypted anew.
    pub tasks: u64,
    /// Tasks that cannot be read, and are as they were; and why.
    pub unreadable: Vec<(TaskId, Text)>,
}

/// Encrypts all of a file with the first of its keys: what is not encrypted, and what is encrypted with the others. Afterwards nothing
/// of it is left in the clear, also not in parts of the file that are not in use, and the others are needed no more. The file may be
/// killed or run out of disk in the middle: what is done is done, and the next call goes on.
///
/// # Errors
/// As of [`SqliteStore::open`](super::SqliteStore::open); `options` have no encryption.
pub fn encrypt(options: &SqliteOptions) -> Result<Encrypted> {
    alone(options, || encrypt_owned(options))
}

/// Gives back to the file system what is not in use, however much that is, and lets an engine do so from now on. It needs as much room
/// on the disk again as is in use.
///
/// # Errors
/// As of [`SqliteStore::open`](super::SqliteStore::open).
pub fn vacuum(options: &SqliteOptions) -> Result<()> {
    alone(options, || rewrite(&open(options)?))
}

/// Does something while no other process has the file.
fn alone<T>(options: &SqliteOptions, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let _owner = Owner::take(&beside(&options.path, "-owner"), options.owner_wait)?;
    act().map_err(|error| blame(&options.path, error))
}

fn open(options: &SqliteOptions) -> Result<Connection> {
    rewrite_log(&beside(&options.path, "-wal"))?;
    let mut connection = connect(&options.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    schema::prepare(&mut connection, &Text::say(format_args!("{}", options.path.display())))?;
    Ok(connection)
}

/// Writes all of the file anew, without what was there before.
fn rewrite(connection: &Connection) -> Result<()> {
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM").map_err(failed)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)
}

fn encrypt_owned(options: &SqliteOptions) -> Result<Encrypted> {
    let mut connection = open(options)?;
    let keys = Keys::take(&mut connection, options.encryption.as_ref(), false)?;
    let mut done = Encrypted::default();
    for (table, has_bytes) in [("task", ""), ("finished", "AND result IS NOT NULL")] {
        let find =
            format!("SELECT id FROM {table} WHERE id > ? AND sealed_by IS NOT ? {has_bytes} ORDER BY id LIMIT ?");
        let mut after = 0;
        loop {
            let ids = next_ids(&connection, &find, params![after, keys.number(), BATCH])?;
            let Some(last) = ids.last() else { break };
            after = last.value();
            let transaction = connection.transaction().map_err(failed)?;
            for id in ids {
                let Some(task) = get(Reading { connection: &transaction, keys: &keys }, id)? else { continue };
                match task.unreadable {
                    Some(why) => done.unreadable.push((id, why)),
                    None => {
                        encrypt_one(&transaction, &keys, &task, table)?;
                        done.tasks += 1;
                    }
                }
            }
            transaction.commit().map_err(failed)?;
        }
    }
    rewrite(&connection)?;
    Ok(done)
}

fn next_ids(connection: &Connection, find: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<TaskId>> {
    let mut find = connection.prepare_cached(find).map_err(failed)?;
    let mut rows = find.query(values).map_err(failed)?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        ids.push(TaskId::new(row.get(0).map_err(failed)?)?);
    }
    Ok(ids)
}

fn encrypt_one(connection: &Connection, keys: &Keys, task: &StoredTask, table: &str) -> Result<()> {
    let id = task.id.value();
    let seal = |part, plain: &[u8]| keys.seal(id, part, plain);
    if table == "task" {
        let context = task.user_context.as_deref().map(|plain| seal(Part::UserContext, plain)).transpose()?.flatten();
        let set = "UPDATE task SET payload = ?, user_context = ?, sealed_by = ? WHERE id = ?";
        let values = params![seal(Part::Payload, &task.payload)?, context, keys.number(), id];
        connection.prepare_cached(set).and_then(|mut set| set.execute(values)).map_err(failed)?;
    } else {
        let result = task.result.as_deref().map(|plain| seal(Part::Result, plain)).transpose()?.flatten();
        let set = "UPDATE finished SET result = ?, sealed_by = ? WHERE id = ?";
        let values = params![result, keys.number(), id];
        connection.prepare_cached(set).and_then(|mut set| set.execute(values)).map_err(failed)?;
    }
    Ok(())
}
