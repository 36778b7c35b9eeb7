//! Folders of what is made anew each time.

use crate::process::Result;
use std::fs;
use std::path::PathBuf;

/// Makes a folder that is empty, whatever was there.
pub fn empty(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| format!("cannot remove {}: {e}", folder.display()))?;
    }
    fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    Ok(folder)
}
