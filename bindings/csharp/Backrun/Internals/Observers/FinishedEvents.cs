using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>
/// Takes the ends of tasks from the observer thread, which must not wait, and raises them on the thread pool, one after the other in their order. Bounded: what handlers
/// cannot keep up with is counted and told, never waited for.
/// </summary>
internal sealed unsafe class FinishedEvents : IThreadPoolWorkItem
{
    /// <summary>The kinds of events that end a task.</summary>
    internal const ulong Kinds =
        (1UL << (int)NativeConstants.BACKRUN_EVENT_SUCCEEDED)
        | (1UL << (int)NativeConstants.BACKRUN_EVENT_DEAD)
        | (1UL << (int)NativeConstants.BACKRUN_EVENT_CANCELLED)
        | (1UL << (int)NativeConstants.BACKRUN_EVENT_DROPPED);

    /// <summary>No kind at all: 0 would mean every one, and there is no kind 0.</summary>
    internal const ulong NoKinds = 1;

    private const int Most = 65_536;

    [ThreadStatic]
    private static FinishedEvents? _raising;

    private readonly object _gate = new();
    private readonly Queue<BackgroundTaskFinishedEventArgs> _waiting = new();
    private readonly EngineCore _core;
    private TaskCompletionSource? _drained;
    private bool _running;
    private long _lost;

    internal FinishedEvents(EngineCore core) => _core = core;

    /// <summary>Whether the current thread is in a handler, which would wait for itself if it waited for all to be raised.</summary>
    internal bool IsRaisingHere => _raising == this;

    internal void Add(backrun_event* told)
    {
        if (!IsEnd(told->kind))
        {
            return;
        }

        BackgroundTaskFinishedEventArgs args = Read(told);
        bool start;
        lock (_gate)
        {
            if (_waiting.Count == Most)
            {
                _lost++;
                return;
            }

            _waiting.Enqueue(args);
            start = !_running;
            _running = true;
        }

        if (start)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>Ends when what has come so far was raised, or after the time limit.</summary>
    internal Task DrainAsync(TimeSpan limit)
    {
        lock (_gate)
        {
            if (!_running || limit <= TimeSpan.Zero)
            {
                return Task.CompletedTask;
            }

            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return Task.WhenAny(_drained.Task, Task.Delay(limit));
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        _raising = this;
        try
        {
            while (Take() is { } args)
            {
                _core.RaiseTaskFinished(args);
            }
        }
        finally
        {
            _raising = null;
        }
    }

    private static bool IsEnd(uint kind) => kind < 64 && (Kinds & (1UL << (int)kind)) != 0;

    private BackgroundTaskFinishedEventArgs? Take()
    {
        long lost;
        BackgroundTaskFinishedEventArgs? next;
        lock (_gate)
        {
            lost = _lost;
            _lost = 0;
            if (!_waiting.TryDequeue(out next))
            {
                _running = false;
                _drained?.TrySetResult();
                _drained = null;
            }
        }

        if (lost != 0)
        {
            _core.Log.Warning($"{lost} TaskFinished events were lost: the handlers could not keep up, and no more than {Most} events wait for them.");
        }

        return next;
    }

    private BackgroundTaskFinishedEventArgs Read(backrun_event* told)
    {
        bool dead = told->kind == NativeConstants.BACKRUN_EVENT_DEAD;
        return new BackgroundTaskFinishedEventArgs(
            new BackgroundTaskId(told->task_id),
            NativeText.ToManaged(told->task_name),
            NativeText.ToManaged(told->queue),
            (BackgroundTaskState)told->state,
            (int)told->attempt,
            told->lease,
            TimeSpan.FromMicroseconds(told->run_us),
            UnixTime.FromMicroseconds(told->time_unix_us))
        {
            ErrorType = NativeText.ToManagedOrNull(told->error_type),
            ErrorMessage = NativeText.ToManagedOrNull(told->message),
            ErrorDetail = NativeText.ToManagedOrNull(told->detail),
            Exception = dead ? _core.Failures.Find(told->task_id, told->lease) : null,
        };
    }
}
