//! Counters.

use crate::alloc::{self, Text};
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
    /// Runs that hold up what waits behind them, now.
    pub stalled_runs: Vec<StalledRun>,
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
    Ok(Statistics { engine, queues, events_lost, logs_lost, stalled_runs })
}
