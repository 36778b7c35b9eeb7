using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using Backrun.Vectors.Text;
using MessagePack;

namespace Backrun.Vectors;

/// <summary>What MessagePack-CSharp does with a value or with bytes, as a line of the golden vectors' format (tests/golden/README.md).</summary>
internal static class Lines
{
    /// <summary>Bytes longer than this are told by their length, hash and beginning: as the format has it, by a line that can be understood so.</summary>
    private const int LongestHex = 1200;

    /// <summary>And where the value does not tell the types of all that is in it, which the bytes do.</summary>
    private const int LongestUntold = 20_000;

    /// <summary>The version that is loaded, as the lines name it.</summary>
    public static string Version { get; } = ThisVersion();

    private static string ThisVersion()
    {
        var full = System.Diagnostics.FileVersionInfo.GetVersionInfo(typeof(MessagePackSerializer).Assembly.Location).ProductVersion!;
        return full.Split('+')[0];
    }

    public static string Write(string id, string options, Type type, object? value)
    {
        var named = OptionNames.Find(options);
        var json = Begin(id, "write", options, type);
        json.Name("value").Raw(Describe.Value(value)); // before it is written, which may change it
        if (Try(() => MessagePackSerializer.Serialize(type, value, named), out var bytes, out var problem))
        {
            Hex(json, bytes, IsUntold(type, options) ? LongestUntold : LongestHex);
            Roundtrip(json, type, bytes, named, IsUntold(type, options));
        }
        else
        {
            Error(json, problem);
        }
        return json.Close('}').ToString();
    }

    private static void Roundtrip(Json json, Type type, byte[] bytes, MessagePackSerializerOptions options, bool isUntold)
    {
        byte[] Again() => MessagePackSerializer.Serialize(type, MessagePackSerializer.Deserialize(type, bytes, options), options);
        if (!Try(Again, out var again, out var problem))
            json.Name("roundtrip").Text("error:" + Innermost(problem).GetType().Name);
        else if (again.Length == bytes.Length && !again.SequenceEqual(bytes) && (isUntold || IsHashed(type)))
            return; // in another order, which nobody can foresee
        else if (!again.SequenceEqual(bytes) && again.Length <= LongestUntold)
            json.Name("roundtrip").Text("bytes:" + Convert.ToHexStringLower(again));
        else if (!again.SequenceEqual(bytes))
            json.Name("roundtrip").Text("other bytes");
    }

    private static bool IsHashed(Type type)
    {
        var name = TypeName.Of(type);
        return name.Contains("Immutable", StringComparison.Ordinal) || name.Contains("Frozen", StringComparison.Ordinal)
            || name.Contains("Concurrent", StringComparison.Ordinal);
    }

    public static string Read(string id, string options, Type type, byte[] bytes)
    {
        var named = OptionNames.Find(options);
        var json = Begin(id, "read", options, type);
        json.Name("hex").Text(Convert.ToHexStringLower(bytes));
        long used = 0;
        object? Deserialize()
        {
            var reader = new MessagePackReader(bytes);
            var value = MessagePackSerializer.Deserialize(type, ref reader, named);
            used = reader.Consumed;
            return value;
        }
        if (Try(Deserialize, out var value, out var problem) && Try(() => Describe.Value(value), out var told, out problem))
        {
            json.Name("ok").Truth(true);
            if (type == typeof(object) && value is not null)
                json.Name("runtime_type").Text(TypeName.Of(value.GetType()));
            json.Name("value").Raw(told);
            if (used != bytes.Length)
                json.Name("bytes_read").Number(used);
        }
        else
        {
            json.Name("ok").Truth(false);
            Error(json, problem);
        }
        return json.Close('}').ToString();
    }

    public static string ToJson(string id, string options, byte[] bytes)
    {
        var json = Begin(id, "tojson", options, null);
        json.Name("hex").Text(Convert.ToHexStringLower(bytes));
        if (Try(() => MessagePackSerializer.ConvertToJson(bytes, OptionNames.Find(options)), out var text, out var problem))
            json.Name("json").Text(text);
        else
            Error(json, problem);
        return json.Close('}').ToString();
    }

    public static string FromJson(string id, string options, string text)
    {
        var json = Begin(id, "fromjson", options, null);
        json.Name("json").Text(text);
        if (Try(() => MessagePackSerializer.ConvertFromJson(text, OptionNames.Find(options)), out var bytes, out var problem))
            Hex(json, bytes, LongestHex);
        else
            Error(json, problem);
        return json.Close('}').ToString();
    }

    public static string SerializeToJson(string id, string options, Type type, object? value)
    {
        var json = Begin(id, "serializetojson", options, type);
        json.Name("value").Raw(Describe.Value(value));
        string Serialize()
        {
            using var text = new StringWriter();
            MessagePackSerializer.SerializeToJson(text, value, OptionNames.Find(options));
            return text.ToString();
        }
        string SerializeAsType()
        {
            var bytes = MessagePackSerializer.Serialize(type, value, OptionNames.Find(options));
            return MessagePackSerializer.ConvertToJson(bytes, OptionNames.Find(options));
        }
        // The generic method, which does the same, cannot be called without knowing the type.
        if (Try<string>(type == typeof(object) ? Serialize : SerializeAsType, out var made, out var problem))
            json.Name("json").Text(made);
        else
            Error(json, problem);
        return json.Close('}').ToString();
    }

    public static string Lz4(string id, string options, Type type, object? value)
    {
        var named = OptionNames.Find(options);
        var json = Begin(id, "lz4", options, type);
        json.Name("value").Raw(Describe.Value(value));
        byte[] Body() => MessagePackSerializer.Serialize(type, value, named.WithCompression(MessagePackCompression.None));
        byte[] Whole() => MessagePackSerializer.Serialize(type, value, named);
        if (!Try(Body, out var body, out var problem) || !Try(Whole, out var whole, out problem))
        {
            Error(json, problem);
            return json.Close('}').ToString();
        }
        json.Name("body_len").Number(body.Length).Name("body_sha256").Text(Sha256(body));
        Container.Read(whole, body.Length).Write(json);
        json.Name("total_len").Number(whole.Length);
        if (whole.Length <= (IsUntold(type, options) ? LongestUntold : LongestHex))
            json.Name("hex").Text(Convert.ToHexStringLower(whole));
        else
            json.Name("sha256").Text(Sha256(whole));
        byte[] Again() => MessagePackSerializer.Serialize(
            type, MessagePackSerializer.Deserialize(type, whole, named), named.WithCompression(MessagePackCompression.None));
        json.Name("reads_back").Truth(Try(Again, out var again, out _) && again.SequenceEqual(body));
        return json.Close('}').ToString();
    }

    private static Json Begin(string id, string operation, string options, Type? type)
    {
        var json = new Json().Open('{').Name("id").Text($"{id}@{options}").Name("op").Text(operation);
        json.Name("version").Text(Version).Name("options").Text(options);
        return type is null ? json : json.Name("type").Text(TypeName.Of(type));
    }

    private static bool IsUntold(Type type, string options) =>
        options.StartsWith("typeless", StringComparison.Ordinal) || HasSlots(type, []);

    /// <summary>Whether a value can have one of type object somewhere.</summary>
    private static bool HasSlots(Type type, HashSet<Type> seen)
    {
        if (!seen.Add(type))
            return false;
        if (type == typeof(object) || (type.IsInterface && !type.IsGenericType) || type.Namespace is "System.Dynamic" or "System.Collections")
            return true;
        var parts = type.IsArray ? [type.GetElementType()!] : type.GetGenericArguments().AsEnumerable();
        if (type.Assembly == typeof(Lines).Assembly)
            parts = parts.Concat(type.GetProperties().Select(p => p.PropertyType)).Concat(type.GetFields().Select(f => f.FieldType));
        return parts.Any(part => HasSlots(part, seen));
    }

    private static void Hex(Json json, byte[] bytes, int longest)
    {
        if (bytes.Length <= longest)
        {
            json.Name("hex").Text(Convert.ToHexStringLower(bytes));
            return;
        }
        json.Name("len").Number(bytes.Length).Name("sha256").Text(Sha256(bytes));
        json.Name("head").Text(Convert.ToHexStringLower(bytes[..32]));
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static void Error(Json json, Exception? problem)
    {
        json.Name("error").Open('[');
        for (; problem is not null; problem = problem.InnerException)
            json.Open('[').Text(problem.GetType().Name).Text(problem.Message.Split('\r', '\n')[0]).Close(']');
        json.Close(']');
    }

    private static Exception Innermost(Exception? problem)
    {
        while (problem!.InnerException is not null)
            problem = problem.InnerException;
        return problem;
    }

    private static bool Try<T>(Func<T> call, out T made, out Exception? problem)
    {
        try
        {
            made = call();
            problem = null;
            return true;
        }
        catch (Exception thrown)
        {
            made = default!;
            problem = thrown;
            return false;
        }
    }
}
