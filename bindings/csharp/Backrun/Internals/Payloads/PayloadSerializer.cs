using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Backrun.Native;
using MessagePack;
using MessagePack.Formatters;

namespace Backrun.Internals;

/// <summary>Parameters to MessagePack and back, by the real MessagePack-CSharp.</summary>
/// <remarks>
/// <c>MessagePackSecurity.UntrustedData</c> is not set: the bytes come from this process (and later from its own store), never from a stranger, and what it adds
/// (hash collision resistance) changes which dictionary types can be read. The depth limit of 500 levels holds all the same. A store that others can write to has to
/// reconsider this.
/// </remarks>
internal static unsafe class PayloadSerializer
{
    /// <summary>Appends the bytes of <paramref name="parameters"/>, 4 MiB at most, and reads them back where asked to.</summary>
    /// <exception cref="TaskSerializationException">They cannot be serialised (or, with <paramref name="verify"/>, not be deserialised).</exception>
    /// <exception cref="BackrunException">They are too large.</exception>
    internal static void Serialize<T>(PayloadWriter writer, T parameters, Formatters<T> formatters, PayloadFormat format, bool verify, TaskRegistration registration)
    {
        int start = writer.WrittenCount;
        try
        {
            Write(writer, parameters, formatters.Of(format, registration.Core.Formats, out MessagePackSerializerOptions options), options);
        }
        catch (Exception exception)
        {
            throw SerializeFailed<T>(exception, registration);
        }

        int length = writer.WrittenCount - start;
        if (length > Limits.PayloadBytes)
        {
            ThrowTooLarge<T>($"{length} bytes", registration);
        }

        if (verify)
        {
            Verify(writer, start, formatters, format, registration);
        }
    }

    /// <summary>Appends the bytes of a value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Write<T>(PayloadWriter writer, T value, IMessagePackFormatter<T> formatter, MessagePackSerializerOptions options)
    {
        if (options is TypelessOptions)
        {
            WriteTypeless(writer, value, formatter, options);
            return;
        }

        MessagePackWriter into = new(writer);
        formatter.Serialize(ref into, value, options);
        into.Flush();
    }

    private static void WriteTypeless<T>(PayloadWriter writer, T value, IMessagePackFormatter<T> formatter, MessagePackSerializerOptions options)
    {
        PayloadWriter? outer = PayloadWriter.Current;
        PayloadWriter.Current = writer;
        try
        {
            MessagePackWriter into = new(writer);
            formatter.Serialize(ref into, value, options);
            into.Flush();
        }
        finally
        {
            PayloadWriter.Current = outer;
        }
    }

    /// <summary>Reads parameters from native memory.</summary>
    /// <exception cref="TaskSerializationException">They cannot be deserialised.</exception>
    internal static T Deserialize<T>(backrun_bytes payload, Formatters<T> formatters, PayloadFormat format, TaskRegistration registration)
    {
        int length = checked((int)payload.len);
        NativeMemoryManager memory = NativeMemoryManager.Rent(payload.data, length);
        try
        {
            IMessagePackFormatter<T> formatter = formatters.Of(format, registration.Core.Formats, out MessagePackSerializerOptions options);
            MessagePackReader from = new(memory.Bytes);
            T value = formatter.Deserialize(ref from, options);
            if (from.Consumed != length)
            {
                ThrowNotAtEnd(length, from.Consumed);
            }

            return value;
        }
        catch (Exception exception)
        {
            throw new TaskSerializationException(
                $"The parameters of task '{registration.Name}' cannot be deserialised as {TypeNames.Of(typeof(T))} ({format}, {length} bytes): {Reason(exception)}",
                registration.Name,
                typeof(T),
                exception as MessagePackSerializationException ?? new MessagePackSerializationException($"Failed to deserialize {typeof(T).FullName} value.", exception))
            {
                IsOfRun = true,
            };
        }
        finally
        {
            memory.Return();
        }
    }

    private static void Verify<T>(PayloadWriter writer, int start, Formatters<T> formatters, PayloadFormat format, TaskRegistration registration)
    {
        backrun_bytes view = new() { data = writer.Start + start, len = (nuint)(writer.WrittenCount - start) };
        try
        {
            _ = Deserialize(view, formatters, format, registration);
        }
        catch (TaskSerializationException exception)
        {
            throw new TaskSerializationException(
                $"{exception.Message} Nothing was queued (BackrunOptions.VerifyRoundTrip).", registration.Name, typeof(T), exception.InnerException);
        }
    }

    private static Exception SerializeFailed<T>(Exception exception, TaskRegistration registration)
    {
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is PayloadTooLargeException tooLarge)
            {
                return TooLarge<T>($"more than {tooLarge.Most} bytes", registration);
            }
        }

        string reason = IsNestedTooDeeply(exception) ? "they are nested too deeply, or contain themselves." : Reason(exception);
        return new TaskSerializationException(
            $"The parameters of task '{registration.Name}' cannot be serialised as {TypeNames.Of(typeof(T))}: {reason} Nothing was queued.",
            registration.Name,
            typeof(T),
            exception as MessagePackSerializationException ?? new MessagePackSerializationException($"Failed to serialize {typeof(T).FullName} value.", exception));
    }

    [DoesNotReturn]
    private static void ThrowNotAtEnd(int length, long read) =>
        throw new MessagePackSerializationException($"{length - read} bytes stand behind the end of the value, at offset {read}.");

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
        {
            exception = inner;
        }

        return exception;
    }

    internal static bool IsNestedTooDeeply(Exception exception) => Innermost(exception) is InsufficientExecutionStackException;

    /// <summary>What is at the bottom of what the serialiser threw.</summary>
    internal static string Reason(Exception exception) => ExceptionText.MessageOf(Innermost(exception));

    [DoesNotReturn]
    private static void ThrowTooLarge<T>(string size, TaskRegistration registration) => throw TooLarge<T>(size, registration);

    private static BackrunException TooLarge<T>(string size, TaskRegistration registration) => new(
        BackrunErrorCode.TooLarge,
        $"The parameters of task '{registration.Name}' ({TypeNames.Of(typeof(T))}) take {size}; the limit is {Limits.PayloadBytes} (4 MiB). Nothing was queued. " +
        "Store large data elsewhere (a file, a table) and pass where it is.");
}
