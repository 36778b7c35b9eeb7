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
        { "BackrunStore.Postgres", new BackrunOptions { Store = BackrunStore.Postgres("host=nowhere") } },
        { "Durability.Committed", new BackrunOptions { Durability = Durability.Committed } },
    };

    public static TheoryData<string, TaskOptions> BadTasks => new()
    {
        { "TaskOptions.TimeLimit is 00:00:00", new TaskOptions { TimeLimit = TimeSpan.Zero } },
        { "TaskOptions.TimeLimit is 36501.00:00:00", new TaskOptions { TimeLimit = TimeSpan.FromDays(36_501) } },
        { "TaskOptions.Grace is -00:00:01", new TaskOptions { Grace = TimeSpan.FromSeconds(-1) } },
        { "TaskOptions.ResultRetention is 00:00:00", new TaskOptions { ResultRetention = TimeSpan.Zero } },
        { "MaxAttempts is 100001; give it 1 to 100000 runs", new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 100_001 } } },
        { "RetryPolicy.Kind is 7", new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 2, Kind = (RetryKind)7 } } },
        { "RetryPolicy.Delay is 00:00:00", new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 2, Delay = TimeSpan.Zero } } },
        { "RetryPolicy.Delay is 366.00:00:00; give it a time longer than zero, up to 365 days", new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 2, Delay = TimeSpan.FromDays(366) } } },
        { "RetryPolicy.MaxDelay is 366.00:00:00", new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 2, MaxDelay = TimeSpan.FromDays(366) } } },
        { "RetryPolicy.Delay is 00:00:05, longer than RetryPolicy.MaxDelay, 00:00:04", new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 2, Delay = TimeSpan.FromSeconds(5), MaxDelay = TimeSpan.FromSeconds(4) } } },
        { "RetryPolicy.Delay is 00:00:01 (its default), longer", new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 2, MaxDelay = TimeSpan.FromMilliseconds(4) } } },
        { "RetryPolicy.JitterPercent is 101", new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 2, JitterPercent = 101 } } },
        { "TaskOptions.Retry says how to wait between attempts and not how many", new TaskOptions { Retry = new RetryPolicy { Delay = TimeSpan.FromSeconds(1) } } },
    };

    public static TheoryData<string, BackrunOptions> BadEngines => new()
    {
        { "BackrunOptions.Workers is 0", new BackrunOptions { Workers = 0 } },
        { "BackrunOptions.Workers is 65; give it 1 to 64", new BackrunOptions { Workers = 65 } },
        { "BackrunOptions.Workers is 5; give it 1 to 4", new BackrunOptions { Workers = 5, MaxWorkers = 4 } },
        { "BackrunOptions.MaxWorkers is 5000; give it 1 to 4096", new BackrunOptions { MaxWorkers = 5000 } },
        { "BackrunOptions.KeepFinished is -1", new BackrunOptions { KeepFinished = -1 } },
        { "BackrunOptions.WorkerStackBytes is 4096", new BackrunOptions { WorkerStackBytes = 4096 } },
        { "BackrunOptions.OwnerWait is -00:00:01; give it zero (not to wait) to 36500 days", new BackrunOptions { Store = BackrunStore.Sqlite("tasks.db"), OwnerWait = TimeSpan.FromSeconds(-1) } },
        { "BackrunOptions.KeepFor is 00:00:00", new BackrunOptions { Store = BackrunStore.Sqlite("tasks.db"), KeepFor = TimeSpan.Zero } },
        { "BackrunOptions.MaxCrashes is 0", new BackrunOptions { Store = BackrunStore.Sqlite("tasks.db"), MaxCrashes = 0 } },
        { "BackrunOptions.ObserverCapacity is 0", new BackrunOptions { ObserverCapacity = 0 } },
        { "BackrunOptions.Durability is 9", new BackrunOptions { Durability = (Durability)9 } },
        { "BackrunOptions.PayloadFormat is 0", new BackrunOptions { PayloadFormat = 0 } },
        { "QueueOptions.Capacity of queue 'default' is 0", new BackrunOptions { Queues = { ["default"] = new QueueOptions { Capacity = 0 } } } },
        { "QueueOptions.ConcurrencyLimit of queue 'q' is -2", new BackrunOptions { Queues = { ["q"] = new QueueOptions { ConcurrencyLimit = -2 } } } },
        { "QueueOptions.AgeingStep of queue 'q' is 00:00:00", new BackrunOptions { Queues = { ["q"] = new QueueOptions { AgeingStep = TimeSpan.Zero } } } },
        { "QueueOptions.WhenFullTimeout of queue 'q' is -00:00:05", new BackrunOptions { Queues = { ["q"] = new QueueOptions { WhenFullTimeout = TimeSpan.FromSeconds(-5) } } } },
        { "QueueOptions.StallThreshold of queue 'q' is 00:00:00", new BackrunOptions { Queues = { ["q"] = new QueueOptions { StallThreshold = TimeSpan.Zero } } } },
        { "66 bytes", new BackrunOptions { Queues = { [new string('ü', 33)] = new QueueOptions() } } },
        { "The name of a queue is empty", new BackrunOptions { Queues = { [" "] = new QueueOptions() } } },
    };

    public static TheoryData<string, StartOptions> BadStarts => new()
    {
        { "StartOptions.Delay is -00:00:01", new StartOptions { Delay = TimeSpan.FromSeconds(-1) } },
        { "both Delay", new StartOptions { Delay = TimeSpan.FromSeconds(1), RunAt = DateTimeOffset.UtcNow } },
        { "StartOptions.Priority is 7", new StartOptions { Priority = (BackgroundTaskPriority)7 } },
        { "StartOptions.Delay is 36501.00:00:00; give it zero (at once) to 36500 days", new StartOptions { Delay = TimeSpan.FromDays(36_501) } },
        { "StartOptions.RunAt is 9999-12-31", new StartOptions { RunAt = DateTimeOffset.MaxValue } },
        { "MaxAttempts is 0", new StartOptions { MaxAttempts = 0 } },
        { "both MaxAttempts (2) and Retry.MaxAttempts (3)", new StartOptions { MaxAttempts = 2, Retry = new RetryPolicy { MaxAttempts = 3 } } },
        { "StartOptions.Retry says how to wait", new StartOptions { Retry = new RetryPolicy { JitterPercent = 0 } } },
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

    [Fact]
    public async Task A_start_that_this_version_cannot_do_is_refused_by_the_options_name()
    {
        using BackrunEngine engine = Engines.New();
        const string name = "Durability.Committed";
        StartOptions options = new() { Durability = Durability.Committed };
        Assert.Contains(name, Assert.Throws<NotSupportedException>(() => engine.Start(static () => { }, options)).Message, StringComparison.Ordinal);
        Assert.Contains(name, Assert.Throws<NotSupportedException>(() => engine.SubmitMany<Act, int>([1, 2], options)).Message, StringComparison.Ordinal);
        Assert.Contains(name, (await Assert.ThrowsAsync<NotSupportedException>(async () => await engine.SubmitAsync<Act, int>(1, options))).Message, StringComparison.Ordinal);
        Assert.Equal(0, engine.GetStatistics().Accepted);
    }

    [Theory]
    [MemberData(nameof(BadTasks), DisableDiscoveryEnumeration = true)]
    public void An_option_of_a_task_out_of_its_range_is_named_with_its_value_and_can_be_mended(string message, TaskOptions options)
    {
        using BackrunEngine engine = Engines.New();
        Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => engine.Register<Act, int>(options: options)).Message, StringComparison.Ordinal);
        engine.Register<Act, int>();
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
        engine.Register<Act, int>(options: new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 1, Delay = TimeSpan.FromDays(365) } });
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
