using System;

namespace Backrun;

/// <summary>How one task is started. What is null has its default. It may be used for many tasks.</summary>
public sealed class StartOptions
{
    /// <summary>The queue, which has to exist. Null: that of the task's <see cref="TaskOptions"/>, else <c>default</c>.</summary>
    public string? Queue { get; set; }

    /// <summary>Which of the ready tasks of a queue runs first.</summary>
    public BackgroundTaskPriority Priority { get; set; } = BackgroundTaskPriority.Normal;

    /// <summary>
    /// Not to be run before so long from now: zero (at once) to 36,500 days, up to whole milliseconds, never cut short. The clock on the wall does not matter to it. Until then the task is
    /// <see cref="BackgroundTaskState.Scheduled"/> and counts against its queue's capacity. Not together with <see cref="RunAt"/>.
    /// </summary>
    public TimeSpan? Delay { get; set; }

    /// <summary>
    /// Not to be run before this time, of any offset, up to the year 3000 and to whole milliseconds; one that has passed means at once. It follows the clock on the wall: where that is set, the task comes when it
    /// shows this time. Not together with <see cref="Delay"/>.
    /// </summary>
    public DateTimeOffset? RunAt { get; set; }

    /// <summary>
    /// How long each run may take, longer than zero (at least 1 ms) to 36,500 days: see <see cref="TaskOptions.TimeLimit"/>, whose place it takes. Null: as the task's options say.
    /// </summary>
    public TimeSpan? TimeLimit { get; set; }

    /// <summary>
    /// Runs in all, the first included: 1 (no retries) to 100,000; short for a <see cref="Retry"/> with it, and not together with <see cref="RetryPolicy.MaxAttempts"/> of that. Null: as
    /// the task's options say.
    /// </summary>
    public int? MaxAttempts { get; set; }

    /// <summary>What follows a failed run. What is null in it is as <see cref="TaskOptions.Retry"/> of the task says. Null: all of it is.</summary>
    public RetryPolicy? Retry { get; set; }

    /// <summary>How safe the task is when the call returns. Null: as the engine's options say. The memory store refuses <see cref="Backrun.Durability.Committed"/>.</summary>
    public Durability? Durability { get; set; }

    /// <summary>What happens while the queue is full. Null: as the queue's options say.</summary>
    public WhenFull? WhenFull { get; set; }

    /// <summary>
    /// How long <see cref="Backrun.WhenFull.Wait"/> waits; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: for ever. Null: 30 s. Only together with <see cref="WhenFull"/>.
    /// </summary>
    public TimeSpan? WhenFullTimeout { get; set; }

    internal StartOptions Copy() => (StartOptions)MemberwiseClone();
}
