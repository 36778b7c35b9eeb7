using System;
using System.Collections.Generic;
using System.Diagnostics.Metrics;
using System.Reflection;
using Backrun.Internals;
using MessagePack;
using Microsoft.Extensions.Logging;

namespace Backrun;

/// <summary>How an engine is made. What is null has its default. Copied: changes after the engine was made have no effect on it.</summary>
public class BackrunOptions
{
    private BackrunStore? _store;

    /// <summary>
    /// Tells this engine apart from others of the process in metrics and spans (<c>messaging.backrun.engine</c>); 1 to 64 bytes of printable UTF-8. Give each one a name where several share a
    /// <see cref="MeterFactory"/>. Null: none.
    /// </summary>
    public string? Name { get; set; }

    /// <summary>Threads of a queue that does not say how many, 1 to <see cref="MaxWorkers"/>. Null: one a core, at least 2.</summary>
    public int? Workers { get; set; }

    /// <summary>Worker threads of the whole engine at one time, those of all queues and those that replace stalled ones together; 1 to 4096. Null: 64.</summary>
    public int? MaxWorkers { get; set; }

    /// <summary>Where accepted tasks live until they are done. <see cref="BackrunStore.Postgres"/>: not yet.</summary>
    public BackrunStore Store
    {
        get => _store ?? BackrunStore.Memory;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _store = value;
        }
    }

    /// <summary>
    /// How safe a task is when the call that started it returns. Null: <see cref="Backrun.Durability.Committed"/> with a durable store, <see cref="Backrun.Durability.Buffered"/> with the
    /// memory store, which refuses the other one.
    /// </summary>
    public Durability? Durability { get; set; }

    /// <summary>
    /// How long the constructor of the engine waits for another process that has the store's file, up to 36,500 days; <see cref="TimeSpan.Zero"/>: not at all. One that has ended, however it did, is not
    /// waited for. Null: 30 s, time for an application that is replaced by its next version. Only with a durable store.
    /// </summary>
    public TimeSpan? OwnerWait { get; set; }

    /// <summary>How parameters and results are written.</summary>
    public PayloadFormat PayloadFormat { get; set; } = PayloadFormat.Contractless;

    /// <summary>
    /// Formatters of the application: asked for each type before the resolver of the <see cref="PayloadFormat"/> is, of parameters, of results and of what is inside them. For types that a format cannot write, and for
    /// NativeAOT, where a formatter that an attribute names is made by reflection, and one that is handed over is not: <c>CompositeResolver.Create(new MoneyFormatter())</c>. Where it answers null the type is
    /// written as the format says. It is called on any thread, on several at once, and what it has answered for a type is kept as long as the engine is. A user connection inside parameters stays refused.
    /// Who else reads or writes these tasks (a native handler, an engine of the next version) has to know the formatters too.
    /// </summary>
    public IFormatterResolver? FormatterResolver { get; set; }

    /// <summary>
    /// Assemblies whose types payloads of <see cref="Backrun.PayloadFormat.Typeless"/> may name, besides those of the registered task and parameter types. What is named by a payload is made when it is read,
    /// so list what holds data. What MessagePack-CSharp denies stays denied.
    /// </summary>
    public ISet<Assembly> TypelessAssemblies { get; } = new HashSet<Assembly>();

    /// <summary>As <see cref="TypelessAssemblies"/>, single types; a generic definition allows it with all arguments that are allowed.</summary>
    public ISet<Type> TypelessTypes { get; } = new HashSet<Type>();

    /// <summary>
    /// Whether each call that starts a task also reads the parameters back, and throws a <see cref="TaskSerializationException"/> where they cannot be. For
    /// development and tests: it costs as much as the run's own reading. It does not compare values: what a type does not hand to the serialiser is not missed.
    /// </summary>
    public bool VerifyRoundTrip { get; set; }

    /// <summary>
    /// Where the constructor parameters of tasks come from; each run of a task that has some gets a scope of its own. Also asked, once each, for an
    /// <see cref="ILoggerFactory"/>, an <see cref="IMeterFactory"/> and an <see cref="IUserConnectionFactory"/> where the properties of that name are null.
    /// </summary>
    public IServiceProvider? Services { get; set; }

    /// <summary>
    /// Where the engine's log lines go, as category <c>Backrun</c>. Without one (here or in <see cref="Services"/>) warnings and errors go to the standard
    /// error output, so that nothing fails silently. The engine asks once, when it is made, whether Debug is enabled. Loggers are called on the engine's observer
    /// thread and have to return promptly.
    /// </summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>
    /// Whether log lines of each run, of any logger of <see cref="LoggerFactory"/>, stand in a scope with its <c>TaskId</c>, <c>TaskName</c> and <c>Attempt</c>. Costs each run some objects.
    /// </summary>
    public bool LogScopes { get; set; }

    /// <summary>
    /// Makes the meter <c>Backrun</c>, by which <c>docs/hosting.md</c> names the instruments. Where it is null, <see cref="Services"/> is asked for one, and without one the engine makes a meter of its own. Where
    /// nobody listens it allocates nothing.
    /// </summary>
    public IMeterFactory? MeterFactory { get; set; }

    /// <summary>Opens the connections of tasks that run on behalf of a user.</summary>
    public IUserConnectionFactory? UserConnectionFactory { get; set; }

    /// <summary>
    /// The queues, by name (1 to 64 bytes of printable UTF-8). The queue <c>default</c> exists always, and has its options from here too. More can be made later
    /// by <see cref="BackrunEngine.ConfigureQueue"/>.
    /// </summary>
    public IDictionary<string, QueueOptions> Queues { get; } = new Dictionary<string, QueueOptions>(StringComparer.Ordinal);

    /// <summary>
    /// Finished tasks (succeeded, cancelled, dropped) whose status is kept, newest first; 0: none. Null: 10,000. Where it is null or 10,000 and more, up to 1,000,000 older
    /// ones are kept too for a second from their end on, without the reason of a cancellation, so that whoever started a task a moment ago can still ask for it. A smaller
    /// number is exact. With a durable store they lie in its file, and survive the process.
    /// </summary>
    public long? KeepFinished { get; set; }

    /// <summary>Dead tasks whose status is kept, newest first; 0: none. Null: 10,000. A durable store keeps those with the largest ids, in its file.</summary>
    public long? KeepDead { get; set; }

    /// <summary>
    /// How long a durable store keeps tasks that have ended, finished and dead ones, where <see cref="KeepFinished"/> and <see cref="KeepDead"/> leave them: whole milliseconds, up to 36,500 days.
    /// What is older is forgotten with one of the next commits, which look at a thousand of a kind once a second; an engine that has nothing to do forgets nothing. Null: however long ago they have
    /// ended. Only with a durable store.
    /// </summary>
    public TimeSpan? KeepFor { get; set; }

    /// <summary>
    /// A task of a durable store that ran at so many unclean ends of a process is dead and not run again, unless it is replayed (<see cref="BackrunEngine.Replay"/>): so that a task which ends the process
    /// does not do so at each start. 1: nothing that ran at one is run again. Null: 3. Only with a durable store.
    /// </summary>
    public int? MaxCrashes { get; set; }

    /// <summary>How payloads, user contexts and results are encrypted in a durable store. Null: they are not. Only with a durable store.</summary>
    public EncryptionOptions? Encryption { get; set; }

    /// <summary>Stack of each worker thread in bytes, from 1.5 MiB to 1 GiB; address space, not memory, until used. Null: 8 MiB.</summary>
    public long? WorkerStackBytes { get; set; }

    /// <summary>Events, and as many log lines, that may wait to be delivered; more are counted and dropped. At least 1. Null: 8192.</summary>
    public int? ObserverCapacity { get; set; }

    /// <summary>The store, where it was set: those who make it a duty to choose one ask.</summary>
    internal BackrunStore? ChosenStore => _store;

    /// <summary>Time passes for delays, retries, time limits and stalls only by <see cref="BackrunEngine.AdvanceTime"/>: for tests.</summary>
    internal bool ManualTime { get; set; }

    /// <summary>The test that this engine is made for; null: none.</summary>
    internal EngineProbe? Probe { get; set; }

    /// <summary>A copy with other queues, assemblies and types in common: to change what is no collection.</summary>
    internal BackrunOptions Copy() => (BackrunOptions)MemberwiseClone();
}
