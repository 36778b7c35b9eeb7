using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Native;

// Handing work over: src/ffi/submit.rs. The contract of each function is its comment in include/backrun.h.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_submit(backrun_engine* engine, backrun_submission* submission, long* outId, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_submit_many(
        backrun_engine* engine,
        backrun_submission* submissions,
        nuint count,
        long* outIds,
        backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_task_number(backrun_engine* engine, backrun_str taskName, uint* outNumber, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_submit_async(
        backrun_engine* engine,
        backrun_submission* submission,
        delegate* unmanaged[Cdecl]<void*, int, long, void> done,
        void* userData,
        backrun_error** outError);
}
