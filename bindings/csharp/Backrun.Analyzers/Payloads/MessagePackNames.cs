using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace Backrun.Analyzers;

/// <summary>What MessagePack-CSharp has formatters for, by name: 2.5 and 3.1, as tests compare.</summary>
internal static class MessagePackNames
{
    private static readonly HashSet<string> Scalars = new(StringComparer.Ordinal)
    {
        "System.Guid", "System.TimeSpan", "System.DateTimeOffset", "System.DateOnly", "System.TimeOnly", "System.Uri", "System.Version", "System.Text.StringBuilder", "System.Collections.BitArray",
        "System.Type", "System.Numerics.BigInteger", "System.Numerics.Complex", "System.Half", "System.Dynamic.ExpandoObject", "MessagePack.Nil",
    };

    // Whose elements are what has to be written. Of the interfaces, these and no others.
    private static readonly HashSet<string> Containers = new(StringComparer.Ordinal)
    {
        "System.Nullable`1", "System.Lazy`1", "System.ArraySegment`1", "System.Memory`1", "System.ReadOnlyMemory`1", "System.Buffers.ReadOnlySequence`1",
        "System.Collections.Generic.KeyValuePair`2", "System.Collections.Generic.List`1", "System.Collections.Generic.LinkedList`1", "System.Collections.Generic.Queue`1", "System.Collections.Generic.Stack`1",
        "System.Collections.Generic.HashSet`1", "System.Collections.Generic.SortedSet`1", "System.Collections.Generic.Dictionary`2", "System.Collections.Generic.SortedDictionary`2", "System.Collections.Generic.SortedList`2",
        "System.Collections.ObjectModel.Collection`1", "System.Collections.ObjectModel.ReadOnlyCollection`1", "System.Collections.ObjectModel.ObservableCollection`1",
        "System.Collections.ObjectModel.ReadOnlyObservableCollection`1", "System.Collections.ObjectModel.ReadOnlyDictionary`2",
        "System.Collections.Concurrent.ConcurrentBag`1", "System.Collections.Concurrent.ConcurrentQueue`1", "System.Collections.Concurrent.ConcurrentStack`1", "System.Collections.Concurrent.ConcurrentDictionary`2",
        "System.Collections.Generic.IEnumerable`1", "System.Collections.Generic.ICollection`1", "System.Collections.Generic.IList`1", "System.Collections.Generic.IReadOnlyCollection`1",
        "System.Collections.Generic.IReadOnlyList`1", "System.Collections.Generic.ISet`1", "System.Collections.Generic.IReadOnlySet`1", "System.Collections.Generic.IDictionary`2",
        "System.Collections.Generic.IReadOnlyDictionary`2", "System.Linq.ILookup`2", "System.Linq.IGrouping`2",
    };

    private static readonly HashSet<string> PlainInterfaces = new(StringComparer.Ordinal)
    {
        "System.Collections.IEnumerable", "System.Collections.ICollection", "System.Collections.IList", "System.Collections.IDictionary",
    };

    /// <summary>Types, and all that derive from them, that are no data: what they are called in a sentence.</summary>
    private static readonly Dictionary<string, string> NoData = new(StringComparer.Ordinal)
    {
        ["System.Delegate"] = "is a delegate, which is code and no data",
        ["System.IO.Stream"] = "is a stream, which is a thing of this process and no data",
        ["System.Threading.Tasks.Task"] = "is a task of this process and no data",
        ["System.Threading.Tasks.ValueTask"] = "is a task of this process and no data",
        ["System.Threading.Tasks.ValueTask`1"] = "is a task of this process and no data",
        ["System.Threading.CancellationToken"] = "is a cancellation token; a run gets one of its own",
        ["System.IntPtr"] = "is an address, which means nothing to another process",
        ["System.UIntPtr"] = "is an address, which means nothing to another process",
    };

    internal static bool IsScalar(ITypeSymbol type) => type.SpecialType switch
    {
        SpecialType.System_Boolean or SpecialType.System_Char or SpecialType.System_SByte or SpecialType.System_Byte or SpecialType.System_Int16 or SpecialType.System_UInt16 or SpecialType.System_Int32
            or SpecialType.System_UInt32 or SpecialType.System_Int64 or SpecialType.System_UInt64 or SpecialType.System_Single or SpecialType.System_Double or SpecialType.System_Decimal
            or SpecialType.System_String or SpecialType.System_DateTime => true,
        _ => type.TypeKind == TypeKind.Enum || BasesOf(type).Any(static each => Scalars.Contains(each)),
    };

    internal static bool IsContainer(INamedTypeSymbol type) =>
        type.IsTupleType || (type.IsGenericType && (Containers.Contains(FullName(type))
            || (IsIn(type, "Immutable") || IsIn(type, "Frozen"))
            || (FullName(type) is { } name && (name.StartsWith("System.Tuple`", StringComparison.Ordinal) || name.StartsWith("System.ValueTuple`", StringComparison.Ordinal)))));

    internal static bool IsPlainInterface(INamedTypeSymbol type) => PlainInterfaces.Contains(FullName(type));

    internal static string? WhyNoData(ITypeSymbol type)
    {
        foreach (string name in BasesOf(type))
        {
            if (NoData.TryGetValue(name, out string? reason))
            {
                return reason;
            }
        }

        return null;
    }

    /// <summary>As .NET has it: <c>Space.Outer+Inner`1</c>.</summary>
    internal static string FullName(ITypeSymbol type) =>
        type.ContainingType is { } outer ? $"{FullName(outer)}+{type.MetadataName}" : type.ContainingNamespace is { IsGlobalNamespace: false } space ? $"{space.ToDisplayString()}.{type.MetadataName}" : type.MetadataName;

    private static IEnumerable<string> BasesOf(ITypeSymbol type)
    {
        for (ITypeSymbol? each = type; each is not null; each = each.BaseType)
        {
            yield return FullName(each);
        }
    }

    private static bool IsIn(INamedTypeSymbol type, string space) =>
        type.ContainingNamespace is { ContainingNamespace: { Name: "Collections", ContainingNamespace: { Name: "System", ContainingNamespace.IsGlobalNamespace: true } } } own && own.Name == space;
}
