using System;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Testing.Tests.Support;
using Backrun.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Backrun.Testing.Tests;

/// <summary>An engine that goes by the test's clock.</summary>
public sealed class ClockTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    [Fact]
    public async Task What_the_clock_makes_due_runs_by_itself_where_tasks_run_at_the_call()
    {
        FakeTimeProvider clock = new(new DateTimeOffset(2027, 1, 4, 8, 0, 0, TimeSpan.FromHours(1)));
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { Clock = clock });
        int runs = 0;
        engine.Engine.Start(() => runs++, new StartOptions { Delay = Hour });
        clock.Advance(Hour - Millisecond);
        Assert.Equal(0, runs);
        clock.Advance(Millisecond);
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task What_the_clock_makes_due_runs_with_the_next_drain_where_the_test_says_when()
    {
        FakeTimeProvider clock = new();
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { Clock = clock });
        BackgroundTaskHandle handle = engine.StartNew<SendMail, Mail>(new Mail(), new StartOptions { Delay = Hour });
        Assert.Equal(0, engine.Drain());
        clock.Advance(Hour);
        Assert.Equal(BackgroundTaskState.Ready, engine.GetStatus(handle.Id)!.State);
        Assert.Equal(1, engine.Drain());
    }

    [Fact]
    public async Task A_time_of_day_is_the_clocks_to_the_millisecond()
    {
        DateTimeOffset start = new(2027, 1, 4, 8, 0, 0, TimeSpan.Zero);
        FakeTimeProvider clock = new(start);
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { Clock = clock });
        Assert.Equal(start, engine.UtcNow);
        BackgroundTaskHandle handle = engine.StartNew<SendMail, Mail>(new Mail(), new StartOptions { RunAt = start + Hour });
        Assert.Equal(start + Hour, engine.GetStatus(handle.Id)!.NextRunAt);
        clock.Advance(Hour - Millisecond);
        Assert.Equal(0, engine.Drain());
        clock.SetUtcNow(start + Hour);
        Assert.Equal(1, engine.Drain());
        Assert.Equal(start + Hour, engine.UtcNow);
    }

    [Fact]
    public async Task Parts_of_a_millisecond_add_up()
    {
        FakeTimeProvider clock = new();
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { Clock = clock });
        int runs = 0;
        engine.Engine.Start(() => runs++, new StartOptions { Delay = Millisecond });
        clock.Advance(TimeSpan.FromMicroseconds(400));
        clock.Advance(TimeSpan.FromMicroseconds(400));
        Assert.Equal(0, runs);
        clock.Advance(TimeSpan.FromMicroseconds(400));
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task A_year_passes_in_one_step()
    {
        CountingClock clock = new();
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { Clock = clock });
        int runs = 0;
        engine.Engine.Start(() => runs++, new StartOptions { Delay = TimeSpan.FromDays(300) });
        clock.Advance(TimeSpan.FromDays(365));
        Assert.Equal((1, 1), (runs, clock.Fired));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_moves_times_of_day_and_no_delays()
    {
        FakeTimeProvider clock = new();
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { Clock = clock });
        DateTimeOffset start = engine.UtcNow;
        BackgroundTaskHandle at = engine.StartNew<SendMail, Mail>(new Mail(), new StartOptions { RunAt = start + Hour });
        BackgroundTaskHandle after = engine.StartNew<SendMail, Mail>(new Mail(), new StartOptions { Delay = Hour });
        clock.AdjustTime(start - Hour);
        Assert.Equal(start - Hour, engine.UtcNow);
        clock.Advance(Hour);
        Assert.Equal(1, engine.Drain());
        Assert.Equal((BackgroundTaskState.Scheduled, BackgroundTaskState.Succeeded), (engine.GetStatus(at.Id)!.State, engine.GetStatus(after.Id)!.State));
        clock.Advance(Hour);
        Assert.Equal(1, engine.Drain());
    }

    [Fact]
    public async Task A_retry_comes_when_the_clock_says_so_and_what_fails_then_is_told_by_the_next_drain()
    {
        FakeTimeProvider clock = new();
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { Clock = clock });
        engine.Engine.Register<AlwaysFails, string>(options: new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 2, Delay = Hour, JitterPercent = 0 } });
        BackgroundTaskHandle handle = engine.StartNew<AlwaysFails, string>("no disk");
        Assert.Equal((BackgroundTaskState.Scheduled, 1), (engine.GetStatus(handle.Id)!.State, engine.GetStatus(handle.Id)!.Attempt));
        clock.Advance(Hour);
        Assert.Equal((BackgroundTaskState.Dead, 2), (engine.GetStatus(handle.Id)!.State, engine.GetStatus(handle.Id)!.Attempt));
        Assert.Equal("no disk", Assert.Throws<System.IO.IOException>(() => engine.Drain()).Message);

        // The clock has come to no harm.
        engine.StartNew<SendMail, Mail>(new Mail(), new StartOptions { Delay = Hour });
        clock.Advance(Hour);
        Assert.Equal(BackgroundTaskState.Succeeded, engine.Started[^1].GetStatus()!.State);
    }

    [Fact]
    public async Task A_run_may_await_the_clock_while_the_test_sets_it()
    {
        FakeTimeProvider clock = new();
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { Clock = clock });
        TaskCompletionSource waits = Patience.Signal();
        Task<BackgroundTaskHandle> running = engine.SubmitAsync<AsyncAct, int>(
            Acts.Add((Func<BackgroundTaskContext, CancellationToken, Task>)(async (_, token) =>
            {
                Task delay = Task.Delay(Hour, clock, token);
                waits.SetResult();
                await delay;
            })),
            cancellationToken: TestContext.Current.CancellationToken).AsTask();
        await waits.Soon();
        Assert.False(running.IsCompleted);
        clock.Advance(Hour);
        BackgroundTaskHandle handle = await running.WaitAsync(Patience.Long, TestContext.Current.CancellationToken);
        Assert.Equal(BackgroundTaskState.Succeeded, engine.GetStatus(handle.Id)!.State);
    }

    [Fact]
    public async Task A_run_that_awaits_the_clock_does_not_hold_up_what_another_call_starts()
    {
        FakeTimeProvider clock = new();
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { Clock = clock });
        Task<BackgroundTaskHandle> running = engine.SubmitAsync<AsyncAct, int>(
            Acts.Add((Func<BackgroundTaskContext, CancellationToken, Task>)((_, token) => Task.Delay(Hour, clock, token))), cancellationToken: TestContext.Current.CancellationToken).AsTask();
        await Patience.Until(() => engine.Started is [var first] && first.GetStatus()!.State == BackgroundTaskState.Pending);
        engine.StartNew<SendMail, Mail>(new Mail());
        Assert.Equal(BackgroundTaskState.Succeeded, engine.AssertStarted<SendMail, Mail>().GetStatus()!.State);
        clock.Advance(Hour);
        await running.WaitAsync(Patience.Long, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_time_limit_goes_by_the_clock()
    {
        FakeTimeProvider clock = new();
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { Clock = clock });
        TaskCompletionSource waits = Patience.Signal();
        Task<BackgroundTaskHandle> running = engine.SubmitAsync<AsyncAct, int>(
            Acts.Add((Func<BackgroundTaskContext, CancellationToken, Task>)(async (_, token) =>
            {
                waits.SetResult();
                await Task.Delay(Timeout.Infinite, token);
            })),
            new StartOptions { TimeLimit = Hour },
            TestContext.Current.CancellationToken).AsTask();
        await waits.Soon();
        clock.Advance(Hour);
        BackgroundTaskFailedException thrown = await Assert.ThrowsAsync<BackgroundTaskFailedException>(() => running.WaitAsync(Patience.Long, TestContext.Current.CancellationToken));
        Assert.Equal("time limit", thrown.Error!.Type);
    }

    [Fact]
    public async Task A_task_may_set_the_clock()
    {
        FakeTimeProvider clock = new();
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { Clock = clock });
        await using TestEngine own = new(TestMode.Manual);
        BackgroundTaskHandle later = engine.StartNew<SendMail, Mail>(new Mail(), new StartOptions { Delay = Hour });
        BackgroundTaskHandle ownLater = own.StartNew<SendMail, Mail>(new Mail(), new StartOptions { Delay = Hour });
        engine.Engine.Start(() => clock.Advance(Hour));
        own.Engine.Start(() => own.Advance(Hour));
        Assert.Equal((2, 2), (engine.Drain(), own.Drain()));
        Assert.Equal((BackgroundTaskState.Succeeded, BackgroundTaskState.Succeeded), (engine.GetStatus(later.Id)!.State, own.GetStatus(ownLater.Id)!.State));
    }

    [Fact]
    public async Task A_clock_of_the_test_is_set_there_and_real_time_is_refused()
    {
        await using TestEngine engine = new(TestMode.Manual, new TestEngineOptions { Clock = new FakeTimeProvider() });
        Assert.Contains("TestEngineOptions.Clock", Assert.Throws<InvalidOperationException>(() => engine.Advance(Hour)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => engine.AdjustWallClock(Hour));
        Assert.Contains("TimeProvider.System", Assert.Throws<ArgumentException>(() => new TestEngine(TestMode.Manual, new TestEngineOptions { Clock = TimeProvider.System })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clock_can_be_set_after_its_engine_has_ended_and_shared_by_several()
    {
        FakeTimeProvider clock = new();
        TestEngine gone = new(TestMode.Inline, new TestEngineOptions { Clock = clock });
        await using TestEngine engine = new(TestMode.Inline, new TestEngineOptions { Clock = clock });
        int runs = 0;
        engine.Engine.Start(() => runs++, new StartOptions { Delay = Hour });
        gone.Dispose();
        clock.Advance(Hour);
        Assert.Equal(1, runs);
    }

    private sealed class CountingClock : FakeTimeProvider
    {
        internal int Fired { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(
            each =>
            {
                Fired++;
                callback(each);
            },
            state,
            dueTime,
            period);
    }
}
