using System;

namespace Backrun;

/// <summary>What follows a failed run. This version does not retry: all but one attempt throws <see cref="NotSupportedException"/> where the policy is used.</summary>
public sealed record RetryPolicy
{
    /// <summary>Runs in all, the first included. Null: the default, which is 1 in this version. More than 1: not yet.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>How the delay grows. Null: the default. Not yet.</summary>
    public RetryKind? Kind { get; init; }

    /// <summary>Before the second attempt. Null: the default. Not yet.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>The longest delay. Null: the default. Not yet.</summary>
    public TimeSpan? MaxDelay { get; init; }

    /// <summary>Spread of the delay in percent of it, 1 to 100; 0: none. Null: the default. Not yet.</summary>
    public int? JitterPercent { get; init; }
}
