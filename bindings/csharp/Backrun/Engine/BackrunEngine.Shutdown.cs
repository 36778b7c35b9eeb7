using System;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Internals;
using Backrun.Native;

namespace Backrun;

/// <content>The end.</content>
public sealed partial class BackrunEngine
{
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestDrainOfEvents = TimeSpan.FromSeconds(5);
    private volatile bool _doNotWait;

    /// <summary>
    /// Shuts the engine down: it takes no new work and ends the old as <paramref name="mode"/> says. Tasks that the memory store still has queued at the end are cancelled;
    /// a durable store keeps them, and those that were asked to stop and did, for the next start. Status and statistics can be asked for afterwards, until <see cref="Dispose"/>.
    /// </summary>
    /// <param name="mode">Whether to run what is queued.</param>
    /// <param name="timeout">How long to wait for what runs; zero: not at all; <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</param>
    /// <returns>What is left. A shutdown that could not wait to the end is no exception: see <see cref="ShutdownReport.Completed"/>. It can be called again.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range.</exception>
    /// <exception cref="BackrunException">It was called inside a run of this engine or from its logger (<see cref="BackrunErrorCode.WouldDeadlock"/>).</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public Task<ShutdownReport> ShutdownAsync(ShutdownMode mode, TimeSpan timeout)
    {
        OptionChecks.Defined<ShutdownMode>(mode, nameof(mode));
        OptionChecks.TimeoutMilliseconds(timeout, nameof(timeout));
        if (_core.IsInside)
        {
            throw new BackrunException(
                BackrunErrorCode.WouldDeadlock,
                "ShutdownAsync was called inside a run of this engine, or from its logger, and would wait for itself. Call it from outside, for example where the program ends.");
        }

        EngineHandle.Use use = Borrow();
        use.Dispose();
        bool inHandler = _core.Finished.IsRaisingHere;
        return OnThreadOfItsOwn(() => ShutDown(mode, timeout, inHandler));
    }

    /// <summary>
    /// Ends the engine: cancels what is queued (a durable store keeps it for the next start), asks what runs to stop and waits for it up to 5 s. Never throws; what it had to leave behind is in the log. Inside a run of
    /// this engine it does not wait at all. Doing it again changes nothing.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0 && !GiveUpInside())
        {
            End(_core.Finished.IsRaisingHere);
        }
    }

    /// <summary><see cref="Dispose"/> without holding the calling thread up.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0 || GiveUpInside())
        {
            return ValueTask.CompletedTask;
        }

        bool inHandler = _core.Finished.IsRaisingHere;
        return new ValueTask(OnThreadOfItsOwn(() =>
        {
            End(inHandler);
            return true;
        }));
    }

    /// <summary>Whether somebody has begun to shut it down.</summary>
    internal bool IsShutDown { get; private set; }

    /// <summary>Has <see cref="Dispose"/> not wait for the runs that a shutdown has just waited for in vain, and told of.</summary>
    internal void DoNotWaitAgain() => _doNotWait = true;

    private static Task<T> OnThreadOfItsOwn<T>(Func<T> function) =>
        Task.Factory.StartNew(function, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    private ShutdownReport ShutDown(ShutdownMode mode, TimeSpan timeout, bool inHandler)
    {
        IsShutDown = true;
        Stopwatch clock = Stopwatch.StartNew();
        ShutdownReport report = Shutdown.Run(Handle, mode, timeout);

        if (inHandler)
        {
            // A handler of TaskFinished that waited for the other events would wait for its own.
            return report;
        }

        // Whoever shuts down in order wants the events of the last tasks too.
        TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? LongestDrainOfEvents : timeout - clock.Elapsed;
        _core.Finished.DrainAsync(left < LongestDrainOfEvents ? left : LongestDrainOfEvents).GetAwaiter().GetResult();
        return report;
    }

    private bool GiveUpInside()
    {
        if (!_core.IsInside)
        {
            return false;
        }

        GiveUp();
        return true;
    }

    private void GiveUp()
    {
        _core.Log.Warning(
            "An engine was disposed of inside a run of its own, or by its logger, which cannot be waited for: it was given up, and tasks may go on running for a while. Dispose of it from outside.");
        Handle.Abandon();
    }

    private void End(bool inHandler)
    {
        if (_doNotWait)
        {
            Handle.Free();
            return;
        }

        try
        {
            ShutdownReport report = ShutDown(ShutdownMode.Cancel, DisposeLimit, inHandler);
            if (!report.Completed)
            {
                _core.Log.Warning(
                    $"Dispose waited {DisposeLimit.TotalSeconds:0} s and left {report.Running.Count} tasks running: {string.Join(", ", report.Running.Take(10))}. How they end will not be recorded{(_core.IsDurable ? ": they stay in the store, and run again after the next start" : string.Empty)}.");
            }

            // A test asks what was started, and often no more.
            if (report.QueuedCount != 0 && !_core.IsDurable && _core.Probe is null)
            {
                _core.Log.Warning($"Dispose cancelled {report.QueuedCount} queued tasks. To have them run, call ShutdownAsync with ShutdownMode.Drain before.");
            }
        }
        catch (BackrunException exception) when (exception.Code == BackrunErrorCode.WouldDeadlock)
        {
            GiveUp();
            return;
        }
        catch (Exception exception)
        {
            _core.Log.Internal("Dispose could not shut the engine down in order", exception);
        }

        Handle.Free();
    }
}
