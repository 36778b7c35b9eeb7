using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Backrun.Native;

/// <summary>
/// The UTF-8 of the texts of one native call: freed together after it. Only for calls that are not on the hot path.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal ref struct Utf8Arena
{
    private const int Most = 8;
    private Blocks _blocks;
    private int _count;

    internal unsafe backrun_str Add(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return default;
        }

        if (_count == Most)
        {
            throw new InvalidOperationException($"A native call takes at most {Most} texts.");
        }

        int length = Encoding.UTF8.GetByteCount(text);
        byte* data = (byte*)NativeMemory.Alloc((nuint)length);
        _blocks[_count++] = (nint)data;
        Encoding.UTF8.GetBytes(text, new Span<byte>(data, length));
        return new backrun_str { data = data, len = (nuint)length };
    }

    public unsafe void Dispose()
    {
        for (int index = 0; index < _count; index++)
        {
            NativeMemory.Free((void*)_blocks[index]);
        }

        _count = 0;
    }

    [System.Runtime.CompilerServices.InlineArray(Most)]
    private struct Blocks
    {
        private nint _first;
    }
}
