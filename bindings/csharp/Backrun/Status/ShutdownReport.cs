using System.Collections.Generic;

namespace Backrun;

/// <summary>What a shutdown left behind.</summary>
public sealed class ShutdownReport
{
    internal ShutdownReport(bool completed, IReadOnlyList<RunningTask> running, long queuedCount)
    {
        Completed = completed;
        Running = running;
        QueuedCount = queuedCount;
    }

    /// <summary>
    /// Whether the engine has ended: no task runs, every thread is joined. If not, the tasks of <see cref="Running"/> still ran at the time limit: they are left
    /// to themselves, and how they end will not be recorded; a durable store runs them again after the next start. Shutting down again waits for them again.
    /// </summary>
    public bool Completed { get; }

    /// <summary>The tasks that were still running when the time limit passed.</summary>
    public IReadOnlyList<RunningTask> Running { get; }

    /// <summary>
    /// How many tasks the shutdown cancelled (memory store), or the store keeps for the next start (durable stores): what was queued, scheduled or paused, what was asked to stop and did, and what waits for
    /// a class that nobody has registered.
    /// </summary>
    public long QueuedCount { get; }
}
