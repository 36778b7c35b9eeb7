using System;

namespace Backrun;

/// <summary>Options of all tasks of one class, given to <see cref="BackrunEngine.Register{TTask, TParameters}"/>. What is null has its default.</summary>
public sealed record TaskOptions
{
    /// <summary>The queue of tasks whose <see cref="StartOptions.Queue"/> is null; it has to exist. Null: <c>default</c>.</summary>
    public string? Queue { get; init; }

    /// <summary>What follows a failed run. Null: the default, one attempt. Not yet: more attempts throw <see cref="NotSupportedException"/>.</summary>
    public RetryPolicy? Retry { get; init; }

    /// <summary>How long a run may take. Null: no limit. Not yet: any other value throws <see cref="NotSupportedException"/>.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>From the time limit to being called stuck. Null: the default. Not yet: any other value throws <see cref="NotSupportedException"/>.</summary>
    public TimeSpan? Grace { get; init; }

    /// <summary>How long a result is kept. Null: the default. Not yet: any other value throws <see cref="NotSupportedException"/>.</summary>
    public TimeSpan? ResultRetention { get; init; }
}
