//! How a versioned struct crosses: `struct_size` says how much of it the other side knows.

use crate::error::{Error, Result};

/// A struct of the ABI: `#[repr(C)]`, starting with `uint32_t struct_size`.
///
/// # Safety
/// The first field is a `u32` named `struct_size`, there is no implicit padding, and all bytes zero is a valid value
/// (so: integers, pointers and `Option<extern "C" fn>` only).
pub(super) unsafe trait Versioned: Copy {
    /// The C name, for messages.
    const NAME: &'static str;
    /// The size of its first version; a smaller one is an error. Never changes.
    const FIRST_SIZE: usize;
}

/// Reads a struct that the caller passed: what it does not know is zero, what we do not know must be zero.
///
/// # Safety
/// `ptr` is NULL or points to `struct_size` readable bytes.
pub(super) unsafe fn read<T: Versioned>(ptr: *const T) -> Result<T> {
    // SAFETY: the caller's contract.
    unsafe { read_sized(ptr, None) }
}

/// A struct as it lies with the caller, where it is just as this library knows it. `None`: [`read`] knows what it is, or what
/// is wrong with it.
///
/// # Safety
/// `ptr` is NULL or points to `struct_size` bytes that are readable, and do not change, for `'a`.
pub(super) unsafe fn of_this_version<'a, T: Versioned>(ptr: *const T) -> Option<&'a T> {
    // SAFETY: not NULL, aligned, and at least struct_size is readable.
    if ptr.is_null() || !ptr.is_aligned() || unsafe { *ptr.cast::<u32>() } as usize != size_of::<T>() {
        return None;
    }
    // SAFETY: that many bytes are readable (contract).
    Some(unsafe { &*ptr })
}

/// Reads `count` structs that lie `struct_size` of the first one apart; all must say the same size.
///
/// # Safety
/// `ptr` is NULL (with a count of 0) or points to `count` such structs, for as long as the iterator lives.
pub(super) unsafe fn read_array<T: Versioned>(
    ptr: *const T,
    count: usize,
) -> Result<impl ExactSizeIterator<Item = Result<T>>> {
    let mut stride = 0;
    if count > 0 {
        check_pointer(ptr)?;
        // SAFETY: not NULL and aligned; the first element is readable up to the struct_size it names.
        stride = unsafe { *ptr.cast::<u32>() } as usize;
        if count > isize::MAX as usize / stride.max(1) {
            return Err(Error::invalid(format_args!(
                "an array of {count} {} of {stride} bytes each does not fit into memory; was a negative count converted?",
                T::NAME
            )));
        }
    }
    Ok((0..count).map(move |index| {
        // SAFETY: within the array, by the caller's contract.
        let element = unsafe { ptr.cast::<u8>().add(index * stride) }.cast::<T>();
        // SAFETY: likewise.
        unsafe { read_sized(element, Some((stride, index))) }
    }))
}

/// # Safety
/// As [`read`].
unsafe fn read_sized<T: Versioned>(ptr: *const T, expected: Option<(usize, usize)>) -> Result<T> {
    check_pointer(ptr)?;
    // SAFETY: not NULL, aligned, and at least struct_size is readable.
    let size = unsafe { *ptr.cast::<u32>() } as usize;
    if size < T::FIRST_SIZE {
        return Err(Error::invalid(format_args!(
            "{}.struct_size is {size}, less than the {} bytes of its first version; set it to sizeof({})",
            T::NAME,
            T::FIRST_SIZE,
            T::NAME
        )));
    }
    // No struct of this ABI comes near a page; a size beyond it is a struct_size that was never set.
    const LARGEST: usize = 4096;
    if size > LARGEST {
        return Err(Error::invalid(format_args!(
            "{}.struct_size is {size}, more than the {LARGEST} bytes any struct may have; set it to sizeof({})",
            T::NAME,
            T::NAME
        )));
    }
    if let Some((stride, index)) = expected {
        if size != stride {
            return Err(Error::invalid(format_args!(
                "{}[{index}].struct_size is {size}, but that of element 0 is {stride}; all elements of an array have one size",
                T::NAME
            )));
        }
    }
    let known = std::mem::size_of::<T>();
    if size > known {
        // SAFETY: struct_size bytes are readable by contract.
        let tail = unsafe { std::slice::from_raw_parts(ptr.cast::<u8>().add(known), size - known) };
        if let Some(offset) = tail.iter().position(|&byte| byte != 0) {
            return Err(Error::UnsupportedField { structure: T::NAME, offset: known + offset });
        }
    }
    // SAFETY: all bytes zero is a valid T (contract of Versioned); min(sizes) bytes are readable and writable.
    unsafe {
        let mut value = std::mem::MaybeUninit::<T>::zeroed();
        std::ptr::copy_nonoverlapping(ptr.cast::<u8>(), value.as_mut_ptr().cast::<u8>(), size.min(known));
        Ok(value.assume_init())
    }
}

fn check_pointer<T: Versioned>(ptr: *const T) -> Result<()> {
    if ptr.is_null() {
        return Err(Error::invalid(format_args!("the pointer to {} is NULL; pass a struct", T::NAME)));
    }
    if !ptr.is_aligned() {
        return Err(Error::invalid(format_args!(
            "the pointer to {} is not aligned to {} bytes; pass the address of a real struct",
            T::NAME,
            std::mem::align_of::<T>()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Grown {
        struct_size: u32,
        first: u32,
        second: u64,
    }
    // SAFETY: integers only, no padding.
    unsafe impl Versioned for Grown {
        const NAME: &'static str = "grown";
        const FIRST_SIZE: usize = 8;
    }

    #[repr(C)]
    struct Future {
        base: Grown,
        unknown: u64,
    }

    fn future(unknown: u64) -> Future {
        Future { base: Grown { struct_size: 24, first: 1, second: 2 }, unknown }
    }

    #[test]
    fn a_caller_of_the_first_version_reads_as_zero_in_what_it_does_not_know() {
        let old = Grown { struct_size: 8, first: 7, second: u64::MAX };
        // SAFETY: a real struct.
        let read = unsafe { read(&old) }.unwrap();
        assert_eq!((read.first, read.second), (7, 0));
    }

    #[test]
    fn a_caller_of_a_later_version_is_understood_only_where_the_unknown_is_zero() {
        // SAFETY: real structs.
        unsafe {
            let (understood, unknown) = (future(0), future(1 << 16));
            assert_eq!(read::<Grown>((&raw const understood).cast()).unwrap().second, 2);
            let error = read::<Grown>((&raw const unknown).cast()).unwrap_err();
            assert_eq!(error, Error::UnsupportedField { structure: "grown", offset: 18 });
        }
    }

    #[test]
    fn a_size_below_the_first_version_or_absurdly_large_is_refused_by_name() {
        for size in [0, 4, 7, 5000, u32::MAX] {
            let wrong = Grown { struct_size: size, first: 0, second: 0 };
            // SAFETY: a real struct; the size is looked at before anything else.
            let error = unsafe { read(&wrong) }.unwrap_err();
            assert!(matches!(&error, Error::InvalidArgument(m) if m.contains("grown.struct_size")), "{error}");
        }
    }

    #[test]
    fn an_array_steps_by_the_first_size_and_refuses_a_mixed_one() {
        let all = [future(0), future(0)];
        // SAFETY: two real structs, 24 bytes apart as struct_size says.
        let read: Vec<_> =
            unsafe { read_array::<Grown>(all.as_ptr().cast(), 2) }.unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[1].second, 2);
        let mixed = [Grown { struct_size: 16, first: 0, second: 0 }, Grown { struct_size: 8, first: 0, second: 0 }];
        // SAFETY: real structs.
        assert!(unsafe { read_array(mixed.as_ptr(), 2) }.unwrap().any(|element| element.is_err()));
        // SAFETY: a count of 0 reads nothing.
        assert_eq!(unsafe { read_array::<Grown>(std::ptr::null(), 0) }.unwrap().len(), 0);
    }

    #[test]
    fn null_and_misaligned_pointers_are_errors() {
        // SAFETY: looked at before it is read.
        unsafe {
            assert!(read::<Grown>(std::ptr::null()).is_err());
            assert!(read_array::<Grown>(std::ptr::null(), 3).is_err());
            let space = [0u64; 4];
            assert!(read::<Grown>(space.as_ptr().cast::<u8>().add(1).cast()).is_err());
        }
    }
}
