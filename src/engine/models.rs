//! Loom models of what the engine's parts promise each other, in the order of operations of `worker`, `submit` and
//! `shutdown`.

use crate::engine::intake::Phase;
use crate::engine::queues::{Queue, Slot};
use crate::queue::hand::{Taken, BATCH};
use crate::queue::log::{log, Data, Headers};
use crate::queue::segment::Pool;
use crate::store::table::{Chunk, Table, Word};
use crate::sync::modelled::{model, must_fail, Mutation};
use crate::sync::{fence, Arc, AtomicU8, Condvar, Mutex, Ordering};
use crate::task::{PayloadFormat, Priority, State, TaskId};
use loom::thread;
use std::time::Duration;

fn id(n: i64) -> TaskId {
    TaskId::new(n).unwrap()
}

fn queue() -> Arc<Queue> {
    Queue::new(0, "default".into(), Duration::from_secs(1)).unwrap()
}

/// A worker that has a task, and a shutdown that comes meanwhile.
struct Gate {
    slot: Arc<Slot>,
    chunk: Arc<Chunk>,
    phase: AtomicU8,
    threads: Mutex<()>,
    changed: Condvar,
}

impl Gate {
    fn new() -> Arc<Self> {
        let chunk = Table::default().chunk_for_new(id(1)).unwrap();
        chunk.entry(id(1)).init(Word::ready(0, 0, Priority::Normal, PayloadFormat::Contractless), 1, 1);
        Arc::new(Self {
            slot: Slot::new(1).unwrap(),
            chunk,
            phase: AtomicU8::new(Phase::Open as u8),
            threads: Mutex::new(()),
            changed: Condvar::new(),
        })
    }

    /// `Run::run` up to the handler: whether it is called.
    fn begins(&self) -> bool {
        self.slot.current.store(1, Ordering::Relaxed);
        let started = self.chunk.entry(id(1)).start(2);
        assert!(started.is_some());
        self.phase.load(Ordering::SeqCst) < Phase::Cancelling as u8
    }

    /// The rest of `Run::run`, and the end of `Worker::run_batch`.
    fn ends(&self) {
        self.slot.current.store(0, Ordering::Release);
        fence(Ordering::SeqCst);
        if self.phase.load(Ordering::SeqCst) > Phase::Open as u8 {
            drop(self.threads.lock());
            self.changed.notify_all();
        }
    }
}

fn shutdown_against_a_run() {
    let gate = Gate::new();
    let worker = thread::spawn({
        let gate = gate.clone();
        move || gate.begins()
    });
    gate.phase.store(Phase::Cancelling as u8, Ordering::SeqCst);
    let sees_it = gate.slot.running().is_some();
    let runs = worker.join().unwrap();
    assert!(sees_it || !runs, "a run goes on that the shutdown did not see");
}

#[test]
fn a_run_that_a_shutdown_does_not_see_does_not_begin() {
    model(None, shutdown_against_a_run);
}

#[test]
fn without_fences_a_run_begins_that_the_shutdown_did_not_see() {
    must_fail(
        module_path!(),
        "without_fences_a_run_begins_that_the_shutdown_did_not_see",
        &["a run goes on that the shutdown did not see"],
        Mutation::NoFences,
        || model(None, shutdown_against_a_run),
    );
}

/// `shut_down` waits without a limit; loom fails if nobody tells it of the end.
fn shutdown_waits_for_a_run() {
    let gate = Gate::new();
    let worker = thread::spawn({
        let gate = gate.clone();
        move || {
            gate.begins();
            gate.ends();
        }
    });
    gate.phase.store(Phase::Draining as u8, Ordering::SeqCst);
    let mut threads = gate.threads.lock();
    while gate.slot.running().is_some() {
        threads = gate.changed.wait(threads);
    }
    drop(threads);
    worker.join().unwrap();
}

#[test]
fn a_shutdown_that_waits_for_a_run_hears_of_its_end() {
    model(None, shutdown_waits_for_a_run);
}

#[test]
fn without_fences_a_shutdown_waits_for_ever() {
    must_fail(module_path!(), "without_fences_a_shutdown_waits_for_ever", &["deadlock"], Mutation::NoFences, || {
        model(None, shutdown_waits_for_a_run)
    });
}

/// What `make_room` and `Inner::tell_of_room` share.
struct Room {
    queue: Arc<Queue>,
    slot: Arc<Slot>,
    /// The intake's lock, and in it what came in.
    intake: Mutex<u64>,
    capacity: u64,
    /// The waiter looks once more after it has counted itself.
    looks_again: bool,
}

impl Room {
    fn new(pushed: u64, looks_again: bool) -> Arc<Self> {
        let (queue, slot) = (queue(), Slot::new(1).unwrap());
        queue.enlist(&mut queue.crew.lock(), slot.clone());
        Arc::new(Self { queue, slot, intake: Mutex::new(pushed), capacity: 1, looks_again })
    }

    fn has_room(&self, pushed: u64) -> bool {
        pushed - self.queue.left().0 < self.capacity
    }

    /// `make_room` without a limit.
    fn submit(&self) {
        let mut intake = self.intake.lock();
        while !self.has_room(*intake) {
            self.queue.waiting_for_room.fetch_add(1, Ordering::SeqCst);
            if !self.looks_again || !self.has_room(*intake) {
                intake = self.queue.room.wait(intake);
            }
            self.queue.waiting_for_room.fetch_sub(1, Ordering::SeqCst);
        }
        *intake += 1;
    }

    fn tell_of_room(&self) {
        if self.queue.waiting_for_room.load(Ordering::SeqCst) > 0 {
            drop(self.intake.lock());
            self.queue.room.notify_all();
        }
    }
}

fn wait_for_room(started: u64, cancelled: u64, looks_again: bool) {
    let room = Room::new(started + cancelled, looks_again);
    let worker = thread::spawn({
        let room = room.clone();
        move || {
            for _ in 0..started {
                room.queue.started(&room.slot, 1);
                room.tell_of_room();
            }
        }
    });
    let canceller = (cancelled > 0).then(|| {
        let room = room.clone();
        thread::spawn(move || {
            room.queue.left_out_of_turn(1, true);
            room.tell_of_room();
        })
    });
    room.submit();
    worker.join().unwrap();
    if let Some(canceller) = canceller {
        canceller.join().unwrap();
    }
    assert_eq!(room.queue.left(), (started + cancelled, started + cancelled));
}

#[test]
fn whoever_waits_for_room_hears_of_a_run_that_begins() {
    model(Some(4), || wait_for_room(1, 0, true));
    model(Some(3), || wait_for_room(2, 0, true));
}

#[test]
fn whoever_waits_for_room_hears_of_a_cancel() {
    model(Some(2), || wait_for_room(1, 1, true));
}

#[test]
fn without_a_second_look_a_waiter_for_room_waits_for_ever() {
    must_fail(
        module_path!(),
        "without_a_second_look_a_waiter_for_room_waits_for_ever",
        &["deadlock"],
        Mutation::None,
        || model(Some(3), || wait_for_room(1, 0, false)),
    );
}

#[test]
fn without_fences_a_waiter_for_room_waits_for_ever() {
    must_fail(
        module_path!(),
        "without_fences_a_waiter_for_room_waits_for_ever",
        &["deadlock"],
        Mutation::NoFences,
        || model(Some(3), || wait_for_room(1, 0, true)),
    );
}

/// The concurrency limit: `Queue::take` and `no_longer_busy`, the lanes holding enough.
#[test]
fn no_more_run_at_once_than_the_limit_says() {
    model(Some(2), || {
        let queue = queue();
        queue.set_limit(1);
        let pool = Arc::<Pool>::default();
        let (mut writer, reader) = log(&pool).unwrap();
        queue.lanes.0.lock().open(2, reader);
        let bare = Data { payload: b"", user_context: None, headers: Headers::Pairs(&[]) };
        for n in 1..=2 {
            writer.add(id(n), 0, &bare).unwrap();
        }
        writer.commit();
        let running = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let worker = |queue: Arc<Queue>| {
            let slot = Slot::new(1).unwrap();
            queue.enlist(&mut queue.crew.lock(), slot.clone());
            let running = running.clone();
            move || {
                let mut taken = Taken::default();
                if !queue.take(&slot, &mut taken, BATCH, || 0) {
                    return 0;
                }
                assert!(!slot.hand.has_some(), "one at a time");
                assert_eq!(running.fetch_add(1, Ordering::Relaxed), 0, "the limit is one");
                thread::yield_now();
                running.fetch_sub(1, Ordering::Relaxed);
                queue.no_longer_busy(&slot);
                1
            }
        };
        let other = thread::spawn(worker(queue.clone()));
        let mine = worker(queue.clone())();
        assert!(mine + other.join().unwrap() >= 1);
    });
}

/// A claim beside the scan of a shutdown that cancels what is ready: `State::Ready` is left by exactly one of them.
#[test]
fn a_queued_task_is_cancelled_by_a_shutdown_or_seen_running_by_it() {
    model(None, || {
        let gate = Gate::new();
        let worker = thread::spawn({
            let gate = gate.clone();
            move || {
                gate.slot.current.store(1, Ordering::Relaxed);
                let started = gate.chunk.entry(id(1)).start(2).is_some();
                if !started {
                    gate.slot.current.store(0, Ordering::Release);
                }
                started && gate.phase.load(Ordering::SeqCst) < Phase::Cancelling as u8
            }
        });
        gate.phase.store(Phase::Cancelling as u8, Ordering::SeqCst);
        let entry = gate.chunk.entry(id(1));
        let cancelled = entry.move_slowly(&[State::Ready], State::Cancelled, true).is_ok();
        let sees_it = gate.slot.running().is_some();
        let runs = worker.join().unwrap();
        assert!(!(cancelled && runs), "both have it");
        assert!(sees_it || !runs);
    });
}
