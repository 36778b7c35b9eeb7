using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;

namespace Backrun.Benchmarks.Children;

/// <summary>A million tasks of 100 bytes each that wait, and none runs.</summary>
internal interface IBacklog : IDisposable
{
    /// <summary>Brings everything into being: runs a few tasks, and from then on none.</summary>
    void Prepare();

    /// <summary>Hands so many over.</summary>
    void Add(int tasks);
}

/// <summary>What a backlog costs a process: its memory, and what it does to the collector.</summary>
internal static class BacklogMeter
{
    private const int Tasks = 1_000_000;
    private const int Collections = 5;

    public static readonly string[] Columns = ["bytes", "pauses ms", "full GC ms", "to empty"];

    public static double[] Measure(IBacklog backlog)
    {
        backlog.Prepare();
        double empty = FullCollection();
        long resident = ResidentBytes();
        TimeSpan pauses = GC.GetTotalPauseDuration();
        backlog.Add(Tasks);
        double fillPauses = (GC.GetTotalPauseDuration() - pauses).TotalMilliseconds;
        double bytes = (double)(ResidentBytes() - resident) / Tasks;
        double full = FullCollection();
        GC.KeepAlive(backlog);
        return [bytes, fillPauses, full, full / empty];
    }

    // The median, in milliseconds: blocking and not compacting, as the collector's own ones mostly are.
    private static double FullCollection()
    {
        double[] times = new double[Collections];
        for (int i = 0; i < Collections; i++)
        {
            long started = Stopwatch.GetTimestamp();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
            times[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }
        Array.Sort(times);
        return times[Collections / 2];
    }

    private static long ResidentBytes()
    {
        string[] pages = File.ReadAllText("/proc/self/statm").Split(' ');
        return long.Parse(pages[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
    }
}
