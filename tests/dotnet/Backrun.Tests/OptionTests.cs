using System;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

/// <summary>Bad options are named with their value and limits; what this version cannot do yet is named, and nothing is ignored.</summary>
public sealed class OptionTests
{
    public static TheoryData<string, BackrunOptions> EnginesOfLater => new()
    {
        { "BackrunStore.Sqlite", new BackrunOptions { Store = BackrunStore.Sqlite("tasks.db") } },
        { "BackrunStore.Postgres", new BackrunOptions { Store = BackrunStore.Postgres("host=nowhere") } },
        { "Durability.Committed", new BackrunOptions { Durability = Durability.Committed } },
        { "PayloadFormat.Typeless", new BackrunOptions { PayloadFormat = PayloadFormat.Typeless } },
        { "QueueOptions.StallThreshold", new BackrunOptions { Queues = { ["default"] = new QueueOptions { StallThreshold = TimeSpan.FromMilliseconds(100) } } } },
        { "QueueOptions.StallThreshold", new BackrunOptions { Queues = { ["other"] = new QueueOptions { StallThreshold = TimeSpan.FromMilliseconds(100) } } } },
    };

    public static TheoryData<string, StartOptions> StartsOfLater => new()
    {
        { "StartOptions.Delay", new StartOptions { Delay = TimeSpan.FromSeconds(1) } },
        { "StartOptions.RunAt", new StartOptions { RunAt = DateTimeOffset.UtcNow.AddMinutes(1) } },
        { "StartOptions.TimeLimit", new StartOptions { TimeLimit = TimeSpan.FromSeconds(1) } },
        { "MaxAttempts", new StartOptions { MaxAttempts = 2 } },
        { "Durability.Committed", new StartOptions { Durability = Durability.Committed } },
    };

    public static TheoryData<string, TaskOptions> TasksOfLater => new()
    {
        { "TaskOptions.TimeLimit", new TaskOptions { TimeLimit = TimeSpan.FromSeconds(1) } },
        { "TaskOptions.Grace", new TaskOptions { Grace = TimeSpan.FromSeconds(1) } },
        { "TaskOptions.ResultRetention", new TaskOptions { ResultRetention = TimeSpan.FromSeconds(1) } },
        { "MaxAttempts", new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 3 } } },
        { "RetryPolicy.Kind", new TaskOptions { Retry = new RetryPolicy { Kind = RetryKind.Exponential } } },
        { "RetryPolicy.Delay", new TaskOptions { Retry = new RetryPolicy { Delay = TimeSpan.FromSeconds(1) } } },
        { "RetryPolicy.MaxDelay", new TaskOptions { Retry = new RetryPolicy { MaxDelay = TimeSpan.FromSeconds(1) } } },
        { "RetryPolicy.JitterPercent", new TaskOptions { Retry = new RetryPolicy { JitterPercent = 0 } } },
    };

    public static TheoryData<string, BackrunOptions> BadEngines => new()
    {
        { "BackrunOptions.Workers is 0", new BackrunOptions { Workers = 0 } },
        { "BackrunOptions.Workers is 65; give it 1 to 64", new BackrunOptions { Workers = 65 } },
        { "BackrunOptions.Workers is 5; give it 1 to 4", new BackrunOptions { Workers = 5, MaxWorkers = 4 } },
        { "BackrunOptions.MaxWorkers is 5000; give it 1 to 4096", new BackrunOptions { MaxWorkers = 5000 } },
        { "BackrunOptions.KeepFinished is -1", new BackrunOptions { KeepFinished = -1 } },
        { "BackrunOptions.WorkerStackBytes is 4096", new BackrunOptions { WorkerStackBytes = 4096 } },
        { "BackrunOptions.ObserverCapacity is 0", new BackrunOptions { ObserverCapacity = 0 } },
        { "BackrunOptions.Durability is 9", new BackrunOptions { Durability = (Durability)9 } },
        { "BackrunOptions.PayloadFormat is 0", new BackrunOptions { PayloadFormat = 0 } },
        { "QueueOptions.Capacity of queue 'default' is 0", new BackrunOptions { Queues = { ["default"] = new QueueOptions { Capacity = 0 } } } },
        { "QueueOptions.ConcurrencyLimit of queue 'q' is -2", new BackrunOptions { Queues = { ["q"] = new QueueOptions { ConcurrencyLimit = -2 } } } },
        { "QueueOptions.AgeingStep of queue 'q' is 00:00:00", new BackrunOptions { Queues = { ["q"] = new QueueOptions { AgeingStep = TimeSpan.Zero } } } },
        { "QueueOptions.WhenFullTimeout of queue 'q' is -00:00:05", new BackrunOptions { Queues = { ["q"] = new QueueOptions { WhenFullTimeout = TimeSpan.FromSeconds(-5) } } } },
        { "66 bytes", new BackrunOptions { Queues = { [new string('ü', 33)] = new QueueOptions() } } },
        { "The name of a queue is empty", new BackrunOptions { Queues = { [" "] = new QueueOptions() } } },
    };

    public static TheoryData<string, StartOptions> BadStarts => new()
    {
        { "StartOptions.Delay is -00:00:01", new StartOptions { Delay = TimeSpan.FromSeconds(-1) } },
        { "both Delay", new StartOptions { Delay = TimeSpan.FromSeconds(1), RunAt = DateTimeOffset.UtcNow } },
        { "StartOptions.Priority is 7", new StartOptions { Priority = (BackgroundTaskPriority)7 } },
        { "MaxAttempts is 0", new StartOptions { MaxAttempts = 0 } },
        { "StartOptions.TimeLimit is 00:00:00", new StartOptions { TimeLimit = TimeSpan.Zero } },
        { "StartOptions.WhenFull is 7", new StartOptions { WhenFull = (WhenFull)7 } },
        { "StartOptions.Queue is empty", new StartOptions { Queue = string.Empty } },
        { "65 bytes", new StartOptions { Queue = new string('q', 65) } },
    };

    [Theory]
    [MemberData(nameof(EnginesOfLater), DisableDiscoveryEnumeration = true)]
    public void An_engine_that_this_version_cannot_be_is_refused_by_the_options_name(string name, BackrunOptions options)
    {
        NotSupportedException thrown = Assert.Throws<NotSupportedException>(() => new BackrunEngine(options));
        Assert.Contains(name, thrown.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("backrun_", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(StartsOfLater), DisableDiscoveryEnumeration = true)]
    public async Task A_start_that_this_version_cannot_do_is_refused_by_the_options_name(string name, StartOptions options)
    {
        using BackrunEngine engine = Engines.New();
        Assert.Contains(name, Assert.Throws<NotSupportedException>(() => engine.Start(static () => { }, options)).Message, StringComparison.Ordinal);
        Assert.Contains(name, Assert.Throws<NotSupportedException>(() => engine.SubmitMany<Act, int>([1, 2], options)).Message, StringComparison.Ordinal);
        Assert.Contains(name, (await Assert.ThrowsAsync<NotSupportedException>(async () => await engine.SubmitAsync<Act, int>(1, options))).Message, StringComparison.Ordinal);
        Assert.Equal(0, engine.GetStatistics().Accepted);
    }

    [Theory]
    [MemberData(nameof(TasksOfLater), DisableDiscoveryEnumeration = true)]
    public void Task_options_that_this_version_cannot_do_are_refused_by_name_and_can_be_mended(string name, TaskOptions options)
    {
        using BackrunEngine engine = Engines.New();
        NotSupportedException thrown = Assert.Throws<NotSupportedException>(() => engine.Register<Act, int>(options: options));
        Assert.Contains(name, thrown.Message, StringComparison.Ordinal);
        engine.Register<Act, int>();
    }

    [Fact]
    public async Task What_this_version_cannot_do_yet_is_refused_by_the_methods_name()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = engine.Start(static () => throw new InvalidOperationException("on purpose"));
        await handle.Fails<InvalidOperationException>();
        (string Name, Action Call)[] calls =
        [
            ("PauseQueue", () => engine.PauseQueue("default")),
            ("ResumeQueue", () => engine.ResumeQueue("default")),
            ("ListTasks", () => engine.ListTasks()),
            ("ListTasks", () => engine.ListTasks(new TaskFilter { States = [BackgroundTaskState.Dead], Queue = "default", TaskName = "x", AfterId = handle.Id, FinalFor = TimeSpan.FromSeconds(1), Limit = 5 })),
            ("Replay", () => engine.Replay(handle.Id)),
            ("Purge", () => engine.Purge()),
        ];
        Assert.All(calls, static call => Assert.Contains(call.Name, Assert.Throws<NotSupportedException>(call.Call).Message, StringComparison.Ordinal));
        await engine.Start(static () =>
        {
            Assert.Contains("ReportProgress", Assert.Throws<NotSupportedException>(static () => BackgroundTaskContext.Current!.ReportProgress(0.5, "half")).Message, StringComparison.Ordinal);
            Assert.Contains("SetResult", Assert.Throws<NotSupportedException>(static () => BackgroundTaskContext.Current!.SetResult(5)).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentOutOfRangeException>(static () => BackgroundTaskContext.Current!.ReportProgress(double.NaN));
        }).Done();
        await engine.StartAsync(static async (context, _) =>
        {
            await Task.Yield();
            Assert.Contains("ReportProgress", Assert.Throws<NotSupportedException>(() => context.ReportProgress(0.5)).Message, StringComparison.Ordinal);
            Assert.Contains("SetResult", Assert.Throws<NotSupportedException>(() => context.SetResult("x")).Message, StringComparison.Ordinal);
        }).Done();
    }

    [Theory]
    [MemberData(nameof(BadEngines), DisableDiscoveryEnumeration = true)]
    public void An_option_of_an_engine_out_of_its_range_is_named_with_its_value(string message, BackrunOptions options) =>
        Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => new BackrunEngine(options)).Message, StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(BadStarts), DisableDiscoveryEnumeration = true)]
    public void An_option_of_a_start_out_of_its_range_is_named_with_its_value(string message, StartOptions options)
    {
        using BackrunEngine engine = Engines.New();
        Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => engine.Start(static () => { }, options)).Message, StringComparison.Ordinal);
        Assert.Equal(0, engine.GetStatistics().Accepted);
    }

    [Fact]
    public async Task Options_that_say_what_is_so_anyway_are_taken()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Store = BackrunStore.Memory, Durability = Durability.Buffered, KeepDead = 0, Queues = { ["default"] = new QueueOptions { Workers = 1 } } });
        engine.Register<Act, int>(options: new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 1 } });
        await engine.Start(static () => { }, new StartOptions { MaxAttempts = 1, Durability = Durability.Buffered, Delay = TimeSpan.Zero }).Done();
        Assert.Equal("Memory", BackrunStore.Memory.ToString());
        Assert.DoesNotContain("secret", BackrunStore.Postgres("password=secret").ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => BackrunStore.Sqlite(" "));
    }

    [Fact]
    public async Task Options_are_copied()
    {
        BackrunOptions options = new() { Workers = 1, Queues = { ["small"] = new QueueOptions { Capacity = 5, WhenFull = WhenFull.Wait } } };
        using BackrunEngine engine = Engines.New(options);
        options.PayloadFormat = PayloadFormat.Standard;
        options.Queues["small"].WhenFull = WhenFull.Refuse;
        options.Queues.Clear();
        await engine.StartNew<Take<SerialisationTests.Node>, SerialisationTests.Node>(new SerialisationTests.Node(), new StartOptions { Queue = "small" }).Done();
    }
}
