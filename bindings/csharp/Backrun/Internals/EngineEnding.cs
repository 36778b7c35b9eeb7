using System;
using System.Linq;
using System.Threading;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>An engine that is ended with the process, on a thread of its own: the process may end in a run of it or in its logger, which must not wait for themselves.</summary>
#pragma warning disable CA1001 // The process ends.
internal sealed class EngineEnding
{
    private readonly ManualResetEventSlim _ended = new();
    private readonly ManualResetEventSlim _told = new();
    private readonly EngineCore _core;
    private readonly EngineHandle _engine;
    private readonly TimeSpan _limit;
    private volatile string? _whatIsLeft;

    private EngineEnding(EngineCore core, EngineHandle engine, TimeSpan limit)
    {
        _core = core;
        _engine = engine;
        _limit = limit;
    }

    /// <summary>The line that tells of it, or, where the engine has not ended yet, that this is so.</summary>
    internal string WhatIsLeft => _whatIsLeft ?? "The process ends while an engine is still being shut down.";

    /// <summary>Begins to end an engine; null if it is gone already.</summary>
    internal static EngineEnding? TryStart(EngineCore core, TimeSpan limit)
    {
        if (core.TryKeepEngine() is not { } engine)
        {
            return null;
        }

        EngineEnding ending = new(core, engine, limit);
        core.Log.TellOfTheEndInOneLine();
        try
        {
            new Thread(ending.Run) { IsBackground = true, Name = "backrun-exit" }.Start();
        }
        catch
        {
            engine.DangerousRelease();
            throw;
        }

        return ending;
    }

    /// <summary>Waits until the engine has ended or native has given it up.</summary>
    internal bool WaitForEnd(TimeSpan limit) => Wait(_ended, limit);

    /// <summary>Waits until the logger has the line, if there is anything to tell.</summary>
    internal bool WaitUntilTold(TimeSpan limit) => Wait(_told, limit);

    private static bool Wait(ManualResetEventSlim signal, TimeSpan limit) => signal.Wait(limit > TimeSpan.Zero ? limit : TimeSpan.Zero);

    private static string? LineOf(ShutdownReport report, bool isDurable)
    {
        // What stays in a store is not lost.
        if (report.Completed && (isDurable || report.QueuedCount == 0))
        {
            return null;
        }

        string names = report.Running.Count == 0 ? "none" : string.Join(", ", report.Running.Take(10)) + (report.Running.Count > 10 ? ", …" : string.Empty);
        return isDurable
            ? $"The process ends with {report.Running.Count} tasks still running ({names}): they stay in the store and run again after the next start, as do {report.QueuedCount} queued ones. To let runs end, shut the engine down before: ShutdownAsync or Dispose."
            : $"The process ends with {report.Running.Count} tasks still running ({names}) and {report.QueuedCount} queued ones that will not run. Shut the engine down before: ShutdownAsync or Dispose.";
    }

    // What it threw would take the place of the program's own exit code.
    private void Run()
    {
        try
        {
            _whatIsLeft = LineOf(Shutdown.Run(_engine, ShutdownMode.Cancel, _limit), _core.IsDurable);
        }
        catch (ObjectDisposedException)
        {
            // Somebody has disposed of it meanwhile, and told what was left.
        }
        catch (Exception exception)
        {
            _whatIsLeft = $"The process ends, and an engine could not be shut down before: {ExceptionText.TypeOf(exception)}: {ExceptionText.MessageOf(exception)}";
        }

        _ended.Set();
        if (_whatIsLeft is { } line)
        {
            _core.Log.Warning(line);
        }

        _told.Set();
        _engine.DangerousRelease();
    }
}
