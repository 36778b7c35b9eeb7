using System;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Backrun.Tests.Support;

/// <summary>How long tests wait for what will surely happen: long enough for a busy machine, and never needed.</summary>
internal static class Patience
{
    internal static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    /// <summary>Waits for the end of a task, which is expected to succeed.</summary>
    internal static Task Done(this BackgroundTaskHandle handle) => handle.Completion.WaitAsync(Long);

    /// <summary>Waits for the end of a task, which is expected to throw.</summary>
    internal static Task<TException> Fails<TException>(this BackgroundTaskHandle handle)
        where TException : Exception => Assert.ThrowsAsync<TException>(() => handle.Completion.WaitAsync(Long));

    internal static Task<T> Soon<T>(this TaskCompletionSource<T> source) => source.Task.WaitAsync(Long);

    internal static Task Soon(this TaskCompletionSource source) => source.Task.WaitAsync(Long);

    internal static void WaitSoon(this ManualResetEventSlim signal)
    {
        if (!signal.Wait(Long))
        {
            throw new TimeoutException("What a test waited for did not happen.");
        }
    }

    internal static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal static TaskCompletionSource<T> Signal<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
