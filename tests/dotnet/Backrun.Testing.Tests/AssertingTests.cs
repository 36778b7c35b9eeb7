using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Testing.Tests.Support;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Testing.Tests;

/// <summary>What a test says of started tasks.</summary>
public sealed class AssertingTests
{
    [Fact]
    public async Task A_started_task_tells_all_that_it_was_started_with()
    {
        await using TestEngine engine = new(TestMode.Manual, engineOptions: new BackrunOptions { Queues = { ["mail"] = new QueueOptions() } });
        Mail sent = new() { To = "ada@example.com" };
        StartOptions options = new() { Queue = "mail", Priority = BackgroundTaskPriority.Highest, Delay = TimeSpan.FromMinutes(10), Durability = Durability.Committed };
        BackgroundTaskHandle handle = engine.StartNew<SendMail, Mail>(sent, options);
        options.Queue = null;
        StartedTask<Mail> started = engine.AssertStarted<SendMail, Mail>();
        Assert.NotSame(sent, started.Parameters);
        Assert.Equal("ada@example.com", started.Parameters.To);
        Assert.Equal("ada@example.com", ((Mail)((StartedTask)started).Parameters!).To);
        Assert.Equal((handle.Id, handle), (started.Id, started.Handle));
        Assert.Equal((typeof(SendMail), typeof(Mail), "send-mail", "mail"), (started.TaskType, started.ParametersType, started.TaskName, started.Queue));
        Assert.Equal(("mail", BackgroundTaskPriority.Highest, TimeSpan.FromMinutes(10)), (started.Options.Queue, started.Options.Priority, started.Options.Delay));
        Assert.Equal(Durability.Committed, started.Options.Durability);
        Assert.Equal((null, null), (started.User, started.StartedBy));
        Assert.Equal(BackgroundTaskState.Scheduled, started.GetStatus()!.State);
        Assert.Equal(MessagePack.MessagePackSerializer.Serialize(sent, MessagePack.Resolvers.ContractlessStandardResolver.Options, TestContext.Current.CancellationToken), started.Payload.ToArray());
    }

    [Fact]
    public async Task One_that_matches_is_returned_and_what_else_was_started_stands_in_the_message_where_none_does()
    {
        await using TestEngine engine = new(TestMode.Manual);
        using UserConnection mine = new(Users.Ada);
        engine.SubmitMany<SendMail, Mail>([new Mail { To = "ada@example.com" }, new Mail { To = "bob@example.com" }], new StartOptions { Delay = TimeSpan.FromMinutes(10), Priority = BackgroundTaskPriority.Lowest });
        using (UserConnection.Use(mine))
        {
            engine.StartNewWithUserConnection<UserAct, int>(7);
        }

        Assert.Equal("bob@example.com", engine.AssertStarted<SendMail, Mail>(static mail => mail.To.StartsWith("bob", StringComparison.Ordinal)).Parameters.To);
        Assert.Equal(2, engine.AssertStartedTimes<SendMail, Mail>(2).Count);
        Assert.Empty(engine.AssertStartedTimes<SendLetter, Mail>(0));
        string none = Assert.Throws<TestAssertionException>(() => engine.AssertStarted<SendMail, Mail>(static mail => mail.To == "eve@example.com")).Message;
        Assert.Equal(
            "1 task Backrun.Testing.Tests.Support.SendMail with Backrun.Testing.Tests.Support.Mail that matches should have been started, and 0 were. Started were:\n"
            + "  task 1 Backrun.Testing.Tests.Support.SendMail({\"To\":\"ada@example.com\",\"Attachments\":[]}), priority Lowest, delayed by 00:10:00: Scheduled\n"
            + "  task 2 Backrun.Testing.Tests.Support.SendMail({\"To\":\"bob@example.com\",\"Attachments\":[]}), priority Lowest, delayed by 00:10:00: Scheduled\n"
            + "  task 3 Backrun.Tests.Support.UserAct(7), on behalf of 'Ada': Ready",
            none);
        Assert.Contains("and 2 were", Assert.Throws<TestAssertionException>(() => engine.AssertStarted<SendMail, Mail>()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_should_not_have_been_started_stands_in_the_message()
    {
        await using TestEngine engine = new(TestMode.Manual);
        engine.AssertNothingStarted();
        Assert.EndsWith("Nothing was started.", Assert.Throws<TestAssertionException>(() => engine.AssertStarted<SendMail, Mail>()).Message, StringComparison.Ordinal);
        engine.StartNew<SendMail, Mail>(new Mail { To = "ada@example.com" });
        engine.AssertNotStarted<SendLetter, Mail>();
        engine.AssertNotStarted<SendMail, Mail>(static mail => mail.To == "bob@example.com");
        Assert.Contains("ada@example.com", Assert.Throws<TestAssertionException>(() => engine.AssertNotStarted<SendMail, Mail>()).Message, StringComparison.Ordinal);
        Assert.Contains("ada@example.com", Assert.Throws<TestAssertionException>(engine.AssertNothingStarted).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_stay_short_however_much_was_started()
    {
        await using TestEngine engine = new(TestMode.Manual);
        engine.SubmitMany<SendMail, Mail>(Enumerable.Range(0, 500).Select(static _ => new Mail { To = new string('x', 5_000) }));
        string message = Assert.Throws<TestAssertionException>(engine.AssertNothingStarted).Message;
        Assert.Contains("and 480 more", message, StringComparison.Ordinal);
        Assert.InRange(message.Length, 1, 10_000);
    }

    [Fact]
    public async Task What_was_started_before_can_be_left_out()
    {
        await using TestEngine engine = new(TestMode.Manual);
        engine.StartNew<SendMail, Mail>(new Mail { To = "before" });
        engine.ClearStarted();
        engine.AssertNothingStarted();
        engine.StartNew<SendMail, Mail>(new Mail { To = "after" });
        Assert.Equal("after", engine.AssertStarted<SendMail, Mail>().Parameters.To);
        Assert.Equal(2, engine.Drain());
    }

    [Fact]
    public async Task A_task_that_needs_services_can_be_started_without_and_fails_by_what_it_lacks_where_it_runs()
    {
        await using TestEngine engine = new(TestMode.Manual);
        engine.StartNew<Endless, int>(1);
        engine.AssertStarted<Endless, int>();
        Assert.Contains(nameof(IBackgroundTasks), Assert.Throws<InvalidOperationException>(() => engine.Drain()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_refused_was_not_started()
    {
        await using TestEngine engine = new(TestMode.Manual, engineOptions: new BackrunOptions { Queues = { ["default"] = new QueueOptions { Capacity = 1 } } });
        engine.StartNew<SendMail, Mail>(new Mail { To = "first" });
        Assert.Throws<QueueFullException>(() => engine.StartNew<SendMail, Mail>(new Mail { To = "second" }));
        await Assert.ThrowsAsync<QueueFullException>(async () => await engine.SubmitAsync<SendMail, Mail>(new Mail(), cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<QueueFullException>(() => engine.SubmitMany<SendMail, Mail>([new Mail(), new Mail()]));
        Assert.Equal("first", engine.AssertStarted<SendMail, Mail>().Parameters.To);
        Assert.Equal(1, engine.Drain());
    }

    [Fact]
    public async Task Options_are_checked_as_outside_of_tests()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TestEngine((TestMode)3));
        Assert.Contains("Concurrency", Assert.Throws<ArgumentOutOfRangeException>(() => new TestEngine(TestMode.Manual, new TestEngineOptions { Concurrency = 65 })).Message, StringComparison.Ordinal);
        Assert.Contains("MostRuns", Assert.Throws<ArgumentOutOfRangeException>(() => new TestEngine(TestMode.Manual, new TestEngineOptions { MostRuns = 0 })).Message, StringComparison.Ordinal);
        Assert.Contains("MostNested", Assert.Throws<ArgumentOutOfRangeException>(() => new TestEngine(TestMode.Manual, new TestEngineOptions { MostNested = 129 })).Message, StringComparison.Ordinal);
        Assert.Contains("Limit", Assert.Throws<ArgumentOutOfRangeException>(() => new TestEngine(TestMode.Manual, new TestEngineOptions { Limit = TimeSpan.Zero })).Message, StringComparison.Ordinal);
        Assert.Contains("in memory", Assert.Throws<ArgumentException>(() => new TestEngine(TestMode.Manual, null, new BackrunOptions { Store = BackrunStore.Sqlite("tasks.db") })).Message, StringComparison.Ordinal);
        await using TestEngine engine = new(TestMode.Manual);
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.Engine.ConfigureQueue("mail", new QueueOptions { Workers = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.StartNew<SendMail, Mail>(new Mail(), new StartOptions { Delay = TimeSpan.FromDays(40_000) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.Advance(-TimeSpan.FromSeconds(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.AssertStartedTimes<SendMail, Mail>(-1));
        engine.AssertNothingStarted();
    }

    [Fact]
    public async Task A_hundred_tests_with_an_engine_each_run_at_the_same_time()
    {
        await Task.WhenAll(Enumerable.Range(0, 100).Select(static number => Task.Run(async () =>
        {
            await using TestEngine engine = new(number % 2 == 0 ? TestMode.Inline : TestMode.Manual);
            List<int> seen = [];
            engine.StartNew<Act, int>(Acts.Add((Action)(() => seen.Add(number))));
            engine.Drain();
            Assert.Equal([number], seen);
            engine.AssertStarted<Act, int>();
        })));
    }
}
