using System;
using System.Diagnostics;
using System.Threading;

namespace Backrun.Benchmarks.Measuring;

/// <summary>Where tasks leave how long they waited from hand-over to their first instruction.</summary>
internal static class Latencies
{
    private static long[] _ticks = [];
    private static int _started;

    public static void Begin(int tasks)
    {
        _ticks = new long[tasks];
        Volatile.Write(ref _started, 0);
    }

    public static void Started(int index, long submittedAt)
    {
        long now = Stopwatch.GetTimestamp();
        _ticks[index] = now - submittedAt;
        Interlocked.Increment(ref _started);
    }

    /// <summary>The latencies in microseconds, smallest first, once all tasks have started.</summary>
    public static double[] End()
    {
        if (!SpinWait.SpinUntil(() => Volatile.Read(ref _started) == _ticks.Length, TimeSpan.FromSeconds(10)))
        {
            throw new TimeoutException($"{_ticks.Length - _started} tasks have not started.");
        }
        double[] microseconds = Array.ConvertAll(_ticks, ticks => ticks * 1e6 / Stopwatch.Frequency);
        Array.Sort(microseconds);
        return microseconds;
    }
}
