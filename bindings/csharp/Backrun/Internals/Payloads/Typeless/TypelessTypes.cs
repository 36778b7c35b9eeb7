using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Threading;
using MessagePack;

namespace Backrun.Internals;

/// <summary>
/// The types that payloads of one engine may name: those of the assemblies of its registered task and parameter types, the data types of the base class library, and what the options add.
/// Both ways: what could not be read is not written.
/// </summary>
internal sealed class TypelessTypes
{
    private readonly object _gate = new();
    private readonly ConcurrentDictionary<Type, NamedType> _known = new();

    // Registered, and not looked at: an engine that writes and reads no names has no use for them, and the list of the base class library's types loads a dozen assemblies.
    private readonly ConcurrentQueue<Type> _registered = new();

    // Replaced, not changed. By their simple names, which is what payloads have.
    private Dictionary<string, Assembly> _assemblies;
    private HashSet<Type> _types;

    internal TypelessTypes(IEnumerable<Assembly> assemblies, IEnumerable<Type> types)
    {
        _assemblies = new Dictionary<string, Assembly>(StringComparer.OrdinalIgnoreCase);
        foreach (Assembly assembly in assemblies)
        {
            ArgumentNullException.ThrowIfNull(assembly, "BackrunOptions.TypelessAssemblies");
            _assemblies[NameOf(assembly)] = assembly;
        }

        _types = [];
        foreach (Type type in types)
        {
            ArgumentNullException.ThrowIfNull(type, "BackrunOptions.TypelessTypes");
            _types.Add(type);
        }
    }

    internal bool IsKnown(Type type) => _known.ContainsKey(type);

    internal NamedType? Find(Type type) => _known.TryGetValue(type, out NamedType? known) ? known : null;

    /// <summary>Checks a type and remembers it.</summary>
    internal NamedType Know(Type type, TypelessOptions options)
    {
        // The guard's words for a connection are better, and it gets to say them.
        if (!typeof(UserConnection).IsAssignableFrom(type))
        {
            options.ThrowIfDeserializingTypeIsDisallowed(type);
        }

        return Remember(type);
    }

    /// <summary>Takes in the assemblies of a registered type, and of what it is made of.</summary>
    internal void Add(Type type) => _registered.Enqueue(type);

    /// <summary>Whether payloads may name this type, as far as this engine is asked.</summary>
    internal bool IsAllowed(Type type)
    {
        TakeIn();
        if (type.HasElementType)
        {
            return type.IsArray && IsAllowed(type.GetElementType()!);
        }

        if (Volatile.Read(ref _types).Contains(type))
        {
            return true;
        }

        if (!type.IsConstructedGenericType)
        {
            return IsAllowedItself(type);
        }

        return IsAllowedItself(type.GetGenericTypeDefinition()) && Array.TrueForAll(type.GenericTypeArguments, IsAllowed);
    }

    /// <exception cref="MessagePackSerializationException">Payloads may not name it.</exception>
    internal void Check(Type type)
    {
        if (!IsAllowed(type))
        {
            throw new MessagePackSerializationException(
                $"{TypeNames.Of(type)} of {NameOf(type.Assembly)} is not a type that payloads may name. They may name types of the assemblies of registered task and parameter types " +
                $"({List()}), and the base class library's types for data; more are added by BackrunOptions.TypelessAssemblies and TypelessTypes. Make what a query yields a list or an array.");
        }

        Remember(type);
    }

    /// <summary>Finds a type by the name that a payload has. Loads no assembly that is not allowed.</summary>
    /// <exception cref="MessagePackSerializationException">There is none, or payloads may not name it.</exception>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "PayloadFormat.Typeless is not for trimmed programs, as its documentation says.")]
    [UnconditionalSuppressMessage("Trimming", "IL2057", Justification = "PayloadFormat.Typeless is not for trimmed programs, as its documentation says.")]
    internal Type Load(string name)
    {
        if (Encoding.UTF8.GetByteCount(name) > NamedType.MostBytes)
        {
            throw new MessagePackSerializationException($"A name of a type in the payload has more than {NamedType.MostBytes} bytes: '{name.AsSpan(0, 100)}…'.");
        }

        Type? type = Type.GetType(
            name, Resolve, static (assembly, plain, ignoreCase) => (assembly ?? typeof(object).Assembly).GetType(plain, throwOnError: false, ignoreCase), throwOnError: false, ignoreCase: false);
        return type ?? throw new MessagePackSerializationException(
            $"The payload names the type '{name}', which is not there. If it has another name now, the parameters have to be read by a class of the old one.");
    }

    private static string NameOf(Assembly assembly) => assembly.GetName().Name ?? string.Empty;

    private static void Add(Type type, Dictionary<string, Assembly> assemblies, HashSet<Type> types)
    {
        if (type.HasElementType)
        {
            Add(type.GetElementType()!, assemblies, types);
            return;
        }

        foreach (Type argument in type.GenericTypeArguments)
        {
            Add(argument, assemblies, types);
        }

        if (FrameworkTypes.IsFrameworkAssembly(type.Assembly))
        {
            // Whoever takes one of these takes no other.
            types.Add(type);
        }
        else
        {
            assemblies.TryAdd(NameOf(type.Assembly), type.Assembly);
        }
    }

    /// <summary>Looks at what was registered since the last time.</summary>
    private void TakeIn()
    {
        if (_registered.IsEmpty)
        {
            return;
        }

        lock (_gate)
        {
            Dictionary<string, Assembly> assemblies = new(_assemblies, StringComparer.OrdinalIgnoreCase);
            HashSet<Type> types = [.. _types];
            Type[] registered = [.. _registered];
            foreach (Type type in registered)
            {
                Add(type, assemblies, types);
            }

            Volatile.Write(ref _assemblies, assemblies);
            Volatile.Write(ref _types, types);

            // Last: whoever finds none left finds what they brought. Nobody else takes any out.
            for (int left = registered.Length; left > 0; left--)
            {
                _registered.TryDequeue(out _);
            }
        }
    }

    private bool IsAllowedItself(Type type) =>
        Volatile.Read(ref _types).Contains(type)
        || FrameworkTypes.IsData(type)
        || (Volatile.Read(ref _assemblies).TryGetValue(NameOf(type.Assembly), out Assembly? assembly) && assembly == type.Assembly);

    private NamedType Remember(Type type) => _known.GetOrAdd(type, static each => NamedType.Of(each));

    private Assembly Resolve(AssemblyName name)
    {
        TakeIn();
        string simple = name.Name ?? string.Empty;
        if (Volatile.Read(ref _assemblies).TryGetValue(simple, out Assembly? allowed))
        {
            return allowed;
        }

        return FrameworkTypes.FindAssembly(simple)
            ?? Array.Find([.. Volatile.Read(ref _types)], type => string.Equals(NameOf(type.Assembly), simple, StringComparison.OrdinalIgnoreCase))?.Assembly
            ?? throw new MessagePackSerializationException(
                $"The payload names a type of the assembly '{simple}', whose types payloads may not name. They may name types of the assemblies of registered task and parameter types ({List()}); " +
                "more are added by BackrunOptions.TypelessAssemblies and TypelessTypes.");
    }

    private string List() => string.Join(", ", Volatile.Read(ref _assemblies).Keys.Order(StringComparer.Ordinal));
}
