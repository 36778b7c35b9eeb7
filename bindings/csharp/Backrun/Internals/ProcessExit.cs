using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>The end of the process: engines that nobody ended are cancelled, within 2 s in all, and what is left of them is told.</summary>
internal static class ProcessExit
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    // Never used up by a machine that goes on at all: native returns at its own limit, or 1 s later where a callback of the observer is stuck.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    internal static void EndAll(IReadOnlyList<EngineCore> engines)
    {
        Stopwatch clock = Stopwatch.StartNew();
        foreach (EngineCore core in engines)
        {
            try
            {
                TimeSpan left = Limit - clock.Elapsed;
                End(core, left > TimeSpan.Zero ? left : TimeSpan.Zero);
            }
            catch (Exception exception)
            {
                LastResort.Report("an engine could not be ended with the process", exception);
            }
        }
    }

    private static void End(EngineCore core, TimeSpan limit)
    {
        EngineHandle? engine = core.TryKeepEngine();
        if (engine is null)
        {
            return;
        }

        try
        {
            ShutdownReport? report = null;

            // A run may have called Environment.Exit: its own thread must not wait for itself. The rest of the time limit is for the others.
            Thread ending = new(() => report = Shutdown.Run(engine, ShutdownMode.Cancel, limit)) { IsBackground = true, Name = "backrun-exit" };
            ending.Start();
            ending.Join(limit + Grace);
            if (report is null)
            {
                core.Log.Warning("The process ends while an engine is still being shut down.");
            }
            else if (!report.Completed || report.QueuedCount != 0)
            {
                core.Log.Warning(
                    $"The process ends with {report.Running.Count} tasks still running ({Names(report)}) and {report.QueuedCount} queued ones that will not run. Shut the engine down before: ShutdownAsync or Dispose.");
            }
        }
        finally
        {
            engine.DangerousRelease();
        }
    }

    private static string Names(ShutdownReport report) =>
        report.Running.Count == 0 ? "none" : string.Join(", ", report.Running.Take(10)) + (report.Running.Count > 10 ? ", …" : string.Empty);
}
