//! Memory that may not be to be had.
//!
//! `Box::new`, `Arc::new`, `format!` and their kin end the process where the allocator refuses, and stable Rust has no form
//! of them that answers instead. So all that the engine allocates comes from here, or is put into a collection that was
//! asked for room first ([`Ensure`]); clippy.toml keeps it so. The idiom is the same everywhere: reserve, and only then do
//! what cannot be taken back.
//!
//! [`Arc`] is a shared pointer like std's, [`Text`] a shared text, [`Reserved`] memory for a value that comes later.

mod arc;
#[cfg(all(test, not(loom)))]
pub(crate) mod measured;
mod text;

pub(crate) use self::arc::Arc;
pub use self::text::Text;

use std::alloc::{alloc, Layout};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// The allocator has refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoMemory {
    /// About how many bytes were asked for.
    pub(crate) bytes: usize,
}

/// A collection that can be asked for room.
pub(crate) trait Ensure {
    /// Makes sure that so many more elements can be added without an allocation. On an error nothing has changed.
    fn ensure(&mut self, more: usize) -> Result<(), NoMemory>;
}

impl<T> Ensure for Vec<T> {
    fn ensure(&mut self, more: usize) -> Result<(), NoMemory> {
        self.try_reserve(more).map_err(|_| no_memory_for::<T>(more))
    }
}

impl<T> Ensure for VecDeque<T> {
    fn ensure(&mut self, more: usize) -> Result<(), NoMemory> {
        self.try_reserve(more).map_err(|_| no_memory_for::<T>(more))
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Ensure for HashMap<K, V, S> {
    fn ensure(&mut self, more: usize) -> Result<(), NoMemory> {
        self.try_reserve(more).map_err(|_| no_memory_for::<(K, V)>(more))
    }
}

impl Ensure for String {
    fn ensure(&mut self, more: usize) -> Result<(), NoMemory> {
        self.try_reserve(more).map_err(|_| no_memory_for::<u8>(more))
    }
}

fn no_memory_for<T>(count: usize) -> NoMemory {
    NoMemory { bytes: count.saturating_mul(size_of::<T>()) }
}

/// An empty list with room for exactly so many.
pub(crate) fn list<T>(room: usize) -> Result<Vec<T>, NoMemory> {
    let mut list = Vec::new();
    list.try_reserve_exact(room).map_err(|_| no_memory_for::<T>(room))?;
    Ok(list)
}

/// A copy of bytes.
pub(crate) fn copy(bytes: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut copy = list(bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// A function that shows something, as a value to be formatted: lists are told without being made.
pub(crate) struct Shown<F>(pub(crate) F);

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Shown<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0(f)
    }
}

/// `Box::new` that answers.
pub(crate) fn boxed<T>(value: T) -> Result<Box<T>, NoMemory> {
    Ok(Reserved::new()?.fill(value))
}

/// Memory for a value that comes later.
pub(crate) struct Reserved<T>(Box<MaybeUninit<T>>);

impl<T> Reserved<T> {
    pub(crate) fn new() -> Result<Self, NoMemory> {
        let layout = Layout::new::<MaybeUninit<T>>();
        let memory = if layout.size() == 0 {
            NonNull::dangling()
        } else {
            // SAFETY: the size is not 0.
            NonNull::new(unsafe { alloc(layout) }.cast()).ok_or(NoMemory { bytes: layout.size() })?
        };
        // SAFETY: from the global allocator, with the layout of the type (or nothing, for a type without a size), which is valid
        // whatever the bytes are.
        Ok(Self(unsafe { Box::from_raw(memory.as_ptr()) }))
    }

    pub(crate) fn fill(mut self, value: T) -> Box<T> {
        self.0.write(value);
        // SAFETY: written in the line before.
        unsafe { self.0.assume_init() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn what_no_memory_can_hold_is_refused_and_nothing_has_changed() {
        let mut list = vec![1u64, 2];
        assert!(list.ensure(usize::MAX / 8).is_err());
        assert_eq!(list, [1, 2]);
        assert!(super::list::<u64>(usize::MAX / 8).is_err());
        // Not as large as to be no size at all, but more than there is. Opaque, or an optimised build leaves the allocation out.
        assert!(black_box(Reserved::<[u8; 1 << 46]>::new()).is_err());
        assert!(black_box(Arc::<[u8; 1 << 46]>::reserve()).is_err());
    }

    #[test]
    fn a_box_that_was_reserved_holds_what_it_was_filled_with() {
        let reserved = Reserved::new().unwrap();
        assert_eq!(*reserved.fill([7u8; 100]), [7; 100]);
        assert_eq!(*boxed(String::from("text")).unwrap(), "text");
        // Nothing to allocate.
        boxed(()).unwrap();
    }

    #[test]
    fn bytes_are_copied_and_what_shows_itself_is_formatted() {
        assert_eq!(copy(b"abc").unwrap(), b"abc");
        assert_eq!(format!("{:>1}", Shown(|f: &mut fmt::Formatter<'_>| f.write_str("abc"))), "abc");
    }
}
