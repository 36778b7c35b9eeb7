using System;
using System.Diagnostics;
using Backrun.Testing;

namespace Backrun.Benchmarks.Children;

/// <summary>What an engine costs a test: microseconds to make it, to run one task in it, and to end it.</summary>
internal static class TestEngineMeter
{
    private const int Engines = 500;

    public static readonly string[] Columns = ["start us", "task us", "end us"];

    public static double[]? Measure(string child) => child switch
    {
        "test-engine/inline" => Measure(() => new TestEngine(TestMode.Inline), static engine => engine.StartNew<Nothing, int>(1)),
        "test-engine/manual" => Measure(
            () => new TestEngine(TestMode.Manual),
            static engine =>
            {
                engine.StartNew<Nothing, int>(1);
                engine.Drain();
            }),
        "test-engine/plain" => Measure(() => new BackrunEngine(), static engine => engine.StartNew<Nothing, int>(1).Completion.Wait()),
        _ => null,
    };

    private static double[] Measure<TEngine>(Func<TEngine> make, Action<TEngine> run)
        where TEngine : IDisposable
    {
        var starts = new double[Engines];
        var runs = new double[Engines];
        var ends = new double[Engines];
        for (int each = 0; each < Engines; each++)
        {
            long began = Stopwatch.GetTimestamp();
            TEngine engine = make();
            long started = Stopwatch.GetTimestamp();
            run(engine);
            long ran = Stopwatch.GetTimestamp();
            engine.Dispose();
            starts[each] = Stopwatch.GetElapsedTime(began, started).TotalMicroseconds;
            runs[each] = Stopwatch.GetElapsedTime(started, ran).TotalMicroseconds;
            ends[each] = Stopwatch.GetElapsedTime(ran).TotalMicroseconds;
        }
        return [Median(starts), Median(runs), Median(ends)];
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }

    private sealed class Nothing : IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }
    }
}
