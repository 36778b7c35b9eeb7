using System;
using System.Threading.Tasks;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>The tasks of an engine whose end somebody awaits.</summary>
/// <remarks>
/// Each entry refers to the engine, so that an engine which somebody waits for is not collected. Continuations never run on a thread of the engine.
/// </remarks>
internal sealed unsafe class Completions
{
    private readonly AwaitedTable _waiting = new();
    private readonly EngineCore _core;

    internal Completions(EngineCore core) => _core = core;

    internal Task Of(BackrunEngine engine, BackgroundTaskId id)
    {
        Awaited waiting = _waiting.GetOrAdd(engine, id.Value, out bool added);
        if (added)
        {
            Watch(engine, id, waiting);
        }

        return waiting.Task;
    }

    /// <summary>Native's callback: a task is in a final state, or the engine ended before it was.</summary>
    internal void Ended(int code, backrun_task_status* status)
    {
        Awaited? waiting = _waiting.Take(NativeMethods.backrun_task_status_id(status));
        if (waiting is null)
        {
            return;
        }

        // Nearly all ends are these, and nothing more is to be known of them.
        if (code == NativeConstants.BACKRUN_OK && NativeMethods.backrun_task_status_state(status) == (uint)BackgroundTaskState.Succeeded)
        {
            waiting.TrySetResult();
            return;
        }

        BackgroundTaskStatus last = new(status);
        if (code == NativeConstants.BACKRUN_OK)
        {
            End(waiting, last);
        }
        else
        {
            waiting.TrySetException(EngineEnded(last));
        }
    }

    /// <summary>The engine is gone: nobody is left waiting.</summary>
    internal void EndAll()
    {
        foreach (Awaited waiting in _waiting.TakeAll())
        {
            waiting.TrySetException(new BackrunException(
                BackrunErrorCode.ShutdownIncomplete, $"The engine ended before task {waiting.Id} did: how it ends will not be recorded."));
        }
    }

    private static BackrunException EngineEnded(BackgroundTaskStatus last) => new(
        BackrunErrorCode.ShutdownIncomplete,
        $"The engine ended before task {last.Id.Value} ('{last.TaskName}') did, which was {last.State} then: how it ends will not be recorded.");

    private void Watch(BackrunEngine engine, BackgroundTaskId id, Awaited waiting)
    {
        int code;
        string? message = null;
        try
        {
            using EngineHandle.Use use = engine.Borrow();
            backrun_error* error = null;
            code = NativeMethods.backrun_engine_watch(use.Pointer, id.Value, ObserverCallbacks.WatchFunction, (void*)_core.Key, &error);
            if (code != NativeConstants.BACKRUN_OK)
            {
                message = NativeError.TakeMessage(code, error);
            }
        }
        catch (ObjectDisposedException exception)
        {
            Withdraw(id, waiting, exception);
            return;
        }

        if (code == NativeConstants.BACKRUN_OK)
        {
            return;
        }

        // An engine that has ended has no thread left to tell; it still answers what became of the task.
        if (code == NativeConstants.BACKRUN_SHUTTING_DOWN && engine.Look(id) is { IsFinal: true } last)
        {
            _waiting.Take(id.Value);
            End(waiting, last);
            return;
        }

        Withdraw(id, waiting, new BackrunException((BackrunErrorCode)code, OptionNames.Translate(message!)));
    }

    private void Withdraw(BackgroundTaskId id, Awaited waiting, Exception exception)
    {
        _waiting.Take(id.Value);
        waiting.TrySetException(exception);
    }

    private void End(Awaited waiting, BackgroundTaskStatus last)
    {
        switch (last.State)
        {
            case BackgroundTaskState.Succeeded:
                waiting.TrySetResult();
                break;
            case BackgroundTaskState.Cancelled:
                waiting.TrySetCanceled();
                break;
            case BackgroundTaskState.Dropped:
                waiting.TrySetException(new QueueFullException(
                    $"Task {last.Id.Value} ('{last.TaskName}') was dropped from the full queue '{last.Queue}' to make room for a newer one (WhenFull.DropOldest)."));
                break;
            default:
                waiting.TrySetException(
                    _core.Failures.Find(last.Id.Value, last.Lease) ?? new BackgroundTaskFailedException(last.Id, last.TaskName, last.Error));
                break;
        }
    }
}
