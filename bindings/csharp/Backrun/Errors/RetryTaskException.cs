using System;
using Backrun.Internals;

namespace Backrun;

/// <summary>
/// Thrown by a task to be run again, after a time that it can name itself: the service that it called said when to come back. This run has failed, and this exception is
/// recorded as why.
/// </summary>
/// <remarks>
/// <see cref="RetryPolicy.MaxAttempts"/> of the task's policy holds: after the last attempt the task is dead. Without a policy it is run again as often as it throws this. Only
/// the exception that leaves the run counts, not one inside another.
/// </remarks>
public sealed class RetryTaskException : BackrunException
{
    private const string Words = "The task asked to be run again.";

    /// <summary>Asks for another run after the delay of the task's <see cref="RetryPolicy"/>, or, without one, 1 s.</summary>
    public RetryTaskException()
        : this(Words)
    {
    }

    /// <summary>Asks for another run after the delay of the task's <see cref="RetryPolicy"/>, or, without one, 1 s.</summary>
    /// <param name="message">For people: why this run failed.</param>
    public RetryTaskException(string message)
        : base(BackrunErrorCode.TaskFailed, message)
    {
    }

    /// <summary>Asks for another run after the delay of the task's <see cref="RetryPolicy"/>, or, without one, 1 s.</summary>
    /// <param name="message">For people: why this run failed.</param>
    /// <param name="innerException">The cause, or null.</param>
    public RetryTaskException(string message, Exception? innerException)
        : base(BackrunErrorCode.TaskFailed, message, innerException)
    {
    }

    /// <summary>Asks for another run after a time.</summary>
    /// <param name="delay">From the end of this run on: zero (at once) to 36,500 days, up to whole milliseconds.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is out of its range.</exception>
    public RetryTaskException(TimeSpan delay)
        : this(delay, Words)
    {
    }

    /// <summary>Asks for another run after a time.</summary>
    /// <param name="delay">From the end of this run on: zero (at once) to 36,500 days, up to whole milliseconds.</param>
    /// <param name="message">For people: why this run failed.</param>
    /// <param name="innerException">The cause, or null.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is out of its range.</exception>
    public RetryTaskException(TimeSpan delay, string message, Exception? innerException = null)
        : base(BackrunErrorCode.TaskFailed, message, innerException)
    {
        OptionChecks.Delay(delay, nameof(delay));
        Delay = delay;
    }

    /// <summary>How long after the end of the run the next one may begin; null: as the task's policy says, or, without one, 1 s.</summary>
    public TimeSpan? Delay { get; }
}
