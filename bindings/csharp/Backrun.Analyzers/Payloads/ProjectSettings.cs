using System;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Backrun.Analyzers;

/// <summary>What a project says in its .editorconfig of how its engines write: the analyzer cannot see it, since the options of an engine are values.</summary>
internal static class ProjectSettings
{
    private const string Format = "backrun_payload_format";
    private const string Formatters = "backrun_types_with_formatters";

    /// <summary>The format of Backrun's own tasks. Anything unknown is the default.</summary>
    internal static PayloadKind FormatOf(AnalyzerOptions options, SyntaxTree tree) =>
        options.AnalyzerConfigOptionsProvider.GetOptions(tree).TryGetValue(Format, out string? value) && Enum.TryParse(value, ignoreCase: true, out PayloadKind kind) ? kind : PayloadKind.Contractless;

    /// <summary>Full names of types that a formatter of the application writes.</summary>
    internal static ImmutableHashSet<string> TypesWithFormatters(AnalyzerOptions options, SyntaxTree tree) =>
        options.AnalyzerConfigOptionsProvider.GetOptions(tree).TryGetValue(Formatters, out string? value)
            ? value.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries).ToImmutableHashSet(StringComparer.Ordinal)
            : ImmutableHashSet<string>.Empty;
}
