//! An SQLite VFS between the store and the system's: it tells a [`Disk`] of every write, sync, truncation and deletion in that disk's
//! folder, and does, refuses or only pretends what the disk's rule says. It is the default VFS of this process, so that the store is
//! tested as it is; files outside of such folders pass through.
//!
//! Shared memory (`-shm`) and locks are the system's: a power cut loses the first, and ends the second with the process.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "all of it is called by SQLite, with files and texts that are valid during the call; each says what more it needs"
)]

use crate::disk::{self, Call, Disk, Kind, Part, Verdict};
use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};
use std::ffi::{c_char, c_int, c_void, CStr};
use std::mem::size_of;
use std::sync::{Arc, Once, OnceLock};

/// What SQLite has for each open file: this, and behind it the file of the system's VFS.
#[repr(C)]
struct File {
    base: sqlite3_file,
    on: Option<Box<On>>,
}

/// A file on a disk that is watched.
struct On {
    disk: Arc<Disk>,
    name: String,
    part: Part,
    inode: usize,
    /// It was created by this opening, and the folder does not know it for sure until it is synced for the first time.
    is_new: bool,
}

struct Vfs(*mut sqlite3_vfs);
// SAFETY: SQLite's VFSs live as long as the process and may be called from any thread.
unsafe impl Send for Vfs {}
// SAFETY: as above.
unsafe impl Sync for Vfs {}

static SYSTEM: OnceLock<Vfs> = OnceLock::new();
static REGISTERED: Once = Once::new();

/// Puts it before the system's. Once a process.
pub fn register() {
    REGISTERED.call_once(|| {
        // SAFETY: the default VFS exists once SQLite is initialised, which `sqlite3_vfs_find` sees to. Ours is a copy that differs in
        // how files are opened and deleted, and is never freed. The functions that are the system's take no notice of which VFS
        // they are called for (unix: UNUSED_PARAMETER).
        unsafe {
            let system = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!system.is_null());
            assert!(SYSTEM.set(Vfs(system)).is_ok());
            let mut ours = *system;
            ours.zName = c"backrun-power".as_ptr();
            ours.pNext = std::ptr::null_mut();
            ours.szOsFile = size_of::<File>() as c_int + (*system).szOsFile;
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1), ffi::SQLITE_OK);
        }
    });
}

fn system() -> *mut sqlite3_vfs {
    SYSTEM.get().expect("it is registered").0
}

/// The system's part of a file.
///
/// # Safety
/// SQLite must have given it, as this VFS's.
unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    file.cast::<u8>().add(size_of::<File>()).cast()
}

/// # Safety
/// As [`real`], and it is open.
unsafe fn methods(file: *mut sqlite3_file) -> &'static sqlite3_io_methods {
    &*(*real(file)).pMethods
}

/// # Safety
/// As [`real`], and nothing else has it meanwhile.
unsafe fn on<'f>(file: *mut sqlite3_file) -> Option<&'f mut On> {
    (*file.cast::<File>()).on.as_deref_mut()
}

/// # Safety
/// A text of SQLite's, or null.
unsafe fn text(name: *const c_char) -> String {
    if name.is_null() {
        return String::new();
    }
    CStr::from_ptr(name).to_string_lossy().into_owned()
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    file.cast::<File>().write(File { base: sqlite3_file { pMethods: std::ptr::null() }, on: None });
    let path = text(name);
    let found = disk::of(&path);
    if let Some((disk, name)) = &found {
        let call = Call { kind: Kind::Open, part: Part::of(name), at: 0, len: 0, size: 0 };
        if let Verdict::Fail(code) = disk.judge(&call) {
            return code;
        }
    }
    let code = (*system()).xOpen.unwrap()(system(), name, real(file), flags, out);
    if code != ffi::SQLITE_OK {
        if !(*real(file)).pMethods.is_null() {
            methods(file).xClose.unwrap()(real(file));
        }
        return code;
    }
    if let Some((disk, name)) = found {
        let (inode, is_new) = disk.opened(&name);
        (*file.cast::<File>()).on = Some(Box::new(On { disk, part: Part::of(&name), name, inode, is_new }));
    }
    (*file).pMethods = &METHODS;
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    let found = disk::of(&text(name));
    if let Some((disk, short)) = &found {
        let call = Call { kind: Kind::Delete, part: Part::of(short), at: 0, len: 0, size: 0 };
        if let Verdict::Fail(code) = disk.judge(&call) {
            return code;
        }
    }
    let sync = if found.is_some() { 0 } else { sync_folder };
    let code = (*system()).xDelete.unwrap()(system(), name, sync);
    if let (Some((disk, short)), ffi::SQLITE_OK) = (found, code) {
        disk.deleted(&short, sync_folder != 0);
    }
    code
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let code = methods(file).xClose.unwrap()(real(file));
    (*file.cast::<File>()).on = None;
    (*file).pMethods = std::ptr::null();
    code
}

unsafe fn size(file: *mut sqlite3_file) -> u64 {
    let mut size = 0;
    methods(file).xFileSize.unwrap()(real(file), &mut size);
    size as u64
}

/// # Safety
/// As [`on`].
unsafe fn judge(file: *mut sqlite3_file, kind: Kind, at: i64, len: u64) -> Verdict {
    let size = if kind == Kind::Write { size(file) } else { 0 };
    let Some(on) = on(file) else { return Verdict::Do };
    on.disk.look_for_rewriting(on.inode);
    on.disk.judge(&Call { kind, part: on.part, at: at as u64, len, size })
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, len: c_int, at: i64) -> c_int {
    if let Verdict::Fail(code) = judge(file, Kind::Read, at, len as u64) {
        return code;
    }
    methods(file).xRead.unwrap()(real(file), into, len, at)
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, len: c_int, at: i64) -> c_int {
    if let Verdict::Fail(code) = judge(file, Kind::Write, at, len as u64) {
        return code;
    }
    let code = methods(file).xWrite.unwrap()(real(file), from, len, at);
    if let (Some(on), ffi::SQLITE_OK) = (on(file), code) {
        on.disk.wrote(on.inode, at as u64, std::slice::from_raw_parts(from.cast(), len as usize));
    }
    code
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: i64) -> c_int {
    if let Verdict::Fail(code) = judge(file, Kind::Truncate, len, 0) {
        return code;
    }
    let code = methods(file).xTruncate.unwrap()(real(file), len);
    if let (Some(on), ffi::SQLITE_OK) = (on(file), code) {
        on.disk.truncated(on.inode, len as u64);
    }
    code
}

/// A disk in memory is as good for whoever cuts its power: the system is asked only for files that are not watched.
unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let verdict = judge(file, Kind::Sync, 0, 0);
    let Some(on) = on(file) else { return methods(file).xSync.unwrap()(real(file), flags) };
    match verdict {
        Verdict::Do => {
            // As the system's does for a new journal.
            let with_folder = std::mem::take(&mut on.is_new) && on.part != Part::Main;
            on.disk.synced(on.inode, with_folder);
            ffi::SQLITE_OK
        }
        Verdict::Pretend => ffi::SQLITE_OK,
        Verdict::Fail(code) => {
            on.disk.sync_failed(on.inode, &on.name);
            code
        }
    }
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, op: c_int, argument: *mut c_void) -> c_int {
    if op == ffi::SQLITE_FCNTL_PRAGMA {
        if let Some(on) = on(file) {
            // SAFETY: for this operation the argument is an array of texts: the answer's, the name, the value.
            let texts = argument.cast::<*const c_char>();
            if on.disk.swallows(&text(*texts.add(1)), &text(*texts.add(2))) {
                return ffi::SQLITE_OK;
            }
        }
    }
    methods(file).xFileControl.unwrap()(real(file), op, argument)
}

/// A method that is the system's.
macro_rules! pass {
    ($name:ident, $method:ident, ($($argument:ident: $type:ty),*) $(-> $result:ty)?) => {
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) $(-> $result)? {
            methods(file).$method.unwrap()(real(file), $($argument),*)
        }
    };
}
pass!(file_size, xFileSize, (size: *mut i64) -> c_int);
pass!(lock, xLock, (level: c_int) -> c_int);
pass!(unlock, xUnlock, (level: c_int) -> c_int);
pass!(check_reserved, xCheckReservedLock, (out: *mut c_int) -> c_int);
pass!(sector_size, xSectorSize, () -> c_int);
pass!(characteristics, xDeviceCharacteristics, () -> c_int);
pass!(shm_map, xShmMap, (page: c_int, size: c_int, extend: c_int, at: *mut *mut c_void) -> c_int);
pass!(shm_lock, xShmLock, (offset: c_int, count: c_int, flags: c_int) -> c_int);
pass!(shm_barrier, xShmBarrier, ());
pass!(shm_unmap, xShmUnmap, (delete: c_int) -> c_int);

// Version 2: no memory maps of the file, so that every write comes by.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
