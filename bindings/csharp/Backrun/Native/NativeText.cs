using System;
using System.Runtime.CompilerServices;
using System.Text;

namespace Backrun.Native;

/// <summary>Texts at the border: UTF-8, borrowed in both directions.</summary>
internal static unsafe class NativeText
{
    internal static string ToManaged(backrun_str text) =>
        text.len == 0 ? string.Empty : Encoding.UTF8.GetString(text.data, checked((int)text.len));

    internal static string? ToManagedOrNull(backrun_str text) => text.len == 0 ? null : ToManaged(text);

    internal static ReadOnlySpan<byte> AsSpan(backrun_str text) => new(text.data, checked((int)text.len));

    /// <summary>UTF-8 in memory that never moves: for texts that are sent again and again.</summary>
    internal static byte[] ToPinned(string text)
    {
        byte[] pinned = GC.AllocateUninitializedArray<byte>(Encoding.UTF8.GetByteCount(text), pinned: true);
        Encoding.UTF8.GetBytes(text, pinned);
        return pinned;
    }

    /// <summary>A view of an array of <see cref="ToPinned"/>; the caller keeps the array alive for as long as the view is used.</summary>
    internal static backrun_str ViewOfPinned(byte[] pinned) =>
        new() { data = (byte*)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(pinned)), len = (nuint)pinned.Length };
}
