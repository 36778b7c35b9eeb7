//! std's locks; under the thread sanitizer, which cannot see into those, parking_lot's with std's interface.

#[cfg(not(tsan))]
pub use std::sync::{Condvar, Mutex};
#[cfg(tsan)]
pub use visible::{Condvar, Mutex};

#[cfg(tsan)]
mod visible {
    use parking_lot::MutexGuard;
    use std::sync::LockResult;
    use std::time::Duration;

    #[derive(Debug, Default)]
    pub struct Mutex<T>(parking_lot::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(parking_lot::Mutex::new(value))
        }

        pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            Ok(self.0.lock())
        }
    }

    #[derive(Debug, Default)]
    pub struct Condvar(parking_lot::Condvar);

    pub struct TimedOut(bool);

    impl TimedOut {
        pub fn timed_out(&self) -> bool {
            self.0
        }
    }

    impl Condvar {
        pub fn notify_all(&self) {
            self.0.notify_all();
        }

        pub fn wait_timeout_while<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            limit: Duration,
            again: impl FnMut(&mut T) -> bool,
        ) -> LockResult<(MutexGuard<'a, T>, TimedOut)> {
            let ended = self.0.wait_while_for(&mut guard, again, limit);
            Ok((guard, TimedOut(ended.timed_out())))
        }
    }
}
