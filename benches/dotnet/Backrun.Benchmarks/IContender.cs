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
    /// Tasks that are handed over before their end is waited for: few enough that a backlog of all of them fits everywhere
    /// (a queue of Backrun's holds 1,000,000), many enough that the wait for the last one does not count. Slow ones take less.
    /// </summary>
    int Burst => 250_000;

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

/// <summary>Runs tasks some of which hold their threads. It is alone in its process.</summary>
internal interface IBurdenedContender : IDisposable
{
    /// <summary>Hands over <paramref name="tasks"/> tasks, each of which calls <see cref="Work.Burdens.Run"/>; does not wait.</summary>
    void HandOver(Work.Burden burden, int tasks);
}

/// <summary>Runs tasks later. It is alone in its process.</summary>
internal interface IDelayedContender : IDisposable
{
    /// <summary>How long it may take to hand over 100,000 tasks.</summary>
    TimeSpan Lead { get; }

    /// <summary>
    /// Hands over <paramref name="tasks"/> tasks, each of which runs when the function says then, and tells
    /// <see cref="Measuring.Lateness.OfOne"/> the instant at which it was due.
    /// </summary>
    void HandOver(int tasks, Func<Measuring.Due> next);
}

/// <summary>A table of the report.</summary>
internal interface IScenario
{
    string Name { get; }

    Measuring.ResultTable Run(BenchmarkOptions options);
}
