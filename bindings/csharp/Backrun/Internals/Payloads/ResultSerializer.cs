using System;
using MessagePack;
using MessagePack.Formatters;

namespace Backrun.Internals;

/// <summary>Results of tasks to MessagePack and back: as parameters are, with words of their own where that fails.</summary>
internal static class ResultSerializer
{
    /// <summary>Appends the bytes of a result.</summary>
    /// <exception cref="TaskSerializationException">It cannot be serialised.</exception>
    /// <exception cref="BackrunException">It is too large.</exception>
    internal static void Serialize<T>(PayloadWriter writer, T result, EngineFormats formats, string taskName)
    {
        try
        {
            PayloadSerializer.Write(writer, result, Of<T>(formats).Of(formats.Default, formats, out MessagePackSerializerOptions options), options);
        }
        catch (Exception exception)
        {
            for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
            {
                if (inner is PayloadTooLargeException tooLarge)
                {
                    throw TooLarge<T>($"more than {tooLarge.Most} bytes", taskName);
                }
            }

            string reason = PayloadSerializer.IsNestedTooDeeply(exception) ? "it is nested too deeply, or contains itself." : PayloadSerializer.Reason(exception);
            throw Failed<T>($"The result of task '{taskName}' cannot be serialised as {TypeNames.Of(typeof(T))}: {reason}", taskName, exception);
        }

        if (writer.WrittenCount > Limits.PayloadBytes)
        {
            throw TooLarge<T>($"{writer.WrittenCount} bytes", taskName);
        }
    }

    /// <summary>Reads a result.</summary>
    /// <exception cref="TaskSerializationException">It is not one of <typeparamref name="T"/>.</exception>
    internal static T Deserialize<T>(byte[] result, EngineFormats formats, string taskName)
    {
        try
        {
            IMessagePackFormatter<T> formatter = Of<T>(formats).Of(formats.Default, formats, out MessagePackSerializerOptions options);
            MessagePackReader from = new(result);
            T value = formatter.Deserialize(ref from, options);
            return from.Consumed == result.Length
                ? value
                : throw new MessagePackSerializationException($"{result.Length - from.Consumed} bytes stand behind the end of the value, at offset {from.Consumed}.");
        }
        catch (Exception exception)
        {
            throw Failed<T>(
                $"The result of task '{taskName}' cannot be deserialised as {TypeNames.Of(typeof(T))} ({formats.Default}, {result.Length} bytes): {PayloadSerializer.Reason(exception)}",
                taskName,
                exception);
        }
    }

    /// <summary>Where the engine has formatters of its own, its resolver keeps them.</summary>
    private static Formatters<T> Of<T>(EngineFormats formats) => formats.HasOwnFormatters ? new Formatters<T>() : Known<T>.Formatters;

    private static TaskSerializationException Failed<T>(string message, string taskName, Exception exception) => new(message, taskName, typeof(T), exception);

    private static BackrunException TooLarge<T>(string size, string taskName) => new(
        BackrunErrorCode.TooLarge,
        $"The result of task '{taskName}' ({TypeNames.Of(typeof(T))}) takes {size}; the limit is {Limits.PayloadBytes} (4 MiB). Store large data elsewhere (a file, a table) and leave where it is.");

    /// <summary>The formatters of a type, looked up once. They end with the type, where its load context does.</summary>
    private static class Known<T>
    {
        internal static readonly Formatters<T> Formatters = new();
    }
}
