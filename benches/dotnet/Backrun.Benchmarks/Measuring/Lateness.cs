using System;
using System.Diagnostics;
using System.Threading;

namespace Backrun.Benchmarks.Measuring;

/// <summary>When a task is due: so many milliseconds later, and the instant that is meant.</summary>
/// <param name="DelayMs">Up to a whole millisecond more, since that is what delays are counted in.</param>
/// <param name="At">The instant, as <see cref="Stopwatch.GetTimestamp"/> tells it.</param>
internal readonly record struct Due(long DelayMs, long At);

/// <summary>Where delayed tasks leave how late they are.</summary>
internal static class Lateness
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static long[] _late = [];
    private static int _next;
    private static int _run;
    private static int _told;
    private static long _first;
    private static double _apart;

    /// <summary>So many are due, the first one so much later, and each so long after the one before.</summary>
    public static void Begin(int tasks, TimeSpan lead, TimeSpan apart = default)
    {
        _late = new long[tasks];
        _next = 0;
        _run = 0;
        _told = 0;
        _first = Stopwatch.GetTimestamp() + (long)(lead.TotalSeconds * Stopwatch.Frequency);
        _apart = apart.TotalSeconds * Stopwatch.Frequency;
    }

    /// <summary>When the next one is due. From one thread.</summary>
    public static Due Next()
    {
        long at = At(_told++);
        return new Due((long)Math.Ceiling(Until(at).TotalMilliseconds), at);
    }

    /// <summary>From now until the first one is due.</summary>
    public static TimeSpan Left() => Until(_first);

    /// <summary>A task runs that was due at this instant.</summary>
    public static void OfOne(long dueAt)
    {
        long late = Stopwatch.GetTimestamp() - dueAt;
        int index = Interlocked.Increment(ref _next) - 1;
        _late[index] = late;
        Interlocked.Increment(ref _run);
    }

    /// <summary>The lateness in milliseconds, smallest first, once all have run.</summary>
    public static double[] End()
    {
        long end = At(_late.Length) + (long)(Patience.TotalSeconds * Stopwatch.Frequency);
        while (Volatile.Read(ref _run) < _late.Length)
        {
            if (Stopwatch.GetTimestamp() > end)
            {
                throw new TimeoutException($"{_late.Length - _run} tasks have not run.");
            }
            Thread.Sleep(1);
        }
        double[] late = Array.ConvertAll(_late, ticks => ticks * 1e3 / Stopwatch.Frequency);
        Array.Sort(late);
        return late;
    }

    private static long At(int index) => _first + (long)(index * _apart);

    private static TimeSpan Until(long at) => TimeSpan.FromSeconds((at - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency);
}
