using System;
using System.Collections.Concurrent;
using System.Threading.Tasks;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>The tasks of an engine whose end somebody awaits.</summary>
/// <remarks>
/// Whoever adds an entry asks native to tell of the end. Then there are three who may take it out again, and end it: native's callback; whoever added it, where native
/// answers that nobody will be told; and the end of the engine. Who finds an entry that is there already shares its fate, and asks nothing. Each entry refers to the engine, so
/// that an engine which somebody waits for is not collected. Continuations never run on a thread of the engine.
/// </remarks>
internal sealed unsafe class Completions
{
    // Locks by the dozen: entries are added by those who await and taken out by workers, at the same time.
    private readonly ConcurrentDictionary<long, Awaited> _waiting = new(concurrencyLevel: 64, capacity: 64);
    private readonly EngineCore _core;

    internal Completions(EngineCore core) => _core = core;

    internal Task Of(BackrunEngine engine, BackgroundTaskId id)
    {
        Awaited made = new(engine);
        Awaited waiting = _waiting.GetOrAdd(id.Value, made);
        if (ReferenceEquals(waiting, made))
        {
            Ask(engine, id, waiting);
        }

        return waiting.Task;
    }

    /// <summary>
    /// Native's callback, on the thread that recorded the end: a worker, or a thread of the program that cancels, settles, submits or shuts down. Quick, therefore; failures
    /// are rare, and looked up.
    /// </summary>
    /// <param name="id">The task.</param>
    /// <param name="lease">Of its last run.</param>
    /// <param name="state">Its final state, or 0: the engine ended first.</param>
    internal void Ended(long id, long lease, uint state)
    {
        if (!_waiting.TryRemove(id, out Awaited? waiting))
        {
            return;
        }

        if (state == (uint)BackgroundTaskState.Succeeded)
        {
            waiting.TrySetResult();
            return;
        }

        try
        {
            End(waiting, new BackgroundTaskId(id), lease, state);
        }
        catch (Exception exception)
        {
            // It could not be looked up. But nobody waits for ever.
            waiting.TrySetException(exception);
        }
    }

    /// <summary>The engine is gone: nobody is left waiting.</summary>
    internal void EndAll()
    {
        foreach (long id in _waiting.Keys)
        {
            if (_waiting.TryRemove(id, out Awaited? waiting))
            {
                waiting.TrySetException(EngineEnded(new BackgroundTaskId(id), null));
            }
        }
    }

    private void Ask(BackrunEngine engine, BackgroundTaskId id, Awaited waiting)
    {
        uint state = 0;
        long lease = 0;
        Exception failure;
        try
        {
            backrun_error* error = null;
            int code = engine.Handle.TellEnd(id.Value, &state, &lease, &error);
            if (code == NativeConstants.BACKRUN_OK)
            {
                if (state == 0)
                {
                    return;
                }

                // It has ended already, and nobody will be told of it.
                Ended(id.Value, lease, state);
                return;
            }

            failure = NativeError.ToException(code, error);
        }
        catch (ObjectDisposedException exception)
        {
            failure = exception;
        }

        _waiting.TryRemove(id.Value, out _);
        waiting.TrySetException(failure);
    }

    private void End(Awaited waiting, BackgroundTaskId id, long lease, uint state)
    {
        switch ((BackgroundTaskState)state)
        {
            case BackgroundTaskState.Cancelled:
                waiting.TrySetCanceled();
                break;
            case BackgroundTaskState.Dropped:
                waiting.TrySetException(Dropped(id, Look(waiting, id)));
                break;
            case BackgroundTaskState.Dead:
                waiting.TrySetException(WhatFailed(waiting, id, lease));
                break;
            default:
                waiting.TrySetException(EngineEnded(id, Look(waiting, id)));
                break;
        }
    }

    /// <summary>
    /// What a dead task threw, as long as that is what was recorded: a run that was given up at its time limit may throw something later, which is not why its task is dead.
    /// </summary>
    private Exception WhatFailed(Awaited waiting, BackgroundTaskId id, long lease)
    {
        Exception? thrown = _core.Failures.Find(id.Value, lease);
        BackgroundTaskStatus? last = Look(waiting, id);
        return thrown is not null && (last?.Error is null || ExceptionText.TypeOf(thrown).StartsWith(last.Error.Type, StringComparison.Ordinal)) ? thrown : Failed(id, last);
    }

    /// <summary>What is recorded of a task. Native keeps it until it has told of the end; null where somebody asked later, and it was forgotten meanwhile, or the engine is gone.</summary>
    private static BackgroundTaskStatus? Look(Awaited waiting, BackgroundTaskId id)
    {
        try
        {
            return waiting.Engine.Look(id);
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    private static QueueFullException Dropped(BackgroundTaskId id, BackgroundTaskStatus? last) => new(last is null
        ? $"Task {id.Value} was dropped from a full queue to make room for a newer one (WhenFull.DropOldest)."
        : $"Task {id.Value} ('{last.TaskName}') was dropped from the full queue '{last.Queue}' to make room for a newer one (WhenFull.DropOldest).");

    private static BackgroundTaskFailedException Failed(BackgroundTaskId id, BackgroundTaskStatus? last) => last is null
        ? new($"Task {id.Value} failed; why is no longer kept.") { Id = id }
        : new(last.Id, last.TaskName, last.Error);

    private BackrunException EngineEnded(BackgroundTaskId id, BackgroundTaskStatus? last) => new(
        BackrunErrorCode.ShutdownIncomplete,
        (last is null
            ? $"The engine ended before task {id.Value} did: "
            : $"The engine ended before task {id.Value} ('{last.TaskName}') did, which was {last.State} then: ")
        + (_core.IsDurable ? "it stays in the store, and runs after the next start." : "how it ends will not be recorded."));
}
