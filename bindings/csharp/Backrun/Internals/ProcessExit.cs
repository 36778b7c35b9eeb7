using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;

namespace Backrun.Internals;

/// <summary>
/// The end of the process: engines that nobody ended are cancelled, all at once and within 2 s, and one line for each tells what is left of it. However stuck a run, a logger
/// or the standard error output may be, the process ends.
/// </summary>
internal static class ProcessExit
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    // Never used up by a machine that goes on at all: native returns at its own limit, or 1 s later where a callback of the observer is stuck.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LimitOfLoggers = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LimitOfErrorOutput = TimeSpan.FromSeconds(1);

    internal static void EndAll(IReadOnlyList<EngineCore> engines)
    {
        Stopwatch clock = Stopwatch.StartNew();

        // All at once: one that cannot be ended must not take the time of those that can.
        List<EngineEnding> endings = new(engines.Count);
        foreach (EngineCore core in engines)
        {
            try
            {
                if (EngineEnding.TryStart(core, Limit) is { } ending)
                {
                    endings.Add(ending);
                }
            }
            catch (Exception exception)
            {
                LastResort.Report("an engine could not be ended with the process", exception);
            }
        }

        foreach (EngineEnding ending in endings)
        {
            ending.WaitForEnd(Limit + Grace - clock.Elapsed);
        }

        TimeSpan limit = clock.Elapsed + LimitOfLoggers;
        TellByErrorOutput(endings.FindAll(ending => !ending.WaitUntilTold(limit - clock.Elapsed)));
    }

    private static void TellByErrorOutput(List<EngineEnding> untold)
    {
        if (untold.Count == 0)
        {
            return;
        }

        try
        {
            // Nobody may read it: then this does not return.
            Thread teller = new(() => untold.ForEach(static ending => LastResort.Warn(ending.WhatIsLeft))) { IsBackground = true, Name = "backrun-exit" };
            teller.Start();
            teller.Join(LimitOfErrorOutput);
        }
        catch (Exception)
        {
            // No thread is to be had, and this one must not wait.
        }
    }
}
