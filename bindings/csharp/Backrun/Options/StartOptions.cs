using System;

namespace Backrun;

/// <summary>How one task is started. What is null has its default. It may be used for many tasks.</summary>
public sealed class StartOptions
{
    /// <summary>The queue, which has to exist. Null: that of the task's <see cref="TaskOptions"/>, else <c>default</c>.</summary>
    public string? Queue { get; set; }

    /// <summary>Which of the ready tasks of a queue runs first.</summary>
    public BackgroundTaskPriority Priority { get; set; } = BackgroundTaskPriority.Normal;

    /// <summary>Not to be started before so long from now. Not yet: another value than zero throws <see cref="NotSupportedException"/>. Not together with <see cref="RunAt"/>.</summary>
    public TimeSpan? Delay { get; set; }

    /// <summary>Not to be started before this time. Not yet: throws <see cref="NotSupportedException"/>. Not together with <see cref="Delay"/>.</summary>
    public DateTimeOffset? RunAt { get; set; }

    /// <summary>How long a run may take. Null: as the task's options say. Not yet: throws <see cref="NotSupportedException"/>.</summary>
    public TimeSpan? TimeLimit { get; set; }

    /// <summary>Runs in all, the first included; at least 1. Null: as the task's options say. Not yet: more than 1 throws <see cref="NotSupportedException"/>.</summary>
    public int? MaxAttempts { get; set; }

    /// <summary>How safe the task is when the call returns. Null: as the engine's options say. <see cref="Backrun.Durability.Committed"/>: not yet.</summary>
    public Durability? Durability { get; set; }

    /// <summary>What happens while the queue is full. Null: as the queue's options say.</summary>
    public WhenFull? WhenFull { get; set; }

    /// <summary>
    /// How long <see cref="Backrun.WhenFull.Wait"/> waits; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: for ever. Null: 30 s. Only together with <see cref="WhenFull"/>.
    /// </summary>
    public TimeSpan? WhenFullTimeout { get; set; }
}
