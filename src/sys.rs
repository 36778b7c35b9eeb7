//! The operating system: threads, forks, clocks, cores, files.

use crate::alloc::NoMemory;
use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg_attr(unix, path = "sys/unix_files.rs")]
#[cfg_attr(windows, path = "sys/windows_files.rs")]
pub(crate) mod files;
#[cfg(target_os = "linux")]
mod linux_cores;
#[cfg(target_os = "linux")]
mod posix_threads;
#[cfg(any(all(test, not(loom)), not(target_os = "linux")))]
mod std_threads;

#[cfg(target_os = "linux")]
use posix_threads as threads;
#[cfg(not(target_os = "linux"))]
use std_threads as threads;

pub(crate) use threads::Thread;

thread_local! {
    /// The innermost of the engines that this thread is inside of; NULL outside of all.
    static INSIDE: Cell<*const Inside> = const { Cell::new(std::ptr::null()) };
}

/// An engine that a thread is inside of: one of its own threads, or one that calls somebody back for it.
struct Inside {
    engine: u64,
    outer: *const Inside,
}

/// Runs `body` as on a thread of an engine: what would wait for that engine is refused there.
pub(crate) fn inside<R>(engine: u64, body: impl FnOnce() -> R) -> R {
    struct Leave(*const Inside);
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let inside = Inside { engine, outer: INSIDE.get() };
    let _leave = Leave(inside.outer);
    INSIDE.set(&raw const inside);
    body()
}

/// Why a thread was not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoThread {
    #[cfg_attr(
        not(target_os = "linux"),
        allow(dead_code, reason = "std answers with the system's error there, or ends the process")
    )]
    NoMemory(NoMemory),
    /// The system's number of the error.
    System(i32),
}

/// Starts a thread of an engine. Linux keeps 15 bytes of its name.
pub(crate) fn start_thread(
    name: std::fmt::Arguments<'_>,
    stack_bytes: usize,
    engine: u64,
    body: impl FnOnce() + Send + 'static,
) -> Result<Thread, NoThread> {
    threads::start(ShortName::of(name), stack_bytes, move || inside(engine, body))
}

/// The name of a thread, as much of it as Linux keeps, and the NUL that ends it.
#[derive(Debug, Clone, Copy, Default)]
struct ShortName {
    bytes: [u8; 16],
    len: usize,
}

impl ShortName {
    fn of(name: std::fmt::Arguments<'_>) -> Self {
        let mut short = Self::default();
        // It never fails; what is too long is cut.
        let _ = std::fmt::write(&mut short, name);
        short
    }

    #[cfg(any(all(test, not(loom)), not(target_os = "linux")))]
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl std::fmt::Write for ShortName {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        // Our names are ASCII, so it does not matter where they are cut.
        let kept = piece.len().min(15 - self.len);
        self.bytes[self.len..][..kept].copy_from_slice(&piece.as_bytes()[..kept]);
        self.len += kept;
        Ok(())
    }
}

/// Whether the calling thread belongs to this engine, or calls somebody back for it.
pub(crate) fn is_thread_of(engine: u64) -> bool {
    let mut at = INSIDE.get();
    // SAFETY: what it points to lies on this thread's stack below, in a frame of `inside`, which takes it off this list
    // before it returns or unwinds.
    while let Some(inside) = unsafe { at.as_ref() } {
        if inside.engine == engine {
            return true;
        }
        at = inside.outer;
    }
    false
}

static FORKS: AtomicU32 = AtomicU32::new(0);

/// A number that differs between a process and its forks, from [`watch_forks`] on.
pub(crate) fn process_generation() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Asks the system to tell of forks, where it can. Before the first engine, so that none is made whose forks are not seen.
#[cfg(unix)]
pub(crate) fn watch_forks() -> Result<(), NoMemory> {
    extern "C" fn in_child() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    // No lock, which a fork might find held. Two at once ask twice, and a fork then counts for two.
    use std::sync::atomic::AtomicBool;
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if WATCHED.load(Ordering::Relaxed) {
        return Ok(());
    }
    // SAFETY: the handler only touches an atomic, which is allowed between fork and exec. Its code stays mapped: on Linux the
    // library is linked with `-z nodelete`; elsewhere whoever unloads it breaks the contract of the ABI.
    match unsafe { libc::pthread_atfork(None, None, Some(in_child)) } {
        0 => WATCHED.store(true, Ordering::Relaxed),
        // There is no other reason.
        _ => return Err(NoMemory { bytes: size_of::<usize>() }),
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn watch_forks() -> Result<(), NoMemory> {
    Ok(())
}

/// Keeps the library in memory until the process ends, whoever unloads it: threads of engines run its code. On Linux it is linked so.
#[cfg(windows)]
pub(crate) fn stay_loaded() {
    use winapi::um::libloaderapi::{
        GetModuleHandleExW, GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN,
    };
    let how = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    let mut library = std::ptr::null_mut();
    // SAFETY: by its flags it takes an address inside of the library, and reads no text there; one pointer is written.
    unsafe { GetModuleHandleExW(how, stay_loaded as *const () as *const u16, &raw mut library) };
}

#[cfg(not(windows))]
pub(crate) fn stay_loaded() {}

/// The system's number of the thread that calls this; 0 where it has none.
pub(crate) fn thread_number() -> u32 {
    #[cfg(target_os = "linux")]
    // SAFETY: takes nothing, and cannot fail.
    let number = u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0);
    #[cfg(not(target_os = "linux"))]
    let number = 0;
    number
}

/// Lets a thread of this process have little of the processors where others want them, for as long as it lives: who may not
/// raise priorities cannot take that back. Where that cannot be, nothing happens.
pub(crate) fn demote_thread(number: u32) {
    /// Of -20 to 19; each step is a quarter less. At 10 it has a tenth of what a normal thread has.
    #[cfg(target_os = "linux")]
    const NICE: std::os::raw::c_int = 10;
    #[cfg(target_os = "linux")]
    // SAFETY: takes numbers only. On Linux a thread has a niceness of its own. One that has ended is not found.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, number, NICE) };
    #[cfg(not(target_os = "linux"))]
    let _ = number;
}

/// Microseconds of processor time that a thread of this process has used; 0 where that cannot be told.
pub(crate) fn thread_cpu_us(number: u32) -> u64 {
    #[cfg(target_os = "linux")]
    {
        // The kernel's way of saying "the clock of this thread": CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED, behind the number.
        let clock = (!number as libc::clockid_t) << 3 | 6;
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes the time, or, where there is no such thread, nothing.
        if unsafe { libc::clock_gettime(clock, &raw mut time) } == 0 {
            return time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000;
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = number;
    0
}

/// Has the allocator give what is free to the system. Takes as long as there is much of it, some milliseconds. Where the
/// allocator is another than glibc's, it does so by itself or not at all.
pub(crate) fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: takes a number; any thread may call it.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// A number that nobody can foretell, to spread what would come at once. Not for secrets.
pub(crate) fn random() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}

/// Microseconds since 1970 UTC, for people; nothing is scheduled by it.
pub(crate) fn unix_micros() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    }
}

/// [`unix_micros`] to a few milliseconds, for a few nanoseconds.
pub(crate) fn coarse_unix_micros() -> i64 {
    coarse::unix_micros()
}

/// Milliseconds since 1970 UTC likewise, modulo 2^32.
#[inline]
pub(crate) fn coarse_unix_millis() -> u32 {
    coarse::unix_millis()
}

/// Milliseconds of a clock that never jumps, to a few of them, for a few nanoseconds. Wraps after 49 days: only differences
/// mean something.
pub(crate) fn coarse_millis() -> u32 {
    coarse::millis_of(coarse::tick())
}

/// A moment by both coarse clocks: [`coarse_millis`] and [`coarse_unix_micros`].
#[derive(Clone, Copy)]
pub(crate) struct CoarseNow {
    pub(crate) millis: u32,
    pub(crate) unix_us: i64,
}

/// Both coarse clocks for little more than the price of one.
#[derive(Default)]
pub(crate) struct CoarseClock {
    /// What the clock that never jumps said last, and what both said at that tick: they move together.
    last: Option<(coarse::Tick, CoarseNow)>,
}

impl CoarseClock {
    #[inline]
    pub(crate) fn now(&mut self) -> CoarseNow {
        let tick = coarse::tick();
        match self.last {
            Some((last, now)) if last == tick => now,
            _ => self.read(tick),
        }
    }

    #[cold]
    fn read(&mut self, tick: coarse::Tick) -> CoarseNow {
        let now = CoarseNow { millis: coarse::millis_of(tick), unix_us: coarse::unix_micros() };
        self.last = Some((tick, now));
        now
    }
}

#[cfg(target_os = "linux")]
mod coarse {
    fn read(clock: libc::clockid_t) -> libc::timespec {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a real timespec; the clock exists since Linux 2.6.32, and a failure leaves the zeros.
        unsafe { libc::clock_gettime(clock, &raw mut time) };
        time
    }

    pub(super) fn unix_micros() -> i64 {
        let time = read(libc::CLOCK_REALTIME_COARSE);
        time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    #[inline]
    pub(super) fn unix_millis() -> u32 {
        millis_of(tick_of(libc::CLOCK_REALTIME_COARSE))
    }

    /// Seconds and nanoseconds.
    pub(super) type Tick = (i64, i64);

    #[inline]
    pub(super) fn tick() -> Tick {
        tick_of(libc::CLOCK_MONOTONIC_COARSE)
    }

    #[inline]
    fn tick_of(clock: libc::clockid_t) -> Tick {
        let time = read(clock);
        (time.tv_sec, time.tv_nsec)
    }

    pub(super) fn millis_of((seconds, nanoseconds): Tick) -> u32 {
        // Below 2^30.
        (seconds as u32).wrapping_mul(1000).wrapping_add(nanoseconds as u32 / 1_000_000)
    }
}

#[cfg(not(target_os = "linux"))]
mod coarse {
    use std::sync::OnceLock;
    use std::time::Instant;

    pub(super) fn unix_micros() -> i64 {
        super::unix_micros()
    }

    pub(super) fn unix_millis() -> u32 {
        (super::unix_micros() / 1000) as u32
    }

    /// Milliseconds.
    pub(super) type Tick = u32;

    pub(super) fn tick() -> Tick {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_millis() as u32
    }

    pub(super) fn millis_of(tick: Tick) -> u32 {
        tick
    }
}

/// Cores that this process may use, as the system and its container say.
#[cfg(target_os = "linux")]
pub(crate) fn cores() -> u32 {
    linux_cores::cores()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;

    const STACK: usize = 1 << 20;

    #[test]
    fn a_thread_knows_whose_it_is() {
        assert!(!is_thread_of(7));
        let inside = Arc::new(AtomicU32::new(0));
        let seen = inside.clone();
        let body = move || {
            seen.store(u32::from(is_thread_of(7)) + 2 * u32::from(is_thread_of(8)), Ordering::Relaxed);
        };
        start_thread(format_args!("backrun-test"), STACK, 7, body).unwrap().join();
        assert_eq!(inside.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_thread_is_inside_of_every_engine_that_it_calls_back_for_until_that_returns_or_panics() {
        let of = || [1, 2, 3].map(is_thread_of);
        inside(1, || {
            assert_eq!(of(), [true, false, false]);
            let panicked = std::panic::catch_unwind(|| {
                inside(2, || {
                    inside(3, || assert_eq!(of(), [true, true, true]));
                    assert_eq!(of(), [true, true, false]);
                    std::panic::resume_unwind(Box::new(()));
                });
            });
            assert!(panicked.is_err());
            assert_eq!(of(), [true, false, false]);
        });
        assert_eq!(of(), [false, false, false]);
    }

    #[test]
    fn where_there_are_only_the_threads_of_std_they_do_too() {
        let ran = Arc::new(AtomicU32::new(0));
        for joined in [true, false] {
            let ran = ran.clone();
            let body = move || {
                ran.fetch_add(1, Ordering::Relaxed);
            };
            let name = ShortName::of(format_args!("backrun-test-{joined}"));
            let thread = std_threads::start(name, STACK, body).unwrap();
            if joined {
                thread.join();
            }
        }
        while ran.load(Ordering::Relaxed) < 2 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_thread_has_as_much_of_its_name_as_the_system_keeps() {
        assert_eq!(ShortName::of(format_args!("backrun-w-{}", 12)).as_str(), "backrun-w-12");
        assert_eq!(ShortName::of(format_args!("backrun-{}", "observer")).as_str(), "backrun-observe");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_cannot_be_had_is_an_error_with_the_systems_words() {
        let refused = start_thread(format_args!("too-large"), 1 << 50, 7, || ()).err().unwrap();
        assert!(matches!(refused, NoThread::System(_)), "{refused:?}");
        assert!(!refused.to_string().is_empty());
        // A panic ends its thread and nothing else.
        start_thread(format_args!("panics"), STACK, 7, || panic!("on purpose")).unwrap().join();
    }
}
