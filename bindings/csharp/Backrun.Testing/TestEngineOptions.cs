using System;
using Backrun.Internals;

namespace Backrun.Testing;

/// <summary>How a <see cref="TestEngine"/> works, besides the options of the engine itself. What is not set has its default.</summary>
public sealed class TestEngineOptions
{
    /// <summary>
    /// The clock that delays, times of day, retries and time limits go by: usually a <c>FakeTimeProvider</c> (package Microsoft.Extensions.TimeProvider.Testing), whose timers fire where its time is set. Null: the
    /// engine's own, which stands still until <see cref="TestEngine.Advance"/>.
    /// </summary>
    public TimeProvider? Clock { get; set; }

    /// <summary>Whether what a task threw that has failed for good comes out of the call that ran it. False: the test looks at the status. Default: true, so that nothing fails unseen.</summary>
    public bool ThrowOnFailure { get; set; } = true;

    /// <summary>Runs of each queue at one time, whatever the options of queues say, 1 to 64. Default: 1, so that tasks run in their order.</summary>
    public int Concurrency { get; set; } = 1;

    /// <summary>How long, in real time, a call may wait for tasks, longer than zero; then it throws a <see cref="TimeoutException"/> that names them. Not while a debugger is attached. Default: 30 s.</summary>
    public TimeSpan Limit { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Runs in one <see cref="TestEngine.Drain"/> besides those of tasks that were waiting before, or of one task at the call, at least 1; more are taken for a chain without an end. Default: 1,000.
    /// </summary>
    public int MostRuns { get; set; } = 1_000;

    /// <summary>Tasks that start one another at the call, one inside the other, 1 to 128; more are taken for a chain without an end. Default: 32.</summary>
    public int MostNested { get; set; } = 32;

    internal TestEngineOptions Checked()
    {
        OptionChecks.Count(Concurrency, "TestEngineOptions.Concurrency", 1, 64, "runs");
        OptionChecks.Count(MostRuns, "TestEngineOptions.MostRuns", 1, int.MaxValue, "runs");
        OptionChecks.Count(MostNested, "TestEngineOptions.MostNested", 1, 128, "tasks");
        OptionChecks.Milliseconds(Limit, "TestEngineOptions.Limit");
        if (Clock == TimeProvider.System)
        {
            throw new ArgumentException(
                "TestEngineOptions.Clock is TimeProvider.System, whose time nobody sets. Give it a clock for tests, such as FakeTimeProvider, or null for the engine's own (TestEngine.Advance); for tests in real time use a BackrunEngine.",
                "options");
        }

        return (TestEngineOptions)MemberwiseClone();
    }
}
