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
use crate::store::durable::{Move, Page, StoredTask, Unfinished, PAGE_BYTES};
use crate::task::{Failure, State, TaskId};
use std::collections::VecDeque;

/// So many tasks are read at a time.
const PAGE: usize = 512;

/// What is still to be brought into memory.
#[derive(Default)]
pub(super) struct Loads {
    /// Names that nobody has registered.
    waiting: Vec<Unfinished>,
    /// Those that somebody has since, as far as they are not loaded.
    wanted: Vec<Wanted<Unfinished>>,
    /// Single tasks: those that there was no memory or room for when they were accepted.
    left_out: VecDeque<Wanted<(TaskId, Coming)>>,
}

/// Stays where it is until it is loaded.
struct Wanted<T> {
    what: T,
    /// It could not be loaded, and is tried again later.
    waits: bool,
}

impl<T> Wanted<T> {
    fn new(what: T) -> Self {
        Self { what, waits: false }
    }
}

/// One step.
pub(super) enum Load {
    Name(Unfinished),
    Task(TaskId, Coming),
    Suspect(TaskId),
}

impl Loads {
    pub(super) fn new(left: Vec<Unfinished>) -> Self {
        Self { waiting: left, ..Self::default() }
    }

    pub(super) fn waiting(&self) -> &[Unfinished] {
        &self.waiting
    }

    pub(super) fn next(&self) -> Option<Load> {
        let name = self.wanted.iter().find(|wanted| !wanted.waits).map(|wanted| Load::Name(wanted.what.clone()));
        name.or_else(|| {
            self.left_out.iter().find(|wanted| !wanted.waits).map(|wanted| Load::Task(wanted.what.0, wanted.what.1))
        })
    }

    /// Notes what became of a step. What has failed waits.
    fn loaded(&mut self, load: &Load, has_failed: bool) {
        match load {
            Load::Name(name) => {
                let is_it = |wanted: &Wanted<Unfinished>| wanted.what.task_name == name.task_name;
                let Some(index) = self.wanted.iter().position(is_it) else { return };
                if has_failed {
                    self.wanted[index] = Wanted { what: name.clone(), waits: true };
                } else {
                    self.wanted.swap_remove(index);
                }
            }
            Load::Task(id, _) => {
                let Some(index) = self.left_out.iter().position(|wanted| wanted.what.0 == *id) else { return };
                if has_failed {
                    self.left_out[index].waits = true;
                } else {
                    self.left_out.remove(index);
                }
            }
            Load::Suspect(_) => {}
        }
    }

    /// What waits is tried again.
    pub(super) fn try_again(&mut self) {
        self.wanted.iter_mut().for_each(|wanted| wanted.waits = false);
        self.left_out.iter_mut().for_each(|wanted| wanted.waits = false);
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
        work.loads.wanted.push(Wanted::new(name));
        drop(work);
        self.wake();
        Ok(())
    }

    /// A task is in the store only: it is brought in when that can be. Without memory for that, after the next start.
    pub(super) fn leave_out(&self, id: TaskId, coming: Coming) {
        let mut work = self.work.lock();
        if work.loads.left_out.ensure(1).is_ok() {
            work.loads.left_out.push_back(Wanted::new((id, coming)));
        }
        drop(work);
        self.wake();
    }

    /// Whether a task that is left out was in memory before.
    pub(super) fn was_in_memory(&self, id: TaskId) -> bool {
        self.work.lock().loads.left_out.iter().any(|wanted| wanted.what == (id, Coming::Again))
    }
}

impl Inner {
    /// Brings something into memory. On the journal's thread. Where that fails it is to be tried again, from where it failed.
    pub(super) fn load(&self, journal: &Journal, mut load: Load) -> Result<()> {
        let loaded = match &mut load {
            Load::Name(name) => self.load_name(journal, name),
            Load::Task(id, coming) => self.load_task(journal, *id, *coming, false),
            // Who waits for its time does that in memory, and stands in line once it has come.
            Load::Suspect(id) => self.load_task(journal, *id, Coming::Again, true),
        };
        journal.work.lock().loads.loaded(&load, loaded.is_err());
        if let (Load::Suspect(id), true) = (load, loaded.is_err()) {
            journal.stands_in_line_again(id, true);
        }
        loaded
    }

    fn load_name(&self, journal: &Journal, name: &mut Unfinished) -> Result<()> {
        let states = [State::Scheduled, State::Ready, State::Pending];
        let before = TaskId::new(name.last.value().saturating_add(1)).ok();
        loop {
            let after = TaskId::new(name.first.value() - 1).ok();
            let task_name = Some(&*name.task_name);
            let page = Page {
                states: &states,
                task_name,
                after,
                before,
                limit: PAGE,
                most_bytes: Some(PAGE_BYTES),
                brief: false,
            };
            // While none of them is cancelled in the store.
            let _reading = journal.reading.lock();
            let tasks = journal.store.list(&page)?;
            if tasks.is_empty() {
                return Ok(());
            }
            for task in &tasks {
                if self.buried_unfit(journal, task) {
                    // It is done with.
                } else if task.crashes > 0 {
                    self.line_up(journal, task)?;
                } else if !self.bring_in_or_keep_outside(journal, task, Coming::Again)? {
                    return Ok(());
                }
                name.first = TaskId::counted(task.id.value() + 1);
            }
        }
    }

    /// `is_due`: whatever the store says, its time has come.
    fn load_task(&self, journal: &Journal, id: TaskId, coming: Coming, is_due: bool) -> Result<()> {
        let _reading = journal.reading.lock();
        let waits = |task: &StoredTask| matches!(task.state, State::Ready | State::Scheduled | State::Pending);
        let Some(mut task) = journal.store.get(id)?.filter(waits) else {
            journal.run_is_over(id);
            return Ok(());
        };
        if is_due {
            (task.state, task.run_at) = (State::Ready, None);
        }
        if self.buried_unfit(journal, &task) {
            journal.run_is_over(id);
            return Ok(());
        }
        self.bring_in_or_keep_outside(journal, &task, coming).map(drop)
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
            let came = self.bring_in_or_keep_outside(journal, task, Coming::Again);
            return came.map(drop).inspect_err(|_| journal.run_is_over(task.id));
        }
        Ok(())
    }

    /// A task that cannot run is dead, which is found out and holds up nobody: it has taken too many processes with it, or does not decrypt (its
    /// bytes stay as they are). Whether it is one.
    pub(super) fn buried_unfit(&self, journal: &Journal, task: &StoredTask) -> bool {
        let (kind, why) = match &task.unreadable {
            _ if task.crashes >= journal.max_crashes => {
                ("crashes", Text::say(format_args!("it was running at {} unclean ends of a process", task.crashes)))
            }
            Some(why) => (UNREADABLE, why.clone()),
            None => return false,
        };
        let failure = Failure::new(kind, &why, "");
        // One claim more: a run that no store was told of has ended.
        let claims = task.claims + 1;
        self.observation.log(LogLevel::Error, format_args!("task {} ('{}') is dead: {why}", task.id, task.task_name));
        self.record_move(task.id, claims, task.uncounted + 1, Move::Dead { failure }, None);
        true
    }

    /// Brings a task in, or keeps it outside. Its queue's capacity does not matter: it was accepted. `false`: the engine ends, and it stays in
    /// the store.
    fn bring_in_or_keep_outside(&self, journal: &Journal, task: &StoredTask, coming: Coming) -> Result<bool> {
        let mut intake = self.intake.0.lock();
        if intake.phase > Phase::Open {
            return Ok(false);
        }
        let target = intake.target_of(task)?;
        if !self.keep_outside(journal, &mut intake.entrances[target.queue], task, coming) {
            self.bring_in(&mut intake, task, target, coming)?;
        }
        self.let_them_run(intake, std::iter::once(target.queue));
        Ok(true)
    }
}
