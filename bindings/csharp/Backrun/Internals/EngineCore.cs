using System;
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Threading;
using Backrun.Native;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Backrun.Internals;

/// <summary>
/// What native's callbacks reach of an engine. It lives until native has let go of the engine and of every handler. It must not keep the <see cref="BackrunEngine"/> nor
/// its handle alive: an engine that everybody forgot is found by the garbage collector, and given up.
/// </summary>
internal sealed class EngineCore
{
    private readonly IUserConnectionFactory? _connections;
    private readonly WeakReference<BackrunEngine> _owner;
    private WeakReference<EngineHandle>? _engine;
    private int _references = 1;

    internal EngineCore(BackrunEngine owner, BackrunOptions options)
    {
        _owner = new WeakReference<BackrunEngine>(owner);
        Services = options.Services;
        OptionProblems.CheckName(options);
        Name = options.Name;
        Formats = new EngineFormats(options);
        IsDurable = options.Store.IsDurable;
        VerifyRoundTrip = options.VerifyRoundTrip;
        Probe = options.Probe;
        _connections = options.UserConnectionFactory ?? Services?.GetService<IUserConnectionFactory>();
        Log = new LogBridge(options.LoggerFactory ?? Services?.GetService<ILoggerFactory>(), options.LogScopes, Failures);
        Finished = new FinishedEvents(this);
        Completions = new Completions(this);
        Registrations = new Registrations(this);
        Metrics = new EngineMetrics(this, options.MeterFactory ?? Services?.GetService<IMeterFactory>());
        Key = EngineTable.Add(this);
    }

    /// <summary>What native is given for this engine.</summary>
    internal nint Key { get; }

    /// <summary>What tells it apart from other engines of the process; null: nothing.</summary>
    internal string? Name { get; }

    internal IServiceProvider? Services { get; }

    internal EngineFormats Formats { get; }

    internal bool VerifyRoundTrip { get; }

    /// <summary>The test that this engine is made for; null: none.</summary>
    internal EngineProbe? Probe { get; }

    /// <summary>Whether tasks outlive the process.</summary>
    internal bool IsDurable { get; }

    internal Cultures Cultures { get; } = new();

    internal FailureStore Failures { get; } = new();

    internal LogBridge Log { get; }

    internal EngineMetrics Metrics { get; }

    internal Cancellations Cancellations { get; } = new();

    internal Completions Completions { get; }

    internal FinishedEvents Finished { get; }

    internal Registrations Registrations { get; }

    /// <summary>Asynchronous runs that wait: kept here, so that nothing collects a run, and its engine, that only its own continuation refers to.</summary>
    internal ConcurrentDictionary<PendingRun, byte> PendingRuns { get; } = new();

    /// <summary>The queues as they were last configured, by name: what a full one does is needed here too.</summary>
    internal ConcurrentDictionary<string, QueueOptions> Queues { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether waiting for the engine here would wait for the current thread, or the current run, itself.</summary>
    internal bool IsInside =>
        ObserverCallbacks.IsInCallbackOf(this) || WorkerRun.Active?.Core == this || BackgroundTaskContext.Current?.Core == this;

    internal void Attach(EngineHandle engine) => _engine = new WeakReference<EngineHandle>(engine);

    /// <summary>The engine with a reference that the caller has to release, or null if it is gone.</summary>
    internal EngineHandle? TryKeepEngine() =>
        _engine is not null && _engine.TryGetTarget(out EngineHandle? engine) && engine.TryKeep() ? engine : null;

    /// <exception cref="ObjectDisposedException">The engine is gone.</exception>
    internal EngineHandle.Use Borrow() =>
        _engine is not null && _engine.TryGetTarget(out EngineHandle? engine) ? engine.Borrow() : throw new ObjectDisposedException(nameof(BackrunEngine));

    /// <summary>The counters now; null where the engine is gone.</summary>
    internal EngineStatistics? TryReadStatistics()
    {
        try
        {
            using EngineHandle.Use use = Borrow();
            return StatisticsReader.Read(use);
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    /// <param name="identity">Whose.</param>
    /// <param name="open">The front end's own way, or null.</param>
    internal UserConnection OpenConnection(UserIdentity identity, Func<UserIdentity, IUserConnectionFactory?, UserConnection>? open)
    {
        if (open is not null)
        {
            return open(identity, _connections);
        }

        if (_connections is null)
        {
            return new UserConnection(identity);
        }

        return _connections.Open(identity)
            ?? throw new InvalidOperationException($"{TypeNames.Of(_connections.GetType())}.Open returned null for user '{identity.Name}'; return a connection, or throw.");
    }

    /// <summary>The engine itself, or null if nobody has it any more.</summary>
    internal BackrunEngine? TryGetOwner() => _owner.TryGetTarget(out BackrunEngine? owner) ? owner : null;

    internal void RaiseTaskFinished(BackgroundTaskFinishedEventArgs args)
    {
        if (_owner.TryGetTarget(out BackrunEngine? owner))
        {
            owner.RaiseTaskFinished(args);
        }
    }

    internal void ObserverStarts() => Interlocked.Increment(ref _references);

    /// <summary>No callback of the observer comes any more.</summary>
    internal void ObserverReleased() => Release();

    internal void HandlerRegistered() => Interlocked.Increment(ref _references);

    internal void HandlerReleased() => Release();

    /// <summary>Native has let go of the engine. Handlers of runs that a shutdown left running may be in use still.</summary>
    internal void EngineReleased(bool found)
    {
        Completions.EndAll();
        Registrations.Forget();
        Metrics.Dispose();
        if (found)
        {
            // From the finalizer's thread, which loggers must not hold up.
            ThreadPool.UnsafeQueueUserWorkItem(
                static core => core.Log.Warning(core.IsDurable
                    ? "An engine was garbage-collected without being disposed of: it was given up, and what it still had queued stays in its store. Dispose of it, or keep it."
                    : "An engine was garbage-collected without being disposed of: it was given up, and what it still had queued will not run. Dispose of it, or keep it."),
                this,
                preferLocal: false);
        }

        Release();
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            EngineTable.Remove(Key);
        }
    }
}
