using System;

namespace Backrun.Benchmarks;

/// <summary>
/// One way of doing what a scenario asks for: a file in Contenders/ and a line in Scenarios.cs. It is made once, used
/// for all rounds, and idle while others run.
/// </summary>
internal interface IContender : IDisposable
{
    /// <summary>As it stands in the table.</summary>
    string Name { get; }
}

/// <summary>Runs many tasks as fast as it can.</summary>
internal interface IThroughputContender : IContender
{
    /// <summary>
    /// Hands over <paramref name="tasks"/> tasks, each of which calls <see cref="Measuring.Done.One"/>. Called by each
    /// producer at once; need not wait for their end.
    /// </summary>
    void HandOver(int tasks);
}

/// <summary>Runs a task now and then.</summary>
internal interface ILatencyContender : IContender
{
    /// <summary>
    /// Hands over one task, which first of all calls <see cref="Measuring.Latencies.Started"/> with these two numbers.
    /// </summary>
    void HandOver(int index, long submittedAt);
}

/// <summary>A table of the report.</summary>
internal interface IScenario
{
    string Name { get; }

    Measuring.ResultTable Run(BenchmarkOptions options);
}
