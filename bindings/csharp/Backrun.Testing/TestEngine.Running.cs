using System;
using System.Threading.Tasks;
using Backrun.Internals;
using Backrun.Testing.Internals;

namespace Backrun.Testing;

/// <content>Having tasks run, and time pass.</content>
public sealed partial class TestEngine
{
    /// <summary>What the engine's clock on the wall shows: what <see cref="StartOptions.RunAt"/> is compared with.</summary>
    public DateTimeOffset UtcNow
    {
        get
        {
            Probe.Clock.Follow();
            return _probe.Clock.UtcNow;
        }
    }

    /// <summary>
    /// Has all run that is ready, in all queues, and what tasks start meanwhile; returns when nothing runs any more. What waits for its time stays: delayed tasks, and those between two attempts. In <see cref="TestMode.Inline"/> it waits
    /// for what is still on its way.
    /// </summary>
    /// <returns>How many runs began.</returns>
    /// <exception cref="AggregateException">Several tasks have failed for good since they were last told of. Where it is one, what that threw, as <see cref="BackgroundTaskHandle.Completion"/> does; unless <see cref="TestEngineOptions.ThrowOnFailure"/> is false. All that was ready has run.</exception>
    /// <exception cref="TimeoutException">Tasks still run after <see cref="TestEngineOptions.Limit"/>; the message names them.</exception>
    /// <exception cref="InvalidOperationException">More runs began than <see cref="TestEngineOptions.MostRuns"/> says, or it was called inside a run.</exception>
    public int Drain() => Probe.Drain();

    /// <summary><see cref="Drain"/>, without holding the thread up.</summary>
    public Task<int> DrainAsync()
    {
        TestProbe probe = Probe;
        probe.Outside(nameof(DrainAsync));
        return TestProbe.OnThreadOfItsOwn(probe.Drain);
    }

    /// <summary>Has one task run, the one that a worker of the queue takes next, and no other: neither what it starts nor what else is ready. Only in <see cref="TestMode.Manual"/>.</summary>
    /// <param name="queue">The queue.</param>
    /// <returns>The task; null where none is ready.</returns>
    /// <exception cref="BackrunException">There is no such queue.</exception>
    /// <exception cref="TimeoutException">It still runs after <see cref="TestEngineOptions.Limit"/>.</exception>
    /// <exception cref="InvalidOperationException">The engine's mode is another one, or it was called inside a run.</exception>
    /// <remarks>What the task threw, if it has failed for good, comes out as in <see cref="Drain"/>.</remarks>
    public BackgroundTaskId? RunNext(string queue = "default")
    {
        ArgumentNullException.ThrowIfNull(queue);
        return Probe.RunNext(queue);
    }

    /// <summary>
    /// Lets time pass: delays, times between attempts, time limits and times of day. In <see cref="TestMode.Manual"/> what is due then is ready, and runs with the next <see cref="Drain"/>; in <see cref="TestMode.Inline"/> it has run when
    /// this returns. Only without <see cref="TestEngineOptions.Clock"/>, which is to be set instead.
    /// </summary>
    /// <param name="time">How much: zero to 36,500 days, in whole milliseconds.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The engine has a clock of the test's.</exception>
    /// <remarks>In <see cref="TestMode.Inline"/>, the exceptions of <see cref="Drain"/> too.</remarks>
    public void Advance(TimeSpan time)
    {
        OptionChecks.Delay(time, nameof(time), "for no time");
        if (Probe.Clock.IsOfTest)
        {
            throw new InvalidOperationException("The engine goes by TestEngineOptions.Clock: let time pass there (FakeTimeProvider.Advance).");
        }

        _probe.Advance(time);
    }

    /// <summary>
    /// Sets the clock on the wall forward or back, as somebody does who corrects it, while no time passes: it is what <see cref="StartOptions.RunAt"/> goes by, and nothing else. Only without <see cref="TestEngineOptions.Clock"/>.
    /// </summary>
    /// <param name="time">By how much, up to 36,500 days; negative: back.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The engine has a clock of the test's.</exception>
    /// <remarks>In <see cref="TestMode.Inline"/>, the exceptions of <see cref="Drain"/> too.</remarks>
    public void AdjustWallClock(TimeSpan time)
    {
        OptionChecks.Delay(time.Duration(), nameof(time), "for no change");
        if (Probe.Clock.IsOfTest)
        {
            throw new InvalidOperationException("The engine goes by TestEngineOptions.Clock, which has no clock on the wall of its own: leave that null to set one apart from the other.");
        }

        _probe.Clock.Adjust(time);
        _probe.Advance(TimeSpan.Zero);
    }
}
