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

    private void CallTime(TimeSpan time, TimeCall call)
    {
        backrun_error* error = null;
        using EngineHandle.Use use = Borrow();
        NativeError.ThrowIfFailed(call(use.Pointer, (long)time.TotalMilliseconds, &error), error);
    }
}
