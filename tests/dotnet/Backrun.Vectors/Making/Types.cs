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
using System.Numerics;
using System.Text;
using Golden;

namespace Backrun.Vectors.Making;

/// <summary>Static types that values can have, put together at random.</summary>
internal static class Types
{
    /// <summary>What 2.5 has no form for. Rare, since a line that is refused says little.</summary>
    private static readonly Type[] New = [typeof(Int128), typeof(UInt128), typeof(Rune)];

    private static readonly Type[] Enums =
    [
        typeof(Color), typeof(Tiny), typeof(SignedTiny), typeof(Small), typeof(UnsignedSmall), typeof(Unsigned), typeof(Long),
        typeof(UnsignedLong), typeof(Rights), typeof(Named), typeof(DayOfWeek), typeof(ConsoleColor), typeof(Hollow),
    ];

    public static readonly IReadOnlyList<Type> Old = [.. Scalars.Types.Except(New)];

    /// <summary>What can be compared and hashed: keys and members of sets.</summary>
    private static readonly Type[] Comparable =
    [
        typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong), typeof(char),
        typeof(bool), typeof(float), typeof(double), typeof(decimal), typeof(string), typeof(Guid), typeof(DateTime), typeof(DateTimeOffset),
        typeof(TimeSpan), typeof(DateOnly), typeof(TimeOnly), typeof(BigInteger), typeof(Version), typeof(Half), typeof(Color), typeof(Long),
    ];

    public static readonly IReadOnlyList<Type> Sequences =
    [
        typeof(List<>), typeof(LinkedList<>), typeof(Queue<>), typeof(Stack<>), typeof(HashSet<>), typeof(Collection<>),
        typeof(ReadOnlyCollection<>), typeof(ObservableCollection<>), typeof(ReadOnlyObservableCollection<>), typeof(ConcurrentQueue<>),
        typeof(ConcurrentStack<>), typeof(ConcurrentBag<>), typeof(ISet<>), typeof(IReadOnlySet<>), typeof(IList<>), typeof(ICollection<>),
        typeof(IEnumerable<>), typeof(IReadOnlyList<>), typeof(IReadOnlyCollection<>), typeof(ImmutableArray<>), typeof(ImmutableList<>),
        typeof(ImmutableHashSet<>), typeof(ImmutableQueue<>), typeof(ImmutableStack<>), typeof(IImmutableList<>), typeof(IImmutableQueue<>),
        typeof(IImmutableStack<>), typeof(IImmutableSet<>), typeof(ArraySegment<>), typeof(Memory<>), typeof(ReadOnlyMemory<>),
        typeof(ReadOnlySequence<>), typeof(SortedSet<>), typeof(ImmutableSortedSet<>), typeof(FrozenSet<>),
    ];

    private static readonly Type[] OfComparable =
    [
        typeof(HashSet<>), typeof(SortedSet<>), typeof(ISet<>), typeof(IReadOnlySet<>), typeof(ImmutableHashSet<>), typeof(ImmutableSortedSet<>),
        typeof(IImmutableSet<>), typeof(FrozenSet<>),
    ];

    public static readonly IReadOnlyList<Type> Maps =
    [
        typeof(Dictionary<,>), typeof(SortedDictionary<,>), typeof(SortedList<,>), typeof(IDictionary<,>), typeof(IReadOnlyDictionary<,>),
        typeof(ReadOnlyDictionary<,>), typeof(ConcurrentDictionary<,>), typeof(OrderedDictionary<,>), typeof(ImmutableDictionary<,>),
        typeof(ImmutableSortedDictionary<,>), typeof(IImmutableDictionary<,>), typeof(FrozenDictionary<,>), typeof(ILookup<,>),
    ];

    /// <summary>Their elements are object slots.</summary>
    private static readonly Type[] Untyped =
        [typeof(ArrayList), typeof(Hashtable), typeof(IList), typeof(IDictionary), typeof(IEnumerable), typeof(ICollection), typeof(ExpandoObject)];

    private static readonly Type[] Tuples =
    [
        typeof(Tuple<>), typeof(Tuple<,>), typeof(Tuple<,,>), typeof(Tuple<,,,>), typeof(Tuple<,,,,>), typeof(Tuple<,,,,,>), typeof(Tuple<,,,,,,>),
        typeof(Tuple<,,,,,,,>),
    ];

    private static readonly Type[] ValueTuples =
    [
        typeof(ValueTuple<>), typeof(ValueTuple<,>), typeof(ValueTuple<,,>), typeof(ValueTuple<,,,>), typeof(ValueTuple<,,,,>),
        typeof(ValueTuple<,,,,,>), typeof(ValueTuple<,,,,,,>), typeof(ValueTuple<,,,,,,,>),
    ];

    public static Type Scalar(Source s)
    {
        var type = s.Below(12) switch
        {
            0 => s.Pick(Enums),
            1 when s.OneIn(12) => s.Pick(New),
            _ => s.Pick(Old),
        };
        return s.OneIn(6) && type.IsValueType ? typeof(Nullable<>).MakeGenericType(type) : type;
    }

    public static IEnumerable<Type> TupleTypes => Tuples.Concat(ValueTuples);

    public static IEnumerable<Type> EnumTypes => Enums;

    public static Type Enumeration(Source s) => s.Pick(Enums);

    public static Type Key(Source s) => s.Pick(Comparable);

    /// <summary>A type of .NET's, whose parts lie at most so deep.</summary>
    public static Type Any(Source s, int depth) => Any(s, depth, Scalar);

    /// <summary>A type whose name is not too long: 3.1 has formatters made whose names hold it, and .NET allows those 1,024 characters.</summary>
    public static Type Named(Func<Type> make)
    {
        while (true)
        {
            var type = make();
            if (type.ToString().Length < 400)
                return type;
        }
    }

    /// <summary>The same, where what has no parts comes from elsewhere.</summary>
    public static Type Any(Source s, int depth, Func<Source, Type> leaf)
    {
        if (depth == 0)
            return s.OneIn(15) ? typeof(object) : leaf(s);
        Type Part() => Any(s, s.Below(depth), leaf);
        return s.Below(16) switch
        {
            0 or 1 => Part().MakeArrayType(),
            2 => Part().MakeArrayType(s.Between(2, 4)),
            3 or 4 or 5 => Sequence(s, s.Pick(Sequences), Part),
            6 or 7 or 8 => s.Pick(Maps).MakeGenericType(Key(s), Part()),
            9 => Tuple(s, s.OneIn(2) ? Tuples : ValueTuples, Part),
            10 => typeof(KeyValuePair<,>).MakeGenericType(Part(), Part()),
            11 => s.OneIn(3) ? s.Pick(Untyped) : typeof(List<>).MakeGenericType(Part()),
            12 => typeof(Lazy<>).MakeGenericType(leaf(s)),
            13 => s.OneIn(2) ? typeof(IGrouping<,>).MakeGenericType(Key(s), Part()) : Optional(s, Part),
            14 => typeof(object),
            _ => leaf(s),
        };
    }

    private static Type Sequence(Source s, Type open, Func<Type> part) =>
        open.MakeGenericType(OfComparable.Contains(open) ? Key(s) : part());

    private static Type Optional(Source s, Func<Type> part)
    {
        var type = s.Below(3) switch
        {
            0 => typeof(ImmutableArray<>).MakeGenericType(part()),
            1 => typeof(KeyValuePair<,>).MakeGenericType(part(), part()),
            _ => Tuple(s, ValueTuples, part),
        };
        return typeof(Nullable<>).MakeGenericType(type);
    }

    private static Type Tuple(Source s, Type[] family, Func<Type> part)
    {
        var size = s.OneIn(4) ? s.Between(8, 18) : s.Between(1, 7);
        return Tuple(family, [.. Enumerable.Range(0, size).Select(_ => part())]);
    }

    private static Type Tuple(Type[] family, Type[] parts) => parts.Length < 8
        ? family[parts.Length - 1].MakeGenericType(parts)
        : family[7].MakeGenericType([.. parts[..7], Tuple(family, parts[7..])]);

    /// <summary>What an object slot may hold.</summary>
    public static Type Boxed(Source s, int depth)
    {
        while (true)
        {
            var type = Any(s, depth);
            // What is frozen is of a hidden type, which depends on what is in it.
            if (!type.IsInterface && !type.Name.StartsWith("Frozen", StringComparison.Ordinal) && type != typeof(object)
                && Nullable.GetUnderlyingType(type) is null)
                return type;
        }
    }
}
