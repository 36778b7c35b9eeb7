//! What is forgotten of the tasks that have ended.

use crate::error::Result;
use crate::store::sqlite::changes::Changes;
use crate::sys;
use rusqlite::params;
use std::time::Duration;

/// Which of the tasks that have ended are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keep {
    /// So many finished ones, the newest.
    pub(super) finished: u64,
    /// So many dead ones.
    pub(super) dead: u64,
    /// None whose end is longer ago.
    pub(super) age: Option<Duration>,
}

/// Looks for what is too old this often at most, and at so many tasks of a kind: nobody's commit waits long for it.
const BETWEEN_LOOKS_US: i64 = 1_000_000;
const LOOKED_AT: i64 = 1000;

/// How far the looks for what is too old have come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looks {
    /// When the last one was.
    last_us: i64,
    /// The dead task that was looked at last. Their ids do not tell when they died: all have their turn, again and again.
    dead_after: i64,
}

/// How many are too many.
fn surplus(are: i64, keep: u64) -> Option<i64> {
    i64::try_from(keep).ok().map(|keep| are - keep).filter(|surplus| *surplus > 0)
}

impl Changes<'_> {
    /// Forgets those that have ended, as far as there are more than are to be kept, or they are too old.
    pub(super) fn forget_old(&mut self) -> Result<()> {
        if let Some(surplus) = surplus(self.counts.finished, self.keep.finished) {
            // Not by their numbers: somebody may have forgotten some of those between.
            let forget = "DELETE FROM finished WHERE seq IN (SELECT seq FROM finished ORDER BY seq LIMIT ?)";
            self.counts.finished -= self.prepared.execute(forget, params![surplus])?;
        }
        if let Some(surplus) = surplus(self.counts.dead, self.keep.dead) {
            // The oldest by their ids, which the index has them in.
            for forget in [
                "DELETE FROM note WHERE id IN (SELECT id FROM task WHERE state = 6 ORDER BY id LIMIT ?)",
                "DELETE FROM task WHERE id IN (SELECT id FROM task WHERE state = 6 ORDER BY id LIMIT ?)",
            ] {
                self.prepared.execute(forget, params![surplus])?;
            }
            self.counts.dead -= surplus;
        }
        let now = sys::unix_micros();
        // A clock that was put back counts anew.
        if (self.looks.last_us..self.looks.last_us.saturating_add(BETWEEN_LOOKS_US)).contains(&now) {
            return Ok(());
        }
        self.looks.last_us = now;
        self.forget_results_until(now)?;
        let Some(age) = self.keep.age else { return Ok(()) };
        self.forget_ended_before(now.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Forgets results that are not to be kept any longer; the rest of what is known of their tasks stays.
    fn forget_results_until(&self, now_us: i64) -> Result<()> {
        let forget = "UPDATE finished SET result = NULL, sealed_by = NULL, result_until_us = NULL WHERE seq IN \
                      (SELECT seq FROM finished WHERE result_until_us <= ? ORDER BY result_until_us LIMIT ?)";
        self.prepared.execute(forget, params![now_us, LOOKED_AT]).map(drop)
    }

    fn forget_ended_before(&mut self, limit_us: i64) -> Result<()> {
        // In the order of their ends: where the oldest are young, so are the others.
        let forget =
            "DELETE FROM finished WHERE finished_us < ? AND seq IN (SELECT seq FROM finished ORDER BY seq LIMIT ?)";
        self.counts.finished -= self.prepared.execute(forget, params![limit_us, LOOKED_AT])?;
        let look = "SELECT count(*), coalesce(max(id), 0) FROM (SELECT id FROM task WHERE state = 6 AND id > ? ORDER BY id LIMIT ?)";
        let (count, last) = self.prepared.row(look, params![self.looks.dead_after, LOOKED_AT], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?;
        let between = params![self.looks.dead_after, last, limit_us];
        let forget = "DELETE FROM task WHERE state = 6 AND id > ?1 AND id <= ?2 AND id IN (SELECT id FROM note WHERE id > ?1 AND id <= ?2 AND finished_us < ?3)";
        let forgotten = self.prepared.execute(forget, between)?;
        if forgotten > 0 {
            // Only what is dead has an end in its note.
            self.prepared.execute("DELETE FROM note WHERE id > ?1 AND id <= ?2 AND finished_us < ?3", between)?;
        }
        self.counts.dead -= forgotten;
        self.looks.dead_after = if count < LOOKED_AT { 0 } else { last };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::plain_task;
    use crate::store::durable::{Change, Move};
    use crate::store::sqlite::schema;
    use crate::task::{Failure, TaskId};
    use rusqlite::Connection;
    use std::sync::Arc;

    #[test]
    fn each_dead_task_has_its_turn_however_many_there_are_and_whatever_their_ids() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, "memory").unwrap();
        let keep = Keep { finished: u64::MAX, dead: u64::MAX, age: Some(Duration::from_secs(1)) };
        let mut changes = Changes::new(&connection, keep, Arc::default()).unwrap();
        let old = [7, 1400, 2600];
        for number in 1..=2600 {
            let id = TaskId::new(number).unwrap();
            let now_us = if old.contains(&number) { 10 } else { 100 };
            let to = Move::Dead { failure: Failure::message("no luck") };
            let end = Change::Move { id, claims: 1, uncounted: 0, now_us, to };
            changes.make(&[Change::Accept(Box::new(plain_task(id))), end]).unwrap();
        }
        let mut left = Vec::new();
        for _ in 0..4 {
            changes.forget_ended_before(50).unwrap();
            left.push(changes.counts.dead);
        }
        assert_eq!(left, [2599, 2598, 2597, 2597]);
        // From the beginning again, and only up to the limit itself.
        connection.execute("UPDATE note SET finished_us = 49 WHERE id = 1200", []).unwrap();
        connection.execute("UPDATE note SET finished_us = 50 WHERE id = 1201", []).unwrap();
        changes.forget_ended_before(50).unwrap();
        changes.forget_ended_before(50).unwrap();
        assert_eq!(changes.counts.dead, 2596);
        for table in ["note", "task"] {
            let sql = format!("SELECT count(*) FROM {table} WHERE id IN (7, 1200, 1400, 2600)");
            assert_eq!(connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{table}");
        }
    }
}
