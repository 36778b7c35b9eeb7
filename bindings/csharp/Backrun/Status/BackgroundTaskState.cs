namespace Backrun;

/// <summary>Where a task is.</summary>
public enum BackgroundTaskState
{
    /// <summary>Waits for its time: it was started with a delay, or its last run failed and another one follows.</summary>
    Scheduled = 1,

    /// <summary>Waits for a worker.</summary>
    Ready = 2,

    /// <summary>A worker runs it.</summary>
    Running = 3,

    /// <summary>It runs without a worker: an asynchronous task that awaits.</summary>
    Pending = 4,

    /// <summary>Done. Final.</summary>
    Succeeded = 5,

    /// <summary>Out of attempts, or failed for good. Final.</summary>
    Dead = 6,

    /// <summary>Cancelled before or during its run. Final.</summary>
    Cancelled = 7,

    /// <summary>Dropped from a full queue, as its owner chose. Final.</summary>
    Dropped = 8,
}
