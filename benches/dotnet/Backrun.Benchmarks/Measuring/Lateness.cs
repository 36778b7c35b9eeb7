using System;
using System.Diagnostics;
using System.Threading;

namespace Backrun.Benchmarks.Measuring;

/// <summary>Where tasks that are all due at one instant leave how late they are.</summary>
internal static class Lateness
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static long[] _at = [];
    private static int _next;
    private static int _run;
    private static long _due;

    /// <summary>So many are due so much later.</summary>
    public static void Begin(int tasks, TimeSpan lead)
    {
        _at = new long[tasks];
        _next = 0;
        _run = 0;
        _due = Stopwatch.GetTimestamp() + (long)(lead.TotalSeconds * Stopwatch.Frequency);
    }

    /// <summary>From now until then: up to a whole millisecond more, since that is what delays are counted in.</summary>
    public static long DelayMs() => (long)Math.Ceiling(Left().TotalMilliseconds);

    public static TimeSpan Left() => TimeSpan.FromSeconds((_due - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency);

    public static void OfOne()
    {
        int index = Interlocked.Increment(ref _next) - 1;
        _at[index] = Stopwatch.GetTimestamp();
        Interlocked.Increment(ref _run);
    }

    /// <summary>The lateness in milliseconds, smallest first, once all have run.</summary>
    public static double[] End()
    {
        long end = _due + (long)(Patience.TotalSeconds * Stopwatch.Frequency);
        while (Volatile.Read(ref _run) < _at.Length)
        {
            if (Stopwatch.GetTimestamp() > end)
            {
                throw new TimeoutException($"{_at.Length - _run} tasks have not run.");
            }
            Thread.Sleep(1);
        }
        double[] late = Array.ConvertAll(_at, at => (at - _due) * 1e3 / Stopwatch.Frequency);
        Array.Sort(late);
        return late;
    }
}
