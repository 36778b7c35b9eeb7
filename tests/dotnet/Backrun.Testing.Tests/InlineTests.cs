using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Testing.Tests.Support;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Testing.Tests;

/// <summary>An engine whose tasks run at the call.</summary>
public sealed class InlineTests
{
    [Fact]
    public async Task A_task_has_run_when_the_call_that_starts_it_returns()
    {
        await using TestEngine engine = new(TestMode.Inline);
        int runs = 0;
        int act = Acts.Add((Action)(() => runs++));
        BackgroundTaskHandle one = engine.StartNew<Act, int>(act);
        Assert.Equal((1, BackgroundTaskState.Succeeded), (runs, engine.GetStatus(one.Id)!.State));
        await engine.SubmitAsync<Act, int>(act, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(2, runs);
        Assert.Equal(3, engine.SubmitMany<Act, int>([act, act, act]).Count);
        Assert.Equal(5, runs);
        engine.Engine.StartNew<Act, int>(act);
        Assert.Equal(6, runs);
        engine.Engine.StartByName(typeof(Act).FullName!, act);
        Assert.Equal(7, runs);
        Assert.Equal(7, engine.StartedOf<Act, int>().Count);
    }

    [Fact]
    public async Task An_asynchronous_task_has_ended_when_the_call_that_starts_it_returns()
    {
        await using TestEngine engine = new(TestMode.Inline);
        int ended = 0;
        Func<BackgroundTaskContext, CancellationToken, Task> act = async (context, _) =>
        {
            Assert.Equal(1, context.Attempt);
            await Task.Yield();
            Interlocked.Increment(ref ended);
        };
        engine.StartNew<AsyncAct, int>(Acts.Add(act));
        Assert.Equal(1, ended);
        await engine.SubmitAsync<AsyncAct, int>(Acts.Add(act), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(2, ended);
    }

    [Fact]
    public async Task A_run_gets_a_copy_through_real_bytes_and_never_the_object()
    {
        await using TestEngine engine = new(TestMode.Inline);
        Mail sent = new() { To = "ada@example.com", Attachments = ["a.txt"], OfCaller = new object() };
        KeepMail.Received = null;
        engine.StartNew<KeepMail, Mail>(sent);
        Mail received = KeepMail.Received!;
        Assert.NotSame(sent, received);
        Assert.NotSame(sent.Attachments, received.Attachments);
        Assert.Equal((sent.To, "a.txt", null), (received.To, Assert.Single(received.Attachments), received.OfCaller));
    }

    [Fact]
    public async Task What_cannot_be_read_back_is_refused_at_the_call()
    {
        await using TestEngine engine = new(TestMode.Manual);
        Assert.Throws<TaskSerializationException>(() => engine.StartNew<TakesOneWay, OneWay>(new OneWay(3)));
        Assert.Throws<TaskSerializationException>(() => { _ = engine.SubmitAsync<TakesOneWay, OneWay>(new OneWay(3), cancellationToken: TestContext.Current.CancellationToken).AsTask(); });
        engine.AssertNothingStarted();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_task_throws_comes_out_of_the_call(bool asynchronous)
    {
        await using TestEngine engine = new(TestMode.Inline);
        IOException thrown = asynchronous
            ? await Assert.ThrowsAsync<IOException>(async () => await engine.SubmitAsync<FailsLater, string>("no disk", cancellationToken: TestContext.Current.CancellationToken))
            : Assert.Throws<IOException>(() => engine.StartNew<AlwaysFails, string>("no disk"));
        Assert.Equal("no disk", thrown.Message);
        Assert.Contains(asynchronous ? nameof(FailsLater) : nameof(AlwaysFails), thrown.StackTrace!, StringComparison.Ordinal);
        Assert.Equal(BackgroundTaskState.Dead, Assert.Single(engine.Started).GetStatus()!.State);

        // Told once.
        Assert.Equal(0, engine.Drain());
    }

    [Fact]
    public async Task Several_failures_of_one_call_come_together()
    {
        await using TestEngine engine = new(TestMode.Inline);
        AggregateException thrown = Assert.Throws<AggregateException>(() => engine.SubmitMany<AlwaysFails, string>(["one", "two"]));
        Assert.Equal(["one", "two"], thrown.InnerExceptions.Select(static each => each.Message));
    }

    [Fact]
    public async Task A_test_may_look_at_the_status_of_a_failed_task_instead()
    {
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { ThrowOnFailure = false });
        BackgroundTaskHandle handle = engine.StartNew<AlwaysFails, string>("no disk");
        BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
        Assert.Equal((BackgroundTaskState.Dead, 1, "no disk"), (status.State, status.Attempt, status.Error!.Message));
        await Assert.ThrowsAsync<IOException>(() => handle.Completion);
    }

    [Fact]
    public async Task A_failed_attempt_is_followed_by_the_next_at_the_call_and_only_the_last_failure_comes_out()
    {
        await using TestEngine engine = new(TestMode.Inline);
        engine.Engine.Register<Act, int>(options: new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 3, Delay = TimeSpan.FromHours(1), JitterPercent = 0 } });
        DateTimeOffset before = engine.UtcNow;
        List<int> attempts = [];
        engine.StartNew<Act, int>(Acts.Add((Action)(() =>
        {
            attempts.Add(BackgroundTaskContext.Current!.Attempt);
            if (attempts.Count < 3)
            {
                throw new IOException("busy");
            }
        })));
        Assert.Equal([1, 2, 3], attempts);
        Assert.Equal(TimeSpan.FromHours(2), engine.UtcNow - before);
        Assert.Equal("still", Assert.Throws<IOException>(() => engine.StartNew<Act, int>(Acts.Add((Action)(() => throw new IOException("still"))))).Message);
        Assert.Equal(3, engine.Started[^1].GetStatus()!.Attempt);
    }

    [Fact]
    public async Task A_task_that_always_asks_for_another_attempt_is_an_error_that_says_so()
    {
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { MostRuns = 5 });
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(
            () => engine.StartNew<Act, int>(Acts.Add((Action)(static () => throw new RetryTaskException(TimeSpan.FromSeconds(1), "not yet")))));
        Assert.Contains("failed 5 times", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("not yet", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_task_starts_has_run_inside_of_it_without_a_deadlock(bool asynchronous)
    {
        await using TestEngine engine = new(TestMode.Inline);
        List<string> steps = [];
        int inner = Acts.Add((Action)(() => steps.Add("inner")));
        int middle = Acts.Add((Action)(() =>
        {
            steps.Add("middle begins");
            engine.StartNew<Act, int>(inner);
            steps.Add("middle ends");
        }));
        if (asynchronous)
        {
            await engine.SubmitAsync<AsyncAct, int>(
                Acts.Add((Func<BackgroundTaskContext, CancellationToken, Task>)(async (_, _) =>
                {
                    await Task.Yield();
                    await engine.SubmitAsync<Act, int>(middle, cancellationToken: CancellationToken.None);
                    steps.Add("outer ends");
                })),
                cancellationToken: TestContext.Current.CancellationToken);
        }
        else
        {
            engine.StartNew<Act, int>(Acts.Add((Action)(() =>
            {
                engine.StartNew<Act, int>(middle);
                steps.Add("outer ends");
            })));
        }

        Assert.Equal(["middle begins", "inner", "middle ends", "outer ends"], steps);
        Assert.Equal([null, engine.Started[0].Id, engine.Started[1].Id], engine.Started.Select(static each => each.StartedBy));
    }

    [Fact]
    public async Task A_task_may_block_on_what_it_submits()
    {
        await using TestEngine engine = new(TestMode.Inline);
        List<string> steps = [];
        int inner = Acts.Add((Action)(() => steps.Add("inner")));
        engine.StartNew<Act, int>(Acts.Add((Action)(() =>
        {
            engine.SubmitAsync<Act, int>(inner, cancellationToken: CancellationToken.None).AsTask().Wait();
            steps.Add("outer");
        })));
        Assert.Equal(["inner", "outer"], steps);
        Assert.Equal(engine.Started[0].Id, engine.Started[1].StartedBy);
    }

    [Fact]
    public async Task A_failure_comes_out_also_where_the_application_keeps_no_dead_tasks()
    {
        await using TestEngine engine = new(TestMode.Inline, engineOptions: new BackrunOptions { KeepDead = 0, KeepFinished = 0 });
        Assert.Throws<IOException>(() => engine.StartNew<AlwaysFails, string>("no disk"));
        engine.StartNew<SendMail, Mail>(new Mail());
    }

    [Fact]
    public async Task What_fails_inside_of_a_task_comes_out_of_the_outermost_call_and_changes_nothing_of_that_task()
    {
        await using TestEngine engine = new(TestMode.Inline);
        bool ended = false;
        Assert.Equal("inner", Assert.Throws<IOException>(() => engine.StartNew<Act, int>(Acts.Add((Action)(() =>
        {
            engine.StartNew<AlwaysFails, string>("inner");
            ended = true;
        })))).Message);
        Assert.True(ended);
        Assert.Equal([BackgroundTaskState.Succeeded, BackgroundTaskState.Dead], engine.Started.Select(static each => each.GetStatus()!.State));
    }

    [Fact]
    public async Task Queues_of_one_run_at_a_time_let_a_nested_task_in_and_then_are_as_before()
    {
        await using TestEngine engine = new(TestMode.Inline, engineOptions: new BackrunOptions { Queues = { ["one"] = new QueueOptions { ConcurrencyLimit = 1 } } });
        StartOptions one = new() { Queue = "one" };
        int most = 0;
        int running = 0;
        Action act = () =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            Interlocked.Decrement(ref running);
        };
        engine.StartNew<Act, int>(Acts.Add((Action)(() => engine.SubmitMany<Act, int>([Acts.Add(act), Acts.Add(act)], one))), one);
        engine.SubmitMany<Act, int>(Enumerable.Repeat(Acts.Add(act), 20), one);
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task Tasks_that_start_one_another_without_an_end_are_an_error_with_their_names()
    {
        Services services = new();
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { MostNested = 4 }, new BackrunOptions { Services = services });
        services.Tasks = engine;
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => engine.StartNew<Endless, int>(1));
        Assert.Contains("5th", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("'endless' > 'endless'", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(4, engine.Started.Count);
    }

    [Fact]
    public async Task A_run_has_the_user_and_the_culture_of_its_starter()
    {
        await using TestEngine engine = new(TestMode.Inline);
        string? seen = null;
        using UserConnection mine = new(Users.Ada);
        CultureInfo before = CultureInfo.CurrentCulture;
        using (UserConnection.Use(mine))
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("tr-TR");
            Action<UserConnection?> act = connection => seen = $"{connection!.Identity.Name} {ReferenceEquals(connection, mine)} {CultureInfo.CurrentCulture.Name}";
            engine.StartNewWithUserConnection<UserAct, int>(Acts.Add(act));
            CultureInfo.CurrentCulture = before;
        }

        Assert.Equal("Ada False tr-TR", seen);
        Assert.Equal(Users.Ada, engine.AssertStarted<UserAct, int>().User);
    }

    [Fact]
    public async Task A_delayed_task_waits_for_the_clock_and_has_run_when_that_has_been_set()
    {
        await using TestEngine engine = new(TestMode.Inline);
        int runs = 0;
        int act = Acts.Add((Action)(() => runs++));
        BackgroundTaskHandle handle = engine.StartNew<Act, int>(act, new StartOptions { Delay = TimeSpan.FromHours(1) });
        engine.StartNew<Act, int>(act, new StartOptions { RunAt = engine.UtcNow.AddHours(2) });
        engine.Advance(TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal((0, BackgroundTaskState.Scheduled), (runs, engine.GetStatus(handle.Id)!.State));
        engine.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, runs);
        engine.AdjustWallClock(TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, runs);
        engine.AdjustWallClock(TimeSpan.FromMilliseconds(1));
        Assert.Equal(2, runs);
        engine.StartNew<AlwaysFails, string>("later", new StartOptions { Delay = TimeSpan.FromHours(1) });
        Assert.Equal("later", Assert.Throws<IOException>(() => engine.Advance(TimeSpan.FromHours(1))).Message);
    }

    [Fact]
    public async Task A_task_in_a_paused_queue_waits_and_a_cancelled_one_does_not_run()
    {
        await using TestEngine engine = new(TestMode.Inline);
        int runs = 0;
        int act = Acts.Add((Action)(() => runs++));
        engine.Engine.PauseQueue("default");
        BackgroundTaskHandle one = engine.StartNew<Act, int>(act);
        BackgroundTaskHandle two = engine.StartNew<Act, int>(act);
        Assert.Equal(CancelResult.Queued, engine.Cancel(two.Id));
        Assert.Equal(0, runs);
        engine.Engine.ResumeQueue("default");
        engine.Drain();
        Assert.Equal(1, runs);
        Assert.Equal((BackgroundTaskState.Succeeded, BackgroundTaskState.Cancelled), (engine.GetStatus(one.Id)!.State, engine.GetStatus(two.Id)!.State));
    }

    [Fact]
    public async Task A_task_that_does_not_end_is_an_error_that_names_it()
    {
        using ManualResetEventSlim release = new();
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { Limit = TimeSpan.FromMilliseconds(50) });
        engine.Engine.Register<Act, int>("waits-for-ever");
        TimeoutException thrown = Assert.Throws<TimeoutException>(() => engine.StartNew<Act, int>(Acts.Add((Action)release.WaitSoon)));
        Assert.Contains("1 'waits-for-ever' Running (attempt 1)", thrown.Message, StringComparison.Ordinal);
        release.Set();
    }

    [Fact]
    public async Task Tasks_started_by_many_threads_run_one_at_a_time_and_each_call_waits_for_its_own()
    {
        await using TestEngine engine = new(TestMode.Inline);
        int running = 0;
        ConcurrentBag<int> together = [];
        int act = Acts.Add((Action)(() =>
        {
            together.Add(Interlocked.Increment(ref running));
            Interlocked.Decrement(ref running);
        }));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (int index = 0; index < 25; index++)
            {
                BackgroundTaskHandle handle = engine.StartNew<Act, int>(act);
                Assert.Equal(BackgroundTaskState.Succeeded, engine.GetStatus(handle.Id)!.State);
            }
        })));
        Assert.Equal((200, 1), (together.Count, together.Max()));
    }

    public sealed class KeepMail : IBackgroundTask<Mail>
    {
        internal static Mail? Received { get; set; }

        public void Run(Mail parameters) => Received = parameters;
    }

    public sealed class OneWay(int number)
    {
        public int Value { get; } = number;
    }

#pragma warning disable BACKRUN102 // What the engine says to those who have not heard the analyzer.
    public sealed class TakesOneWay : IBackgroundTask<OneWay>
#pragma warning restore BACKRUN102
    {
        public void Run(OneWay parameters)
        {
        }
    }
}
