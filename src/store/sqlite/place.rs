//! Where the file is, and whether it is still there.

use crate::alloc::Text;
use crate::error::{Error, Result};
use crate::sys::files::{identity, write_all_at, Identity};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A file that was opened, with its log.
pub(super) struct Place {
    path: PathBuf,
    log: PathBuf,
    opened: Option<(Identity, Identity)>,
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_path_buf().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

impl Place {
    /// Of a file that is open, and was written to, so that its log is there.
    pub(super) fn of(path: &Path) -> Self {
        let (path, log) = (path.to_path_buf(), beside(path, "-wal"));
        let opened = identity(&path).zip(identity(&log));
        Self { path, log, opened }
    }

    /// Whether the file that was opened is the one that the next process will find. SQLite goes on with one that was deleted.
    ///
    /// # Errors
    /// It is not, in words.
    pub(super) fn check(&self) -> Result<()> {
        let (file, log) = (identity(&self.path), identity(&self.log));
        if file.zip(log) == self.opened && self.opened.is_some() {
            return Ok(());
        }
        let is_file = file == self.opened.map(|(file, _)| file);
        let (which, now) = if is_file { (&self.log, log) } else { (&self.path, file) };
        let what = if now.is_some() { "replaced" } else { "deleted or moved away" };
        Err(Error::Store(Text::say(format_args!(
            "'{}' was {what} while it was in use; nothing is accepted until the file that was there is back, or the engine is started anew",
            which.display()
        ))))
    }

    /// Names the file in an error of SQLite's.
    pub(super) fn blame(&self, error: Error) -> Error {
        blame(&self.path, error)
    }

    /// See [`rewrite_log`].
    pub(super) fn rewrite_log(&self) -> Result<()> {
        rewrite_log(&self.log)
    }
}

/// Writes a log anew as the system has it in memory, and has that synced. After a sync that failed, Linux holds what was to be
/// written for written: a sync that succeeds later says nothing of it. A log that is not there is as good as written.
///
/// # Errors
/// The system's.
pub(super) fn rewrite_log(log: &Path) -> Result<()> {
    let refused = |cause: std::io::Error| {
        Error::Store(Text::say(format_args!(
                "'{}' could not be written anew: {cause}; let the user who runs the program write to it, and look into the system's log",
                log.display()
            )))
    };
    let opened = File::options().read(true).write(true).open(log);
    if opened.as_ref().is_err_and(|cause| cause.kind() == ErrorKind::NotFound) {
        return Ok(());
    }
    let mut file = opened.map_err(refused)?;
    let (mut block, mut at) = (vec![0; 1 << 16], 0);
    loop {
        let read = file.read(&mut block).map_err(refused)?;
        if read == 0 {
            return file.sync_all().map_err(refused);
        }
        write_all_at(&file, &block[..read], at).map_err(refused)?;
        at += read as u64;
    }
}

/// Names the file in an error of SQLite's, which does not.
pub(super) fn blame(path: &Path, error: Error) -> Error {
    match error {
        Error::Store(text) if text.starts_with("SQLite") => {
            Error::Store(Text::say(format_args!("'{}': {text}", path.display())))
        }
        other => other,
    }
}
