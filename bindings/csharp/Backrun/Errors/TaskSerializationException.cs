using System;

namespace Backrun;

/// <summary>
/// The parameters of a task cannot be serialised (thrown by the call that starts it, and nothing is queued), or not be deserialised (the failure of that task;
/// with <see cref="BackrunOptions.VerifyRoundTrip"/>, thrown by the call too). The serialiser's own exception is inside.
/// </summary>
public sealed class TaskSerializationException : BackrunException
{
    /// <summary>Makes an exception.</summary>
    public TaskSerializationException()
        : base(BackrunErrorCode.Serialization, "The parameters of a task cannot be serialised.")
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people.</param>
    public TaskSerializationException(string message)
        : base(BackrunErrorCode.Serialization, message)
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people.</param>
    /// <param name="innerException">What the serialiser threw.</param>
    public TaskSerializationException(string message, Exception? innerException)
        : base(BackrunErrorCode.Serialization, message, innerException)
    {
    }

    internal TaskSerializationException(string message, string taskName, Type parametersType, Exception? innerException)
        : this(message, innerException)
    {
        TaskName = taskName;
        ParametersType = parametersType;
    }

    /// <summary>The name of the task.</summary>
    public string TaskName { get; } = string.Empty;

    /// <summary>The type of the parameters, as the task declares it.</summary>
    public Type? ParametersType { get; }

    /// <summary>Whether a run could not read its own parameters.</summary>
    internal bool IsOfRun { get; init; }
}
