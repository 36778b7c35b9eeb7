using System;
using System.Globalization;
using System.Linq;

namespace Backrun.Benchmarks.Children;

/// <summary>What this program does as a child of itself (<see cref="Measuring.ChildScenario"/>).</summary>
internal static class ChildProgram
{
    public const string Option = "--child";

    /// <summary>Runs one, and prints what it has measured.</summary>
    public static int Run(string child)
    {
        switch (child)
        {
            case "start-backrun":
                FirstTask.OfBackrun();
                return 0;
            case "start-channel":
                FirstTask.OfChannel();
                return 0;
            case "start-bytes":
                FirstTask.OfChannelOfBytes();
                return 0;
            case "start-nothing":
                FirstTask.Say();
                return 0;
            default:
                // In a method of its own, so that what starts does not load what it does not need.
                return Measure(child);
        }
    }

    private static int Measure(string child)
    {
        double[]? values = child.Split('-')[0] switch
        {
            "blocked" => BlockedMeter.Measure(child),
            "timers" => TimersMeter.Measure(child),
            "test" => TestEngineMeter.Measure(child),
            _ when child.StartsWith("durable/", StringComparison.Ordinal) => DurableMeter.Measure(child),
            _ => MeasureBacklog(child),
        };
        if (values is null)
        {
            Console.Error.WriteLine($"There is no child '{child}'.");
            return 2;
        }
        Console.WriteLine(string.Join(' ', values.Select(value => value.ToString("R", CultureInfo.InvariantCulture))));
        return 0;
    }

    private static double[]? MeasureBacklog(string child)
    {
        using IBacklog? backlog = child switch
        {
            "backlog-backrun" => new BacklogOfBackrun(),
            "backlog-bytes" => new BacklogOfBytes(),
            "backlog-references" => new BacklogOfReferences(),
            _ => null,
        };
        return backlog is null ? null : BacklogMeter.Measure(backlog);
    }
}
