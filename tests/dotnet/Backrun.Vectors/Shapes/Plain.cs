using System;
using System.Collections;
using System.Collections.Generic;
using System.Runtime.Serialization;
using MessagePack;

#nullable disable
namespace Golden;

// Without attributes: maps of their members' names.

public class Nothing { }

public class One<T> { public T It { get; set; } }

public class Two<TA, TB> { public TA First { get; set; } public TB second; }

public class Four<TA, TB, TC, TD> { public TD fieldD; public TA A { get; set; } public TC fieldC; public TB B { get; set; } }

public struct Struct<T> { public T Field; public int Number { get; set; } }

public record Record<TA, TB>(TA Left, TB Right);

public record struct RecordStruct<T>(T X, int Y);

public record RecordAndMore<T>(int Id, T It) : Record<string, T>("left", It) { public int Later { get; set; } }

public readonly struct ReadOnly<T>(T it, int n) { public T It { get; } = it; public int N { get; } = n; }

public class Constructed<T>(T it, string text) { public T It { get; } = it; public string Text { get; } = text; public int Later { get; set; } }

public class Initialised { public int A { get; init; } = 5; public string B { get; set; } = "dflt"; public int[] C { get; set; } = [1, 2]; }

public class Node { public int V { get; set; } public Node Next { get; set; } public List<Node> More { get; set; } }

public class Grandparent { public int G1 { get; set; } public string g2; public int G3 { get; set; } }

public class Parent : Grandparent { public int p1; public string P2 { get; set; } public virtual int P3 { get; set; } }

public class Child<T> : Parent { public T c1; public T C2 { get; set; } public override int P3 { get; set; } }

public class Outside<T> { public class Inside { public T N { get; set; } } public Inside It { get; set; } public Deeper<string>.Deepest Far { get; set; } public class Deeper<TU> { public class Deepest { public TU U { get; set; } } } }

/// <summary>Names at the edges of a text's header, and others than letters.</summary>
public class Names
{
    public int A { get; set; }
    public int NameOf31Bytes_______________31b { get; set; }
    public int NameOf32Bytes________________32b { get; set; }
    public int Überlänge { get; set; }
    public int 漢字 { get; set; }
    public int @class { get; set; }
    public int _underscore { get; set; }
}

/// <summary>More members than a fixmap has room for.</summary>
public class Sixteen
{
    public int M01 { get; set; }
    public int M02 { get; set; }
    public int M03 { get; set; }
    public int M04 { get; set; }
    public int M05 { get; set; }
    public int M06 { get; set; }
    public int M07 { get; set; }
    public int M08 { get; set; }
    public int M09 { get; set; }
    public int M10 { get; set; }
    public int M11 { get; set; }
    public int M12 { get; set; }
    public int M13 { get; set; }
    public int M14 { get; set; }
    public int M15 { get; set; }
    public int M16 { get; set; }
}

/// <summary>Members that are left out, and why.</summary>
public class LeftOut
{
    public int Written { get; set; }
    public int Computed => 42;
    public int NobodySets { get; private set; }
    public int NeverSet { get; } = 7;
    [IgnoreMember] public int Ignored { get; set; }
    [IgnoreDataMember] public string IgnoredData { get; set; }
    [NonSerialized] public int notSerialized;
    public readonly int fixedField = 9;
    public static int Shared { get; set; }
    public int this[int i] => i;
    protected int Protected { get; set; }
    internal int Internal { get; set; }
}

/// <summary>What is private joins where private members are allowed, and in typeless.</summary>
public class Private
{
    private readonly int _fixed = 3;
    private int _count;
    private string Secret { get; set; }
    public int Open { get; set; }
    public int Half { get; private set; }
    protected internal long Inner { get; set; }

    public int Sum() => _fixed + _count + (Secret is null ? 0 : 1);
}

public class PrivateBelow : Private { private int _own; public int Below { get; set; } public int Own() => _own; }

internal sealed class Hidden { public string Code { get; set; } public int N { get; set; } private long L { get; set; } public long Long() => L; }

/// <summary>Slots of type object in every place.</summary>
public class Slots { public object One { get; set; } public object[] Many { get; set; } public List<object> List { get; set; } public Dictionary<string, object> Bag { get; set; } public Dictionary<object, object> Any { get; set; } public IList Untyped { get; set; } public object field; public (object, int) Pair { get; set; } }

/// <summary>Integers of every width, in every place where they may be written at full width.</summary>
public class Widths
{
    public sbyte I8 { get; set; }
    public byte U8 { get; set; }
    public short I16 { get; set; }
    public ushort U16 { get; set; }
    public int I32 { get; set; }
    public uint U32 { get; set; }
    public long I64 { get; set; }
    public ulong U64 { get; set; }
    public sbyte? NI8 { get; set; }
    public byte? NU8 { get; set; }
    public short? NI16 { get; set; }
    public ushort? NU16 { get; set; }
    public int? NI32 { get; set; }
    public uint? NU32 { get; set; }
    public long? NI64 { get; set; }
    public ulong? NU64 { get; set; }
    public int[] Array { get; set; }
    public List<long> List { get; set; }
    public List<byte> Bytes { get; set; }
    public List<int?> Nullables { get; set; }
    public HashSet<ushort> Set { get; set; }
    public Dictionary<int, long> Map { get; set; }
    public (int, byte, long) Tuple { get; set; }
    public Tuple<short, int?> Reference { get; set; }
    public KeyValuePair<int, int> Pair { get; set; }
    public IEnumerable<uint> Some { get; set; }
    public Color Enum { get; set; }
    public Long? Optional { get; set; }
    public char C { get; set; }
    public char? NC { get; set; }
    public int[,] Square { get; set; }
    public float F { get; set; }
    public double D { get; set; }
    public float? NF { get; set; }
    public bool B { get; set; }
    public bool? NB { get; set; }
}

/// <summary>What a program keeps: nothing in it is strange.</summary>
public class Invoice
{
    public Guid Id { get; set; }
    public string Number { get; set; }
    public DateTime Created { get; set; }
    public DateTimeOffset? Sent { get; set; }
    public decimal Total { get; set; }
    public Address Address { get; set; }
    public List<Line> Lines { get; set; }
    public Dictionary<string, string> Tags { get; set; }
    public byte[] Scan { get; set; }
    public Rights Rights { get; set; }
    public TimeSpan? Due { get; set; }
    public Uri Link { get; set; }
    public bool Paid { get; set; }
}

public class Address { public string Street { get; set; } public string City { get; set; } public int? Floor { get; set; } }

public class Line { public string Sku { get; set; } public int Quantity { get; set; } public decimal Price { get; set; } public float Weight { get; set; } }

// Collections of a class's own.

public class ListOfInts : List<int> { }

public class MapOfInts : Dictionary<string, int> { }

public class SetOfInts : HashSet<int> { }
