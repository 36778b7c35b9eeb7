using System.Collections.Generic;

namespace Backrun;

/// <summary>Counters of an engine at one moment.</summary>
public sealed class EngineStatistics
{
    internal EngineStatistics(CounterReader read, IReadOnlyDictionary<string, QueueStatistics> queues, IReadOnlyList<StalledRun> stalledRuns, Dictionary<string, TaskNameStatistics> taskNames)
    {
        Accepted = read(Counter.Accepted);
        Refused = read(Counter.Refused);
        Started = read(Counter.Started);
        Succeeded = read(Counter.Succeeded);
        RunsFailed = read(Counter.RunsFailed);
        Retried = read(Counter.Retried);
        Dead = read(Counter.Dead);
        Cancelled = read(Counter.Cancelled);
        Dropped = read(Counter.Dropped);
        Interrupted = read(Counter.Interrupted);
        Abandoned = read(Counter.Abandoned);
        StaleSettles = read(Counter.StaleSettles);
        Stalls = read(Counter.Stalls);
        Scheduled = read(Counter.Scheduled);
        ScheduledBytes = read(Counter.ScheduledBytes);
        Ready = read(Counter.Ready);
        ReadyBytes = read(Counter.ReadyBytes);
        Running = read(Counter.Running);
        Pending = read(Counter.Pending);
        Workers = (int)read(Counter.Workers);
        IdleWorkers = (int)read(Counter.IdleWorkers);
        Stalled = (int)read(Counter.Stalled);
        EventsLost = read(Counter.EventsLost);
        LogsLost = read(Counter.LogsLost);
        Stored = read(Counter.Stored);
        StoredOutside = read(Counter.StoredOutside);
        StoreBytes = read(Counter.StoreBytes);
        StoreUnsaved = read(Counter.StoreUnsaved);
        Queues = queues;
        StalledRuns = stalledRuns;
        TaskNames = taskNames;
    }

    /// <summary>Tasks accepted since the start.</summary>
    public long Accepted { get; }

    /// <summary>Tasks refused since the start, those that named no queue included.</summary>
    public long Refused { get; }

    /// <summary>Runs begun since the start.</summary>
    public long Started { get; }

    /// <summary>Tasks that succeeded since the start.</summary>
    public long Succeeded { get; }

    /// <summary>Runs that failed since the start.</summary>
    public long RunsFailed { get; }

    /// <summary>Failed runs since the start that another one follows.</summary>
    public long Retried { get; }

    /// <summary>Tasks that died since the start.</summary>
    public long Dead { get; }

    /// <summary>Tasks that were cancelled since the start.</summary>
    public long Cancelled { get; }

    /// <summary>Tasks that were dropped from full queues since the start.</summary>
    public long Dropped { get; }

    /// <summary>Runs interrupted by a shutdown since the start.</summary>
    public long Interrupted { get; }

    /// <summary>Runs that a shutdown left running.</summary>
    public long Abandoned { get; }

    /// <summary>Outcomes that were refused because they came too late.</summary>
    public long StaleSettles { get; }

    /// <summary>Runs since the start that held up what waited behind them, past <see cref="QueueOptions.StallThreshold"/>.</summary>
    public long Stalls { get; }

    /// <summary>Tasks that wait for their time now: delayed ones, and those between two attempts.</summary>
    public long Scheduled { get; }

    /// <summary>Bytes of parameters, user contexts and headers of the tasks that wait for their time now; they count against <see cref="QueueOptions.CapacityBytes"/>.</summary>
    public long ScheduledBytes { get; }

    /// <summary>Tasks ready now.</summary>
    public long Ready { get; }

    /// <summary>Bytes of parameters, user contexts and headers of the tasks ready now.</summary>
    public long ReadyBytes { get; }

    /// <summary>Tasks running now, pending ones not counted.</summary>
    public long Running { get; }

    /// <summary>Asynchronous tasks awaiting now.</summary>
    public long Pending { get; }

    /// <summary>Worker threads now.</summary>
    public int Workers { get; }

    /// <summary>Worker threads without work now.</summary>
    public int IdleWorkers { get; }

    /// <summary>Worker threads now whose run holds up what waits behind it.</summary>
    public int Stalled { get; }

    /// <summary>Events that could not be kept up with since the start.</summary>
    public long EventsLost { get; }

    /// <summary>Log lines that could not be kept up with since the start.</summary>
    public long LogsLost { get; }

    /// <summary>Tasks in the durable store that have not ended, those included whose name nobody has registered; 0 with the memory store.</summary>
    public long Stored { get; }

    /// <summary>Ready tasks of those that are not in memory too: more than memory is to hold.</summary>
    public long StoredOutside { get; }

    /// <summary>Bytes that the durable store takes on the disk, its log included.</summary>
    public long StoreBytes { get; }

    /// <summary>Ends of tasks that the durable store has refused (a full disk, say) and that are handed to it again each second. 0: it works.</summary>
    public long StoreUnsaved { get; }

    /// <summary>The same for each queue, by its name.</summary>
    public IReadOnlyDictionary<string, QueueStatistics> Queues { get; }

    /// <summary>The runs that hold up what waits behind them, now: which task, in what queue, on which worker, for how long.</summary>
    public IReadOnlyList<StalledRun> StalledRuns { get; }

    /// <summary>How long the tasks of each name waited and ran, by task name.</summary>
    public IReadOnlyDictionary<string, TaskNameStatistics> TaskNames { get; }
}
