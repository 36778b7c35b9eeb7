using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Native;

// Watching tasks and choosing events: src/ffi/observer.rs. The contract of each function is its comment in include/backrun.h.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_tell_end(backrun_engine* engine, long id, uint* outState, long* outLease, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_watch(
        backrun_engine* engine,
        long id,
        delegate* unmanaged[Cdecl]<void*, int, backrun_task_status*, void> done,
        void* userData,
        backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_set_event_kinds(backrun_engine* engine, ulong kinds, backrun_error** outError);
}
