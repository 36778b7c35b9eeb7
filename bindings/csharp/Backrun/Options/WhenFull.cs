namespace Backrun;

/// <summary>What happens to a task that is started while its queue is full.</summary>
public enum WhenFull
{
    /// <summary>It is refused with a <see cref="QueueFullException"/>: the caller is never held up. The default.</summary>
    Refuse = 1,

    /// <summary>
    /// The call waits for room, up to a time limit, and then throws a <see cref="QueueFullException"/>. <c>StartNew</c> blocks its thread; <c>SubmitAsync</c> does not.
    /// </summary>
    Wait = 2,

    /// <summary>The oldest queued task of the lowest priority in use is dropped, which ends it as <see cref="BackgroundTaskState.Dropped"/>. Memory store only.</summary>
    DropOldest = 3,
}
