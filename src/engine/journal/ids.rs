//! Ids that the store has given to this engine ahead, so that nobody waits for it with a lock held.

use crate::error::Result;
use crate::store::durable::Store;
use crate::sync::Mutex;
use crate::task::TaskId;

/// So many are asked for at a time.
const AHEAD: usize = 4096;

pub(super) struct Ids {
    /// The next one, and the first that is not the engine's.
    range: Mutex<(i64, i64)>,
    /// Held by whoever asks the store for more.
    asking: Mutex<()>,
}

impl Ids {
    pub(super) fn new() -> Self {
        Self { range: Mutex::new((0, 0)), asking: Mutex::default() }
    }

    /// Makes sure that so many that follow each other were there a moment ago. May wait for the store.
    pub(super) fn ensure(&self, store: &dyn Store, count: usize) -> Result<()> {
        if self.left() >= count as i64 {
            return Ok(());
        }
        let _asking = self.asking.lock();
        if self.left() >= count as i64 {
            return Ok(());
        }
        let more = count.max(AHEAD);
        let first = store.reserve_ids(more as u64)?.value();
        let mut range = self.range.lock();
        if range.1 == first {
            range.1 += more as i64;
        } else {
            *range = (first, first + more as i64);
        }
        Ok(())
    }

    fn left(&self) -> i64 {
        let range = self.range.lock();
        range.1 - range.0
    }

    /// The first of so many, if they are there.
    pub(super) fn take(&self, count: usize) -> Option<TaskId> {
        let mut range = self.range.lock();
        let first = range.0;
        if range.1 - first < count as i64 {
            return None;
        }
        range.0 += count as i64;
        Some(TaskId::counted(first))
    }
}
