//! Loom models of asking for an end beside everybody who may record it, with the table's and this file's own functions in
//! the order in which `worker`, `moves` and `shutdown` call them.

use super::*;
use crate::store::table::{Chunk, Table, Word};
use crate::sync::modelled::{model, must_fail, Mutation};
use crate::sync::{Arc, AtomicBool, AtomicUsize};
use crate::task::{PayloadFormat, Priority};
use loom::thread;

/// What is taken away from the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Careless {
    Nothing,
    /// A run takes who is to be told from its word at the claim.
    Run,
    /// Giving up looks at the bit, and leaves the word as it is.
    GivingUp,
}

const ASKERS: usize = 2;

/// One task, told of ends, and what was done before they were asked for.
struct Program {
    table: Table,
    chunk: Arc<Chunk>,
    extras: Mutex<Extras>,
    before: [AtomicBool; ASKERS],
    seen: [AtomicBool; ASKERS],
    told: AtomicUsize,
    careless: Careless,
}

fn id() -> TaskId {
    TaskId::new(1).unwrap()
}

impl Program {
    fn new(careless: Careless) -> Arc<Self> {
        let table = Table::default();
        let chunk = table.chunk_for_new(id()).unwrap();
        chunk.entry(id()).init(Word::ready(0, 0, Priority::Normal, PayloadFormat::Contractless), 1, 1);
        Arc::new(Self {
            table,
            chunk,
            extras: Mutex::default(),
            before: Default::default(),
            seen: Default::default(),
            told: AtomicUsize::default(),
            careless,
        })
    }

    fn entry(&self) -> &Entry {
        self.chunk.entry(id())
    }

    /// `Inner::tell_end`, after something that whoever is told needs.
    fn ask(&self, number: usize) -> Asked {
        self.before[number].store(true, Ordering::Relaxed);
        ask(self.entry(), &self.extras)
    }

    /// `Observer::ended` of an end that was recorded.
    fn tell_recorded(&self) {
        assert!(self.table.chunk(id()).is_some(), "it is forgotten before its end is told");
        self.tell();
    }

    fn tell(&self) {
        for (seen, before) in self.seen.iter().zip(&self.before) {
            seen.store(before.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.told.fetch_add(1, Ordering::Relaxed);
    }

    /// `Inner::keep` where nothing is kept.
    fn forget(&self) {
        self.table.forget(&self.chunk, id());
    }

    /// `Run::run`, `Inner::run_returned` and the end of the batch.
    fn run(&self) {
        let Some((word, _)) = self.entry().start(2) else { return };
        match self.entry().finish_plain(word, State::Succeeded, 3) {
            Ok(told) => {
                let told = if self.careless == Careless::Run { word.is_told() } else { told };
                if told {
                    self.tell_recorded();
                }
                self.forget();
            }
            Err(_) => self.end_slowly(State::Running, State::Succeeded),
        }
    }

    /// `Inner::cancel`, `Inner::drop_oldest`, `Inner::settle`: a move under the lock, and the telling after it.
    fn end_slowly(&self, from: State, to: State) {
        let extras = self.extras.lock();
        let moved = self.entry().move_slowly(&[from], to, false);
        drop(extras);
        if let Ok(before) = moved {
            if before.is_told() {
                self.tell_recorded();
            }
            self.forget();
        }
    }

    /// `Inner::drop_oldest` and, after the intake's lock, `Dropped`.
    fn drop_it(&self) {
        let extras = self.extras.lock();
        let _ = self.entry().move_slowly(&[State::Ready], State::Dropped, false);
        drop(extras);
        self.tell_dropped();
    }

    /// What drops others tells of this one too, if it comes first.
    fn tell_dropped(&self) {
        let extras = self.extras.lock();
        let taken = self.entry().take_dropped();
        drop(extras);
        if taken.is_some() {
            self.tell_recorded();
            self.forget();
        }
    }

    /// A cancel that asks a run to stop: the task has an extra from then on.
    fn ask_to_stop(&self) {
        let _extras = self.extras.lock();
        let _ = self.entry().mark_slow(true);
    }

    /// `Inner::give_up_tasks`.
    fn give_up(&self) {
        self.extras.lock().gave_up = true;
        let told = match self.careless {
            Careless::GivingUp => self.entry().word().is_told(),
            _ => self.entry().give_up().is_some(),
        };
        if told {
            self.tell();
        }
    }

    /// What holds when all is done: `asked` is what the askers were answered.
    fn check(&self, asked: &[Asked]) {
        let due = asked.contains(&Asked::Told);
        assert_eq!(self.told.load(Ordering::Relaxed), usize::from(due), "calls for an end that was {asked:?}");
        for (number, asked) in asked.iter().enumerate() {
            let seen = self.seen[number].load(Ordering::Relaxed);
            assert!(*asked != Asked::Told || seen, "who is told does not see what was done before");
        }
    }
}

const CANCEL: fn(&Program) = |program| program.end_slowly(State::Ready, State::Cancelled);

/// Two askers, or one, and others at the same time.
fn together(careless: Careless, askers: usize, others: &'static [fn(&Program)]) {
    let program = Program::new(careless);
    let threads: Vec<_> = others
        .iter()
        .map(|other| {
            let program = program.clone();
            thread::spawn(move || other(&program))
        })
        .collect();
    let other_asker = (askers == 2).then(|| {
        let program = program.clone();
        thread::spawn(move || program.ask(1))
    });
    let mut asked = vec![program.ask(0)];
    asked.extend(other_asker.map(|asker| asker.join().unwrap()));
    for thread in threads {
        thread.join().unwrap();
    }
    program.check(&asked);
}

#[test]
fn an_end_that_is_asked_for_during_the_run_is_told_once_or_was_there_already() {
    model(None, || together(Careless::Nothing, 1, &[Program::run]));
}

#[test]
fn of_two_askers_each_is_told_by_the_one_call_or_finds_the_end() {
    model(Some(3), || together(Careless::Nothing, 2, &[Program::run]));
}

#[test]
fn whoever_ends_the_task_tells_once() {
    model(Some(3), || together(Careless::Nothing, 1, &[Program::run, CANCEL]));
    model(Some(3), || together(Careless::Nothing, 1, &[Program::run, Program::ask_to_stop]));
    model(Some(3), || together(Careless::Nothing, 1, &[Program::run, Program::drop_it]));
}

#[test]
fn of_all_who_drop_tasks_one_tells_of_each() {
    model(Some(3), || together(Careless::Nothing, 1, &[Program::drop_it, Program::tell_dropped]));
}

#[test]
fn a_task_that_is_given_up_is_told_of_once_or_refused() {
    model(None, || together(Careless::Nothing, 1, &[Program::give_up]));
    model(Some(3), || together(Careless::Nothing, 2, &[Program::give_up]));
}

#[test]
fn a_task_that_ends_while_it_is_given_up_is_told_of_once_or_refused() {
    model(Some(3), || together(Careless::Nothing, 1, &[Program::give_up, CANCEL]));
    model(Some(2), || together(Careless::Nothing, 1, &[Program::give_up, Program::run]));
    model(Some(2), || together(Careless::Nothing, 2, &[Program::give_up, Program::run]));
}

#[test]
fn without_a_look_at_the_word_at_the_end_nobody_tells() {
    must_fail(
        module_path!(),
        "without_a_look_at_the_word_at_the_end_nobody_tells",
        &["calls for an end that was"],
        Mutation::None,
        || model(None, || together(Careless::Run, 1, &[Program::run])),
    );
}

#[test]
fn without_a_mark_on_what_is_given_up_nobody_tells() {
    must_fail(
        module_path!(),
        "without_a_mark_on_what_is_given_up_nobody_tells",
        &["calls for an end that was"],
        Mutation::None,
        || model(None, || together(Careless::GivingUp, 1, &[Program::give_up])),
    );
}

#[test]
fn with_relaxed_accesses_who_is_told_misses_what_was_done_before() {
    must_fail(
        module_path!(),
        "with_relaxed_accesses_who_is_told_misses_what_was_done_before",
        &["who is told does not see what was done before"],
        Mutation::Relaxed,
        || model(None, || together(Careless::Nothing, 1, &[Program::run])),
    );
}
