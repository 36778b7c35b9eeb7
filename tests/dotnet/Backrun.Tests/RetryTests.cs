using System;
using System.Collections.Concurrent;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using MessagePack;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests;

/// <summary>What follows a failed run.</summary>
public sealed class RetryTests
{
    private static readonly RetryPolicy EverySecond = new() { MaxAttempts = 3, Kind = RetryKind.Fixed, Delay = Times.Second, JitterPercent = 0 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_run_is_tried_again_after_its_delay_and_only_the_last_end_is_one(bool asynchronous)
    {
        TestLog log = new();
        using BackrunEngine engine = Times.NewEngine(new BackrunOptions { Workers = 1, LoggerFactory = log });
        ConcurrentQueue<(BackgroundTaskState State, int Attempt)> told = new();
        engine.TaskFinished += (_, args) => told.Enqueue((args.State, args.Attempt));
        ConcurrentQueue<(int Attempt, long Lease)> runs = new();
        BackgroundTaskHandle handle = Start(engine, asynchronous, new StartOptions { Retry = EverySecond }, context =>
        {
            runs.Enqueue((context.Attempt, context.Lease));
            if (context.Attempt < 3)
            {
                throw new InvalidTimeZoneException($"attempt {context.Attempt}");
            }
        });
        Task completion = handle.Completion;
        for (int attempt = 1; attempt < 3; attempt++)
        {
            await Patience.Until(() => engine.GetStatus(handle.Id)! is { State: BackgroundTaskState.Scheduled } status && status.Attempt == attempt);
            BackgroundTaskStatus between = engine.GetStatus(handle.Id)!;
            Assert.Equal((false, $"attempt {attempt}"), (between.IsFinal, between.Error!.Message));
            Assert.InRange(between.NextRunAt!.Value, between.StartedAt!.Value, DateTimeOffset.UtcNow + (4 * Times.Second));
            Assert.False(completion.IsCompleted);
            engine.AdvanceTime(Times.Second - Times.Millisecond);
            Assert.Equal(BackgroundTaskState.Scheduled, engine.StateOf(handle));
            engine.AdvanceTime(Times.Millisecond);
        }

        await completion.WaitAsync(Patience.Long);
        Assert.Equal((BackgroundTaskState.Succeeded, 3), (engine.StateOf(handle), engine.GetStatus(handle.Id)!.Attempt));
        Assert.Equal([1, 2, 3], runs.Select(static run => run.Attempt));
        Assert.Equal(runs.Select(static run => run.Lease).Order().Distinct(), runs.Select(static run => run.Lease));
        EngineStatistics statistics = engine.GetStatistics();
        Assert.Equal((2, 2, 0, 1, 3), (statistics.RunsFailed, statistics.Retried, statistics.Dead, statistics.Succeeded, statistics.Started));
        await engine.ShutdownLater(ShutdownMode.Drain);
        Assert.Equal([(BackgroundTaskState.Succeeded, 3)], told);
        TestLog.Line[] failures = log.Lines.Where(static line => line.Exception is not null).ToArray();
        Assert.Equal(["attempt 1", "attempt 2"], failures.Select(static line => line.Exception!.Message));
        Assert.All(failures, static line => Assert.Equal(LogLevel.Warning, line.Level));

        // Not how long: the line's own time goes on while that of the engine stands still.
        Assert.Contains("the next one is in ", failures[0].Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_task_out_of_attempts_is_dead_by_what_its_last_run_threw(bool asynchronous)
    {
        using BackrunEngine engine = Times.NewEngine();
        BackgroundTaskHandle handle = Start(
            engine, asynchronous, new StartOptions { Retry = EverySecond }, static context => throw new InvalidTimeZoneException($"attempt {context.Attempt}"));
        Task completion = handle.Completion;
        BackgroundTaskStatus last = await engine.ToItsEnd(handle, Times.Second);
        Assert.Equal((BackgroundTaskState.Dead, 3, "attempt 3"), (last.State, last.Attempt, last.Error!.Message));
        Assert.Equal("attempt 3", (await Assert.ThrowsAsync<InvalidTimeZoneException>(() => completion.WaitAsync(Patience.Long))).Message);
        Assert.Equal("attempt 3", (await handle.Fails<InvalidTimeZoneException>()).Message);
    }

    [Fact]
    public async Task Without_a_policy_there_is_one_attempt()
    {
        using BackrunEngine engine = Times.NewEngine();
        BackgroundTaskHandle handle = engine.Start(static () => throw new InvalidTimeZoneException("once"));
        await handle.Fails<InvalidTimeZoneException>();
        Assert.Equal(1, engine.GetStatus(handle.Id)!.Attempt);
    }

    [Fact]
    public async Task The_tasks_own_policy_holds_and_a_start_takes_the_rest_of_its_own_from_there()
    {
        using BackrunEngine engine = Times.NewEngine();
        engine.Register<Act, int>(options: new TaskOptions { Retry = EverySecond with { Delay = Times.Hour } });
        async Task Check(StartOptions? options, int attempts, TimeSpan delay)
        {
            BackgroundTaskHandle handle = engine.Start(static () => throw new InvalidTimeZoneException("always"), options);
            if (attempts > 1)
            {
                await engine.UntilIn(handle, BackgroundTaskState.Scheduled);
                engine.AdvanceTime(delay - Times.Millisecond);
                Assert.Equal(BackgroundTaskState.Scheduled, engine.StateOf(handle));
                engine.AdvanceTime(Times.Millisecond);
                await Patience.Until(() => engine.GetStatus(handle.Id)!.Attempt == 2);
            }

            Assert.Equal(attempts, (await engine.ToItsEnd(handle, Times.Hour)).Attempt);
        }

        await Check(null, 3, Times.Hour);
        await Check(new StartOptions { MaxAttempts = 2 }, 2, Times.Hour);
        await Check(new StartOptions { Retry = new RetryPolicy { Delay = Times.Hour / 2 } }, 3, Times.Hour / 2);
        await Check(new StartOptions { MaxAttempts = 2, Retry = new RetryPolicy { Delay = 2 * Times.Hour } }, 2, 2 * Times.Hour);
        await Check(new StartOptions { MaxAttempts = 1 }, 1, TimeSpan.Zero);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_says_when_it_is_to_be_tried_again_or_that_it_is_not(bool asynchronous)
    {
        using BackrunEngine engine = Times.NewEngine();
        BackgroundTaskHandle handle = Start(engine, asynchronous, new StartOptions { Retry = EverySecond with { MaxAttempts = 9 } }, static context => throw (context.Attempt switch
        {
            1 => new RetryTaskException(Times.Hour, "busy"),
            2 => new RetryTaskException("busy, and says no more"),
            3 => new RetryTaskException(TimeSpan.Zero),
            _ => (Exception)new FatalTaskException("never", new FormatException("why")),
        }));
        await engine.UntilIn(handle, BackgroundTaskState.Scheduled);
        Assert.Equal(("Backrun.RetryTaskException", "busy"), (engine.GetStatus(handle.Id)!.Error!.Type, engine.GetStatus(handle.Id)!.Error!.Message));
        engine.AdvanceTime(Times.Hour - Times.Millisecond);
        Assert.Equal(BackgroundTaskState.Scheduled, engine.StateOf(handle));
        engine.AdvanceTime(Times.Millisecond);
        await Patience.Until(() => engine.GetStatus(handle.Id)! is { Attempt: 2, State: BackgroundTaskState.Scheduled });
        engine.AdvanceTime(Times.Second - Times.Millisecond);
        Assert.Equal(BackgroundTaskState.Scheduled, engine.StateOf(handle));
        engine.AdvanceTime(Times.Millisecond);
        await Patience.Until(() => engine.GetStatus(handle.Id)! is { Attempt: 3, State: BackgroundTaskState.Scheduled });
        engine.AdvanceTime(Times.Millisecond);
        FatalTaskException thrown = await handle.Fails<FatalTaskException>();
        Assert.Equal((BackrunErrorCode.TaskFailed, "never", "why"), (thrown.Code, thrown.Message, thrown.InnerException!.Message));
        Assert.Equal((BackgroundTaskState.Dead, 4), (engine.StateOf(handle), engine.GetStatus(handle.Id)!.Attempt));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_a_policy_a_run_is_tried_again_as_often_as_it_asks_and_with_one_up_to_its_attempts(bool asynchronous)
    {
        using BackrunEngine engine = Times.NewEngine();
        Action<BackgroundTaskContext> busy = static context =>
        {
            if (context.Attempt < 5)
            {
                throw new RetryTaskException(Times.Second);
            }
        };
        BackgroundTaskStatus asks = await engine.ToItsEnd(Start(engine, asynchronous, null, busy), Times.Second);
        Assert.Equal((BackgroundTaskState.Succeeded, 5), (asks.State, asks.Attempt));
        BackgroundTaskHandle limited = Start(engine, asynchronous, new StartOptions { MaxAttempts = 2 }, busy);
        BackgroundTaskStatus ends = await engine.ToItsEnd(limited, Times.Second);
        Assert.Equal((BackgroundTaskState.Dead, 2), (ends.State, ends.Attempt));
        Assert.Equal(Times.Second, (await limited.Fails<RetryTaskException>()).Delay);
    }

    [Fact]
    public void What_a_run_asks_for_is_checked_where_it_is_made()
    {
        Assert.Contains("delay is -00:00:01", Assert.Throws<ArgumentOutOfRangeException>(static () => new RetryTaskException(-Times.Second)).Message, StringComparison.Ordinal);
        Assert.Contains("36500 days", Assert.Throws<ArgumentOutOfRangeException>(static () => new RetryTaskException(TimeSpan.MaxValue)).Message, StringComparison.Ordinal);
        Assert.Null(new RetryTaskException().Delay);
        Assert.NotEmpty(new FatalTaskException().Message);
    }

    [Fact]
    public async Task Parameters_that_cannot_be_read_are_not_tried_again_but_what_a_run_cannot_write_is_its_failure_like_any()
    {
        using BackrunEngine engine = Times.NewEngine();
        engine.Register<Take<string>, string>(options: new TaskOptions { Retry = EverySecond });
        BackgroundTaskHandle corrupt = Raw.Submit<Take<string>, string>(engine, MessagePackSerializer.Serialize(5, cancellationToken: TestContext.Current.CancellationToken));
        await corrupt.Fails<TaskSerializationException>();
        Assert.Equal(1, engine.GetStatus(corrupt.Id)!.Attempt);

        BackgroundTaskHandle writes = engine.Start(
            static () => BackgroundTaskContext.Current!.SetResult(new UserConnection(Users.Ada)), new StartOptions { Retry = EverySecond });
        BackgroundTaskStatus last = await engine.ToItsEnd(writes, Times.Second);
        Assert.Equal((BackgroundTaskState.Dead, 3), (last.State, last.Attempt));
        Assert.Contains("The result of task", last.Error!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_attempt_opens_the_users_connection_anew_and_has_the_culture_of_whoever_started_it(bool asynchronous)
    {
        ConcurrentQueue<Users.DerivedConnection> opened = new();
        using BackrunEngine engine = Times.NewEngine(new BackrunOptions
        {
            Workers = 2,
            UserConnectionFactory = new Users.Factory(identity =>
            {
                Users.DerivedConnection connection = new(identity);
                opened.Enqueue(connection);
                return connection;
            }),
        });
        ConcurrentQueue<string> seen = new();
        using UserConnection mine = new(Users.Ada);
        BackgroundTaskHandle handle;
        CultureInfo before = CultureInfo.CurrentCulture;
        StartOptions options = new() { Retry = EverySecond };
        Action act = () =>
        {
            seen.Enqueue($"{UserConnection.Current!.Identity.Name} {CultureInfo.CurrentCulture.Name}");
            throw new InvalidTimeZoneException("again");
        };
        using (UserConnection.Use(mine))
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("tr-TR");
            handle = asynchronous
                ? engine.StartNewWithUserConnection<AsyncUserAct, int>(Acts.Add(act), options)
                : engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(_ => act())), options);
            CultureInfo.CurrentCulture = before;
        }

        await engine.ToItsEnd(handle, Times.Second);
        Assert.Equal(Enumerable.Repeat("Ada tr-TR", 3), seen);
        Assert.Equal(3, opened.Distinct().Count());
        Assert.All(opened, static connection => Assert.Equal((1, Users.Ada), (connection.Disposals, connection.Identity)));
    }

    [Fact]
    public async Task A_connection_that_cannot_be_opened_is_tried_again_and_may_say_when()
    {
        int opens = 0;
        using BackrunEngine engine = Times.NewEngine(new BackrunOptions
        {
            Workers = 1,
            UserConnectionFactory = new Users.Factory(identity => Interlocked.Increment(ref opens) switch
            {
                1 => throw new InvalidTimeZoneException("the database is not there"),
                2 => throw new RetryTaskException(Times.Hour),
                _ => new UserConnection(identity),
            }),
        });
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        BackgroundTaskHandle handle = engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(static _ => { })), new StartOptions { Retry = EverySecond });
        await engine.UntilIn(handle, BackgroundTaskState.Scheduled);
        engine.AdvanceTime(Times.Second);
        await Patience.Until(() => engine.GetStatus(handle.Id)! is { Attempt: 2, State: BackgroundTaskState.Scheduled });
        engine.AdvanceTime(Times.Second);
        Assert.Equal(BackgroundTaskState.Scheduled, engine.StateOf(handle));
        engine.AdvanceTime(Times.Hour);
        await handle.Done();
        Assert.Equal(3, engine.GetStatus(handle.Id)!.Attempt);
    }

    [Fact]
    public async Task A_task_that_waits_for_its_next_attempt_is_cancelled_at_once_and_ends_with_a_shutdown()
    {
        using BackrunEngine engine = Times.NewEngine();
        StartOptions options = new() { Retry = EverySecond };
        BackgroundTaskHandle cancelled = engine.Start(static () => throw new InvalidTimeZoneException("again"), options);
        BackgroundTaskHandle left = engine.Start(static () => throw new InvalidTimeZoneException("again"), options);
        Task[] completions = [cancelled.Completion, left.Completion];
        await engine.UntilIn(cancelled, BackgroundTaskState.Scheduled);
        await engine.UntilIn(left, BackgroundTaskState.Scheduled);
        Assert.Equal(CancelResult.Queued, engine.Cancel(cancelled.Id));
        await engine.ShutdownLater(ShutdownMode.Drain);
        foreach (Task completion in completions)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completion.WaitAsync(Patience.Long));
        }

        Assert.Equal("again", engine.GetStatus(cancelled.Id)!.Error!.Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_that_somebody_cancels_is_not_tried_again(bool asynchronous)
    {
        using BackrunEngine engine = Times.NewEngine();
        TaskCompletionSource running = Patience.Signal();
        BackgroundTaskHandle handle = Start(engine, asynchronous, new StartOptions { Retry = EverySecond }, context =>
        {
            running.TrySetResult();
            context.CancellationToken.WaitHandle.WaitOne(Patience.Long);
            context.CancellationToken.ThrowIfCancellationRequested();
        });
        await running.Soon();
        engine.Cancel(handle.Id);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handle.Done());
        Assert.Equal((BackgroundTaskState.Cancelled, 1), (engine.StateOf(handle), engine.GetStatus(handle.Id)!.Attempt));
    }

    [Fact]
    public async Task An_asynchronous_run_that_a_shutdown_stops_is_interrupted_and_not_a_failure()
    {
        using BackrunEngine engine = Times.NewEngine();
        TaskCompletionSource running = Patience.Signal();
        BackgroundTaskHandle handle = engine.StartAsync(
            async (_, token) =>
            {
                running.SetResult();
                await Task.Delay(Timeout.Infinite, token);
            },
            new StartOptions { Retry = EverySecond, TimeLimit = Times.Hour });
        await running.Soon();
        await engine.ShutdownLater(ShutdownMode.Cancel);
        Assert.Equal((BackgroundTaskState.Cancelled, 0), (engine.StateOf(handle), engine.GetStatus(handle.Id)!.Attempt));
        Assert.Equal((0, 1), (engine.GetStatistics().RunsFailed, engine.GetStatistics().Interrupted));
    }

    /// <summary>Starts a task that does so, synchronously, or after an await that had to wait.</summary>
    private static BackgroundTaskHandle Start(BackrunEngine engine, bool asynchronous, StartOptions? options, Action<BackgroundTaskContext> act) => asynchronous
        ? engine.StartAsync(
            async (context, _) =>
            {
                await Task.Yield();
                act(context);
            },
            options)
        : engine.Start(() => act(BackgroundTaskContext.Current!), options);

    public sealed class AsyncUserAct : IAsyncBackgroundTask<int>, IUserConnectionRequired
    {
        public void SetUserConnection(UserConnection userConnection)
        {
        }

        public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
        {
            await Task.Yield();
            Acts.Take<Action>(parameters)();
        }
    }
}
