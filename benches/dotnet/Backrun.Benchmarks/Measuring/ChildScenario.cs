using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Backrun.Benchmarks.Measuring;

/// <summary>
/// What only a process of its own can show, since it depends on what was before: this program again, once a round and a
/// contender, which prints its values in one line.
/// </summary>
/// <param name="name">To choose it by.</param>
/// <param name="title">What is done.</param>
/// <param name="columns">What the children print.</param>
/// <param name="fromStart">
/// Whether a first value is put before theirs: milliseconds from the start of the process to its line.
/// </param>
/// <param name="contenders">Their names, and the children's (<see cref="Children.ChildProgram"/>).</param>
internal sealed class ChildScenario(
    string name,
    string title,
    string[] columns,
    bool fromStart,
    params (string Name, string Child)[] contenders) : IScenario
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public string Name => name;

    /// <summary>
    /// Where the first value reaches this the child has stopped waiting: it is more, nobody knows how much. Such a contender is
    /// not asked again, since it only takes time.
    /// </summary>
    public double? Limit { get; init; }

    /// <summary>Of each column; by default of none.</summary>
    public bool[] MoreIsBetter { get; init; } = new bool[columns.Length];

    /// <summary>Whether it runs only if <c>--only</c> names it, since it takes long.</summary>
    public bool IsOnRequest { get; init; }

    public ResultTable Run(BenchmarkOptions options)
    {
        (string Name, string Child)[] wanted = [.. contenders.Where(contender => options.WantsLine(contender.Name))];
        var table = new ResultTable(name, title, columns, MoreIsBetter)
        {
            Limit = Limit,
        };
        if (fromStart)
        {
            // The first of each only brings the files into memory.
            Array.ForEach(wanted, contender => RunChild(contender.Child));
        }
        for (int round = 0; round < options.Rounds; round++)
        {
            foreach ((string contender, string child) in wanted)
            {
                if (Limit is null || !table.Contenders.Contains(contender) || table.Median(contender, 0) < Limit)
                {
                    table.Add(contender, RunChild(child));
                }
            }
        }
        return table;
    }

    private double[] RunChild(string child)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [Children.ChildProgram.Option, child])
        {
            RedirectStandardOutput = true,
        };
        long started = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        string? line = process.StandardOutput.ReadLine();
        double milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            throw new TimeoutException($"The child '{child}' has not ended.");
        }
        if (process.ExitCode != 0 || line is null)
        {
            throw new IOException($"The child '{child}' ended with {process.ExitCode} and printed '{line}'.");
        }
        double[] values = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(value => double.Parse(value, CultureInfo.InvariantCulture))];
        return fromStart ? [milliseconds, .. values] : values;
    }
}
