using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace Backrun.Vectors.Checking;

/// <summary>Compares values as lines tell them, but for the texts beside them that are for people.</summary>
internal static class SameValue
{
    private static readonly HashSet<string> ForPeople = ["f16", "f32", "f64", "decimal", "datetime", "datetimeoffset", "dateonly", "text"];

    public static bool Are(JsonElement one, JsonElement other)
    {
        if (one.ValueKind != other.ValueKind)
            return false;
        return one.ValueKind switch
        {
            JsonValueKind.String => Unquote(one) == Unquote(other),
            JsonValueKind.Number => one.GetRawText() == other.GetRawText(),
            JsonValueKind.Array => one.GetArrayLength() == other.GetArrayLength()
                && one.EnumerateArray().Zip(other.EnumerateArray()).All(both => Are(both.First, both.Second)),
            JsonValueKind.Object => AreObjects(Told(one), Told(other)),
            _ => true,
        };
    }

    private static bool AreObjects(Dictionary<string, JsonElement> one, Dictionary<string, JsonElement> other) =>
        one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out var theirs) && Are(pair.Value, theirs));

    /// <summary>An object's properties; a text for people where another property tells the same for programs is none.</summary>
    private static Dictionary<string, JsonElement> Told(JsonElement value)
    {
        var all = value.EnumerateObject().ToDictionary(p => p.Name, p => p.Value);
        return all.Count == 1 ? all : all.Where(p => !ForPeople.Contains(p.Key)).ToDictionary(p => p.Key, p => p.Value);
    }

    /// <summary>A JSON text's value, which may hold surrogates that are alone: .NET refuses to give those.</summary>
    public static string Unquote(JsonElement text)
    {
        var raw = text.GetRawText();
        var value = new StringBuilder();
        for (var i = 1; i < raw.Length - 1; i++)
        {
            if (raw[i] != '\\')
            {
                value.Append(raw[i]);
                continue;
            }
            i++;
            switch (raw[i])
            {
                case 'u':
                    value.Append((char)ushort.Parse(raw.AsSpan(i + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                    i += 4;
                    break;
                case 'n': value.Append('\n'); break;
                case 'r': value.Append('\r'); break;
                case 't': value.Append('\t'); break;
                case 'b': value.Append('\b'); break;
                case 'f': value.Append('\f'); break;
                default: value.Append(raw[i]); break;
            }
        }
        return value.ToString();
    }
}
