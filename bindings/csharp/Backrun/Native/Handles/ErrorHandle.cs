using System.Runtime.InteropServices;

namespace Backrun.Native;

/// <summary>Owns an error object.</summary>
internal sealed unsafe class ErrorHandle : SafeHandle
{
    internal ErrorHandle(backrun_error* pointer)
        : base(0, ownsHandle: true) => SetHandle((nint)pointer);

    public override bool IsInvalid => handle == 0;

    /// <summary>Valid while this object is not disposed.</summary>
    internal backrun_error* Pointer => (backrun_error*)handle;

    protected override bool ReleaseHandle()
    {
        NativeMethods.backrun_error_free((backrun_error*)handle);
        return true;
    }
}
