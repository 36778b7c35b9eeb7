using System;

namespace Backrun;

/// <summary>How a task came to its final state.</summary>
public sealed class BackgroundTaskFinishedEventArgs : EventArgs
{
    internal BackgroundTaskFinishedEventArgs(
        BackgroundTaskId id, string taskName, string queue, BackgroundTaskState state, int attempt, long lease, TimeSpan duration, DateTimeOffset finishedAt)
    {
        Id = id;
        TaskName = taskName;
        Queue = queue;
        State = state;
        Attempt = attempt;
        Lease = lease;
        Duration = duration;
        FinishedAt = finishedAt;
    }

    /// <summary>The id of the task.</summary>
    public BackgroundTaskId Id { get; }

    /// <summary>The task name.</summary>
    public string TaskName { get; }

    /// <summary>The queue.</summary>
    public string Queue { get; }

    /// <summary>The state: succeeded, dead, cancelled or dropped.</summary>
    public BackgroundTaskState State { get; }

    /// <summary>The number of the last attempt; 0 if it never ran.</summary>
    public int Attempt { get; }

    /// <summary>The lease of the last run; 0 if it never ran.</summary>
    public long Lease { get; }

    /// <summary>How long the last run took; zero if it never ran.</summary>
    public TimeSpan Duration { get; }

    /// <summary>When (UTC).</summary>
    public DateTimeOffset FinishedAt { get; }

    /// <summary>The full name of the exception's type, for a dead task; else null.</summary>
    public string? ErrorType { get; internal init; }

    /// <summary>The exception's message, for a dead task; the reason, where a cancelled one has one; else null.</summary>
    public string? ErrorMessage { get; internal init; }

    /// <summary>The exception as text, with its stack, for a dead task; else null.</summary>
    public string? ErrorDetail { get; internal init; }

    /// <summary>The exception itself, for a dead task, while it is at hand (the newest 1,000 are kept); else null.</summary>
    public Exception? Exception { get; internal init; }
}
