//! A folder whose every change is recorded, and that can be in trouble.

use crate::cut::Image;
use crate::vfs;
use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

/// The name of the store's file in the folder.
pub const NAME: &str = "tasks.db";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Main,
    Wal,
    Journal,
}

impl Part {
    pub fn of(name: &str) -> Self {
        match name {
            _ if name.ends_with("-wal") => Part::Wal,
            _ if name.ends_with("-journal") => Part::Journal,
            _ => Part::Main,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Delete,
}

/// What SQLite asks of the disk. `size` is the file's, where it writes.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub kind: Kind,
    pub part: Part,
    pub at: u64,
    pub len: u64,
    pub size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Do,
    Fail(c_int),
    /// A sync is not done, and said to be.
    Pretend,
}

/// What a disk does with what it is asked for.
pub type Rule = Box<dyn FnMut(&Call) -> Verdict + Send>;

/// What happened, in this order.
#[derive(Debug, Clone)]
pub enum Event {
    Create {
        name: String,
        inode: usize,
    },
    Delete {
        name: String,
    },
    SyncFolder,
    Write {
        inode: usize,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        inode: usize,
        len: u64,
    },
    Sync {
        inode: usize,
    },
    /// The system said that it could not, and what was to be synced is in the cache and will never be tried again.
    SyncFailed {
        inode: usize,
    },
    /// A file in which that happened was written anew from its first byte to its last, past SQLite, and synced.
    Rewritten {
        inode: usize,
        bytes: Vec<u8>,
    },
    /// The store was asked for a batch.
    Asked {
        batch: usize,
    },
    /// And told of it, without an error.
    Told {
        batch: usize,
    },
    /// It was told of with an error.
    Refused,
    /// Ids were given out, up to this one.
    Ids {
        last: i64,
    },
    /// It is about to be noted that a worker runs a task, or none any more.
    Claiming {
        worker: usize,
        run: Option<(i64, u32)>,
    },
    /// It is noted.
    Claimed,
    Closing,
    Closed,
}

#[derive(Default)]
struct Inside {
    names: BTreeMap<String, usize>,
    inodes: usize,
    log: Vec<Event>,
    /// Those whose last sync failed.
    doubtful: BTreeMap<usize, PathBuf>,
}

pub struct Disk {
    folder: PathBuf,
    inside: Mutex<Inside>,
    rule: Mutex<Option<Rule>>,
    /// A value of `PRAGMA synchronous` that it hears and does not pass on.
    swallowed: Mutex<Option<String>>,
}

static DISKS: Mutex<Vec<Arc<Disk>>> = Mutex::new(Vec::new());
static FOLDERS: AtomicU64 = AtomicU64::new(0);

/// The disk that has a file, and the file's name there.
pub fn of(path: &str) -> Option<(Arc<Disk>, String)> {
    let path = Path::new(path);
    let (folder, name) = (path.parent()?, path.file_name()?.to_str()?);
    let disks = DISKS.lock().unwrap();
    disks.iter().find(|disk| disk.folder == folder).map(|disk| (disk.clone(), name.to_owned()))
}

/// A disk that goes with whoever has this.
pub struct Mounted(pub Arc<Disk>);

impl std::ops::Deref for Mounted {
    type Target = Disk;
    fn deref(&self) -> &Disk {
        &self.0
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        DISKS.lock().unwrap().retain(|disk| !Arc::ptr_eq(disk, &self.0));
        let _ = fs::remove_dir_all(&self.0.folder);
    }
}

impl Disk {
    /// A folder with these files in it, all of them safe.
    pub fn mount(image: &Image) -> Mounted {
        vfs::register();
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        // In memory where there is such a place: what is asked of the disk is recorded, and its own syncs are only slow.
        let memory = PathBuf::from("/dev/shm");
        let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = place.join(format!("backrun-disk-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        let mut inside = Inside::default();
        for (name, bytes) in &image.files {
            fs::write(folder.join(name), bytes).unwrap();
            inside.names.insert(name.clone(), inside.inodes);
            inside.inodes += 1;
        }
        let inside = Mutex::new(inside);
        let disk = Arc::new(Disk { folder, inside, rule: Mutex::default(), swallowed: Mutex::default() });
        DISKS.lock().unwrap().push(disk.clone());
        Mounted(disk)
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn set_rule(&self, rule: impl FnMut(&Call) -> Verdict + Send + 'static) {
        *self.rule.lock().unwrap() = Some(Box::new(rule));
    }

    pub fn works_again(&self) {
        *self.rule.lock().unwrap() = None;
    }

    pub fn swallow(&self, synchronous: &str) {
        *self.swallowed.lock().unwrap() = Some(synchronous.to_owned());
    }

    pub fn swallows(&self, name: &str, value: &str) -> bool {
        let value = value.trim_matches('\'');
        name == "synchronous" && self.swallowed.lock().unwrap().as_deref().is_some_and(|wanted| wanted == value)
    }

    pub fn judge(&self, call: &Call) -> Verdict {
        self.rule.lock().unwrap().as_mut().map_or(Verdict::Do, |rule| rule(call))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    pub fn note(&self, event: Event) {
        self.inside().log.push(event);
    }

    /// What has happened so far.
    pub fn log(&self) -> Vec<Event> {
        self.inside().log.clone()
    }

    /// A file is open; which one it is, and whether it is new.
    pub fn opened(&self, name: &str) -> (usize, bool) {
        let mut inside = self.inside();
        if let Some(inode) = inside.names.get(name) {
            return (*inode, false);
        }
        let inode = inside.inodes;
        inside.inodes += 1;
        inside.names.insert(name.to_owned(), inode);
        inside.log.push(Event::Create { name: name.to_owned(), inode });
        (inode, true)
    }

    pub fn deleted(&self, name: &str, synced: bool) {
        let mut inside = self.inside();
        inside.names.remove(name);
        inside.log.push(Event::Delete { name: name.to_owned() });
        if synced {
            inside.log.push(Event::SyncFolder);
        }
    }

    pub fn wrote(&self, inode: usize, at: u64, bytes: &[u8]) {
        self.note(Event::Write { inode, at, bytes: bytes.to_vec() });
        self.mark(inode);
    }

    pub fn truncated(&self, inode: usize, len: u64) {
        self.note(Event::Truncate { inode, len });
        self.mark(inode);
    }

    /// A doubtful file has a time of change that only somebody else can have changed.
    fn mark(&self, inode: usize) {
        if let Some(path) = self.inside().doubtful.get(&inode) {
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
    }

    /// Looks whether somebody has written a doubtful file anew. It is trusted to have been synced.
    pub fn look_for_rewriting(&self, inode: usize) {
        let mut inside = self.inside();
        let Some(path) = inside.doubtful.get(&inode) else { return };
        if fs::metadata(path).unwrap().modified().unwrap() != SystemTime::UNIX_EPOCH {
            let bytes = fs::read(path).unwrap();
            inside.doubtful.remove(&inode);
            inside.log.push(Event::Rewritten { inode, bytes });
        }
    }

    pub fn synced(&self, inode: usize, with_folder: bool) {
        let mut inside = self.inside();
        inside.log.push(Event::Sync { inode });
        if with_folder {
            inside.log.push(Event::SyncFolder);
        }
    }

    /// The last sync of a file failed in an earlier process.
    pub fn doubt(&self, name: &str) {
        let inode = self.opened(name).0;
        self.inside().doubtful.insert(inode, self.folder.join(name));
        self.mark(inode);
    }

    pub fn sync_failed(&self, inode: usize, name: &str) {
        self.note(Event::SyncFailed { inode });
        self.inside().doubtful.insert(inode, self.folder.join(name));
        self.mark(inode);
    }
}
