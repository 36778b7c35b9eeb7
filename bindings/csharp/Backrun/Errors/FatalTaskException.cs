using System;

namespace Backrun;

/// <summary>
/// Thrown by a task that has failed for good: no further attempt would do better, and it is dead whatever its <see cref="RetryPolicy"/> says. It can still be run again by
/// <see cref="BackrunEngine.Replay"/>.
/// </summary>
/// <remarks>Only the exception that leaves the run counts, not one inside another.</remarks>
public sealed class FatalTaskException : BackrunException
{
    /// <summary>Makes an exception.</summary>
    public FatalTaskException()
        : this("The task has failed for good.")
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people: why no further attempt would do better.</param>
    public FatalTaskException(string message)
        : base(BackrunErrorCode.TaskFailed, message)
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people: why no further attempt would do better.</param>
    /// <param name="innerException">The cause, or null.</param>
    public FatalTaskException(string message, Exception? innerException)
        : base(BackrunErrorCode.TaskFailed, message, innerException)
    {
    }
}
