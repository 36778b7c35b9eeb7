using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Native;

// Whole payloads: src/ffi/payload.rs. The contract of each function is its comment in include/backrun.h.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_payload_validate(backrun_bytes bytes, backrun_codec_settings* settings, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_payload_to_json(backrun_bytes bytes, backrun_codec_settings* settings, backrun_buffer** @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_payload_from_json(backrun_str text, backrun_codec_settings* settings, backrun_buffer** @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_payload_compress(backrun_bytes bytes, backrun_codec_settings* settings, backrun_buffer** @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_payload_decompress(backrun_bytes bytes, backrun_codec_settings* settings, backrun_buffer** @out, backrun_error** outError);

    [LibraryImport(LibraryName)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int backrun_payload_type_name(backrun_bytes bytes, backrun_str* @out, backrun_error** outError);
}
