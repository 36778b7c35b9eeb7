using System;
using System.Collections.Generic;
using System.Threading;
using Backrun.Benchmarks.Measuring;

namespace Backrun.Benchmarks.Contenders;

/// <summary>Through the C ABI: two workers, and a payload of 100 bytes each.</summary>
internal sealed class BackrunDelayed : IDelayedContender
{
    private readonly BackrunNative _engine = new(workers: 2, delayed: true);

    public TimeSpan Lead => TimeSpan.FromSeconds(1.5);

    public void HandOver(int tasks, Func<long> delayMs) => _engine.HandOverDelayed(tasks, delayMs);

    public void Dispose() => _engine.Dispose();
}

/// <summary>A <see cref="Timer"/> each, whose state is a copy of 100 bytes.</summary>
internal sealed class TimerDelayed : IDelayedContender
{
    private readonly byte[] _payload = NoOpPayload.New();

    // Somebody has to: a timer that nobody refers to is collected, and does not fire.
    private readonly List<Timer> _timers = new(capacity: 1_000_000);

    public TimeSpan Lead => TimeSpan.FromSeconds(1.5);

    public void HandOver(int tasks, Func<long> delayMs)
    {
        for (int i = 0; i < tasks; i++)
        {
            _timers.Add(new Timer(static _ => Lateness.OfOne(), _payload.Clone(), delayMs(), Timeout.Infinite));
        }
    }

    public void Dispose() => _timers.ForEach(timer => timer.Dispose());
}
