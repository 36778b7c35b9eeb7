//! Threads of std, where there is nothing better: starting one may end the process where memory is short.

use super::{NoThread, ShortName};
use std::thread::{Builder, JoinHandle};

/// A thread to be joined. Dropped, it goes on by itself.
#[derive(Debug)]
pub(crate) struct Thread(JoinHandle<()>);

impl Thread {
    /// Waits for its end.
    pub(crate) fn join(self) {
        let _ = self.0.join();
    }
}

pub(super) fn start(
    name: ShortName,
    stack_bytes: usize,
    body: impl FnOnce() + Send + 'static,
) -> Result<Thread, NoThread> {
    let builder = Builder::new().name(name.as_str().into()).stack_size(stack_bytes);
    builder.spawn(body).map(Thread).map_err(|cause| NoThread::System(cause.raw_os_error().unwrap_or(0)))
}

#[cfg(not(target_os = "linux"))]
impl std::fmt::Display for NoThread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoThread::NoMemory(refused) => write!(f, "{} bytes of memory could not be had", refused.bytes),
            NoThread::System(code) => std::fmt::Display::fmt(&std::io::Error::from_raw_os_error(*code), f),
        }
    }
}
