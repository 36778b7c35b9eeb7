using System;
using System.Threading;
using Backrun.Internals;
using Backrun.Native;

namespace Backrun;

/// <summary>
/// Runs background tasks: takes them, queues them, runs them on threads of its own and tells what became of them. All members may be called from any thread, and from inside
/// tasks, unless they say otherwise.
/// </summary>
/// <remarks>
/// Dispose of an engine, or shut it down, before the process ends: with the memory store, tasks that were not run by then are lost (and told in the log). With a durable store
/// (<see cref="BackrunStore.Sqlite"/>) they run after the next start, once their class is registered; a call that starts a task then waits for the disk, so a thread that must not be held up, that of a user
/// interface for one, calls <see cref="SubmitAsync"/>.
/// After <see cref="Dispose"/> every call throws <see cref="ObjectDisposedException"/>; after <see cref="ShutdownAsync"/> status and statistics can still be asked for.
/// </remarks>
public sealed partial class BackrunEngine : IBackgroundTasks, IDisposable, IAsyncDisposable
{
    internal const string DefaultQueue = "default";
    private static readonly object DefaultGate = new();
    private static BackrunEngine? _default;

    // Of tests, which have an engine each and run at the same time. Null until the first of them asks for it.
    private static AsyncLocal<BackrunEngine?>? _defaultHere;
    private readonly EngineCore _core;
    private int _disposed;

    /// <summary>Makes an engine and starts its threads.</summary>
    /// <param name="options">Null for every default: in memory, a worker a core and at least 2. Copied. With a durable store this waits for another process that has it: <see cref="BackrunOptions.OwnerWait"/>.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it, its value and its limits.</exception>
    /// <exception cref="NotSupportedException">An option asks for what this version cannot do yet; the message names it. Or this assembly was loaded into a
    /// collectible AssemblyLoadContext.</exception>
    /// <exception cref="PlatformNotSupportedException">The native library is not there, or does not run here.</exception>
    /// <exception cref="BackrunException">A thread could not be started, or options are at odds with each other. The store cannot be opened (<see cref="BackrunErrorCode.Store"/>): another process has it, its
    /// folder is not there or not writable, or the file is another program's or damaged.</exception>
    public BackrunEngine(BackrunOptions? options = null)
    {
        options ??= new BackrunOptions();
        NativeLibraryLoader.EnsureReady();
        _core = new EngineCore(this, options);
        try
        {
            Handle = EngineStart.Start(_core, options);
        }
        catch
        {
            _core.EngineReleased(found: false);
            throw;
        }

        _core.Attach(Handle);
        try
        {
            ConfigureQueues(options);
            options.Probe?.EngineMade(this);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>
    /// The engine that <see cref="BackgroundTasks"/> starts tasks in. Made when it is first used, with every default; a program that wants another one sets it before, once.
    /// </summary>
    /// <exception cref="InvalidOperationException">It was used, or set, before it was set.</exception>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public static BackrunEngine Default
    {
        get => _defaultHere?.Value ?? Volatile.Read(ref _default) ?? MakeDefault();
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            lock (DefaultGate)
            {
                if (_default is not null)
                {
                    throw new InvalidOperationException(
                        "BackrunEngine.Default was used or set already, and tasks may have been started in it. Set it once, at the start of the program, before anything uses it or BackgroundTasks.");
                }

                _default = value;
            }
        }
    }

    /// <summary>What is <see cref="Default"/> for the current flow of execution only, whoever set that; null: what is so for all.</summary>
    internal static BackrunEngine? DefaultHere
    {
        get => _defaultHere?.Value;
        set
        {
            if (_defaultHere is null)
            {
                Interlocked.CompareExchange(ref _defaultHere, new AsyncLocal<BackrunEngine?>(), null);
            }

            _defaultHere.Value = value;
        }
    }

    internal EngineHandle Handle { get; }

    internal EngineCore Core => _core;

    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    internal EngineHandle.Use Borrow() => Handle.Borrow();

    private static BackrunEngine MakeDefault()
    {
        lock (DefaultGate)
        {
            return _default ??= new BackrunEngine();
        }
    }
}
