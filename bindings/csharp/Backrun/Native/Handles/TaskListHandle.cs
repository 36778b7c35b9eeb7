using System.Runtime.InteropServices;

namespace Backrun.Native;

/// <summary>Owns a list of snapshots; what is borrowed from it ends with it.</summary>
internal sealed unsafe class TaskListHandle : SafeHandle
{
    internal TaskListHandle(backrun_task_list* pointer)
        : base(0, ownsHandle: true) => SetHandle((nint)pointer);

    public override bool IsInvalid => handle == 0;

    /// <summary>Valid while this object is not disposed.</summary>
    internal backrun_task_list* Pointer => (backrun_task_list*)handle;

    protected override bool ReleaseHandle()
    {
        NativeMethods.backrun_task_list_free((backrun_task_list*)handle);
        return true;
    }
}
