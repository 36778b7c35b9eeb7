//! Where work comes in: what producers share under one lock.

use crate::engine::queues::Queue;
use crate::error::{Error, Result};
use crate::options::QueueOptions;
use crate::queue::lanes::{level_of, Writers};
use crate::queue::log::{log, Data, Pool};
use crate::store::table::{Chunk, Table};
use crate::sync::Arc;
use crate::task::{Priority, TaskId};
use std::collections::HashMap;

/// How far the engine's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Takes work.
    Open,
    /// Takes no new work, does the old.
    Draining,
    /// Starts nothing more.
    Cancelling,
    /// Records nothing more.
    Closed,
}

pub(crate) struct Intake {
    pub(crate) phase: Phase,
    pub(crate) entrances: Vec<Entrance>,
    /// Task names to their numbers.
    names: HashMap<Arc<str>, usize>,
    /// By number: the name, and the queue of its tasks that name none.
    registered: Vec<(Arc<str>, usize)>,
    /// The number that was looked up last: most producers submit the same task again and again.
    last_name: usize,
    last_id: i64,
    /// The chunk of the last id.
    chunk: Option<Arc<Chunk>>,
    pub(crate) refused_elsewhere: u64,
}

/// A queue as producers see it.
pub(crate) struct Entrance {
    pub(crate) queue: Arc<Queue>,
    pub(crate) options: QueueOptions,
    /// Its first workers could be started.
    pub(crate) usable: bool,
    writers: Writers,
    /// Tasks and bytes that came in since the start, and of those the part known to have left.
    pushed: (u64, u64),
    known_left: (u64, u64),
    pub(crate) refused: u64,
}

impl Intake {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Open,
            entrances: Vec::new(),
            names: HashMap::new(),
            registered: Vec::new(),
            last_name: 0,
            last_id: 0,
            chunk: None,
            refused_elsewhere: 0,
        }
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.phase == Phase::Open {
            Ok(())
        } else {
            Err(Error::ShuttingDown)
        }
    }

    pub(crate) fn queue_named(&self, name: &str) -> Result<usize> {
        self.entrances.iter().position(|entrance| entrance.usable && &*entrance.queue.name == name).ok_or_else(|| {
            let usable = self.entrances.iter().filter(|entrance| entrance.usable);
            let known: Vec<_> = usable.map(|entrance| &*entrance.queue.name).collect();
            Error::NotFound(format!(
                "there is no queue '{name}', only {}; configure it before it is used",
                known.join(", ")
            ))
        })
    }

    pub(crate) fn is_registered(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub(crate) fn reserve_name(&mut self) -> Result<()> {
        let no_memory = |_| Error::OutOfMemory { bytes: size_of::<(Arc<str>, usize)>() };
        self.names.try_reserve(1).map_err(no_memory)?;
        self.registered.try_reserve(1).map_err(no_memory)
    }

    pub(crate) fn add_name(&mut self, name: Arc<str>, queue: usize) {
        self.names.insert(name.clone(), self.registered.len());
        self.registered.push((name, queue));
    }

    /// The number of a task name and the queue that its submission goes to.
    pub(crate) fn target(&mut self, task_name: &str, queue: Option<&str>) -> Result<(usize, usize)> {
        let is_last = self.registered.get(self.last_name).is_some_and(|(name, _)| **name == *task_name);
        if !is_last {
            self.last_name = *self.names.get(task_name).ok_or_else(|| Error::NoHandler(task_name.into()))?;
        }
        let queue = match queue {
            Some(name) => self.queue_named(name)?,
            None => self.registered[self.last_name].1,
        };
        Ok((self.last_name, queue))
    }

    /// The id that the `ahead`-th next task gets; the intake then has its chunk.
    pub(crate) fn next_id(&mut self, table: &Table, ahead: usize) -> Result<TaskId> {
        let id = TaskId::new(self.last_id + 1 + ahead as i64)?;
        if !self.chunk.as_ref().is_some_and(|chunk| chunk.has(id)) {
            self.chunk = Some(table.chunk_for_new(id)?);
        }
        Ok(id)
    }

    /// The chunk of the last [`Intake::next_id`] and a queue's entrance.
    pub(crate) fn chunk_and_entrance(&mut self, queue: usize) -> (&Arc<Chunk>, &mut Entrance) {
        (self.chunk.as_ref().expect("next_id came first"), &mut self.entrances[queue])
    }

    /// Gives the next ids out.
    pub(crate) fn advance(&mut self, count: usize) {
        self.last_id += count as i64;
    }
}

impl Entrance {
    pub(crate) fn new(queue: Arc<Queue>, options: QueueOptions) -> Self {
        Self {
            queue,
            options,
            usable: true,
            writers: Writers::default(),
            pushed: (0, 0),
            known_left: (0, 0),
            refused: 0,
        }
    }

    /// Ready tasks and their bytes. Reads what the workers write, so not for every submit.
    pub(crate) fn ready(&mut self) -> (u64, u64) {
        self.known_left = self.queue.left();
        self.at_most_ready()
    }

    fn at_most_ready(&self) -> (u64, u64) {
        (self.pushed.0.saturating_sub(self.known_left.0), self.pushed.1.saturating_sub(self.known_left.1))
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.pushed.0
    }

    /// Whether so many more tasks of so many bytes in all fit now.
    pub(crate) fn has_room(&mut self, tasks: u64, bytes: u64) -> bool {
        let fits = |ready: (u64, u64), options: &QueueOptions| {
            ready.0 + tasks <= options.capacity && ready.1 + bytes <= options.capacity_bytes
        };
        fits(self.at_most_ready(), &self.options) || {
            let ready = self.ready();
            fits(ready, &self.options)
        }
    }

    /// Whether they fit into the empty queue.
    pub(crate) fn could_hold(&self, tasks: u64, bytes: u64) -> bool {
        tasks <= self.options.capacity && bytes <= self.options.capacity_bytes
    }

    pub(crate) fn full(&mut self) -> Error {
        let (tasks, bytes) = self.ready();
        Error::QueueFull {
            queue: self.queue.name.to_string(),
            tasks,
            capacity: self.options.capacity,
            bytes,
            capacity_bytes: self.options.capacity_bytes,
        }
    }

    /// Writes a record that nobody sees before [`Entrance::commit`].
    pub(crate) fn add(
        &mut self,
        pool: &Arc<Pool>,
        priority: Priority,
        id: TaskId,
        now_ms: u32,
        data: &Data<'_>,
    ) -> Result<()> {
        let level = level_of(priority);
        let writer = match &mut self.writers.writers[level] {
            Some(writer) => writer,
            none => {
                let (writer, reader) = log(pool)?;
                self.queue.lanes.0.lock().open(level, reader);
                none.insert(writer)
            }
        };
        writer.add(id, now_ms, data)
    }

    /// Lets workers see what was added to a level: so many tasks of so many bytes.
    pub(crate) fn commit(&mut self, priority: Priority, tasks: u64, bytes: u64) {
        self.pushed.0 += tasks;
        self.pushed.1 += bytes;
        if let Some(writer) = &mut self.writers.writers[level_of(priority)] {
            writer.commit();
        }
    }

    /// Takes back what was added and not committed.
    pub(crate) fn roll_back(&mut self) {
        for writer in self.writers.writers.iter_mut().flatten() {
            writer.roll_back();
        }
    }
}
