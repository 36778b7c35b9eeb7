using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Durable;

/// <summary>What a durable store keeps from one engine to the next, as C# programs see it.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task A_task_that_an_engine_left_runs_in_the_next_one_once_its_class_is_registered_with_its_user_and_its_culture()
    {
        using StoreFile file = new();
        BackgroundTaskId id;
        using (BackrunEngine engine = file.Open())
        {
            engine.PauseQueue("default");
            using (new UserConnection(Users.Ada) is { } connection ? UserConnection.Use(connection) : null)
            {
                CultureInfo before = CultureInfo.CurrentCulture;
                CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("fr-CA");
                id = engine.StartNewWithUserConnection<Remember, Letter>(new Letter { Text = "grüße", Sizes = [1, 2, 3] }).Id;
                CultureInfo.CurrentCulture = before;
            }

            ShutdownReport report = await engine.ShutdownAsync(ShutdownMode.Cancel, Patience.Long);
            Assert.Equal((true, 1L), (report.Completed, report.QueuedCount));
        }

        using (BackrunEngine engine = file.Open())
        {
            Assert.Equal((BackgroundTaskState.Ready, typeof(Remember).FullName), (engine.GetStatus(id)!.State, engine.GetStatus(id)!.TaskName));
            Task completion = engine.GetHandle(id).Completion;
            engine.ResumeQueue("default");
            Assert.False(completion.IsCompleted);
            engine.Register<Remember, Letter>();
            await completion.WaitAsync(Patience.Long);
            Remember.Run run = engine.GetStatus(id)!.GetResult<Remember.Run>();
            Assert.Equal(("grüße", 3, "fr-CA"), (run.Text, run.Sizes.Count, run.Culture));
            Assert.Equal((Users.Ada.Name, Users.Ada.Id, "admin"), (run.User, run.UserId, run.Role));
            Assert.Equal(1, run.Attempt);
        }

        // It has ended: nobody runs it again, and what came out is known still.
        using (BackrunEngine engine = file.Open())
        {
            engine.Register<Remember, Letter>();
            await engine.GetHandle(id).Done();
            Assert.Equal("grüße", engine.GetStatus(id)!.GetResult<Remember.Run>().Text);
            BackgroundTaskHandle next = engine.StartNew<Act, int>(Acts.Add((Action)(static () => { })));
            await next.Done();
            Assert.True(next.Id.Value > id.Value);
        }
    }

    [Fact]
    public async Task A_delay_a_retry_a_dead_task_and_a_cancelled_one_are_that_in_the_next_engine()
    {
        using StoreFile file = new();
        int fail = Acts.Add((Action)(static () => throw new InvalidTimeZoneException("no luck")));
        int pass = Acts.Add((Action)(static () => { }));
        StartOptions retried = new() { Retry = new RetryPolicy { MaxAttempts = 3, Delay = TimeSpan.FromHours(1), MaxDelay = TimeSpan.FromHours(1) } };
        BackgroundTaskId later;
        BackgroundTaskId again;
        BackgroundTaskId dead;
        BackgroundTaskId cancelled;
        using (BackrunEngine engine = file.Open())
        {
            later = engine.StartNew<Act, int>(pass, new StartOptions { Delay = TimeSpan.FromHours(2) }).Id;
            cancelled = engine.StartNew<Act, int>(pass, new StartOptions { Delay = TimeSpan.FromHours(2) }).Id;
            Assert.Equal(CancelResult.Queued, engine.Cancel(cancelled, "not wanted"));
            again = engine.StartNew<Act, int>(fail, retried).Id;
            BackgroundTaskHandle handle = engine.StartNew<Act, int>(fail);
            dead = handle.Id;
            await handle.Fails<InvalidTimeZoneException>();
            await Patience.Until(() => engine.GetStatus(again)!.State == BackgroundTaskState.Scheduled);
        }

        using (BackrunEngine engine = file.Open())
        {
            Assert.Equal(BackgroundTaskState.Scheduled, engine.GetStatus(later)!.State);
            Assert.InRange(engine.GetStatus(later)!.NextRunAt!.Value - DateTimeOffset.UtcNow, TimeSpan.FromHours(1.9), TimeSpan.FromHours(2));
            BackgroundTaskStatus failed = engine.GetStatus(again)!;
            Assert.Equal((BackgroundTaskState.Scheduled, 1, "no luck"), (failed.State, failed.Attempt, failed.Error!.Message));
            Assert.Equal((BackgroundTaskState.Cancelled, "not wanted"), (engine.GetStatus(cancelled)!.State, engine.GetStatus(cancelled)!.CancelReason));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.GetHandle(cancelled).Done());
            BackgroundTaskFailedException thrown = await engine.GetHandle(dead).Fails<BackgroundTaskFailedException>();
            Assert.Equal((dead, "no luck"), (thrown.Id, thrown.Error!.Message));
            Assert.Equal([dead], engine.ListTasks(new TaskFilter { States = [BackgroundTaskState.Dead] }).Select(static task => task.Id));

            // Its class is needed to run it again.
            engine.Register<Act, int>();
            engine.Replay(dead);
            await engine.GetHandle(dead).Fails<InvalidTimeZoneException>();
            Assert.Equal(1, engine.GetStatus(dead)!.Attempt);
            Assert.Equal(2, engine.Purge());
            Assert.Null(engine.GetStatus(dead));
            Assert.Equal(BackrunErrorCode.NotFound, (await engine.GetHandle(dead).Fails<BackrunException>()).Code);
            Assert.Equal([later, again], engine.ListTasks().Select(static task => task.Id));
        }
    }

    [Fact]
    public async Task A_run_that_a_shutdown_interrupts_stays_in_the_store_with_its_attempt_given_back_and_whoever_awaits_it_is_told()
    {
        using StoreFile file = new();
        BackgroundTaskId id;
        BackrunException told;
        using (BackrunEngine engine = file.Open())
        {
            TaskCompletionSource running = Patience.Signal();
            BackgroundTaskHandle handle = engine.StartAsync((_, token) =>
            {
                running.TrySetResult();
                return Task.Delay(Timeout.Infinite, token);
            });
            id = handle.Id;
            Task completion = handle.Completion;
            await running.Soon();
            ShutdownReport report = await engine.ShutdownAsync(ShutdownMode.Cancel, Patience.Long);
            Assert.Equal((true, 1L), (report.Completed, report.QueuedCount));
            told = await Assert.ThrowsAsync<BackrunException>(() => completion.WaitAsync(Patience.Long));
        }

        Assert.Equal(BackrunErrorCode.ShutdownIncomplete, told.Code);
        Assert.Contains("stays in the store", told.Message, StringComparison.Ordinal);
        using (BackrunEngine engine = file.Open())
        {
            Assert.Equal((BackgroundTaskState.Ready, 0), (engine.GetStatus(id)!.State, engine.GetStatus(id)!.Attempt));
        }
    }

    [Fact]
    public async Task A_task_without_a_class_is_awaited_until_the_engine_ends()
    {
        using StoreFile file = new();
        BackgroundTaskId id;
        using (BackrunEngine engine = file.Open())
        {
            id = engine.StartNew<Act, int>(1, new StartOptions { Delay = TimeSpan.FromHours(1) }).Id;
        }

        TestLog log = new();
        using BackrunEngine next = file.Open(log);
        await log.WaitFor(static line => line.Text.Contains("1 tasks of 1 names are left from before", StringComparison.Ordinal));
        Task completion = next.GetHandle(id).Completion;
        Assert.False(completion.IsCompleted);
        ShutdownReport report = await next.ShutdownAsync(ShutdownMode.Drain, Patience.Long);
        Assert.Equal((true, 1L), (report.Completed, report.QueuedCount));
        Assert.Equal(BackrunErrorCode.ShutdownIncomplete, (await Assert.ThrowsAsync<BackrunException>(() => completion.WaitAsync(Patience.Long))).Code);
        Assert.Throws<ArgumentOutOfRangeException>(() => next.GetHandle(default));
    }

    [Fact]
    public async Task Every_completion_ends_as_its_task_does_while_threads_start_and_await()
    {
        using StoreFile file = new();
        using BackrunEngine engine = file.Open();
        int fail = Acts.Add((Action)(static () => throw new InvalidTimeZoneException("on purpose")));
        int pass = Acts.Add((Action)(static () => { }));
        ConcurrentBag<BackgroundTaskState> told = [];
        engine.TaskFinished += (_, args) => told.Add(args.State);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int index = 0; index < Effort.Times(100, 5_000); index++)
            {
                BackgroundTaskHandle handle = await engine.SubmitAsync<Act, int>(index % 3 == 0 ? fail : pass);
                if (index % 3 == 0)
                {
                    await handle.Fails<InvalidTimeZoneException>();
                    Assert.Equal(BackgroundTaskState.Dead, engine.GetStatus(handle.Id)!.State);
                }
                else
                {
                    await handle.Done();
                    Assert.Equal(BackgroundTaskState.Succeeded, engine.GetStatus(handle.Id)!.State);
                }
            }
        })));
        await engine.ShutdownLater(ShutdownMode.Drain);
        Assert.Equal(4 * Effort.Times(100, 5_000), told.Count);
    }

    public sealed class Letter
    {
        public string Text { get; set; } = string.Empty;

        public IList<int> Sizes { get; set; } = [];
    }

    public sealed class Remember : IBackgroundTask<Letter>, IUserConnectionRequired
    {
        private UserConnection? _user;

        public void SetUserConnection(UserConnection userConnection) => _user = userConnection;

        void IBackgroundTask<Letter>.Run(Letter parameters) => BackgroundTaskContext.Current!.SetResult(new Run
        {
            Text = parameters.Text,
            Sizes = parameters.Sizes,
            Culture = CultureInfo.CurrentCulture.Name,
            User = _user!.Identity.Name,
            UserId = _user.Identity.Id,
            Role = _user.Identity.Properties["role"],
            Attempt = BackgroundTaskContext.Current!.Attempt,
        });

        public sealed class Run
        {
            public string Text { get; set; } = string.Empty;

            public IList<int> Sizes { get; set; } = [];

            public string Culture { get; set; } = string.Empty;

            public string User { get; set; } = string.Empty;

            public Guid UserId { get; set; }

            public string Role { get; set; } = string.Empty;

            public int Attempt { get; set; }
        }
    }
}
