using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Backrun.Tests.Support;

namespace Backrun.Tests.Border;

/// <summary>include/backrun.h, read: what it declares, with C's types as C# spells them.</summary>
internal sealed partial class Header
{
    private static readonly Dictionary<string, string> BasicTypes = new(StringComparer.Ordinal)
    {
        ["int32_t"] = "int",
        ["uint32_t"] = "uint",
        ["int64_t"] = "long",
        ["uint64_t"] = "ulong",
        ["size_t"] = "nuint",
        ["double"] = "double",
        ["float"] = "float",
        ["uint16_t"] = "ushort",
        ["void"] = "void",
        ["char"] = "byte",
        ["uint8_t"] = "byte",
    };

    private readonly Dictionary<string, (string Returns, string Parameters)> _callbacks;

    private Header(string text)
    {
        string code = Comments().Replace(text, string.Empty);
        _callbacks = Callbacks().Matches(code).ToDictionary(
            static match => match.Groups["name"].Value,
            static match => (match.Groups["returns"].Value, match.Groups["parameters"].Value),
            StringComparer.Ordinal);
        Functions = Prototypes().Matches(code[code.IndexOf("extern \"C\"", StringComparison.Ordinal)..]).ToDictionary(
            static match => match.Groups["name"].Value,
            match => Signature(match.Groups["returns"].Value, match.Groups["parameters"].Value),
            StringComparer.Ordinal);
        Structs = Bodies().Matches(code).ToDictionary(
            static match => match.Groups["name"].Value,
            match => (IReadOnlyList<(string Name, string Type)>)match.Groups["fields"].Value
                .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(Declaration)
                .ToList(),
            StringComparer.Ordinal);
        Constants = Numbers().Matches(text).ToDictionary(
            static match => match.Groups["name"].Value,
            static match => long.Parse(match.Groups["value"].Value, System.Globalization.CultureInfo.InvariantCulture),
            StringComparer.Ordinal);
    }

    /// <summary>The one of this repository.</summary>
    internal static Header OfRepository { get; } = new(File.ReadAllText(Repository.PathOf("include", "backrun.h")));

    /// <summary>Name to signature, such as <c>int (backrun_engine*, long)</c>.</summary>
    internal IReadOnlyDictionary<string, string> Functions { get; }

    internal IReadOnlyDictionary<string, IReadOnlyList<(string Name, string Type)>> Structs { get; }

    internal IReadOnlyDictionary<string, long> Constants { get; }

    private string Signature(string returns, string parameters) => $"{TypeOf(returns)} ({string.Join(", ", ParametersOf(parameters))})";

    private IEnumerable<string> ParametersOf(string parameters) =>
        parameters.Trim() is "" or "void" ? [] : parameters.Split(',').Select(parameter => Declaration(parameter).Type);

    private (string Name, string Type) Declaration(string declaration)
    {
        Match match = NameAtEnd().Match(declaration.Trim());
        return (match.Groups["name"].Value, TypeOf(match.Groups["type"].Value));
    }

    private string TypeOf(string type)
    {
        string words = Qualifiers().Replace(type, string.Empty);
        int stars = words.Count(static letter => letter == '*');
        string name = words.Replace("*", string.Empty, StringComparison.Ordinal).Trim();
        if (_callbacks.TryGetValue(name, out (string Returns, string Parameters) callback))
        {
            name = $"delegate* unmanaged[Cdecl]<{string.Join(", ", ParametersOf(callback.Parameters).Append(TypeOf(callback.Returns)))}>";
        }
        else
        {
            name = BasicTypes.GetValueOrDefault(name, name);
        }

        return name + new string('*', stars);
    }

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comments();

    [GeneratedRegex(@"typedef\s+(?<returns>[\w\s]+?\**)\s*\(\*(?<name>\w+)\)\s*\((?<parameters>[^;]*)\)\s*;")]
    private static partial Regex Callbacks();

    [GeneratedRegex(@"(?:^|\n)\s*(?<returns>(?:const\s+)?(?:struct\s+)?\w+\s*\**)\s*(?<name>backrun_\w+)\((?<parameters>[^;]*?)\)\s*;")]
    private static partial Regex Prototypes();

    [GeneratedRegex(@"typedef struct (?<name>\w+) \{(?<fields>.*?)\} \k<name>;", RegexOptions.Singleline)]
    private static partial Regex Bodies();

    [GeneratedRegex(@"#define (?<name>BACKRUN_\w+) (?<value>-?\d+)\n")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"^(?<type>.*?)(?<name>\w+)$", RegexOptions.Singleline)]
    private static partial Regex NameAtEnd();

    [GeneratedRegex(@"\b(const|struct)\b")]
    private static partial Regex Qualifiers();
}
