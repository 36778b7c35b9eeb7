using System;

namespace Backrun;

/// <summary>
/// What follows a failed run. Without a policy a failed task is dead at once, unless it throws a <see cref="RetryTaskException"/>. Between two attempts a task is
/// <see cref="BackgroundTaskState.Scheduled"/>; each attempt gets an instance, a user connection and a <see cref="BackgroundTaskContext"/> of its own, and the same parameters, user
/// and culture.
/// </summary>
/// <remarks>
/// A run that throws a <see cref="FatalTaskException"/>, whose parameters cannot be read, or that somebody cancelled, is the last one whatever the policy says. Runs that a shutdown
/// interrupted do not count as attempts.
/// </remarks>
public sealed record RetryPolicy
{
    /// <summary>Runs in all, the first included: 1 (no retries) to 100,000. To be set where anything else is.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>How the delay grows. Null: <see cref="RetryKind.Exponential"/>.</summary>
    public RetryKind? Kind { get; init; }

    /// <summary>From the end of the first run to the second attempt: longer than zero (at least 1 ms), up to <see cref="MaxDelay"/>. Null: 1 s.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>No delay is longer: up to 365 days. Null: 1 h, or <see cref="Delay"/> where that is longer.</summary>
    public TimeSpan? MaxDelay { get; init; }

    /// <summary>
    /// Spread of each delay in percent of it, up and down, so that tasks that failed together are not tried together; 1 to 100; 0: none. A delay near
    /// <see cref="MaxDelay"/> is spread down from there. Null: 20.
    /// </summary>
    public int? JitterPercent { get; init; }
}
