using System;
using Backrun.Internals;
using Backrun.Native;

namespace Backrun;

/// <content>Telling how tasks ended.</content>
public sealed unsafe partial class BackrunEngine
{
    private readonly object _eventGate = new();
    private EventHandler<BackgroundTaskFinishedEventArgs>? _taskFinished;

    /// <summary>
    /// A task came to its final state, which a failed run that another one follows is not. Raised on the thread pool, one event after the other in their order; costs nothing while nobody has subscribed. What a handler throws is
    /// a line in the log. Handlers that cannot keep up lose events beyond 65,536 waiting ones, which the log tells; to wait for one task, use
    /// <see cref="BackgroundTaskHandle.Completion"/>, which is never lost.
    /// </summary>
    /// <exception cref="ObjectDisposedException">A handler is added after the engine was disposed of.</exception>
    public event EventHandler<BackgroundTaskFinishedEventArgs>? TaskFinished
    {
        add
        {
            lock (_eventGate)
            {
                SetEventKinds(FinishedEvents.Kinds);
                _taskFinished += value;
            }
        }

        remove
        {
            lock (_eventGate)
            {
                _taskFinished -= value;
                if (_taskFinished is null)
                {
                    try
                    {
                        SetEventKinds(FinishedEvents.NoKinds);
                    }
                    catch (Exception exception) when (exception is ObjectDisposedException or BackrunException)
                    {
                        // An engine that has ended tells nothing anyway.
                    }
                }
            }
        }
    }

    internal void RaiseTaskFinished(BackgroundTaskFinishedEventArgs args)
    {
        EventHandler<BackgroundTaskFinishedEventArgs>? handlers = _taskFinished;
        if (handlers is null)
        {
            return;
        }

        foreach (EventHandler<BackgroundTaskFinishedEventArgs> handler in handlers.GetInvocationList())
        {
            try
            {
                handler(this, args);
            }
            catch (Exception exception)
            {
                _core.Log.Warning($"A handler of TaskFinished failed for task {args.Id.Value} ('{args.TaskName}').", exception);
            }
        }
    }

    private void SetEventKinds(ulong kinds)
    {
        backrun_error* error = null;
        using EngineHandle.Use use = Borrow();
        NativeError.ThrowIfFailed(NativeMethods.backrun_engine_set_event_kinds(use.Pointer, kinds, &error), error);
    }
}
