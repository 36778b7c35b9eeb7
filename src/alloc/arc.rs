//! A shared pointer that can be made without ending the process, and whose memory can be reserved first.

use crate::alloc::{NoMemory, Reserved};
use std::alloc::{alloc, Layout};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What an [`Arc`] points to.
#[repr(C)]
pub(crate) struct Shared<T: ?Sized> {
    owners: AtomicUsize,
    value: T,
}

/// std's `Arc` without weak pointers: stable Rust cannot make that one without ending the process where memory is short.
///
/// Invariants: `shared` was allocated by the global allocator with the layout of its `Shared<T>` and is initialised; `owners`
/// is the number of `Arc`s that point to it. The last of them frees it.
pub(crate) struct Arc<T: ?Sized> {
    shared: NonNull<Shared<T>>,
    /// It owns a value, which may be dropped here.
    owned: PhantomData<Shared<T>>,
}

// SAFETY: as std's: a value is read by many threads at once, and dropped by any of them.
unsafe impl<T: ?Sized + Send + Sync> Send for Arc<T> {}
// SAFETY: likewise.
unsafe impl<T: ?Sized + Send + Sync> Sync for Arc<T> {}

impl<T> Arc<T> {
    pub(crate) fn try_new(value: T) -> Result<Self, NoMemory> {
        Ok(Self::new_in(Self::reserve()?, value))
    }

    /// Memory for an [`Arc`] that comes later.
    pub(crate) fn reserve() -> Result<Reserved<Shared<T>>, NoMemory> {
        Reserved::new()
    }

    pub(crate) fn new_in(memory: Reserved<Shared<T>>, value: T) -> Self {
        let shared = Box::leak(memory.fill(Shared { owners: AtomicUsize::new(1), value }));
        Self { shared: NonNull::from(shared), owned: PhantomData }
    }

    /// The value, to be changed, if nobody else has it.
    pub(crate) fn get_mut(this: &mut Self) -> Option<&mut T> {
        // Acquire: what the other owners did before they let go comes before what is done now. There being no weak pointers,
        // nobody can become an owner meanwhile.
        if this.owners().load(Ordering::Acquire) != 1 {
            return None;
        }
        // SAFETY: this is the only owner, and it is borrowed for as long.
        Some(unsafe { &mut (*this.shared.as_ptr()).value })
    }
}

impl Arc<str> {
    /// A copy of pieces of text, one behind the other.
    pub(crate) fn copy(pieces: &[&str]) -> Result<Self, NoMemory> {
        let bytes = pieces.iter().map(|piece| piece.len()).fold(0, usize::saturating_add);
        let refused = NoMemory { bytes };
        let text = Layout::array::<u8>(bytes).map_err(|_| refused)?;
        let (layout, text_at) = Layout::new::<AtomicUsize>().extend(text).map_err(|_| refused)?;
        // SAFETY: the size is not 0, the owners are in it.
        let memory = unsafe { alloc(layout.pad_to_align()) };
        if memory.is_null() {
            return Err(refused);
        }
        // SAFETY: `#[repr(C)]` lays `Shared<str>` out as above: all is written within the allocation, and what is written
        // behind each other are whole texts, so one of `bytes` bytes. The metadata of a pointer to it is that of its text.
        unsafe {
            memory.cast::<AtomicUsize>().write(AtomicUsize::new(1));
            let mut to = memory.add(text_at);
            for piece in pieces {
                ptr::copy_nonoverlapping(piece.as_ptr(), to, piece.len());
                to = to.add(piece.len());
            }
            let shared = ptr::slice_from_raw_parts_mut(memory, bytes) as *mut Shared<str>;
            Ok(Self { shared: NonNull::new_unchecked(shared), owned: PhantomData })
        }
    }
}

impl<T: ?Sized> Arc<T> {
    pub(crate) fn ptr_eq(this: &Self, other: &Self) -> bool {
        ptr::addr_eq(this.shared.as_ptr(), other.shared.as_ptr())
    }

    fn owners(&self) -> &AtomicUsize {
        // SAFETY: initialised, and there as long as this owner is (invariants).
        unsafe { &(*self.shared.as_ptr()).owners }
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: likewise; nobody changes the value but through `&T`.
        unsafe { &(*self.shared.as_ptr()).value }
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    fn clone(&self) -> Self {
        // Relaxed: whoever has an owner to clone has seen the value already.
        if self.owners().fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
            // As std does: only owners that are forgotten in a loop come here, and a count that wraps would be unsound.
            std::process::abort();
        }
        Self { shared: self.shared, owned: PhantomData }
    }
}

impl<T: ?Sized> Drop for Arc<T> {
    fn drop(&mut self) {
        // Release: what this owner did comes before the drop by the last one, whose load sees it.
        if self.owners().fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        self.owners().load(Ordering::Acquire);
        // SAFETY: the last owner; allocated with the layout of its type by the global allocator (invariants).
        drop(unsafe { Box::from_raw(self.shared.as_ptr()) });
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Arc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Tests need not survive a lack of memory.
#[cfg(test)]
impl<T> Arc<T> {
    pub(crate) fn new(value: T) -> Self {
        Self::try_new(value).unwrap()
    }
}

#[cfg(test)]
impl<T: Default> Default for Arc<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::thread;

    struct Counted<'a>(&'a Cell<u32>);

    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn the_last_owner_drops_the_value_once() {
        let dropped = Cell::new(0);
        let first = Arc::new(Counted(&dropped));
        let second = first.clone();
        assert!(Arc::ptr_eq(&first, &second));
        drop(first);
        assert_eq!(dropped.get(), 0);
        drop(second);
        assert_eq!(dropped.get(), 1);
    }

    #[test]
    fn the_only_owner_may_change_the_value() {
        let mut one = Arc::new(1);
        let other = one.clone();
        assert!(Arc::get_mut(&mut one).is_none(), "somebody else has it");
        drop(other);
        *Arc::get_mut(&mut one).unwrap() += 1;
        assert_eq!(*one, 2);
    }

    #[test]
    fn a_text_is_its_pieces_one_behind_the_other() {
        for pieces in [&["", ""][..], &["a"], &["naïve ", "", "☕"], &["1234567", "8", "9"]] {
            assert_eq!(&*Arc::<str>::copy(pieces).unwrap(), pieces.concat());
        }
    }

    #[test]
    fn many_threads_share_one_value() {
        let value = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let value = value.clone();
                thread::spawn(move || {
                    for _ in 0..1000 {
                        value.clone().fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(value.load(Ordering::Relaxed), 4000);
        let mut value = value;
        assert!(Arc::get_mut(&mut value).is_some());
    }
}
