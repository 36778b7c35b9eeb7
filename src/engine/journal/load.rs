//! What an earlier process has left in the store, brought into memory once its name is registered, or noted as outside where that is much.

use crate::alloc::{Ensure, Text};
use crate::engine::intake::Phase;
use crate::engine::journal::accept::Coming;
use crate::engine::journal::look::UNREADABLE;
use crate::engine::journal::Journal;
use crate::engine::Inner;
use crate::error::Result;
use crate::options::LogLevel;
use crate::queue::lanes::{level_of, LEVELS};
use crate::store::durable::{Move, Page, StoredTask, Unfinished};
use crate::task::{Failure, State, TaskId};
use std::collections::VecDeque;

/// So many tasks are read at a time.
const PAGE: usize = 512;
/// A task that ran so often when a process ended uncleanly is not run again.
pub(crate) const MAX_CRASHES: u32 = 3;

/// What is still to be brought into memory.
#[derive(Default)]
pub(super) struct Loads {
    /// Names that nobody has registered.
    waiting: Vec<Unfinished>,
    /// Those that somebody has since.
    wanted: Vec<Unfinished>,
    /// Single tasks: those that there was no memory or room for when they were accepted.
    left_out: VecDeque<TaskId>,
}

/// One step.
pub(super) enum Load {
    Name(Unfinished),
    Task(TaskId),
}

impl Loads {
    pub(super) fn new(left: Vec<Unfinished>) -> Self {
        Self { waiting: left, ..Self::default() }
    }

    pub(super) fn waiting(&self) -> &[Unfinished] {
        &self.waiting
    }

    pub(super) fn next(&mut self) -> Option<Load> {
        if let Some(name) = self.wanted.pop() {
            return Some(Load::Name(name));
        }
        self.left_out.pop_front().map(Load::Task)
    }
}

impl Journal {
    /// A name was registered: what is left of it is wanted.
    pub(crate) fn want(&self, task_name: &str) -> Result<()> {
        let mut work = self.work.lock();
        let Some(index) = work.loads.waiting.iter().position(|name| *name.task_name == *task_name) else {
            return Ok(());
        };
        work.loads.wanted.ensure(1)?;
        let name = work.loads.waiting.swap_remove(index);
        work.loads.wanted.push(name);
        drop(work);
        self.wake();
        Ok(())
    }

    /// A task is in the store only: it is brought in when that can be. Without memory for that, after the next start.
    pub(super) fn leave_out(&self, id: TaskId) {
        let mut work = self.work.lock();
        if work.loads.left_out.ensure(1).is_ok() {
            work.loads.left_out.push_back(id);
        }
        drop(work);
        self.wake();
    }
}

impl Inner {
    /// Brings something into memory. On the journal's thread.
    pub(super) fn load(&self, journal: &Journal, load: &Load) {
        let loaded = match load {
            Load::Name(name) => self.load_name(journal, name),
            Load::Task(id) => self.load_task(journal, *id),
        };
        if let Err(error) = loaded {
            if let Load::Task(id) = load {
                journal.run_is_over(*id);
            }
            // What is not brought in stays in the store, and runs after the next start.
            self.observation.log(
                LogLevel::Error,
                format_args!("tasks that an earlier process left cannot be brought in, and stay in the store: {error}"),
            );
        }
    }

    fn load_name(&self, journal: &Journal, name: &Unfinished) -> Result<()> {
        let states = [State::Scheduled, State::Ready, State::Pending];
        let before = TaskId::new(name.last.value().saturating_add(1)).ok();
        let mut after = TaskId::new(name.first.value() - 1).ok();
        loop {
            let page = Page { states: &states, task_name: Some(&name.task_name), after, before, limit: PAGE };
            // While none of them is cancelled in the store.
            let _reading = journal.reading.lock();
            let tasks = journal.store.list(&page)?;
            let Some(last) = tasks.last() else { return Ok(()) };
            after = Some(last.id);
            let is_last = tasks.len() < PAGE;
            for task in &tasks {
                if task.crashes >= MAX_CRASHES {
                    let why = Text::say(format_args!("it was running at {} unclean ends of a process", task.crashes));
                    self.bury(task, "crashes", &why);
                } else if self.buried_unreadable(task) {
                } else if task.crashes > 0 {
                    self.line_up(journal, task)?;
                } else if !self.bring_in_or_keep_outside(journal, task)? {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn load_task(&self, journal: &Journal, id: TaskId) -> Result<()> {
        let _reading = journal.reading.lock();
        let waits = |task: &StoredTask| matches!(task.state, State::Ready | State::Scheduled | State::Pending);
        let Some(task) = journal.store.get(id)?.filter(waits) else {
            journal.run_is_over(id);
            return Ok(());
        };
        if self.buried_unreadable(&task) {
            journal.run_is_over(id);
            return Ok(());
        }
        self.bring_in_or_keep_outside(journal, &task).map(drop)
    }

    /// A task that ran when a process ended uncleanly is brought in, if it waits for its time, or when it may be its turn.
    fn line_up(&self, journal: &Journal, task: &StoredTask) -> Result<()> {
        let line = self.intake.0.lock().target_of(task)?.queue * LEVELS + level_of(task.priority);
        let waits_for_its_time = task.state == State::Scheduled;
        journal.with_suspects(|suspects| match waits_for_its_time {
            true => suspects.add_here(task.id, line),
            false => suspects.add(task.id, line),
        })?;
        self.observation.log(
            LogLevel::Warning,
            format_args!(
                "task {} ('{}') was running at {} unclean ends of a process: it runs with no other such task beside it",
                task.id, task.task_name, task.crashes
            ),
        );
        if waits_for_its_time {
            let came = self.bring_in_or_keep_outside(journal, task);
            return came.map(drop).inspect_err(|_| journal.run_is_over(task.id));
        }
        Ok(())
    }

    /// What does not decrypt is dead, and its bytes stay as they are: it is found out, and holds up nobody. Whether it was so.
    pub(super) fn buried_unreadable(&self, task: &StoredTask) -> bool {
        let Some(why) = &task.unreadable else { return false };
        self.bury(task, UNREADABLE, why);
        true
    }

    /// A task that cannot run is dead: it has taken too many processes with it, or cannot be read.
    fn bury(&self, task: &StoredTask, kind: &str, why: &str) {
        let failure = Failure::new(kind, why, "");
        // One claim more: a run that no store was told of has ended.
        let claims = task.claims + 1;
        self.observation.log(LogLevel::Error, format_args!("task {} ('{}') is dead: {why}", task.id, task.task_name));
        self.record_move(task.id, claims, task.uncounted + 1, Move::Dead { failure }, None);
    }

    /// Brings a task in, or keeps it outside. Its queue's capacity does not matter: it was accepted. `false`: the engine ends, and it stays in
    /// the store.
    fn bring_in_or_keep_outside(&self, journal: &Journal, task: &StoredTask) -> Result<bool> {
        let mut intake = self.intake.0.lock();
        if intake.phase > Phase::Open {
            return Ok(false);
        }
        let target = intake.target_of(task)?;
        if !self.keep_outside(journal, &mut intake.entrances[target.queue], task) {
            self.bring_in(&mut intake, task, target, Coming::of(journal, task.id))?;
        }
        self.let_them_run(intake, std::iter::once(target.queue));
        Ok(true)
    }
}
