//! The memory store: tasks end with the process. What is known of them is in the [`Table`]; this decides how long.

use crate::error::{Error, Result};
use crate::store::table::{Chunk, ChunkCache, Table};
use crate::sync::{Arc, Mutex};
use crate::task::{State, TaskId};
use std::collections::VecDeque;

/// Copies bytes, or says that there is no memory for them.
pub(crate) fn copy_bytes(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| Error::OutOfMemory { bytes: bytes.len() })?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

#[derive(Debug)]
pub(crate) struct MemoryStore {
    pub(crate) table: Table,
    kept: Mutex<Kept>,
    keep_finished: usize,
    keep_dead: usize,
}

/// Final tasks that can still be asked for, the oldest first.
#[derive(Debug, Default)]
struct Kept {
    finished: VecDeque<TaskId>,
    dead: VecDeque<TaskId>,
    chunks: ChunkCache,
}

impl MemoryStore {
    /// # Errors
    /// [`Error::OutOfMemory`]: what the default retention needs is reserved at once, since the end of a run has nobody to tell
    /// of a lack of memory.
    pub(crate) fn new(keep_finished: usize, keep_dead: usize) -> Result<Self> {
        Ok(Self {
            table: Table::default(),
            kept: Mutex::new(Kept {
                finished: reserved(keep_finished)?,
                dead: reserved(keep_dead)?,
                chunks: ChunkCache::default(),
            }),
            keep_finished,
            keep_dead,
        })
    }

    pub(crate) fn chunk(&self, id: TaskId) -> Option<Arc<Chunk>> {
        self.table.chunk(id)
    }

    /// Notes tasks that have come to a final state, and forgets the oldest of those that are too many: `forgot` is told of
    /// those that had an extra.
    pub(crate) fn keep(&self, ids: &[TaskId], state: State, mut forgot: impl FnMut(TaskId)) {
        let mut kept = self.kept.lock();
        let Kept { finished, dead, chunks } = &mut *kept;
        let (list, limit) = match state {
            State::Dead => (dead, self.keep_dead),
            _ => (finished, self.keep_finished),
        };
        // Without memory for more than was reserved, the oldest make room for the new.
        let limit = if list.try_reserve(ids.len()).is_ok() { limit } else { list.capacity() - ids.len() };
        while list.len() > limit {
            let Some(oldest) = list.pop_front() else { break };
            forget(&self.table, chunks, oldest, &mut forgot);
        }
        list.extend(ids);
        while list.len() > limit {
            let Some(oldest) = list.pop_front() else { break };
            forget(&self.table, chunks, oldest, &mut forgot);
        }
    }
}

/// Forgets a task; `forgot` is told if it had an extra.
fn forget(table: &Table, chunks: &mut ChunkCache, id: TaskId, forgot: &mut impl FnMut(TaskId)) {
    let Some(chunk) = chunks.get(table, id) else { return };
    if table.forget(chunk, id).is_slow() {
        forgot(id);
    }
}

/// A list with room for what is kept by default, and for what one step adds before it takes away.
fn reserved(keep: usize) -> Result<VecDeque<TaskId>> {
    let count = keep.min(crate::options::DEFAULT_KEEP) + 16;
    let mut list = VecDeque::new();
    list.try_reserve_exact(count).map_err(|_| Error::OutOfMemory { bytes: count * size_of::<TaskId>() })?;
    Ok(list)
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
            store.keep(&[id], if index % 2 == 0 { State::Succeeded } else { State::Dead }, |_| ());
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
            store.keep(&[id], State::Succeeded, |_| ());
        }
        let first = TaskId::new(1).unwrap();
        assert!(store.chunk(first).is_none());
        let newest = TaskId::new(3 * crate::store::table::CHUNK).unwrap();
        assert!(store.chunk(newest).is_some(), "its ids are not all given out");
    }
}
