using System;
using System.Collections.Generic;
using System.IO;
using Backrun.Benchmarks.Measuring;

namespace Backrun.Benchmarks;

/// <summary>
/// <c>cargo xtask bench</c>: Backrun beside other ways of doing the same, in one process and one run, in turns. What is
/// compared, and with which choices, stands in
/// Scenarios.cs and in the files of Contenders/.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        return arguments is [Children.ChildProgram.Option, string child] ? Children.ChildProgram.Run(child) : RunAll(arguments);
    }

    // Apart from Main, so that a child does not load what it does not need.
    private static int RunAll(string[] arguments)
    {
        if (!BenchmarkOptions.TryParse(arguments, out BenchmarkOptions options, out string? complaint))
        {
            Console.Error.WriteLine(complaint);
            Console.Error.WriteLine(BenchmarkOptions.Usage);
            return 2;
        }
        if (options.Help)
        {
            Console.WriteLine(BenchmarkOptions.Usage);
            return 0;
        }
        List<IScenario> scenarios = Scenarios.All().FindAll(scenario => options.Wants(scenario.Name) && (options.Only is not null || !scenario.IsOnRequest));
        if (scenarios.Count == 0)
        {
            Console.Error.WriteLine($"There is no scenario with '{options.Only}' in its name.");
            return 2;
        }
        // Opened before the minutes of measuring, not after them.
        using FileStream? json = options.Json is null ? null : File.Create(options.Json);
        Machine machine = Machine.This();
        Console.WriteLine(machine);
        Console.WriteLine("Medians; ratio: how much better the first line is than this one.");
        var tables = new List<ResultTable>();
        foreach (IScenario scenario in scenarios)
        {
            ResultTable table = scenario.Run(options);
            table.Print(Console.Out);
            tables.Add(table);
        }
        if (json is not null)
        {
            JsonResults.Write(json, machine, options, tables);
        }
        return 0;
    }
}
