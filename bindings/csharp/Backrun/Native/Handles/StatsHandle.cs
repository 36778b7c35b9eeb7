using System.Runtime.InteropServices;

namespace Backrun.Native;

/// <summary>Owns a snapshot of the counters.</summary>
internal sealed unsafe class StatsHandle : SafeHandle
{
    internal StatsHandle(backrun_stats* pointer)
        : base(0, ownsHandle: true) => SetHandle((nint)pointer);

    public override bool IsInvalid => handle == 0;

    /// <summary>Valid while this object is not disposed.</summary>
    internal backrun_stats* Pointer => (backrun_stats*)handle;

    protected override bool ReleaseHandle()
    {
        NativeMethods.backrun_stats_free((backrun_stats*)handle);
        return true;
    }
}
