using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using Backrun.Vectors.Text;
using MessagePack;

namespace Backrun.Vectors.Checking;

/// <summary>Reads with MessagePack-CSharp what another wrote, as lines of the golden vectors' format: the value is to be the line's, and its bytes once more the same.</summary>
internal sealed class Check
{
    private readonly SortedDictionary<string, int> _passed = new(StringComparer.Ordinal);
    private int _failed;

    /// <summary>Says what failed, and whether all is well.</summary>
    public bool Run(string file)
    {
        foreach (var line in File.ReadLines(file))
        {
            using var parsed = JsonDocument.Parse(line);
            var id = parsed.RootElement.GetProperty("id").GetString()!;
            string? problem;
            try
            {
                problem = Problem(parsed.RootElement);
            }
            catch (Exception thrown)
            {
                problem = thrown.ToString();
            }
            if (problem is null)
            {
                var family = id.Split('/')[0];
                _passed[family] = _passed.GetValueOrDefault(family) + 1;
                continue;
            }
            _failed++;
            Console.WriteLine($"FAILED {id}: {problem}\n  {(line.Length > 2000 ? line[..2000] + "..." : line)}");
        }
        foreach (var (family, count) in _passed)
            Console.WriteLine($"{family,-16} {count,6} passed");
        Console.WriteLine($"MessagePack {Lines.Version}: {_passed.Values.Sum()} passed, {_failed} failed");
        return _failed == 0 && _passed.Count > 0;
    }

    private static string? Problem(JsonElement line)
    {
        var version = line.GetProperty("version").GetString();
        // "3.1" stands for every 3.1.x.
        if (version != "all" && version != Lines.Version && !Lines.Version.StartsWith(version + ".", StringComparison.Ordinal))
            return $"it is for {version}, and this is {Lines.Version}";
        var options = OptionNames.Find(line.GetProperty("options").GetString()!);
        return line.GetProperty("op").GetString() switch
        {
            "write" => OfWritten(line, options),
            "lz4" => OfCompressed(line, options),
            "tojson" => OfJson(line, options),
            var other => $"what is to be done with {other} is not known",
        };
    }

    private static string? OfWritten(JsonElement line, MessagePackSerializerOptions options)
    {
        var type = TypeNames.Find(line.GetProperty("type").GetString()!);
        var bytes = Convert.FromHexString(line.GetProperty("hex").GetString()!);
        var value = MessagePackSerializer.Deserialize(type, bytes, options);
        using var told = JsonDocument.Parse(Describe.Value(value));
        if (!SameValue.Are(told.RootElement, line.GetProperty("value")))
            return $"it is read as {told.RootElement.GetRawText()}";
        if (options.Compression != MessagePackCompression.None)
            return null; // another compressor's bytes may differ
        var again = MessagePackSerializer.Serialize(type, value, options);
        return again.SequenceEqual(bytes) ? null : $"written again it is {Convert.ToHexStringLower(again)}";
    }

    /// <summary>As of what is written; and it lies in its bytes as told.</summary>
    private static string? OfCompressed(JsonElement line, MessagePackSerializerOptions options)
    {
        var bytes = Convert.FromHexString(line.GetProperty("hex").GetString()!);
        var due = line.GetProperty("container").GetString();
        var container = Container.Read(bytes, line.GetProperty("body_len").GetInt32()).Kind;
        return container == due ? OfWritten(line, options) : $"its container is {container}, not {due}";
    }

    private static string? OfJson(JsonElement line, MessagePackSerializerOptions options)
    {
        var json = MessagePackSerializer.ConvertToJson(Convert.FromHexString(line.GetProperty("hex").GetString()!), options);
        return json == SameValue.Unquote(line.GetProperty("json")) ? null : $"its JSON is {json}";
    }
}
