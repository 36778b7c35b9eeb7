using Backrun.Native;

namespace Backrun;

/// <summary>Reads one counter of a snapshot.</summary>
internal delegate long CounterReader(Counter counter);

/// <summary>The counters by native's numbers.</summary>
internal enum Counter : uint
{
    Accepted = NativeConstants.BACKRUN_STAT_ACCEPTED,
    Refused = NativeConstants.BACKRUN_STAT_REFUSED,
    Started = NativeConstants.BACKRUN_STAT_STARTED,
    Succeeded = NativeConstants.BACKRUN_STAT_SUCCEEDED,
    RunsFailed = NativeConstants.BACKRUN_STAT_RUNS_FAILED,
    Dead = NativeConstants.BACKRUN_STAT_DEAD,
    Cancelled = NativeConstants.BACKRUN_STAT_CANCELLED,
    Dropped = NativeConstants.BACKRUN_STAT_DROPPED,
    Interrupted = NativeConstants.BACKRUN_STAT_INTERRUPTED,
    Abandoned = NativeConstants.BACKRUN_STAT_ABANDONED,
    StaleSettles = NativeConstants.BACKRUN_STAT_STALE_SETTLES,
    Ready = NativeConstants.BACKRUN_STAT_READY,
    ReadyBytes = NativeConstants.BACKRUN_STAT_READY_BYTES,
    Running = NativeConstants.BACKRUN_STAT_RUNNING,
    Pending = NativeConstants.BACKRUN_STAT_PENDING,
    Workers = NativeConstants.BACKRUN_STAT_WORKERS,
    IdleWorkers = NativeConstants.BACKRUN_STAT_IDLE_WORKERS,
    EventsLost = NativeConstants.BACKRUN_STAT_EVENTS_LOST,
    LogsLost = NativeConstants.BACKRUN_STAT_LOGS_LOST,
    Retried = NativeConstants.BACKRUN_STAT_RETRIED,
    Stalls = NativeConstants.BACKRUN_STAT_STALLS,
    Scheduled = NativeConstants.BACKRUN_STAT_SCHEDULED,
    Stalled = NativeConstants.BACKRUN_STAT_STALLED,
    ScheduledBytes = NativeConstants.BACKRUN_STAT_SCHEDULED_BYTES,
    Stored = NativeConstants.BACKRUN_STAT_STORED,
    StoredOutside = NativeConstants.BACKRUN_STAT_STORED_OUTSIDE,
    StoreBytes = NativeConstants.BACKRUN_STAT_STORE_BYTES,
    StoreUnsaved = NativeConstants.BACKRUN_STAT_STORE_UNSAVED,
}
