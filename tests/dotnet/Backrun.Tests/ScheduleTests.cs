using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

/// <summary>Tasks that wait for their time.</summary>
public sealed class ScheduleTests
{
    [Fact]
    public async Task A_delayed_task_runs_when_its_time_has_come_and_not_before()
    {
        using BackrunEngine engine = Times.NewEngine();
        DateTimeOffset before = DateTimeOffset.UtcNow;
        BackgroundTaskHandle handle = engine.Start(static () => { }, new StartOptions { Delay = Times.Hour });
        BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
        Assert.Equal((BackgroundTaskState.Scheduled, 0, false), (status.State, status.Attempt, status.IsFinal));
        Assert.InRange(status.NextRunAt!.Value, before + Times.Hour - Times.Second, DateTimeOffset.UtcNow + Times.Hour + Times.Second);
        Assert.Equal(TimeSpan.Zero, status.NextRunAt.Value.Offset);
        Assert.Equal((1, 0), (engine.GetStatistics().Scheduled, engine.GetStatistics().Queues["default"].Ready));
        engine.AdvanceTime(Times.Hour - Times.Millisecond);
        Assert.Equal(BackgroundTaskState.Scheduled, engine.StateOf(handle));
        engine.AdvanceTime(Times.Millisecond);
        await handle.Done();
        status = engine.GetStatus(handle.Id)!;
        Assert.Equal((BackgroundTaskState.Succeeded, 1, null), (status.State, status.Attempt, status.NextRunAt));
        Assert.Equal(0, engine.GetStatistics().Scheduled);
    }

    [Fact]
    public async Task A_delay_of_real_time_ends_by_itself_and_is_never_cut_short()
    {
        using BackrunEngine engine = Engines.New();
        TimeSpan delay = TimeSpan.FromMilliseconds(30);
        Stopwatch clock = Stopwatch.StartNew();
        TimeSpan begun = TimeSpan.Zero;
        await engine.Start(() => begun = clock.Elapsed, new StartOptions { Delay = delay }).Done();
        Assert.True(begun >= delay, $"It began after {begun}.");
    }

    [Fact]
    public async Task A_time_of_day_may_have_any_offset_and_follows_the_clock_on_the_wall()
    {
        using BackrunEngine engine = Times.NewEngine();
        DateTimeOffset at = (DateTimeOffset.UtcNow + Times.Hour).ToOffset(new TimeSpan(-9, 30, 0));
        BackgroundTaskHandle handle = engine.Start(static () => { }, new StartOptions { RunAt = at });
        BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
        Assert.Equal(BackgroundTaskState.Scheduled, status.State);
        Assert.InRange(status.NextRunAt!.Value, at - Times.Second, at + Times.Second);
        engine.JumpWallClock(Times.Hour / 2);
        engine.JumpWallClock(-Times.Hour / 2);
        engine.JumpWallClock(Times.Hour / 2);
        Assert.Equal(BackgroundTaskState.Scheduled, engine.StateOf(handle));
        engine.JumpWallClock(Times.Hour / 2 + Times.Second);
        await handle.Done();
    }

    [Fact]
    public async Task A_time_of_day_that_has_passed_is_now()
    {
        using BackrunEngine engine = Engines.New();
        foreach (DateTimeOffset past in new[] { DateTimeOffset.MinValue, DateTimeOffset.UnixEpoch, DateTimeOffset.Now })
        {
            await engine.Start(static () => { }, new StartOptions { RunAt = past }).Done();
        }
    }

    [Fact]
    public void The_latest_times_that_can_be_asked_for_can_be_shown()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = engine.Start(static () => { }, new StartOptions { RunAt = new DateTimeOffset(3000, 1, 1, 0, 0, 0, TimeSpan.Zero) });
        Assert.Equal((BackgroundTaskState.Scheduled, 2999), (engine.StateOf(handle), engine.GetStatus(handle.Id)!.NextRunAt!.Value.AddDays(-1).Year));
        BackgroundTaskHandle century = engine.Start(static () => { }, new StartOptions { Delay = TimeSpan.FromDays(36_500) });
        Assert.InRange(engine.GetStatus(century.Id)!.NextRunAt!.Value, DateTimeOffset.UtcNow.AddDays(36_499), DateTimeOffset.UtcNow.AddDays(36_501));
    }

    [Fact]
    public async Task Many_tasks_can_be_delayed_together_and_each_comes_once()
    {
        using BackrunEngine engine = Times.NewEngine();
        ConcurrentQueue<int> ran = new();
        int[] numbers = Enumerable.Range(0, 50).Select(number => Acts.Add((Action)(() => ran.Enqueue(number)))).ToArray();
        IReadOnlyList<BackgroundTaskHandle> handles = engine.SubmitMany<Act, int>(numbers, new StartOptions { Delay = Times.Second });
        BackgroundTaskHandle one = await engine.SubmitAsync<Act, int>(Acts.Add((Action)(() => ran.Enqueue(50))), new StartOptions { Delay = Times.Second });
        Assert.Equal(51, engine.GetStatistics().Scheduled);
        engine.AdvanceTime(Times.Second);
        await Task.WhenAll(handles.Append(one).Select(static handle => handle.Done()));
        Assert.Equal(Enumerable.Range(0, 51), ran.Order());
    }

    [Fact]
    public async Task A_delayed_task_is_cancelled_at_once()
    {
        using BackrunEngine engine = Times.NewEngine();
        BackgroundTaskHandle handle = engine.Start(static () => Assert.Fail("It ran."), new StartOptions { Delay = Times.Hour });
        Task completion = handle.Completion;
        Assert.Equal(CancelResult.Queued, engine.Cancel(handle.Id, "no longer needed"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completion.WaitAsync(Patience.Long));
        Assert.Equal((BackgroundTaskState.Cancelled, "no longer needed"), (engine.StateOf(handle), engine.GetStatus(handle.Id)!.CancelReason));
    }

    [Fact]
    public async Task A_delayed_task_keeps_its_user_and_the_culture_of_its_starter()
    {
        using BackrunEngine engine = Times.NewEngine();
        using UserConnection mine = new(Users.Ada);
        BackgroundTaskHandle handle;
        string? seen = null;
        Action<UserConnection?> act = connection => seen = $"{connection!.Identity.Name} {CultureInfo.CurrentCulture.Name}";
        CultureInfo before = CultureInfo.CurrentCulture;
        using (UserConnection.Use(mine))
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("tr-TR");
            handle = engine.StartNewWithUserConnection<UserAct, int>(Acts.Add(act), new StartOptions { Delay = Times.Hour });
            CultureInfo.CurrentCulture = before;
        }

        engine.AdvanceTime(Times.Hour);
        await handle.Done();
        Assert.Equal("Ada tr-TR", seen);
    }

    [Fact]
    public async Task A_shutdown_does_not_wait_for_what_is_delayed_and_says_how_much_that_was()
    {
        using BackrunEngine engine = Times.NewEngine();
        BackgroundTaskHandle handle = engine.Start(static () => Assert.Fail("It ran."), new StartOptions { Delay = Times.Hour });
        Task completion = handle.Completion;
        ShutdownReport report = await engine.ShutdownAsync(ShutdownMode.Drain, Patience.Long);
        Assert.Equal((true, 1), (report.Completed, report.QueuedCount));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completion.WaitAsync(Patience.Long));
    }

    [Fact]
    public async Task Delayed_tasks_count_against_the_capacity_and_SubmitAsync_waits_for_them_without_a_refusal()
    {
        using BackrunEngine engine = Times.NewEngine(new BackrunOptions { Workers = 1, Queues = { ["default"] = new QueueOptions { Capacity = 1, WhenFull = WhenFull.Wait, WhenFullTimeout = Patience.Long } } });
        BackgroundTaskHandle delayed = engine.Start(static () => { }, new StartOptions { Delay = Times.Hour });
        Task<BackgroundTaskHandle> waiting = engine.SubmitAsync<Act, int>(Acts.Add((Action)(static () => { }))).AsTask();
        Assert.False(waiting.IsCompleted);
        Assert.Throws<QueueFullException>(() => engine.Start(static () => { }, new StartOptions { WhenFull = WhenFull.Refuse }));
        engine.Cancel(delayed.Id);
        await (await waiting.WaitAsync(Patience.Long)).Done();
        Assert.Equal(1, engine.GetStatistics().Refused);
    }

    [Fact]
    public async Task SubmitAsync_waits_without_a_refusal_also_where_the_bytes_of_delayed_tasks_leave_no_room()
    {
        StartOptions later = new() { Delay = Times.Hour };
        int act = Acts.Add((Action)(static () => { }));
        using BackrunEngine measured = Times.NewEngine();
        measured.StartNew<Act, int>(act, later);
        long bytes = measured.GetStatistics().ScheduledBytes;
        Assert.True(bytes > 0);
        using BackrunEngine engine = Times.NewEngine(new BackrunOptions { Workers = 1, Queues = { ["default"] = new QueueOptions { CapacityBytes = bytes, WhenFull = WhenFull.Wait, WhenFullTimeout = Patience.Long } } });
        BackgroundTaskHandle delayed = engine.StartNew<Act, int>(act, later);
        Assert.Equal((bytes, bytes), (engine.GetStatistics().ScheduledBytes, engine.GetStatistics().Queues["default"].ScheduledBytes));
        Task<BackgroundTaskHandle> waiting = engine.SubmitAsync<Act, int>(act).AsTask();
        Assert.False(waiting.IsCompleted);
        engine.Cancel(delayed.Id);
        await (await waiting.WaitAsync(Patience.Long)).Done();
        Assert.Equal((0, 0), (engine.GetStatistics().Refused, engine.GetStatistics().ScheduledBytes));
    }
}
