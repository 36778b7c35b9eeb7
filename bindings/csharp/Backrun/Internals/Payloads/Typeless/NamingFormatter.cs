using System;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MessagePack;
using MessagePack.Formatters;

namespace Backrun.Internals;

/// <summary>What the formatters of values with their type's name have in common.</summary>
internal static unsafe class NamingFormatter
{
    private const sbyte TypelessExtension = 100;

    // Of the longest extension; what comes behind moves down when it is known how long it is.
    private const int MostHeaderBytes = 6;

    /// <summary>Whether a value with its type's name comes next.</summary>
    internal static bool IsNext(in MessagePackReader reader)
    {
        MessagePackReader ahead = reader.CreatePeekReader();
        return ahead.NextMessagePackType == MessagePackType.Extension && ahead.ReadExtensionFormatHeader().TypeCode == TypelessExtension;
    }

    /// <summary>Writes a value, with its type's name where it needs one.</summary>
    /// <remarks>
    /// In the form that MessagePack-CSharp's own TypelessFormatter writes. That one writes what is inside into a buffer of its own, once more a level, and looks neither at the stack nor at the size: what
    /// contains itself would end the process. This one stays in the <see cref="PayloadWriter"/>, which looks at both.
    /// </remarks>
    /// <exception cref="MessagePackSerializationException">Payloads may not name its type.</exception>
    internal static void Serialize(ref MessagePackWriter writer, object value, MessagePackSerializerOptions options)
    {
        Type type = value.GetType();
        if (IsSimple(type) || options is not TypelessOptions own)
        {
            TypelessFormatter.Instance.Serialize(ref writer, value, options);
            return;
        }

        NamedType named = own.Named(type);
        writer.Flush();
        if (!TryFind(ref writer, out PayloadWriter? target))
        {
            // A formatter of the application gave us a buffer of its own.
            TypelessFormatter.Instance.Serialize(ref writer, value, options);
            return;
        }

        int start = target.WrittenCount;
        MessagePackWriter inside = writer.Clone(target);
        inside.WriteRaw([0, 0, 0, 0, 0, 0]);
        inside.WriteString(named.Name);
        named.Write(ref inside, value, options);
        inside.Flush();
        WriteHeader(target, start);

        // What the outer one holds of the buffer is no longer where it writes on.
        writer = writer.Clone(target);
    }

    internal static object? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        // A name inside a name inside a name goes deeper without any formatter that counts the levels.
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return TypelessFormatter.Instance.Deserialize(ref reader, options);
    }

    // Integers keep their width, so that they come back as what they were; names of anonymous types say nothing to anybody; and an object has nothing but a name.
    private static bool IsSimple(Type type) =>
        type.IsPrimitive ? type != typeof(char) && type != typeof(nint) && type != typeof(nuint)
        : type == typeof(string) || type == typeof(byte[]) || type == typeof(object) || (type.Namespace is null && type.Name.Contains("AnonymousType", StringComparison.Ordinal));

    /// <summary>Whether a writer that was flushed writes to this thread's payload.</summary>
    private static bool TryFind(ref MessagePackWriter writer, [NotNullWhen(true)] out PayloadWriter? target)
    {
        target = PayloadWriter.Current;
        return target is not null && Unsafe.AreSame(ref MemoryMarshal.GetReference(writer.GetSpan(1)), ref *(target.Start + target.WrittenCount));
    }

    private static void WriteHeader(PayloadWriter target, int start)
    {
        int length = target.WrittenCount - start - MostHeaderBytes;
        Span<byte> header = target.Written(start, MostHeaderBytes);
        int used;
        switch (length)
        {
            case 1 or 2 or 4 or 8 or 16:
                header[0] = (byte)(MessagePackCode.FixExt1 + int.Log2(length));
                used = 1;
                break;
            case <= byte.MaxValue:
                header[0] = MessagePackCode.Ext8;
                header[1] = (byte)length;
                used = 2;
                break;
            case <= ushort.MaxValue:
                header[0] = MessagePackCode.Ext16;
                BinaryPrimitives.WriteUInt16BigEndian(header[1..], (ushort)length);
                used = 3;
                break;
            default:
                header[0] = MessagePackCode.Ext32;
                BinaryPrimitives.WriteInt32BigEndian(header[1..], length);
                used = 5;
                break;
        }

        header[used++] = unchecked((byte)TypelessExtension);
        if (used < MostHeaderBytes)
        {
            target.CloseGap(start + used, start + MostHeaderBytes);
        }
    }
}

/// <summary>A value in a place that does not say what it is: of type <see cref="object"/>, of an abstract class or an interface.</summary>
/// <typeparam name="T">What the place says.</typeparam>
#pragma warning disable MA0048 // The same, as a formatter.
internal sealed class NamingFormatter<T> : IMessagePackFormatter<T?>
{
    public void Serialize(ref MessagePackWriter writer, T? value, MessagePackSerializerOptions options)
    {
        if (value is null)
        {
            writer.WriteNil();
        }
        else
        {
            NamingFormatter.Serialize(ref writer, value, options);
        }
    }

    public T? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) => NamingFormatter.Deserialize(ref reader, options) switch
    {
        null => default,
        T value => value,
        var other => throw new MessagePackSerializationException($"The payload holds {TypeNames.Of(other.GetType())} where {TypeNames.Of(typeof(T))} is due."),
    };
}
