using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using static Backrun.Analyzers.Tests.Truth.Shapes;

namespace Backrun.Analyzers.Tests.Truth;

/// <summary>What is passed to tasks in a contractless engine, the default.</summary>
public static class Samples
{
    public static IReadOnlyDictionary<string, Sample> Contractless { get; } = new[]
    {
        Travels(() => 1),
        Travels(() => "text"),
        Travels<int?>(() => null),
        Travels(() => DateTimeOffset.UnixEpoch),
        Travels(() => new Uri("https://example.com")),
        Travels(() => new Version(1, 2)),
        Travels(() => (1, "x")),
        Travels(() => Tuple.Create(1, "x")),
        Travels(() => new[] { new Inner { Value = 1 } }),
        Travels(() => new List<Plain> { new() { Name = "x" } }),
        Travels<IReadOnlyList<Inner>>(() => [new Inner()]),
        Travels(() => typeof(string)),
        Travels(() => new Half[] { Half.One }),
        Travels(() => new Plain { Name = "x", Count = 1, Id = Guid.Empty, Inner = { ["a"] = new Inner { Next = new Inner() }, ["b"] = null } }),
        Travels(() => new Inner { Value = 1 }),
        Travels(() => new Positional("x", 1, ["y"])),
        Travels(() => new Point(1, 2)),
        Travels<Point?>(() => new Point(1, 2)),
        Travels(() => new ByConstructor("x", 1)),
        Travels(() => new WithEventOnly()),
        Travels(() => new WithStreamReadOnly()),
        Travels(() => new WithStreamPrivate()),
        Travels(() => new WithStreamPrivateSetter()),
        Travels(() => new WithStreamIgnored { Content = Stream.Null, Done = () => { } }),
        Travels(() => new WithStreamFormatted { Content = Stream.Null }),
        Travels(() => new WithUnion { Shape = new Circle { Radius = 1 } }),
        Travels<IShape>(() => new Circle { Radius = 1 }),
        Travels(() => new Dog { Name = "x", Age = 1 }),
        Travels(() => new WithObject { Anything = 1 }),
        Travels<object>(() => "x"),
        Travels(() => new WithDynamic { Value = 1 }),
        Travels(() => new WithCollections()),
        Travels(() => new OneOfTwo("x")),
        Travels(() => new WiderParameter([1])),
        Travels(() => new Chosen(1, 2)),
        Travels(() => new StructPlain { Value = 1 }),
        Travels(() => new IgnoringOverride { Content = Stream.Null }),
        Travels(() => new Generic<int> { Value = 1 }),
        Travels(() => InternalEnum.A),
        Travels(() => new Keyed { A = 1, B = "x", C = Stream.Null }),
        Travels(() => new Named { A = 1, B = new Inner() }),
        Travels(() => new Contracted { A = 1, NotAMember = Stream.Null }),
        Travels(() => new HandWritten { Done = () => { } }),
        Travels(() => new WithHandWritten { Value = new HandWritten() }),
        Travels(() => new Bag { 1, 2 }),
        Travels(() => new WithSpanReadOnly()),
        Travels(() => new WithIndexer { Value = 1 }),
        Travels(() => new WithStatic()),
        Travels(() => new WithConst()),
        Travels(() => new WithReadOnlyField()),
        Travels(() => new WithWriteOnly()),
        Travels(() => new WithRef()),

        Refused<Action>(() => static () => { }),
        Refused<Func<int>[]>(() => [static () => 1]),
        Refused<Stream>(() => Stream.Null),
        Refused(() => new MemoryStream()),
        Refused(() => Task.CompletedTask),
        Refused(() => Task.FromResult(1)),
        Refused(() => ValueTask.CompletedTask),
        Refused(() => CancellationToken.None),
        Refused<IntPtr>(() => 1),
        Refused<UIntPtr>(() => 1),
        Refused<ISource>(() => null!),
        Refused<Animal>(() => new Dog()),
        Refused(() => new WithDelegate()),
        Refused(() => new WithStream()),
        Refused(() => new WithMemoryStream { Content = new MemoryStream() }),
        Refused(() => new WithTask()),
        Refused(() => new WithTaskOf()),
        Refused(() => new WithToken()),
        Refused(() => new WithAddress()),
        Refused(() => new WithInterface()),
        Refused(() => new WithInterfaceDeep { Deep = { new() { ["x"] = new WithInterface() } } }),
        Refused(() => new WithAbstract()),
        Refused(() => new WithFiveDimensions()),
        Refused(() => new WithEnumerator()),
        Refused(() => new WithQuery()),
        Refused(() => new WithStreamLater()),
        Refused(() => new NoMatch(1)),
        Refused(() => new NoMatchOfType(1)),
        Refused(PrivateConstructor.Make),
        Refused(() => new StructNoMatch(1)),
        Refused(() => new Derived()),
        Refused(() => new VirtualBase()),
        Refused(() => new Generic<Action>()),
        Refused(() => new Generic<Generic<ISource>> { Value = new() }),
        Refused(() => new Hidden()),
        Refused(() => new InternalStruct()),
        Refused(() => new KeyMissing()),
        Refused(() => new KeyMissingOnReadOnly()),
        Refused(() => new KeyedStream()),
        Refused(() => new NamedDelegate()),
        Refused(() => new ContractedStream()),
        Refused(() => new WithConnection { Connection = new UserConnection(new UserIdentity(Guid.Empty, "x", "en", "UTC", new Dictionary<string, string>())) }),
        Refused(() => new WithUnsafe()),
        Refused(() => new WithSpan()),

        Unsure(() => new WiderNumber(1)),
        Unsure(() => new Hiding()),
        Unsure(() => new Outer.PublicInside()),
    }.ToDictionary(static each => each.Name, StringComparer.Ordinal);

    private static Sample Travels<T>(Func<T> value) => Sample.Of(Verdict.Travels, value);

    private static Sample Refused<T>(Func<T> value) => Sample.Of(Verdict.Refused, value);

    private static Sample Unsure<T>(Func<T> value) => Sample.Of(Verdict.Unsure, value);
}
