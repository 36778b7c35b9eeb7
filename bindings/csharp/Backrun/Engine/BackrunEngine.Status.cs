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

    /// <summary>Cancels a task: a queued one at once; a running one is asked to stop by its token, and stays what it is until it does.</summary>
    /// <param name="id">From the call that started it.</param>
    /// <param name="reason">For people; kept with the task, up to 512 bytes. May be null.</param>
    /// <returns>What the cancellation met.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is not a positive number, and so no task's.</exception>
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
        backrun_stats* stats = null;
        backrun_error* error = null;
        using (EngineHandle.Use use = Borrow())
        {
            NativeError.ThrowIfFailed(NativeMethods.backrun_engine_stats(use.Pointer, &stats, &error), error);
        }

        using StatsHandle owned = new(stats);
        return StatisticsReader.Read(stats);
    }

    /// <summary>Lists tasks, smallest id first. Not yet: throws <see cref="NotSupportedException"/>.</summary>
    /// <param name="filter">Which. Null: all.</param>
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
                tasks.Add(new BackgroundTaskStatus(NativeMethods.backrun_task_list_at(list, index)));
            }

            return tasks;
        }
        finally
        {
            texts.Dispose();
        }
    }

    /// <summary>Makes a dead task ready again, its attempts counted anew. Not yet: throws <see cref="NotSupportedException"/>.</summary>
    /// <param name="id">The task.</param>
    public void Replay(BackgroundTaskId id)
    {
        CheckId(id);
        backrun_error* error = null;
        using EngineHandle.Use use = Borrow();
        NativeError.ThrowIfFailed(NativeMethods.backrun_engine_replay(use.Pointer, id.Value, &error), error);
    }

    /// <summary>Forgets tasks in a final state. Not yet: throws <see cref="NotSupportedException"/>.</summary>
    /// <param name="filter">Which. Null: all of them.</param>
    /// <returns>How many.</returns>
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
        return new BackgroundTaskStatus(status);
    }

    internal System.Threading.Tasks.Task CompletionOf(BackgroundTaskId id) => _core.Completions.Of(this, id);

    private static void CheckId(BackgroundTaskId id)
    {
        if (id.Value <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(id), id.Value, $"{id.Value} is no task's id: ids are positive. Pass the one that the call which started the task returned.");
        }
    }
}
