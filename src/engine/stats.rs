//! Counters.

use crate::alloc::{self, Ensure, Text};
use crate::engine::journal::Journal;
use crate::engine::latency::{Histogram, Snapshot};
use crate::engine::poison::{point, Place};
use crate::engine::watchdog::StalledRun;
use crate::engine::Inner;
use crate::error::Result;
use crate::task::State;

/// Counters of an engine or of one queue: since the start, and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Tasks accepted since the start.
    pub accepted: u64,
    /// Tasks refused since the start.
    pub refused: u64,
    /// Runs begun since the start.
    pub started: u64,
    /// Tasks that succeeded since the start.
    pub succeeded: u64,
    /// Runs that failed since the start.
    pub runs_failed: u64,
    /// Failed runs since the start that another one follows.
    pub retried: u64,
    /// Tasks that died since the start.
    pub dead: u64,
    /// Tasks that were cancelled since the start.
    pub cancelled: u64,
    /// Tasks that were dropped from a full queue since the start.
    pub dropped: u64,
    /// Runs interrupted by a shutdown since the start.
    pub interrupted: u64,
    /// Runs that a shutdown left running.
    pub abandoned: u64,
    /// Outcomes refused for a stale lease since the start.
    pub stale_settles: u64,
    /// Runs since the start that held up what waited behind them.
    pub stalls: u64,
    /// Tasks that wait for their time now.
    pub scheduled: u64,
    /// Bytes of payload, user context and headers of the tasks that wait for their time now: they take their part of the queue's
    /// capacity.
    pub scheduled_bytes: u64,
    /// Tasks ready now.
    pub ready: u64,
    /// Bytes of payload, user context and headers of the tasks ready now.
    pub ready_bytes: u64,
    /// Tasks running now, pending ones not counted.
    pub running: u64,
    /// Tasks pending now.
    pub pending: u64,
    /// Worker threads now.
    pub workers: u64,
    /// Worker threads without work now.
    pub idle_workers: u64,
    /// Worker threads whose run holds up what waits behind it.
    pub stalled: u64,
}

impl Counters {
    fn add(&mut self, other: &Counters) {
        // Every field by name: a new one that is not added does not compile.
        let Counters {
            accepted,
            refused,
            started,
            succeeded,
            runs_failed,
            retried,
            dead,
            cancelled,
            dropped,
            interrupted,
            abandoned,
            stale_settles,
            stalls,
            scheduled,
            scheduled_bytes,
            ready,
            ready_bytes,
            running,
            pending,
            workers,
            idle_workers,
            stalled,
        } = other;
        self.accepted += accepted;
        self.refused += refused;
        self.started += started;
        self.succeeded += succeeded;
        self.runs_failed += runs_failed;
        self.retried += retried;
        self.dead += dead;
        self.cancelled += cancelled;
        self.dropped += dropped;
        self.interrupted += interrupted;
        self.abandoned += abandoned;
        self.stale_settles += stale_settles;
        self.stalls += stalls;
        self.scheduled += scheduled;
        self.scheduled_bytes += scheduled_bytes;
        self.stalled += stalled;
        self.ready += ready;
        self.ready_bytes += ready_bytes;
        self.running += running;
        self.pending += pending;
        self.workers += workers;
        self.idle_workers += idle_workers;
    }
}

/// All counters at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Statistics {
    /// The whole engine.
    pub engine: Counters,
    /// Each queue, by name, in the order in which they were configured.
    pub queues: Vec<(Text, Counters)>,
    /// Events that the observer could not keep up with since the start.
    pub events_lost: u64,
    /// Log records that the observer could not keep up with since the start.
    pub logs_lost: u64,
    /// A durable store; `None` where tasks are in memory only.
    pub store: Option<StoreStatistics>,
    /// Runs that hold up what waits behind them, now.
    pub stalled_runs: Vec<StalledRun>,
    /// How long tasks waited and ran, by task name, in the order in which they were registered.
    pub task_names: Vec<NameStatistics>,
}

/// What is known of a durable store without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StoreStatistics {
    /// Tasks in it that have not ended, those included whose name nobody has registered.
    pub unfinished: u64,
    /// Ready ones that are not in memory too: more than memory is to hold.
    pub outside: u64,
    /// What it takes on the disk, its log included.
    pub bytes: u64,
    /// Ends of tasks, and requests to stop, that it has refused and that are handed to it again each second. 0: it works.
    pub unsaved: u64,
}

/// How long tasks of one name waited and ran since the start.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NameStatistics {
    /// The task name.
    pub task_name: Text,
    /// From when a task was ready until a worker took it: to about 4 ms. What it waited for its time before is not in it.
    pub waited: Durations,
    /// How long its runs held a worker: what a pending run does after that is not in it.
    pub ran: Durations,
}

/// Many durations in microseconds. While runs take less than 100 µs on average, one in eight turns of a worker is looked at and
/// stands for the others, each of up to eight runs with their mean; longer runs are all looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Durations {
    /// How many, about.
    pub count: u64,
    /// Their mean.
    pub mean_us: u64,
    /// Half of them are not longer; at most 25 % too high, as the other shares are.
    pub p50_us: u64,
    /// 90 % are not longer.
    pub p90_us: u64,
    /// 99 % are not longer.
    pub p99_us: u64,
    /// The longest that was looked at.
    pub max_us: u64,
}

impl Durations {
    fn of(histogram: &Histogram, snapshot: &mut Snapshot) -> Self {
        histogram.snapshot(snapshot);
        Self {
            count: snapshot.count,
            mean_us: snapshot.sum_us / snapshot.count.max(1),
            p50_us: snapshot.quantile(0.5),
            p90_us: snapshot.quantile(0.9),
            p99_us: snapshot.quantile(0.99),
            max_us: snapshot.max_us,
        }
    }
}

fn name_statistics(inner: &Inner) -> Result<Vec<NameStatistics>> {
    let mut snapshot = Snapshot::default();
    let mut all = Vec::new();
    for index in 0.. {
        // One at a time: the workers look handlers up meanwhile.
        let known = inner.registrations.lock().get(index).map(|known| (known.name.clone(), known.latency.clone()));
        let Some((task_name, latency)) = known else { break };
        all.ensure(1)?;
        let waited = Durations::of(&latency.waited, &mut snapshot);
        all.push(NameStatistics { task_name, waited, ran: Durations::of(&latency.ran, &mut snapshot) });
    }
    Ok(all)
}

pub(crate) fn statistics(inner: &Inner) -> Result<Statistics> {
    let mut intake = inner.intake.0.lock();
    point(Place::Statistics);
    let is_running = |id| {
        let state = inner.store.chunk(id).and_then(|chunk| chunk.entry(id).word().state());
        state == Some(State::Running)
    };
    let mut queues = alloc::list(intake.entrances.len())?;
    for entrance in intake.entrances.iter_mut().filter(|entrance| entrance.usable) {
        let mut counters = entrance.queue.counters(is_running);
        counters.accepted = entrance.accepted();
        counters.refused = entrance.refused;
        (counters.ready, counters.ready_bytes) = entrance.ready();
        queues.push((entrance.queue.name.clone(), counters));
    }
    let mut engine = Counters { refused: intake.refused_elsewhere, ..Counters::default() };
    for (_, counters) in &queues {
        engine.add(counters);
    }
    drop(intake);
    let (events_lost, logs_lost) = inner.observation.lost();
    let stalled_runs = inner.stalled_runs()?;
    let store = inner.journal.as_deref().map(Journal::statistics);
    let task_names = name_statistics(inner)?;
    Ok(Statistics { engine, queues, events_lost, logs_lost, store, stalled_runs, task_names })
}
