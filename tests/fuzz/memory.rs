//! How much memory a case needs, and how much it may.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// What this thread has allocated since it last asked, and not given back; and the most that it was.
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

pub struct Counting;

fn count(more: usize, less: usize) {
    // A thread that ends has no count any more, and does not need one.
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        let now = now.saturating_add(more).saturating_sub(less);
        held.set((now, most.max(now)));
    });
}

// SAFETY: System does what is asked; what is counted beside it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as asked.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as asked.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: as asked.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What a byte of input may cost, where a value of one byte becomes a value of ours in a list that has doubled.
const A_BYTE: usize = 1024;
/// What a case may cost beside that.
const BESIDE: usize = 64 << 10;

/// Does something with a message, which must not cost more memory than the message justifies.
pub fn within_reason(message: &[u8], target: fn(&[u8])) {
    HELD.with(|held| held.set((0, 0)));
    target(message);
    let (_, most) = HELD.with(Cell::get);
    let limit = message.len() * A_BYTE + BESIDE;
    assert!(
        most <= limit,
        "{most} bytes of memory for a message of {} bytes: at most {limit} are justified",
        message.len()
    );
}
