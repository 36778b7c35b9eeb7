using System;
using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Internals;

/// <summary>
/// Where parameters are written: one buffer a thread that never moves, used again and again. Rented, since what is serialised may itself start a task
/// (from a property's getter): the inner call then gets a writer of its own.
/// </summary>
internal sealed unsafe class PayloadWriter : IBufferWriter<byte>
{
    // What a writer hands out at a time. The serialiser recurses without limit and asks for more only when this is full, so that between two looks at
    // the stack it can go down by this many levels at most (a level writes at least one byte), which the reserve of the runtime (128 KiB) has to bear: up to
    // 1 KiB a level. A list of lists takes half of that with MessagePack 3. The first look is before the second chunk, so that small parameters cost none.
    private const int FirstChunkBytes = 256;
    private const int ChunkBytes = 128;
    private const int FirstBytes = 4096;
    private const int KeptBytes = 1024 * 1024;

    [ThreadStatic]
    private static PayloadWriter? _writer;

    [ThreadStatic]
    private static PayloadWriter? _current;

    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(FirstBytes, pinned: true);
    private int _written;
    private int _asked;
    private int _most;

    /// <summary>How much has been written.</summary>
    internal int WrittenCount => _written;

    /// <summary>What this thread writes typeless values to now: there their formatter goes back in what was written. Whoever sets it brings back what it was.</summary>
    internal static PayloadWriter? Current
    {
        get => _current;
        set => _current = value;
    }

    /// <summary>The first byte; moves when more is written, not otherwise.</summary>
    internal byte* Start => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_buffer));

    internal ReadOnlySpan<byte> WrittenSpan => _buffer.AsSpan(0, _written);

    /// <summary>This thread's writer, empty; to be given back by <see cref="Return"/>, on the same thread.</summary>
    /// <param name="most">Where writing more ends with a <see cref="PayloadTooLargeException"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static PayloadWriter Rent(int most)
    {
        PayloadWriter writer = _writer ?? new PayloadWriter();
        _writer = null;
        writer._written = 0;
        writer._asked = 0;
        writer._most = most;
        return writer;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Return()
    {
        if (_buffer.Length > KeptBytes)
        {
            _buffer = GC.AllocateUninitializedArray<byte>(FirstBytes, pinned: true);
        }

        _writer = this;
    }

    public void Advance(int count)
    {
        if (count < 0 || count > _buffer.Length - _written)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, "More was written than there was room for.");
        }

        _written += count;
    }

    /// <summary>Closes the gap between two parts of what was written: the bytes behind it move down.</summary>
    /// <param name="start">Where the gap begins.</param>
    /// <param name="end">Where it ends.</param>
    internal void CloseGap(int start, int end)
    {
        _buffer.AsSpan(end, _written - end).CopyTo(_buffer.AsSpan(start));
        _written -= end - start;
    }

    /// <summary>Bytes that were written, to write them anew.</summary>
    internal Span<byte> Written(int start, int length) => _buffer.AsSpan(start, length);

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        int size = Reserve(sizeHint);
        return _buffer.AsMemory(_written, size);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        int size = Reserve(sizeHint);
        return _buffer.AsSpan(_written, size);
    }

    private int Reserve(int sizeHint)
    {
        int chunk = FirstChunkBytes;
        if (_asked++ > 0)
        {
            RuntimeHelpers.EnsureSufficientExecutionStack();
            chunk = ChunkBytes;
        }

        int size = Math.Max(sizeHint, chunk);
        if (size > _buffer.Length - _written)
        {
            Grow(size);
        }

        return size;
    }

    private void Grow(int size)
    {
        long needed = (long)_written + size;
        if (needed - ChunkBytes > _most)
        {
            throw new PayloadTooLargeException(_most);
        }

        long length = Math.Min(Math.Max(needed, 2L * _buffer.Length), Math.Max(needed, Array.MaxLength));
        if (length > Array.MaxLength)
        {
            throw new PayloadTooLargeException(Array.MaxLength);
        }

        byte[] larger = GC.AllocateUninitializedArray<byte>((int)length, pinned: true);
        _buffer.AsSpan(0, _written).CopyTo(larger);
        _buffer = larger;
    }
}
