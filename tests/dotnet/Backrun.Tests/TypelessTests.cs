using System;
using System.Buffers;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using Backrun.Internals;
using Backrun.Tests.Support;
using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;
using Xunit;

namespace Backrun.Tests;

/// <summary>Payloads that name their types: as MessagePack-CSharp writes them, and with nothing in them that is not on the engine's list.</summary>
public sealed class TypelessTests
{
    private static readonly MessagePackSerializerOptions Theirs = TypelessContractlessStandardResolver.Options.WithOmitAssemblyVersion(true);

    public static TheoryData<object> Values =>
    [
        true, (byte)7, (short)-7, 40, 5_000_000_000L, 7u, 1.5f, 2.5, 'ü', "text", new byte[] { 1, 2 }, 12.5m, Guid.Parse("6f1a1c54-52d2-4c0e-9f47-0d0c2bb9a1de"),
        new DateTime(2026, 11, 29, 8, 0, 0, DateTimeKind.Utc), new DateTime(2026, 11, 29), TimeSpan.FromHours(3), DayOfWeek.Friday, new Version(1, 2), new Uri("https://example.com/"), new object(),
        new[] { "a", "b" }, new[] { 1, 2 }, new object[] { 1, "b", Guid.Empty }, new[,] { { 1L, 2L } }, new List<object> { 1, new Inner { Number = 5 } }, new Dictionary<string, object> { ["a"] = new[] { 1L } },
        new Dictionary<Guid, List<Inner>> { [Guid.Empty] = [new Inner { Number = 7 }] }, new Inner { Number = 1, Anything = new Inner { Anything = "deep" } }, (1, "two"), Tuple.Create(1L, 'c'),
        new KeyValuePair<string, object>("k", 5L), new Hashtable { ["k"] = 5L }, new { Name = "anonymous", Value = 4 },
    ];

    [Theory]
    [MemberData(nameof(Values))]
    public async Task A_value_declared_as_object_is_written_as_MessagePack_CSharp_writes_it_and_comes_back_as_what_it_was(object value)
    {
        await using BackrunEngine engine = NewEngine();
        Holder<object> sent = new() { Before = 1, Value = value, After = "z" };
        Assert.Equal(Convert.ToHexString(MessagePackSerializer.Serialize(sent, Theirs)), Convert.ToHexString(Write(engine, sent)));
        Holder<object> got = await Sent(engine, sent);
        Assert.Equal((1, "z"), (got.Before, got.After));
        if (value.GetType().Namespace is not null && value is not Inner)
        {
            Assert.IsType(value.GetType(), got.Value);
        }

        Assert.Equal(MessagePackSerializer.Serialize<object>(value, Theirs), MessagePackSerializer.Serialize(got.Value is Dictionary<object, object> map && value.GetType().Namespace is null ? value : got.Value, Theirs));
    }

    [Fact]
    public void A_value_of_any_length_is_written_as_MessagePack_CSharp_writes_it()
    {
        using BackrunEngine engine = NewEngine();
        foreach (int length in Enumerable.Range(0, 300).Concat(Enumerable.Range(65_280, 260)).Append(300_000))
        {
            Holder<object> sent = new() { Before = length, Value = new List<object> { new Inner { Anything = new string('x', length) }, new Inner { Anything = new bool[length % 7] } }, After = "z" };
            Assert.Equal(MessagePackSerializer.Serialize(sent, Theirs), Write(engine, sent));
        }
    }

    [Fact]
    public void What_contains_itself_by_places_that_say_nothing_of_their_type_is_refused_and_does_not_end_the_process()
    {
        using BackrunEngine engine = NewEngine();
        List<object> list = [];
        list.Add(list);
        Assert.Contains("contain themselves", Refused(engine, list), StringComparison.Ordinal);
        Inner inner = new();
        inner.Anything = new object[] { new Dictionary<string, object> { ["again"] = inner } };
        Assert.Contains("contain themselves", Refused(engine, inner), StringComparison.Ordinal);
        Linked linked = new();
        linked.Next = linked;
        Assert.Contains("contain themselves", Refused<object>(engine, new object[] { linked }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_in_a_buffer_of_a_formatter_s_own_is_written_there()
    {
        using BackrunEngine engine = NewEngine();
        WithOwnBuffer sent = new() { Value = new Inner { Number = 9 } };
        Assert.Equal(MessagePackSerializer.Serialize(sent, Theirs), Write(engine, sent));
    }

    [Fact]
    public async Task A_payload_that_names_a_type_which_is_not_on_the_list_fails_that_task_and_loads_nothing()
    {
        await using BackrunEngine engine = NewEngine();
        foreach ((string name, string words) in new[]
        {
            ("Microsoft.CSharp.RuntimeBinder.RuntimeBinderException, Microsoft.CSharp", "of the assembly 'Microsoft.CSharp', whose types payloads may not name"),
            ("No.Such, NoSuchAssembly", "of the assembly 'NoSuchAssembly', whose types payloads may not name"),
            ("System.Collections.Generic.List`1[[Microsoft.CodeAnalysis.SyntaxTree, Microsoft.CodeAnalysis]], System.Private.CoreLib", "of the assembly 'Microsoft.CodeAnalysis'"),
            ("System.IO.FileInfo, System.Private.CoreLib", "System.IO.FileInfo of System.Private.CoreLib is not a type that payloads may name"),
            ("System.IO.FileInfo[], mscorlib", "System.IO.FileInfo of System.Private.CoreLib is not a type that payloads may name"),
            ("System.Threading.Thread", "System.Threading.Thread of System.Private.CoreLib is not a type that payloads may name"),
            ("System.Collections.Generic.Dictionary`2[[System.String, System.Private.CoreLib],[System.AppDomain, System.Private.CoreLib]], System.Private.CoreLib", "System.AppDomain of"),
            ("Backrun.BackrunEngine, Backrun", "of the assembly 'Backrun', whose"),
            ("Backrun.Tests.NoSuchType, Backrun.Tests", "which is not there"),
            (new string('x', 9000), "has more than 8192 bytes"),
        })
        {
            TaskSerializationException thrown = await Raw.Submit<Take<Holder<object>>, Holder<object>>(engine, Naming(name), PayloadFormat.Typeless).Fails<TaskSerializationException>();
            Assert.Contains(words, thrown.Message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain(AppDomain.CurrentDomain.GetAssemblies(), static each => each.GetName().Name == "Microsoft.CSharp");
    }

    [Fact]
    public void What_could_not_be_read_is_refused_at_the_call_by_its_name()
    {
        using BackrunEngine engine = NewEngine();
        string message = Refused(engine, new Holder<object> { Value = TestContext.Current.Test });
        Assert.Contains("is not a type that payloads may name", message, StringComparison.Ordinal);
        Assert.Contains("Backrun.Tests", message, StringComparison.Ordinal);
        Assert.Contains("TypelessAssemblies", message, StringComparison.Ordinal);
        Assert.Contains("Make what a query yields a list", Refused(engine, new Holder<object> { Value = Enumerable.Range(1, 3).Where(static each => each > 0) }), StringComparison.Ordinal);
        Assert.Contains("ProcessStartInfo", Refused(engine, new Holder<object> { Value = new ProcessStartInfo() }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_MessagePack_CSharp_denies_stays_denied_where_it_is_allowed_here()
    {
        BackrunOptions options = new() { PayloadFormat = PayloadFormat.Typeless, TypelessTypes = { typeof(ProcessStartInfo), typeof(System.IO.FileInfo) }, TypelessAssemblies = { typeof(Process).Assembly } };
        await using BackrunEngine engine = Engines.New(options);
        TaskSerializationException thrown = await Raw
            .Submit<Take<Holder<object>>, Holder<object>>(engine, Naming("System.Diagnostics.ProcessStartInfo, System.Diagnostics.Process"), PayloadFormat.Typeless)
            .Fails<TaskSerializationException>();
        Assert.Contains("not allowed", thrown.Message, StringComparison.Ordinal);
        thrown = await Raw
            .Submit<Take<Holder<object>>, Holder<object>>(engine, Naming("System.Collections.Generic.List`1[[System.Diagnostics.Process, System.Diagnostics.Process]], System.Private.CoreLib"), PayloadFormat.Typeless)
            .Fails<TaskSerializationException>();
        Assert.Contains("not allowed", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assembly_that_is_allowed_is_read_and_a_type_that_is_allowed_alone()
    {
        Assembly other = OtherAssembly();
        Type one = other.GetType("Other.One", throwOnError: true)!, two = other.GetType("Other.Two", throwOnError: true)!;
        await using BackrunEngine all = Engines.New(new BackrunOptions { PayloadFormat = PayloadFormat.Typeless, TypelessAssemblies = { other } });
        foreach (Type type in new[] { one, two })
        {
            Assert.IsType(type, (await Sent(all, new Holder<object> { Value = Activator.CreateInstance(type)! })).Value);
        }

        await using BackrunEngine single = Engines.New(new BackrunOptions { PayloadFormat = PayloadFormat.Typeless, TypelessTypes = { one } });
        Assert.IsType(one, (await Sent(single, new Holder<object> { Value = Activator.CreateInstance(one)! })).Value);
        Assert.Contains("Other.Two of", Refused(single, new Holder<object> { Value = Activator.CreateInstance(two)! }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_derived_instance_arrives_as_what_it_was_and_the_declared_class_costs_no_name()
    {
        await using BackrunEngine engine = NewEngine();
        Assert.Equal(7, Assert.IsType<Derived>(await Sent<Inner>(engine, new Derived { More = 7, Number = 1 })).More);
        byte[] bytes = Write(engine, new Inner { Number = 1 });
        Assert.Equal(MessagePackSerializer.Serialize(new Inner { Number = 1 }, Theirs), bytes);
        Assert.IsType<Inner>(await Sent(engine, new Inner()));
        Assert.Null(await Sent<Inner>(engine, null!));
        TaskSerializationException thrown = await Raw.Submit<Take<Inner>, Inner>(engine, Write<object>(engine, new List<int>()), PayloadFormat.Typeless).Fails<TaskSerializationException>();
        Assert.Contains("holds System.Collections.Generic.List<System.Int32> where Backrun.Tests.TypelessTests+Inner is due", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_query_under_a_collection_interface_arrives_as_a_collection()
    {
        await using BackrunEngine engine = NewEngine();
        Assert.Equal([2, 4], await Sent(engine, Enumerable.Range(1, 4).Where(static each => each % 2 == 0)));
    }

    [Fact]
    public async Task A_result_is_named_as_parameters_are()
    {
        await using BackrunEngine engine = NewEngine();
        BackgroundTaskHandle handle = engine.Start(static () => BackgroundTaskContext.Current!.SetResult<object>(new Inner { Number = 3 }));
        await handle.Done();
        Assert.Equal(3, Assert.IsType<Inner>(engine.GetStatus(handle.Id)!.GetResult<object>()).Number);
    }

    [Fact]
    public async Task A_round_trip_is_verified_in_this_format_too()
    {
        await using BackrunEngine engine = Engines.New(new BackrunOptions { PayloadFormat = PayloadFormat.Typeless, VerifyRoundTrip = true });
        Assert.Equal(5, Assert.IsType<Inner>((await Sent(engine, new Holder<object> { Value = new Inner { Number = 5 } })).Value).Number);
        Assert.Contains("VerifyRoundTrip", Refused(engine, new Holder<object> { Value = new NotReadable(0) { Number = -1 } }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_user_connection_is_refused_wherever_it_stands()
    {
        using BackrunEngine engine = NewEngine();
        using UserConnection connection = new(Users.Ada);
        Assert.Contains("connections never travel", Refused(engine, new Holder<object> { Value = connection }), StringComparison.Ordinal);
        Assert.Contains("connections never travel", Refused<object>(engine, connection), StringComparison.Ordinal);
        Assert.Contains("connections never travel", Refused<IDisposable>(engine, connection), StringComparison.Ordinal);
    }

    private static BackrunEngine NewEngine() => Engines.New(new BackrunOptions { PayloadFormat = PayloadFormat.Typeless });

    private static byte[] Write<T>(BackrunEngine engine, T value) =>
        Submitter.Serialize(engine.Core.Registrations.Get<TaskInvokers, Take<T>, T>(engine.Handle), value);

    private static async Task<T> Sent<T>(BackrunEngine engine, T value)
    {
        await engine.StartNew<Take<T>, T>(value).Done();
        return Take<T>.LastIn(engine);
    }

    private static string Refused<T>(BackrunEngine engine, T value)
    {
        long before = engine.GetStatistics().Accepted;
        string message = Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<T>, T>(value)).Message;
        Assert.Equal(before, engine.GetStatistics().Accepted);
        return message;
    }

    /// <summary>A <see cref="Holder{T}"/> whose value names a type of no content.</summary>
    private static byte[] Naming(string type)
    {
        ArrayBufferWriter<byte> name = new();
        MessagePackWriter inside = new(name);
        inside.Write(type);
        inside.WriteMapHeader(0);
        inside.Flush();
        ArrayBufferWriter<byte> whole = new();
        MessagePackWriter writer = new(whole);
        writer.WriteMapHeader(1);
        writer.Write(nameof(Holder<object>.Value));
        writer.WriteExtensionFormat(new ExtensionResult(100, new ReadOnlySequence<byte>(name.WrittenMemory)));
        writer.Flush();
        return whole.WrittenSpan.ToArray();
    }

    private static Assembly OtherAssembly()
    {
        using System.IO.MemoryStream image = new();
        Assert.True(Compiler.Compile("namespace Other { public class One { public int A { get; set; } } public class Two { public int B { get; set; } } }").Emit(image, cancellationToken: TestContext.Current.CancellationToken).Success);
        return Assembly.Load(image.ToArray());
    }

    public sealed class Holder<T>
    {
        public int Before { get; set; }

        public T? Value { get; set; }

        public string? After { get; set; }
    }

    public class Inner
    {
        public int Number { get; set; }

        public object? Anything { get; set; }
    }

    public sealed class Derived : Inner
    {
        public int More { get; set; }
    }

    public sealed class Linked
    {
        public Linked? Next { get; set; }
    }

    public sealed class NotReadable
    {
        public NotReadable(int number) => Number = number >= 0 ? number : throw new InvalidOperationException("negative");

        public int Number { get; set; }
    }

    [MessagePackFormatter(typeof(OwnBuffer))]
    public sealed class WithOwnBuffer
    {
        public object? Value { get; set; }
    }

    public sealed class OwnBuffer : IMessagePackFormatter<WithOwnBuffer>
    {
        public void Serialize(ref MessagePackWriter writer, WithOwnBuffer value, MessagePackSerializerOptions options)
        {
            ArrayBufferWriter<byte> buffer = new();
            MessagePackWriter into = writer.Clone(buffer);
            options.Resolver.GetFormatterWithVerify<object?>().Serialize(ref into, value.Value, options);
            into.Flush();
            writer.WriteRaw(buffer.WrittenSpan);
        }

        public WithOwnBuffer Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
            new() { Value = options.Resolver.GetFormatterWithVerify<object?>().Deserialize(ref reader, options) };
    }
}
