using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace Backrun.Internals;

/// <summary>
/// Submits to a queue that waits for room when it is full, without holding a thread up: it looks whether there is room, and sleeps between the looks.
/// </summary>
internal static class WaitingSubmitter
{
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a submit with these options waits for room; zero if it does not wait.</summary>
    internal static TimeSpan LimitOf(TaskRegistration registration, StartOptions? options)
    {
        registration.Core.Queues.TryGetValue(registration.QueueOf(options), out QueueOptions? queue);
        if ((options?.WhenFull ?? queue?.WhenFull) != WhenFull.Wait)
        {
            return TimeSpan.Zero;
        }

        TimeSpan? limit = options?.WhenFull is not null ? options.WhenFullTimeout : queue?.WhenFullTimeout;
        return limit ?? DefaultLimit;
    }

    internal static async Task<BackgroundTaskHandle> SubmitAsync(
        BackrunEngine engine, TaskRegistration registration, byte[] payload, StartOptions? options, UserConnection? user, TimeSpan limit, CancellationToken cancellationToken)
    {
        Stopwatch clock = Stopwatch.StartNew();
        TimeSpan pause = FirstPause;
        while (true)
        {
            bool last = limit != Timeout.InfiniteTimeSpan && clock.Elapsed >= limit;

            // Asked first, since each refusal is counted and told.
            if (last || HasRoom(engine, registration, options, payload.Length))
            {
                if (Submitter.TrySubmit(engine, registration, payload, options, user, out Task<BackgroundTaskHandle>? accepted, out Exception? full))
                {
                    return await accepted.ConfigureAwait(false);
                }

                if (last)
                {
                    throw full;
                }
            }

            await Task.Delay(limit == Timeout.InfiniteTimeSpan ? pause : Shorter(pause, limit - clock.Elapsed), cancellationToken).ConfigureAwait(false);
            pause = Shorter(pause * 2, LongestPause);
        }
    }

    private static bool HasRoom(BackrunEngine engine, TaskRegistration registration, StartOptions? options, int bytes)
    {
        string name = registration.QueueOf(options);

        // What is not known here (no such queue) is native's to say.
        if (!engine.GetStatistics().Queues.TryGetValue(name, out QueueStatistics? now))
        {
            return true;
        }

        registration.Core.Queues.TryGetValue(name, out QueueOptions? queue);
        return now.Ready + now.Scheduled < (queue?.Capacity ?? 1_000_000)
            && now.ReadyBytes + now.ScheduledBytes + bytes <= (queue?.CapacityBytes ?? 512L * 1024 * 1024);
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? (one > TimeSpan.Zero ? one : TimeSpan.Zero) : (other > TimeSpan.Zero ? other : TimeSpan.Zero);
}
