using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Backrun.Analyzers.Tests.Support;
using MessagePack;
using MessagePack.Resolvers;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Backrun.Analyzers.Tests;

/// <summary>Of .NET's own types the analyzer warns of none for which MessagePack has a formatter.</summary>
public sealed partial class FrameworkTests
{
    private static readonly string[] Assemblies =
    [
        "System.Private.CoreLib", "System.Private.Uri", "System.Collections", "System.Collections.Specialized", "System.ObjectModel", "System.Net.Primitives", "System.Net.Mail", "System.Private.Xml", "System.Text.Json",
        "System.Text.RegularExpressions", "System.Data.Common", "System.Diagnostics.Process", "System.Drawing.Primitives", "System.Security.Cryptography", "System.ComponentModel.Primitives", "System.Runtime.Numerics",
    ];

    [Fact]
    public async Task A_warning_names_a_place_whose_type_MessagePack_cannot_write()
    {
        Type[] types = [.. Assemblies.Select(Assembly.Load).SelectMany(static each => each.GetExportedTypes()).Where(IsOrdinary)];
        string calls = string.Join('\n', types.Select(static type => $"engine.StartNew<Probe<{Name(type)}>, {Name(type)}>(default!);"));
        ImmutableArray<Diagnostic> told = await Analysis.Of(
            $"class Program {{ void Start(BackrunEngine engine) {{\n{calls}\n}} }} public class Probe<T> : IBackgroundTask<T> {{ void IBackgroundTask<T>.Run(T parameters) {{ }} }}");
        List<string> wrong = [];
        HashSet<Type> warned = [];
        foreach (Diagnostic each in told.Where(static each => each.Id == "BACKRUN102"))
        {
            Type root = types[each.Location.GetLineSpan().StartLinePosition.Line - 8];
            warned.Add(root);
            string[] path = Quoted().Matches(each.GetMessage(CultureInfo.InvariantCulture))[1].Groups["path"].Value.Split('.');
            // Of a MemoryStream a formatter is made, and fails with every value: see TruthTests.
            if (root != typeof(MemoryStream) && TypeAt(root, path.AsSpan(1)) is { } type && HasFormatter(type))
            {
                wrong.Add(each.GetMessage(CultureInfo.InvariantCulture));
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.InRange(warned.Count, types.Length / 10, types.Length);
    }

    [GeneratedRegex("'(?<path>[^']+)'", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Quoted();

    private static bool IsOrdinary(Type type) =>
        type is { IsGenericType: false, IsNested: false, IsByRefLike: false, IsPointer: false } && !(type.IsAbstract && type.IsSealed) && type != typeof(void) && type != typeof(TypedReference)
        && !type.IsDefined(typeof(ObsoleteAttribute)) && !type.IsDefined(typeof(ExperimentalAttribute)) && type.Namespace is { } space && !space.StartsWith("Internal", StringComparison.Ordinal);

    private static string Name(Type type) => $"global::{type.FullName}";

    /// <summary>The type at the end of a path; null where it leads through elements.</summary>
    private static Type? TypeAt(Type type, ReadOnlySpan<string> path)
    {
        foreach (string name in path)
        {
            if (name.EndsWith(']'))
            {
                return null;
            }

            type = type.GetProperty(name, BindingFlags.Instance | BindingFlags.Public)?.PropertyType ?? type.GetField(name)!.FieldType;
        }

        return type;
    }

    private static bool HasFormatter(Type type)
    {
        if (type.IsPointer || type.IsFunctionPointer || type.IsByRefLike)
        {
            return false;
        }

        try
        {
            return typeof(IFormatterResolver).GetMethod(nameof(IFormatterResolver.GetFormatter))!.MakeGenericMethod(type).Invoke(ContractlessStandardResolver.Instance, null) is not null;
        }
        catch (TargetInvocationException)
        {
            return false;
        }
    }
}
