using System;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Backrun.Tests.Support;

/// <summary>How long tests wait for what will surely happen: long enough for a busy machine, and never needed.</summary>
internal static class Patience
{
    internal static readonly TimeSpan Long = TimeSpan.FromMinutes(2);

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

    /// <summary>Asks again and again, where there is nothing to wait for.</summary>
    internal static async Task Until(Func<bool> condition)
    {
        using CancellationTokenSource limit = new(Long);
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Has the garbage collector look for what nobody refers to, until it was found.</summary>
    internal static Task UntilCollected(Func<bool> found) => Until(() =>
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return found();
    });

    internal static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal static TaskCompletionSource<T> Signal<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
