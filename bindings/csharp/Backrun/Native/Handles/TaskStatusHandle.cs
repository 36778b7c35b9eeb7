using System.Runtime.InteropServices;

namespace Backrun.Native;

/// <summary>Owns a snapshot of a task.</summary>
internal sealed unsafe class TaskStatusHandle : SafeHandle
{
    internal TaskStatusHandle(backrun_task_status* pointer)
        : base(0, ownsHandle: true) => SetHandle((nint)pointer);

    public override bool IsInvalid => handle == 0;

    /// <summary>Valid while this object is not disposed.</summary>
    internal backrun_task_status* Pointer => (backrun_task_status*)handle;

    protected override bool ReleaseHandle()
    {
        NativeMethods.backrun_task_status_free((backrun_task_status*)handle);
        return true;
    }
}
