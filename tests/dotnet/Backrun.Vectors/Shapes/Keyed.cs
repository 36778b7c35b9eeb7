using System;
using System.Collections.Generic;
using System.Runtime.Serialization;
using MessagePack;

#nullable disable
namespace Golden;

// Integer keys: arrays.

[MessagePackObject] public class KNothing { }

[MessagePackObject] public class KOne<T> { [Key(0)] public T It { get; set; } }

[MessagePackObject] public class KTwo<TA, TB> { [Key(1)] public TB Second; [Key(0)] public TA First { get; set; } }

[MessagePackObject] public class KHoles<TA, TB> { [Key(2)] public TA A { get; set; } [Key(6)] public TB B { get; set; } [Key(3)] public int? C { get; set; } }

[MessagePackObject] public class KFar<T> { [Key(0)] public T Near { get; set; } [Key(17)] public T Far { get; set; } }

[MessagePackObject] public class KVeryFar { [Key(300)] public int It { get; set; } }

[MessagePackObject] public struct KStruct<T> { [Key(0)] public T X; [Key(1)] public int Y { get; set; } }

[MessagePackObject] public record KRecord<T>([property: Key(0)] int Id, [property: Key(1)] T It);

[MessagePackObject] public class KConstructed<T>(T it, int n) { [Key(0)] public T It { get; } = it; [Key(1)] public int N { get; } = n; [Key(3)] public string Later { get; set; } }

[MessagePackObject] public class KParent { [Key(1)] public int B1 { get; set; } [Key(4)] public string B4; }

[MessagePackObject] public class KChild<T> : KParent { [Key(0)] public T D0 { get; set; } [Key(2)] public string D2 { get; set; } }

[MessagePackObject] public class KNode { [Key(0)] public int V { get; set; } [Key(1)] public KNode Next { get; set; } [Key(2)] public KNode[] More { get; set; } }

[MessagePackObject] public class KComputed { [Key(0)] public int A { get; set; } [Key(1)] public long Twice => A * 2L; [IgnoreMember] public int Ignored { get; set; } [IgnoreDataMember] public int Other { get; set; } }

[MessagePackObject] public class KDefaults { [Key(0)] public int A { get; set; } = 10; [Key(1)] public string B { get; set; } = "bee"; [Key(2)] public int? C { get; set; } = 30; }

[MessagePackObject] public class KSlots { [Key(0)] public object A { get; set; } [Key(2)] public object[] B { get; set; } [Key(1)] public Dictionary<string, object> C { get; set; } }

[MessagePackObject]
public class KCalled : IMessagePackSerializationCallbackReceiver
{
    [Key(0)] public int A { get; set; }
    [Key(1)] public string Log { get; set; }

    public void OnBeforeSerialize() => Log = "before";

    public void OnAfterDeserialize() => Log = "after";
}

[MessagePackObject]
public class KEverything
{
    [Key(0)] public Guid G { get; set; }
    [Key(1)] public DateTime T { get; set; }
    [Key(2)] public DateTime? NT { get; set; }
    [Key(3)] public decimal M { get; set; }
    [Key(4)] public byte[] Bytes { get; set; }
    [Key(5)] public List<byte> ListOfBytes { get; set; }
    [Key(6)] public ReadOnlyMemory<byte> Memory { get; set; }
    [Key(7)] public Color Color { get; set; }
    [Key(8)] public Guid? NG { get; set; }
    [Key(9)] public TimeSpan Span { get; set; }
    [Key(10)] public decimal? NM { get; set; }
    [Key(12)] public KTwo<int, string> Two { get; set; }
    [Key(13)] public Dictionary<int, KOne<string>> Map { get; set; }
    [Key(14)] public KStruct<byte>? Struct { get; set; }
    [Key(15)] public DateTimeOffset Offset { get; set; }
    [Key(16)] public ArraySegment<byte> Segment { get; set; }
    [Key(17)] public IShape Shape { get; set; }
    [Key(18)] public (int, string) Tuple { get; set; }
}

// String keys: maps.

[MessagePackObject] public class STwo<TA, TB> { [Key("b")] public TB Second; [Key("a-much-longer-key-than-31-bytes-has")] public TA First { get; set; } [Key("\u00e9")] public int Accent { get; set; } }

[MessagePackObject(keyAsPropertyName: true)] public class SNamed<T> { public T It { get; set; } public int Number; [Key("not-used")] public string Text { get; set; } }

[MessagePackObject(keyAsPropertyName: true)] public record SRecord<T>(int Id, T It);

[MessagePackObject(keyAsPropertyName: true)] public class SNothing { }

[MessagePackObject(keyAsPropertyName: true)] public class SDefaults { public int A { get; set; } = 10; public string B { get; set; } = "bee"; }

// Data contracts: both.

[DataContract] public class DNamed<T> { [DataMember(Name = "alpha")] public T A { get; set; } [DataMember] public string B { get; set; } public int NotMember { get; set; } }

[DataContract] public class DOrdered<T> { [DataMember(Order = 1)] public T A { get; set; } [DataMember(Order = 0)] public string B { get; set; } [DataMember(Order = 3)] public int D { get; set; } }

// Unions.

[Union(0, typeof(Circle))]
[Union(1, typeof(Square))]
[Union(127, typeof(Label))]
[Union(128, typeof(Group))]
[Union(300, typeof(Dot))]
public interface IShape { }

[MessagePackObject] public class Circle : IShape { [Key(0)] public double R { get; set; } }

[MessagePackObject(keyAsPropertyName: true)] public class Square : IShape { public int Side { get; set; } }

[MessagePackObject] public class Label : IShape { [Key(0)] public string Text { get; set; } [Key(2)] public object Anything { get; set; } }

[MessagePackObject] public class Group : IShape { [Key(0)] public List<IShape> Shapes { get; set; } }

[MessagePackObject] public struct Dot : IShape { [Key(0)] public short X; [Key(1)] public short Y; }

/// <summary>In no union: nil is written for it.</summary>
[MessagePackObject] public class Stranger : IShape { [Key(0)] public int N { get; set; } }

[Union(-1, typeof(Leaf))]
[Union(70000, typeof(Branch))]
[MessagePackObject]
public abstract class Tree { [Key(0)] public int Age { get; set; } }

[MessagePackObject] public class Leaf : Tree { [Key(1)] public Color Color { get; set; } }

[MessagePackObject] public class Branch : Tree { [Key(1)] public Tree Left { get; set; } [Key(2)] public Tree Right { get; set; } }
