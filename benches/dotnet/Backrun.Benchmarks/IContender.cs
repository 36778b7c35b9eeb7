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

/// <summary>Runs tasks that outlive the process. It is alone in its process.</summary>
internal interface IDurableContender : IDisposable
{
    /// <summary>How many are measured: about a second's work.</summary>
    int Tasks { get; }

    /// <summary>How many are submitted one after the other, each when the one before has begun.</summary>
    int Samples { get; }

    /// <summary>Whether it looks for tasks so seldom that what goes through says nothing but that.</summary>
    bool IsAsleep => false;

    /// <summary>Hands so many over; returns when all are accepted.</summary>
    void Enqueue(int tasks);

    /// <summary>Waits until so many have run, and until that is recorded where somebody tells.</summary>
    void WaitForEnds(long total);

    /// <summary>Hands one over, which first of all calls <see cref="Measuring.Latencies.Started"/> with 0 and this.</summary>
    void Stamp(long submittedAt);
}

/// <summary>A table of the report.</summary>
internal interface IScenario
{
    string Name { get; }

    /// <summary>Whether it runs only if <c>--only</c> names it.</summary>
    bool IsOnRequest => false;

    Measuring.ResultTable Run(BenchmarkOptions options);
}
