using System;
using System.Collections.Generic;

namespace Backrun;

/// <summary>Which tasks. What is null does not matter.</summary>
public sealed class TaskFilter
{
    /// <summary>Tasks in one of these states. Null or empty: any.</summary>
    public IReadOnlyCollection<BackgroundTaskState>? States { get; set; }

    /// <summary>Tasks of this name: 1 to 200 bytes.</summary>
    public string? TaskName { get; set; }

    /// <summary>Tasks of this queue: 1 to 64 bytes.</summary>
    public string? Queue { get; set; }

    /// <summary>Tasks with a larger id: to page on.</summary>
    public BackgroundTaskId? AfterId { get; set; }

    /// <summary>Tasks in a final state for at least so long, longer than zero.</summary>
    public TimeSpan? FinalFor { get; set; }

    /// <summary>At most so many, smallest id first; at least 1. Null: 1,000 for <see cref="BackrunEngine.ListTasks"/>, no limit for <see cref="BackrunEngine.Purge"/>.</summary>
    public int? Limit { get; set; }
}
