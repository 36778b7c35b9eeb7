//! The control thread: whatever happens because time has passed happens here. It sleeps until the next moment at which
//! something is due, runs no handler, and waits for nobody else.
//!
//! What waits for a time lies in the *schedule*, under one lock: timers, and the records of tasks that wait for no worker.
//! Every move of a task into the state *scheduled* or out of it is made with that lock held.

use crate::alloc;
use crate::engine::clock::{micros, Clock};
use crate::engine::watchdog::{refill_queues, watch_queues};
use crate::engine::worker::no_thread;
use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::queue::shelf::{Due, Shelf, ShelfPlace, Shelved};
use crate::queue::timers::{Timer, Timers};
use crate::sync::{fence, Arc, AtomicBool, Condvar, Mutex, MutexGuard, Ordering, Padded};
use crate::sys;
use crate::task::TaskId;
use std::ops::{Deref, DerefMut};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

/// How often the watchdog looks while something runs and something waits.
const TICK: Duration = Duration::from_millis(20);
/// While a task waits for a time of day, how often that is looked at: nobody tells of a clock that was set.
const WALL_LOOK: Duration = Duration::from_secs(1);
/// How long after a worker could not be started that is tried again.
const WORKER_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// From the end of a backlog to where its memory goes back to the system: the next one may be about to come.
const TRIM_AFTER: Duration = Duration::from_secs(1);
/// So much is done for one look at the clock.
pub(crate) const BATCH: usize = 256;

/// A moment that does not come.
const NEVER_US: u64 = u64::MAX;

/// What a timer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// The time of a scheduled task has come.
    Task(TaskId),
    /// The time limit of a task's run is over, or the time of grace after it.
    Limit(TaskId),
    /// A result has been kept long enough.
    Result(TaskId),
}

impl Alarm {
    fn key(self) -> u64 {
        let (id, kind) = match self {
            Alarm::Task(id) => (id, 0),
            Alarm::Limit(id) => (id, 1),
            Alarm::Result(id) => (id, 2),
        };
        // Ids count up from 1: at a billion a second they come to 2^61 in 73 years.
        (id.value() as u64) << 2 | kind
    }

    fn of(key: u64) -> Self {
        let id = TaskId::counted((key >> 2) as i64);
        match key & 3 {
            0 => Alarm::Task(id),
            1 => Alarm::Limit(id),
            _ => Alarm::Result(id),
        }
    }
}

pub(crate) struct Control {
    schedule: Mutex<Schedule>,
    /// There is news for the thread.
    news: Condvar,
    /// The thread has done all that was due.
    rested: Condvar,
    /// The watchdog looks at each tick. Read at a submit that finds every worker at work.
    watching: Padded<AtomicBool>,
    manual: bool,
}

/// What waits for a time.
pub(crate) struct Schedule {
    pub(crate) clock: Clock,
    timers: Timers,
    /// Those by the clock on the wall.
    wall_timers: Timers,
    pub(crate) shelf: Shelf,
    watch_at_us: u64,
    /// When memory is given back to the system, after a backlog.
    trim_at_us: u64,
    /// When workers are to be started that queues lack.
    refill_at_us: u64,
    /// When the thread looks next by itself; 0 while it is awake.
    sleeps_until_us: u64,
    has_news: bool,
    stopping: bool,
    ended: bool,
    /// How often the clock was set by hand, and up to which of these the thread has done what was due.
    set: u64,
    done: u64,
}

impl Schedule {
    /// Makes sure that one more task can be scheduled.
    pub(crate) fn ensure_place(&mut self, by_wall: bool) -> Result<()> {
        self.shelf.ensure()?;
        if by_wall { &mut self.wall_timers } else { &mut self.timers }.ensure(1)
    }

    /// Has the thread hear of something at a moment of the clock.
    pub(crate) fn set_timer(&mut self, at_ms: u64, alarm: Alarm) -> Result<Timer> {
        let timer = self.timers.insert(at_ms, alarm.key())?;
        self.has_news |= at_ms.saturating_mul(1000) < self.sleeps_until_us;
        Ok(timer)
    }

    /// Unless it has gone off.
    pub(crate) fn cancel_timer(&mut self, timer: Timer, alarm: Alarm) {
        self.timers.cancel_if_waiting(timer, alarm.key());
    }

    /// The time of a scheduled task: so much later, or at a time of day.
    pub(crate) fn set_due(&mut self, time: Time, alarm: Alarm) -> Result<Due> {
        match time {
            Time::After(delay) => {
                let at_ms = self.clock.ms_after(delay);
                Ok(Due { timer: self.set_timer(at_ms, alarm)?, at_ms, by_wall: false })
            }
            Time::At(at_ms) => {
                self.follow_wall();
                let timer = self.wall_timers.insert(at_ms, alarm.key())?;
                // It may be the first one, and how far off it is changes with the clock.
                self.has_news = true;
                Ok(Due { timer, at_ms, by_wall: true })
            }
        }
    }

    /// Unless it has gone off.
    fn cancel_due(&mut self, due: Due, alarm: Alarm) {
        let timers = if due.by_wall { &mut self.wall_timers } else { &mut self.timers };
        timers.cancel_if_waiting(due.timer, alarm.key());
    }

    /// Takes the record of a task from the shelf, and its timer with it.
    pub(crate) fn take_record(&mut self, place: ShelfPlace, id: TaskId) -> Option<Shelved> {
        let shelved = self.shelf.take(place)?;
        if let Some(due) = shelved.due {
            self.cancel_due(due, Alarm::Task(id));
        }
        Some(shelved)
    }

    /// A time as microseconds since 1970 UTC, as far as it can be told now.
    pub(crate) fn due_unix_us(&self, due: Due) -> i64 {
        let unix_ms = if due.by_wall {
            due.at_ms
        } else {
            self.clock.unix_ms().saturating_add(due.at_ms.saturating_sub(self.clock.now_ms()))
        };
        i64::try_from(unix_ms).unwrap_or(i64::MAX).saturating_mul(1000)
    }

    /// Sees whether the clock on the wall was set back. What it says.
    fn follow_wall(&mut self) -> u64 {
        let unix_ms = self.clock.unix_ms();
        if unix_ms < self.wall_timers.told_ms() {
            self.wall_timers.set_back(unix_ms);
        }
        unix_ms
    }

    /// What is due now, as much as fits.
    fn collect(&mut self, due: &mut Vec<Alarm>) {
        let (now_ms, unix_ms) = (self.clock.now_ms(), self.follow_wall());
        while due.len() < due.capacity() {
            let key = self.timers.pop_due(now_ms).or_else(|| self.wall_timers.pop_due(unix_ms));
            let Some(key) = key else { return };
            due.push(Alarm::of(key));
        }
    }

    /// When there is something to do next, in microseconds of the clock; [`NEVER_US`]: nothing.
    fn next_us(&self) -> u64 {
        let mut next_us = self.watch_at_us.min(self.trim_at_us).min(self.refill_at_us);
        if let Some(at_ms) = self.timers.next_ms() {
            next_us = next_us.min(at_ms.saturating_mul(1000));
        }
        if let Some(at_ms) = self.wall_timers.next_ms() {
            let left = at_ms.saturating_sub(self.clock.unix_ms()).saturating_mul(1000);
            next_us = next_us.min(self.clock.now_us().saturating_add(left.min(micros(WALL_LOOK))));
        }
        next_us
    }
}

/// When a task is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// So much later, whatever the clock on the wall does.
    After(Duration),
    /// At this many milliseconds since 1970 UTC, as the clock on the wall says.
    At(u64),
}

/// The schedule, locked; the thread hears of the news when it is let go.
pub(crate) struct Open<'a> {
    control: &'a Control,
    schedule: MutexGuard<'a, Schedule>,
}

impl Deref for Open<'_> {
    type Target = Schedule;

    fn deref(&self) -> &Schedule {
        &self.schedule
    }
}

impl DerefMut for Open<'_> {
    fn deref_mut(&mut self) -> &mut Schedule {
        &mut self.schedule
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if std::mem::take(&mut self.schedule.has_news) {
            self.control.news.notify_one();
        }
    }
}

enum Next {
    Due,
    Watch,
    Trim,
    Refill,
    Stop,
}

impl Control {
    pub(crate) fn new(manual_time: bool) -> Self {
        let clock = Clock::new(manual_time);
        let (now_ms, unix_ms) = (clock.now_ms(), clock.unix_ms());
        Self {
            schedule: Mutex::new(Schedule {
                clock,
                timers: Timers::new(now_ms),
                wall_timers: Timers::new(unix_ms),
                shelf: Shelf::default(),
                watch_at_us: NEVER_US,
                trim_at_us: NEVER_US,
                refill_at_us: NEVER_US,
                sleeps_until_us: 0,
                has_news: false,
                stopping: false,
                ended: false,
                set: 0,
                done: 0,
            }),
            news: Condvar::new(),
            rested: Condvar::new(),
            watching: Padded(AtomicBool::new(false)),
            manual: manual_time,
        }
    }

    /// The schedule. A small lock: after the intake's and the extras'.
    pub(crate) fn open(&self) -> Open<'_> {
        Open { control: self, schedule: self.schedule.lock() }
    }

    /// Microseconds of the clock that never jumps.
    pub(crate) fn now_us(&self) -> u64 {
        self.schedule.lock().clock.now_us()
    }

    /// Whether time is set by hand.
    pub(crate) fn is_manual(&self) -> bool {
        self.manual
    }

    /// Whether the watchdog looks at the next tick. To be asked after work was added, with a full fence in between.
    #[inline]
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.0.load(Ordering::SeqCst)
    }

    /// Has the watchdog look, now and at each tick as long as something runs and something waits.
    #[cold]
    pub(crate) fn start_watching(&self) {
        let mut schedule = self.open();
        if !self.watching.0.swap(true, Ordering::SeqCst) {
            schedule.watch_at_us = schedule.clock.now_us();
            schedule.has_news = true;
        }
    }

    /// The watchdog has looked. `something_waits` is asked after it was said that nobody watches.
    fn watched(&self, goes_on: bool, something_waits: impl FnOnce() -> bool) {
        if !goes_on {
            self.watching.0.store(false, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if !something_waits() {
                return;
            }
        }
        let mut schedule = self.open();
        // Somebody else may have said it in between.
        if !self.watching.0.swap(true, Ordering::SeqCst) || goes_on || schedule.watch_at_us == NEVER_US {
            schedule.watch_at_us = schedule.clock.now_us().saturating_add(micros(TICK));
        }
    }

    /// Has workers started that queues lack.
    #[cold]
    pub(crate) fn refill(&self) {
        self.refill_after(Duration::ZERO);
    }

    fn refill_after(&self, time: Duration) {
        let mut schedule = self.open();
        let at_us = schedule.clock.now_us().saturating_add(micros(time));
        schedule.refill_at_us = schedule.refill_at_us.min(at_us);
        schedule.has_news = true;
    }

    /// A worker falls asleep after a backlog has let go of much memory: a while later, the allocator gives it to the system.
    #[cold]
    pub(crate) fn trim_soon(&self) {
        let mut schedule = self.open();
        if schedule.trim_at_us == NEVER_US {
            schedule.trim_at_us = schedule.clock.now_us().saturating_add(micros(TRIM_AFTER));
            schedule.has_news = true;
        }
    }

    /// Ends the thread, once it is done with what it is at.
    pub(crate) fn stop(&self) {
        let mut schedule = self.open();
        schedule.stopping = true;
        schedule.has_news = true;
    }

    /// The thread's last step: nobody may wait for it any more.
    fn end(&self) {
        self.schedule.lock().ended = true;
        self.rested.notify_all();
    }

    /// Waits for the end of the thread, which was stopped.
    pub(crate) fn wait_for_end(&self) {
        let mut schedule = self.schedule.lock();
        while !schedule.ended {
            schedule = self.rested.wait(schedule);
        }
    }

    /// Sets the clock by hand, and waits until all that is due then has been done. `false`: it is not one to be set by hand.
    pub(crate) fn set_clock(&self, set: impl FnOnce(&mut Clock) -> bool) -> bool {
        let mut schedule = self.schedule.lock();
        if !set(&mut schedule.clock) {
            return false;
        }
        schedule.set += 1;
        let set = schedule.set;
        self.news.notify_one();
        while schedule.done < set && !schedule.ended {
            schedule = self.rested.wait(schedule);
        }
        true
    }

    /// Sleeps until something is due, and says what.
    fn next(&self, due: &mut Vec<Alarm>) -> Next {
        let mut schedule = self.schedule.lock();
        schedule.sleeps_until_us = 0;
        loop {
            if schedule.stopping {
                return Next::Stop;
            }
            schedule.collect(due);
            if !due.is_empty() {
                return Next::Due;
            }
            if schedule.watch_at_us <= schedule.clock.now_us() {
                schedule.watch_at_us = NEVER_US;
                return Next::Watch;
            }
            if schedule.refill_at_us <= schedule.clock.now_us() {
                schedule.refill_at_us = NEVER_US;
                return Next::Refill;
            }
            if schedule.trim_at_us <= schedule.clock.now_us() {
                schedule.trim_at_us = NEVER_US;
                return Next::Trim;
            }
            if schedule.done < schedule.set {
                schedule.done = schedule.set;
                self.rested.notify_all();
            }
            let until_us = schedule.next_us();
            schedule.sleeps_until_us = until_us;
            let deadline = if until_us == NEVER_US { None } else { schedule.clock.instant(until_us) };
            schedule = match deadline {
                Some(deadline) => self.news.wait_until(schedule, Some(deadline)).0,
                None => self.news.wait(schedule),
            };
            schedule.sleeps_until_us = 0;
        }
    }
}

/// The control thread.
fn run(inner: &Arc<Inner>, mut due: Vec<Alarm>) {
    loop {
        match inner.control.next(&mut due) {
            Next::Due => {
                inner.tasks_are_due(&due);
                due.clear();
            }
            Next::Watch => {
                let goes_on = watch_queues(inner);
                inner.control.watched(goes_on, || inner.something_waits());
            }
            Next::Refill => {
                if !refill_queues(inner) {
                    inner.control.refill_after(WORKER_AGAIN_AFTER);
                }
            }
            Next::Trim => {
                inner.pool.forget_gone();
                sys::give_memory_back();
            }
            Next::Stop => return,
        }
    }
}

/// Stack of the control thread, in bytes: what std gives a thread. No handler runs there; who is told of an end may be.
const STACK: usize = 2 << 20;

/// Starts the control thread of an engine.
pub(crate) fn start(inner: &Arc<Inner>) -> Result<()> {
    // Whoever ends the engine then does not wait for a thread that there is not.
    try_start(inner).inspect_err(|_| inner.control.end())
}

fn try_start(inner: &Arc<Inner>) -> Result<()> {
    let due = alloc::list(BATCH)?;
    let control = inner.clone();
    let body = move || {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(&control, due))) {
            control.poison(&Error::from_panic(&*panic));
        }
        control.control.end();
    };
    let thread = sys::start_thread(format_args!("backrun-control"), STACK, inner.number, body)
        .map_err(|why| no_thread(format_args!("the control thread"), why))?;
    drop(thread);
    Ok(())
}
