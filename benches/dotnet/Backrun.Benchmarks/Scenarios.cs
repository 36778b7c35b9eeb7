using System.Collections.Generic;
using Backrun.Benchmarks.Children;
using Backrun.Benchmarks.Contenders;
using Backrun.Benchmarks.Measuring;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks;

/// <summary>What is compared. The first contender of each scenario is Backrun.</summary>
internal static class Scenarios
{
    private const int Batch = 32;

    public static List<IScenario> All() =>
    [
        new ThroughputScenario("no-op", "tasks that do nothing, 100 bytes, 1 producer", 1,
            workers => new BackrunNative(workers),
            workers => new BackrunBytes(workers),
            workers => new NoOpChannelOfBytes(workers),
            workers => new NoOpChannelByReference(workers)),
        new ThroughputScenario("no-op-batch", $"tasks that do nothing, 100 bytes, {Batch} tasks a call, 1 producer", 1,
            workers => new BackrunNative(workers, Batch),
            workers => new BackrunNative(workers),
            workers => new NoOpChannelOfBytes(workers)),
        Whole<KeyedParameters>("int-keys-1", "whole path, integer keys, 1 producer", PayloadFormat.Standard, 1),
        Whole<KeyedParameters>("int-keys-2", "whole path, integer keys, 2 producers", PayloadFormat.Standard, 2),
        Whole<NamedParameters>("contractless-1", "whole path, contractless, 1 producer", PayloadFormat.Contractless, 1),
        Whole<NamedParameters>("contractless-2", "whole path, contractless, 2 producers",
            PayloadFormat.Contractless, 2),
        new ThroughputScenario("batch", $"whole path, integer keys, {Batch} tasks a call, 1 producer", 1,
            workers => new BackrunTyped<KeyedParameters>(workers, PayloadFormat.Standard, Batch),
            workers => new BackrunTyped<KeyedParameters>(workers, PayloadFormat.Standard),
            workers => new ChannelOfBytes<KeyedParameters>(workers, PayloadFormat.Standard)),
        new ThroughputScenario("awaited", "1,000 callers, each awaits its task", 1,
            workers => new BackrunAwaited(workers),
            workers => new ChannelAwaited(workers)),
        new LatencyScenario("idle", "from hand-over to the first instruction of Run, a task each ms",
            workers => new BackrunIdle(workers),
            workers => new ChannelIdle(workers),
            _ => new ThreadPoolIdle()),
        new ChildScenario("backlog", "1,000,000 tasks of 100 bytes that wait: memory of one, and the collector",
            BacklogMeter.Columns, false,
            ("Backrun", "backlog-backrun"),
            ("Channel<byte[]>", "backlog-bytes"),
            ("Channel<T> of objects with bytes", "backlog-references")),
        new ChildScenario("start", "from the start of a process to the end of its first task, by the JIT", ["ms"], true,
            ("Backrun", "start-backrun"),
            ("Channel<byte[]> and MessagePack", "start-bytes"),
            ("Channel<Action>", "start-channel"),
            ("(no task at all)", "start-nothing")),
    ];

    private static ThroughputScenario Whole<TParameters>(string name, string title, PayloadFormat format, int producers)
        where TParameters : ISample<TParameters> =>
        new(name, title, producers,
            workers => new BackrunTyped<TParameters>(workers, format),
            workers => new ChannelOfBytes<TParameters>(workers, format),
            _ => new NoQueue<TParameters>(format));
}
