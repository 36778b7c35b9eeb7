using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace Backrun.Benchmarks.Measuring;

/// <summary>
/// Counts tasks that have run. Each thread has a counter of its own on cache lines of its own: one counter for all
/// would be what is measured, at tens of millions of tasks a second.
/// </summary>
internal static class Done
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly List<Counter> Counters = [];

    [ThreadStatic]
    private static Counter? _counter;

    /// <summary>Since the start of the program.</summary>
    public static long Total
    {
        get
        {
            lock (Counters)
            {
                long total = 0;
                foreach (Counter counter in Counters)
                {
                    total += Volatile.Read(ref counter.Count);
                }
                return total;
            }
        }
    }

    public static void One() => (_counter ??= NewCounter()).Count++;

    /// <summary>
    /// Waits until so many tasks have run since the start of the program. It looks every millisecond, the same for all.
    /// </summary>
    public static void WaitFor(long total)
    {
        DateTime end = DateTime.UtcNow + Patience;
        for (long seen = Total; seen < total; seen = Total)
        {
            if (DateTime.UtcNow > end)
            {
                throw new TimeoutException($"{total - seen} tasks have not run.");
            }
            Thread.Sleep(1);
        }
    }

    private static Counter NewCounter()
    {
        var counter = new Counter();
        lock (Counters)
        {
            Counters.Add(counter);
        }
        return counter;
    }

    // Two cache lines before it, two after it: processors fetch them in pairs.
    [StructLayout(LayoutKind.Explicit, Size = 264)]
    private sealed class Counter
    {
        [FieldOffset(128)]
        public long Count;
    }
}
