//! Folders of what is made.

use crate::process::Result;
use std::fs;
use std::path::{Path, PathBuf};

/// Makes a folder, and those above it, unless it is there.
pub fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))
}

/// Makes the folder of a file.
pub fn make_for(file: &Path) -> Result<()> {
    file.parent().map_or(Ok(()), make)
}

/// Makes a folder that is empty, whatever was there.
pub fn empty(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| format!("cannot remove {}: {e}", folder.display()))?;
    }
    make(&folder)?;
    Ok(folder)
}
