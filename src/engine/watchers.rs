//! Those who are told of the end of a task, on the observer thread. Each is its own place in the list of those to be told:
//! whoever ends a task has nobody to tell of a lack of memory.

use crate::alloc;
use crate::error::Result;
use crate::task::TaskStatus;

/// Told of the end of a task: its last status, and an error where the engine ended first.
type Watcher = Box<dyn FnOnce(TaskStatus, Result<()>) + Send>;

/// One who waits to be told.
pub(crate) struct Waiting(Box<Node>);

struct Node {
    watcher: Watcher,
    /// `None` until the task has ended.
    end: Option<(TaskStatus, Result<()>)>,
    next: Option<Box<Node>>,
}

impl Waiting {
    pub(crate) fn new(watcher: impl FnOnce(TaskStatus, Result<()>) + Send + 'static) -> Result<Self> {
        let watcher = alloc::boxed(watcher)?;
        Ok(Self(alloc::boxed(Node { watcher, end: None, next: None })?))
    }
}

/// Those to be told, the last to come first.
#[derive(Default)]
pub(crate) struct ToBeTold {
    last: Option<Box<Node>>,
}

impl ToBeTold {
    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub(crate) fn push(&mut self, waiting: Waiting, status: TaskStatus, ended: Result<()>) {
        let mut node = waiting.0;
        node.end = Some((status, ended));
        node.next = self.last.take();
        self.last = Some(node);
    }

    /// Takes them all, for a call of each in the order in which they came.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = impl FnOnce()> {
        let mut first = ToBeTold::default();
        while let Some(node) = self.pop() {
            first.put(node);
        }
        std::iter::from_fn(move || {
            let Node { watcher, end, .. } = *first.pop()?;
            let (status, ended) = end?;
            Some(move || watcher(status, ended))
        })
    }

    fn put(&mut self, mut node: Box<Node>) {
        node.next = self.last.take();
        self.last = Some(node);
    }

    fn pop(&mut self) -> Option<Box<Node>> {
        let mut node = self.last.take()?;
        self.last = node.next.take();
        Some(node)
    }
}

impl Drop for ToBeTold {
    fn drop(&mut self) {
        // One by one: a long list that drops itself would fill the stack.
        while self.pop().is_some() {}
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::alloc::Text;
    use crate::task::{Lease, Priority, State, TaskId};
    use std::sync::mpsc;

    fn status(id: i64) -> TaskStatus {
        TaskStatus {
            id: TaskId::new(id).unwrap(),
            task_name: Text::default(),
            queue: Text::default(),
            priority: Priority::Normal,
            state: State::Succeeded,
            attempt: 1,
            lease: Lease::new(1),
            submitted_at_us: 0,
            started_at_us: 0,
            finished_at_us: 0,
            failure: None,
            cancel_requested: false,
            cancel_reason: Text::default(),
            run_at_us: 0,
            progress: None,
            progress_text: Text::default(),
            result: None,
            stalled_us: 0,
        }
    }

    #[test]
    fn watchers_are_told_once_in_the_order_in_which_they_came() {
        let (told, heard) = mpsc::channel();
        let mut all = ToBeTold::default();
        for round in 0..2 {
            for id in 1..=3 {
                let told = told.clone();
                let waiting = Waiting::new(move |status, _| told.send((round, status.id.value())).unwrap()).unwrap();
                all.push(waiting, status(id), Ok(()));
            }
            all.take().for_each(|tell| tell());
            assert!(all.is_empty());
        }
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]);
    }

    #[test]
    fn a_long_list_that_nobody_is_told_of_is_dropped_on_a_small_stack() {
        let drop_long = || {
            let mut all = ToBeTold::default();
            for _ in 0..100_000 {
                all.push(Waiting::new(|_, _| ()).unwrap(), status(1), Ok(()));
            }
            drop(all.take());
            all.push(Waiting::new(|_, _| ()).unwrap(), status(1), Ok(()));
        };
        std::thread::Builder::new().stack_size(256 * 1024).spawn(drop_long).unwrap().join().unwrap();
    }
}
