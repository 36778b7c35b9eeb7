using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using MessagePack;
using Xunit;

namespace Backrun.Tests;

public sealed class SerialisationTests
{
#pragma warning disable BACKRUN102, BACKRUN103 // What the engine says to those who have not heard the analyzer.
    [Fact]
    public void A_value_that_cannot_be_serialised_throws_at_the_call_and_nothing_is_queued()
    {
        using BackrunEngine engine = Engines.New();
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<WithCallback>, WithCallback>(new WithCallback { Callback = static () => { } }));
        Assert.IsType<MessagePackSerializationException>(thrown.InnerException);
        Assert.Equal(typeof(WithCallback), thrown.ParametersType);
        Assert.Contains("Take<", thrown.TaskName, StringComparison.Ordinal);
        Assert.Contains(thrown.TaskName, thrown.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(WithCallback), thrown.Message, StringComparison.Ordinal);
        Assert.Equal(0, engine.GetStatistics().Accepted);
    }

    [Fact]
    public async Task What_a_getter_throws_is_inside_and_the_next_task_is_not_touched()
    {
        using BackrunEngine engine = Engines.New();
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<WithThrowingGetter>, WithThrowingGetter>(new WithThrowingGetter()));
        Assert.Contains("the getter threw", thrown.Message, StringComparison.Ordinal);
        await engine.Start(static () => { }).Done();
    }

    [Fact]
    public void Parameters_that_contain_themselves_are_refused_and_do_not_end_the_process()
    {
        using BackrunEngine engine = Engines.New();
        Node node = new();
        node.Next = node;
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<Node>, Node>(node));
        Assert.Contains("contain themselves", thrown.Message, StringComparison.Ordinal);
        List<object> list = [];
        list.Add(list);
        Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<List<object>>, List<object>>(list));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(4_000, true)]
    [InlineData(4_093, false)]
    [InlineData(4_094, false)]
    [InlineData(4_096, true)]
    [InlineData(300_000, true)]
    public async Task Parameters_of_any_size_arrive_whole(int size, bool verify)
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { VerifyRoundTrip = verify });
        byte[] sent = new byte[size];
        new Random(size).NextBytes(sent);
        await engine.StartNew<Take<Dictionary<string, byte[]>>, Dictionary<string, byte[]>>(new() { ["a"] = sent, ["z"] = [7] }).Done();
        Assert.Equal(sent, Take<Dictionary<string, byte[]>>.LastIn(engine)["a"]);
        Assert.Equal([7], Take<Dictionary<string, byte[]>>.LastIn(engine)["z"]);
    }

    [Fact]
    public async Task A_getter_may_itself_start_a_task()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource inner = Patience.Signal();
        WithStartingGetter value = new(() => engine.Start(inner.SetResult));
        BackgroundTaskHandle outer = engine.StartNew<Take<WithStartingGetter>, WithStartingGetter>(value);
        await inner.Soon();
        await outer.Done();
        Assert.Equal(("before", "after"), (Take<WithStartingGetter>.LastIn(engine).A, Take<WithStartingGetter>.LastIn(engine).Z));
    }

    [Fact]
    public async Task A_value_that_cannot_be_deserialised_fails_that_task_by_name_and_nothing_else()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        BackgroundTaskHandle broken = engine.StartNew<Take<OneWay>, OneWay>(new OneWay());
        BackgroundTaskHandle sound = engine.Start(static () => { });
        TaskSerializationException thrown = await broken.Fails<TaskSerializationException>();
        Assert.NotNull(thrown.InnerException);
        Assert.Equal(typeof(OneWay), thrown.ParametersType);
        await sound.Done();
        BackgroundTaskStatus status = engine.GetStatus(broken.Id)!;
        Assert.Equal(BackgroundTaskState.Dead, status.State);
        Assert.Equal("Backrun.TaskSerializationException", status.Error!.Type);
        Assert.Contains(status.TaskName, status.Error.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(OneWay), status.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VerifyRoundTrip_makes_that_show_at_the_call()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { VerifyRoundTrip = true });
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<OneWay>, OneWay>(new OneWay()));
        Assert.NotNull(thrown.InnerException);
        Assert.Contains("Nothing was queued", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(0, engine.GetStatistics().Accepted);
        await engine.StartNew<Take<Node>, Node>(new Node { Next = new Node() }).Done();
    }

    [Theory]
    [InlineData(new byte[] { 0xc1 })]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 0x81, 0xa4, 0x4e })]
    [InlineData(new byte[] { 0xc0, 0x01 })]
    [InlineData(new byte[] { 0xdd, 0xff, 0xff, 0xff, 0xff })]
    public async Task A_corrupt_payload_fails_that_task_by_name_and_nothing_else(byte[] payload)
    {
        using BackrunEngine engine = Engines.New();
        engine.Register<Take<Node>, Node>();
        BackgroundTaskHandle corrupt = Raw.Submit<Take<Node>, Node>(engine, payload);
        TaskSerializationException thrown = await corrupt.Fails<TaskSerializationException>();
        Assert.Contains("Take<", thrown.Message, StringComparison.Ordinal);
        await engine.Start(static () => { }).Done();
        Assert.Equal((1, 1), (engine.GetStatistics().Dead, engine.GetStatistics().Succeeded));
    }

    [Fact]
    public async Task A_task_is_read_by_the_format_that_it_was_written_in()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { PayloadFormat = PayloadFormat.Standard });
        BackgroundTaskHandle keyed = engine.StartNew<Take<Keyed>, Keyed>(new Keyed { Number = 4 });
        await keyed.Done();
        Assert.Equal(4, Take<Keyed>.LastIn(engine).Number);

        // Of this class, the standard format writes an array and the contractless one too, since it has keys; without keys, the standard format refuses.
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<Node>, Node>(new Node()));
        Assert.Contains(nameof(Node), thrown.Message, StringComparison.Ordinal);

        byte[] contractless = MessagePackSerializer.Serialize(new Node { Next = new Node() }, MessagePack.Resolvers.ContractlessStandardResolver.Options, TestContext.Current.CancellationToken);
        BackgroundTaskHandle foreign = Raw.Submit<Take<Node>, Node>(engine, contractless, PayloadFormat.Contractless);
        await foreign.Done();
        Assert.NotNull(Take<Node>.LastIn(engine).Next);
    }

    [Fact]
    public void The_bytes_are_those_of_MessagePack_CSharp()
    {
        using BackrunEngine engine = Engines.New();
        using System.Threading.ManualResetEventSlim release = new();
        engine.ConfigureQueue("one", new QueueOptions { Workers = 1 });
        engine.Start(release.WaitSoon, new StartOptions { Queue = "one" });
        Node value = new() { Next = new Node() };
        BackgroundTaskHandle queued = engine.StartNew<Take<Node>, Node>(value, new StartOptions { Queue = "one" });
        Assert.Equal(
            MessagePackSerializer.Serialize(value, MessagePack.Resolvers.ContractlessStandardResolver.Options, TestContext.Current.CancellationToken),
            Raw.PayloadOf(engine, queued.Id));
        release.Set();
    }

    [Fact]
    public async Task Parameters_over_4_MiB_are_refused_with_their_size_and_the_limit()
    {
        using BackrunEngine engine = Engines.New();
        BackrunException thrown = Assert.Throws<BackrunException>(() => engine.StartNew<Take<byte[]>, byte[]>(new byte[4 * 1024 * 1024]));
        Assert.Equal(BackrunErrorCode.TooLarge, thrown.Code);
        Assert.Contains("4194309 bytes", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("4194304", thrown.Message, StringComparison.Ordinal);
        BackrunException huge = Assert.Throws<BackrunException>(() => engine.StartNew<Take<List<byte[]>>, List<byte[]>>(Enumerable.Repeat(new byte[1024 * 1024], 100).ToList()));
        Assert.Equal(BackrunErrorCode.TooLarge, huge.Code);
        await engine.StartNew<Take<byte[]>, byte[]>(new byte[(4 * 1024 * 1024) - 5]).Done();
        Assert.Equal(1, engine.GetStatistics().Accepted);
    }

    [Fact]
    public async Task Large_and_deep_parameters_arrive_whole()
    {
        using BackrunEngine engine = Engines.New();
        Dictionary<string, string> many = Enumerable.Range(0, 20_000).ToDictionary(static number => $"key {number}", static number => new string('v', number % 300));
        await engine.StartNew<Take<Dictionary<string, string>>, Dictionary<string, string>>(many).Done();
        Assert.Equal(many, Take<Dictionary<string, string>>.LastIn(engine));
        Node deep = new();
        for (int level = 0; level < 400; level++)
        {
            deep = new Node { Next = deep };
        }

        await engine.StartNew<Take<Node>, Node>(deep).Done();
        int levels = 0;
        for (Node? node = Take<Node>.LastIn(engine); node is not null; node = node.Next)
        {
            levels++;
        }

        Assert.Equal(401, levels);
    }

    [Fact]
    public async Task What_the_parameters_hold_is_theirs_and_outlives_the_run()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        byte[] bytes = Enumerable.Range(0, 5_000).Select(static number => (byte)number).ToArray();
        await engine.StartNew<Take<Views>, Views>(new Views { Memory = bytes, ReadOnly = bytes, Sequence = new(bytes), Segment = bytes }).Done();
        Views views = Take<Views>.LastIn(engine);
        await engine.StartNew<Take<byte[]>, byte[]>(new byte[10_000]).Done();
        Assert.Equal(bytes, views.Memory.ToArray());
        Assert.Equal(bytes, views.ReadOnly.ToArray());
        Assert.Equal(bytes, System.Buffers.BuffersExtensions.ToArray(views.Sequence));
        Assert.Equal(bytes, views.Segment.ToArray());
    }

    [Fact]
    public async Task A_user_connection_inside_the_parameters_throws_at_the_call_unless_it_is_null()
    {
        using BackrunEngine engine = Engines.New();
        using UserConnection connection = new(Users.Ada);
        using Users.DerivedConnection derived = new(Users.Ada);
        TaskSerializationException direct = Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<WithConnection>, WithConnection>(new WithConnection { Connection = connection }));
        Assert.Contains("user connection", direct.Message, StringComparison.Ordinal);
        Assert.Contains("WithUserConnection", direct.Message, StringComparison.Ordinal);
        Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<WithConnection>, WithConnection>(new WithConnection { Connection = derived }));
        Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<WithConnection>, WithConnection>(new WithConnection { Derived = derived }));
        Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<WithConnection>, WithConnection>(new WithConnection { Anything = connection }));
        Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<UserConnection>, UserConnection>(connection));
        Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<List<UserConnection>>, List<UserConnection>>([connection]));
        Assert.Equal(0, engine.GetStatistics().Accepted);
        await engine.StartNew<Take<WithConnection>, WithConnection>(new WithConnection { Name = "none" }).Done();
        Assert.Equal("none", Take<WithConnection>.LastIn(engine).Name);
    }

    public sealed class WithCallback
    {
        public Action? Callback { get; set; }
    }

    public sealed class WithThrowingGetter
    {
        private int _number;

        public int Number
        {
            get => _number == 0 ? throw new InvalidOperationException("the getter threw") : _number;
            set => _number = value;
        }
    }

    public sealed class WithStartingGetter
    {
        private readonly Action? _start;

        public WithStartingGetter()
        {
        }

        internal WithStartingGetter(Action start) => _start = start;

        public string A { get; set; } = "before";

        public int B
        {
            get
            {
                _start?.Invoke();
                return 1;
            }

            set
            {
            }
        }

        public string Z { get; set; } = "after";
    }

    public sealed class Node
    {
        public Node? Next { get; set; }
    }

    public sealed class OneWay
    {
        private int _number = 3;

        public int Number
        {
            get => _number;
            set => _number = value == 3 ? throw new InvalidOperationException("the setter threw") : value;
        }
    }

    [MessagePackObject]
    public sealed class Keyed
    {
        [Key(0)]
        public int Number { get; set; }
    }

    public sealed class Views
    {
        public Memory<byte> Memory { get; set; }

        public ReadOnlyMemory<byte> ReadOnly { get; set; }

        public System.Buffers.ReadOnlySequence<byte> Sequence { get; set; }

        public ArraySegment<byte> Segment { get; set; }
    }

    public sealed class WithConnection
    {
        public string Name { get; set; } = string.Empty;

        public UserConnection? Connection { get; set; }

        public Users.DerivedConnection? Derived { get; set; }

        public object? Anything { get; set; }
    }
}
