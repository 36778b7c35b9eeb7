using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Native;

// What a callback may ask and say of its task, and the settling of pending runs: src/ffi/task.rs. The contract of each function is its comment in include/backrun.h.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    [SuppressGCTransition] // A few loads: shorter than the transition.
    internal static partial long backrun_task_id(backrun_task* task);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    [SuppressGCTransition] // A few loads: shorter than the transition.
    internal static partial uint backrun_task_attempt(backrun_task* task);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    [SuppressGCTransition] // A few loads: shorter than the transition.
    internal static partial long backrun_task_lease(backrun_task* task);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial backrun_str backrun_task_name(backrun_task* task);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial backrun_str backrun_task_queue(backrun_task* task);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_task_priority(backrun_task* task);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    [SuppressGCTransition] // A few loads: shorter than the transition.
    internal static partial uint backrun_task_payload_format(backrun_task* task);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    [SuppressGCTransition] // A few loads: shorter than the transition.
    internal static partial int backrun_task_is_cancelled(backrun_task* task);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial backrun_str backrun_task_header(backrun_task* task, backrun_str name);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    [SuppressGCTransition] // A few loads: shorter than the transition.
    internal static partial nuint backrun_task_header_count(backrun_task* task);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial backrun_str backrun_task_header_name(backrun_task* task, nuint index);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_task_set_progress(backrun_task* task, double fraction, backrun_str text, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_task_set_result(backrun_task* task, backrun_bytes result, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_task_fail(backrun_task* task, backrun_str message, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_task_fail_with(backrun_task* task, backrun_failure* failure, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_task_retry_after(backrun_task* task, long delayMs, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_task_settle(backrun_engine* engine, long id, long lease, backrun_outcome* outcome, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_set_progress(
        backrun_engine* engine,
        long id,
        long lease,
        double fraction,
        backrun_str text,
        backrun_error** outError);
}
