using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>
/// What a worker thread runs now: one object a thread, used again for each run, from the first of native's callbacks to the end of the last.
/// </summary>
internal sealed unsafe class WorkerRun
{
    [ThreadStatic]
    private static WorkerRun? _run;

    private TaskRegistration? _registration;
    private backrun_task* _task;
    private BackgroundTaskContext? _context;
    private bool _hasHeaders;

    // Of what somebody measures: when the run began, or 0, and what it failed by.
    private long _startedAt;
    private Exception? _failure;

    // What stands around each run on this thread: the culture of this engine, and nothing else. Set once, and brought back after a run that changed it.
    private ExecutionContext? _surroundings;
    private EngineCore? _surroundingsOf;

    /// <summary>What the run holds.</summary>
    internal RunResources Resources;

    /// <summary>The run of the current thread, or null.</summary>
    internal static WorkerRun? Active
    {
        get
        {
            WorkerRun? run = _run;
            return run is not null && run._task is not null ? run : null;
        }
    }

    /// <summary>The context of the run, made when first asked for.</summary>
    internal BackgroundTaskContext Context => _context ??= new BackgroundTaskContext(_registration!, _task);

    internal EngineCore Core => _registration!.Core;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static WorkerRun OfThisThread() => _run ?? Make();

    /// <summary>Begins a run. Never throws.</summary>
    internal void Enter(TaskRegistration registration, backrun_task* task)
    {
        _registration = registration;
        _task = task;
        _hasHeaders = NativeMethods.backrun_task_header_count(task) != 0;
        if (!ReferenceEquals(ExecutionContext.Capture(), _surroundings) || !ReferenceEquals(registration.Core, _surroundingsOf))
        {
            Surround(registration.Core);
        }
    }

    /// <summary>Brings back what the starter's surroundings were. What it throws is the run's failure.</summary>
    internal void Prepare()
    {
        Core.Probe?.RunBegins(NativeMethods.backrun_task_id(_task), NativeText.ToManaged(NativeMethods.backrun_task_queue(_task)));
        if (Core.Metrics.WatchesRuns)
        {
            _startedAt = Stopwatch.GetTimestamp();
        }

        if (_hasHeaders)
        {
            CultureHeaders.Apply(_task);
        }

        if (Tracing.Source.HasListeners())
        {
            Resources.Activity = Tracing.StartRun(_registration!, _task);
        }

        if (Core.Log.HasScopes)
        {
            Resources.LogScope = Core.Log.BeginScope(_registration!.Name, _task);
        }
    }

    /// <summary>Makes the instance that runs.</summary>
    internal object Make<TParameters>(TaskInvoker<TParameters> invoker)
    {
        IServiceProvider? services = null;
        if (invoker.NeedsServices)
        {
            services = Resources.OpenScope(Core.Services!);
        }

        object instance = invoker.Create(services);
        if (invoker.MayNeedDisposal)
        {
            Resources.Instance = instance;
        }

        return instance;
    }

    /// <summary>Opens the connection of the user and makes it the current one.</summary>
    internal UserConnection OpenConnection<TParameters>(backrun_bytes userContext, TaskInvoker<TParameters> invoker)
    {
        int length = checked((int)userContext.len);
        NativeMemoryManager memory = NativeMemoryManager.Rent(userContext.data, length);
        UserIdentity identity;
        try
        {
            identity = UserContextCodec.Decode(memory.Bytes);
        }
        finally
        {
            memory.Return();
        }

        UserConnection connection = Core.OpenConnection(identity, invoker.OpenConnection);
        Resources.Connection = connection;
        UserConnection.SetCurrent(connection);
        return connection;
    }

    /// <summary>Tells native what the run threw.</summary>
    internal int Fail(Exception exception)
    {
        if (_context is not null && _context.IsAnswerToCancellation(exception))
        {
            return NativeConstants.BACKRUN_RUN_CANCELLED;
        }

        _failure = exception;
        Tracing.Fail(Resources.Activity, exception);
        Core.Failures.Keep(NativeMethods.backrun_task_id(_task), NativeMethods.backrun_task_lease(_task), exception);
        NativeFailure.Report(_task, exception, Core.Log);
        int code = Outcomes.OfFailure(exception);
        if (Outcomes.RetryAfterMilliseconds(exception) is var delay and > 0)
        {
            NativeFailure.RetryAfter(_task, delay, Core.Log);
        }

        return code;
    }

    /// <summary>Hands everything of the run to its asynchronous rest.</summary>
    internal RunResources TakeResources()
    {
        RunResources taken = Resources;
        Resources = default;
        return taken;
    }

    /// <summary>Native's callback ends and the run goes on elsewhere: the context is no longer this thread's to end.</summary>
    /// <returns>When the run began, where somebody measures it; else 0.</returns>
    internal long HandOver()
    {
        _context!.Detach();
        _context = null;
        long startedAt = _startedAt;
        _startedAt = 0;
        return startedAt;
    }

    /// <summary>Ends the run on this thread. Never throws.</summary>
    internal void Leave()
    {
        if (!Resources.IsEmpty)
        {
            Resources.Dispose(Core.Log, _registration!.Name);
        }

        if (_startedAt != 0)
        {
            Measure();
        }

        _failure = null;
        _context?.End();
        _context = null;
        _task = null;
        _registration = null;
        if (!ReferenceEquals(ExecutionContext.Capture(), _surroundings))
        {
            // What the run set (its culture, its user, values of its own) does not reach the next one.
            ExecutionContext.Restore(_surroundings!);
        }

        if (SynchronizationContext.Current is not null)
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Measure()
    {
        Core.Metrics.Ran(NativeText.ToManaged(NativeMethods.backrun_task_queue(_task)), _registration!.Name, Stopwatch.GetElapsedTime(_startedAt), _failure);
        _startedAt = 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Surround(EngineCore core)
    {
        core.Cultures.ApplyOwn();
        if (core.Probe is not null || BackrunEngine.DefaultHere is not null)
        {
            // What a task of a test starts by the static methods stays in that test, and what others start does not come into it.
            BackrunEngine.DefaultHere = core.Probe is null ? null : core.TryGetOwner();
        }

        // Not null: nobody has suppressed the flow of what is outside of runs.
        _surroundings = ExecutionContext.Capture();
        _surroundingsOf = core;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WorkerRun Make() => _run = new WorkerRun();
}
