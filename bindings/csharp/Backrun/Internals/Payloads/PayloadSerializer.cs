using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Backrun.Native;
using MessagePack;

namespace Backrun.Internals;

/// <summary>Parameters to MessagePack and back, by the real MessagePack-CSharp.</summary>
/// <remarks>
/// <c>MessagePackSecurity.UntrustedData</c> is not set: the bytes come from this process (and later from its own store), never from a stranger, and what it adds
/// (hash collision resistance) changes which dictionary types can be read. The depth limit of 500 levels holds all the same. A store that others can write to has to
/// reconsider this.
/// </remarks>
internal static unsafe class PayloadSerializer
{
    private static readonly MessagePackSerializerOptions Contractless =
        MessagePackSerializerOptions.Standard.WithResolver(UserConnectionGuard<ContractlessResolver>.Instance);

    private static readonly MessagePackSerializerOptions Keyed =
        MessagePackSerializerOptions.Standard.WithResolver(UserConnectionGuard<KeyedResolver>.Instance);

    /// <summary>Appends the bytes of <paramref name="parameters"/>, 4 MiB at most, and reads them back where asked to.</summary>
    /// <exception cref="TaskSerializationException">They cannot be serialised (or, with <paramref name="verify"/>, not be deserialised).</exception>
    /// <exception cref="BackrunException">They are too large.</exception>
    internal static void Serialize<T>(PayloadWriter writer, T parameters, PayloadFormat format, bool verify, TaskRegistration registration)
    {
        int start = writer.WrittenCount;
        try
        {
            SerializeCore(writer, parameters, Options(format));
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
            Verify<T>(writer, start, format, registration);
        }
    }

    /// <summary>Reads parameters from native memory.</summary>
    /// <exception cref="TaskSerializationException">They cannot be deserialised.</exception>
    internal static T Deserialize<T>(backrun_bytes payload, PayloadFormat format, TaskRegistration registration)
    {
        int length = checked((int)payload.len);
        NativeMemoryManager memory = NativeMemoryManager.Rent(payload.data, length);
        try
        {
            T value = DeserializeCore<T>(memory.Bytes, Options(format), out int read);
            if (read != length)
            {
                throw new MessagePackSerializationException($"{length - read} bytes stand behind the end of the value, at offset {read}.");
            }

            return value;
        }
        catch (Exception exception)
        {
            throw new TaskSerializationException(
                $"The parameters of task '{registration.Name}' cannot be deserialised as {TypeNames.Of(typeof(T))} ({format}, {length} bytes): {Reason(exception)}",
                registration.Name,
                typeof(T),
                exception);
        }
        finally
        {
            memory.Return();
        }
    }

    private static MessagePackSerializerOptions Options(PayloadFormat format) => format switch
    {
        PayloadFormat.Contractless => Contractless,
        PayloadFormat.Standard => Keyed,
        _ => throw new NotSupportedException($"PayloadFormat.{format}: this version cannot read or write it; use PayloadFormat.Contractless or PayloadFormat.Standard."),
    };

    // The one place where the serialiser is called. Types that its generator or hand-written formatters do not cover need code made at run time: programs for
    // NativeAOT use PayloadFormat.Standard with such formatters, as the documentation of PayloadFormat says.
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "TParameters is named by the application's own call; see above.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "See above.")]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SerializeCore<T>(PayloadWriter writer, T parameters, MessagePackSerializerOptions options) =>
        MessagePackSerializer.Serialize(writer, parameters, options);

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "As SerializeCore.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "As SerializeCore.")]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T DeserializeCore<T>(ReadOnlyMemory<byte> bytes, MessagePackSerializerOptions options, out int read) =>
        MessagePackSerializer.Deserialize<T>(bytes, options, out read);

    private static void Verify<T>(PayloadWriter writer, int start, PayloadFormat format, TaskRegistration registration)
    {
        backrun_bytes view = new() { data = writer.Start + start, len = (nuint)(writer.WrittenCount - start) };
        try
        {
            _ = Deserialize<T>(view, format, registration);
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

        string reason = Innermost(exception) is InsufficientExecutionStackException
            ? "they are nested too deeply, or contain themselves."
            : Reason(exception);
        return new TaskSerializationException(
            $"The parameters of task '{registration.Name}' cannot be serialised as {TypeNames.Of(typeof(T))}: {reason} Nothing was queued.", registration.Name, typeof(T), exception);
    }

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
        {
            exception = inner;
        }

        return exception;
    }

    private static string Reason(Exception exception) => ExceptionText.MessageOf(Innermost(exception));

    [DoesNotReturn]
    private static void ThrowTooLarge<T>(string size, TaskRegistration registration) => throw TooLarge<T>(size, registration);

    private static BackrunException TooLarge<T>(string size, TaskRegistration registration) => new(
        BackrunErrorCode.TooLarge,
        $"The parameters of task '{registration.Name}' ({TypeNames.Of(typeof(T))}) take {size}; the limit is {Limits.PayloadBytes} (4 MiB). Nothing was queued. " +
        "Store large data elsewhere (a file, a table) and pass where it is.");
}
