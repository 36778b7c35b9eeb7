//! Where work comes in: what producers share under one lock.

use crate::alloc::{Ensure, Shown, Text};
use crate::engine::queues::Queue;
use crate::engine::submit::Named;
use crate::error::{Error, Result};
use crate::options::QueueOptions;
use crate::queue::lanes::{level_of, Writers};
use crate::queue::log::{log, Writer};
use crate::queue::segment::Pool;
use crate::store::table::{Chunk, Table};
use crate::sync::Arc;
use crate::sys::CoarseClock;
use crate::task::{Priority, TaskId, TaskName, TaskNumber};
use std::collections::HashMap;
use std::fmt::Formatter;

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
    /// What a panic of ours said: the engine takes nothing more.
    pub(crate) broken: Option<Text>,
    pub(crate) entrances: Vec<Entrance>,
    /// Task names to their numbers.
    names: HashMap<Text, usize>,
    /// By number: the name, and the queue of its tasks that name none.
    registered: Vec<(Text, usize)>,
    /// The number that was looked up last: most producers submit the same task again and again.
    last_name: usize,
    last_id: i64,
    /// The chunk that was asked for last.
    chunk: Option<Arc<Chunk>>,
    pub(crate) clock: CoarseClock,
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
    /// Of those that count as ready, the ones that are in the store only, and their bytes; and those that are on their way there.
    outside: (u64, u64),
    promised: (u64, u64),
    /// Of those that are in the store only, the ones that were accepted before this process.
    outside_before: u64,
    /// Tasks that were accepted before they came in: they had waited for their time, or are run anew.
    came_again: u64,
    /// Tasks that were accepted and did not come in: they wait for their time, or were cancelled where they were in the store only.
    accepted_elsewhere: u64,
    pub(crate) refused: u64,
}

impl Intake {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Open,
            broken: None,
            entrances: Vec::new(),
            names: HashMap::new(),
            registered: Vec::new(),
            last_name: 0,
            last_id: 0,
            chunk: None,
            clock: CoarseClock::default(),
            refused_elsewhere: 0,
        }
    }

    #[inline]
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.phase == Phase::Open {
            Ok(())
        } else {
            Err(self.why_not_open())
        }
    }

    #[cold]
    fn why_not_open(&self) -> Error {
        self.broken.clone().map_or(Error::ShuttingDown, Error::Panic)
    }

    pub(crate) fn queue_named(&self, name: &str) -> Result<usize> {
        self.find_queue(name).ok_or_else(|| {
            let known = Shown(|f: &mut Formatter<'_>| {
                let usable = self.entrances.iter().filter(|entrance| entrance.usable);
                usable.enumerate().try_for_each(|(index, entrance)| {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    f.write_str(&entrance.queue.name)
                })
            });
            Error::not_found(format_args!("there is no queue '{name}', only {known}; configure it before it is used"))
        })
    }

    pub(crate) fn find_queue(&self, name: &str) -> Option<usize> {
        self.entrances.iter().position(|entrance| entrance.usable && *entrance.queue.name == *name)
    }

    pub(crate) fn is_registered(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub(crate) fn reserve_name(&mut self) -> Result<()> {
        self.names.ensure(1)?;
        Ok(self.registered.ensure(1)?)
    }

    pub(crate) fn add_name(&mut self, name: Text, queue: usize) {
        self.names.insert(name.clone(), self.registered.len());
        self.registered.push((name, queue));
    }

    /// The number of a task name and the queue that its submission goes to.
    #[inline]
    pub(crate) fn target(&mut self, task: Named<'_>, queue: Option<&str>) -> Result<(usize, usize)> {
        let found = self.look_up(task).and_then(|index| Some((index, self.registered.get(index)?.1)));
        match (found, queue) {
            (Some(found), None) => Ok(found),
            (Some((registration, _)), Some(name)) => Ok((registration, self.queue_named(name)?)),
            (None, _) => Err(self.unknown(task)),
        }
    }

    /// The queue of [`Intake::target`], if there is one.
    pub(crate) fn find_target(&mut self, task: Named<'_>, queue: Option<&str>) -> Option<usize> {
        let registration = self.look_up(task)?;
        let (_, own_queue) = *self.registered.get(registration)?;
        queue.map_or(Some(own_queue), |name| self.find_queue(name))
    }

    fn look_up(&mut self, task: Named<'_>) -> Option<usize> {
        let task_name = match task {
            Named::Number(number) => return Some(number.value() as usize - 1),
            Named::Name(name) => name,
        };
        let is_last = self.registered.get(self.last_name).is_some_and(|(name, _)| **name == *task_name);
        if !is_last {
            self.last_name = *self.names.get(task_name)?;
        }
        Some(self.last_name)
    }

    #[cold]
    fn unknown(&self, task: Named<'_>) -> Error {
        match task {
            Named::Number(number) => Error::invalid(format_args!(
                "the task number is {}, and this engine has given the numbers up to {}; pass one that it gave, or the task name",
                number.value(),
                self.registered.len()
            )),
            // What is wrong with the name comes first, if it is more than that nobody registered it.
            Named::Name(name) => TaskName::check(name)
                .err()
                .unwrap_or_else(|| Error::NoHandler(Text::say(format_args!("{name}")))),
        }
    }

    pub(crate) fn number_of(&mut self, task_name: &str) -> Result<TaskNumber> {
        let task = Named::Name(task_name);
        let registration = self.look_up(task).ok_or_else(|| self.unknown(task))?;
        Ok(TaskNumber::new(registration as u32 + 1).expect("it is not 0"))
    }

    pub(crate) fn name_numbered(&self, registration: usize) -> Text {
        self.registered.get(registration).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    pub(crate) fn name_of(&self, number: TaskNumber) -> Option<Text> {
        self.registered.get(number.value() as usize - 1).map(|(name, _)| name.clone())
    }

    /// The id that [`Intake::advance`] gives out next.
    pub(crate) fn next_id(&self) -> TaskId {
        TaskId::counted(self.last_id + 1)
    }

    /// Finds the chunk of an id that is about to be given out.
    #[inline]
    pub(crate) fn prepare_chunk(&mut self, table: &Table, id: TaskId) -> Result<()> {
        if self.chunk.as_ref().is_some_and(|chunk| chunk.has(id)) {
            return Ok(());
        }
        self.next_chunk(table, id)
    }

    #[cold]
    fn next_chunk(&mut self, table: &Table, id: TaskId) -> Result<()> {
        self.chunk = Some(table.chunk_for_new(id)?);
        Ok(())
    }

    /// The chunk that was found last, and a queue's entrance.
    #[inline]
    pub(crate) fn chunk_and_entrance(&mut self, queue: usize) -> (&Chunk, &mut Entrance) {
        (self.chunk.as_ref().expect("it was found"), &mut self.entrances[queue])
    }

    /// The chunk of an id for which it was found and that is not given out yet.
    pub(crate) fn known_chunk(&mut self, table: &Table, id: TaskId) -> &Chunk {
        if !self.chunk.as_ref().is_some_and(|chunk| chunk.has(id)) {
            self.chunk = table.chunk(id);
        }
        self.chunk.as_ref().expect("it is kept as long as an id of it is not given out")
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
            outside: (0, 0),
            promised: (0, 0),
            outside_before: 0,
            came_again: 0,
            accepted_elsewhere: 0,
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
        // What is only promised may still be refused.
        self.pushed.0 - self.promised.0 - self.outside_before - self.came_again + self.accepted_elsewhere
    }

    /// Tasks that came in since the start, again ones too.
    pub(crate) fn came_in(&self) -> u64 {
        self.pushed.0
    }

    /// Counts a task that waits for its time, or that is gone before it has come in.
    pub(crate) fn accept_elsewhere(&mut self) {
        self.accepted_elsewhere += 1;
    }

    /// Counts a task of so many bytes that was accepted before and comes in now.
    pub(crate) fn come_again(&mut self, bytes: u64) {
        self.count(bytes);
        self.came_again += 1;
    }

    /// Whether so many more tasks of so many bytes in all fit now.
    #[inline]
    pub(crate) fn has_room(&mut self, tasks: u64, bytes: u64) -> bool {
        self.would_fit(self.at_most_ready(), tasks, bytes) || self.has_room_after_a_look(tasks, bytes)
    }

    #[cold]
    fn has_room_after_a_look(&mut self, tasks: u64, bytes: u64) -> bool {
        let ready = self.ready();
        self.would_fit(ready, tasks, bytes)
    }

    fn would_fit(&self, ready: (u64, u64), tasks: u64, bytes: u64) -> bool {
        let scheduled = self.queue.scheduled.get();
        ready.0 + scheduled.0 + tasks <= self.options.capacity
            && ready.1 + scheduled.1 + bytes <= self.options.capacity_bytes
    }

    /// Ready tasks and their bytes in memory.
    pub(crate) fn in_memory(&mut self) -> (u64, u64) {
        let ready = self.ready();
        let elsewhere = (self.outside.0 + self.promised.0, self.outside.1 + self.promised.1);
        (ready.0.saturating_sub(elsewhere.0), ready.1.saturating_sub(elsewhere.1))
    }

    /// Counts a ready task that is in the store only. `before`: it was accepted before this process.
    pub(crate) fn keep_outside(&mut self, bytes: u64, before: bool) {
        self.outside_before += u64::from(before);
        self.pushed = (self.pushed.0 + 1, self.pushed.1 + bytes);
        self.outside = (self.outside.0 + 1, self.outside.1 + bytes);
    }

    /// Counts it no more: it comes into memory, or is gone.
    pub(crate) fn bring_in(&mut self, bytes: u64, before: bool) {
        self.outside_before -= u64::from(before);
        self.pushed = (self.pushed.0 - 1, self.pushed.1 - bytes);
        self.outside = (self.outside.0 - 1, self.outside.1 - bytes);
    }

    /// Keeps room for tasks until they are safe in the store: until then they count as if they had come in.
    pub(crate) fn promise(&mut self, tasks: u64, bytes: u64) {
        self.pushed = (self.pushed.0 + tasks, self.pushed.1 + bytes);
        self.promised = (self.promised.0 + tasks, self.promised.1 + bytes);
    }

    /// They come in now, or not at all.
    pub(crate) fn keep_promise(&mut self, tasks: u64, bytes: u64) {
        self.pushed = (self.pushed.0 - tasks, self.pushed.1 - bytes);
        self.promised = (self.promised.0 - tasks, self.promised.1 - bytes);
    }

    /// Whether they fit into the empty queue.
    pub(crate) fn could_hold(&self, tasks: u64, bytes: u64) -> bool {
        tasks <= self.options.capacity && bytes <= self.options.capacity_bytes
    }

    pub(crate) fn full(&mut self) -> Error {
        let (ready, scheduled) = (self.ready(), self.queue.scheduled.get());
        Error::QueueFull {
            queue: self.queue.name.clone(),
            tasks: ready.0 + scheduled.0,
            capacity: self.options.capacity,
            bytes: ready.1 + scheduled.1,
            capacity_bytes: self.options.capacity_bytes,
        }
    }

    /// The writing end of a level. Nobody sees what is added before [`Entrance::commit`].
    #[inline]
    pub(crate) fn writer(&mut self, pool: &Arc<Pool>, priority: Priority) -> Result<&mut Writer> {
        let level = level_of(priority);
        if self.writers.writers[level].is_none() {
            self.open(pool, level)?;
        }
        Ok(self.writers.writers[level].as_mut().expect("it is open"))
    }

    #[cold]
    fn open(&mut self, pool: &Arc<Pool>, level: usize) -> Result<()> {
        let (writer, reader) = log(pool)?;
        self.queue.lanes.0.lock().open(level, reader);
        self.writers.writers[level] = Some(writer);
        Ok(())
    }

    /// Lets workers see what was added, which is all of one level: so many tasks of so many bytes.
    #[inline]
    pub(crate) fn commit(&mut self, priority: Priority, tasks: u64, bytes: u64) {
        self.pushed.0 += tasks;
        self.pushed.1 += bytes;
        if let Some(writer) = &mut self.writers.writers[level_of(priority)] {
            writer.commit();
        }
    }

    /// Counts a task that was added.
    pub(crate) fn count(&mut self, bytes: u64) {
        self.pushed.0 += 1;
        self.pushed.1 += bytes;
    }

    /// Lets workers see what was added to any level and counted.
    pub(crate) fn commit_all(&mut self) {
        self.writers.writers.iter_mut().flatten().for_each(Writer::commit);
    }

    /// Takes back what was added and not committed.
    pub(crate) fn roll_back(&mut self) {
        for writer in self.writers.writers.iter_mut().flatten() {
            writer.roll_back();
        }
    }
}
