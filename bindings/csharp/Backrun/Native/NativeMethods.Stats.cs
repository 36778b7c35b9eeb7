using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Native;

// Counters: src/ffi/stats.rs. The contract of each function is its comment in include/backrun.h.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_stats(backrun_engine* engine, backrun_stats** @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_stats_value(backrun_stats* stats, uint stat, ulong* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial nuint backrun_stats_queue_count(backrun_stats* stats);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial backrun_str backrun_stats_queue_name(backrun_stats* stats, nuint index);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_stats_queue_value(backrun_stats* stats, nuint index, uint stat, ulong* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial nuint backrun_stats_task_name_count(backrun_stats* stats);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial backrun_str backrun_stats_task_name(backrun_stats* stats, nuint index);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_stats_task_name_duration(backrun_stats* stats, nuint index, uint which, ulong* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial nuint backrun_stats_stalled_count(backrun_stats* stats);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial long backrun_stats_stalled_task_id(backrun_stats* stats, nuint index);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial backrun_str backrun_stats_stalled_task_name(backrun_stats* stats, nuint index);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial backrun_str backrun_stats_stalled_queue(backrun_stats* stats, nuint index);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial ulong backrun_stats_stalled_worker(backrun_stats* stats, nuint index);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial long backrun_stats_stalled_us(backrun_stats* stats, nuint index);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial void backrun_stats_free(backrun_stats* stats);
}
