using System;
using System.Collections.Generic;
using Backrun.Internals;
using Backrun.Native;

namespace Backrun;

/// <content>Asking for tasks, and cancelling them.</content>
public sealed unsafe partial class BackrunEngine
{
    /// <summary>What is known of a task now. Also after <see cref="ShutdownAsync"/>.</summary>
    /// <param name="id">From the call that started it.</param>
    /// <returns>Null if there is no such task, or it is no longer kept: finished tasks are, up to <see cref="BackrunOptions.KeepFinished"/> and <see cref="BackrunOptions.KeepDead"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is not a positive number, and so no task's.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public BackgroundTaskStatus? GetStatus(BackgroundTaskId id)
    {
        CheckId(id);
        return Look(id);
    }

    /// <summary>The handle of a task whose id is all that is left, of one that an earlier process started for example. Whether there is such a task is not looked at.</summary>
    /// <param name="id">From the call that started it.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is not a positive number, and so no task's.</exception>
    public BackgroundTaskHandle GetHandle(BackgroundTaskId id)
    {
        CheckId(id);
        return new BackgroundTaskHandle(this, id);
    }

    /// <summary>Cancels a task: a queued one at once; a running one is asked to stop by its token, and stays what it is until it does.</summary>
    /// <remarks>With a durable store the call returns when that is stored: what was asked to stop is not begun anew in a later process, but cancelled.</remarks>
    /// <param name="id">From the call that started it.</param>
    /// <param name="reason">For people; kept with the task, up to 512 bytes. May be null.</param>
    /// <returns>What the cancellation met.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is not a positive number, and so no task's.</exception>
    /// <exception cref="BackrunException">The store failed: the task is cancelled or asked to stop in this process, and stored as soon as that can be.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public CancelResult Cancel(BackgroundTaskId id, string? reason = null)
    {
        CheckId(id);
        Utf8Arena texts = default;
        try
        {
            uint what;
            backrun_error* error = null;
            using EngineHandle.Use use = Borrow();
            NativeError.ThrowIfFailed(NativeMethods.backrun_engine_cancel(use.Pointer, id.Value, texts.Add(reason), &what, &error), error);
            return (CancelResult)what;
        }
        finally
        {
            texts.Dispose();
        }
    }

    /// <summary>The counters of the engine and its queues, at this moment. Also after <see cref="ShutdownAsync"/>.</summary>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public EngineStatistics GetStatistics()
    {
        using EngineHandle.Use use = Borrow();
        return StatisticsReader.Read(use);
    }

    /// <summary>
    /// Lists tasks, smallest id first. It looks at one after the other while they go on, so each status is true for a moment of its own. To page on, list again with
    /// <see cref="TaskFilter.AfterId"/> of the last one. Also after <see cref="ShutdownAsync"/>.
    /// </summary>
    /// <param name="filter">Which. Null: all, up to 1,000.</param>
    /// <exception cref="ArgumentException">A value of the filter is out of its range.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public IReadOnlyList<BackgroundTaskStatus> ListTasks(TaskFilter? filter = null)
    {
        Utf8Arena texts = default;
        try
        {
            backrun_filter native = new() { struct_size = (uint)sizeof(backrun_filter) };
            NativeOptions.Write(filter ?? new TaskFilter(), ref texts, ref native);
            backrun_task_list* list = null;
            backrun_error* error = null;
            using (EngineHandle.Use use = Borrow())
            {
                NativeError.ThrowIfFailed(NativeMethods.backrun_engine_list(use.Pointer, &native, &list, &error), error);
            }

            using TaskListHandle owned = new(list);
            int count = (int)NativeMethods.backrun_task_list_count(list);
            List<BackgroundTaskStatus> tasks = new(count);
            for (nuint index = 0; index < (nuint)count; index++)
            {
                tasks.Add(new BackgroundTaskStatus(NativeMethods.backrun_task_list_at(list, index), _core.Formats));
            }

            return tasks;
        }
        finally
        {
            texts.Dispose();
        }
    }

    /// <summary>
    /// Makes a dead task ready again, with all that it was started with, its attempts counted anew. A <see cref="BackgroundTaskHandle.Completion"/> that has ended stays so;
    /// one that is read after this ends with the new end.
    /// </summary>
    /// <param name="id">The task.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is not a positive number, and so no task's.</exception>
    /// <exception cref="QueueFullException">Its queue is full.</exception>
    /// <exception cref="BackrunException">Nothing has changed: there is no such task, or it is no longer kept (<see cref="BackrunErrorCode.NotFound"/>); it is not dead, or the thread of its last
    /// run, which was given up at its time limit, has not come back (<see cref="BackrunErrorCode.InvalidArgument"/>); the engine is shut down (<see cref="BackrunErrorCode.ShuttingDown"/>).</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public void Replay(BackgroundTaskId id)
    {
        CheckId(id);
        backrun_error* error = null;
        using EngineHandle.Use use = Borrow();
        NativeError.ThrowIfFailed(NativeMethods.backrun_engine_replay(use.Pointer, id.Value, &error), error);
    }

    /// <summary>
    /// Forgets tasks in a final state: <see cref="GetStatus"/> no longer finds them. Tasks in other states stay, whatever the filter says, and so do those whose run was given up at its
    /// time limit while its thread has not come back.
    /// </summary>
    /// <param name="filter">Which. Null: all of them.</param>
    /// <returns>How many were forgotten.</returns>
    /// <exception cref="ArgumentException">A value of the filter is out of its range.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public long Purge(TaskFilter? filter = null)
    {
        Utf8Arena texts = default;
        try
        {
            backrun_filter native = new() { struct_size = (uint)sizeof(backrun_filter) };
            NativeOptions.Write(filter ?? new TaskFilter(), ref texts, ref native);
            ulong count;
            backrun_error* error = null;
            using EngineHandle.Use use = Borrow();
            NativeError.ThrowIfFailed(NativeMethods.backrun_engine_purge(use.Pointer, &native, &count, &error), error);
            return (long)count;
        }
        finally
        {
            texts.Dispose();
        }
    }

    internal BackgroundTaskStatus? Look(BackgroundTaskId id)
    {
        backrun_task_status* status = null;
        backrun_error* error = null;
        int code;
        using (EngineHandle.Use use = Borrow())
        {
            code = NativeMethods.backrun_engine_wait(use.Pointer, id.Value, timeoutMs: 0, &status, &error);
        }

        if (code == NativeConstants.BACKRUN_NOT_FOUND)
        {
            NativeMethods.backrun_error_free(error);
            return null;
        }

        NativeError.ThrowIfFailed(code, error);
        using TaskStatusHandle owned = new(status);
        return new BackgroundTaskStatus(status, _core.Formats);
    }

    internal System.Threading.Tasks.Task CompletionOf(BackgroundTaskId id)
    {
        _core.Probe?.Awaited();
        return _core.Completions.Of(this, id);
    }

    private static void CheckId(BackgroundTaskId id)
    {
        if (id.Value <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(id), id.Value, $"{id.Value} is no task's id: ids are positive. Pass the one that the call which started the task returned.");
        }
    }
}
