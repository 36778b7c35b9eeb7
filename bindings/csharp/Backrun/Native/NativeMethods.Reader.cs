using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Native;

// Reading MessagePack, value by value: src/ffi/codec_reader.rs. The contract of each function is its comment in include/backrun.h.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_new(backrun_bytes bytes, backrun_codec_settings* settings, backrun_reader** @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial void backrun_reader_free(backrun_reader* reader);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial nuint backrun_reader_offset(backrun_reader* reader);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_finish(backrun_reader* reader, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_peek(backrun_reader* reader, uint* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_peek_ext(backrun_reader* reader, int* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_begin_array(backrun_reader* reader, nuint* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_begin_map(backrun_reader* reader, nuint* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_begin_typed(backrun_reader* reader, backrun_str* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_end(backrun_reader* reader, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_skip(backrun_reader* reader, backrun_bytes* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_nil(backrun_reader* reader, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_try_nil(backrun_reader* reader, int* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_bool(backrun_reader* reader, int* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_int(backrun_reader* reader, long* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_int32(backrun_reader* reader, int* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_uint(backrun_reader* reader, ulong* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_f32(backrun_reader* reader, float* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_f64(backrun_reader* reader, double* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_str(backrun_reader* reader, backrun_str* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_str_bytes(backrun_reader* reader, backrun_bytes* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_bin(backrun_reader* reader, backrun_bytes* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_ext(backrun_reader* reader, int* outCode, backrun_bytes* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_reader_timestamp(backrun_reader* reader, long* @out, uint* outNanos, backrun_error** outError);
}
