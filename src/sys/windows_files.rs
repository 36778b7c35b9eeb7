//! What the durable store asks of files beyond std: which one it is, a lock, and reading and writing at a place.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::mem::zeroed;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use winapi::shared::winerror::ERROR_LOCK_VIOLATION;
use winapi::um::fileapi::{GetFileInformationByHandle, LockFileEx, BY_HANDLE_FILE_INFORMATION};
use winapi::um::minwinbase::{LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, OVERLAPPED};

/// The file system's number of a file: of its volume, and there.
pub(crate) type Identity = (u64, u64);

/// Which byte is locked: far behind all that a file has. A lock of Windows keeps others from reading what it covers, and they read whose it is.
const LOCKED_BYTE_HIGH: u32 = 1 << 30;

/// Which file lies there now, if any.
pub(crate) fn identity(path: &Path) -> Option<Identity> {
    // No access is asked for, so that it is in nobody's way.
    let file = OpenOptions::new().access_mode(0).open(path).ok()?;
    // SAFETY: a structure of numbers, which may all be zero.
    let mut about: BY_HANDLE_FILE_INFORMATION = unsafe { zeroed() };
    // SAFETY: the handle is open during the call, which writes one whole structure or fails.
    let answer = unsafe { GetFileInformationByHandle(file.as_raw_handle().cast(), &raw mut about) };
    let index = u64::from(about.nFileIndexHigh) << 32 | u64::from(about.nFileIndexLow);
    (answer != 0).then_some((u64::from(about.dwVolumeSerialNumber), index))
}

/// Locks a file against other processes, until it is closed or the process ends. They can read it. `false`: another one has it.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    // SAFETY: numbers and a pointer to no event, which may all be zero.
    let mut place: OVERLAPPED = unsafe { zeroed() };
    // SAFETY: plain data; every bit pattern of the numbers is one.
    unsafe { place.u.s_mut() }.OffsetHigh = LOCKED_BYTE_HIGH;
    let how = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
    // SAFETY: the handle is open during the call, and of a file that was opened for calls that wait: nothing is left of `place` after it.
    if unsafe { LockFileEx(file.as_raw_handle().cast(), how, 0, 1, 0, &raw mut place) } != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(ERROR_LOCK_VIOLATION as i32) {
        return Ok(false);
    }
    Err(error)
}

/// Reads as many bytes as there is room for.
pub(crate) fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = file.seek_read(bytes, at)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        at += read as u64;
    }
    Ok(())
}

pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, at)?;
        if written == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        at += written as u64;
    }
    Ok(())
}
