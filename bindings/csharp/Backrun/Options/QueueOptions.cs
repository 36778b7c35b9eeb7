using System;

namespace Backrun;

/// <summary>How a queue works. What is null has its default.</summary>
public sealed record QueueOptions
{
    /// <summary>Threads that normally run tasks of this queue; 1 to <see cref="BackrunOptions.MaxWorkers"/>. Null: <see cref="BackrunOptions.Workers"/>.</summary>
    public int? Workers { get; set; }

    /// <summary>Runs of this queue at one time, stuck and asynchronous ones included: a hard limit, at least 1. Null: none.</summary>
    public int? ConcurrencyLimit { get; set; }

    /// <summary>Ready and scheduled tasks that the queue may hold, at least 1. Retries are let in all the same. Null: 1,000,000.</summary>
    public long? Capacity { get; set; }

    /// <summary>Bytes that the parameters, user contexts and headers of its ready and scheduled tasks may take, at least 1. Null: 512 MiB.</summary>
    public long? CapacityBytes { get; set; }

    /// <summary>What happens to a task that is started while the queue is full, unless <see cref="StartOptions.WhenFull"/> says. Null: <see cref="Backrun.WhenFull.Refuse"/>.</summary>
    public WhenFull? WhenFull { get; set; }

    /// <summary>How long <see cref="Backrun.WhenFull.Wait"/> waits; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: for ever. Null: 30 s.</summary>
    public TimeSpan? WhenFullTimeout { get; set; }

    /// <summary>
    /// How long a run may last while tasks of the queue wait, before a further worker is started in place of its own (looked at every 20 ms, up to
    /// <see cref="BackrunOptions.MaxWorkers"/>). Where <see cref="ConcurrencyLimit"/> lets no further task run, nobody is replaced, and the run counts as stalled all the same. Longer than zero (at least 1 ms) to 36,500 days. Null: 100 ms.
    /// </summary>
    public TimeSpan? StallThreshold { get; set; }

    /// <summary>A task waits at most this much longer for each level of priority above its own. Null: 1 s.</summary>
    public TimeSpan? AgeingStep { get; set; }
}
