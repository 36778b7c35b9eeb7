using System;
using System.Threading.Tasks;

namespace Backrun;

/// <summary>A task that was started: its id, and its end to await. Costs nothing until <see cref="Completion"/> is read.</summary>
public readonly struct BackgroundTaskHandle : IEquatable<BackgroundTaskHandle>
{
    private readonly BackrunEngine? _engine;

    internal BackgroundTaskHandle(BackrunEngine engine, BackgroundTaskId id)
    {
        _engine = engine;
        Id = id;
    }

    /// <summary>The id of the task.</summary>
    public BackgroundTaskId Id { get; }

    /// <summary>
    /// Ends when the task is in a final state, after that was recorded; made when first read, which may be at any time. A failed
    /// run that another one follows does not end it. Its continuations run on the thread pool.
    /// </summary>
    /// <value>
    /// Succeeds with the task. Fails with what a dead task threw (or a <see cref="BackgroundTaskFailedException"/>, where that is no longer at hand), with a
    /// <see cref="QueueFullException"/> where it was dropped from a full queue, with a <see cref="BackrunException"/> where the task is no longer kept
    /// (<see cref="BackrunErrorCode.NotFound"/>) or the engine ended first (<see cref="BackrunErrorCode.ShutdownIncomplete"/>), and with an
    /// <see cref="ObjectDisposedException"/> where the engine was disposed of before it was read. Cancelled with a cancelled task.
    /// </value>
    /// <exception cref="InvalidOperationException">The handle is <c>default</c>: no call returned it.</exception>
    public Task Completion =>
        _engine?.CompletionOf(Id) ?? throw new InvalidOperationException("This BackgroundTaskHandle is default: it belongs to no task. Use one that StartNew or SubmitAsync returned.");

    /// <summary>Whether both are the same task.</summary>
    public static bool operator ==(BackgroundTaskHandle left, BackgroundTaskHandle right) => left.Equals(right);

    /// <summary>Whether they are two tasks.</summary>
    public static bool operator !=(BackgroundTaskHandle left, BackgroundTaskHandle right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(BackgroundTaskHandle other) => ReferenceEquals(_engine, other._engine) && Id == other.Id;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BackgroundTaskHandle other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_engine, Id);

    /// <summary>The id.</summary>
    public override string ToString() => Id.ToString();
}
