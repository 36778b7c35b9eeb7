using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Hosting;
using Backrun.Testing.Internals;

namespace Backrun.Testing;

/// <summary>
/// An engine for one test: the real one, in memory, with time that passes when the test says so. Tasks run at the call or when the test says so (<see cref="TestMode"/>); what was started can be asserted. All members may be called
/// from any thread.
/// </summary>
/// <remarks>
/// Code under test takes it as <see cref="IBackgroundTasks"/>, or <see cref="Engine"/> where it takes a <see cref="BackrunEngine"/>, or nothing where it uses the static methods (<see cref="UseAsDefault"/>); in a host,
/// <c>services.AddBackrunTestEngine(…)</c> has it in place of the application's. No two tests share one, so they may run at the same time. The times in a status that tell when something has happened are the system's.
/// </remarks>
public sealed partial class TestEngine : IBackgroundTasks, IDisposable, IAsyncDisposable
{
    private const DynamicallyAccessedMemberTypes Constructors = DynamicallyAccessedMemberTypes.PublicConstructors;
    private readonly TestProbe _probe;
    private readonly BackrunEngine? _own;
    private readonly Func<BackrunEngine>? _ofHost;

    /// <summary>Makes an engine.</summary>
    /// <param name="mode">When its tasks run.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="engineOptions">Of the engine itself, such as <see cref="BackrunOptions.Services"/> and queues; null for the defaults. Its store has to be in memory, its workers are as <see cref="TestEngineOptions.Concurrency"/> says.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or asks for a store that lasts.</exception>
    public TestEngine(TestMode mode, TestEngineOptions? options = null, BackrunOptions? engineOptions = null)
    {
        _probe = new TestProbe(mode, options ?? new TestEngineOptions());
        BackrunOptions copy = engineOptions?.Copy() ?? new BackrunOptions();
        if (copy.Store.IsDurable)
        {
            throw new ArgumentException(
                $"The store is {copy.Store}; an engine for tests keeps its tasks in memory. Leave BackrunOptions.Store as it is, and test what a store is needed for with a BackrunEngine and a file of the test's own.",
                nameof(engineOptions));
        }

        // A task that is only started needs no services; one that runs without them fails by what it lacks.
        copy.Services ??= NoServices.Instance;
        _probe.Prepare(copy);
        _own = new BackrunEngine(copy);
    }

    /// <summary>The engine is the host's, made with its options.</summary>
    internal TestEngine(TestMode mode, TestEngineOptions options, Func<BackrunEngine> ofHost)
    {
        _probe = new TestProbe(mode, options);
        _ofHost = ofHost;
    }

    /// <summary>When its tasks run.</summary>
    public TestMode Mode => _probe.Mode;

    /// <summary>The engine itself: for code that takes one, and for all that <see cref="IBackgroundTasks"/> has not. What is started in it is started here.</summary>
    public BackrunEngine Engine => _own ?? _probe.Engine ?? _ofHost!();

    internal TestProbe Probe
    {
        get
        {
            // Made by whoever asks first.
            _ = Engine;
            return _probe;
        }
    }

    /// <summary>
    /// Makes this engine <see cref="BackrunEngine.Default"/>, which the static methods start their tasks in (<see cref="BackgroundTasks"/>, and <c>Terrasoft.Core.Tasks.Task</c>), for the current flow of execution: for what this method
    /// calls, awaits and starts from here on, and for nobody else, so that other tests run beside.
    /// </summary>
    /// <returns>Ends it; to be disposed of in the same method, or in the same class that a test framework makes for each test.</returns>
    public IDisposable UseAsDefault() => new Restore(Engine);

    /// <inheritdoc/>
    public BackgroundTaskHandle StartNew<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(TParameters parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters> => Engine.StartNew<TTask, TParameters>(parameters, options);

    /// <inheritdoc/>
    public BackgroundTaskHandle StartNewWithUserConnection<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(TParameters parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired => Engine.StartNewWithUserConnection<TTask, TParameters>(parameters, options);

    /// <inheritdoc/>
    public ValueTask<BackgroundTaskHandle> SubmitAsync<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(
        TParameters parameters, StartOptions? options = null, CancellationToken cancellationToken = default)
        where TTask : class, IBackgroundTaskHandler<TParameters> => Engine.SubmitAsync<TTask, TParameters>(parameters, options, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<BackgroundTaskHandle> SubmitAsyncWithUserConnection<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(
        TParameters parameters, StartOptions? options = null, CancellationToken cancellationToken = default)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired => Engine.SubmitAsyncWithUserConnection<TTask, TParameters>(parameters, options, cancellationToken);

    /// <inheritdoc/>
    public IReadOnlyList<BackgroundTaskHandle> SubmitMany<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(IEnumerable<TParameters> parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters> => Engine.SubmitMany<TTask, TParameters>(parameters, options);

    /// <inheritdoc/>
    public IReadOnlyList<BackgroundTaskHandle> SubmitManyWithUserConnection<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(
        IEnumerable<TParameters> parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired => Engine.SubmitManyWithUserConnection<TTask, TParameters>(parameters, options);

    /// <inheritdoc/>
    public BackgroundTaskStatus? GetStatus(BackgroundTaskId id) => Engine.GetStatus(id);

    /// <inheritdoc/>
    public BackgroundTaskHandle GetHandle(BackgroundTaskId id) => Engine.GetHandle(id);

    /// <inheritdoc/>
    public CancelResult Cancel(BackgroundTaskId id, string? reason = null) => Engine.Cancel(id, reason);

    /// <summary>Ends the engine: what runs is asked to stop, up to 5 s. Not that of a host, which ends with it. Tasks that were started and not run are no error.</summary>
    public void Dispose()
    {
        _probe.Clock.Dispose();
        _own?.Dispose();
    }

    /// <summary><see cref="Dispose"/>, without holding the thread up.</summary>
    public ValueTask DisposeAsync()
    {
        _probe.Clock.Dispose();
        return _own?.DisposeAsync() ?? ValueTask.CompletedTask;
    }

    /// <summary>Makes the options of an application's engine those of one for a test.</summary>
    internal void Take(BackrunHostOptions options)
    {
        // What is for a store that lasts, and for the whole process.
        options.Store = BackrunStore.Memory;
        options.Durability = null;
        options.OwnerWait = null;
        options.KeepFor = null;
        options.MaxCrashes = null;
        options.Encryption = null;
        options.UseAsDefault = false;
        _probe.Prepare(options);
    }

    private sealed class NoServices : IServiceProvider
    {
        internal static readonly NoServices Instance = new();

        public object? GetService(Type serviceType) => null;
    }

    private sealed class Restore : IDisposable
    {
        private readonly BackrunEngine? _earlier;

        internal Restore(BackrunEngine engine)
        {
            _earlier = BackrunEngine.DefaultHere;
            BackrunEngine.DefaultHere = engine;
        }

        public void Dispose() => BackrunEngine.DefaultHere = _earlier;
    }
}
