using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests;

/// <summary>Tasks that loop: the others go on, and who it is can be seen.</summary>
public sealed class StallTests
{
    [Fact]
    public async Task Infinite_loops_on_every_worker_do_not_stop_the_others_and_are_seen_while_they_last()
    {
        TestLog log = new();
        using BackrunEngine engine = new(new BackrunOptions { Workers = 2, LoggerFactory = log, Queues = { ["default"] = new QueueOptions { StallThreshold = NoStalls.Usual } } });
        Loop loop = new();
        BackgroundTaskHandle[] loops = [engine.Start(loop.Run), engine.Start(loop.Run)];
        await Patience.Until(() => loop.Running == 2);
        BackgroundTaskHandle[] others = Enumerable.Range(0, 200).Select(number => number % 2 == 0
            ? engine.Start(static () => { })
            : engine.StartAsync(static async (_, _) => await Task.Yield())).ToArray();
        await Task.WhenAll(others.Select(static handle => handle.Done()));

        // Once the first has a replacement, the others may be done before the watchdog looks at the second: then that holds nobody up.
        // On a busy machine one of the others may have lasted too: it is seen as well.
        EngineStatistics during = engine.GetStatistics();
        StalledRun[] seen = [.. during.StalledRuns.Where(run => loops.Any(handle => handle.Id == run.Id))];
        Assert.NotEmpty(seen);
        Assert.All(seen, static run => Assert.Equal(("Backrun.Tests.Support.Act", "default"), (run.TaskName, run.Queue)));
        Assert.All(seen, static run => Assert.InRange(run.Duration, TimeSpan.FromMilliseconds(90), Patience.Long));
        Assert.Equal(during.StalledRuns.Count, during.StalledRuns.Select(static run => run.Worker).Distinct().Count());
        Assert.True(during.Workers > 2);
        Assert.All(loops, handle => Assert.Equal(BackgroundTaskState.Running, engine.StateOf(handle)));
        foreach (StalledRun run in seen)
        {
            Assert.InRange(engine.GetStatus(run.Id)!.StalledFor!.Value, TimeSpan.FromMilliseconds(90), Patience.Long);
            TestLog.Line line = await log.WaitFor(each => each.Level == LogLevel.Warning && each.Values.GetValueOrDefault("TaskId") is long id && id == run.Id.Value);
            Assert.Contains("has been running it for", line.Text, StringComparison.Ordinal);
        }

        loop.End();
        await Task.WhenAll(loops.Select(static handle => handle.Done()));

        // And afterwards, how long they took stands beside the others of their name.
        TaskDurations Ran() => engine.GetStatistics().TaskNames["Backrun.Tests.Support.Act"].Ran;
        await Patience.Until(() => Ran().Longest >= TimeSpan.FromMilliseconds(90));
        Assert.InRange(Ran().Count, 2, int.MaxValue);
        Assert.InRange(Ran().Median, TimeSpan.Zero, Ran().Longest);
        await Patience.Until(() => engine.GetStatistics() is { Stalled: 0, StalledRuns.Count: 0 });
        Assert.Null(engine.GetStatus(loops[0].Id)!.StalledFor);
        Assert.InRange(engine.GetStatistics().Stalls, seen.Length, int.MaxValue);

        // Each is told once, however long it lasts.
        TestLog.Line[] told = [.. log.Lines.Where(static line => line.Level == LogLevel.Warning && line.Text.Contains("has been running it for", StringComparison.Ordinal))];
        Assert.All(loops, handle => Assert.InRange(told.Count(line => line.Values.GetValueOrDefault("TaskId") is long id && id == handle.Id.Value), 0, 1));
    }

    [Fact]
    public async Task A_run_stalls_after_the_threshold_of_its_queue_and_only_while_others_wait()
    {
        using BackrunEngine engine = Times.NewEngine(new BackrunOptions { Workers = 1, Queues = { ["default"] = new QueueOptions { StallThreshold = Times.Hour } } });
        Loop loop = new();
        BackgroundTaskHandle handle = engine.Start(loop.Run);
        await Patience.Until(() => loop.Running == 1);
        engine.AdvanceTime(2 * Times.Hour);
        Assert.Empty(engine.GetStatistics().StalledRuns);
        BackgroundTaskHandle waits = engine.Start(static () => { });
        Task completion = waits.Completion;
        await Patience.Until(() =>
        {
            engine.AdvanceTime(Times.Hour / 2);
            return completion.IsCompleted;
        });
        Assert.Equal(handle.Id, Assert.Single(engine.GetStatistics().StalledRuns).Id);
        loop.End();
        await handle.Done();
    }

    [Fact]
    public async Task Past_the_most_workers_nobody_is_replaced_and_the_log_says_so()
    {
        TestLog log = new();
        using BackrunEngine engine = new(new BackrunOptions { Workers = 2, MaxWorkers = 2, LoggerFactory = log, Queues = { ["default"] = new QueueOptions { StallThreshold = NoStalls.Usual } } });
        Loop loop = new();
        BackgroundTaskHandle[] loops = [engine.Start(loop.Run), engine.Start(loop.Run)];
        await Patience.Until(() => loop.Running == 2);
        BackgroundTaskHandle waits = engine.Start(static () => { });
        TestLog.Line line = await log.WaitFor(static each => each.Level == LogLevel.Error);
        Assert.Contains("all 2 workers", line.Text, StringComparison.Ordinal);
        Assert.Equal("default", line.Values["Queue"]);
        Assert.Equal(BackgroundTaskState.Ready, engine.StateOf(waits));
        loop.End();
        await Task.WhenAll(loops.Append(waits).Select(static handle => handle.Done()));
    }

    [Fact]
    public async Task A_concurrency_limit_is_hard_nobody_is_replaced_past_it_and_who_uses_it_up_is_seen_to_stall()
    {
        using BackrunEngine engine = Times.NewEngine(new BackrunOptions { Queues = { ["one"] = new QueueOptions { Workers = 1, ConcurrencyLimit = 1, StallThreshold = Times.Millisecond } } });
        Loop loop = new();
        StartOptions one = new() { Queue = "one" };
        BackgroundTaskHandle handle = engine.Start(loop.Run, one);
        await Patience.Until(() => loop.Running == 1);
        BackgroundTaskHandle waits = engine.Start(static () => { }, one);
        for (int tick = 0; tick < 20; tick++)
        {
            engine.AdvanceTime(Times.Second);
        }

        QueueStatistics statistics = engine.GetStatistics().Queues["one"];
        Assert.Equal((BackgroundTaskState.Ready, 1, 1), (engine.StateOf(waits), statistics.Workers, statistics.Stalled));
        Assert.Equal(handle.Id, Assert.Single(engine.GetStatistics().StalledRuns).Id);
        Assert.NotNull(engine.GetStatus(handle.Id)!.StalledFor);
        loop.End();
        await handle.Done();
        await waits.Done();
    }

    [Fact]
    public async Task A_shutdown_names_the_loops_that_it_leaves_running_and_does_not_wait_for_them_for_ever()
    {
        BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1, Queues = { ["default"] = new QueueOptions { StallThreshold = NoStalls.Usual } } });
        Loop loop = new();
        BackgroundTaskHandle handle = engine.Start(loop.Run);
        await Patience.Until(() => loop.Running == 1);
        await engine.Start(static () => { }).Done();
        ShutdownReport report = await engine.ShutdownAsync(ShutdownMode.Drain, TimeSpan.FromMilliseconds(1));
        Assert.False(report.Completed);
        Assert.Equal(handle.Id, Assert.Single(report.Running).Id);
        loop.End();
        Assert.True((await engine.ShutdownAsync(ShutdownMode.Cancel, Patience.Long)).Completed);
        engine.Dispose();
    }

    /// <summary>Burns a processor until it is told to end.</summary>
    private sealed class Loop
    {
        private volatile bool _ends;
        private int _running;

        internal int Running => Volatile.Read(ref _running);

        internal void Run()
        {
            Interlocked.Increment(ref _running);
            while (!_ends)
            {
            }
        }

        internal void End() => _ends = true;
    }
}
