using System;
using Backrun.Native;

namespace Backrun;

/// <content>Time that tests set by hand.</content>
public sealed unsafe partial class BackrunEngine
{
    private delegate int TimeCall(backrun_engine* engine, long ms, backrun_error** error);

    /// <summary>Lets time pass for an engine of <see cref="BackrunOptions.ManualTime"/>; returns when all that was due has been done or begun.</summary>
    internal void AdvanceTime(TimeSpan time) => CallTime(time, NativeMethods.backrun_engine_advance_time);

    /// <summary>Sets the clock on the wall of such an engine forward or back, without letting time pass.</summary>
    internal void JumpWallClock(TimeSpan time) => CallTime(time, NativeMethods.backrun_engine_jump_wall_clock);

    /// <summary>Sets the clock on the wall of such an engine to this time, up to whole milliseconds, without letting time pass.</summary>
    /// <param name="time">After 1970.</param>
    internal void SetWallClock(DateTimeOffset time)
    {
        // What it shows now only native knows, and by jumps only is it set. As far back as it goes, it is known: 2^63 microseconds before 1970.
        JumpNative(long.MinValue);
        JumpNative(long.MinValue);

        // To the start of the first whole millisecond of 1970.
        JumpNative(long.MaxValue / 1000);
        JumpNative(1);
        JumpNative((time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond);
    }

    private void JumpNative(long milliseconds)
    {
        backrun_error* error = null;
        using EngineHandle.Use use = Borrow();
        NativeError.ThrowIfFailed(NativeMethods.backrun_engine_jump_wall_clock(use.Pointer, milliseconds, &error), error);
    }

    private void CallTime(TimeSpan time, TimeCall call)
    {
        backrun_error* error = null;
        using EngineHandle.Use use = Borrow();
        NativeError.ThrowIfFailed(call(use.Pointer, (long)time.TotalMilliseconds, &error), error);
    }
}
