//! The memory store: tasks end with the process. What is known of them is in the [`Table`]; this decides how long.

use crate::alloc::Ensure;
use crate::error::Result;
use crate::options::{DEFAULT_KEEP, MOST_FINISHED_KEPT_LONGER};
use crate::store::finished::{reserved, Finished, Gone};
use crate::store::table::{Chunk, ChunkCache, Table};
use crate::sync::{Arc, Mutex};
use crate::task::TaskId;
use std::collections::VecDeque;

#[derive(Debug)]
pub(crate) struct MemoryStore {
    pub(crate) table: Table,
    kept: Mutex<Kept>,
    keep_dead: usize,
    is_exact: bool,
}

/// Final tasks that can still be asked for.
#[derive(Debug)]
struct Kept {
    finished: Finished,
    /// The oldest first.
    dead: VecDeque<TaskId>,
    chunks: ChunkCache,
}

impl MemoryStore {
    /// # Errors
    /// [`Error::OutOfMemory`]: what the default retention needs is reserved at once, since the end of a run has nobody to tell
    /// of a lack of memory.
    pub(crate) fn new(keep_finished: usize, keep_dead: usize) -> Result<Self> {
        // Who chose a smaller number than the default wants exactly that.
        let young = if keep_finished < DEFAULT_KEEP { 0 } else { MOST_FINISHED_KEPT_LONGER };
        Ok(Self {
            table: Table::default(),
            kept: Mutex::new(Kept {
                finished: Finished::new(keep_finished, young)?,
                dead: reserved(keep_dead.min(DEFAULT_KEEP) + 1)?,
                chunks: ChunkCache::default(),
            }),
            keep_dead,
            is_exact: young == 0,
        })
    }

    pub(crate) fn chunk(&self, id: TaskId) -> Option<Arc<Chunk>> {
        self.table.chunk(id)
    }

    /// Whether just so many finished tasks are to be kept, and so to be noted at once.
    pub(crate) fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Notes tasks that have just succeeded or were cancelled or dropped, and forgets others. `has_extra`: more is known of
    /// them than their word; `forgot_extra` is told of those of which that is no longer to be known, at most as many as `ids`
    /// are. `now_ms`: of the coarse clock that never jumps.
    pub(crate) fn keep_finished(
        &self,
        ids: &[TaskId],
        has_extra: bool,
        now_ms: u32,
        mut forgot_extra: impl FnMut(TaskId),
    ) {
        let mut kept = self.kept.lock();
        let Kept { finished, chunks, .. } = &mut *kept;
        finished.add(ids, has_extra, now_ms, |gone| match gone {
            Gone::Extra(id) => forgot_extra(id),
            Gone::Task(id) => forget(&self.table, chunks, id),
        });
    }

    /// Notes a task that has just died, and forgets the oldest one if they are too many: `forgot` is told of it.
    pub(crate) fn keep_dead(&self, id: TaskId, mut forgot: impl FnMut(TaskId)) {
        let mut kept = self.kept.lock();
        let Kept { dead, chunks, .. } = &mut *kept;
        let mut forget_oldest = |dead: &mut VecDeque<TaskId>| {
            if let Some(oldest) = dead.pop_front() {
                forget(&self.table, chunks, oldest);
                forgot(oldest);
            }
        };
        if dead.ensure(1).is_err() {
            // The oldest makes room for the new one.
            forget_oldest(dead);
        }
        dead.push_back(id);
        while dead.len() > self.keep_dead {
            forget_oldest(dead);
        }
    }

    /// Forgets a task that was noted, or is about to be. Whether it was known.
    pub(crate) fn forget(&self, chunk: &Chunk, id: TaskId) -> bool {
        self.table.forget(chunk, id).state().is_some()
    }

    /// A dead task is to run again.
    pub(crate) fn is_dead_no_more(&self, id: TaskId) {
        self.kept.lock().dead.retain(|dead| *dead != id);
    }

    /// Counts dead tasks no more that were forgotten one by one. Finished ones count until it is their turn.
    pub(crate) fn let_go_of_purged(&self) {
        let mut kept = self.kept.lock();
        let Kept { dead, chunks, .. } = &mut *kept;
        dead.retain(|id| chunks.get(&self.table, *id).is_some_and(|chunk| chunk.entry(*id).word().state().is_some()));
    }
}

fn forget(table: &Table, chunks: &mut ChunkCache, id: TaskId) {
    if let Some(chunk) = chunks.get(table, id) {
        table.forget(chunk, id);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::store::table::Word;
    use crate::task::{PayloadFormat, Priority};

    fn insert(store: &MemoryStore, number: i64) -> TaskId {
        let id = TaskId::new(number).unwrap();
        let chunk = store.table.chunk_for_new(id).unwrap();
        chunk.entry(id).init(Word::ready(0, 0, Priority::Normal, PayloadFormat::Contractless), 1, 1);
        id
    }

    #[test]
    fn the_newest_finished_and_dead_tasks_are_kept_apart() {
        let store = MemoryStore::new(2, 1).unwrap();
        let all: Vec<_> = (1..=6).map(|number| insert(&store, number)).collect();
        for (index, &id) in all.iter().enumerate() {
            if index % 2 == 0 {
                store.keep_finished(&[id], false, 0, |_| ());
            } else {
                store.keep_dead(id, |_| ());
            }
        }
        let known = |id: &&TaskId| store.chunk(**id).is_some_and(|chunk| chunk.entry(**id).word().state().is_some());
        let kept: Vec<_> = all.iter().filter(known).map(|id| id.value()).collect();
        assert_eq!(kept, [3, 5, 6]);
    }

    #[test]
    fn a_chunk_is_given_back_when_all_its_tasks_are_forgotten() {
        let store = MemoryStore::new(0, 0).unwrap();
        for number in 1..=3 * crate::store::table::CHUNK {
            let id = insert(&store, number);
            store.keep_finished(&[id], false, 0, |_| ());
        }
        let first = TaskId::new(1).unwrap();
        assert!(store.chunk(first).is_none());
        let newest = TaskId::new(3 * crate::store::table::CHUNK).unwrap();
        assert!(store.chunk(newest).is_some(), "its ids are not all given out");
    }
}
