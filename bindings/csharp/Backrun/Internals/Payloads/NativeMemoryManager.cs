using System;
using System.Buffers;

namespace Backrun.Internals;

/// <summary>
/// Native bytes as a <see cref="Memory{T}"/>, for the length of one callback: what keeps the memory for longer finds it ended, not freed under its hands.
/// One a thread, used again.
/// </summary>
internal sealed unsafe class NativeMemoryManager : MemoryManager<byte>
{
    [ThreadStatic]
    private static NativeMemoryManager? _manager;

    private byte* _data;
    private int _length;

    internal static NativeMemoryManager Rent(byte* data, int length)
    {
        NativeMemoryManager manager = _manager ?? new NativeMemoryManager();
        _manager = null;
        manager._data = data;
        manager._length = length;
        return manager;
    }

    /// <summary>Ends the view, on the thread that rented it.</summary>
    internal void Return()
    {
        _data = null;
        _length = 0;
        _manager = this;
    }

    /// <summary>The bytes. A copy of this that is used after <see cref="Return"/> throws, unless the manager serves another call by then.</summary>
    internal ReadOnlyMemory<byte> Bytes => CreateMemory(_length);

    public override Span<byte> GetSpan() => new(_data, _length);

    // What does not move needs no pin.
    public override MemoryHandle Pin(int elementIndex = 0) => new(_data + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
