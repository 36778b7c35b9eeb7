//! The allocator of the tests: it counts what a thread holds, and refuses where a test wants to see what follows.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static GRANTED: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Counts, for each thread, the bytes that it allocated less those that it freed.
struct Measured;

// Thread locals allocate there, so an allocator cannot use any.
#[cfg_attr(not(all(windows, target_env = "gnu")), global_allocator)]
static MEASURED: Measured = Measured;

fn count(bytes: isize) {
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

/// Whether one more allocation is granted.
fn grant() -> bool {
    let granted = GRANTED.try_with(|granted| {
        let left = granted.get();
        if left != usize::MAX && left > 0 {
            granted.set(left - 1);
        }
        left > 0
    });
    granted.unwrap_or(true)
}

// SAFETY: all is passed on to the system's allocator, or refused.
unsafe impl GlobalAlloc for Measured {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !grant() {
            return ptr::null_mut();
        }
        count(layout.size() as isize);
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(at, layout) }
    }
}

/// A test that counts where nothing is counted fails, and says so.
fn check_that_it_counts() {
    #[cfg(all(windows, target_env = "gnu"))]
    panic!("nothing counts memory on this system");
}

/// What this thread allocated less what it freed.
pub(crate) fn live_bytes() -> isize {
    check_that_it_counts();
    LIVE.get()
}

/// Runs something for which this thread gets so many allocations and no more. It may allocate only in ways that answer.
pub(crate) fn with_allocations<R>(granted: usize, run: impl FnOnce() -> R) -> R {
    check_that_it_counts();
    GRANTED.set(granted);
    let result = run();
    GRANTED.set(usize::MAX);
    result
}
