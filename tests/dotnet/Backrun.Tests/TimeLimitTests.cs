using System;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests;

/// <summary>Runs that take longer than they may.</summary>
public sealed class TimeLimitTests
{
    private static readonly TaskOptions Limited = new() { TimeLimit = Times.Second, Grace = Times.Second };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_its_time_limit_a_run_is_asked_to_stop_by_its_token_and_has_failed_where_it_does(bool asynchronous)
    {
        using BackrunEngine engine = Times.NewEngine();
        TaskCompletionSource running = Patience.Signal();
        BackgroundTaskHandle handle = StartUntilCancelled(engine, asynchronous, new StartOptions { TimeLimit = Times.Second }, running);
        await running.Soon();
        engine.AdvanceTime(Times.Second - Times.Millisecond);
        Assert.False(engine.GetStatus(handle.Id)!.IsCancelRequested);
        engine.AdvanceTime(Times.Millisecond);
        BackgroundTaskFailedException thrown = await handle.Fails<BackgroundTaskFailedException>();
        Assert.Equal((handle.Id, "time limit"), (thrown.Id, thrown.Error!.Type));
        Assert.Contains("stopped at its time limit of 1s", thrown.Message, StringComparison.Ordinal);
        Assert.Equal((BackgroundTaskState.Dead, 1), (engine.StateOf(handle), engine.GetStatus(handle.Id)!.Attempt));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_that_its_time_limit_stopped_is_tried_again_with_a_token_of_its_own(bool asynchronous)
    {
        using BackrunEngine engine = Times.NewEngine();
        if (asynchronous)
        {
            engine.Register<AsyncAct, int>(options: Limited with { Retry = new RetryPolicy { MaxAttempts = 2, JitterPercent = 0 } });
        }
        else
        {
            engine.Register<Act, int>(options: Limited with { Retry = new RetryPolicy { MaxAttempts = 2, JitterPercent = 0 } });
        }

        TaskCompletionSource running = Patience.Signal();
        BackgroundTaskHandle handle = StartUntilCancelled(engine, asynchronous, null, running, onlyFirst: true);
        await running.Soon();
        engine.AdvanceTime(Times.Second);
        await engine.UntilIn(handle, BackgroundTaskState.Scheduled);
        BackgroundTaskStatus between = engine.GetStatus(handle.Id)!;
        Assert.Equal(("time limit", false, null), (between.Error!.Type, between.IsCancelRequested, between.CancelReason));
        engine.AdvanceTime(Times.Second);
        await handle.Done();
        Assert.Equal(2, engine.GetStatus(handle.Id)!.Attempt);
    }

    [Fact]
    public async Task A_run_that_ends_in_time_is_not_touched_by_its_limit()
    {
        using BackrunEngine engine = Times.NewEngine();
        engine.Register<Act, int>(options: Limited);
        using ManualResetEventSlim gate = new();
        TaskCompletionSource<CancellationToken> running = Patience.Signal<CancellationToken>();
        BackgroundTaskHandle handle = engine.Start(() =>
        {
            running.SetResult(BackgroundTaskContext.Current!.CancellationToken);
            gate.WaitSoon();
        });
        CancellationToken token = await running.Soon();
        engine.AdvanceTime(Times.Second);
        await Patience.Until(() => token.IsCancellationRequested);
        Assert.Contains("time limit", engine.GetStatus(handle.Id)!.CancelReason, StringComparison.Ordinal);
        gate.Set();
        await handle.Done();
        engine.AdvanceTime(Times.Hour);
        Assert.Equal(BackgroundTaskState.Succeeded, engine.StateOf(handle));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_that_does_not_stop_is_given_up_and_what_it_does_later_changes_nothing(bool asynchronous)
    {
        TestLog log = new();
        using BackrunEngine engine = Times.NewEngine(new BackrunOptions { Workers = 1, LoggerFactory = log });
        TaskCompletionSource<BackgroundTaskContext> running = Patience.Signal<BackgroundTaskContext>();
        TaskCompletionSource gate = Patience.Signal();
        TaskCompletionSource back = Patience.Signal();
        BackgroundTaskHandle handle = Start(engine, asynchronous, Limited, async () =>
        {
            running.SetResult(BackgroundTaskContext.Current!);
            await gate.Soon();
            back.SetResult();
            throw new InvalidTimeZoneException("much too late");
        });
        Task completion = handle.Completion;
        BackgroundTaskContext context = await running.Soon();
        if (asynchronous)
        {
            await engine.UntilIn(handle, BackgroundTaskState.Pending);
        }

        engine.AdvanceTime(Times.Second);
        Assert.False(completion.IsCompleted);
        engine.AdvanceTime(Times.Second);
        BackgroundTaskFailedException thrown = await Assert.ThrowsAsync<BackgroundTaskFailedException>(() => completion.WaitAsync(Patience.Long));
        Assert.Contains("did not stop within 1s more", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(BackrunErrorCode.StaleLease, Assert.Throws<BackrunException>(() => context.ReportProgress(0.5)).Code);
        gate.SetResult();
        await back.Soon();
        await Patience.Until(() => engine.GetStatistics().StaleSettles == 1);
        Assert.Equal("time limit", (await handle.Fails<BackgroundTaskFailedException>()).Error!.Type);
        Assert.Equal((BackgroundTaskState.Dead, "time limit"), (engine.StateOf(handle), engine.GetStatus(handle.Id)!.Error!.Type));
        TestLog.Line line = await log.WaitFor(static each => each.Level == LogLevel.Error && each.Text.Contains("given up", StringComparison.Ordinal));
        Assert.Equal(handle.Id.Value, line.Values["TaskId"]);
        if (asynchronous)
        {
            await log.WaitFor(static each => each.Text.Contains("was refused", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_retry_of_a_run_that_was_given_up_waits_until_its_thread_is_back()
    {
        using BackrunEngine engine = Times.NewEngine();
        engine.Register<Act, int>(options: Limited with { Retry = new RetryPolicy { MaxAttempts = 2, Delay = Times.Second, JitterPercent = 0 } });
        using ManualResetEventSlim gate = new();
        TaskCompletionSource running = Patience.Signal();
        int runs = 0;
        BackgroundTaskHandle handle = engine.Start(() =>
        {
            if (Interlocked.Increment(ref runs) == 1)
            {
                running.SetResult();
                gate.WaitSoon();
            }
        });
        await running.Soon();
        engine.AdvanceTime(Times.Second);
        engine.AdvanceTime(Times.Second);
        Assert.Equal((BackgroundTaskState.Scheduled, null), (engine.StateOf(handle), engine.GetStatus(handle.Id)!.NextRunAt));
        engine.AdvanceTime(Times.Hour);
        Assert.Equal(1, Volatile.Read(ref runs));
        gate.Set();
        await Patience.Until(() => engine.GetStatus(handle.Id)!.NextRunAt is not null);
        engine.AdvanceTime(Times.Second);
        await handle.Done();
        Assert.Equal((2, 2), (runs, engine.GetStatus(handle.Id)!.Attempt));
    }

    [Fact]
    public async Task A_start_has_its_own_limit_before_that_of_the_task()
    {
        using BackrunEngine engine = Times.NewEngine();
        engine.Register<Act, int>(options: new TaskOptions { TimeLimit = Times.Second });
        TaskCompletionSource running = Patience.Signal();
        BackgroundTaskHandle handle = StartUntilCancelled(engine, asynchronous: false, new StartOptions { TimeLimit = Times.Hour }, running);
        await running.Soon();
        engine.AdvanceTime(Times.Hour - Times.Millisecond);
        Assert.False(engine.GetStatus(handle.Id)!.IsCancelRequested);
        engine.AdvanceTime(Times.Millisecond);
        Assert.Contains("3600s", (await handle.Fails<BackgroundTaskFailedException>()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_time_limit_of_real_time_stops_an_asynchronous_run_by_itself()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = engine.StartAsync(static (_, token) => Task.Delay(Timeout.Infinite, token), new StartOptions { TimeLimit = TimeSpan.FromMilliseconds(20) });
        Assert.Equal("time limit", (await handle.Fails<BackgroundTaskFailedException>()).Error!.Type);
    }

    private static BackgroundTaskHandle StartUntilCancelled(BackrunEngine engine, bool asynchronous, StartOptions? options, TaskCompletionSource running, bool onlyFirst = false)
    {
        if (asynchronous)
        {
            return engine.StartAsync(
                async (context, token) =>
                {
                    if (!onlyFirst || context.Attempt == 1)
                    {
                        running.SetResult();
                        await Task.Delay(Timeout.Infinite, token);
                    }
                },
                options);
        }

        return engine.Start(
            () =>
            {
                BackgroundTaskContext context = BackgroundTaskContext.Current!;
                if (!onlyFirst || context.Attempt == 1)
                {
                    running.SetResult();
                    context.CancellationToken.WaitHandle.WaitOne(Patience.Long);
                    context.CancellationToken.ThrowIfCancellationRequested();
                }
            },
            options);
    }

    private static BackgroundTaskHandle Start(BackrunEngine engine, bool asynchronous, TaskOptions options, Func<Task> act)
    {
        if (asynchronous)
        {
            engine.Register<AsyncAct, int>(options: options);
            return engine.StartAsync((_, _) => act());
        }

        engine.Register<Act, int>(options: options);
        return engine.Start(() => act().GetAwaiter().GetResult());
    }
}
