using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

public sealed class QueueTests
{
    [Fact]
    public async Task A_full_queue_refuses_at_once_by_default()
    {
        using BackrunEngine engine = Engines.New(Small(WhenFull.Refuse));
        using Plug plug = new(engine);
        BackgroundTaskHandle queued = engine.Start(static () => { });
        QueueFullException thrown = Assert.Throws<QueueFullException>(() => engine.Start(static () => { }));
        Assert.Equal(BackrunErrorCode.QueueFull, thrown.Code);
        Assert.Contains("default", thrown.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<QueueFullException>(async () => await engine.SubmitAsync<Act, int>(1));
        Assert.Equal(2, engine.GetStatistics().Refused);
        plug.Pull();
        await queued.Done();
    }

    [Fact]
    public async Task StartNew_waits_for_room_where_it_is_told_to()
    {
        using BackrunEngine engine = Engines.New(Small(WhenFull.Wait));
        using Plug plug = new(engine);
        engine.Start(static () => { });
        Task<BackgroundTaskHandle> waiting = Task.Factory.StartNew(() => engine.Start(static () => { }), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        plug.Pull();
        await (await waiting.WaitAsync(Patience.Long)).Done();
    }

    [Fact]
    public void StartNew_gives_up_waiting_at_its_time_limit()
    {
        using BackrunEngine engine = Engines.New(Small(WhenFull.Refuse));
        using Plug plug = new(engine);
        engine.Start(static () => { });
        Assert.Throws<QueueFullException>(() => engine.Start(static () => { }, new StartOptions { WhenFull = WhenFull.Wait, WhenFullTimeout = TimeSpan.FromMilliseconds(20) }));
        plug.Pull();
    }

    [Fact]
    public async Task SubmitAsync_waits_for_room_without_holding_its_caller_up()
    {
        using BackrunEngine engine = Engines.New(Small(WhenFull.Wait));
        using Plug plug = new(engine);
        engine.Start(static () => { });
        int ran = 0;
        ValueTask<BackgroundTaskHandle>[] waiting = Enumerable.Range(0, 5).Select(_ => engine.SubmitAsync<Act, int>(Acts.Add((Action)(() => Interlocked.Increment(ref ran))))).ToArray();
        Assert.All(waiting, static each => Assert.False(each.IsCompleted));
        plug.Pull();
        foreach (ValueTask<BackgroundTaskHandle> each in waiting)
        {
            await (await each).Done();
        }

        Assert.Equal(5, ran);
    }

    [Fact]
    public async Task SubmitAsync_gives_up_waiting_at_its_time_limit_or_when_cancelled()
    {
        using BackrunEngine engine = Engines.New(Small(WhenFull.Refuse));
        using Plug plug = new(engine);
        engine.Start(static () => { });
        StartOptions brief = new() { WhenFull = WhenFull.Wait, WhenFullTimeout = TimeSpan.FromMilliseconds(30) };
        await Assert.ThrowsAsync<QueueFullException>(async () => await engine.SubmitAsync<Act, int>(1, brief));
        using CancellationTokenSource source = new();
        StartOptions endless = new() { WhenFull = WhenFull.Wait, WhenFullTimeout = Timeout.InfiniteTimeSpan };
        ValueTask<BackgroundTaskHandle> waiting = engine.SubmitAsync<Act, int>(1, endless, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
        Assert.Throws<OperationCanceledException>(() => { _ = engine.SubmitAsync<Act, int>(1, endless, source.Token); });
        Assert.Equal(2, engine.GetStatistics().Accepted);
        plug.Pull();
    }

    [Fact]
    public async Task DropOldest_makes_room_by_the_oldest()
    {
        using BackrunEngine engine = Engines.New(Small(WhenFull.DropOldest));
        using Plug plug = new(engine);
        BackgroundTaskHandle oldest = engine.Start(static () => { });
        BackgroundTaskHandle newest = engine.Start(static () => { });
        Assert.Equal(BackgroundTaskState.Dropped, engine.GetStatus(oldest.Id)!.State);
        Assert.Equal(1, engine.GetStatistics().Queues["default"].Dropped);
        plug.Pull();
        await newest.Done();
    }

    [Fact]
    public async Task A_task_of_an_engine_never_waits_for_room_in_it()
    {
        using BackrunEngine engine = Engines.New(Small(WhenFull.Wait));
        using ManualResetEventSlim running = new();
        using ManualResetEventSlim filled = new();
        BackgroundTaskHandle handle = engine.Start(() =>
        {
            running.Set();
            filled.WaitSoon();
            Assert.Equal(BackrunErrorCode.WouldDeadlock, Assert.Throws<BackrunException>(() => engine.Start(static () => { })).Code);
        });
        running.WaitSoon();
        engine.Start(static () => { });
        filled.Set();
        await handle.Done();
    }

    [Fact]
    public async Task The_most_urgent_of_the_ready_tasks_runs_first_and_equals_run_in_their_order()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1, Queues = { ["default"] = new QueueOptions { AgeingStep = TimeSpan.FromHours(1) } } });
        using Plug plug = new(engine);
        List<string> order = [];
        BackgroundTaskPriority[] priorities =
            [BackgroundTaskPriority.Lowest, BackgroundTaskPriority.Normal, BackgroundTaskPriority.Highest, BackgroundTaskPriority.BelowNormal, BackgroundTaskPriority.AboveNormal];
        BackgroundTaskHandle[] handles = Enumerable.Range(1, 2)
            .SelectMany(round => priorities.Select(priority => engine.Start(() => order.Add($"{priority} {round}"), new StartOptions { Priority = priority })))
            .ToArray();
        Assert.Equal(BackgroundTaskPriority.Lowest, engine.GetStatus(handles[0].Id)!.Priority);
        plug.Pull();
        await Task.WhenAll(handles.Select(static handle => handle.Done()));
        Assert.Equal(
            ["Highest 1", "Highest 2", "AboveNormal 1", "AboveNormal 2", "Normal 1", "Normal 2", "BelowNormal 1", "BelowNormal 2", "Lowest 1", "Lowest 2"],
            order);
    }

    [Fact]
    public async Task A_named_queue_never_runs_more_at_one_time_than_its_limit_asynchronous_runs_included()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Queues = { ["narrow"] = new QueueOptions { Workers = 4, ConcurrencyLimit = 2 } } });
        int now = 0;
        int most = 0;
        StartOptions narrow = new() { Queue = "narrow" };
        BackgroundTaskHandle[] handles = Enumerable.Range(0, 200).Select(number => number % 2 == 0
            ? engine.Start(
                () =>
                {
                    Enter();
                    Interlocked.Decrement(ref now);
                },
                narrow)
            : engine.StartAsync(
                async (_, _) =>
                {
                    Enter();
                    await Task.Yield();
                    Interlocked.Decrement(ref now);
                },
                narrow)).ToArray();
        await Task.WhenAll(handles.Select(static handle => handle.Done()));
        Assert.InRange(most, 1, 2);
        Assert.Equal("narrow", engine.GetStatus(handles[0].Id)!.Queue);

        void Enter()
        {
            int inside = Interlocked.Increment(ref now);
            int seen;
            while (inside > (seen = Volatile.Read(ref most)))
            {
                Interlocked.CompareExchange(ref most, inside, seen);
            }
        }
    }

    [Fact]
    public async Task The_options_of_a_task_name_its_queue_and_queues_can_be_made_later()
    {
        using BackrunEngine engine = Engines.New();
        Assert.Equal(BackrunErrorCode.NotFound, Assert.Throws<BackrunException>(() => engine.Start(static () => { }, new StartOptions { Queue = "later" })).Code);
        engine.ConfigureQueue("later", new QueueOptions { Workers = 1 });
        engine.Register<AsyncAct, int>(options: new TaskOptions { Queue = "later" });
        BackgroundTaskHandle handle = engine.StartAsync(static (_, _) => Task.CompletedTask);
        await handle.Done();
        Assert.Equal("later", engine.GetStatus(handle.Id)!.Queue);
        BackgroundTaskHandle elsewhere = engine.StartAsync(static (_, _) => Task.CompletedTask, new StartOptions { Queue = "default" });
        await elsewhere.Done();
        Assert.Equal("default", engine.GetStatus(elsewhere.Id)!.Queue);
    }

    [Fact]
    public async Task SubmitMany_is_all_or_nothing()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1, Queues = { ["default"] = new QueueOptions { Capacity = 10 } } });
        using Plug plug = new(engine);
        Assert.Throws<QueueFullException>(() => engine.SubmitMany<Collect, int>(Enumerable.Range(0, 11)));
        Assert.Equal((1, 0), (engine.GetStatistics().Accepted, engine.GetStatistics().Ready));
        IReadOnlyList<BackgroundTaskHandle> all = engine.SubmitMany<Collect, int>(Enumerable.Range(100, 10));
        Assert.Equal(10, engine.GetStatistics().Ready);
        Assert.Equal(all.Select(static handle => handle.Id.Value).Order(), all.Select(static handle => handle.Id.Value));
        plug.Pull();
        await Task.WhenAll(all.Select(static handle => handle.Done()));
        Assert.Equal(Enumerable.Range(100, 10), Collect.All);
        Assert.Empty(engine.SubmitMany<Collect, int>([]));
    }

    [Fact]
    public void SubmitMany_with_one_value_that_cannot_be_serialised_queues_nothing_and_says_which()
    {
        using BackrunEngine engine = Engines.New();
        SerialisationTests.Node sound = new();
        SerialisationTests.Node cyclic = new();
        cyclic.Next = cyclic;
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(
            () => engine.SubmitMany<Take<SerialisationTests.Node>, SerialisationTests.Node>([sound, sound, cyclic]));
        Assert.StartsWith("Item 2:", thrown.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidTimeZoneException>(() => engine.SubmitMany<Collect, int>(Broken()));
        Assert.Equal(0, engine.GetStatistics().Accepted);

        static IEnumerable<int> Broken()
        {
            yield return 1;
            throw new InvalidTimeZoneException("while enumerating");
        }
    }

    [Fact]
    public async Task SubmitMany_of_a_hundred_thousand_runs_each_once()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 2 });
        IReadOnlyList<BackgroundTaskHandle> all = engine.SubmitMany<Count, int>(Enumerable.Range(0, 100_000));
        await engine.ShutdownLater(ShutdownMode.Drain);
        Assert.Equal(100_000, all.Count);
        Assert.Equal(Enumerable.Repeat(1, 100_000), Count.Runs);
    }

    [Fact]
    public async Task Statistics_count_by_engine_and_by_queue()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1, Queues = { ["second"] = new QueueOptions { Workers = 2 } } });
        await engine.Start(static () => { }).Done();
        await engine.Start(static () => throw new InvalidOperationException("on purpose"), new StartOptions { Queue = "second" }).Fails<InvalidOperationException>();
        using (Plug plug = new(engine))
        {
            BackgroundTaskHandle queued = engine.Start(static () => { });
            EngineStatistics during = engine.GetStatistics();
            Assert.Equal((1, 1), (during.Ready, during.Running));
            Assert.True(during.ReadyBytes > 0);
            engine.Cancel(queued.Id);
            plug.Pull();
        }

        await engine.ShutdownLater(ShutdownMode.Drain);
        EngineStatistics statistics = engine.GetStatistics();
        Assert.Equal((4, 3, 2, 1, 1, 1), (statistics.Accepted, statistics.Started, statistics.Succeeded, statistics.RunsFailed, statistics.Dead, statistics.Cancelled));
        Assert.Equal(["default", "second"], statistics.Queues.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((3, 1), (statistics.Queues["default"].Accepted, statistics.Queues["second"].Dead));
        Assert.Equal((0, 0), (statistics.EventsLost, statistics.LogsLost));
    }

    private static BackrunOptions Small(WhenFull whenFull) => new() { Workers = 1, Queues = { ["default"] = new QueueOptions { Capacity = 1, WhenFull = whenFull } } };

    public sealed class Collect : IBackgroundTask<int>
    {
        internal static List<int> All { get; } = [];

        public void Run(int parameters) => All.Add(parameters);
    }

    public sealed class Count : IBackgroundTask<int>
    {
        internal static int[] Runs { get; } = new int[100_000];

        public void Run(int parameters) => Interlocked.Increment(ref Runs[parameters]);
    }

    /// <summary>Holds an engine's only worker.</summary>
    private sealed class Plug : IDisposable
    {
        private readonly ManualResetEventSlim _gate = new();

        internal Plug(BackrunEngine engine)
        {
            using ManualResetEventSlim running = new();
            engine.Start(() =>
            {
                running.Set();
                _gate.WaitSoon();
            });
            running.WaitSoon();
        }

        public void Dispose() => Pull();

        internal void Pull() => _gate.Set();
    }
}
