using System;
using System.Diagnostics;
using System.Threading;

namespace Backrun.Benchmarks.Measuring;

/// <summary>Where tasks leave how long they waited from hand-over to their first instruction.</summary>
public static class Latencies
{
    private static long[] _ticks = [];
    private static int _started;

    /// <summary>So many tasks follow.</summary>
    public static void Begin(int tasks)
    {
        _ticks = new long[tasks];
        Volatile.Write(ref _started, 0);
    }

    /// <summary>Called by the task, with its number and when it was handed over.</summary>
    public static void Started(int index, long submittedAt)
    {
        long now = Stopwatch.GetTimestamp();
        _ticks[index] = now - submittedAt;
        Interlocked.Increment(ref _started);
    }

    /// <summary>The latencies in microseconds, smallest first, once all tasks have started.</summary>
    public static double[] End() => End(TimeSpan.FromSeconds(10));

    /// <summary>As <see cref="End()"/>, with the patience of the caller.</summary>
    public static double[] End(TimeSpan patience)
    {
        if (!SpinWait.SpinUntil(() => Volatile.Read(ref _started) == _ticks.Length, patience))
        {
            throw new TimeoutException($"{_ticks.Length - _started} tasks have not started.");
        }
        double[] microseconds = Array.ConvertAll(_ticks, ticks => ticks * 1e6 / Stopwatch.Frequency);
        Array.Sort(microseconds);
        return microseconds;
    }
}
