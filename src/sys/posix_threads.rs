//! Threads of the system itself: std allocates where it starts one, and ends the process where memory is short.

use super::{NoThread, ShortName};
use crate::alloc;
use std::ffi::CStr;
use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::os::raw::{c_int, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// A thread to be joined. Dropped, it goes on by itself.
#[derive(Debug)]
pub(crate) struct Thread(libc::pthread_t);

// SAFETY: it names a thread, by a number or (musl) a pointer that only the system follows; any thread may join or detach it.
unsafe impl Send for Thread {}
// SAFETY: likewise; what is shared can only be printed.
unsafe impl Sync for Thread {}

impl Thread {
    /// Waits for its end.
    pub(crate) fn join(self) {
        let thread = ManuallyDrop::new(self).0;
        // SAFETY: a thread of `start`; it is joined here or detached by the drop, which then does not come.
        unsafe { libc::pthread_join(thread, std::ptr::null_mut()) };
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // SAFETY: likewise.
        unsafe { libc::pthread_detach(self.0) };
    }
}

struct Start<F> {
    name: ShortName,
    body: F,
}

pub(super) fn start<F>(name: ShortName, stack_bytes: usize, body: F) -> Result<Thread, NoThread>
where
    F: FnOnce() + Send + 'static,
{
    let start = Box::into_raw(alloc::boxed(Start { name, body }).map_err(NoThread::NoMemory)?);
    create(stack_bytes, run::<F>, start.cast()).map_err(|code| {
        // SAFETY: from into_raw, and no thread has it.
        drop(unsafe { Box::from_raw(start) });
        NoThread::System(code)
    })
}

extern "C" fn run<F: FnOnce()>(start: *mut c_void) -> *mut c_void {
    // SAFETY: made by `start` for this thread alone.
    let Start { name, body } = *unsafe { Box::from_raw(start.cast::<Start<F>>()) };
    // SAFETY: a text of at most 16 bytes, the NUL included; this very thread. Without a name it runs as well.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), name.bytes.as_ptr().cast()) };
    // What is worth telling of a panic was told where it was caught first; the rest ends with the thread.
    let _ = catch_unwind(AssertUnwindSafe(body));
    std::ptr::null_mut()
}

fn create(
    stack_bytes: usize,
    run: extern "C" fn(*mut c_void) -> *mut c_void,
    argument: *mut c_void,
) -> Result<Thread, c_int> {
    let check = |code: c_int| if code == 0 { Ok(()) } else { Err(code) };
    let mut attributes = MaybeUninit::uninit();
    let mut thread = MaybeUninit::uninit();
    // SAFETY: the attributes are initialised by the first call, and ended once; `thread` is written where it succeeds.
    unsafe {
        check(libc::pthread_attr_init(attributes.as_mut_ptr()))?;
        // A multiple of every size that a page has.
        let stack_bytes = stack_bytes.next_multiple_of(64 * 1024);
        let created = check(libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), stack_bytes))
            .and_then(|()| check(libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), run, argument)));
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        created.map(|()| Thread(thread.assume_init()))
    }
}

impl fmt::Display for NoThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoThread::NoMemory(refused) => write!(f, "{} bytes of memory could not be had", refused.bytes),
            NoThread::System(code) => {
                let mut text = [0; 128];
                // SAFETY: a buffer of that length, which is left with a NUL in it: all of it was zero, and it is cut.
                let told = unsafe { libc::strerror_r(*code, text.as_mut_ptr(), text.len() - 1) };
                // SAFETY: likewise.
                match unsafe { CStr::from_ptr(text.as_ptr()) }.to_str() {
                    Ok(text) if told == 0 => write!(f, "{text} (error {code})"),
                    _ => write!(f, "error {code}"),
                }
            }
        }
    }
}
