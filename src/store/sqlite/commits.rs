//! One commit after another, and what the disk makes of them.

use crate::error::{Error, Result};
use crate::options::Durability;
use crate::store::sqlite::changes::Changes;
use crate::store::sqlite::place::Place;
use crate::store::sqlite::retention::Keep;
use crate::store::sqlite::sealing::Keys;
use crate::store::sqlite::{failed, set_durability};
use rusqlite::{Connection, ErrorCode};
use std::sync::Arc;

/// Pages in the log, of 4 KiB, from which on they are put back into the tables.
const PAGES_OF_LOG: u64 = 1000;
/// Free pages that the file keeps for what comes next.
const FREE_PAGES: i64 = 1024;
/// Free pages that are given back in one step: whoever comes meanwhile waits no longer than for any commit.
const GIVEN_BACK: i64 = 256;

/// What changes are made through, by one thread.
pub(super) struct Commits<'c> {
    connection: &'c Connection,
    changes: Changes<'c>,
    place: &'c Place,
    /// Of SQLite, as it was last told.
    durability: Option<Durability>,
    /// Something was committed since the last sync.
    is_unsynced: bool,
    /// A sync has failed, and what it was to write may be lost with no word of it.
    is_doubtful: bool,
    log: Log,
    /// Free pages can be given back. A file of an older version has none of that kind: `backrun vacuum` is for those.
    gives_back: bool,
}

/// How full the log is. SQLite does not say, but when it is emptied: what is reckoned is put right then.
struct Log {
    weight: u64,
    most: u64,
}

/// What a commit is reckoned to weigh, in pages of the log or something like it.
pub(super) struct Weight {
    pub(super) changes: u64,
    pub(super) bytes: u64,
}

impl<'c> Commits<'c> {
    pub(super) fn new(connection: &'c Connection, place: &'c Place, keep: Keep, keys: Arc<Keys>) -> Result<Self> {
        // Instead of SQLite's own, which holds up whoever waits for the commit, and keeps a sync that fails to itself.
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
        let changes = Changes::new(connection, keep, keys)?;
        let auto_vacuum = connection.query_row("PRAGMA auto_vacuum", [], |row| row.get::<_, i64>(0));
        let gives_back = auto_vacuum.map_err(failed)? == 2;
        let log = Log { weight: 0, most: PAGES_OF_LOG / 4 };
        Ok(Self {
            connection,
            changes,
            place,
            durability: None,
            is_unsynced: true,
            is_doubtful: false,
            log,
            gives_back,
        })
    }

    /// Makes changes in one step. An error: nothing of them was made.
    pub(super) fn commit<T>(
        &mut self,
        durability: Durability,
        weight: &Weight,
        make: impl FnOnce(&mut Changes<'c>) -> Result<T>,
    ) -> Result<T> {
        self.place.check()?;
        self.settle_doubts()?;
        self.set(durability)?;
        let transaction = self.connection.unchecked_transaction().map_err(failed)?;
        let made = make(&mut self.changes).and_then(|made| {
            self.changes.forget_old()?;
            if durability == Durability::Committed && self.is_unsynced {
                // If nothing else has changed there is nothing to sync, and what is told now rests on what was buffered before.
                self.changes.touch()?;
            }
            Ok(made)
        });
        let made = match made {
            Ok(made) => transaction.commit().map_err(|cause| self.doubt(cause)).map(|()| made),
            Err(error) => {
                drop(transaction);
                Err(error)
            }
        };
        if made.is_err() {
            self.changes.rolled_back();
            return made;
        }
        self.changes.committed();
        self.is_unsynced = durability == Durability::Buffered;
        self.log.weight += 2 + weight.changes / 8 + weight.bytes / 4096;
        // It may have gone meanwhile, and the commit with it.
        self.place.check().and(made)
    }

    fn set(&mut self, durability: Durability) -> Result<()> {
        if self.durability != Some(durability) {
            self.durability = None;
            set_durability(self.connection, durability)?;
            self.durability = Some(durability);
        }
        Ok(())
    }

    /// Notes what a refusal of SQLite's means for what was written before.
    fn doubt(&mut self, cause: rusqlite::Error) -> Error {
        self.is_doubtful |= cause.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
        failed(cause)
    }

    /// After a sync that failed: nothing is taken on before all that was told of is written anew.
    fn settle_doubts(&mut self) -> Result<()> {
        if self.is_doubtful {
            self.place.rewrite_log()?;
            // What was refused is in the log too, though not counted there. It goes with the log, for good once the new one is synced.
            self.empty_log("TRUNCATE")?;
            self.set(Durability::Committed)?;
            let transaction = self.connection.unchecked_transaction().map_err(failed)?;
            self.changes.touch()?;
            transaction.commit().map_err(|cause| self.doubt(cause))?;
            self.is_doubtful = false;
        }
        Ok(())
    }

    /// Puts what is in the log back into the tables if there is much of it. Nobody waits for this; what goes wrong is dealt with at the next
    /// commit.
    pub(super) fn tidy(&mut self) {
        if self.log.weight < self.log.most || self.is_doubtful || self.place.check().is_err() {
            return;
        }
        let weight = std::mem::take(&mut self.log.weight);
        if let Ok(pages) = self.empty_log("PASSIVE") {
            self.log.most = (weight * PAGES_OF_LOG / pages.max(1)).clamp(8, 100 * PAGES_OF_LOG);
        }
    }

    /// Gives some of the pages back that are not in use, if those are many. Nobody waits for this. Whether there are more.
    pub(super) fn give_back(&mut self) -> bool {
        if !self.gives_back || self.is_doubtful || self.place.check().is_err() {
            return false;
        }
        let has_more = matches!(self.give_back_some(), Ok(true));
        self.tidy();
        has_more
    }

    fn give_back_some(&mut self) -> Result<bool> {
        let free = self.connection.prepare_cached("PRAGMA freelist_count");
        let free = free.and_then(|mut free| free.query_row([], |row| row.get::<_, i64>(0))).map_err(failed)?;
        let surplus = free - FREE_PAGES;
        if surplus <= 0 {
            return Ok(false);
        }
        self.set(Durability::Buffered)?;
        let count = surplus.min(GIVEN_BACK);
        let mut step = self.connection.prepare(&format!("PRAGMA incremental_vacuum({count})")).map_err(failed)?;
        let mut rows = step.query([]).map_err(failed)?;
        // A row is a page.
        while rows.next().map_err(|cause| self.doubt(cause))?.is_some() {}
        self.is_unsynced = true;
        self.log.weight += 2 * count as u64;
        Ok(surplus > count)
    }

    /// Pages that were in the log.
    fn empty_log(&mut self, how: &str) -> Result<u64> {
        let sql = format!("PRAGMA wal_checkpoint({how})");
        let pages = self.connection.query_row(&sql, [], |row| row.get::<_, i64>(1));
        pages.map(|pages| pages.max(0) as u64).map_err(|cause| self.doubt(cause))
    }

    /// Says that the end is a clean one.
    pub(super) fn end_cleanly(&mut self) -> Result<()> {
        self.commit(Durability::Committed, &Weight { changes: 0, bytes: 0 }, |changes| changes.end_cleanly())?;
        // So that the file alone is everything. Somebody who reads may be in the way; then the next start does it.
        self.empty_log("TRUNCATE").map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::plain_task;
    use crate::store::durable::{Change, Move, StoredTask};
    use crate::store::sqlite::{connect, schema};
    use crate::task::TaskId;
    use rusqlite::OpenFlags;

    #[test]
    fn what_is_no_longer_in_use_is_given_back_bit_by_bit_but_for_some_room() {
        let path = std::env::temp_dir().join(format!("backrun-{}-give-back.db", std::process::id()));
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = connect(&path, flags).unwrap();
        schema::prepare(&mut connection, "given back").unwrap();
        let pages =
            |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
        let place = Place::of(&path);
        let keep = Keep { finished: 0, dead: 0, age: None };
        let mut commits = Commits::new(&connection, &place, keep, Arc::default()).unwrap();
        let commit = |commits: &mut Commits<'_>, changes: &[Change]| {
            let weight = Weight { changes: changes.len() as u64, bytes: 0 };
            commits.commit(Durability::Buffered, &weight, |made| made.make(changes)).unwrap();
        };
        let ids = (1..=2000).map(|number| TaskId::new(number).unwrap());
        let task = |id| StoredTask { payload: vec![7; 4000], ..plain_task(id) };
        let accept: Vec<_> = ids.clone().map(|id| Change::Accept(Box::new(task(id)))).collect();
        let end: Vec<_> =
            ids.map(|id| Change::Move { id, claims: 1, uncounted: 0, now_us: 1, to: Move::DONE }).collect();
        commit(&mut commits, &accept);
        assert!(!commits.give_back(), "nothing is free");
        assert!(pages("page_count") > 2000);
        commit(&mut commits, &end);
        let free = pages("freelist_count");
        assert!(free > 1900, "{free}");
        assert!(commits.give_back());
        assert_eq!(pages("freelist_count"), free - GIVEN_BACK);
        while commits.give_back() {}
        assert_eq!(pages("freelist_count"), FREE_PAGES);
        commits.empty_log("TRUNCATE").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len() as i64, 4096 * pages("page_count"));
        drop(commits);
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(crate::store::sqlite::beside(&path, suffix));
        }
    }
}
