using System;

namespace Backrun;

/// <summary>
/// A task failed, and the exception that it threw is no longer at hand (only the newest 1,000 are kept whole), or it failed without one: what was recorded of it.
/// </summary>
public sealed class BackgroundTaskFailedException : BackrunException
{
    /// <summary>Makes an exception.</summary>
    public BackgroundTaskFailedException()
        : base(BackrunErrorCode.TaskFailed, "A background task failed.")
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people.</param>
    public BackgroundTaskFailedException(string message)
        : base(BackrunErrorCode.TaskFailed, message)
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people.</param>
    /// <param name="innerException">The cause, or null.</param>
    public BackgroundTaskFailedException(string message, Exception? innerException)
        : base(BackrunErrorCode.TaskFailed, message, innerException)
    {
    }

    internal BackgroundTaskFailedException(BackgroundTaskId id, string taskName, BackgroundTaskError? error)
        : this($"Task {id.Value} ('{taskName}') failed: {error?.Message ?? "it gave no reason."}")
    {
        Id = id;
        TaskName = taskName;
        Error = error;
    }

    /// <summary>The id of the task.</summary>
    public BackgroundTaskId Id { get; internal init; }

    /// <summary>The name of the task.</summary>
    public string TaskName { get; } = string.Empty;

    /// <summary>The recorded type, message and detail of what the task threw; null if nothing was recorded.</summary>
    public BackgroundTaskError? Error { get; }
}
