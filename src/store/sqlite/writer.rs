//! The one thread that writes.

use crate::error::{Error, Result};
use crate::options::Durability;
use crate::store::durable::{Answer, Batch, Change, Move};
use crate::store::sqlite::commits::{Commits, Weight};
use crate::store::sqlite::place::Place;
use crate::store::sqlite::retention::Keep;
use crate::store::sqlite::sealing::Keys;
use crate::sync::{Condvar, Mutex};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::sync_channel;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Most changes of one commit: what comes meanwhile goes into the next one, and nobody waits for a hundred thousand others.
const MOST_CHANGES: usize = 10_000;

/// What the thread is asked for.
enum Order {
    Apply(Batch),
    /// So many ids; the first of them is told.
    Reserve(i64, Box<dyn FnOnce(Result<i64>) + Send>),
}

#[derive(Default)]
struct Inbox {
    orders: VecDeque<Order>,
    closing: bool,
}

struct Shared {
    inbox: Mutex<Inbox>,
    news: Condvar,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<Result<()>>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, place: Place, keep: Keep, keys: Arc<Keys>) -> Result<Self> {
        let shared = Arc::new(Shared { inbox: Mutex::default(), news: Condvar::new() });
        let thread = shared.clone();
        let run = move || {
            let ran = catch_unwind(AssertUnwindSafe(|| thread.run(&connection, &place, keep, keys)));
            let ended = ran.unwrap_or_else(|panic| Err(Error::from_panic(&*panic)));
            thread.refuse_the_rest(&ended);
            ended
        };
        let spawned = std::thread::Builder::new().name("backrun-store".to_owned()).spawn(run);
        let thread = spawned.map_err(|cause| Error::System {
            what: "the store's thread".into(),
            cause: crate::alloc::Text::say(format_args!("{cause}")),
        })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn apply(&self, batch: Batch) {
        if let Err(order) = self.order(Order::Apply(batch)) {
            order.refuse();
        }
    }

    pub(super) fn reserve_ids(&self, count: i64) -> Result<i64> {
        let (tell, told) = sync_channel(1);
        let told_of = move |first| drop(tell.send(first));
        if let Err(order) = self.order(Order::Reserve(count, Box::new(told_of))) {
            order.refuse();
        }
        told.recv().unwrap_or(Err(Error::ShuttingDown))
    }

    fn order(&self, order: Order) -> std::result::Result<(), Order> {
        let mut inbox = self.shared.inbox.lock();
        if inbox.closing {
            return Err(order);
        }
        inbox.orders.push_back(order);
        // It looks again by itself before it sleeps.
        let is_first = inbox.orders.len() == 1;
        drop(inbox);
        if is_first {
            self.shared.news.notify_one();
        }
        Ok(())
    }

    pub(super) fn close(&self) -> Result<()> {
        self.shared.inbox.lock().closing = true;
        self.shared.news.notify_one();
        match self.thread.lock().take() {
            // Whoever was told of the last batch has let go of the store: the thread ends by itself.
            Some(thread) if thread.thread().id() == std::thread::current().id() => Ok(()),
            Some(thread) => thread.join().unwrap_or_else(|panic| Err(Error::from_panic(&*panic))),
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What was asked for is done; whether the end was clean is for the next start to see.
        let _ = self.close();
    }
}

impl Order {
    fn size(&self) -> usize {
        match self {
            Order::Apply(batch) => batch.changes.len(),
            Order::Reserve(..) => 1,
        }
    }

    /// Of what is large, if anything is.
    fn bytes(&self) -> u64 {
        let Order::Apply(batch) = self else { return 0 };
        let of = |change: &Change| match change {
            Change::Accept(task) => task.payload.len() + task.user_context.as_ref().map_or(0, Vec::len),
            Change::Move { to: Move::Succeeded { result: Some(result), .. }, .. } => result.len(),
            _ => 0,
        };
        batch.changes.iter().map(of).sum::<usize>() as u64
    }

    fn refuse(self) {
        self.answer_error(&Error::ShuttingDown);
    }

    fn answer_error(self, error: &Error) {
        match self {
            Order::Apply(batch) => (batch.told)(batch.changes, Err(error.clone())),
            Order::Reserve(_, told) => told(Err(error.clone())),
        }
    }
}

impl Shared {
    fn run(&self, connection: &Connection, place: &Place, keep: Keep, keys: Arc<Keys>) -> Result<()> {
        let mut commits = Commits::new(connection, place, keep, keys)?;
        let mut group = Vec::new();
        while self.next(&mut group) {
            commit(&mut commits, place, &mut group);
            commits.tidy();
            while self.is_idle() && commits.give_back() {}
        }
        commits.end_cleanly().map_err(|error| place.blame(error))
    }

    fn is_idle(&self) -> bool {
        self.inbox.lock().orders.is_empty()
    }

    /// The thread ends. After a failure of its own somebody may still wait for what it was asked for.
    fn refuse_the_rest(&self, ended: &Result<()>) {
        let mut inbox = self.inbox.lock();
        inbox.closing = true;
        let orders = std::mem::take(&mut inbox.orders);
        drop(inbox);
        let error = ended.as_ref().err().cloned().unwrap_or(Error::ShuttingDown);
        orders.into_iter().for_each(|order| order.answer_error(&error));
    }

    /// Waits for orders, and takes as many as one commit may have. `false`: there are none, and no more come.
    fn next(&self, group: &mut Vec<Order>) -> bool {
        let mut inbox = self.inbox.lock();
        while inbox.orders.is_empty() {
            if inbox.closing {
                return false;
            }
            inbox = self.news.wait(inbox);
        }
        let mut size = 0;
        while size < MOST_CHANGES {
            let Some(order) = inbox.orders.pop_front() else { break };
            size += order.size();
            group.push(order);
        }
        true
    }
}

/// Does what was asked for in one step. Where that cannot be, each order is tried on its own, so that one that cannot be done does
/// not take others with it.
fn commit(commits: &mut Commits<'_>, place: &Place, group: &mut Vec<Order>) {
    match attempt(commits, group) {
        Ok(told) => tell(group, told),
        Err(error) if group.len() == 1 => {
            let error = place.blame(error);
            group.drain(..).for_each(|order| order.answer_error(&error));
        }
        Err(_) => {
            for order in group.drain(..) {
                let mut one = vec![order];
                commit(commits, place, &mut one);
            }
        }
    }
}

enum Made {
    Answers(Vec<Answer>),
    First(i64),
}

fn attempt(commits: &mut Commits<'_>, group: &[Order]) -> Result<Vec<Made>> {
    let is_committed = group.iter().any(|order| match order {
        Order::Apply(batch) => batch.durability == Durability::Committed,
        Order::Reserve(..) => true,
    });
    let durability = if is_committed { Durability::Committed } else { Durability::Buffered };
    let mut weight = Weight { changes: 0, bytes: 0 };
    for order in group {
        weight.changes += order.size() as u64;
        weight.bytes += order.bytes();
    }
    commits.commit(durability, &weight, |changes| {
        let one = |order: &Order| match order {
            Order::Apply(batch) => changes.make(&batch.changes).map(Made::Answers),
            Order::Reserve(count, _) => changes.reserve_ids(*count).map(Made::First),
        };
        group.iter().map(one).collect()
    })
}

fn tell(group: &mut Vec<Order>, made: Vec<Made>) {
    for pair in group.drain(..).zip(made) {
        match pair {
            (Order::Apply(batch), Made::Answers(answers)) => (batch.told)(batch.changes, Ok(answers)),
            (Order::Reserve(_, told), Made::First(first)) => told(Ok(first)),
            (Order::Apply(_), Made::First(_)) | (Order::Reserve(..), Made::Answers(_)) => {
                unreachable!("each was made as it was asked for")
            }
        }
    }
}
