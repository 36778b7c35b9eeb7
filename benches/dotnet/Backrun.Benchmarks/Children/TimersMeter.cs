using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using Backrun.Benchmarks.Contenders;
using Backrun.Benchmarks.Measuring;

namespace Backrun.Benchmarks.Children;

/// <summary>What delayed tasks cost while they wait, and how late they are when they are due all at once.</summary>
internal static class TimersMeter
{
    public static readonly string[] WaitingColumns = ["ns", "bytes"];
    public static readonly string[] LateColumns = ["p50 ms", "p99 ms", "last ms"];

    private const int Waiting = 1_000_000;
    private const int Burst = 100_000;
    private const int Stream = 300_000;
    private const int First = 1000;

    /// <summary>The values of the child <c>timers-WHAT/CONTENDER</c>, or null if it is none.</summary>
    public static double[]? Measure(string child)
    {
        if (child.Split('/') is not [string what, string name])
        {
            return null;
        }
        using IDelayedContender? contender = name switch
        {
            "backrun" => new BackrunDelayed(),
            "package" => new PackageDelayed(),
            "timer" => new TimerDelayed(),
            "quartz" => new QuartzDelayed(),
            _ => null,
        };
        return (what, contender) switch
        {
            (_, null) => null,
            ("timers-waiting", _) => MeasureWaiting(contender),
            ("timers-burst", _) => MeasureLate(contender, Burst, contender.Lead, TimeSpan.Zero),
            // Ten microseconds: 100,000 a second.
            ("timers-stream", _) => MeasureLate(contender, Stream, 3 * contender.Lead, TimeSpan.FromMicroseconds(10)),
            _ => null,
        };
    }

    private static double[] MeasureWaiting(IDelayedContender contender)
    {
        // Different ones, from one hour on: not all of them in one place of whatever holds them.
        long delay = 3_600_000;
        contender.HandOver(First, () => new Due(delay++, 0));
        long resident = ResidentBytes();
        long started = Stopwatch.GetTimestamp();
        contender.HandOver(Waiting - First, () => new Due(delay++, 0));
        double nanoseconds = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
        return [nanoseconds / (Waiting - First), (double)(ResidentBytes() - resident) / (Waiting - First)];
    }

    private static double[] MeasureLate(IDelayedContender contender, int tasks, TimeSpan lead, TimeSpan apart)
    {
        // Of those that it is tried with nobody asks; they only have run before it begins.
        Lateness.Begin(First, TimeSpan.Zero);
        contender.HandOver(First, () => new Due(1, 0));
        Lateness.End();
        Lateness.Begin(tasks, lead, apart);
        contender.HandOver(tasks, Lateness.Next);
        TimeSpan left = Lateness.Left();
        if (left <= TimeSpan.Zero)
        {
            throw new TimeoutException($"Handing them over took {-left.TotalMilliseconds:N0} ms more than there were.");
        }
        Thread.Sleep(left);
        double[] late = Lateness.End();
        return [late[tasks / 2], late[(int)(tasks * 99L / 100)], late[^1]];
    }

    private static long ResidentBytes()
    {
        string[] pages = File.ReadAllText("/proc/self/statm").Split(' ');
        return long.Parse(pages[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
    }
}
