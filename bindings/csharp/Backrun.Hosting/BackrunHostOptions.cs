using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace Backrun.Hosting;

/// <summary>
/// How the engine of a host is made and ended. A store has to be chosen; all else has a default. Read once, when the host starts, and checked then: what is changed later has no effect.
/// </summary>
public sealed class BackrunHostOptions : BackrunOptions
{
    private readonly List<Action<BackrunEngine>> _registrations = [];

    /// <summary>With every default; <see cref="BackrunOptions.LogScopes"/> are on, as the host's loggers show them where they are told to.</summary>
    public BackrunHostOptions() => LogScopes = true;

    /// <summary>
    /// How the engine ends with the host. <see cref="ShutdownMode.Cancel"/>: nothing more starts, what runs is asked to stop; <see cref="ShutdownMode.Drain"/>: what is queued still runs, and what runs goes on,
    /// as long as there is time. Null: <see cref="ShutdownMode.Cancel"/> with a durable store, which has everything again after the next start, and <see cref="ShutdownMode.Drain"/> with the memory store,
    /// which would lose it.
    /// </summary>
    public ShutdownMode? Shutdown { get; set; }

    /// <summary>
    /// How long that may take: longer than zero, up to 36,500 days. The host's own limit for all its services (<c>HostOptions.ShutdownTimeout</c>, 30 s unless set) counts in any case. Null: as long as that leaves.
    /// </summary>
    public TimeSpan? ShutdownTimeout { get; set; }

    /// <summary>
    /// Whether this is <see cref="BackrunEngine.Default"/> too, so that the static <see cref="BackgroundTasks"/> start their tasks in it. For one host a process: it can be set once, and stays after the host
    /// has ended.
    /// </summary>
    public bool UseAsDefault { get; set; }

    /// <summary>What is done with the engine when it has been made: the registrations of tasks.</summary>
    internal IReadOnlyList<Action<BackrunEngine>> Registrations => _registrations;

    /// <summary>What could not be read of a configuration.</summary>
    internal List<string> Problems { get; } = [];

    /// <summary>The keys of what was read of a configuration, by the names that the engine has for it.</summary>
    internal Dictionary<string, string> Keys { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Names a class that runs tasks: see <see cref="BackrunEngine.Register"/>. Needed for tasks that a durable store has from an earlier process, which run from then on, and for options.
    /// </summary>
    /// <typeparam name="TTask">The class.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="name">Null: that of its <see cref="BackgroundTaskAttribute"/>, else its full name.</param>
    /// <param name="options">Null for the defaults.</param>
    public void Register<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(string? name = null, TaskOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters> => _registrations.Add(engine => engine.Register<TTask, TParameters>(name, options));
}
