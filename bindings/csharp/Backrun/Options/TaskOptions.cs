using System;

namespace Backrun;

/// <summary>Options of all tasks of one class, given to <see cref="BackrunEngine.Register{TTask, TParameters}"/>. What is null has its default.</summary>
public sealed record TaskOptions
{
    /// <summary>The queue of tasks whose <see cref="StartOptions.Queue"/> is null; it has to exist. Null: <c>default</c>.</summary>
    public string? Queue { get; init; }

    /// <summary>What follows a failed run. Null: nothing; the task is dead, unless it threw a <see cref="RetryTaskException"/>.</summary>
    public RetryPolicy? Retry { get; init; }

    /// <summary>
    /// How long each run may take, longer than zero (at least 1 ms) to 36,500 days. Then its token is cancelled; where it stops by that, it has failed, and <see cref="Retry"/> says what
    /// follows. Null: no limit.
    /// </summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>
    /// How long after its time limit a run may take to stop, longer than zero (at least 1 ms) to 36,500 days. Then it is given up: it has failed, whatever it does later is refused, and a retry
    /// begins only when its thread has come back. Null: 5 s.
    /// </summary>
    public TimeSpan? Grace { get; init; }

    /// <summary>
    /// How long a result (<see cref="BackgroundTaskContext.SetResult"/>) is kept from the task's end on, longer than zero (at least 1 ms) to 36,500 days; never longer than the
    /// task is (<see cref="BackrunOptions.KeepFinished"/>). Null: 1 h.
    /// </summary>
    public TimeSpan? ResultRetention { get; init; }
}
