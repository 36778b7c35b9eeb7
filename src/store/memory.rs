//! The memory store: tasks end with the process.

use crate::error::{Error, Result};
use crate::task::{Failure, Lease, PayloadFormat, Priority, State, Submission, TaskId, TaskStatus};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What a run needs of a task, and what does not change during its life.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) payload: Box<[u8]>,
    pub(crate) user_context: Option<Box<[u8]>>,
    pub(crate) headers: Box<[(Box<str>, Box<str>)]>,
    pub(crate) payload_format: PayloadFormat,
}

impl Task {
    /// Copies a submission. All memory that depends on its size is reserved first, so that a lack of it is an error.
    pub(crate) fn copy(submission: &Submission<'_>) -> Result<Self> {
        let mut headers = Vec::new();
        let count = submission.headers.len();
        headers.try_reserve_exact(count).map_err(|_| Error::OutOfMemory {
            bytes: count * size_of::<(Box<str>, Box<str>)>(),
        })?;
        for (name, value) in &submission.headers {
            headers.push((copy_text(name)?, copy_text(value)?));
        }
        Ok(Self {
            payload: copy_bytes(submission.payload)?,
            user_context: submission.user_context.map(copy_bytes).transpose()?,
            headers: headers.into_boxed_slice(),
            payload_format: submission.payload_format,
        })
    }
}

/// Copies bytes, or says that there is no memory for them.
pub(crate) fn copy_bytes(bytes: &[u8]) -> Result<Box<[u8]>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| Error::OutOfMemory { bytes: bytes.len() })?;
    copy.extend_from_slice(bytes);
    Ok(copy.into_boxed_slice())
}

fn copy_text(text: &str) -> Result<Box<str>> {
    let bytes = copy_bytes(text.as_bytes())?;
    String::from_utf8(bytes.into_vec())
        .map(String::into_boxed_str)
        .map_err(|e| Error::InvalidArgument(e.to_string()))
}

/// A task and what became of it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: TaskId,
    pub(crate) task_name: Arc<str>,
    pub(crate) queue: Arc<str>,
    pub(crate) priority: Priority,
    /// What it takes of its queue's capacity while it is ready.
    pub(crate) bytes: u64,
    /// Until the final state.
    pub(crate) task: Option<Arc<Task>>,
    state: State,
    pub(crate) attempt: u32,
    pub(crate) lease: Lease,
    pub(crate) submitted_at_us: i64,
    pub(crate) started_at_us: i64,
    pub(crate) finished_at_us: i64,
    pub(crate) failure: Option<Arc<Failure>>,
    pub(crate) cancel_requested: bool,
    pub(crate) cancel_reason: Arc<str>,
}

impl Record {
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Makes a move that the table of states has. Any other is a bug of the engine and stops it.
    pub(crate) fn move_to(&mut self, to: State) {
        assert!(
            self.state.can_move_to(to),
            "task {} cannot move from {:?} to {to:?}",
            self.id,
            self.state
        );
        self.state = to;
    }

    pub(crate) fn status(&self) -> TaskStatus {
        TaskStatus {
            id: self.id,
            task_name: self.task_name.clone(),
            queue: self.queue.clone(),
            priority: self.priority,
            state: self.state,
            attempt: self.attempt,
            lease: self.lease,
            submitted_at_us: self.submitted_at_us,
            started_at_us: self.started_at_us,
            finished_at_us: self.finished_at_us,
            failure: self.failure.clone(),
            cancel_requested: self.cancel_requested,
            cancel_reason: self.cancel_reason.clone(),
        }
    }
}

/// What the engine tells of a task it accepts.
pub(crate) struct Accepted {
    pub(crate) task_name: Arc<str>,
    pub(crate) queue: Arc<str>,
    pub(crate) priority: Priority,
    pub(crate) bytes: u64,
    pub(crate) task: Arc<Task>,
    pub(crate) now_us: i64,
}

/// All records, and which final ones are still kept.
#[derive(Debug)]
pub(crate) struct MemoryStore {
    records: HashMap<TaskId, Record>,
    last_id: i64,
    finished: VecDeque<TaskId>,
    dead: VecDeque<TaskId>,
    keep_finished: usize,
    keep_dead: usize,
    no_reason: Arc<str>,
}

impl MemoryStore {
    pub(crate) fn new(keep_finished: usize, keep_dead: usize) -> Self {
        Self {
            records: HashMap::new(),
            last_id: 0,
            finished: VecDeque::new(),
            dead: VecDeque::new(),
            keep_finished,
            keep_dead,
            no_reason: "".into(),
        }
    }

    /// Makes sure that so many inserts need no memory.
    pub(crate) fn reserve(&mut self, more: usize) -> Result<()> {
        self.records.try_reserve(more).map_err(|_| Error::OutOfMemory {
            bytes: more * size_of::<Record>(),
        })
    }

    /// Takes a task in as ready. Memory was reserved.
    pub(crate) fn insert(&mut self, accepted: Accepted) -> TaskId {
        self.last_id += 1;
        let id = TaskId::new(self.last_id).expect("counted up from 1");
        let record = Record {
            id,
            task_name: accepted.task_name,
            queue: accepted.queue,
            priority: accepted.priority,
            bytes: accepted.bytes,
            task: Some(accepted.task),
            state: State::Ready,
            attempt: 0,
            lease: Lease::default(),
            submitted_at_us: accepted.now_us,
            started_at_us: 0,
            finished_at_us: 0,
            failure: None,
            cancel_requested: false,
            cancel_reason: self.no_reason.clone(),
        };
        self.records.insert(id, record);
        id
    }

    pub(crate) fn get(&self, id: TaskId) -> Option<&Record> {
        self.records.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: TaskId) -> Option<&mut Record> {
        self.records.get_mut(&id)
    }

    pub(crate) fn is_ready(&self, id: TaskId) -> bool {
        self.get(id).is_some_and(|record| record.state == State::Ready)
    }

    /// Brings a task to a final state and forgets the oldest of those that are too many. Returns its last status and what
    /// it was run from, to be dropped where no lock is held.
    pub(crate) fn finish(&mut self, id: TaskId, to: State, now_us: i64) -> (TaskStatus, Option<Arc<Task>>) {
        let record = self
            .records
            .get_mut(&id)
            .expect("a task that is not final has a record");
        record.move_to(to);
        record.finished_at_us = now_us;
        let task = record.task.take();
        let status = record.status();
        let (kept, limit) = match to {
            State::Dead => (&mut self.dead, self.keep_dead),
            _ => (&mut self.finished, self.keep_finished),
        };
        kept.push_back(id);
        while kept.len() > limit {
            if let Some(oldest) = kept.pop_front() {
                self.records.remove(&oldest);
            }
        }
        // A large backlog's table is given back once most of it is gone.
        if self.records.capacity() > 65_536 && self.records.len() < self.records.capacity() / 8 {
            self.records.shrink_to(self.records.len() * 2);
        }
        (status, task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(store: &mut MemoryStore) -> TaskId {
        let task = Arc::new(Task::copy(&Submission::new("t", b"p")).unwrap());
        store.reserve(1).unwrap();
        store.insert(Accepted {
            task_name: "t".into(),
            queue: "default".into(),
            priority: Priority::Normal,
            bytes: 1,
            task,
            now_us: 1,
        })
    }

    fn run(store: &mut MemoryStore, id: TaskId, end: State) {
        store.get_mut(id).unwrap().move_to(State::Running);
        store.finish(id, end, 2);
    }

    #[test]
    fn ids_grow_and_are_never_reused() {
        let mut store = MemoryStore::new(0, 0);
        let first = insert(&mut store);
        run(&mut store, first, State::Succeeded);
        assert!(store.get(first).is_none(), "nothing is kept");
        assert!(insert(&mut store) > first);
    }

    #[test]
    fn the_newest_finished_and_dead_tasks_are_kept_apart() {
        let mut store = MemoryStore::new(2, 1);
        let all: Vec<_> = (0..6).map(|_| insert(&mut store)).collect();
        for (index, &id) in all.iter().enumerate() {
            run(
                &mut store,
                id,
                if index % 2 == 0 { State::Succeeded } else { State::Dead },
            );
        }
        let kept: Vec<_> = all
            .iter()
            .filter(|&&id| store.get(id).is_some())
            .map(|id| id.value())
            .collect();
        assert_eq!(kept, [3, 5, 6]);
        assert!(
            store.get(all[5]).unwrap().task.is_none(),
            "a final task's payload is given back"
        );
    }

    #[test]
    fn every_move_that_the_table_of_states_lacks_is_refused() {
        for from in State::ALL {
            for to in State::ALL {
                let mut store = MemoryStore::new(1, 1);
                let id = insert(&mut store);
                let record = store.get_mut(id).unwrap();
                record.state = from;
                let moved = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| record.move_to(to))).is_ok();
                assert_eq!(moved, from.can_move_to(to), "{from:?} -> {to:?}");
            }
        }
    }
}
