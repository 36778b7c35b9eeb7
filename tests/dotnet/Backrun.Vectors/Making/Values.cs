using System;
using System.Buffers;
using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Dynamic;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Backrun.Vectors.Making;

/// <summary>Values of any type that <see cref="Types"/> puts together, and of classes with a constructor that asks for values.</summary>
internal static class Values
{
    /// <summary>So deep do objects lie in each other at most: lists of themselves would go on.</summary>
    private const int Deepest = 5;

    public static object? Make(Source s, Type type) => Make(s, type, Deepest);

    private static object? Make(Source s, Type type, int depth)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return s.OneIn(4) || depth == 0 ? null : Make(s, underlying, depth);
        if (!type.IsValueType && type != typeof(object) && (depth == 0 || s.OneIn(14)))
            return null;
        return Scalars.Make(s, type) ?? MakeOfParts(s, type, depth - 1);
    }

    private static object? MakeOfParts(Source s, Type type, int depth)
    {
        if (type == typeof(object))
            return MakeBoxed(s, depth);
        if (type.IsArray)
            return type.GetArrayRank() == 1 ? MakeArray(s, type.GetElementType()!, Count(s), depth) : MakeManyRanks(s, type, depth);
        var open = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        var arguments = type.GetGenericArguments();
        if (Types.Sequences.Contains(open))
            return Call(nameof(Sequence), arguments, open, MakeArray(s, arguments[0], Count(s), depth), s);
        if (Types.Maps.Contains(open))
            return MakeMap(s, open, arguments, depth);
        if (open == typeof(IGrouping<,>))
            return Call(nameof(Grouping), arguments, Key(s, arguments[0]), MakeArray(s, arguments[1], s.Between(1, 3), depth));
        if (open == typeof(Lazy<>))
            return Call(nameof(Lazily), arguments, Make(s, arguments[0], depth));
        return MakeUntyped(s, type, depth) ?? MakeObject(s, type, depth);
    }

    private static object? MakeBoxed(Source s, int depth)
    {
        if (depth <= 0 || s.OneIn(12))
            return s.OneIn(3) ? null : Make(s, Types.Key(s), 1);
        return Make(s, Types.Boxed(s, Math.Min(s.Below(3), depth)), depth);
    }

    private static int Count(Source s) => s.Below(25) switch { 0 => s.Between(14, 18), 1 or 2 => 0, _ => s.Below(5) };

    private static Array MakeArray(Source s, Type element, int count, int depth)
    {
        var items = Array.CreateInstance(element, count);
        for (var i = 0; i < count; i++)
            items.SetValue(Make(s, element, depth), i);
        return items;
    }

    private static Array MakeManyRanks(Source s, Type type, int depth)
    {
        var lengths = Enumerable.Range(0, type.GetArrayRank()).Select(_ => s.OneIn(8) ? 0 : s.Between(1, 3)).ToArray();
        var items = Array.CreateInstance(type.GetElementType()!, lengths);
        var at = new int[lengths.Length];
        for (var i = 0; i < items.Length; i++)
        {
            items.SetValue(Make(s, type.GetElementType()!, depth), at);
            for (var rank = at.Length - 1; rank >= 0 && ++at[rank] == lengths[rank]; rank--)
                at[rank] = 0;
        }
        return items;
    }

    private static object Key(Source s, Type type)
    {
        while (true)
        {
            if (Make(s, type, 1) is { } key)
                return key;
        }
    }

    private static object? MakeMap(Source s, Type open, Type[] arguments, int depth)
    {
        var count = Count(s);
        var keys = Array.CreateInstance(arguments[0], count);
        for (var i = 0; i < count; i++)
            keys.SetValue(Key(s, arguments[0]), i);
        return Call(nameof(Map), arguments, open, keys, MakeArray(s, arguments[1], count, depth));
    }

    private static object? MakeUntyped(Source s, Type type, int depth)
    {
        object?[] Items() => (object?[])MakeArray(s, typeof(object), Count(s), depth);
        if (type == typeof(ArrayList) || type == typeof(IList) || type == typeof(ICollection) || type == typeof(IEnumerable))
            return s.OneIn(2) || type == typeof(ArrayList) ? new ArrayList(Items()) : Items();
        if (type == typeof(Hashtable) || type == typeof(IDictionary))
        {
            var table = new Hashtable();
            foreach (var item in Items())
                table[Key(s, Types.Key(s))] = item;
            return table;
        }
        if (type != typeof(ExpandoObject))
            return null;
        IDictionary<string, object?> expando = new ExpandoObject();
        foreach (var item in Items())
            expando[(string)Key(s, typeof(string))] = item;
        return expando;
    }

    /// <summary>Through the constructor that asks for most, then through every property and field that can be set.</summary>
    private static object MakeObject(Source s, Type type, int depth)
    {
        // Of an abstract class or an interface of ours one of those below it is made.
        if (type.IsAbstract)
        {
            Type[] below = [.. type.Assembly.GetTypes().Where(t => !t.IsAbstract && t.IsAssignableTo(type))];
            return below.Length > 0 ? MakeObject(s, s.Pick(below), depth) : throw new NotSupportedException($"Nothing is known of {type}.");
        }
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        var made = type.GetConstructors().OrderByDescending(c => c.GetParameters().Length)
            .FirstOrDefault(c => c.GetParameters() is not [var only] || only.ParameterType != type);
        var value = made is null
            ? Activator.CreateInstance(type, nonPublic: true)!
            : made.Invoke([.. made.GetParameters().Select(p => p.Name == "rest" ? MakeObject(s, p.ParameterType, depth) : Make(s, p.ParameterType, depth))]);
        if (type.Namespace!.StartsWith("System", StringComparison.Ordinal) || Fill(s, value))
            return value; // a tuple or a pair, which is complete; or a collection
        foreach (var property in type.GetProperties(All).Where(p => p.SetMethod is not null && p.GetIndexParameters().Length == 0))
            property.SetValue(value, Make(s, property.PropertyType, depth));
        foreach (var field in type.GetFields(All).Where(f => !f.IsInitOnly && !f.IsDefined(typeof(CompilerGeneratedAttribute))))
            field.SetValue(value, Make(s, field.FieldType, depth));
        return value;
    }

    /// <summary>Adds to a class of ours that is a collection itself.</summary>
    private static bool Fill(Source s, object value)
    {
        for (var left = Count(s); left > 0; left--)
        {
            switch (value)
            {
                case ICollection<int> numbers: numbers.Add((int)Scalars.Make(s, typeof(int))!); break;
                case IDictionary<string, int> map: map[(string)Key(s, typeof(string))] = s.Below(300); break;
            }
        }
        return value is ICollection<int> or IDictionary<string, int>;
    }

    private static object? Call(string method, Type[] arguments, params object?[] values) =>
        typeof(Values).GetMethod(method, BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(arguments).Invoke(null, values);

    private static object Grouping<TKey, TItem>(TKey key, TItem[] items) => items.GroupBy(_ => key).First();

    private static Lazy<T> Lazily<T>(T value) => new(value);

    private static object? Sequence<T>(Type open, T[] items, Source s) => open switch
    {
        _ when open == typeof(List<>) => new List<T>(items),
        _ when open == typeof(LinkedList<>) => new LinkedList<T>(items),
        _ when open == typeof(Queue<>) => new Queue<T>(items),
        _ when open == typeof(Stack<>) => new Stack<T>(items),
        _ when open == typeof(HashSet<>) || open == typeof(ISet<>) || open == typeof(IReadOnlySet<>) => new HashSet<T>(items),
        _ when open == typeof(SortedSet<>) => new SortedSet<T>(items),
        _ when open == typeof(Collection<>) => new Collection<T>([.. items]),
        _ when open == typeof(ReadOnlyCollection<>) => new ReadOnlyCollection<T>(items),
        _ when open == typeof(ObservableCollection<>) => new ObservableCollection<T>(items),
        _ when open == typeof(ReadOnlyObservableCollection<>) => new ReadOnlyObservableCollection<T>([.. items]),
        _ when open == typeof(ConcurrentQueue<>) => new ConcurrentQueue<T>(items),
        _ when open == typeof(ConcurrentStack<>) => new ConcurrentStack<T>(items),
        _ when open == typeof(ConcurrentBag<>) => new ConcurrentBag<T>(items),
        _ when open == typeof(ImmutableArray<>) => s.OneIn(8) ? default : ImmutableArray.Create(items),
        _ when open == typeof(ImmutableList<>) || open == typeof(IImmutableList<>) => ImmutableList.Create(items),
        _ when open == typeof(ImmutableHashSet<>) || open == typeof(IImmutableSet<>) => ImmutableHashSet.Create(items),
        _ when open == typeof(ImmutableSortedSet<>) => ImmutableSortedSet.Create(items),
        _ when open == typeof(ImmutableQueue<>) || open == typeof(IImmutableQueue<>) => ImmutableQueue.Create(items),
        _ when open == typeof(ImmutableStack<>) || open == typeof(IImmutableStack<>) => ImmutableStack.Create(items),
        _ when open == typeof(FrozenSet<>) => items.ToFrozenSet(),
        _ when open == typeof(ArraySegment<>) => s.OneIn(8) ? default : new ArraySegment<T>(items),
        _ when open == typeof(Memory<>) => new Memory<T>(items),
        _ when open == typeof(ReadOnlyMemory<>) => new ReadOnlyMemory<T>(items),
        _ when open == typeof(ReadOnlySequence<>) => new ReadOnlySequence<T>(items),
        _ when s.OneIn(3) && typeof(T) != typeof(byte) => (T[])[.. items, .. items],
        _ => new List<T>(items), // the other interfaces
    };

    private static object Map<TKey, TValue>(Type open, TKey[] keys, TValue[] values)
        where TKey : notnull
    {
        var pairs = keys.Zip(values).DistinctBy(pair => pair.First).Select(pair => KeyValuePair.Create(pair.First, pair.Second)).ToArray();
        return open switch
        {
            _ when open == typeof(SortedDictionary<,>) => new SortedDictionary<TKey, TValue>(new Dictionary<TKey, TValue>(pairs)),
            _ when open == typeof(SortedList<,>) => new SortedList<TKey, TValue>(new Dictionary<TKey, TValue>(pairs)),
            _ when open == typeof(ReadOnlyDictionary<,>) => new ReadOnlyDictionary<TKey, TValue>(new Dictionary<TKey, TValue>(pairs)),
            _ when open == typeof(ConcurrentDictionary<,>) => new ConcurrentDictionary<TKey, TValue>(pairs),
            _ when open == typeof(OrderedDictionary<,>) => new OrderedDictionary<TKey, TValue>(pairs),
            _ when open == typeof(ImmutableDictionary<,>) || open == typeof(IImmutableDictionary<,>) => ImmutableDictionary.CreateRange(pairs),
            _ when open == typeof(ImmutableSortedDictionary<,>) => ImmutableSortedDictionary.CreateRange(pairs),
            _ when open == typeof(FrozenDictionary<,>) => pairs.ToFrozenDictionary(),
            _ when open == typeof(ILookup<,>) => keys.Zip(values).ToLookup(pair => pair.First, pair => pair.Second),
            _ => new Dictionary<TKey, TValue>(pairs),
        };
    }
}
