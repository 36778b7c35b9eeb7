using System;

namespace Backrun;

/// <summary>
/// A queue is full, by its number of tasks or by their bytes: the task was not accepted. For a task that was accepted and then dropped to make room
/// (<see cref="WhenFull.DropOldest"/>), its <see cref="BackgroundTaskHandle.Completion"/> ends with this.
/// </summary>
public sealed class QueueFullException : BackrunException
{
    /// <summary>Makes an exception.</summary>
    public QueueFullException()
        : this("The queue is full.")
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people.</param>
    public QueueFullException(string message)
        : base(BackrunErrorCode.QueueFull, message)
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people.</param>
    /// <param name="innerException">The cause, or null.</param>
    public QueueFullException(string message, Exception? innerException)
        : base(BackrunErrorCode.QueueFull, message, innerException)
    {
    }
}
