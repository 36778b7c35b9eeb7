using System;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>What follows from what a run threw.</summary>
internal static class Outcomes
{
    /// <summary>Native's code for a run that threw, and was not answering a request to stop.</summary>
    internal static int OfFailure(Exception exception) => exception switch
    {
        RetryTaskException => NativeConstants.BACKRUN_RUN_RETRY_AFTER,
        FatalTaskException => NativeConstants.BACKRUN_RUN_FATAL,

        // What cannot be read will not be readable at the next attempt.
        TaskSerializationException { IsOfRun: true } => NativeConstants.BACKRUN_RUN_FATAL,
        _ => NativeConstants.BACKRUN_RUN_FAILED,
    };

    /// <summary>The delay that a run asked for, in whole milliseconds; 0, native's word for that of the policy, if it named none.</summary>
    internal static long RetryAfterMilliseconds(Exception? exception) =>
        exception is RetryTaskException { Delay: { } delay } ? Math.Max(1, UnixTime.ToMilliseconds(delay)) : 0;
}
