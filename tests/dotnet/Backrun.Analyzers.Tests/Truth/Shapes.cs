using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Runtime.Serialization;
using System.Threading;
using System.Threading.Tasks;
using MessagePack;
using MessagePack.Formatters;

#pragma warning disable MsgPack003, CA1003, CA1720, CA1034, CA1051, CA1711, CA1819, CA2227, CA1002, CA1008, CA1028, CA1032, CA1040, CA1041, CA1044, CA1710, CA1721, CA1724, CA1806, CA2213, CA1001, CA1815, CA1822, CS0649, CA1823, IDE0044, IDE0051, IDE0052, CA1063, CA1816 // Shapes that programs have, not those that they should have.
namespace Backrun.Analyzers.Tests.Truth;

/// <summary>Classes as programs pass them to tasks. Each is looked at by the analyzer, and passed to a task by an engine.</summary>
public static class Shapes
{
    public interface ISource
    {
        string Name { get; }
    }

    [Union(0, typeof(Circle))]
    public interface IShape;

    public enum Level
    {
        Low,
        High,
    }

    public sealed class Plain
    {
        public string? Name { get; set; }

        public int Count;

        public List<int> Numbers { get; set; } = [1, 2];

        public Dictionary<string, Inner?> Inner { get; set; } = [];

        public Level Level { get; set; }

        public Guid? Id { get; init; }
    }

    public sealed class Inner
    {
        public int Value { get; set; }

        public Inner? Next { get; set; }
    }

    public sealed record Positional(string Name, int Count, IReadOnlyList<string> Lines);

    public readonly record struct Point(int X, int Y);

    public sealed class ByConstructor(string name, int count)
    {
        public string Name { get; } = name;

        public int Count { get; } = count;

        public int Twice => Count * 2;
    }

    public sealed class WithDelegate
    {
        public Action? Done { get; set; }
    }

    public sealed class WithEventOnly
    {
        public event EventHandler? Done;

        public int Value { get; set; }

        public void Raise() => Done?.Invoke(this, EventArgs.Empty);
    }

    public sealed class WithStream
    {
        public Stream? Content { get; set; }
    }

    public sealed class WithMemoryStream
    {
        public MemoryStream? Content { get; set; }
    }

    public sealed class WithStreamReadOnly
    {
        public Stream Content { get; } = Stream.Null;

        public int Value { get; set; }
    }

    public sealed class WithStreamPrivate
    {
        private Stream? _content = Stream.Null;

        public int Value { get; set; }

        public bool Has() => _content is not null;
    }

    public sealed class WithStreamPrivateSetter
    {
        public Stream? Content { get; private set; }

        public int Value { get; set; }
    }

    public sealed class WithStreamIgnored
    {
        [IgnoreMember]
        public Stream? Content { get; set; }

        [IgnoreDataMember]
        public Action? Done { get; set; }

        public int Value { get; set; }
    }

    public sealed class WithStreamFormatted
    {
        [MessagePackFormatter(typeof(NoStreamFormatter))]
        public Stream? Content { get; set; }

        public int Value { get; set; }
    }

    public sealed class WithTask
    {
        public Task? Work { get; set; }
    }

    public sealed class WithTaskOf
    {
        public Task<int>? Work { get; set; }
    }

    public sealed class WithToken
    {
        public CancellationToken Token { get; set; }
    }

    public sealed class WithAddress
    {
        public IntPtr Address { get; set; }
    }

    public sealed class WithInterface
    {
        public ISource? Source { get; set; }
    }

    public sealed class WithInterfaceDeep
    {
        public List<Dictionary<string, WithInterface>> Deep { get; set; } = [];
    }

    public sealed class WithUnion
    {
        public IShape? Shape { get; set; }
    }

    [MessagePackObject]
    public sealed class Circle : IShape
    {
        [Key(0)]
        public int Radius { get; set; }
    }

    public abstract class Animal
    {
        public string? Name { get; set; }
    }

    public sealed class Dog : Animal
    {
        public int Age { get; set; }
    }

    public sealed class WithAbstract
    {
        public Animal? Animal { get; set; }
    }

    public sealed class WithObject
    {
        public object? Anything { get; set; }
    }

    public sealed class WithCollections
    {
        public IEnumerable<int> A { get; set; } = [1];

        public IList<string> B { get; set; } = ["x"];

        public ISet<int> C { get; set; } = new HashSet<int> { 1 };

        public IReadOnlySet<int> D { get; set; } = new HashSet<int> { 1 };

        public IReadOnlyDictionary<string, int> E { get; set; } = new Dictionary<string, int>();

        public IEnumerable F { get; set; } = new[] { 1 };

        public System.Collections.Immutable.IImmutableList<int> G { get; set; } = System.Collections.Immutable.ImmutableList<int>.Empty;

        public int[,,] H { get; set; } = new int[1, 1, 1];

        public (int X, string Y) I { get; set; }

        public KeyValuePair<int, string> J { get; set; }

        public Lazy<int> K { get; set; } = new(1);

        public ReadOnlyMemory<byte> L { get; set; }
    }

    public sealed class WithFiveDimensions
    {
        public int[,,,,]? Many { get; set; }
    }

    public sealed class WithEnumerator
    {
        public IEnumerator<int>? Position { get; set; }
    }

    public sealed class WithQuery
    {
        public System.Linq.IQueryable<int>? Query { get; set; }
    }

    public sealed class WithStreamLater
    {
        public IAsyncEnumerable<int>? Later { get; set; }
    }

    public sealed class NoMatch(int something)
    {
        public int Other { get; } = something;
    }

    public sealed class NoMatchOfType(int other)
    {
        public string Other { get; } = $"{other}";
    }

    public sealed class OneOfTwo(string name)
    {
        public OneOfTwo(string name, Stream content)
            : this(name) => _ = content;

        public string Name { get; } = name;
    }

    public sealed class WiderParameter(IEnumerable<int> values)
    {
        public List<int> Values { get; } = [.. values];
    }

    public sealed class WiderNumber(long value)
    {
        public int Value { get; } = (int)value;
    }

    public sealed class PrivateConstructor
    {
        private PrivateConstructor()
        {
        }

        public int Value { get; set; }

        public static PrivateConstructor Make() => new();
    }

    public sealed class Chosen
    {
        public Chosen(int unknown) => Value = unknown;

        [SerializationConstructor]
        public Chosen(int value, int other) => (Value, Other) = (value, other);

        public int Value { get; }

        public int Other { get; }
    }

    public struct StructNoMatch(int something)
    {
        public int Other { get; set; } = something;
    }

    public struct StructPlain
    {
        public int Value { get; set; }
    }

    public class Base
    {
        public Action? Done { get; set; }
    }

    public sealed class Derived : Base
    {
        public int Value { get; set; }
    }

    public class VirtualBase
    {
        public virtual Stream? Content { get; set; }
    }

    public sealed class IgnoringOverride : VirtualBase
    {
        [IgnoreMember]
        public override Stream? Content { get; set; }

        public int Value { get; set; }
    }

    public class Generic<T>
    {
        public T? Value { get; set; }
    }

    internal sealed class Hidden
    {
        public int Value { get; set; }
    }

    internal struct InternalStruct
    {
        public int Value { get; set; }
    }

    internal enum InternalEnum
    {
        A,
    }

    internal sealed class Outer
    {
        public sealed class PublicInside
        {
            public int Value { get; set; }
        }
    }

    [MessagePackObject]
    public sealed class Keyed
    {
        [Key(0)]
        public int A { get; set; }

        [Key(1)]
        public string? B { get; set; }

        [IgnoreMember]
        public Stream? C { get; set; }
    }

#pragma warning disable MsgPack004 // What a test is about.
    [MessagePackObject]
    public sealed class KeyMissing
    {
        [Key(0)]
        public int A { get; set; }

        public string? B { get; set; }
    }

    [MessagePackObject]
    public sealed class KeyMissingOnReadOnly
    {
        [Key(0)]
        public int A { get; set; }

        public int Twice => A * 2;
    }
#pragma warning restore MsgPack004

    [MessagePackObject]
    public sealed class KeyedStream
    {
        [Key(0)]
        public Stream? Content { get; set; }
    }

    [MessagePackObject(keyAsPropertyName: true)]
    public sealed class Named
    {
        public int A { get; set; }

        public Inner? B { get; set; }
    }

    [MessagePackObject(keyAsPropertyName: true)]
    public sealed class NamedDelegate
    {
        public Action? Done { get; set; }
    }

    [DataContract]
    public sealed class Contracted
    {
        [DataMember]
        public int A { get; set; }

        public Stream? NotAMember { get; set; }
    }

    [DataContract]
    public sealed class ContractedStream
    {
        [DataMember]
        public Stream? Content { get; set; }
    }

    [MessagePackFormatter(typeof(HandWrittenFormatter))]
    public sealed class HandWritten
    {
        public Action? Done { get; set; }
    }

    public sealed class WithHandWritten
    {
        public HandWritten? Value { get; set; }
    }

    public sealed class Bag : Collection<int>;

    public class Collection<T> : List<T>
    {
        public Action? Done { get; set; }
    }

    public sealed class WithConnection
    {
        public UserConnection? Connection { get; set; }
    }

    public sealed class WithUnsafe
    {
        public unsafe int* Numbers { get; set; }
    }

    public sealed class WithSpan
    {
        public Span<int> Numbers
        {
            get => default;
            set => _ = value;
        }
    }

    public sealed class WithSpanReadOnly
    {
        public int[] Array { get; set; } = [1];

        public ReadOnlySpan<int> Numbers => Array;
    }

    public sealed class WithIndexer
    {
        public int Value { get; set; }

        public Stream? this[int index]
        {
            get => null;
            set => _ = (index, value);
        }
    }

    public sealed class WithWriteOnly
    {
        public int Value { get; set; }

        public Action? Done
        {
            set => _ = value;
        }
    }

    public sealed class Hiding : Base
    {
        public new int Done { get; set; }
    }

    public sealed class WithRef
    {
        private int _value;

        public ref int Value => ref _value;
    }

    public sealed class WithStatic
    {
        public static Stream? Shared { get; set; }

        public int Value { get; set; }
    }

    public sealed class WithConst
    {
        public const int Number = 1;

        public int Value { get; set; }
    }

    public sealed class WithReadOnlyField
    {
        public readonly Action? Done;

        public int Value { get; set; }
    }

    public sealed class WithDynamic
    {
        public dynamic? Value { get; set; }
    }

    public sealed class NoStreamFormatter : IMessagePackFormatter<Stream?>
    {
        public void Serialize(ref MessagePackWriter writer, Stream? value, MessagePackSerializerOptions options) => writer.WriteNil();

        public Stream? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            reader.ReadNil();
            return null;
        }
    }

    public sealed class HandWrittenFormatter : IMessagePackFormatter<HandWritten?>
    {
        public void Serialize(ref MessagePackWriter writer, HandWritten? value, MessagePackSerializerOptions options) => writer.WriteNil();

        public HandWritten? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            reader.ReadNil();
            return null;
        }
    }
}
