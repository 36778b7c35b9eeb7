using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;

namespace Backrun.Benchmarks.Measuring;

/// <summary>
/// Many tasks as fast as they go: tasks a second, and what one costs in processor time and in managed memory.
/// </summary>
/// <param name="name">To choose it by.</param>
/// <param name="title">What is done.</param>
/// <param name="producers">Threads that hand tasks over.</param>
/// <param name="contenders">Who does it; the first is the one that the others are compared with.</param>
internal sealed class ThroughputScenario(
    string name,
    string title,
    int producers,
    params Func<int, IThroughputContender>[] contenders) : IScenario
{
    public string Name => name;

    public ResultTable Run(BenchmarkOptions options)
    {
        var running = Lines.Make(contenders, options);
        try
        {
            int[] bursts = Array.ConvertAll(running, contender => WarmUp(contender, options));
            var table = new ResultTable(name, title, ["k tasks/s", "CPU ns", "bytes"], [true, false, false]);
            for (int round = 0; round < options.Rounds; round++)
            {
                for (int i = 0; i < running.Length; i++)
                {
                    table.Add(running[i].Name, Measure(running[i], bursts[i]));
                }
            }
            return table;
        }
        finally
        {
            Array.ForEach(running, contender => contender.Dispose());
        }
    }

    /// <summary>How many bursts a round takes.</summary>
    private int WarmUp(IThroughputContender contender, BenchmarkOptions options)
    {
        long started = Stopwatch.GetTimestamp();
        double last;
        do
        {
            long burst = Stopwatch.GetTimestamp();
            RunBurst(contender);
            last = Stopwatch.GetElapsedTime(burst).TotalSeconds;
        }
        while (Stopwatch.GetElapsedTime(started) < options.WarmUpTime);
        return Math.Max(1, (int)Math.Round(options.RoundTime.TotalSeconds / last));
    }

    private double[] Measure(IThroughputContender contender, int bursts)
    {
        Meter meter = Meter.Start();
        for (int i = 0; i < bursts; i++)
        {
            RunBurst(contender);
        }
        (double seconds, double cpu, double bytes) = (meter.Seconds, meter.CpuSeconds, meter.Bytes);
        double tasks = (double)bursts * contender.Burst;
        return [tasks / seconds / 1000, cpu / tasks * 1e9, bytes / tasks];
    }

    private void RunBurst(IThroughputContender contender)
    {
        long target = Done.Total + contender.Burst;
        var others = new List<Thread>();
        int share = contender.Burst / producers;
        for (int i = 1; i < producers; i++)
        {
            var thread = new Thread(() => contender.HandOver(share)) { Name = "producer", IsBackground = true };
            thread.Start();
            others.Add(thread);
        }
        contender.HandOver(contender.Burst - (share * (producers - 1)));
        others.ForEach(thread => thread.Join());
        Done.WaitFor(target);
    }
}
