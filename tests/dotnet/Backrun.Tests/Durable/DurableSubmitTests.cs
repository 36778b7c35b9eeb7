using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Durable;

/// <summary>Handing tasks to a durable store.</summary>
public sealed class DurableSubmitTests
{
    [Fact]
    public async Task One_thread_has_thousands_on_their_way_and_each_is_told_when_it_is_in_the_store()
    {
        using StoreFile file = new();
        using BackrunEngine engine = file.Open();
        int pass = Acts.Add((Action)(static () => { }));
        int thread = Environment.CurrentManagedThreadId;
        List<Task<BackgroundTaskHandle>> submits = [];
        for (int index = 0; index < 5_000; index++)
        {
            submits.Add(engine.SubmitAsync<Act, int>(pass).AsTask());
        }

        Assert.Equal(thread, Environment.CurrentManagedThreadId);
        BackgroundTaskHandle[] handles = await Task.WhenAll(submits).WaitAsync(Patience.Long);
        Assert.Equal(handles.Select(static handle => handle.Id.Value).Order(), handles.Select(static handle => handle.Id.Value));
        await Task.WhenAll(handles.Select(static handle => handle.Done()));
        Assert.Equal(5_000, engine.GetStatistics().Succeeded);
    }

    [Fact]
    public async Task Its_continuations_never_run_on_the_store_s_thread_which_they_would_hold_up()
    {
        using StoreFile file = new();
        using BackrunEngine engine = file.Open();
        int pass = Acts.Add((Action)(static () => { }));
        await engine.SubmitAsync<Act, int>(pass).AsTask().ContinueWith(
            // It waits for the store, which the store's own thread could not.
            _ => engine.StartNew<Act, int>(pass),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default).WaitAsync(Patience.Long);
        await engine.StartNew<Act, int>(pass).Completion.ContinueWith(
            _ => engine.StartNew<Act, int>(pass),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default).WaitAsync(Patience.Long);
    }

    [Fact]
    public async Task A_full_queue_is_waited_for_without_a_thread_and_the_wait_can_be_given_up()
    {
        using StoreFile file = new();
        QueueOptions small = new() { Workers = 1, Capacity = 1, WhenFull = WhenFull.Wait, WhenFullTimeout = Timeout.InfiniteTimeSpan };
        using BackrunEngine engine = file.Open(null, ("small", small));
        using ManualResetEventSlim gate = new();
        using ManualResetEventSlim running = new();
        StartOptions options = new() { Queue = "small" };
        int pass = Acts.Add((Action)(static () => { }));
        int block = Acts.Add(() =>
        {
            running.Set();
            gate.WaitSoon();
        });
        BackgroundTaskHandle first = await engine.SubmitAsync<Act, int>(block, options);
        running.WaitSoon();
        BackgroundTaskHandle second = await engine.SubmitAsync<Act, int>(pass, options);
        using CancellationTokenSource patience = new();
        Task<BackgroundTaskHandle> waiting = engine.SubmitAsync<Act, int>(pass, options).AsTask();
        Task<BackgroundTaskHandle> givenUp = engine.SubmitAsync<Act, int>(pass, options, patience.Token).AsTask();
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givenUp.WaitAsync(Patience.Long));
        Assert.False(waiting.IsCompleted);
        await Assert.ThrowsAsync<QueueFullException>(async () => await engine.SubmitAsync<Act, int>(pass, new StartOptions { Queue = "small", WhenFull = WhenFull.Refuse }));
        gate.Set();
        BackgroundTaskHandle third = await waiting.WaitAsync(Patience.Long);
        await Task.WhenAll(first.Done(), second.Done(), third.Done());
        Assert.Equal(3, engine.GetStatistics().Accepted);
    }

    [Fact]
    public async Task Batches_and_both_durabilities_are_taken_and_what_cannot_be_is_refused_by_name()
    {
        using StoreFile file = new();
        using BackrunEngine engine = file.Open();
        int pass = Acts.Add((Action)(static () => { }));
        foreach (Durability durability in Enum.GetValues<Durability>())
        {
            StartOptions options = new() { Durability = durability };
            IReadOnlyList<BackgroundTaskHandle> many = engine.SubmitMany<Act, int>(Enumerable.Repeat(pass, 500), options);
            await Task.WhenAll(many.Select(static handle => handle.Done()));
            await engine.StartNew<Act, int>(pass, options).Done();
            await (await engine.SubmitAsync<Act, int>(pass, options)).Done();
        }

        StartOptions drops = new() { WhenFull = WhenFull.DropOldest };
        Assert.Contains("DropOldest", Assert.Throws<NotSupportedException>(() => engine.StartNew<Act, int>(pass, drops)).Message.Replace("'drop oldest'", "DropOldest", StringComparison.Ordinal), StringComparison.Ordinal);
        await Assert.ThrowsAsync<NotSupportedException>(async () => await engine.SubmitAsync<Act, int>(pass, drops));
        Assert.Throws<NotSupportedException>(() => engine.ConfigureQueue("drops", new QueueOptions { WhenFull = WhenFull.DropOldest }));
        Assert.Equal(1_004, engine.GetStatistics().Accepted);
    }

    [Fact]
    public async Task An_engine_that_has_ended_refuses_it()
    {
        using StoreFile file = new();
        using BackrunEngine engine = file.Open();
        int pass = Acts.Add((Action)(static () => { }));
        await (await engine.SubmitAsync<Act, int>(pass)).Done();
        await engine.ShutdownLater(ShutdownMode.Drain);
        BackrunException thrown = await Assert.ThrowsAsync<BackrunException>(async () => await engine.SubmitAsync<Act, int>(pass));
        Assert.Equal(BackrunErrorCode.ShuttingDown, thrown.Code);
        engine.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await engine.SubmitAsync<Act, int>(pass));
    }

    [Fact]
    public async Task What_was_on_its_way_is_told_where_the_engine_is_disposed_of_meanwhile_and_what_was_taken_is_in_the_store()
    {
        using StoreFile file = new();
        for (int round = 0; round < Effort.Times(5, 200); round++)
        {
            List<Task<BackgroundTaskHandle>> submits = [];
            using (BackrunEngine engine = file.Open())
            {
                engine.PauseQueue("default");
                for (int index = 0; index < 200; index++)
                {
                    submits.Add(engine.SubmitAsync<Act, int>(0).AsTask());
                }
            }

            List<BackgroundTaskId> taken = [];
            foreach (Task<BackgroundTaskHandle> submit in submits)
            {
                try
                {
                    taken.Add((await submit.WaitAsync(Patience.Long)).Id);
                }
                catch (BackrunException exception) when (exception.Code is BackrunErrorCode.ShuttingDown or BackrunErrorCode.Store)
                {
                }
            }

            using BackrunEngine next = file.Open();
            Assert.All(taken, id => Assert.Equal(BackgroundTaskState.Ready, next.GetStatus(id)?.State));
        }
    }

    [Fact]
    public void A_store_that_cannot_be_is_refused_with_what_is_wrong()
    {
        BackrunOptions Options(string path) => new() { Store = BackrunStore.Sqlite(path), OwnerWait = TimeSpan.Zero };
        BackrunException thrown = Assert.Throws<BackrunException>(() => Engines.New(Options("/nowhere/at/all/tasks.db")));
        Assert.Equal(BackrunErrorCode.Store, thrown.Code);
        Assert.Contains("/nowhere/at/all/tasks.db", thrown.Message, StringComparison.Ordinal);
        Assert.Contains(
            "BackrunOptions.OwnerWait", Assert.Throws<NotSupportedException>(() => Engines.New(new BackrunOptions { OwnerWait = TimeSpan.FromSeconds(1) })).Message, StringComparison.Ordinal);
        Assert.Contains(
            "BackrunOptions.KeepFor", Assert.Throws<NotSupportedException>(() => Engines.New(new BackrunOptions { KeepFor = TimeSpan.FromDays(1) })).Message, StringComparison.Ordinal);
        Assert.Contains(
            "BackrunOptions.MaxCrashes", Assert.Throws<NotSupportedException>(() => Engines.New(new BackrunOptions { MaxCrashes = 3 })).Message, StringComparison.Ordinal);
    }
}
