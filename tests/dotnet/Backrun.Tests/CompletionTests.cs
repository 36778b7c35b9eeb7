using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

public sealed class CompletionTests
{
    [Fact]
    public async Task It_ends_with_the_task_and_after_that_was_recorded()
    {
        using BackrunEngine engine = Engines.New();
        for (int round = 0; round < 200; round++)
        {
            BackgroundTaskHandle handle = engine.Start(static () => { });
            await handle.Done();
            Assert.Equal(BackgroundTaskState.Succeeded, engine.GetStatus(handle.Id)!.State);
        }
    }

    [Fact]
    public async Task It_can_be_read_first_long_after_the_end_and_as_often_as_one_likes()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle succeeded = engine.Start(static () => { });
        BackgroundTaskHandle failed = engine.Start(static () => throw new InvalidTimeZoneException("on purpose"));
        await engine.ShutdownLater(ShutdownMode.Drain);
        await succeeded.Done();
        await succeeded.Done();
        await failed.Fails<InvalidTimeZoneException>();
        await failed.Fails<InvalidTimeZoneException>();
    }

    [Fact]
    public async Task It_waits_for_asynchronous_tasks_too()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource gate = Patience.Signal();
        BackgroundTaskHandle handle = engine.StartAsync((_, _) => gate.Task);
        Task completion = handle.Completion;
        await Patience.Until(() => engine.GetStatus(handle.Id)!.State == BackgroundTaskState.Pending);

        Assert.False(completion.IsCompleted);
        gate.SetResult();
        await completion.WaitAsync(Patience.Long);
        Assert.Equal(BackgroundTaskState.Succeeded, engine.GetStatus(handle.Id)!.State);
    }

    [Fact]
    public async Task Its_continuations_never_run_on_threads_of_the_engine()
    {
        using BackrunEngine engine = Engines.New();
        string? name = "unset";
        bool inside = true;
        await engine.Start(static () => { }).Completion.ContinueWith(
            _ =>
            {
                name = Thread.CurrentThread.Name;
                inside = BackgroundTaskContext.Current is not null;
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default).WaitAsync(Patience.Long);
        Assert.False(inside);
        Assert.DoesNotContain("backrun", name ?? string.Empty, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_task_cancels_it()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        using ManualResetEventSlim gate = new();
        engine.Start(gate.WaitSoon);
        BackgroundTaskHandle queued = engine.Start(static () => { });
        Task completion = queued.Completion;
        Assert.Equal(CancelResult.Queued, engine.Cancel(queued.Id, "no longer needed"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completion.WaitAsync(Patience.Long));
        Assert.True(completion.IsCanceled);
        Assert.Equal("no longer needed", engine.GetStatus(queued.Id)!.CancelReason);
        gate.Set();
    }

    [Fact]
    public async Task A_task_that_is_no_longer_kept_faults_it_with_NotFound()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1, KeepFinished = 1 });
        BackgroundTaskHandle gone = engine.Start(static () => { });
        await gone.Done();
        await engine.Start(static () => { }).Done();
        await engine.Start(static () => { }).Done();
        Assert.Null(engine.GetStatus(gone.Id));
        Assert.Equal(BackrunErrorCode.NotFound, (await gone.Fails<BackrunException>()).Code);
    }

    [Fact]
    public async Task A_dropped_task_faults_it_with_a_clear_word()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1, Queues = { ["default"] = new QueueOptions { Capacity = 1, WhenFull = WhenFull.DropOldest } } });
        using ManualResetEventSlim gate = new();
        using ManualResetEventSlim running = new();
        engine.Start(() =>
        {
            running.Set();
            gate.WaitSoon();
        });
        running.WaitSoon();
        BackgroundTaskHandle dropped = engine.Start(static () => { });
        BackgroundTaskHandle kept = engine.Start(static () => { });
        QueueFullException thrown = await dropped.Fails<QueueFullException>();
        Assert.Contains("dropped", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(BackgroundTaskState.Dropped, engine.GetStatus(dropped.Id)!.State);
        gate.Set();
        await kept.Done();
    }

    [Fact]
    public async Task An_engine_that_ends_first_faults_it()
    {
        BackrunEngine engine = Engines.New();
        using ManualResetEventSlim gate = new();
        using ManualResetEventSlim running = new();
        BackgroundTaskHandle stuck = engine.Start(() =>
        {
            running.Set();
            gate.WaitSoon();
        });
        running.WaitSoon();
        Task completion = stuck.Completion;
        ShutdownReport report = await engine.ShutdownAsync(ShutdownMode.Cancel, TimeSpan.Zero);
        Assert.False(report.Completed);
        BackrunException thrown = await Assert.ThrowsAsync<BackrunException>(() => completion.WaitAsync(Patience.Long));
        Assert.Equal(BackrunErrorCode.ShutdownIncomplete, thrown.Code);
        Assert.Equal(BackrunErrorCode.ShutdownIncomplete, (await stuck.Fails<BackrunException>()).Code);
        gate.Set();
        engine.Dispose();
        await stuck.Fails<ObjectDisposedException>();
    }

    [Fact]
    public void A_default_handle_says_that_it_belongs_to_no_task()
    {
        BackgroundTaskHandle handle = default;
        Assert.Contains("default", Assert.Throws<InvalidOperationException>(() => { _ = handle.Completion; }).Message, StringComparison.Ordinal);
        Assert.Equal(0, handle.Id.Value);
        Assert.True(handle == default);
    }

    [Fact]
    public async Task Ten_thousand_can_be_awaited_at_once()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 2 });
        await Task.WhenAll(Enumerable.Range(0, 10_000).Select(_ => engine.Start(static () => { }).Done()));
        Assert.Equal(10_000, engine.GetStatistics().Succeeded);
    }
}
