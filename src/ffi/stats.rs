//! Counters of an engine and of its queues.

use super::bytes::backrun_str;
use super::engine::backrun_engine;
use super::panic::{check_out, fallible, preset, with_engine, Health};
use super::status::backrun_error;
use crate::alloc::Reserved;
use crate::engine::{Counters, NameStatistics, StalledRun, Statistics};
use crate::error::{Error, Result};

/// Tasks accepted since the start.
pub const BACKRUN_STAT_ACCEPTED: u32 = 1;
/// Tasks refused since the start, whatever the error (those that named no queue count for the engine only).
pub const BACKRUN_STAT_REFUSED: u32 = 2;
/// Runs begun since the start.
pub const BACKRUN_STAT_STARTED: u32 = 3;
/// Tasks that succeeded since the start.
pub const BACKRUN_STAT_SUCCEEDED: u32 = 4;
/// Runs that failed since the start.
pub const BACKRUN_STAT_RUNS_FAILED: u32 = 5;
/// Tasks that died since the start.
pub const BACKRUN_STAT_DEAD: u32 = 6;
/// Tasks that were cancelled since the start.
pub const BACKRUN_STAT_CANCELLED: u32 = 7;
/// Tasks that were dropped from a full queue since the start.
pub const BACKRUN_STAT_DROPPED: u32 = 8;
/// Runs interrupted by a shutdown since the start.
pub const BACKRUN_STAT_INTERRUPTED: u32 = 9;
/// Runs that a shutdown left running.
pub const BACKRUN_STAT_ABANDONED: u32 = 10;
/// Outcomes refused for a stale lease since the start.
pub const BACKRUN_STAT_STALE_SETTLES: u32 = 11;
/// Tasks ready now.
pub const BACKRUN_STAT_READY: u32 = 12;
/// Bytes of payload, user context and headers of the tasks ready now.
pub const BACKRUN_STAT_READY_BYTES: u32 = 13;
/// Tasks running now, pending ones not counted.
pub const BACKRUN_STAT_RUNNING: u32 = 14;
/// Tasks pending now.
pub const BACKRUN_STAT_PENDING: u32 = 15;
/// Worker threads now.
pub const BACKRUN_STAT_WORKERS: u32 = 16;
/// Worker threads without work now.
pub const BACKRUN_STAT_IDLE_WORKERS: u32 = 17;
/// Events that the observer thread could not keep up with since the start. Engine only.
pub const BACKRUN_STAT_EVENTS_LOST: u32 = 18;
/// Log records that the observer thread could not keep up with since the start. Engine only.
pub const BACKRUN_STAT_LOGS_LOST: u32 = 19;
/// Failed runs since the start that another one follows.
pub const BACKRUN_STAT_RETRIED: u32 = 20;
/// Runs since the start that held up what waited behind them (past the queue's stall threshold).
pub const BACKRUN_STAT_STALLS: u32 = 21;
/// Tasks that wait for their time now.
pub const BACKRUN_STAT_SCHEDULED: u32 = 22;
/// Runs that hold up what waits behind them now.
pub const BACKRUN_STAT_STALLED: u32 = 23;
/// Bytes of payload, user context and headers of the tasks that wait for their time now.
pub const BACKRUN_STAT_SCHEDULED_BYTES: u32 = 24;
/// Tasks in the durable store that have not ended, those included whose name nobody has registered; 0 with the memory store. Engine only, as
/// the three that follow.
pub const BACKRUN_STAT_STORED: u32 = 25;
/// Ready tasks of those that are not in memory too: more than memory is to hold.
pub const BACKRUN_STAT_STORED_OUTSIDE: u32 = 26;
/// Bytes that the durable store takes on the disk, its log included.
pub const BACKRUN_STAT_STORE_BYTES: u32 = 27;
/// Ends of tasks that the durable store has refused and that are handed to it again each second. 0: it works.
pub const BACKRUN_STAT_STORE_UNSAVED: u32 = 28;

/// How many tasks were looked at, about: while runs take less than 100 µs on average one in eight turns of a worker stands for the others.
pub const BACKRUN_DURATION_WAITED_COUNT: u32 = 1;
/// How long tasks of a name waited for a worker from when they were ready, their mean, in microseconds, to about 4 ms.
pub const BACKRUN_DURATION_WAITED_MEAN_US: u32 = 2;
/// Half of them did not wait longer; at most 25 % too high, as the other shares are.
pub const BACKRUN_DURATION_WAITED_P50_US: u32 = 3;
/// 90 % did not wait longer.
pub const BACKRUN_DURATION_WAITED_P90_US: u32 = 4;
/// 99 % did not wait longer.
pub const BACKRUN_DURATION_WAITED_P99_US: u32 = 5;
/// The longest wait that was looked at.
pub const BACKRUN_DURATION_WAITED_MAX_US: u32 = 6;
/// How many runs were looked at, about, as BACKRUN_DURATION_WAITED_COUNT.
pub const BACKRUN_DURATION_RAN_COUNT: u32 = 7;
/// How long runs of a name held a worker, their mean, in microseconds; what a pending run does after that is not in it.
pub const BACKRUN_DURATION_RAN_MEAN_US: u32 = 8;
/// Half of them did not run longer.
pub const BACKRUN_DURATION_RAN_P50_US: u32 = 9;
/// 90 % did not run longer.
pub const BACKRUN_DURATION_RAN_P90_US: u32 = 10;
/// 99 % did not run longer.
pub const BACKRUN_DURATION_RAN_P99_US: u32 = 11;
/// The longest run that was looked at.
pub const BACKRUN_DURATION_RAN_MAX_US: u32 = 12;

/// Counters at one moment. Freed by backrun_stats_free.
pub struct backrun_stats {
    statistics: Statistics,
}

/// Takes a snapshot of all counters.
///
/// `out`: receives a snapshot to be freed by backrun_stats_free; NULL on failure.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED, BACKRUN_PANIC. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_stats(
    engine: *mut backrun_engine,
    out: *mut *mut backrun_stats,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out, std::ptr::null_mut());
        with_engine(engine, Health::Any, out_error, |engine| {
            check_out(out)?;
            let snapshot = Reserved::new()?;
            let statistics = engine.statistics()?;
            out.write(Box::into_raw(snapshot.fill(backrun_stats { statistics })));
            Ok(())
        })
    }
}

/// A counter of the whole engine.
///
/// `stat`: one of BACKRUN_STAT_ACCEPTED and its kin. `out`: receives it; 0 on failure; may not be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_value(
    stats: *const backrun_stats,
    stat: u32,
    out: *mut u64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        read_value(stats, out, out_error, |statistics| match stat {
            BACKRUN_STAT_EVENTS_LOST => Ok(statistics.events_lost),
            BACKRUN_STAT_LOGS_LOST => Ok(statistics.logs_lost),
            BACKRUN_STAT_STORED => Ok(statistics.store.unwrap_or_default().unfinished),
            BACKRUN_STAT_STORED_OUTSIDE => Ok(statistics.store.unwrap_or_default().outside),
            BACKRUN_STAT_STORE_BYTES => Ok(statistics.store.unwrap_or_default().bytes),
            BACKRUN_STAT_STORE_UNSAVED => Ok(statistics.store.unwrap_or_default().unsaved),
            _ => counter(&statistics.engine, stat),
        })
    }
}

/// How many queues there are. `stats`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_queue_count(stats: *const backrun_stats) -> usize {
    // SAFETY: NULL or live, by contract.
    unsafe { stats.as_ref() }.map_or(0, |stats| stats.statistics.queues.len())
}

/// The name of a queue by its index from 0, borrowed from the snapshot; empty where there is none.
///
/// `stats`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_queue_name(stats: *const backrun_stats, index: usize) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { stats.as_ref() }
        .and_then(|stats| stats.statistics.queues.get(index))
        .map_or(backrun_str::EMPTY, |(name, _)| backrun_str::of(name))
}

/// A counter of one queue.
///
/// `index`: from 0. `stat`: one of BACKRUN_STAT_ACCEPTED and its kin, but none marked "engine only".
/// `out`: receives it; 0 on failure; may not be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_NOT_FOUND (no such index). Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_queue_value(
    stats: *const backrun_stats,
    index: usize,
    stat: u32,
    out: *mut u64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        read_value(stats, out, out_error, |statistics| {
            let (_, counters) = statistics.queues.get(index).ok_or_else(|| {
                Error::not_found(format_args!("there is no queue {index}; there are {}", statistics.queues.len()))
            })?;
            counter(counters, stat)
        })
    }
}

/// How many task names there are, which is handlers that were registered. `stats`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_task_name_count(stats: *const backrun_stats) -> usize {
    // SAFETY: NULL or live, by contract.
    unsafe { stats.as_ref() }.map_or(0, |stats| stats.statistics.task_names.len())
}

/// A task name by its index from 0, in the order in which they were registered, borrowed from the snapshot; empty where there is none.
///
/// `stats`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_task_name(stats: *const backrun_stats, index: usize) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { stats.as_ref() }
        .and_then(|stats| stats.statistics.task_names.get(index))
        .map_or(backrun_str::EMPTY, |known| backrun_str::of(&known.task_name))
}

/// How long tasks of a name waited or ran since the start.
///
/// `index`: of the name, from 0. `which`: one of BACKRUN_DURATION_WAITED_COUNT and its kin.
/// `out`: receives it; 0 on failure; may not be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_INVALID_ARGUMENT, BACKRUN_NOT_FOUND (no such index). Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_task_name_duration(
    stats: *const backrun_stats,
    index: usize,
    which: u32,
    out: *mut u64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        read_value(stats, out, out_error, |statistics| {
            let names = &statistics.task_names;
            let known = names.get(index).ok_or_else(|| {
                Error::not_found(format_args!("there is no task name {index}; there are {}", names.len()))
            })?;
            duration(known, which)
        })
    }
}

/// How many runs hold up what waits behind them, all queues together. `stats`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_stalled_count(stats: *const backrun_stats) -> usize {
    // SAFETY: NULL or live, by contract.
    unsafe { stats.as_ref() }.map_or(0, |stats| stats.statistics.stalled_runs.len())
}

/// The id of a task whose run stalls, by its index from 0; 0 where there is none.
///
/// `stats`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_stalled_task_id(stats: *const backrun_stats, index: usize) -> i64 {
    // SAFETY: NULL or live, by contract.
    unsafe { stalled(stats, index) }.map_or(0, |run| run.task_id.value())
}

/// The name of a task whose run stalls, by its index from 0, borrowed from the snapshot; empty where there is none.
///
/// `stats`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_stalled_task_name(stats: *const backrun_stats, index: usize) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { stalled(stats, index) }.map_or(backrun_str::EMPTY, |run| backrun_str::of(&run.task_name))
}

/// The queue of a run that stalls, by its index from 0, borrowed from the snapshot; empty where there is none.
///
/// `stats`: NULL gives an empty text. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_stalled_queue(stats: *const backrun_stats, index: usize) -> backrun_str {
    // SAFETY: NULL or live, by contract.
    unsafe { stalled(stats, index) }.map_or(backrun_str::EMPTY, |run| backrun_str::of(&run.queue))
}

/// The number of the worker of a run that stalls, as in the name of its thread, by its index from 0; 0 where there is none.
///
/// `stats`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_stalled_worker(stats: *const backrun_stats, index: usize) -> u64 {
    // SAFETY: NULL or live, by contract.
    unsafe { stalled(stats, index) }.map_or(0, |run| run.worker)
}

/// For how long a run that stalls has been seen to run, in microseconds, by its index from 0; 0 where there is none.
///
/// `stats`: NULL gives 0. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_stalled_us(stats: *const backrun_stats, index: usize) -> i64 {
    // SAFETY: NULL or live, by contract.
    unsafe { stalled(stats, index) }.map_or(0, |run| i64::try_from(run.for_us).unwrap_or(i64::MAX))
}

/// # Safety
/// `stats` is NULL or live for `'a`.
unsafe fn stalled<'a>(stats: *const backrun_stats, index: usize) -> Option<&'a StalledRun> {
    // SAFETY: NULL or live, by contract.
    unsafe { stats.as_ref() }.and_then(|stats| stats.statistics.stalled_runs.get(index))
}

/// Frees a snapshot. `stats`: NULL does nothing. Once for each. Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_stats_free(stats: *mut backrun_stats) {
    if !stats.is_null() {
        // SAFETY: made by Box::into_raw and freed once, by contract.
        drop(unsafe { Box::from_raw(stats) });
    }
}

/// # Safety
/// Pointers are NULL or valid.
unsafe fn read_value(
    stats: *const backrun_stats,
    out: *mut u64,
    out_error: *mut *mut backrun_error,
    read: impl FnOnce(&Statistics) -> Result<u64>,
) -> i32 {
    // SAFETY: the caller's contract.
    unsafe {
        fallible(out_error, || {
            if out.is_null() {
                return Err(Error::InvalidArgument("out is NULL; pass the address of a uint64_t".into()));
            }
            out.write(0);
            let stats = stats.as_ref().ok_or_else(|| {
                Error::InvalidArgument("stats is NULL; pass a snapshot made by backrun_engine_stats".into())
            })?;
            out.write(read(&stats.statistics)?);
            Ok(())
        })
    }
}

fn duration(known: &NameStatistics, which: u32) -> Result<u64> {
    let (durations, first) = if which < BACKRUN_DURATION_RAN_COUNT {
        (&known.waited, BACKRUN_DURATION_WAITED_COUNT)
    } else {
        (&known.ran, BACKRUN_DURATION_RAN_COUNT)
    };
    Ok(match which.wrapping_sub(first) {
        0 => durations.count,
        1 => durations.mean_us,
        2 => durations.p50_us,
        3 => durations.p90_us,
        4 => durations.p99_us,
        5 => durations.max_us,
        _ => {
            return Err(Error::invalid(format_args!(
                "{which} is no duration; pass one of BACKRUN_DURATION_WAITED_COUNT and its kin"
            )))
        }
    })
}

fn counter(counters: &Counters, stat: u32) -> Result<u64> {
    Ok(match stat {
        BACKRUN_STAT_ACCEPTED => counters.accepted,
        BACKRUN_STAT_REFUSED => counters.refused,
        BACKRUN_STAT_STARTED => counters.started,
        BACKRUN_STAT_SUCCEEDED => counters.succeeded,
        BACKRUN_STAT_RUNS_FAILED => counters.runs_failed,
        BACKRUN_STAT_DEAD => counters.dead,
        BACKRUN_STAT_CANCELLED => counters.cancelled,
        BACKRUN_STAT_DROPPED => counters.dropped,
        BACKRUN_STAT_INTERRUPTED => counters.interrupted,
        BACKRUN_STAT_ABANDONED => counters.abandoned,
        BACKRUN_STAT_STALE_SETTLES => counters.stale_settles,
        BACKRUN_STAT_READY => counters.ready,
        BACKRUN_STAT_READY_BYTES => counters.ready_bytes,
        BACKRUN_STAT_RUNNING => counters.running,
        BACKRUN_STAT_PENDING => counters.pending,
        BACKRUN_STAT_WORKERS => counters.workers,
        BACKRUN_STAT_IDLE_WORKERS => counters.idle_workers,
        BACKRUN_STAT_RETRIED => counters.retried,
        BACKRUN_STAT_STALLS => counters.stalls,
        BACKRUN_STAT_SCHEDULED => counters.scheduled,
        BACKRUN_STAT_STALLED => counters.stalled,
        BACKRUN_STAT_SCHEDULED_BYTES => counters.scheduled_bytes,
        _ => {
            return Err(Error::invalid(format_args!(
                "{stat} is no counter to be had here; pass one of BACKRUN_STAT_ACCEPTED and its kin"
            )))
        }
    })
}
