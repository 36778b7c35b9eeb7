using System;
using System.Collections.Generic;
using System.Diagnostics;
using Backrun.Benchmarks.Measuring;

namespace Backrun.Benchmarks.Codec;

/// <summary>
/// One thing that is done with one value: nanoseconds of one time, of the thread's own processor time, and gigabytes of
/// the message a second of it.
/// </summary>
/// <param name="name">To choose it by.</param>
/// <param name="title">What is done.</param>
/// <param name="length">How long the message is.</param>
/// <param name="lines">Who does it, and what so many times take in nanoseconds; the first is the one that the others are
/// compared with.</param>
internal sealed class CodecScenario(string name, string title, Func<int> length, params (string Name, Func<long, double> Run)[] lines)
    : IScenario
{
    /// <summary>The slowest operation here takes milliseconds.</summary>
    private const double RoundNanoseconds = 100e6;

    public string Name => name;

    public ResultTable Run(BenchmarkOptions options)
    {
        double bytes = length();
        var wanted = new List<(string Name, Func<long, double> Run, long Times)>();
        foreach ((string line, Func<long, double> run) in lines)
        {
            if (options.WantsLine(line))
            {
                wanted.Add((line, run, WarmUp(run, options)));
            }
        }
        var table = new ResultTable(name, $"{title}, {bytes:N0} bytes", ["CPU ns", "GB/s"], [false, true]);
        // Rounds are short and many, so that what else the machine does meets all lines.
        for (int round = 0; round < options.Rounds * 5; round++)
        {
            foreach ((string line, Func<long, double> run, long times) in wanted)
            {
                double nanoseconds = run(times) / times;
                table.Add(line, [nanoseconds, bytes / nanoseconds]);
            }
        }
        return table;
    }

    /// <summary>How many times a round takes.</summary>
    private static long WarmUp(Func<long, double> run, BenchmarkOptions options)
    {
        long started = Stopwatch.GetTimestamp();
        long times = 1;
        double last;
        do
        {
            last = run(times) / times;
            times = Math.Clamp((long)(RoundNanoseconds / (options.Quick ? 10 : 1) / last), 1, times * 10);
        }
        while (Stopwatch.GetElapsedTime(started) < options.WarmUpTime);
        return times;
    }
}
