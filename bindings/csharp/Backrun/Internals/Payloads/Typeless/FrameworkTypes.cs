using System;
using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Collections.Specialized;
using System.Dynamic;
using System.Linq;
using System.Numerics;
using System.Reflection;
using System.Text;

namespace Backrun.Internals;

/// <summary>The base class library's types for data: those that hold values and do nothing when they are made. Any other has to be allowed by name.</summary>
internal static class FrameworkTypes
{
    private static readonly FrozenSet<Type> Data = new[]
    {
        typeof(object), typeof(bool), typeof(char), typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong),
        typeof(float), typeof(double), typeof(decimal), typeof(Half), typeof(Int128), typeof(UInt128), typeof(BigInteger), typeof(Complex), typeof(string), typeof(StringBuilder),
        typeof(DateTime), typeof(DateTimeOffset), typeof(DateOnly), typeof(TimeOnly), typeof(TimeSpan), typeof(Guid), typeof(Uri), typeof(Version), typeof(DBNull),
        typeof(Nullable<>), typeof(KeyValuePair<,>), typeof(DictionaryEntry), typeof(Lazy<>), typeof(ArraySegment<>), typeof(Memory<>), typeof(ReadOnlyMemory<>),
        typeof(Tuple<>), typeof(Tuple<,>), typeof(Tuple<,,>), typeof(Tuple<,,,>), typeof(Tuple<,,,,>), typeof(Tuple<,,,,,>), typeof(Tuple<,,,,,,>), typeof(Tuple<,,,,,,,>),
        typeof(ValueTuple), typeof(ValueTuple<>), typeof(ValueTuple<,>), typeof(ValueTuple<,,>), typeof(ValueTuple<,,,>), typeof(ValueTuple<,,,,>), typeof(ValueTuple<,,,,,>),
        typeof(ValueTuple<,,,,,,>), typeof(ValueTuple<,,,,,,,>),
        typeof(ArrayList), typeof(Hashtable), typeof(SortedList), typeof(Queue), typeof(Stack), typeof(BitArray),
        typeof(List<>), typeof(Dictionary<,>), typeof(HashSet<>), typeof(SortedSet<>), typeof(SortedDictionary<,>), typeof(SortedList<,>), typeof(LinkedList<>), typeof(Queue<>), typeof(Stack<>),
        typeof(Collection<>), typeof(ObservableCollection<>), typeof(ReadOnlyCollection<>), typeof(ReadOnlyObservableCollection<>), typeof(ReadOnlyDictionary<,>),
        typeof(ConcurrentBag<>), typeof(ConcurrentDictionary<,>), typeof(ConcurrentQueue<>), typeof(ConcurrentStack<>),
        typeof(ImmutableArray<>), typeof(ImmutableList<>), typeof(ImmutableDictionary<,>), typeof(ImmutableHashSet<>), typeof(ImmutableSortedDictionary<,>), typeof(ImmutableSortedSet<>),
        typeof(ImmutableQueue<>), typeof(ImmutableStack<>), typeof(StringCollection), typeof(ListDictionary), typeof(HybridDictionary), typeof(OrderedDictionary), typeof(ExpandoObject),
    }.ToFrozenSet();

    private static readonly FrozenDictionary<string, Assembly> Assemblies =
        Data.Select(static type => type.Assembly).Distinct().ToFrozenDictionary(static assembly => assembly.GetName().Name!, StringComparer.OrdinalIgnoreCase);

    // Where other versions of .NET, and .NET Framework, say that these types are. They refer to where the types lie in this one.
    private static readonly FrozenSet<string> OtherNames = new[] { "mscorlib", "netstandard", "System", "System.Core", "System.Runtime", "System.Runtime.Numerics", "System.Collections", "System.ObjectModel" }
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Tokens = new[] { "7cec85d7bea7798e", "b03f5f7f11d50a3a", "b77a5c561934e089", "cc7b13ffcd2ddd51", "adb9793829ddae60", "31bf3856ad364e35" }
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>A type without arguments, or the definition of a generic one. Enumerations hold a number, and of an interface nothing is made.</summary>
    internal static bool IsData(Type type) => Data.Contains(type) || ((type.IsEnum || type.IsInterface) && IsFrameworkAssembly(type.Assembly));

    /// <summary>Whether an assembly is .NET's own, or this library's: registering one of its types allows that one and no other.</summary>
    internal static bool IsFrameworkAssembly(Assembly assembly)
    {
        AssemblyName name = assembly.GetName();
        string simple = name.Name ?? string.Empty;
        bool named = simple is "System" or "mscorlib" or "netstandard" or "WindowsBase" or "PresentationCore" or "PresentationFramework"
            || simple.StartsWith("System.", StringComparison.Ordinal)
            || simple.StartsWith("Microsoft.", StringComparison.Ordinal);
        return assembly == typeof(FrameworkTypes).Assembly
            || simple is "Backrun.Creatio" or "Backrun.Hosting" or "MessagePack" or "MessagePack.Annotations"
            || (named && Tokens.Contains(Convert.ToHexString(name.GetPublicKeyToken() ?? [])));
    }

    /// <summary>The assembly of that name, if types for data lie in it.</summary>
    internal static Assembly? FindAssembly(string name) =>
        Assemblies.TryGetValue(name, out Assembly? assembly) ? assembly : OtherNames.Contains(name) ? Assembly.Load(new AssemblyName(name)) : null;
}
