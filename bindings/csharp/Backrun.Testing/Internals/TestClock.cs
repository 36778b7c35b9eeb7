using System;
using System.Threading;
using System.Threading.Tasks;

namespace Backrun.Testing.Internals;

/// <summary>
/// The time of a test's engine. A clock of the test's is followed by one of its timers, of a millisecond, which is set anew when it has fired: however far that clock is set, it fires once, and the engine gets all of the time in
/// one step.
/// </summary>
internal sealed class TestClock : IDisposable
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    private readonly object _gate = new();
    private readonly TimeProvider? _provider;
    private readonly Action _passed;
    private BackrunEngine? _engine;
    private ITimer? _timer;
    private long _seen;
    private DateTimeOffset _utcNow;
    private volatile bool _disposed;

    /// <param name="provider">The test's clock; null: none.</param>
    /// <param name="passed">Called when that clock has let time pass and what is due is ready, on the thread that set it. May not throw.</param>
    internal TestClock(TimeProvider? provider, Action passed)
    {
        _provider = provider;
        _passed = passed;
    }

    /// <summary>Whether time is the test's clock's to set, and not ours.</summary>
    internal bool IsOfTest => _provider is not null;

    /// <summary>What the engine's clock on the wall shows.</summary>
    internal DateTimeOffset UtcNow
    {
        get
        {
            lock (_gate)
            {
                return _utcNow;
            }
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _timer?.Dispose();
    }

    internal void Start(BackrunEngine engine)
    {
        lock (_gate)
        {
            _engine = engine;
            _utcNow = Whole((_provider ?? TimeProvider.System).GetUtcNow());
            _seen = _provider?.GetTimestamp() ?? 0;
            engine.SetWallClock(_utcNow);
        }

        // In two steps, so that it is known when it fires; outside of the lock, since a clock that was set meanwhile fires here.
        _timer = _provider?.CreateTimer(static state => ((TestClock)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer?.Change(Millisecond, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Gives the engine what time has passed by the test's clock since the last look.</summary>
    internal void Follow()
    {
        if (_provider is null || _engine is null)
        {
            return;
        }

        lock (_gate)
        {
            long milliseconds = (long)_provider.GetElapsedTime(_seen, _provider.GetTimestamp()).TotalMilliseconds;
            if (milliseconds > 0)
            {
                // What is less than a millisecond stays for the next time.
                _seen += (long)((Int128)milliseconds * _provider.TimestampFrequency / 1000);
                Pass(TimeSpan.FromMilliseconds(milliseconds));
            }
            else if (milliseconds < 0)
            {
                _seen = _provider.GetTimestamp();
            }

            // What the two clocks of the provider do not have in common is a jump of the one on the wall; less than two milliseconds are the rest that stays.
            TimeSpan jump = Whole(_provider.GetUtcNow()) - _utcNow;
            if (jump.Duration() > Millisecond)
            {
                Jump(jump);
            }
        }
    }

    /// <summary>Lets time pass.</summary>
    internal void Advance(TimeSpan time)
    {
        lock (_gate)
        {
            Pass(time);
        }
    }

    /// <summary>Lets time pass until this moment of the clock on the wall, at least a millisecond.</summary>
    internal void AdvanceTo(DateTimeOffset time)
    {
        lock (_gate)
        {
            double milliseconds = Math.Ceiling((time - _utcNow).TotalMilliseconds);
            Pass(TimeSpan.FromMilliseconds(Math.Max(1, milliseconds)));
        }
    }

    /// <summary>Sets the clock on the wall forward or back, while no time passes.</summary>
    internal void Adjust(TimeSpan time)
    {
        lock (_gate)
        {
            Jump(time);
        }
    }

    private static DateTimeOffset Whole(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);

    private void Pass(TimeSpan time)
    {
        Outside(engine => engine.AdvanceTime(time));
        _utcNow += time;
    }

    private void Jump(TimeSpan time)
    {
        Outside(engine => engine.JumpWallClock(time));
        _utcNow += time;
    }

    // No thread of an engine may set its time, since that waits for what is due: to become ready, which needs no worker.
    private void Outside(Action<BackrunEngine> act)
    {
        BackrunEngine engine = _engine!;
        if (engine.Core.IsInside)
        {
            Task.Run(() => act(engine)).GetAwaiter().GetResult();
        }
        else
        {
            act(engine);
        }
    }

    private void OnTimer()
    {
        if (_disposed)
        {
            return;
        }

        _passed();
        try
        {
            _timer?.Change(Millisecond, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // By somebody else, in between.
        }
    }
}
