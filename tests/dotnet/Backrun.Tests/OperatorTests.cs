using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

/// <summary>What an operator does: pause and resume, list, run again, forget.</summary>
public sealed class OperatorTests
{
    [Fact]
    public async Task A_paused_queue_starts_nothing_until_it_is_resumed_and_others_go_on()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Queues = { ["other"] = new QueueOptions { Workers = 1 } } });
        engine.PauseQueue("default");
        engine.PauseQueue("default");
        BackgroundTaskHandle[] waiting = Enumerable.Range(0, 10).Select(_ => engine.Start(static () => { })).ToArray();
        await engine.Start(static () => { }, new StartOptions { Queue = "other" }).Done();
        QueueStatistics paused = engine.GetStatistics().Queues["default"];
        Assert.Equal((10, 0), (paused.Ready, paused.Started));
        engine.ResumeQueue("default");
        await Task.WhenAll(waiting.Select(static handle => handle.Done()));
        engine.ResumeQueue("default");
    }

    [Fact]
    public async Task A_drain_does_not_wait_for_a_paused_queue()
    {
        using BackrunEngine engine = Engines.New();
        engine.PauseQueue("default");
        BackgroundTaskHandle handle = engine.Start(static () => Assert.Fail("It ran."));
        ShutdownReport report = await engine.ShutdownAsync(ShutdownMode.Drain, Patience.Long);
        Assert.Equal((true, 1), (report.Completed, report.QueuedCount));
        Assert.Equal(BackgroundTaskState.Cancelled, engine.StateOf(handle));
    }

    [Fact]
    public void A_queue_that_is_not_there_cannot_be_paused()
    {
        using BackrunEngine engine = Engines.New();
        foreach (Action<string> call in new Action<string>[] { engine.PauseQueue, engine.ResumeQueue })
        {
            BackrunException thrown = Assert.Throws<BackrunException>(() => call("nowhere"));
            Assert.Equal(BackrunErrorCode.NotFound, thrown.Code);
            Assert.Contains("nowhere", thrown.Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => call(string.Empty));
            Assert.Throws<ArgumentNullException>(() => call(null!));
        }
    }

    [Fact]
    public async Task Tasks_are_listed_by_state_name_queue_and_age_in_pages_of_growing_ids()
    {
        using BackrunEngine engine = Times.NewEngine(new BackrunOptions { Workers = 2, Queues = { ["other"] = new QueueOptions { Workers = 1 } } });
        BackgroundTaskHandle dead = engine.Start(static () => throw new InvalidTimeZoneException("on purpose"));
        BackgroundTaskHandle done = engine.Start(static () => { }, new StartOptions { Queue = "other" });
        BackgroundTaskHandle delayed = engine.Start(static () => { }, new StartOptions { Delay = Times.Hour });
        BackgroundTaskHandle asynchronous = engine.StartAsync(static (_, _) => Task.CompletedTask);
        await dead.Fails<InvalidTimeZoneException>();
        await done.Done();
        await asynchronous.Done();
        long[] Ids(TaskFilter? filter) => engine.ListTasks(filter).Select(static status => status.Id.Value).ToArray();
        long[] all = [dead.Id.Value, done.Id.Value, delayed.Id.Value, asynchronous.Id.Value];
        Assert.Equal(all, Ids(null));
        Assert.Equal(all, Ids(new TaskFilter { States = [] }));
        Assert.Equal([dead.Id.Value], Ids(new TaskFilter { States = [BackgroundTaskState.Dead] }));
        Assert.Equal([dead.Id.Value, delayed.Id.Value], Ids(new TaskFilter { States = [BackgroundTaskState.Dead, BackgroundTaskState.Scheduled] }));
        Assert.Equal([done.Id.Value], Ids(new TaskFilter { Queue = "other" }));
        Assert.Equal([asynchronous.Id.Value], Ids(new TaskFilter { TaskName = "Backrun.Tests.Support.AsyncAct" }));
        Assert.Equal(all[..2], Ids(new TaskFilter { Limit = 2 }));
        Assert.Equal(all[2..], Ids(new TaskFilter { AfterId = done.Id, Limit = 2 }));
        Assert.Empty(Ids(new TaskFilter { FinalFor = Times.Hour }));
        BackgroundTaskStatus listed = Assert.Single(engine.ListTasks(new TaskFilter { States = [BackgroundTaskState.Dead] }));
        Assert.Equal("on purpose", listed.Error!.Message);
        Assert.NotNull(Assert.Single(engine.ListTasks(new TaskFilter { States = [BackgroundTaskState.Scheduled] })).NextRunAt);
    }

    [Fact]
    public void A_filter_out_of_its_range_is_named_with_its_value()
    {
        using BackrunEngine engine = Engines.New();
        (string Message, TaskFilter Filter)[] bad =
        [
            ("TaskFilter.Limit is 0", new TaskFilter { Limit = 0 }),
            ("TaskFilter.FinalFor is -00:00:01", new TaskFilter { FinalFor = -Times.Second }),
            ("TaskFilter.AfterId is -1", new TaskFilter { AfterId = new BackgroundTaskId(-1) }),
            ("TaskFilter.States is 77", new TaskFilter { States = [(BackgroundTaskState)77] }),
            ("TaskFilter.Queue is empty", new TaskFilter { Queue = " " }),
            ("201 bytes", new TaskFilter { TaskName = new string('n', 201) }),
        ];
        foreach ((string message, TaskFilter filter) in bad)
        {
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => engine.ListTasks(filter)).Message, StringComparison.Ordinal);
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => engine.Purge(filter)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_dead_task_runs_again_with_all_that_it_was_started_with_its_attempts_counted_anew()
    {
        using BackrunEngine engine = Times.NewEngine();
        bool mended = false;
        string? user = null;
        Action<UserConnection?> act = connection =>
        {
            user = connection!.Identity.Name;
            if (!mended)
            {
                throw new InvalidTimeZoneException("broken");
            }
        };
        using UserConnection mine = new(Users.Ada);
        BackgroundTaskHandle handle;
        using (UserConnection.Use(mine))
        {
            handle = engine.StartNewWithUserConnection<UserAct, int>(Acts.Add(act), new StartOptions { MaxAttempts = 2 });
        }

        Task first = handle.Completion;
        BackgroundTaskStatus last = await engine.ToItsEnd(handle, Times.Hour);
        Assert.Equal((BackgroundTaskState.Dead, 2), (last.State, last.Attempt));
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => first.WaitAsync(Patience.Long));
        (mended, user) = (true, null);
        engine.Replay(handle.Id);
        await handle.Done();
        BackgroundTaskStatus again = engine.GetStatus(handle.Id)!;
        Assert.Equal((BackgroundTaskState.Succeeded, 1, "Ada"), (again.State, again.Attempt, user));
        Assert.True(again.Lease > last.Lease);
        Assert.True(first.IsFaulted, "What has ended stays so.");
    }

    [Fact]
    public async Task Only_a_dead_task_can_be_run_again()
    {
        using BackrunEngine engine = Times.NewEngine();
        BackgroundTaskHandle done = engine.Start(static () => { });
        await done.Done();
        Assert.Equal(BackrunErrorCode.InvalidArgument, Assert.Throws<BackrunException>(() => engine.Replay(done.Id)).Code);
        Assert.Equal(BackrunErrorCode.NotFound, Assert.Throws<BackrunException>(() => engine.Replay(new BackgroundTaskId(1_000_000))).Code);
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.Replay(default));
        BackgroundTaskHandle dead = engine.Start(static () => throw new FatalTaskException());
        await dead.Fails<FatalTaskException>();
        await engine.ShutdownLater(ShutdownMode.Drain);
        Assert.Equal(BackrunErrorCode.ShuttingDown, Assert.Throws<BackrunException>(() => engine.Replay(dead.Id)).Code);
    }

    [Fact]
    public async Task Tasks_in_a_final_state_can_be_forgotten_and_no_others()
    {
        using BackrunEngine engine = Times.NewEngine();
        BackgroundTaskHandle dead = engine.Start(static () => throw new FatalTaskException());
        await dead.Fails<FatalTaskException>();
        List<BackgroundTaskHandle> done = [];
        for (int number = 0; number < 20; number++)
        {
            done.Add(engine.Start(static () => { }));
            await done[^1].Done();
        }

        BackgroundTaskHandle delayed = engine.Start(static () => { }, new StartOptions { Delay = Times.Hour });
        Assert.Equal(0, engine.Purge(new TaskFilter { FinalFor = Times.Hour }));
        Assert.Equal(1, engine.Purge(new TaskFilter { States = [BackgroundTaskState.Dead] }));
        Assert.Null(engine.GetStatus(dead.Id));
        Assert.Equal(BackrunErrorCode.NotFound, (await dead.Fails<BackrunException>()).Code);
        Assert.Equal(5, engine.Purge(new TaskFilter { Limit = 5 }));
        Assert.Equal(15, engine.Purge());
        Assert.Equal(delayed.Id, Assert.Single(engine.ListTasks()).Id);
        engine.AdvanceTime(Times.Hour);
        await delayed.Done();
    }
}
