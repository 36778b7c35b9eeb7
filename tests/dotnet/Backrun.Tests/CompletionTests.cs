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

    [Fact]
    public async Task All_who_read_it_at_once_get_the_same_end()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 2 });
        using Barrier start = new(4);
        for (int round = 0; round < Effort.Times(200, 20_000); round++)
        {
            BackgroundTaskHandle handle = engine.Start(static () => { });
            Task[] readers = new Task[4];
            for (int reader = 0; reader < readers.Length; reader++)
            {
                readers[reader] = Task.Factory.StartNew(
                    () =>
                    {
                        start.SignalAndWait(Patience.Long);
                        return handle.Done();
                    },
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default).Unwrap();
            }

            await Task.WhenAll(readers);
        }
    }

    [Fact]
    public async Task Every_one_of_many_ends_as_its_task_does_while_threads_start_cancel_and_await()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 2, KeepFinished = 1_000_000, KeepDead = 1_000_000 });
        const int Threads = 4;
        int each = Effort.Times(1_000, 50_000);
        int succeeded = 0;
        int failed = 0;
        int cancelled = 0;
        int fail = Acts.Add((Action)(static () => throw new InvalidTimeZoneException("on purpose")));
        int pass = Acts.Add((Action)(static () => { }));
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
        {
            for (int index = 0; index < each; index++)
            {
                bool fails = index % 3 == 0;
                BackgroundTaskHandle handle = engine.StartNew<Act, int>(fails ? fail : pass);
                Task? before = index % 2 == 0 ? handle.Completion : null;
                bool cancels = index % 5 == thread && engine.Cancel(handle.Id) == CancelResult.Queued;
                Task completion = before ?? handle.Completion;
                try
                {
                    await completion.WaitAsync(Patience.Long);
                    Assert.False(fails || cancels);
                    Interlocked.Increment(ref succeeded);
                }
                catch (InvalidTimeZoneException)
                {
                    Assert.True(fails && !cancels);
                    Interlocked.Increment(ref failed);
                }
                catch (OperationCanceledException)
                {
                    Assert.True(cancels);
                    Interlocked.Increment(ref cancelled);
                }
            }
        })));
        EngineStatistics statistics = engine.GetStatistics();
        Assert.Equal(Threads * each, succeeded + failed + cancelled);
        Assert.Equal((succeeded, failed, cancelled), (statistics.Succeeded, statistics.Dead, statistics.Cancelled));
    }

    [Fact]
    public async Task All_that_are_awaited_end_where_the_engine_is_disposed_of_meanwhile()
    {
        for (int round = 0; round < Effort.Times(20, 1_000); round++)
        {
            BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 2 });
            using CountdownEvent begun = new(3);
            Task<int>[] callers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
            {
                int ended = 0;
                try
                {
                    for (; ; ended++)
                    {
                        BackgroundTaskHandle handle = engine.Start(static () => { });
                        Task completion = handle.Completion;
                        if (ended == 10)
                        {
                            begun.Signal();
                        }

                        await completion.WaitAsync(Patience.Long);
                    }
                }
                catch (Exception exception) when (exception is ObjectDisposedException or OperationCanceledException or BackrunException
                {
                    Code: BackrunErrorCode.ShuttingDown or BackrunErrorCode.ShutdownIncomplete or BackrunErrorCode.NotFound,
                })
                {
                    return ended;
                }
            })).ToArray();
            Assert.True(begun.Wait(Patience.Long));
            engine.Dispose();
            Assert.All(await Task.WhenAll(callers).WaitAsync(Patience.Long), static ended => Assert.True(ended >= 10));
        }
    }

    [Fact]
    public async Task A_task_can_await_another_one_and_block_until_it_has_ended()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 2 });
        BackgroundTaskHandle asynchronous = engine.StartAsync(async (_, _) =>
        {
            await engine.Start(static () => { }).Done();
            await engine.Start(static () => throw new InvalidTimeZoneException("inner")).Fails<InvalidTimeZoneException>();
        });
        await asynchronous.Done();
        BackgroundTaskHandle blocking = engine.Start(() => Assert.True(engine.Start(static () => { }).Completion.Wait(Patience.Long)));
        await blocking.Done();
    }

    [Fact]
    public async Task A_failure_that_is_no_longer_kept_whole_is_told_as_it_was_recorded()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        BackgroundTaskHandle first = engine.Start(static () => throw new InvalidTimeZoneException("on purpose"));
        await first.Fails<InvalidTimeZoneException>();
        int fail = Acts.Add((Action)(static () => throw new InvalidTimeZoneException("another")));
        BackgroundTaskHandle last = default;
        for (int index = 0; index < Internals.FailureStore.Most; index++)
        {
            last = engine.StartNew<Act, int>(fail);
        }

        await last.Fails<InvalidTimeZoneException>();
        BackgroundTaskFailedException thrown = await first.Fails<BackgroundTaskFailedException>();
        Assert.Equal((first.Id, typeof(Act).FullName), (thrown.Id, thrown.TaskName));
        Assert.Equal("on purpose", thrown.Error!.Message);
    }

    [Fact]
    public async Task Who_submits_to_a_full_queue_tells_of_what_it_drops_and_may_call_engines_where_that_is_heard()
    {
        using BackrunEngine other = Engines.New();
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1, Queues = { ["default"] = new QueueOptions { Capacity = 1, WhenFull = WhenFull.DropOldest } } });
        using ManualResetEventSlim gate = new();
        using ManualResetEventSlim running = new();
        engine.Start(() =>
        {
            running.Set();
            gate.WaitSoon();
        });
        running.WaitSoon();
        Task dropped = engine.Start(static () => { }).Completion;

        // A scheduler is called by the thread that ends what it is to continue: here inside of the submit that drops.
        CallingScheduler scheduler = new(() =>
        {
            BackgroundTaskHandle elsewhere = other.Start(static () => { });
            Task _ = elsewhere.Completion;
            return (elsewhere, Environment.CurrentManagedThreadId);
        });
        Task continued = dropped.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, scheduler);
        int thread = Environment.CurrentManagedThreadId;
        BackgroundTaskHandle kept = engine.Start(static () => { });
        Assert.Equal(thread, scheduler.Called.Thread);
        await continued.WaitAsync(Patience.Long);
        await scheduler.Called.Elsewhere.Done();
        await Assert.ThrowsAsync<QueueFullException>(() => dropped);
        gate.Set();
        await kept.Done();
    }

    private sealed class CallingScheduler(Func<(BackgroundTaskHandle Elsewhere, int Thread)> call) : TaskScheduler
    {
        internal (BackgroundTaskHandle Elsewhere, int Thread) Called { get; private set; }

        protected override void QueueTask(Task task)
        {
            Called = call();
            TryExecuteTask(task);
        }

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

        protected override System.Collections.Generic.IEnumerable<Task> GetScheduledTasks() => [];
    }
}
