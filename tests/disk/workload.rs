//! A life of a store, in which everything happens that can: recorded with what is due after each batch.

use crate::cut::Image;
use crate::disk::{Disk, Event, Mounted, Rule, NAME};
use crate::model::{Kept, Model};
use crate::random::Random;
use backrun::options::{Backoff, Durability, RetryPolicy};
use backrun::store::conformance::{full_task, plain_task};
use backrun::store::durable::{Answer, Batch, Change, InterruptedRun, Move, RunAt, Store, StoredTask};
use backrun::store::sqlite::{SqliteOptions, SqliteStore};
use backrun::{Failure, Priority, State, TaskId};
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::mpsc::{channel, sync_channel, Receiver, Sender, SyncSender};
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything takes; reached only by a test that fails.
const LONG: Duration = Duration::from_secs(60);
pub const KEEP_FINISHED: u64 = 30;
const WORKERS: u64 = 6;

/// What was recorded, and what is due.
pub struct History {
    pub seed: u64,
    pub log: Vec<Event>,
    pub durabilities: Vec<Durability>,
    /// The claims that each batch names in its moves.
    pub named: Vec<Vec<(i64, u32)>>,
    /// What is there after so many batches, from none on.
    pub kept: Vec<Kept>,
    /// What was there if a batch that was refused had been done.
    pub refused: BTreeMap<usize, Kept>,
}

pub fn options(disk: &Disk) -> SqliteOptions {
    let mut options = SqliteOptions::new(disk.path());
    options.owner_wait = Duration::ZERO;
    options.keep_finished = KEEP_FINISHED;
    options
}

/// What goes wrong with the disk meanwhile, if anything.
#[derive(Default)]
pub struct Trouble {
    pub rule: Option<Rule>,
    pub rule_once_open: Option<Rule>,
    pub swallowed: Option<&'static str>,
    /// Batches may be refused.
    pub may_refuse: bool,
}

struct Life<'d> {
    disk: &'d Mounted,
    store: SqliteStore,
    random: Random,
    model: Model,
    history: History,
    ids: std::ops::Range<i64>,
    running: std::fs::File,
    running_inode: usize,
    /// The last claim of each task that was noted there.
    leases: BTreeMap<TaskId, u32>,
    /// What is in it.
    board: Vec<u8>,
    may_refuse: bool,
    /// The store's thread waits in the last batch's being told until it is let go.
    held: Option<SyncSender<()>>,
}

/// Lives for so many commits.
pub fn live(seed: u64, commits: usize, trouble: Trouble) -> History {
    let disk = Disk::mount(&Image::default());
    if let Some(rule) = trouble.rule {
        disk.set_rule(rule);
    }
    if let Some(swallowed) = trouble.swallowed {
        disk.swallow(swallowed);
    }
    let store = SqliteStore::open(options(&disk)).unwrap();
    if let Some(rule) = trouble.rule_once_open {
        disk.set_rule(rule);
    }
    let name = format!("{NAME}-running");
    let running = std::fs::File::open(disk.folder().join(&name)).unwrap();
    let running_inode = disk.opened(&name).0;
    let history = History {
        seed,
        log: Vec::new(),
        durabilities: Vec::new(),
        named: Vec::new(),
        kept: vec![Kept::default()],
        refused: BTreeMap::new(),
    };
    let mut life = Life {
        disk: &disk,
        store,
        random: Random(seed),
        model: Model::new(KEEP_FINISHED as usize),
        history,
        ids: 0..0,
        running,
        running_inode,
        leases: BTreeMap::new(),
        board: Vec::new(),
        may_refuse: trouble.may_refuse,
        held: None,
    };
    for _ in 0..commits {
        life.commit();
    }
    life.end()
}

impl Life<'_> {
    fn let_go(&mut self) -> bool {
        self.held.take().is_some_and(|held| held.send(()).is_ok())
    }

    /// Some batches that are one commit: the store's thread is held until all of them are there.
    fn commit(&mut self) {
        let mut count = 1 + self.random.below(4);
        if (self.ids.end - self.ids.start) < 200 {
            self.let_go();
            // More than half of what the file reserves at a time: it is asked for more often than by an engine.
            let wanted = 600_000;
            let Ok(first) = self.store.reserve_ids(wanted) else {
                assert!(self.may_refuse, "ids were refused");
                return;
            };
            self.ids = first.value()..first.value() + 250;
            self.disk.note(Event::Ids { last: first.value() + wanted as i64 - 1 });
        }
        // What may be refused is one batch, so that it is known before the next one what is there.
        if self.held.is_none() || self.may_refuse {
            count = 1;
        }
        let all_buffered = self.random.percent(60);
        let (here, arrived) = channel();
        let (hold, go) = sync_channel(1);
        let mut last = Some((here, go));
        let before = self.model.clone();
        for left in (0..count).rev() {
            self.claim_some();
            let durability = match all_buffered || self.random.percent(50) {
                true => Durability::Buffered,
                false => Durability::Committed,
            };
            let last = if left == 0 { last.take() } else { None };
            self.batch(durability, last);
        }
        self.let_go();
        self.held = Some(hold);
        let is_done = arrived.recv_timeout(LONG).expect("every batch is told of");
        self.model.forget_old();
        if !is_done {
            self.history.refused.insert(self.history.durabilities.len() - 1, self.model.kept.clone());
            self.model = before;
        }
        if let Some(kept) = self.history.kept.last_mut() {
            *kept = self.model.kept.clone();
        }
    }

    fn batch(&mut self, durability: Durability, last: Option<(Sender<bool>, Receiver<()>)>) {
        let batch = self.history.durabilities.len();
        let count = 1 + self.random.below(10);
        let mut changes = Vec::new();
        let mut due = Vec::new();
        for _ in 0..count {
            let change = self.change();
            due.push(self.model.make(&change));
            changes.push(change);
        }
        let named = |change: &Change| match change {
            Change::Move { id, claims, .. } => Some((id.value(), *claims)),
            _ => None,
        };
        self.history.named.push(changes.iter().filter_map(named).collect());
        self.history.durabilities.push(durability);
        self.history.kept.push(self.model.kept.clone());
        let (disk, may_refuse) = (self.disk.0.clone(), self.may_refuse);
        let told = move |_, answers: Result<Vec<Answer>, _>| {
            let is_done = answers.is_ok();
            match answers {
                Ok(answers) => {
                    assert_eq!(answers, due);
                    disk.note(Event::Told { batch });
                }
                Err(error) => {
                    assert!(may_refuse, "{error}");
                    disk.note(Event::Refused);
                }
            }
            if let Some((here, go)) = last {
                let _ = here.send(is_done);
                let _ = go.recv_timeout(LONG);
            }
        };
        self.disk.note(Event::Asked { batch });
        self.store.apply(Batch { changes, durability, told: Box::new(told) });
    }

    fn some_task(&mut self) -> Option<Arc<StoredTask>> {
        let tasks = &self.model.kept.tasks;
        let (first, last) = (*tasks.keys().next()?, *tasks.keys().next_back()?);
        let from = first + self.random.below((last - first) as u64 + 1) as i64;
        tasks.range(from..).next().map(|(_, task)| task.clone())
    }

    /// A worker takes a task, or is done with one.
    fn claim_some(&mut self) {
        if self.random.percent(50) {
            return;
        }
        let worker = self.random.below(WORKERS) as usize;
        let run = self.some_task().filter(|task| matches!(task.state, State::Ready | State::Scheduled));
        // No lease is given twice.
        let claims = |task: &StoredTask| 1 + task.claims.max(self.leases.get(&task.id).copied().unwrap_or(0));
        let run = run.map(|task| InterruptedRun { id: task.id, claims: claims(&task) });
        self.leases.extend(run.map(|run| (run.id, run.claims)));
        self.disk.note(Event::Claiming { worker, run: run.map(|run| (run.id.value(), run.claims)) });
        self.store.claim(worker, run);
        let mut now = Vec::new();
        self.running.seek(SeekFrom::Start(0)).and_then(|_| self.running.read_to_end(&mut now)).unwrap();
        if let Some(from) = (0..now.len()).find(|at| now.get(*at) != self.board.get(*at)) {
            self.disk.wrote(self.running_inode, from as u64, &now[from..]);
        }
        self.board = now;
        self.disk.note(Event::Claimed);
    }

    fn change(&mut self) -> Change {
        match self.random.below(100) {
            0..=49 => Change::Accept(Box::new(self.task())),
            50..=84 => match self.some_task() {
                Some(task) => self.move_of(&task),
                None => Change::Accept(Box::new(self.task())),
            },
            85..=89 => match self.some_task() {
                Some(task) => self.ask_to_stop(&task),
                None => Change::Accept(Box::new(self.task())),
            },
            90..=95 => {
                let id = self.some_task().map_or(TaskId::new(1).unwrap(), |task| task.id);
                Change::Forget(id)
            }
            _ => {
                let queue = self.random.one_of(&["default", "mails", "reports", "x"]);
                Change::Pause(queue.into(), self.random.percent(50))
            }
        }
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let length = self.random.below(most);
        (0..length).map(|_| self.random.next() as u8).collect()
    }

    fn run_at(&mut self) -> RunAt {
        let at = 1_800_000_000_000 + self.random.below(1000) as i64;
        if self.random.percent(50) {
            RunAt::Wall(at)
        } else {
            RunAt::Elapsed(at)
        }
    }

    fn task(&mut self) -> StoredTask {
        let id = TaskId::new(self.ids.start).unwrap();
        self.ids.start += 1;
        let mut task = if self.random.percent(30) { full_task(id) } else { plain_task(id) };
        let most = self.random.one_of(&[20, 500, 500, 5_000, 60_000]);
        task.payload = self.bytes(most);
        task.queue = self.random.one_of(&["default", "mails", "reports"]).into();
        task.task_name = self.random.one_of(&["a", "b", "plain", "names.may-be: ünïcode"]).into();
        task.priority = self.random.one_of(&[Priority::Normal, Priority::Normal, Priority::AboveNormal]);
        if self.random.percent(10) {
            let delay = Duration::from_millis(self.random.below(100_000));
            let mut retry = RetryPolicy::attempts(1 + self.random.below(9) as u32);
            (retry.backoff, retry.delay) = (Backoff::Exponential, delay);
            task.retry = Some(retry);
        }
        task
    }

    fn move_of(&mut self, task: &StoredTask) -> Change {
        // Mostly of a run that follows; now and then one that comes late, or none.
        let claims = match self.random.below(10) {
            0 => task.claims.saturating_sub(1),
            1 | 2 => task.claims,
            _ => (task.claims + 1).max(self.leases.get(&task.id).copied().unwrap_or(0)),
        };
        let failure = Failure::new("Kind", "what went wrong", "at which line");
        let to = match self.random.below(12) {
            0..=4 => {
                Move::Succeeded { result: self.random.percent(30).then(|| self.bytes(200)), result_until_us: None }
            }
            5 => Move::Cancelled { reason: "nobody wants it".into() },
            6 => Move::Dead { failure },
            7 | 8 => {
                let failure = self.random.percent(70).then_some(failure);
                Move::Scheduled { run_at: self.run_at(), failure }
            }
            9 | 10 => Move::Ready,
            _ => Move::Pending,
        };
        let now_us = 1_700_000_000_000_000 + self.random.below(1_000_000) as i64;
        Change::Move { id: task.id, claims, uncounted: claims / 2, now_us, to }
    }

    fn ask_to_stop(&mut self, task: &StoredTask) -> Change {
        let next = (task.claims + 1).max(self.leases.get(&task.id).copied().unwrap_or(0));
        let claims = match task.state {
            State::Running | State::Pending => task.claims,
            _ => next,
        };
        let claims = if self.random.percent(10) { claims + 1 } else { claims };
        Change::AskToStop { id: task.id, claims, uncounted: claims / 2, reason: "nobody wants it".into() }
    }

    fn end(mut self) -> History {
        self.let_go();
        self.disk.note(Event::Closing);
        match self.store.close() {
            Ok(()) => self.disk.note(Event::Closed),
            Err(error) => assert!(self.may_refuse, "{error}"),
        }
        self.history.log = self.disk.log();
        self.history
    }
}
