using System;
using System.Diagnostics;
using System.Threading;

namespace Backrun.Benchmarks.Measuring;

/// <summary>
/// One task at a time on an idle engine, 1 ms apart: how long from hand-over to the first instruction of Run, and what
/// it costs in processor time.
/// </summary>
/// <param name="name">To choose it by.</param>
/// <param name="title">What is done.</param>
/// <param name="contenders">Who does it; the first is the one that the others are compared with.</param>
internal sealed class LatencyScenario(
    string name,
    string title,
    params Func<int, ILatencyContender>[] contenders) : IScenario
{
    public string Name => name;

    public ResultTable Run(BenchmarkOptions options)
    {
        var running = Lines.Make(contenders, options);
        try
        {
            Array.ForEach(running, contender => Measure(contender, options.LatencySamples / 2));
            var table = new ResultTable(name, title, ["p50 µs", "p99 µs", "CPU µs"], [false, false, false]);
            for (int round = 0; round < options.Rounds; round++)
            {
                double pace = CpuOfPace(options.LatencySamples);
                foreach (ILatencyContender contender in running)
                {
                    double[] values = Measure(contender, options.LatencySamples);
                    // What the waiting between two tasks costs is the same for all, and none of their doing.
                    values[2] -= pace;
                    table.Add(contender.Name, values);
                }
            }
            return table;
        }
        finally
        {
            Array.ForEach(running, contender => contender.Dispose());
        }
    }

    private static double[] Measure(ILatencyContender contender, int tasks)
    {
        Latencies.Begin(tasks);
        Meter meter = Meter.Start();
        for (int i = 0; i < tasks; i++)
        {
            Thread.Sleep(1);
            contender.HandOver(i, Stopwatch.GetTimestamp());
        }
        double cpu = meter.CpuSeconds;
        double[] sorted = Latencies.End();
        return [sorted[tasks / 2], sorted[tasks * 99 / 100], cpu / tasks * 1e6];
    }

    private static double CpuOfPace(int tasks)
    {
        Meter meter = Meter.Start();
        for (int i = 0; i < tasks; i++)
        {
            Thread.Sleep(1);
        }
        return meter.CpuSeconds / tasks * 1e6;
    }
}
