//! What the codec's benchmarks time on the native side. benches/dotnet loads this and asks for rounds in turns with its own; each round is timed here,
//! so that no call between the two is in it. It is no part of the shipped library.

mod values;

use std::hint::black_box;
use std::slice;
use std::sync::OnceLock;
use values::Case;

/// What is done with a value. The numbers are those of `NativeCodec.Operation` in benches/dotnet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// From the value to bytes of their own.
    Write,
    /// From the value to the end of a buffer that is kept.
    WriteKept,
    /// From bytes to a value that owns what is in it.
    Read,
    /// Over the bytes, value by value.
    Skip,
    /// Over the bytes, looking at all there is.
    Validate,
    /// Each byte is loaded once, eight at a time: what memory gives.
    Load,
}

impl Operation {
    const ALL: [Operation; 6] = [Self::Write, Self::WriteKept, Self::Read, Self::Skip, Self::Validate, Self::Load];
}

static NAME: OnceLock<String> = OnceLock::new();
static CASES: OnceLock<Vec<Box<dyn Case>>> = OnceLock::new();

fn case(index: u32) -> Option<&'static dyn Case> {
    let cases = CASES.get_or_init(|| values::all(NAME.get().map_or("", String::as_str)));
    cases.get(index as usize).map(|case| &**case)
}

/// Tells the name that C# has for the type of the typeless value. To be called first.
///
/// # Safety
/// `name` is `length` bytes.
#[no_mangle]
pub unsafe extern "C" fn codec_bench_set_name(name: *const u8, length: usize) {
    // SAFETY: as the caller says.
    let name = unsafe { slice::from_raw_parts(name, length) };
    let _ = NAME.set(String::from_utf8_lossy(name).into_owned());
}

/// How many bytes the case's value is; 0: there is no such case.
#[no_mangle]
pub extern "C" fn codec_bench_length(index: u32) -> u64 {
    case(index).map_or(0, |case| case.bytes().len() as u64)
}

/// A hash of the case's bytes (FNV-1a), so that both sides are known to be at the same value.
#[no_mangle]
pub extern "C" fn codec_bench_hash(index: u32) -> u64 {
    let bytes = case(index).map_or(&[][..], |case| case.bytes());
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Processor time of the calling thread in nanoseconds: what else the machine does takes none of it.
#[no_mangle]
pub extern "C" fn codec_bench_cpu() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes to the place that it is given.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(failed, 0, "Linux has this clock");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds of the thread's processor time that so many times took; 0: the case has no such operation.
#[no_mangle]
pub extern "C" fn codec_bench_run(index: u32, operation: u32, times: u64) -> u64 {
    let (Some(case), Some(operation)) = (case(index), Operation::ALL.get(operation as usize)) else { return 0 };
    let begun = codec_bench_cpu();
    let done = match operation {
        Operation::Skip => {
            (0..times).for_each(|_| values::skip(black_box(case.bytes())));
            true
        }
        Operation::Validate => {
            (0..times).for_each(|_| values::validate(black_box(case.bytes())));
            true
        }
        Operation::Load => {
            (0..times).for_each(|_| values::load(black_box(case.bytes())));
            true
        }
        operation => case.run(*operation, times),
    };
    if done {
        (codec_bench_cpu() - begun).max(1)
    } else {
        0
    }
}
