using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Native;

// Telling the engine what runs tasks of a name: src/ffi/handler.rs. The contract of each function is its comment in include/backrun.h.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_engine_register(
        backrun_engine* engine,
        backrun_str name,
        backrun_handler* handler,
        backrun_task_options* options,
        backrun_error** outError);
}
