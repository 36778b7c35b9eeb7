namespace Backrun;

/// <summary>
/// Which of the ready tasks of a queue runs first. None can starve: a task waits at most <see cref="QueueOptions.AgeingStep"/> longer for each level above its own.
/// </summary>
public enum BackgroundTaskPriority
{
    /// <summary>After all others.</summary>
    Lowest = -2,

    /// <summary>After normal ones.</summary>
    BelowNormal = -1,

    /// <summary>The default.</summary>
    Normal = 0,

    /// <summary>Before normal ones.</summary>
    AboveNormal = 1,

    /// <summary>Before all others.</summary>
    Highest = 2,
}
