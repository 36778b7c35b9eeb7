using System.Runtime.InteropServices;

namespace Backrun.Native;

/// <summary>Owns bytes that native allocated.</summary>
internal sealed unsafe class BufferHandle : SafeHandle
{
    internal BufferHandle(backrun_buffer* pointer)
        : base(0, ownsHandle: true) => SetHandle((nint)pointer);

    public override bool IsInvalid => handle == 0;

    /// <summary>Valid while this object is not disposed.</summary>
    internal backrun_buffer* Pointer => (backrun_buffer*)handle;

    protected override bool ReleaseHandle()
    {
        NativeMethods.backrun_buffer_free((backrun_buffer*)handle);
        return true;
    }
}
