using System;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests;

public sealed class CancellationTests
{
    [Fact]
    public async Task A_running_task_is_asked_to_stop_by_its_token_and_is_cancelled_when_it_does()
    {
        using BackrunEngine engine = Engines.New();
        using ManualResetEventSlim running = new();
        BackgroundTaskHandle handle = engine.Start(() =>
        {
            CancellationToken token = BackgroundTaskContext.Current!.CancellationToken;
            running.Set();
            token.WaitHandle.WaitOne(Patience.Long);
            token.ThrowIfCancellationRequested();
        });
        running.WaitSoon();
        Assert.Equal(CancelResult.Running, engine.Cancel(handle.Id, "enough"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handle.Done());
        BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
        Assert.Equal((BackgroundTaskState.Cancelled, true, "enough"), (status.State, status.IsCancelRequested, status.CancelReason));
        Assert.Null(status.Error);
    }

    [Fact]
    public async Task A_token_that_is_asked_for_after_the_request_is_cancelled_already()
    {
        using BackrunEngine engine = Engines.New();
        using ManualResetEventSlim running = new();
        using ManualResetEventSlim requested = new();
        BackgroundTaskHandle handle = engine.Start(() =>
        {
            running.Set();
            requested.WaitSoon();
            BackgroundTaskContext.Current!.CancellationToken.ThrowIfCancellationRequested();
        });
        running.WaitSoon();
        engine.Cancel(handle.Id);
        requested.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handle.Done());
    }

    [Fact]
    public async Task An_asynchronous_task_is_cancelled_by_its_token_or_one_linked_to_it()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource started = Patience.Signal();
        BackgroundTaskHandle direct = engine.StartAsync(async (_, token) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, token);
        });
        await started.Soon();
        Assert.Equal(CancelResult.Running, engine.Cancel(direct.Id));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => direct.Done());

        TaskCompletionSource linkedStarted = Patience.Signal();
        BackgroundTaskHandle linked = engine.StartAsync(async (_, token) =>
        {
            using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(token);
            linkedStarted.SetResult();
            await Task.Delay(Timeout.Infinite, source.Token);
        });
        await linkedStarted.Soon();
        engine.Cancel(linked.Id);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => linked.Done());
        Assert.Equal((BackgroundTaskState.Cancelled, BackgroundTaskState.Cancelled), (engine.GetStatus(direct.Id)!.State, engine.GetStatus(linked.Id)!.State));
    }

    [Fact]
    public async Task An_OperationCanceledException_that_nobody_asked_for_is_a_failure()
    {
        using BackrunEngine engine = Engines.New();
        using CancellationTokenSource foreign = new();
        foreign.Cancel();
        BackgroundTaskHandle sync = engine.Start(() => foreign.Token.ThrowIfCancellationRequested());
        BackgroundTaskHandle async1 = engine.StartAsync(async (_, _) => await Task.Delay(Timeout.Infinite, foreign.Token));
        BackgroundTaskHandle bare = engine.Start(static () => throw new OperationCanceledException("on purpose"));
        foreach (BackgroundTaskHandle handle in new[] { sync, async1, bare })
        {
            // Whoever awaits gets what the task threw.
            Task completion = handle.Completion;
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completion.WaitAsync(Patience.Long));
            Assert.True(completion.IsFaulted);
            Assert.Equal(BackgroundTaskState.Dead, engine.GetStatus(handle.Id)!.State);
        }
    }

    [Fact]
    public async Task A_task_that_was_asked_and_succeeds_all_the_same_has_succeeded()
    {
        using BackrunEngine engine = Engines.New();
        using ManualResetEventSlim running = new();
        using ManualResetEventSlim requested = new();
        BackgroundTaskHandle handle = engine.Start(() =>
        {
            running.Set();
            requested.WaitSoon();
        });
        running.WaitSoon();
        engine.Cancel(handle.Id);
        Assert.True(engine.GetStatus(handle.Id)!.IsCancelRequested);
        requested.Set();
        await handle.Done();
        Assert.Equal(BackgroundTaskState.Succeeded, engine.GetStatus(handle.Id)!.State);
    }

    [Fact]
    public async Task Callbacks_of_the_token_run_on_the_thread_pool_and_what_they_throw_is_a_log_line()
    {
        TestLog log = new();
        using BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        using ManualResetEventSlim running = new();
        TaskCompletionSource<bool> called = Patience.Signal<bool>();
        BackgroundTaskHandle handle = engine.Start(() =>
        {
            CancellationToken token = BackgroundTaskContext.Current!.CancellationToken;
            using CancellationTokenRegistration registration = token.Register(() =>
            {
                called.SetResult(Thread.CurrentThread.IsThreadPoolThread);
                throw new NotSupportedException("a callback that throws");
            });
            running.Set();
            Assert.True(called.Task.Wait(Patience.Long));
            token.ThrowIfCancellationRequested();
        });
        running.WaitSoon();
        engine.Cancel(handle.Id);
        Assert.True(await called.Soon());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handle.Done());
        TestLog.Line line = await log.WaitFor(static each => each.Level == LogLevel.Warning && each.Exception is not null);
        Assert.Contains("cancellation token", line.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancel_says_what_it_met()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = engine.Start(static () => { });
        await handle.Done();
        Assert.Equal(CancelResult.AlreadyFinal, engine.Cancel(handle.Id));
        Assert.Equal(CancelResult.Unknown, engine.Cancel(new BackgroundTaskId(1_000_000)));
        Assert.Contains("-3", Assert.Throws<ArgumentOutOfRangeException>(() => engine.Cancel(new BackgroundTaskId(-3))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.GetStatus(default));
        Assert.Null(engine.GetStatus(new BackgroundTaskId(1_000_000)));
    }
}
