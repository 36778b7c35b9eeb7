using System;
using System.Collections.Generic;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Native's shutdown and its report.</summary>
internal static unsafe class Shutdown
{
    /// <summary>Blocks until the engine has ended or the time limit has passed.</summary>
    /// <exception cref="BackrunException">It was asked for on a thread of the engine (<see cref="BackrunErrorCode.WouldDeadlock"/>), in a fork, or there is no memory for the report.</exception>
    internal static ShutdownReport Run(EngineHandle engine, ShutdownMode mode, TimeSpan limit)
    {
        backrun_shutdown_report* report = null;
        backrun_error* error = null;
        int code;
        using (EngineHandle.Use use = engine.Borrow())
        {
            code = NativeMethods.backrun_engine_shutdown(use.Pointer, (uint)mode, OptionChecks.TimeoutMilliseconds(limit, nameof(limit)), &report, &error);
        }

        using ShutdownReportHandle? owned = report is null ? null : new ShutdownReportHandle(report);
        if (code is not (NativeConstants.BACKRUN_OK or NativeConstants.BACKRUN_SHUTDOWN_INCOMPLETE))
        {
            throw NativeError.ToException(code, error);
        }

        NativeMethods.backrun_error_free(error);
        return Read(report, code == NativeConstants.BACKRUN_OK);
    }

    private static ShutdownReport Read(backrun_shutdown_report* report, bool completed)
    {
        int count = (int)NativeMethods.backrun_shutdown_report_running_count(report);
        List<RunningTask> running = new(count);
        for (nuint index = 0; index < (nuint)count; index++)
        {
            running.Add(new RunningTask(
                new BackgroundTaskId(NativeMethods.backrun_shutdown_report_running_id(report, index)),
                NativeText.ToManaged(NativeMethods.backrun_shutdown_report_running_name(report, index))));
        }

        return new ShutdownReport(completed, running, (long)NativeMethods.backrun_shutdown_report_queued_count(report));
    }
}
