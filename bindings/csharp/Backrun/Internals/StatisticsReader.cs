using System;
using System.Collections.Generic;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Native's counters as properties.</summary>
internal static unsafe class StatisticsReader
{
    internal static EngineStatistics Read(EngineHandle.Use engine)
    {
        backrun_stats* stats = null;
        backrun_error* error = null;
        NativeError.ThrowIfFailed(NativeMethods.backrun_engine_stats(engine.Pointer, &stats, &error), error);
        using StatsHandle owned = new(stats);
        return Read(stats);
    }

    private static EngineStatistics Read(backrun_stats* stats)
    {
        Dictionary<string, QueueStatistics> queues = new(StringComparer.Ordinal);
        for (nuint index = 0; index < NativeMethods.backrun_stats_queue_count(stats); index++)
        {
            nuint queue = index;
            queues[NativeText.ToManaged(NativeMethods.backrun_stats_queue_name(stats, queue))] = new QueueStatistics(counter => QueueValue(stats, queue, counter));
        }

        return new EngineStatistics(counter => Value(stats, counter), queues, StalledRuns(stats), TaskNames(stats));
    }

    private static Dictionary<string, TaskNameStatistics> TaskNames(backrun_stats* stats)
    {
        Dictionary<string, TaskNameStatistics> names = new(StringComparer.Ordinal);
        for (nuint at = 0; at < NativeMethods.backrun_stats_task_name_count(stats); at++)
        {
            nuint index = at;
            names[NativeText.ToManaged(NativeMethods.backrun_stats_task_name(stats, index))] = new TaskNameStatistics(
                new TaskDurations(which => Duration(stats, index, NativeConstants.BACKRUN_DURATION_WAITED_COUNT + which)),
                new TaskDurations(which => Duration(stats, index, NativeConstants.BACKRUN_DURATION_RAN_COUNT + which)));
        }

        return names;
    }

    private static ulong Duration(backrun_stats* stats, nuint index, uint which)
    {
        ulong value;
        backrun_error* error = null;
        NativeError.ThrowIfFailed(NativeMethods.backrun_stats_task_name_duration(stats, index, which, &value, &error), error);
        return value;
    }

    private static StalledRun[] StalledRuns(backrun_stats* stats)
    {
        StalledRun[] runs = new StalledRun[(int)NativeMethods.backrun_stats_stalled_count(stats)];
        for (int at = 0; at < runs.Length; at++)
        {
            nuint index = (nuint)at;
            runs[at] = new StalledRun(
                new BackgroundTaskId(NativeMethods.backrun_stats_stalled_task_id(stats, index)),
                NativeText.ToManaged(NativeMethods.backrun_stats_stalled_task_name(stats, index)),
                NativeText.ToManaged(NativeMethods.backrun_stats_stalled_queue(stats, index)),
                (long)NativeMethods.backrun_stats_stalled_worker(stats, index),
                TimeSpan.FromMicroseconds(NativeMethods.backrun_stats_stalled_us(stats, index)));
        }

        return runs;
    }

    private static long Value(backrun_stats* stats, Counter counter)
    {
        ulong value;
        backrun_error* error = null;
        NativeError.ThrowIfFailed(NativeMethods.backrun_stats_value(stats, (uint)counter, &value, &error), error);
        return (long)value;
    }

    private static long QueueValue(backrun_stats* stats, nuint queue, Counter counter)
    {
        ulong value;
        backrun_error* error = null;
        NativeError.ThrowIfFailed(NativeMethods.backrun_stats_queue_value(stats, queue, (uint)counter, &value, &error), error);
        return (long)value;
    }
}
