using System;
using System.Diagnostics;

namespace Backrun.Benchmarks.Measuring;

/// <summary>What a round cost, by the clock and to the whole process.</summary>
internal readonly struct Meter
{
    private readonly long _started;
    private readonly TimeSpan _cpu;
    private readonly long _allocated;

    private Meter(long started, TimeSpan cpu, long allocated)
    {
        _started = started;
        _cpu = cpu;
        _allocated = allocated;
    }

    /// <summary>Seconds by the clock.</summary>
    public double Seconds => Stopwatch.GetElapsedTime(_started).TotalSeconds;

    /// <summary>
    /// Seconds of processor time, of all threads, user and kernel: by getrusage, which counts finer than the 10 ms of
    /// Process.TotalProcessorTime.
    /// </summary>
    public double CpuSeconds => (Environment.CpuUsage.TotalTime - _cpu).TotalSeconds;

    /// <summary>Bytes of managed memory that were allocated.</summary>
    public long Bytes => GC.GetTotalAllocatedBytes(precise: true) - _allocated;

    public static Meter Start()
    {
        // The garbage of the one before is not to be paid for by this one.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        return new Meter(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, allocated);
    }
}
