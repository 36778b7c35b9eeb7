using System.Runtime.InteropServices;

namespace Backrun.Native;

/// <summary>Owns what a shutdown told.</summary>
internal sealed unsafe class ShutdownReportHandle : SafeHandle
{
    internal ShutdownReportHandle(backrun_shutdown_report* pointer)
        : base(0, ownsHandle: true) => SetHandle((nint)pointer);

    public override bool IsInvalid => handle == 0;

    /// <summary>Valid while this object is not disposed.</summary>
    internal backrun_shutdown_report* Pointer => (backrun_shutdown_report*)handle;

    protected override bool ReleaseHandle()
    {
        NativeMethods.backrun_shutdown_report_free((backrun_shutdown_report*)handle);
        return true;
    }
}
