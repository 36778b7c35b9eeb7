//! A place for files.
#![allow(dead_code, reason = "no one test uses all of it")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A new folder, which goes with what is in it.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("backrun-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// The file of a store.
    pub fn file(&self) -> PathBuf {
        self.0.join("tasks.db")
    }

    /// Its files as they are now: what a process leaves that is killed.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        for file in std::fs::read_dir(&self.0).unwrap().flatten() {
            std::fs::copy(file.path(), copy.0.join(file.file_name())).unwrap();
        }
        copy
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
