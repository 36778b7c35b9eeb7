using System;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>An exception as native records it: type, message and detail.</summary>
internal static unsafe class NativeFailure
{
    internal static backrun_failure Make(Exception exception, ref Utf8Arena texts) => new()
    {
        struct_size = (uint)sizeof(backrun_failure),
        error_type = texts.Add(ExceptionText.TypeOf(exception)),
        message = texts.Add(ExceptionText.MessageOf(exception)),
        detail = texts.Add(ExceptionText.DetailOf(exception)),
    };

    /// <summary>Says why the run of the current callback fails.</summary>
    internal static void Report(backrun_task* task, Exception exception, LogBridge log)
    {
        Utf8Arena texts = default;
        try
        {
            backrun_failure failure = Make(exception, ref texts);
            backrun_error* error = null;
            int code = NativeMethods.backrun_task_fail_with(task, &failure, &error);
            if (code != NativeConstants.BACKRUN_OK)
            {
                log.Internal($"Native did not take what a run threw: {NativeError.TakeMessage(code, error)}", exception);
            }
        }
        finally
        {
            texts.Dispose();
        }
    }

    /// <summary>Says when the run of the current callback wants to be tried again.</summary>
    internal static void RetryAfter(backrun_task* task, long milliseconds, LogBridge log)
    {
        backrun_error* error = null;
        int code = NativeMethods.backrun_task_retry_after(task, milliseconds, &error);
        if (code != NativeConstants.BACKRUN_OK)
        {
            log.Warning($"Native did not take the delay of {milliseconds} ms that a run asked for: {NativeError.TakeMessage(code, error)}");
        }
    }
}
