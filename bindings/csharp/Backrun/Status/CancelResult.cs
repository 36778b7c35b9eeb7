namespace Backrun;

/// <summary>What a cancellation met.</summary>
public enum CancelResult
{
    /// <summary>A task that was not running: it is cancelled.</summary>
    Queued = 1,

    /// <summary>A running task: it was asked to stop, and is what it is until it does.</summary>
    Running = 2,

    /// <summary>A task in a final state: nothing changed.</summary>
    AlreadyFinal = 3,

    /// <summary>There is no such task, or it is no longer kept.</summary>
    Unknown = 4,
}
