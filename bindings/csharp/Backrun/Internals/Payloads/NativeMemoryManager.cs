using System;
using System.Buffers;
using System.Runtime.CompilerServices;

namespace Backrun.Internals;

/// <summary>
/// Native bytes as a <see cref="Memory{T}"/>, for the length of one callback: what keeps the memory for longer finds it ended, not freed under its hands.
/// One a thread, used again.
/// </summary>
internal sealed unsafe class NativeMemoryManager : MemoryManager<byte>
{
    // What is smaller is copied into an array of the thread, and read from there: the serialiser asks its memory for slices again and again, for each of which a
    // memory manager is asked (50 ns a task of 100 bytes), an array is not. The copy costs less up to many times this.
    private const int SmallBytes = 4096;

    [ThreadStatic]
    private static NativeMemoryManager? _manager;

    private readonly byte[] _small = GC.AllocateUninitializedArray<byte>(SmallBytes);
    private byte* _data;
    private int _length;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static NativeMemoryManager Rent(byte* data, int length)
    {
        NativeMemoryManager manager = _manager ?? new NativeMemoryManager();
        _manager = null;
        manager._data = data;
        manager._length = length;
        return manager;
    }

    /// <summary>Ends the view, on the thread that rented it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Return()
    {
        _data = null;
        _length = 0;
        _manager = this;
    }

    /// <summary>
    /// The bytes, during the call only: later they are those of another call, or using them throws. They never refer to memory that native has freed.
    /// </summary>
    internal ReadOnlyMemory<byte> Bytes
    {
        get
        {
            if (_length > SmallBytes)
            {
                return CreateMemory(_length);
            }

            new ReadOnlySpan<byte>(_data, _length).CopyTo(_small);
            return new ReadOnlyMemory<byte>(_small, 0, _length);
        }
    }

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
