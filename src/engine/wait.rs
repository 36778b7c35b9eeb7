//! Where a thread waits for the end of one task.

use crate::error::Result;
use crate::sync::{Condvar, Mutex};
use crate::task::TaskStatus;
use std::time::Instant;

/// Filled once, when the task has ended or nobody will tell any more.
#[derive(Debug)]
pub(crate) struct WaitSlot {
    end: Mutex<Option<Result<TaskStatus>>>,
    filled: Condvar,
}

impl WaitSlot {
    pub(crate) fn new() -> Self {
        Self {
            end: Mutex::new(None),
            filled: Condvar::new(),
        }
    }

    pub(crate) fn fill(&self, end: Result<TaskStatus>) {
        self.end.lock().get_or_insert(end);
        self.filled.notify_all();
    }

    /// Waits up to a deadline; `None` if it passed.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Option<Result<TaskStatus>> {
        let mut end = self.end.lock();
        loop {
            if let Some(end) = end.take() {
                return Some(end);
            }
            let (again, passed) = self.filled.wait_until(end, deadline);
            end = again;
            if passed {
                return end.take();
            }
        }
    }
}
