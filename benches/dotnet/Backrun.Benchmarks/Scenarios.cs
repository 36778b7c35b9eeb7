using System.Collections.Generic;
using Backrun.Benchmarks.Children;
using Backrun.Benchmarks.Codec;
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
        Typeless("typeless-1", "whole path, typeless, 1 producer", 1),
        Typeless("typeless-2", "whole path, typeless, 2 producers", 2),
        new ThroughputScenario("batch", $"whole path, integer keys, {Batch} tasks a call, 1 producer", 1,
            workers => new BackrunTyped<KeyedParameters>(workers, PayloadFormat.Standard, Batch),
            workers => new BackrunTyped<KeyedParameters>(workers, PayloadFormat.Standard),
            workers => new ChannelOfBytes<KeyedParameters>(workers, PayloadFormat.Standard)),
        new ThroughputScenario("schedulers", "whole path, contractless, 1 producer, against other schedulers", 1,
            workers => new BackrunTyped<NamedParameters>(workers, PayloadFormat.Contractless),
            // No scheduler: what is left of the distance if a queue costs next to nothing.
            workers => new ChannelOfBytes<NamedParameters>(workers, PayloadFormat.Contractless),
            workers => new HangfireTyped(workers),
            workers => new QuartzTyped<NamedParameters>(workers, PayloadFormat.Contractless),
            _ => new CoravelTyped<NamedParameters>(PayloadFormat.Contractless),
            workers => new WolverineTyped(workers)),
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
        Blocked("blocked-sleeping", "1,000 short tasks behind 8 that sleep for 20 s, 4 workers"),
        Blocked("blocked-burning", "1,000 short tasks behind 8 loops that burn a core each, 2 workers"),
        Blocked("blocked-five", "1,000 short tasks behind 2 that sleep for 20 s, 5 workers"),
        new ChildScenario("timers-waiting", "1,000,000 tasks that wait for their time: handing over one, memory of one",
            TimersMeter.WaitingColumns, false,
            ("Backrun, C ABI", "timers-waiting/backrun"),
            ("Backrun", "timers-waiting/package"),
            ("System.Threading.Timer", "timers-waiting/timer")),
        new ChildScenario("timers-burst", "100,000 tasks due at one instant: how late they are",
            TimersMeter.LateColumns, false,
            ("Backrun, C ABI", "timers-burst/backrun"),
            ("Backrun", "timers-burst/package"),
            ("System.Threading.Timer", "timers-burst/timer"),
            ("Quartz in memory", "timers-burst/quartz")),
        new ChildScenario("timers-stream", "300,000 tasks due one after the other, 100,000 a second: how late they are",
            TimersMeter.LateColumns, false,
            ("Backrun, C ABI", "timers-stream/backrun"),
            ("Backrun", "timers-stream/package"),
            ("System.Threading.Timer", "timers-stream/timer")),
        new ChildScenario("durable", "tasks that outlive the process, in a file of SQLite's, 2 workers", DurableMeter.Columns, false,
            ("Backrun, StartNew", "durable/backrun"),
            ("Backrun, SubmitAsync", "durable/backrun-many"),
            ("Backrun, SubmitAsync, buffered", "durable/backrun-buffered"),
            ("Wolverine, durable local queue", "durable/wolverine"),
            ("Hangfire, default", "durable/hangfire"),
            ("Hangfire, looks each ms", "durable/hangfire-polling"),
            ("(fdatasync of a 4 KiB append)", "durable/disk"))
        {
            MoreIsBetter = DurableMeter.MoreIsBetter,
            IsOnRequest = true,
        },
        new ChildScenario("test-engine", "an engine for each test: made, one task run, ended; medians of 500", TestEngineMeter.Columns, false,
            ("TestEngine, at the call", "test-engine/inline"),
            ("TestEngine, drained", "test-engine/manual"),
            ("BackrunEngine", "test-engine/plain"))
        {
            IsOnRequest = true,
        },
        new ChildScenario("start", "from the start of a process to the end of its first task, by the JIT", ["ms"], true,
            ("Backrun", "start-backrun"),
            ("Channel<byte[]> and MessagePack", "start-bytes"),
            ("Channel<Action>", "start-channel"),
            ("(no task at all)", "start-nothing")),
        .. CodecScenarios.All(),
    ];

    private static ChildScenario Blocked(string name, string title) =>
        new(name, title, BlockedMeter.Columns, false,
            ("Backrun", name + "/backrun"),
            ("Channel<T>", name + "/channel"),
            ("ThreadPool", name + "/pool"),
            ("Akka, round-robin pool", name + "/akka"),
            ("Hangfire in memory", name + "/hangfire"),
            ("Coravel", name + "/coravel"),
            ("Quartz in memory", name + "/quartz"))
        {
            Limit = BlockedMeter.LimitMilliseconds,
        };

    private static ThroughputScenario Typeless(string name, string title, int producers) =>
        new(name, title, producers,
            workers => new BackrunTyped<NamedParameters>(workers, PayloadFormat.Typeless),
            workers => new BackrunTypeless(workers),
            workers => new ChannelOfBytes<NamedParameters>(workers, PayloadFormat.Typeless),
            workers => new ChannelTypeless(workers),
            _ => new AkkaTypeless(),
            _ => new NoQueue<NamedParameters>(PayloadFormat.Typeless));

    private static ThroughputScenario Whole<TParameters>(string name, string title, PayloadFormat format, int producers)
        where TParameters : ISample<TParameters> =>
        new(name, title, producers,
            workers => new BackrunTyped<TParameters>(workers, format),
            workers => new ChannelOfBytes<TParameters>(workers, format),
            _ => new NoQueue<TParameters>(format));
}
