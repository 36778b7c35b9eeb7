using System;
using System.Diagnostics;
using System.Threading;
using Backrun.Benchmarks.Contenders;
using Backrun.Benchmarks.Measuring;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks.Children;

/// <summary>
/// Tasks that hold their threads, and short ones behind them: how long until those are done. In a process of its own, since
/// the thread pool keeps for a while what threads it made for the one before.
/// </summary>
internal static class BlockedMeter
{
    /// <summary>Nobody is waited for longer.</summary>
    public const double LimitMilliseconds = 5000;

    public static readonly string[] Columns = ["ms"];

    private const int ShortTasks = 1000;

    /// <summary>The values of the child <c>blocked-LOAD/CONTENDER</c>, or null if it is none.</summary>
    public static double[]? Measure(string child)
    {
        if (child.Split('/') is not [string load, string name])
        {
            return null;
        }
        (int workers, Burden burden, int blocked)? chosen = load switch
        {
            "blocked-sleeping" => (4, Burden.Sleeping, 8),
            "blocked-burning" => (2, Burden.Burning, 8),
            "blocked-five" => (5, Burden.Sleeping, 2),
            _ => null,
        };
        if (chosen is not var (count, kind, holders))
        {
            return null;
        }
        using IBurdenedContender? contender = Make(name, count);
        return contender is null ? null : [Measure(contender, kind, holders)];
    }

    private static IBurdenedContender? Make(string name, int workers) => name switch
    {
        "backrun" => new BackrunBurdened(workers),
        "channel" => new ChannelBurdened(workers),
        "pool" => new ThreadPoolBurdened(),
        "akka" => new AkkaBurdened(workers),
        "hangfire" => new HangfireBurdened(workers),
        "coravel" => new CoravelBurdened(),
        "quartz" => new QuartzBurdened(workers),
        _ => null,
    };

    private static double Measure(IBurdenedContender contender, Burden burden, int blocked)
    {
        contender.HandOver(Burden.None, ShortTasks);
        Done.WaitFor(ShortTasks);
        long started = Stopwatch.GetTimestamp();
        contender.HandOver(burden, blocked);
        contender.HandOver(Burden.None, ShortTasks);
        double passed;
        bool done;
        do
        {
            Thread.Sleep(1);
            done = Done.Total == 2 * ShortTasks;
            passed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }
        while (!done && passed < LimitMilliseconds);
        Burdens.ReleaseAll();
        return Math.Min(passed, LimitMilliseconds);
    }
}
