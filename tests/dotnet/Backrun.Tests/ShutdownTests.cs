using System;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Internals;
using Backrun.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests;

public sealed class ShutdownTests
{
    [Fact]
    public async Task Drain_runs_what_is_queued_and_waits_for_what_runs_asynchronous_tasks_too()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        TaskCompletionSource gate = Patience.Signal();
        BackgroundTaskHandle pending = engine.StartAsync((_, _) => gate.Task);
        BackgroundTaskHandle[] queued = Enumerable.Range(0, 100).Select(_ => engine.Start(static () => { })).ToArray();
        Task<ShutdownReport> shutdown = engine.ShutdownAsync(ShutdownMode.Drain, Patience.Long);
        await Task.WhenAll(queued.Select(static handle => handle.Done()));
        Assert.False(shutdown.IsCompleted);
        gate.SetResult();
        ShutdownReport report = await shutdown;
        Assert.True(report.Completed);
        Assert.Empty(report.Running);
        Assert.Equal(0, report.QueuedCount);
        Assert.Equal(BackgroundTaskState.Succeeded, engine.GetStatus(pending.Id)!.State);
        Assert.Equal(101, engine.GetStatistics().Succeeded);
        Assert.Equal(BackrunErrorCode.ShuttingDown, Assert.Throws<BackrunException>(() => engine.Start(static () => { })).Code);
        Assert.True((await engine.ShutdownAsync(ShutdownMode.Cancel, TimeSpan.Zero)).Completed);
    }

    [Fact]
    public async Task Cancel_asks_what_runs_to_stop_and_cancels_what_is_queued()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        TaskCompletionSource started = Patience.Signal();
        BackgroundTaskHandle running = engine.Start(() =>
        {
            CancellationToken token = BackgroundTaskContext.Current!.CancellationToken;
            started.SetResult();
            token.WaitHandle.WaitOne(Patience.Long);
            token.ThrowIfCancellationRequested();
        });
        await started.Soon();
        BackgroundTaskHandle queued = engine.Start(static () => { });
        Task completion = queued.Completion;
        Task runningCompletion = running.Completion;
        ShutdownReport report = await engine.ShutdownAsync(ShutdownMode.Cancel, Patience.Long);
        Assert.True(report.Completed);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => runningCompletion.WaitAsync(Patience.Long));
        Assert.Equal(BackgroundTaskState.Cancelled, engine.GetStatus(queued.Id)!.State);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completion.WaitAsync(Patience.Long));
        Assert.Equal(BackgroundTaskState.Cancelled, engine.GetStatus(running.Id)!.State);
    }

    [Fact]
    public async Task An_incomplete_shutdown_names_what_still_runs_and_can_be_repeated()
    {
        using BackrunEngine engine = Engines.New();
        using ManualResetEventSlim gate = new();
        using ManualResetEventSlim running = new();
        BackgroundTaskHandle stuck = engine.Start(() =>
        {
            running.Set();
            gate.WaitSoon();
        });
        running.WaitSoon();
        ShutdownReport first = await engine.ShutdownAsync(ShutdownMode.Drain, TimeSpan.FromMilliseconds(20));
        Assert.False(first.Completed);
        RunningTask still = Assert.Single(first.Running);
        Assert.Equal((stuck.Id, "Backrun.Tests.Support.Act"), (still.Id, still.TaskName));
        Assert.Equal(BackgroundTaskState.Running, engine.GetStatus(stuck.Id)!.State);
        gate.Set();
        Assert.True((await engine.ShutdownAsync(ShutdownMode.Drain, Patience.Long)).Completed);
    }

    [Fact]
    public async Task Inside_a_run_of_the_engine_shutting_down_is_refused_in_asynchronous_ones_too()
    {
        using BackrunEngine engine = Engines.New();
        await engine.Start(() => AssertRefused(engine)).Done();
        await engine.StartAsync(async (_, _) =>
        {
            await Task.Yield();
            AssertRefused(engine);
        }).Done();
        static void AssertRefused(BackrunEngine engine) => Assert.Equal(
            BackrunErrorCode.WouldDeadlock,
            Assert.Throws<BackrunException>(() => { _ = engine.ShutdownAsync(ShutdownMode.Drain, Timeout.InfiniteTimeSpan); }).Code);
    }

    [Fact]
    public async Task A_run_may_shut_another_engine_down()
    {
        using BackrunEngine one = Engines.New();
        using BackrunEngine two = Engines.New();
        await one.Start(() => Assert.True(two.ShutdownAsync(ShutdownMode.Drain, Patience.Long).GetAwaiter().GetResult().Completed)).Done();
    }

    [Fact]
    public async Task Dispose_can_be_called_twice_and_from_two_threads()
    {
        BackrunEngine engine = Engines.New();
        await engine.Start(static () => { }).Done();
        await Task.WhenAll(Task.Run(engine.Dispose), Task.Run(engine.Dispose), engine.DisposeAsync().AsTask());
        engine.Dispose();
        await engine.DisposeAsync();
    }

    [Fact]
    public void After_Dispose_every_call_says_so()
    {
        BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = engine.Start(static () => { });
        engine.Dispose();
        Action[] calls =
        [
            () => engine.Start(static () => { }),
            () => engine.StartNew<NeverRegistered, int>(1),
            () => engine.SubmitAsync<Act, int>(1),
            () => engine.SubmitMany<Act, int>([1]),
            () => engine.Register<AsyncAct, int>(),
            () => engine.GetStatus(handle.Id),
            () => engine.Cancel(handle.Id),
            () => engine.GetStatistics(),
            () => engine.ConfigureQueue("q", new QueueOptions()),
            () => engine.PauseQueue("default"),
            () => engine.ListTasks(),
            () => engine.Replay(handle.Id),
            () => engine.Purge(),
            () => engine.TaskFinished += static (_, _) => { },
            () => { _ = engine.ShutdownAsync(ShutdownMode.Drain, TimeSpan.Zero); },
        ];
        Assert.All(calls, call => Assert.Equal(nameof(BackrunEngine), Assert.Throws<ObjectDisposedException>(call).ObjectName));
    }

    [Fact]
    public async Task Dispose_inside_a_run_gives_the_engine_up_without_waiting_and_says_so()
    {
        TestLog log = new();
        BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        TaskCompletionSource disposed = Patience.Signal();
        engine.Start(() =>
        {
            engine.Dispose();
            disposed.SetResult();
        });
        await disposed.Soon();
        TestLog.Line line = await log.WaitFor(static each => each.Text.Contains("inside a run", StringComparison.Ordinal));
        Assert.Equal(LogLevel.Warning, line.Level);
        Assert.Throws<ObjectDisposedException>(() => engine.GetStatistics());

        BackrunEngine other = new(new BackrunOptions { LoggerFactory = log });
        TaskCompletionSource asyncDisposed = Patience.Signal();
        other.StartAsync(async (_, _) =>
        {
            await Task.Yield();
            await other.DisposeAsync();
            asyncDisposed.SetResult();
        });
        await asyncDisposed.Soon();
    }

    [Fact]
    public async Task Dispose_cancels_what_is_queued_and_says_how_much()
    {
        TestLog log = new();
        BackrunEngine engine = new(new BackrunOptions { Workers = 1, LoggerFactory = log });
        TaskCompletionSource started = Patience.Signal();
        engine.Start(() =>
        {
            started.SetResult();
            BackgroundTaskContext.Current!.CancellationToken.WaitHandle.WaitOne(Patience.Long);
        });
        await started.Soon();
        Task completion = engine.Start(static () => { }).Completion;
        engine.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completion.WaitAsync(Patience.Long));
        Assert.Contains(log.Lines, static line => line.Level == LogLevel.Warning && line.Text.Contains("cancelled 1 queued", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_run_that_a_shutdown_left_behind_ends_quietly_and_its_outcome_is_refused()
    {
        TestLog log = new();
        BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        TaskCompletionSource gate = Patience.Signal();
        TaskCompletionSource ended = Patience.Signal();
        TaskCompletionSource started = Patience.Signal();
        BackgroundTaskHandle handle = engine.StartAsync(async (_, _) =>
        {
            started.SetResult();
            await gate.Task;
            ended.SetResult();
        });
        await started.Soon();
        Assert.False((await engine.ShutdownAsync(ShutdownMode.Cancel, TimeSpan.Zero)).Completed);
        gate.SetResult();
        await ended.Soon();
        TestLog.Line line = await log.WaitFor(static each => each.Text.Contains("was refused", StringComparison.Ordinal));
        Assert.Equal(LogLevel.Warning, line.Level);
        Assert.Contains($"task {handle.Id.Value} ", line.Text, StringComparison.Ordinal);
        engine.Dispose();
    }

    [Fact]
    public async Task An_engine_is_disposed_of_while_an_asynchronous_run_waits_and_the_run_ends_later()
    {
        TestLog log = new();
        BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        TaskCompletionSource gate = Patience.Signal();
        TaskCompletionSource started = Patience.Signal();
        engine.StartAsync(async (_, _) =>
        {
            started.SetResult();
            await gate.Task;
        });
        await started.Soon();
        await engine.ShutdownAsync(ShutdownMode.Cancel, TimeSpan.Zero);
        Task disposal = engine.DisposeAsync().AsTask();
        gate.SetResult();
        await disposal.WaitAsync(Patience.Long);
        await log.WaitFor(static each => each.Text.Contains("was refused", StringComparison.Ordinal));
        Assert.Throws<ObjectDisposedException>(() => engine.GetStatistics());
    }

    [Fact]
    public async Task An_engine_that_everybody_forgot_is_given_up_and_the_log_says_so()
    {
        TestLog log = new();
        MakeAndForget(log);
        Task<TestLog.Line> told = log.WaitFor(static each => each.Text.Contains("garbage-collected", StringComparison.Ordinal));
        await Patience.UntilCollected(() => told.IsCompleted);
        Assert.Equal(LogLevel.Warning, (await told).Level);
    }

    [Fact]
    public async Task An_engine_that_somebody_awaits_is_not_given_up()
    {
        TaskCompletionSource gate = Patience.Signal();
        Task completion = StartAndForget(gate);
        for (int round = 0; round < 3; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        gate.SetResult();
        await completion.WaitAsync(Patience.Long);
    }

    [Fact]
    public void The_end_of_the_process_ends_living_engines_in_time_and_tells_what_is_left()
    {
        TestLog log = new();
        using ManualResetEventSlim gate = new();
        using ManualResetEventSlim running = new();
        using BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        engine.Start(() =>
        {
            running.Set();
            gate.WaitSoon();
        });
        running.WaitSoon();
        System.Diagnostics.Stopwatch clock = System.Diagnostics.Stopwatch.StartNew();
        ProcessExit.EndAll([engine.Core]);
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(1.5), Patience.Long);
        TestLog.Line line = Assert.Single(log.Lines, static line => line.Text.Contains("The process ends", StringComparison.Ordinal));
        Assert.Contains("Backrun.Tests.Support.Act", line.Text, StringComparison.Ordinal);
        gate.Set();
    }

    [Fact]
    public void Arguments_of_a_shutdown_are_checked()
    {
        using BackrunEngine engine = Engines.New();
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = engine.ShutdownAsync((ShutdownMode)9, TimeSpan.Zero); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = engine.ShutdownAsync(ShutdownMode.Drain, TimeSpan.FromSeconds(-2)); });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeAndForget(TestLog log)
    {
        BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        engine.Register<Act, int>();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task StartAndForget(TaskCompletionSource gate) => Engines.New().StartAsync((_, _) => gate.Task).Completion;

    public sealed class NeverRegistered : IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }
    }
}
