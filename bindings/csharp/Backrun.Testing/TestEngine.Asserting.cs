using System;
using System.Collections.Generic;
using System.Globalization;
using Backrun.Internals;
using Backrun.Testing.Internals;

namespace Backrun.Testing;

/// <content>What was started.</content>
public sealed partial class TestEngine
{
    /// <summary>The tasks that were started, in their order, by whomever and whether they have run or not: a copy.</summary>
    public IReadOnlyList<StartedTask> Started => Array.ConvertAll(Probe.Ledger.Shown(), record => new StartedTask(record, Engine));

    /// <summary>Those of one class.</summary>
    /// <typeparam name="TTask">The class that runs them.</typeparam>
    /// <typeparam name="TParameters">As what their parameters were declared where they were started.</typeparam>
    /// <param name="match">Of the parameters, as a run gets them. Null: any.</param>
    public IReadOnlyList<StartedTask<TParameters>> StartedOf<TTask, TParameters>(Func<TParameters, bool>? match = null)
        where TTask : class
    {
        List<StartedTask<TParameters>> found = [];
        foreach (StartedTask each in Started)
        {
            if (each.TaskType == typeof(TTask) && each.ParametersType == typeof(TParameters) && (match is null || match((TParameters)each.Parameters!)))
            {
                found.Add(new StartedTask<TParameters>(each));
            }
        }

        return found;
    }

    /// <summary>Asserts that one task of a class was started, and no more that match.</summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">As what its parameters were declared where it was started.</typeparam>
    /// <param name="match">Of the parameters, as a run gets them. Null: any.</param>
    /// <returns>It, for more to assert: queue, delay, user.</returns>
    /// <exception cref="TestAssertionException">None was, or several were; the message tells what was started.</exception>
    public StartedTask<TParameters> AssertStarted<TTask, TParameters>(Func<TParameters, bool>? match = null)
        where TTask : class => AssertStartedTimes<TTask, TParameters>(1, match)[0];

    /// <summary>Asserts that so many tasks of a class were started.</summary>
    /// <typeparam name="TTask">The class that runs them.</typeparam>
    /// <typeparam name="TParameters">As what their parameters were declared where they were started.</typeparam>
    /// <param name="times">How many, 0 or more.</param>
    /// <param name="match">Of the parameters, as a run gets them. Null: any.</param>
    /// <returns>They, in the order in which they were started.</returns>
    /// <exception cref="TestAssertionException">More or fewer were; the message tells what was started.</exception>
    public IReadOnlyList<StartedTask<TParameters>> AssertStartedTimes<TTask, TParameters>(int times, Func<TParameters, bool>? match = null)
        where TTask : class
    {
        ArgumentOutOfRangeException.ThrowIfNegative(times);
        IReadOnlyList<StartedTask<TParameters>> found = StartedOf<TTask, TParameters>(match);
        return found.Count == times ? found : throw Failed(string.Create(
            CultureInfo.InvariantCulture,
            $"{times} {(times == 1 ? "task" : "tasks")} {Name<TTask, TParameters>(match is not null)} should have been started, and {found.Count} {(found.Count == 1 ? "was" : "were")}."));
    }

    /// <summary>Asserts that no task of a class was started.</summary>
    /// <typeparam name="TTask">The class that would run it.</typeparam>
    /// <typeparam name="TParameters">What it takes.</typeparam>
    /// <param name="match">Of the parameters, as a run gets them. Null: any.</param>
    /// <exception cref="TestAssertionException">One was; the message tells what was started.</exception>
    public void AssertNotStarted<TTask, TParameters>(Func<TParameters, bool>? match = null)
        where TTask : class
    {
        int count = StartedOf<TTask, TParameters>(match).Count;
        if (count != 0)
        {
            throw Failed(string.Create(CultureInfo.InvariantCulture, $"No task {Name<TTask, TParameters>(match is not null)} should have been started, and {count} {(count == 1 ? "was" : "were")}."));
        }
    }

    /// <summary>Asserts that no task was started at all.</summary>
    /// <exception cref="TestAssertionException">Some were; the message tells which.</exception>
    public void AssertNothingStarted()
    {
        if (Probe.Ledger.Shown().Length != 0)
        {
            throw Failed("No task should have been started.");
        }
    }

    /// <summary>Has what was started so far count no more for <see cref="Started"/> and assertions: for what comes next. The tasks themselves stay.</summary>
    public void ClearStarted() => Probe.Ledger.Forget();

    private static string Name<TTask, TParameters>(bool matching) => $"{TypeNames.Of(typeof(TTask))} with {TypeNames.Of(typeof(TParameters))}{(matching ? " that matches" : string.Empty)}";

    private TestAssertionException Failed(string what) => new($"{what} {Texts.List(Probe.Ledger.Shown(), Engine)}");
}
