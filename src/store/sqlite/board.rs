//! Who runs what: claims whose end the tables do not have, in a small file, which outlives the process however it ends.
//!
//! A claim is written there and not into the tables: it costs one call of the system, and nothing waits for a disk. Its place is used
//! again once the tables have a move that names it. So after a kill the file has every claim that the tables lack, and the next lease of
//! each task is a larger one; and of each worker the last claim is the one that ran. A power cut may lose it: then nobody is said to have
//! run, and no task is blamed for it.

use crate::alloc::Text;
use crate::error::{Error, Result};
use crate::store::durable::{Change, InterruptedRun};
use crate::sync::{Mutex, MutexGuard};
use crate::sys::files::{read_exact_at, write_all_at};
use crate::task::TaskId;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Bytes of a place: the id, the claims and the worker, the number of the claim, and the sum of these, so that a torn one is told from a
/// whole one.
const PLACE: usize = 32;
/// Set in the number of the worker: the run has ended, and its end is not in the tables yet.
const ENDED: u32 = 1 << 31;

pub(super) struct Board {
    file: File,
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    /// Of each claim that the tables do not have.
    of: HashMap<InterruptedRun, u32>,
    /// Places that can be used again, and the first one that was never used.
    free: Vec<u32>,
    unused: u32,
    /// What each worker runs.
    current: HashMap<usize, InterruptedRun>,
    /// Claims so far.
    count: u64,
    /// The file may be the next process's: nothing is noted any more.
    closed: bool,
}

/// A claim of an earlier process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) run: InterruptedRun,
    /// Its worker had begun no other one, nor come to its end.
    pub(super) was_running: bool,
}

#[derive(Clone, Copy)]
struct Entry {
    run: InterruptedRun,
    worker: u32,
    number: u64,
}

impl Entry {
    fn to_bytes(self) -> [u8; PLACE] {
        let id = self.run.id.value() as u64;
        let who = u64::from(self.run.claims) | u64::from(self.worker) << 32;
        let sum = id.wrapping_add(who).wrapping_add(self.number);
        let mut bytes = [0; PLACE];
        for (place, word) in bytes.chunks_exact_mut(8).zip([id, who, self.number, sum]) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Nothing where it is not whole.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut words = [0; 4];
        for (word, place) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(place.try_into().ok()?);
        }
        let [id, who, number, sum] = words;
        if sum != id.wrapping_add(who).wrapping_add(number) {
            return None;
        }
        let id = i64::try_from(id).ok().and_then(|id| TaskId::new(id).ok())?;
        Some(Self { run: InterruptedRun { id, claims: who as u32 }, worker: (who >> 32) as u32, number })
    }
}

impl Board {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file
            .map_err(|cause| Error::Store(Text::say(format_args!("'{}' cannot be opened: {cause}", path.display()))))?;
        Ok(Self { file, places: Mutex::default() })
    }

    /// Notes what a worker runs. What cannot be written is not: it only tells after a crash.
    pub(super) fn note(&self, worker: usize, run: Option<InterruptedRun>) {
        let mut places = self.places();
        if places.closed {
            return;
        }
        let worker_number = worker as u32 & !ENDED;
        let (place, entry) = match run {
            Some(run) => {
                places.count += 1;
                let place = places.free.pop().unwrap_or(places.unused);
                places.unused = places.unused.max(place + 1);
                places.of.insert(run, place);
                places.current.insert(worker, run);
                (place, Entry { run, worker: worker_number, number: places.count })
            }
            None => {
                let Some(run) = places.current.remove(&worker) else { return };
                // Unless the tables have its end already.
                let Some(&place) = places.of.get(&run) else { return };
                (place, Entry { run, worker: worker_number | ENDED, number: places.count })
            }
        };
        // With the lock held: the place of a claim that is written down late could have been given to another one.
        let _ = write_all_at(&self.file, &entry.to_bytes(), u64::from(place) * PLACE as u64);
    }

    /// The tables have these changes: their claims need not be known here any more.
    pub(super) fn forget_recorded(&self, changes: &[Change]) {
        for change in changes {
            let Change::Move { id, claims, .. } = *change else { continue };
            let mut places = self.places();
            if let Some(place) = places.of.remove(&InterruptedRun { id, claims }) {
                places.free.push(place);
            }
        }
    }

    /// Notes nothing more.
    pub(super) fn close(&self) {
        self.places().closed = true;
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // Whoever panicked with it has left a claim unwritten at worst.
        self.places.lock()
    }

    /// Every claim that is noted.
    pub(super) fn read(&self) -> Vec<Noted> {
        let mut bytes = Vec::new();
        let length = self.file.metadata().map_or(0, |metadata| metadata.len()) as usize;
        bytes.resize(length - length % PLACE, 0);
        if read_exact_at(&self.file, &mut bytes, 0).is_err() {
            return Vec::new();
        }
        let entries: Vec<_> = bytes.chunks_exact(PLACE).filter_map(Entry::from_bytes).collect();
        let mut last: HashMap<u32, u64> = HashMap::new();
        for entry in &entries {
            let number = last.entry(entry.worker & !ENDED).or_default();
            *number = entry.number.max(*number);
        }
        let noted = entries.iter().map(|entry| Noted {
            run: entry.run,
            was_running: entry.worker & ENDED == 0 && last.get(&entry.worker) == Some(&entry.number),
        });
        noted.collect()
    }

    /// Nobody runs any more. Where a power cut undoes this, what is read counts no run a second time.
    pub(super) fn clear(&self) {
        let _ = self.file.set_len(0);
    }
}
