//! Who runs: a place for each worker in a small file, which outlives the process however it ends.
//!
//! A claim is written there and not into the tables: it costs one call of the system, and nothing waits for a disk. A power cut may
//! lose it: then nobody is said to have run, and no task is blamed for it.

use crate::alloc::Text;
use crate::error::{Error, Result};
use crate::store::durable::InterruptedRun;
use crate::task::TaskId;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of a place: the id, the claims, and their sum, so that a torn one is told from a whole one.
const PLACE: usize = 24;
/// So many workers there are never.
const MOST: usize = 4096;

pub(super) struct Board(File);

impl Board {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        file.map(Self)
            .map_err(|cause| Error::Store(Text::say(format_args!("'{}' cannot be opened: {cause}", path.display()))))
    }

    /// Notes what a worker runs. What cannot be written is not: it only tells after a crash.
    pub(super) fn note(&self, worker: usize, run: Option<InterruptedRun>) {
        let (id, claims) = run.map_or((0, 0), |run| (run.id.value() as u64, u64::from(run.claims)));
        let mut place = [0; PLACE];
        place[..8].copy_from_slice(&id.to_le_bytes());
        place[8..16].copy_from_slice(&claims.to_le_bytes());
        place[16..].copy_from_slice(&id.wrapping_add(claims).to_le_bytes());
        if worker < MOST {
            let _ = self.0.write_all_at(&place, (worker * PLACE) as u64);
        }
    }

    /// Everybody who is noted.
    pub(super) fn read(&self) -> Vec<InterruptedRun> {
        let mut runs = Vec::new();
        let mut place = [0; PLACE];
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        for worker in 0..MOST {
            if self.0.read_exact_at(&mut place, (worker * PLACE) as u64).is_err() {
                break;
            }
            let (id, claims, sum) = (number(&place[..8]), number(&place[8..16]), number(&place[16..]));
            let id = i64::try_from(id).ok().and_then(|id| TaskId::new(id).ok());
            if let (Some(id), Ok(claims)) = (id, u32::try_from(claims)) {
                if sum == (id.value() as u64).wrapping_add(u64::from(claims)) {
                    runs.push(InterruptedRun { id, claims });
                }
            }
        }
        runs
    }

    /// Nobody runs any more. Where a power cut undoes this, what is read counts no run a second time.
    pub(super) fn clear(&self) {
        let _ = self.0.set_len(0);
    }
}
