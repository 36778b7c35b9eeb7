using System;
using System.Threading;

namespace Backrun.Sample;

/// <summary>A background task with a mistake in it: it never ends, and does not ask whether it is to stop.</summary>
public sealed class LoopForever : IBackgroundTask<int>
{
    private static long _turns;

    /// <summary>
    /// How many there are with <c>--loop</c>: one for each worker, so that none is left for the files but those that the
    /// engine starts in their place. (Which it does up to 64 threads in all.)
    /// </summary>
    public static int Count { get; } = Math.Clamp(Environment.ProcessorCount, 2, 32);

    /// <inheritdoc/>
    public void Run(int parameters)
    {
#pragma warning disable BACKRUN106 // The mistake, which `--loop` shows.
        while (true)
#pragma warning restore BACKRUN106
        {
            Interlocked.Increment(ref _turns);
        }
    }
}
