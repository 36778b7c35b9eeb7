//! A queue as its workers see it: lanes to take from, a place to sleep, and who runs what.

use crate::alloc::{self, Ensure, Text};
use crate::engine::clock::micros;
use crate::engine::parking::{Parker, Parking};
use crate::engine::poison::{point, Place};
use crate::engine::stats::Counters;
use crate::engine::watchdog::Seen;
use crate::error::Result;
use crate::options::DEFAULT_STALL_THRESHOLD;
use crate::queue::hand::{Hand, Taken};
use crate::queue::lanes::Lanes;
use crate::queue::log::Record;
use crate::store::table::MAX_QUEUES;
use crate::sync::{Arc, AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex, Ordering, Padded};
use crate::sys;
use crate::task::TaskId;
use std::sync::OnceLock;
use std::time::Duration;

pub(crate) struct Queue {
    pub(crate) index: usize,
    pub(crate) name: Text,
    /// What runs next. Its lock is the one that workers share.
    pub(crate) lanes: Padded<Mutex<Lanes>>,
    pub(crate) parking: Parking,
    /// What stands before the next run: 0: nothing; [`PAUSED`]; else runs at one time, pending ones included.
    gate: AtomicU32,
    /// The concurrency limit, 0: none, and whether the queue is paused. Changed under the lanes' lock.
    limit: AtomicU32,
    paused: AtomicBool,
    /// When a run that lasts gets its worker a replacement, in microseconds.
    pub(crate) stall_threshold_us: AtomicU64,
    /// It was told that no more workers may be started.
    pub(crate) exhausted: AtomicBool,
    pub(crate) pending: AtomicU32,
    pub(crate) crew: Mutex<Crew>,
    /// How many there are, to be read without the lock.
    workers: AtomicUsize,
    /// Tasks and bytes that left the queue other than by the start of a run on a worker that still is there.
    left: Padded<Totals>,
    /// Tasks that wait for their time, and their bytes: they have their place in the queue's capacity.
    pub(crate) scheduled: Totals,
    /// The time of some of them has come, and nobody was told yet. Of the control thread alone.
    pub(crate) has_due: AtomicBool,
    /// Records in the lanes whose tasks are gone already.
    gaps: AtomicU64,
    /// Signalled with the intake's lock, for those who wait for room there.
    pub(crate) room: Condvar,
    pub(crate) waiting_for_room: AtomicUsize,
    /// What happens seldom is counted here, what happens often by each worker.
    pub(crate) seldom: Mutex<Counters>,
}

/// All queues, by their index, to be found without a lock.
pub(crate) struct Queues(Box<[OnceLock<Arc<Queue>>]>);

impl Queues {
    pub(crate) fn new() -> Result<Self> {
        let mut places = alloc::list(MAX_QUEUES)?;
        places.resize_with(MAX_QUEUES, OnceLock::new);
        Ok(Self(places.into_boxed_slice()))
    }

    /// Adds the queue of the next index. Under the intake's lock, so that there is one at a time.
    pub(crate) fn add(&self, queue: Arc<Queue>) {
        let index = queue.index;
        assert!(self.0[index].set(queue).is_ok(), "each index is given once");
    }

    pub(crate) fn get(&self, index: usize) -> &Arc<Queue> {
        self.0[index].get().expect("an index that was given")
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Queue>> {
        self.iter().find(|queue| *queue.name == *name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.0.iter().map_while(OnceLock::get)
    }
}

/// The gate of a queue that is paused.
const PAUSED: u32 = u32::MAX;

/// The workers of a queue.
#[derive(Default)]
pub(crate) struct Crew {
    /// How many there should be that do not stall.
    pub(crate) target: u32,
    /// The concurrency limit; 0: none.
    limit: u32,
    pub(crate) slots: Vec<Arc<Slot>>,
}

impl Crew {
    /// Workers whose run stalls.
    pub(crate) fn stalled(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_stalled()).count()
    }

    /// How many there should be: one more for each that stalls, unless the concurrency limit would keep it from running.
    pub(crate) fn wanted(&self) -> usize {
        let wanted = self.target as usize + self.stalled();
        match self.limit {
            0 => wanted,
            limit => wanted.min(self.target.max(limit) as usize),
        }
    }
}

/// Tasks, and their bytes.
#[derive(Default)]
pub(crate) struct Totals {
    tasks: AtomicU64,
    bytes: AtomicU64,
}

impl Totals {
    pub(crate) fn add(&self, tasks: u64, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tasks.fetch_add(tasks, Ordering::SeqCst);
    }

    pub(crate) fn sub(&self, tasks: u64, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.tasks.fetch_sub(tasks, Ordering::SeqCst);
    }

    #[inline]
    pub(crate) fn get(&self) -> (u64, u64) {
        (self.tasks.load(Ordering::SeqCst), self.bytes.load(Ordering::Relaxed))
    }
}

/// One worker, as others see it. On cache lines of its own: it is written at every task.
#[repr(align(128))]
pub(crate) struct Slot {
    pub(crate) parker: Arc<Parker>,
    /// The task it runs, or is about to; 0 for none.
    pub(crate) current: AtomicI64,
    /// It holds a place under the concurrency limit. Set under the lanes' lock.
    busy: AtomicU32,
    /// Runs begun, which is tasks that left the queue by it, and their bytes.
    started: AtomicU64,
    started_bytes: AtomicU64,
    succeeded: AtomicU64,
    /// Records that it took and has not begun. Others may take them from it.
    pub(crate) hand: Hand,
    /// 1: a limit made it stop before its hand was empty.
    left_its_hand: AtomicU32,
    /// The task that the shutdown which closed the engine left to it; 0 for none. Under the extras' lock.
    abandoned: AtomicI64,
    /// Which worker of the engine it is.
    number: u64,
    /// The system's number of its thread; 0 before it runs.
    system_thread: AtomicU32,
    /// 1: its run holds up what waits. Changed under the crew's lock.
    stalled: AtomicU32,
    /// Of the watchdog.
    pub(crate) seen: Mutex<Seen>,
}

impl Slot {
    pub(crate) fn new(number: u64) -> Result<Arc<Self>> {
        let slot = Arc::try_new(Self {
            parker: Arc::try_new(Parker::new())?,
            current: AtomicI64::new(0),
            busy: AtomicU32::new(0),
            started: AtomicU64::new(0),
            started_bytes: AtomicU64::new(0),
            succeeded: AtomicU64::new(0),
            hand: Hand::new(),
            left_its_hand: AtomicU32::new(0),
            abandoned: AtomicI64::new(0),
            number,
            system_thread: AtomicU32::new(0),
            stalled: AtomicU32::new(0),
            seen: Mutex::default(),
        })?;
        Ok(slot)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Notes the thread that calls this as the worker's.
    pub(crate) fn is_this_thread(&self) {
        self.system_thread.store(sys::thread_number(), Ordering::Relaxed);
    }

    pub(crate) fn system_thread(&self) -> Option<u32> {
        Some(self.system_thread.load(Ordering::Relaxed)).filter(|number| *number != 0)
    }

    #[inline]
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed) != 0
    }

    /// The crew's lock is held.
    pub(crate) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(u32::from(stalled), Ordering::Relaxed);
    }

    /// Counts the runs that its worker has begun.
    pub(crate) fn runs_begun(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    pub(crate) fn running(&self) -> Option<TaskId> {
        let id = self.current.load(Ordering::SeqCst);
        (id != 0).then(|| TaskId::counted(id))
    }

    /// Leaves a task to its worker.
    pub(crate) fn abandon(&self, id: TaskId) {
        self.abandoned.store(id.value(), Ordering::Relaxed);
    }

    pub(crate) fn is_abandoned(&self, id: TaskId) -> bool {
        self.abandoned.load(Ordering::Relaxed) == id.value()
    }

    /// Counts the success that `finish` makes known, if it does (then it is `Some`): counted first, so that whoever sees the
    /// task succeeded finds it counted.
    pub(crate) fn count_success_of<T>(&self, finish: impl FnOnce() -> Option<T>) -> Option<T> {
        // One writer: no need for a locked instruction.
        let before = self.succeeded.load(Ordering::Relaxed);
        self.succeeded.store(before + 1, Ordering::Relaxed);
        let finished = finish();
        if finished.is_none() {
            self.succeeded.store(before, Ordering::Relaxed);
        }
        finished
    }

    /// Leaves the rest of the hand to whoever takes it.
    pub(crate) fn leave_hand(&self) {
        self.left_its_hand.store(1, Ordering::Relaxed);
    }
}

impl Queue {
    pub(crate) fn new(index: usize, name: Text, step: Duration) -> Result<Arc<Self>> {
        let queue = Arc::try_new(Self {
            index,
            name,
            lanes: Padded(Mutex::new(Lanes::new(step)?)),
            parking: Parking::default(),
            gate: AtomicU32::new(0),
            limit: AtomicU32::new(0),
            paused: AtomicBool::new(false),
            stall_threshold_us: AtomicU64::new(micros(DEFAULT_STALL_THRESHOLD)),
            exhausted: AtomicBool::new(false),
            pending: AtomicU32::new(0),
            crew: Mutex::default(),
            workers: AtomicUsize::new(0),
            left: Padded::default(),
            scheduled: Totals::default(),
            has_due: AtomicBool::new(false),
            gaps: AtomicU64::new(0),
            room: Condvar::new(),
            waiting_for_room: AtomicUsize::new(0),
            seldom: Mutex::default(),
        })?;
        Ok(queue)
    }

    /// Takes what a worker runs next, and the rest into its hand. Whether there was something. `most`: more than one only where
    /// the worker's runs are short. What a worker has taken is in its hand before the lanes' lock is let go, so that nobody
    /// looks in vain at both.
    pub(crate) fn take(&self, slot: &Slot, taken: &mut Taken, most: usize, now_ms: impl FnOnce() -> u32) -> bool {
        let mut lanes = self.lanes.0.lock();
        let gate = self.gate.load(Ordering::Relaxed);
        if !self.lets_one_in(gate) {
            return false;
        }
        // What is in hands is older than what is in the lanes.
        if gate > 0 || slot.left_its_hand.load(Ordering::Relaxed) != 0 {
            if self.take_from_hands(taken) {
                slot.busy.store(1, Ordering::Relaxed);
                return true;
            }
            // All hands are empty, its own too: it may be filled again.
            slot.left_its_hand.store(0, Ordering::Relaxed);
        }
        let workers = self.workers.load(Ordering::Relaxed);
        let found = lanes.take(if gate > 0 { 1 } else { most }, workers, now_ms, &slot.hand, taken);
        if found {
            point(Place::Take);
            slot.busy.store(1, Ordering::Relaxed);
        }
        found
    }

    /// Takes one from the hand of another worker, for one that has found nothing else. Whether there was one.
    pub(crate) fn steal(&self, slot: &Slot, taken: &mut Taken) -> bool {
        let _lanes = self.lanes.0.lock();
        if !self.lets_one_in(self.gate.load(Ordering::Relaxed)) {
            return false;
        }
        let found = self.take_from_hands(taken);
        if found {
            slot.busy.store(1, Ordering::Relaxed);
        }
        found
    }

    /// Takes a record that a worker has in its hand and has not begun. Whether there was one.
    pub(crate) fn take_from_hands(&self, taken: &mut Taken) -> bool {
        self.crew.lock().slots.iter().any(|slot| slot.hand.steal(taken))
    }

    /// Looks for a record in the lanes or in a hand, without taking it.
    pub(crate) fn find<R>(&self, id: TaskId, mut found: impl FnMut(Record<'_>) -> R) -> Option<R> {
        let mut lanes = self.lanes.0.lock();
        point(Place::Payload);
        // With the lock held: what leaves the lanes meanwhile would be missed in both.
        lanes.find(id, &mut found).or_else(|| {
            let crew = self.crew.lock();
            crew.slots.iter().find_map(|slot| slot.hand.find(id, &mut found))
        })
    }

    /// The oldest task of the lowest level that is in a hand or in the lanes, taken: what a full queue drops. Whether it may
    /// still be ready is for the caller to see. `level_of` tells the level of a task.
    pub(crate) fn take_oldest_of_lowest(&self, level_of: impl Fn(TaskId) -> Option<usize>) -> Option<TaskId> {
        let mut taken = Taken::default();
        let mut lanes = self.lanes.0.lock();
        let crew = self.crew.lock();
        // A hand holds one level, and older tasks of it than the lanes do.
        let hands = crew.slots.iter().filter_map(|slot| Some((level_of(slot.hand.next_task()?), slot)));
        let lowest = hands.min_by_key(|(level, _)| *level);
        if let Some((level, slot)) = lowest {
            if lanes.lowest_level().is_none_or(|in_lanes| level.is_none_or(|level| level <= in_lanes))
                && slot.hand.steal(&mut taken)
            {
                return taken.id();
            }
        }
        lanes.take_oldest_of_lowest(&mut taken);
        taken.id()
    }

    /// Whether another run may begin, so far as the gate says. The lanes' lock is held.
    #[inline]
    fn lets_one_in(&self, gate: u32) -> bool {
        gate == 0 || (gate != PAUSED && self.runs() < gate)
    }

    /// Whether more run than may: a limit was set while they ran, or the queue paused.
    pub(crate) fn is_over_limit(&self) -> bool {
        let gate = self.gate.load(Ordering::Relaxed);
        gate > 0 && {
            let _lanes = self.lanes.0.lock();
            gate == PAUSED || self.runs() > gate
        }
    }

    /// Sets the concurrency limit; 0: none.
    pub(crate) fn set_limit(&self, limit: u32) {
        let _lanes = self.lanes.0.lock();
        // So many workers there are never, so that it is none.
        let limit = if limit == PAUSED { 0 } else { limit };
        self.limit.store(limit, Ordering::Relaxed);
        self.set_gate();
        self.crew.lock().limit = limit;
    }

    /// Pauses the queue, or ends a pause.
    pub(crate) fn set_paused(&self, paused: bool) {
        let _lanes = self.lanes.0.lock();
        self.paused.store(paused, Ordering::Relaxed);
        self.set_gate();
    }

    fn set_gate(&self) {
        let paused = self.paused.load(Ordering::Relaxed);
        self.gate.store(if paused { PAUSED } else { self.limit.load(Ordering::Relaxed) }, Ordering::Relaxed);
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    pub(crate) fn no_longer_busy(&self, slot: &Slot) {
        slot.busy.store(0, Ordering::Release);
    }

    /// Whether a worker could take something now, from the lanes or from a hand.
    pub(crate) fn has_work(&self) -> bool {
        let mut lanes = self.lanes.0.lock();
        self.lets_one_in(self.gate.load(Ordering::Relaxed)) && (lanes.has_some() || self.hands_have_some())
    }

    /// Whether another run may begin beside those that there are, so far as pause and limit say.
    pub(crate) fn lets_another_run(&self) -> bool {
        let _lanes = self.lanes.0.lock();
        self.lets_one_in(self.gate.load(Ordering::Relaxed))
    }

    /// Whether a limit keeps something from the workers, now or in a moment. Where there is none, that costs one load.
    pub(crate) fn holds_something_back(&self) -> bool {
        self.gate.load(Ordering::Relaxed) != 0 && !self.is_drained()
    }

    /// Whether nothing is queued, whatever a limit says. A paused queue counts as drained: what is in it does not run.
    pub(crate) fn is_drained(&self) -> bool {
        let mut lanes = self.lanes.0.lock();
        self.is_paused() || !lanes.has_some() && !self.hands_have_some()
    }

    fn hands_have_some(&self) -> bool {
        self.crew.lock().slots.iter().any(|slot| slot.hand.has_some())
    }

    /// Runs under the concurrency limit.
    fn runs(&self) -> u32 {
        let crew = self.crew.lock();
        let busy = crew.slots.iter().filter(|slot| slot.busy.load(Ordering::Acquire) != 0).count();
        busy as u32 + self.pending.load(Ordering::Acquire)
    }

    /// A task has left the queue by the start of its run.
    pub(crate) fn started(&self, slot: &Slot, bytes: u32) {
        let before = slot.started_bytes.load(Ordering::Relaxed);
        slot.started_bytes.store(before + u64::from(bytes), Ordering::Relaxed);
        // Sequentially consistent with the look for waiters that follows it.
        slot.started.fetch_add(1, Ordering::SeqCst);
    }

    /// A task has left the queue out of turn. Whether its record stays behind as a gap.
    pub(crate) fn left_out_of_turn(&self, bytes: u32, gap: bool) {
        self.left.0.add(1, u64::from(bytes));
        if gap {
            self.gaps.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn gap_closed(&self) {
        // More closings than gaps are seen only for a moment: the canceller counts after it has won the move.
        self.gaps.fetch_sub(1, Ordering::Relaxed);
    }

    /// Gaps, where they are so many that a sweep pays.
    pub(crate) fn needs_sweep(&self, ready: u64) -> bool {
        let gaps = self.gaps.load(Ordering::Relaxed) as i64;
        gaps > 1024 && gaps as u64 > ready
    }

    pub(crate) fn swept(&self, gaps: u64) {
        self.gaps.fetch_sub(gaps, Ordering::Relaxed);
    }

    /// Tasks and bytes that have left since the start.
    pub(crate) fn left(&self) -> (u64, u64) {
        let crew = self.crew.lock();
        let (mut tasks, mut bytes) = self.left.0.get();
        for slot in &crew.slots {
            tasks += slot.started.load(Ordering::SeqCst);
            bytes += slot.started_bytes.load(Ordering::Relaxed);
        }
        (tasks, bytes)
    }

    /// Makes sure that one more worker can come, and sleep here.
    pub(crate) fn ensure_place(&self, crew: &mut Crew) -> Result<()> {
        crew.slots.ensure(1)?;
        self.parking.ensure_beds(crew.slots.len() + 1)
    }

    /// A worker comes, for whom there is a place.
    pub(crate) fn enlist(&self, crew: &mut Crew, slot: Arc<Slot>) {
        crew.slots.push(slot);
        self.workers.store(crew.slots.len(), Ordering::Relaxed);
    }

    /// A worker goes: what it counted stays.
    pub(crate) fn retire(&self, crew: &mut Crew, slot: &Arc<Slot>) {
        crew.slots.retain(|other| !Arc::ptr_eq(other, slot));
        self.workers.store(crew.slots.len(), Ordering::Relaxed);
        let started = slot.started.load(Ordering::Relaxed);
        self.left.0.add(started, slot.started_bytes.load(Ordering::Relaxed));
        let mut seldom = self.seldom.lock();
        seldom.started += started;
        seldom.succeeded += slot.succeeded.load(Ordering::Relaxed);
    }

    /// All counters but those of what is ready, which the intake knows. `is_running` looks at a task that a worker is at: it
    /// may be a moment before or after its run.
    pub(crate) fn counters(&self, is_running: impl Fn(TaskId) -> bool) -> Counters {
        let crew = self.crew.lock();
        let mut counters = *self.seldom.lock();
        for slot in &crew.slots {
            counters.started += slot.started.load(Ordering::Relaxed);
            counters.succeeded += slot.succeeded.load(Ordering::Relaxed);
            counters.running += u64::from(slot.running().is_some_and(&is_running));
        }
        counters.stalled = crew.stalled() as u64;
        (counters.scheduled, counters.scheduled_bytes) = self.scheduled.get();
        counters.pending = u64::from(self.pending.load(Ordering::Relaxed));
        counters.workers = crew.slots.len() as u64;
        counters.idle_workers = self.parking.sleepers().min(crew.slots.len()) as u64;
        counters
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_is_seen_to_have_succeeded_is_counted_and_no_other_is() {
        let slot = Slot::new(1).unwrap();
        let counted = || slot.succeeded.load(Ordering::Relaxed);
        assert_eq!(slot.count_success_of(|| Some(counted())), Some(1));
        assert_eq!(slot.count_success_of(|| None::<u64>), None);
        assert_eq!(counted(), 1);
    }
}
