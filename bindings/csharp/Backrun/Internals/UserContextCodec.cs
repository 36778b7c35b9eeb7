using System;
using System.Buffers;
using System.Collections.Generic;
using MessagePack;

namespace Backrun.Internals;

/// <summary>
/// A <see cref="UserIdentity"/> as the bytes of a user context: a MessagePack array of a version, the id as 16 bytes, name, culture, time zone and a map of the properties.
/// </summary>
internal static class UserContextCodec
{
    private const int Version = 1;
    private const int Fields = 6;

    /// <exception cref="BackrunException">It takes more than 64 KiB.</exception>
    internal static byte[] Encode(UserIdentity identity)
    {
        ArrayBufferWriter<byte> buffer = new();
        MessagePackWriter writer = new(buffer);
        writer.WriteArrayHeader(Fields);
        writer.Write(Version);
        writer.Write(identity.Id.ToByteArray());
        writer.Write(identity.Name);
        writer.Write(identity.Culture);
        writer.Write(identity.TimeZone);
        writer.WriteMapHeader(identity.Properties.Count);
        foreach (KeyValuePair<string, string> property in identity.Properties)
        {
            writer.Write(property.Key);
            writer.Write(property.Value);
        }

        writer.Flush();
        if (buffer.WrittenCount > Limits.UserContextBytes)
        {
            throw new BackrunException(
                BackrunErrorCode.TooLarge,
                $"The identity of user '{identity.Name}' takes {buffer.WrittenCount} bytes with its {identity.Properties.Count} properties; the limit is {Limits.UserContextBytes} (64 KiB). " +
                "Keep what is large where the connection's factory can look it up.");
        }

        // Pinned: native reads it in place, at every start.
        byte[] bytes = GC.AllocateUninitializedArray<byte>(buffer.WrittenCount, pinned: true);
        buffer.WrittenSpan.CopyTo(bytes);
        return bytes;
    }

    /// <exception cref="BackrunException">The bytes are not what <see cref="Encode"/> writes.</exception>
    internal static UserIdentity Decode(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return Read(bytes);
        }
        catch (Exception exception)
        {
            throw new BackrunException(
                BackrunErrorCode.Serialization, $"The user context of the task ({bytes.Length} bytes) cannot be read: {ExceptionText.MessageOf(exception)}", exception);
        }
    }

    private static UserIdentity Read(ReadOnlyMemory<byte> bytes)
    {
        MessagePackReader reader = new(bytes);
        int fields = reader.ReadArrayHeader();
        int version = fields == 0 ? 0 : reader.ReadInt32();
        if (fields != Fields || version != Version)
        {
            throw new MessagePackSerializationException($"The user context has version {version} and {fields} fields; this version of Backrun reads version {Version} with {Fields} fields.");
        }

        ReadOnlySequence<byte> id = reader.ReadBytes() ?? throw new MessagePackSerializationException("The user context has no id.");
        if (id.Length != 16)
        {
            throw new MessagePackSerializationException($"The id in the user context has {id.Length} bytes instead of 16.");
        }

        string name = Text(ref reader);
        string culture = Text(ref reader);
        string timeZone = Text(ref reader);
        int count = reader.ReadMapHeader();
        Dictionary<string, string> properties = new(count, StringComparer.Ordinal);
        for (int index = 0; index < count; index++)
        {
            string key = Text(ref reader);
            properties[key] = Text(ref reader);
        }

        return new UserIdentity(new Guid(id.ToArray()), name, culture, timeZone, properties);
    }

    private static string Text(ref MessagePackReader reader) =>
        reader.ReadString() ?? throw new MessagePackSerializationException("The user context has null where a text belongs.");
}
