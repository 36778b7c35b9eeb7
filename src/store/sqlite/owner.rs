//! Whose file it is: one process at a time.

use crate::alloc::Text;
use crate::error::{Error, Result};
use crate::sys::files::try_lock;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a file that another process has is asked for. Only at the start of an engine.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Holds the file for this process. The system lets go of it when the process ends, however it does.
pub(super) struct Owner {
    _lock: File,
}

impl Owner {
    /// Waits for the file so long as another process has it.
    ///
    /// # Errors
    /// It still had it; or the system's.
    pub(super) fn take(path: &Path, wait: Duration) -> Result<Self> {
        let refused = |cause: std::io::Error| {
            Error::Store(Text::say(format_args!("'{}' cannot be opened: {cause}", path.display())))
        };
        let mut lock =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(refused)?;
        let until = Instant::now() + wait;
        while !try_lock(&lock).map_err(refused)? {
            if Instant::now() >= until {
                let mut owner = String::new();
                // What another one has written there is only for people.
                let _ = lock.read_to_string(&mut owner);
                return Err(Error::Store(Text::say(format_args!(
                    "the store is in use by process {}, and was for all of the {wait:?} that were waited (owner_wait); end that one, or use another file",
                    owner.trim()
                ))));
            }
            std::thread::sleep(AGAIN_AFTER);
        }
        let number = std::process::id();
        lock.set_len(0).and_then(|()| lock.seek(SeekFrom::Start(0))).map_err(refused)?;
        writeln!(lock, "{number}").map_err(refused)?;
        Ok(Self { _lock: lock })
    }
}
