using System.Threading.Tasks;

namespace Backrun.Internals;

/// <summary>
/// What a test sees of an engine, and decides about it: given with its options, for its life. The engine does what it always does; this stands beside. Backrun.Testing has the one there is. An engine without one pays a look at a field
/// for each task.
/// </summary>
internal abstract class EngineProbe
{
    /// <summary>How a queue works in the test, given how it is to work outside.</summary>
    internal abstract QueueOptions Adapt(QueueOptions options);

    /// <summary>The engine is ready, its queues too.</summary>
    internal abstract void EngineMade(BackrunEngine engine);

    /// <summary>A queue was added or changed. It has nothing queued yet where it was added.</summary>
    internal abstract void QueueConfigured(BackrunEngine engine, string queue, QueueOptions options);

    /// <summary>Somebody pauses a queue, or ends that. In place of the engine's own way to do it.</summary>
    internal abstract void SetPaused(BackrunEngine engine, string queue, bool paused);

    /// <summary>The run of this engine that the current code belongs to, or null.</summary>
    internal abstract BackgroundTaskContext? Starter { get; }

    /// <summary>A task is about to be started. What this throws is the start's failure.</summary>
    /// <returns>The run of this engine that starts it, or null: it is known on the thread that calls, and what follows may come on another one.</returns>
    internal abstract BackgroundTaskContext? Starting(TaskRegistration registration);

    /// <summary>It was not: the start failed after <see cref="Starting"/>.</summary>
    internal abstract void NotStarted();

    /// <summary>A task was accepted.</summary>
    internal abstract void Started(long id, TaskRegistration registration, byte[] payload, StartOptions? options, UserConnection? user, BackgroundTaskContext? starter);

    /// <summary>Called last by a call that starts tasks, before it returns their ids. What this throws comes out of that call.</summary>
    internal abstract void Finish(long[] ids, BackgroundTaskContext? starter);

    /// <summary><see cref="Finish"/>, without holding the thread up.</summary>
    internal abstract Task FinishAsync(long[] ids, BackgroundTaskContext? starter);

    /// <summary>A run begins, on its worker. May not throw.</summary>
    internal abstract void RunBegins(long id, string queue);

    /// <summary>Somebody reads the completion of a task.</summary>
    internal abstract void Awaited();
}
