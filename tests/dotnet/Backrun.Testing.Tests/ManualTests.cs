using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Testing.Tests.Support;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Testing.Tests;

/// <summary>An engine whose tasks run when the test says so.</summary>
public sealed class ManualTests
{
    [Fact]
    public async Task Nothing_runs_until_it_is_drained_and_then_all_queues_do()
    {
        await using TestEngine engine = new(TestMode.Manual, engineOptions: new BackrunOptions { Queues = { ["mail"] = new QueueOptions() } });
        engine.Engine.ConfigureQueue("later", new QueueOptions { Workers = 3 });
        int runs = 0;
        int act = Acts.Add((Action)(() => runs++));
        engine.StartNew<Act, int>(act);
        await engine.SubmitAsync<Act, int>(act, new StartOptions { Queue = "mail" }, TestContext.Current.CancellationToken);
        engine.SubmitMany<Act, int>([act, act], new StartOptions { Queue = "later" });
        Assert.Equal((0, 4), (runs, engine.Engine.GetStatistics().Ready));
        Assert.Equal(4, engine.Drain());
        Assert.Equal((4, 0), (runs, engine.Engine.GetStatistics().Ready));
        engine.StartNew<Act, int>(act);
        Assert.Equal(4, runs);
        Assert.Equal(1, await engine.DrainAsync());
        Assert.Equal((5, 0), (runs, engine.Drain()));
    }

    [Fact]
    public async Task A_drain_runs_what_tasks_start_in_the_order_of_priorities_and_starts()
    {
        await using TestEngine engine = new(TestMode.Manual);
        List<string> order = [];
        int Named(string name) => Acts.Add((Action)(() => order.Add(name)));
        engine.StartNew<Act, int>(Acts.Add((Action)(() =>
        {
            order.Add("parent");
            engine.StartNew<Act, int>(Named("child"));
        })));
        engine.SubmitMany<Act, int>(Enumerable.Range(0, 20).Select(static number => $"{number}").Select(Named));
        engine.StartNew<Act, int>(Named("urgent"), new StartOptions { Priority = BackgroundTaskPriority.Highest });
        Assert.Equal(23, engine.Drain());
        Assert.Equal(["urgent", "parent", .. Enumerable.Range(0, 20).Select(static number => $"{number}"), "child"], order);
    }

    [Fact]
    public async Task A_drain_waits_for_asynchronous_runs_and_for_what_they_start()
    {
        await using TestEngine engine = new(TestMode.Manual);
        int ended = 0;
        int child = Acts.Add((Action)(() => ended++));
        engine.Engine.StartAsync(async (_, _) =>
        {
            await Task.Yield();
            await engine.SubmitAsync<Act, int>(child, cancellationToken: CancellationToken.None);
            await Task.Yield();
            Interlocked.Increment(ref ended);
        });
        Assert.Equal(2, engine.Drain());
        Assert.Equal(2, ended);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_task_may_wait_for_another_one_that_is_behind_it(bool asynchronous)
    {
        await using TestEngine engine = new(TestMode.Manual);
        int behind = Acts.Add((Action)(static () => { }));
        if (asynchronous)
        {
            engine.Engine.StartAsync(async (_, _) => await (await engine.SubmitAsync<Act, int>(behind, cancellationToken: CancellationToken.None)).Completion);
        }
        else
        {
            engine.Engine.Start(() => engine.StartNew<Act, int>(behind).Completion.Wait());
        }

        Assert.Equal(2, engine.Drain());
        Assert.All(engine.Started, static each => Assert.Equal(BackgroundTaskState.Succeeded, each.GetStatus()!.State));
    }

    [Fact]
    public async Task After_a_task_that_waits_for_others_tasks_run_one_at_a_time_again()
    {
        await using TestEngine engine = new(TestMode.Manual);
        int running = 0;
        int most = 0;
        int act = Acts.Add((Action)(() =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            Interlocked.Decrement(ref running);
        }));
        engine.Engine.StartAsync(async (_, _) => await Task.WhenAll(engine.SubmitMany<Act, int>(Enumerable.Repeat(act, 20)).Select(static handle => handle.Completion)));
        engine.SubmitMany<Act, int>(Enumerable.Repeat(act, 200));
        Assert.Equal(221, engine.Drain());
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task A_run_that_waits_for_another_one_in_its_own_way_does_not_hold_it_up_for_good()
    {
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { Limit = TimeSpan.FromSeconds(5) });
        using ManualResetEventSlim signal = new();
        engine.Engine.Start(() => signal.WaitSoon());
        engine.Engine.Start(() => signal.Set());
        Assert.Equal(2, engine.Drain());
    }

    [Fact]
    public async Task What_failed_comes_out_of_the_drain_after_all_has_run()
    {
        await using TestEngine engine = new(TestMode.Manual);
        engine.StartNew<AlwaysFails, string>("one");
        engine.StartNew<SendMail, Mail>(new Mail());
        Assert.Equal("one", Assert.Throws<IOException>(() => engine.Drain()).Message);
        Assert.Equal(BackgroundTaskState.Succeeded, engine.AssertStarted<SendMail, Mail>().GetStatus()!.State);
        Assert.Equal(0, engine.Drain());
        engine.SubmitMany<AlwaysFails, string>(["two", "three"]);
        AggregateException thrown = await Assert.ThrowsAsync<AggregateException>(engine.DrainAsync);
        Assert.Equal(["two", "three"], thrown.InnerExceptions.Select(static each => each.Message));
        engine.Engine.Replay(engine.Started[0].Id);
        Assert.Equal("one", Assert.Throws<IOException>(() => engine.Drain()).Message);
    }

    [Fact]
    public async Task A_retry_waits_for_the_clock_and_is_no_failure_yet()
    {
        await using TestEngine engine = new(TestMode.Manual);
        engine.Engine.Register<AlwaysFails, string>(options: new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 2, Delay = TimeSpan.FromMinutes(1), JitterPercent = 0 } });
        BackgroundTaskHandle handle = engine.StartNew<AlwaysFails, string>("no disk");
        Assert.Equal(1, engine.Drain());
        BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
        Assert.Equal((BackgroundTaskState.Scheduled, engine.UtcNow.AddMinutes(1)), (status.State, status.NextRunAt));
        engine.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, engine.Drain());
        engine.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(BackgroundTaskState.Ready, engine.GetStatus(handle.Id)!.State);
        Assert.Throws<IOException>(() => engine.Drain());
        Assert.Equal((BackgroundTaskState.Dead, 2), (engine.GetStatus(handle.Id)!.State, engine.GetStatus(handle.Id)!.Attempt));
    }

    [Fact]
    public async Task One_task_can_be_run_and_what_it_starts_stays()
    {
        await using TestEngine engine = new(TestMode.Manual, engineOptions: new BackrunOptions { Queues = { ["mail"] = new QueueOptions() } });
        List<string> order = [];
        BackgroundTaskHandle first = engine.Engine.Start(() =>
        {
            order.Add("first");
            engine.Engine.Start(() => order.Add("child"), new StartOptions { Priority = BackgroundTaskPriority.Highest });
        });
        engine.Engine.Start(() => order.Add("second"));
        engine.Engine.Start(() => order.Add("mail"), new StartOptions { Queue = "mail" });
        Assert.Equal(first.Id, engine.RunNext());
        Assert.Equal(["first"], order);
        Assert.NotNull(engine.RunNext("mail"));
        Assert.Null(engine.RunNext("mail"));
        Assert.NotNull(engine.RunNext());
        Assert.Equal(["first", "mail", "child"], order);
        Assert.Equal(1, engine.Drain());
        Assert.Null(engine.RunNext());
        Assert.Equal(BackrunErrorCode.NotFound, Assert.Throws<BackrunException>(() => engine.RunNext("no such queue")).Code);
        engine.StartNew<AlwaysFails, string>("no disk");
        Assert.Throws<IOException>(() => engine.RunNext());
        await using TestEngine inline = new(TestMode.Inline);
        Assert.Throws<InvalidOperationException>(() => inline.RunNext());
    }

    [Fact]
    public async Task Of_many_tasks_each_one_can_be_run_alone()
    {
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { Concurrency = 4 });
        int runs = 0;
        engine.SubmitMany<Act, int>(Enumerable.Repeat(Acts.Add((Action)(() => Interlocked.Increment(ref runs))), 50));
        for (int each = 1; each <= 20; each++)
        {
            Assert.NotNull(engine.RunNext());
            Assert.Equal(each, runs);
        }

        Assert.Equal(30, engine.Drain());
    }

    [Fact]
    public async Task A_queue_that_the_code_under_test_pauses_is_not_drained()
    {
        await using TestEngine engine = new(TestMode.Manual, engineOptions: new BackrunOptions { Queues = { ["mail"] = new QueueOptions() } });
        engine.Engine.PauseQueue("mail");
        engine.StartNew<SendMail, Mail>(new Mail(), new StartOptions { Queue = "mail" });
        engine.StartNew<SendMail, Mail>(new Mail());
        Assert.Equal(1, engine.Drain());
        Assert.Null(engine.RunNext("mail"));
        engine.Engine.ResumeQueue("mail");
        Assert.Equal(BackgroundTaskState.Ready, engine.Started[0].GetStatus()!.State);
        Assert.Equal(1, engine.Drain());
        Assert.Equal(BackrunErrorCode.NotFound, Assert.Throws<BackrunException>(() => engine.Engine.PauseQueue("no such queue")).Code);
    }

    [Fact]
    public async Task Tasks_that_start_one_another_without_an_end_are_an_error_that_says_so()
    {
        Services services = new();
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { MostRuns = 10 }, new BackrunOptions { Services = services });
        services.Tasks = engine;
        engine.StartNew<Endless, int>(1);
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => engine.Drain());
        Assert.Contains("More than 10 runs", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("Endless(13)", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(12, engine.Engine.GetStatistics().Started);
        Assert.NotNull(engine.RunNext());
    }

    [Fact]
    public async Task However_many_tasks_were_started_they_are_no_chain_without_an_end()
    {
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { MostRuns = 1 });
        engine.SubmitMany<SendMail, Mail>(Enumerable.Repeat(new Mail(), 500));
        engine.SubmitMany<SendMail, Mail>(Enumerable.Repeat(new Mail(), 500), new StartOptions { Delay = TimeSpan.FromHours(1) });
        Assert.Equal(500, engine.Drain());
        engine.Advance(TimeSpan.FromHours(1));
        Assert.Equal(500, engine.Drain());
        await using TestEngine inline = new(TestMode.Inline, new TestEngineOptions { MostRuns = 1 });
        inline.SubmitMany<SendMail, Mail>(Enumerable.Repeat(new Mail(), 500), new StartOptions { Delay = TimeSpan.FromHours(1) });
        inline.Advance(TimeSpan.FromHours(1));
        Assert.Equal(500, inline.Engine.GetStatistics().Succeeded);
    }

    [Fact]
    public async Task A_task_that_does_not_end_is_an_error_that_names_it()
    {
        using ManualResetEventSlim release = new();
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { Limit = TimeSpan.FromMilliseconds(50) });
        engine.Engine.Register<Act, int>("waits-for-ever");
        engine.Engine.Register<AsyncAct, int>("awaits-for-ever");
        engine.Engine.Start(release.WaitSoon);
        engine.Engine.StartAsync((_, token) => Task.Run(release.WaitSoon, token));
        TimeoutException thrown = Assert.Throws<TimeoutException>(() => engine.Drain());
        Assert.Contains("'waits-for-ever' Running", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("'awaits-for-ever'", thrown.Message, StringComparison.Ordinal);
        release.Set();
    }

    [Fact]
    public async Task A_task_cannot_drain_its_own_engine()
    {
        await using TestEngine engine = new(TestMode.Manual);
        engine.Engine.Start(() => engine.Drain());
        Assert.Contains("inside a run", Assert.Throws<InvalidOperationException>(() => engine.Drain()).Message, StringComparison.Ordinal);
        engine.Engine.Start(() => engine.DrainAsync().Wait());
        Assert.Contains("inside a run", Assert.Throws<InvalidOperationException>(() => engine.Drain()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_runs_at_one_time_are_let_in_where_the_test_wants_them()
    {
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { Concurrency = 2 });
        using Barrier both = new(2);
        engine.Engine.Start(() => both.SignalAndWait(Patience.Long));
        engine.Engine.Start(() => both.SignalAndWait(Patience.Long));
        Assert.Equal(2, engine.Drain());
    }

    [Fact]
    public async Task A_concurrency_limit_of_the_application_holds_however_many_the_test_lets_in()
    {
        await using TestEngine engine = new(
            TestMode.Manual, new TestEngineOptions { Concurrency = 4 }, new BackrunOptions { Queues = { ["default"] = new QueueOptions { ConcurrencyLimit = 1 } } });
        int running = 0;
        int most = 0;
        engine.SubmitMany<Act, int>(Enumerable.Repeat(
            Acts.Add((Action)(() =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                Interlocked.Decrement(ref running);
            })),
            50));
        Assert.Equal(50, engine.Drain());
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task Tasks_that_were_never_run_end_with_the_engine_without_a_word()
    {
        Backrun.Testing.Tests.Support.LogLines log = new();
        using (TestEngine engine = new(TestMode.Manual, engineOptions: new BackrunOptions { LoggerFactory = log }))
        {
            engine.StartNew<SendMail, Mail>(new Mail());
        }

        Assert.Empty(log.WarningsAndWorse);
        await Task.CompletedTask;
    }
}
