using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Native;

// Writing MessagePack, value by value: src/ffi/codec_writer.rs. The contract of each function is its comment in include/backrun.h.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_new(backrun_codec_settings* settings, backrun_writer** @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial void backrun_writer_free(backrun_writer* writer);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial void backrun_writer_clear(backrun_writer* writer);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_bytes(backrun_writer* writer, backrun_bytes* @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_take(backrun_writer* writer, backrun_buffer** @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_begin_array(backrun_writer* writer, nuint count, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_begin_map(backrun_writer* writer, nuint count, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_begin_typed(backrun_writer* writer, backrun_str typeName, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_end(backrun_writer* writer, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_nil(backrun_writer* writer, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_bool(backrun_writer* writer, int value, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_int(backrun_writer* writer, long value, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_uint(backrun_writer* writer, ulong value, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_full_int(backrun_writer* writer, long value, uint bits, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_full_uint(backrun_writer* writer, ulong value, uint bits, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_f32(backrun_writer* writer, float value, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_f64(backrun_writer* writer, double value, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_str(backrun_writer* writer, backrun_str text, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_str_utf16(backrun_writer* writer, ushort* units, nuint count, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_key(backrun_writer* writer, backrun_str name, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_bin(backrun_writer* writer, backrun_bytes value, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_ext(backrun_writer* writer, int code, backrun_bytes value, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_raw(backrun_writer* writer, backrun_bytes value, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_writer_timestamp(backrun_writer* writer, long seconds, uint nanos, backrun_error** outError);
}
