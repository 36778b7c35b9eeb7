using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Backrun;
using Backrun.Creatio;
using Backrun.Tests.Support;
using CreatioTests.Support;
using Terrasoft.Configuration;
using Xunit;
using UserConnection = Terrasoft.Core.UserConnection;

namespace CreatioTests;

/// <summary>Parameters arrive as what they were.</summary>
public sealed class ParameterTests
{
    [Fact]
    public async Task A_dictionary_under_its_interface_arrives_with_the_types_of_its_values()
    {
        Dictionary<string, object> sent = new()
        {
            ["id"] = Guid.NewGuid(),
            ["names"] = new[] { "a", "b" },
            ["count"] = 5L,
            ["number"] = 5,
            ["at"] = new DateTime(2026, 11, 29, 8, 30, 0, DateTimeKind.Utc),
            ["local"] = new DateTime(2026, 11, 29, 8, 30, 0, DateTimeKind.Local),
            ["price"] = 12.50m,
            ["day"] = DayOfWeek.Friday,
            ["nothing"] = null!,
            ["list"] = new List<Part> { new(1, "one"), new DerivedPart(2, "two", 3.5) },
            ["objects"] = new List<object> { new Part(3, "three"), Guid.Empty, 7L, new Dictionary<string, object> { ["deep"] = new List<long> { 1L } } },
        };
        await using BackrunEngine engine = Engines.New();
        foreach (IDictionary got in new[]
        {
            await Take<IDictionary>.Sent(engine, sent),
            (IDictionary)await Take<IDictionary<string, object>>.Sent(engine, sent),
            (IDictionary)await Take<IReadOnlyDictionary<string, object>>.Sent(engine, sent),
            (IDictionary)await Take<object>.Sent(engine, sent),
            await Take<Dictionary<string, object>>.Sent(engine, sent),
        })
        {
            Dictionary<string, object> map = Assert.IsType<Dictionary<string, object>>(got);
            Assert.Equal(sent.Keys, map.Keys);
            foreach (string key in sent.Keys.Except(["list", "objects"]))
            {
                Assert.Equal(sent[key]?.GetType(), map[key]?.GetType());
                Assert.Equal(sent[key], map[key]);
            }

            Assert.Equal(DateTimeKind.Utc, ((DateTime)map["at"]).Kind);
            Assert.Equal(DateTimeKind.Local, ((DateTime)map["local"]).Kind);
            Assert.Equal("one", Assert.IsType<List<Part>>(map["list"])[0].Name);
            List<object> objects = Assert.IsType<List<object>>(map["objects"]);
            Assert.Equal((3, "three"), (Assert.IsType<Part>(objects[0]).Number, ((Part)objects[0]).Name));
            Assert.Equal((Guid.Empty, 7L), (objects[1], objects[2]));
            Assert.Equal([1L], Assert.IsType<List<long>>(Assert.IsType<Dictionary<string, object>>(objects[3])["deep"]));
        }
    }

    [Fact]
    public async Task A_derived_instance_arrives_as_what_it_was_under_a_base_class_an_abstract_one_and_an_interface()
    {
        await using BackrunEngine engine = Engines.New();
        DerivedPart sent = new(1, "one", 2.5);
        Assert.Equal(2.5, Assert.IsType<DerivedPart>(await Take<Part>.Sent(engine, sent)).Weight);
        Assert.Equal("one", Assert.IsType<DerivedPart>(await Take<AbstractPart>.Sent(engine, sent)).Name);
        Assert.Equal(1, Assert.IsType<DerivedPart>(await Take<INumbered>.Sent(engine, sent)).Number);
        Assert.Equal(2.5, Assert.IsType<DerivedPart>(await Take<object>.Sent(engine, sent)).Weight);
        Carrier carrier = await Take<Carrier>.Sent(engine, new Carrier { Abstract = sent, Interface = sent, Anything = sent });
        Assert.All([carrier.Abstract, carrier.Interface, carrier.Anything], static each => Assert.Equal(2.5, Assert.IsType<DerivedPart>(each).Weight));
    }

    [Fact]
    public async Task Roots_of_every_simple_kind_arrive()
    {
        await using BackrunEngine engine = Engines.New();
        Assert.True(await Take<bool>.Sent(engine, true));
        Assert.Equal(["a", null!], await Take<string[]>.Sent(engine, ["a", null!]));
        Assert.Null(await Take<string>.Sent(engine, null!));
        Assert.Null(await Take<Part>.Sent(engine, null!));
        Assert.Null(await Take<int?>.Sent(engine, null));
        Assert.Null(await Take<IDictionary>.Sent(engine, null!));
        Assert.Equal(7, await Take<int?>.Sent(engine, 7));
        Assert.Equal(long.MinValue, await Take<long>.Sent(engine, long.MinValue));
        Assert.Equal('ü', await Take<char>.Sent(engine, 'ü'));
        Assert.Equal(DayOfWeek.Friday, await Take<DayOfWeek>.Sent(engine, DayOfWeek.Friday));
        Guid id = Guid.NewGuid();
        Assert.Equal(id, await Take<Guid>.Sent(engine, id));
        DateTime now = DateTime.Now;
        Assert.Equal((now, now.Kind), (await Take<DateTime>.Sent(engine, now), DateTimeKind.Local));
        Assert.Equal([id], await Take<IEnumerable<Guid>>.Sent(engine, new List<Guid> { id }));
        Assert.Equal([id], (await Take<IEnumerable<Guid>>.Sent(engine, Enumerable.Repeat(id, 2).Skip(1))).ToArray());
        Assert.Equal((1, "a"), await Take<(int, string)>.Sent(engine, (1, "a")));
    }

    [Fact]
    public async Task Types_with_constructors_only_private_members_and_hidden_ones_arrive_whole()
    {
        await using BackrunEngine engine = Engines.New();
        UpdateAudienceData audience = await Take<UpdateAudienceData>.Sent(engine, new UpdateAudienceData(null, "s", Guid.Empty, true));
        Assert.Equal(("s", Guid.Empty, true), (audience.SchemaName, audience.RecordId, audience.IsFirstStep));
        Private got = await Take<Private>.Sent(engine, Private.Make(4, "inside"));
        Assert.Equal("4 inside", got.Tell());
        HiddenFormData hidden = await Take<HiddenFormData>.Sent(engine, new HiddenFormData { Id = Guid.Empty, Value = new Part(1, "p") });
        Assert.Equal((Guid.Empty, "p"), (hidden.Id, Assert.IsType<Part>(hidden.Value).Name));
        Assert.Equal("r", (await Take<Recorded>.Sent(engine, new Recorded("r", [1]))).Name);
        Assert.Equal("s", (await Take<Structure>.Sent(engine, new Structure("s"))).Name);
    }

    [Fact]
    public async Task A_contravariant_task_takes_what_derives_from_its_parameters()
    {
        await using BackrunEngine engine = Engines.New();
        await CreatioTasks.StartNew<TakesAnything, Dictionary<string, object>>(engine, new Dictionary<string, object> { ["a"] = 1L }).Done();
        Assert.Equal(1L, Assert.IsType<Dictionary<string, object>>(TakesAnything.Last)["a"]);
        CreatioTasks.Register<TakesAnything, DerivedPart>(engine, "anything-derived");
        await CreatioTasks.StartNew<TakesAnything, DerivedPart>(engine, new DerivedPart(1, "one", 2.5)).Done();
        Assert.Equal(2.5, Assert.IsType<DerivedPart>(TakesAnything.Last).Weight);
    }

    [Fact]
    public async Task A_user_connection_that_is_not_null_is_refused_at_the_call()
    {
        await using BackrunEngine engine = Engines.New();
        using UserConnection connection = new(Users.Ada);
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(
            () => CreatioTasks.StartNew<Take<UpdateAudienceData>, UpdateAudienceData>(engine, new UpdateAudienceData(connection, "s", Guid.Empty)));
        Assert.Contains("connections never travel", thrown.Message, StringComparison.Ordinal);
        thrown = Assert.Throws<TaskSerializationException>(
            () => CreatioTasks.StartNew<Take<IDictionary>, IDictionary>(engine, new Dictionary<string, object> { ["connection"] = connection }));
        Assert.Contains("connections never travel", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(0, engine.GetStatistics().Accepted);
    }

    [Fact]
    public async Task A_type_that_may_not_be_read_back_is_refused_at_the_call_unless_its_assembly_is_allowed()
    {
        await using BackrunEngine engine = Engines.New();
        Dictionary<string, object> sent = new() { ["foreign"] = new Xunit.Sdk.DisposalTracker() };
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(() => CreatioTasks.StartNew<Take<IDictionary>, IDictionary>(engine, sent));
        Assert.Contains("is not a type that payloads may name", thrown.Message, StringComparison.Ordinal);
        await using BackrunEngine allowing = Engines.New(new BackrunOptions { TypelessAssemblies = { typeof(Microsoft.CodeAnalysis.SyntaxTree).Assembly } });
        Dictionary<string, object> range = new() { ["span"] = new Microsoft.CodeAnalysis.Text.TextSpan(1, 2) };
        Assert.IsType<Microsoft.CodeAnalysis.Text.TextSpan>((await Take<IDictionary>.Sent(allowing, range))["span"]);
        Assert.Throws<TaskSerializationException>(() => CreatioTasks.StartNew<Take<IDictionary>, IDictionary>(engine, range));
    }

    [Fact]
    public async Task Tasks_of_both_front_ends_run_in_one_engine_each_in_its_own_format()
    {
        await using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle ours = engine.StartNew<Contractless, object>(new List<object> { Guid.Empty });
        Assert.IsType<List<object>>(await Take<object>.Sent(engine, new List<object> { Guid.Empty }));
        await ours.Done();
        Assert.IsType<object[]>(Contractless.Last);
    }

    [Fact]
    public async Task A_durable_store_has_them_for_the_next_process()
    {
        string file = System.IO.Path.Combine(System.IO.Directory.CreateTempSubdirectory("backrun-creatio-").FullName, "tasks.db");
        BackgroundTaskId id;
        await using (BackrunEngine first = Engines.New(new BackrunOptions { Store = BackrunStore.Sqlite(file) }))
        {
            first.PauseQueue("default");
            id = CreatioTasks.StartNew<TakesDurably, AbstractPart>(first, new DerivedPart(1, "one", 2.5)).Id;
        }

        await using BackrunEngine next = Engines.New(new BackrunOptions { Store = BackrunStore.Sqlite(file) });
        CreatioTasks.Register<TakesDurably, AbstractPart>(next);
        next.ResumeQueue("default");
        await next.GetHandle(id).Done();
        Assert.Equal(2.5, Assert.IsType<DerivedPart>(TakesDurably.Last).Weight);
    }

    internal interface INumbered
    {
        int Number { get; }
    }

    internal abstract class AbstractPart : INumbered
    {
        public int Number { get; protected set; }
    }

    internal class Part : AbstractPart
    {
        public Part(int number, string name)
        {
            Number = number;
            Name = name;
        }

        public string Name { get; private set; }
    }

    internal sealed class DerivedPart(int number, string name, double weight) : Part(number, name)
    {
        public double Weight { get; private set; } = weight;
    }

    internal sealed class Carrier
    {
        public AbstractPart? Abstract { get; set; }

        public INumbered? Interface { get; set; }

        public object? Anything { get; set; }
    }

    internal sealed class Private
    {
        private readonly string _text;

        private Private(int number, string text) => (Number, _text) = (number, text);

        private Private() => _text = string.Empty;

        private int Number { get; set; }

        internal static Private Make(int number, string text) => new(number, text);

        internal string Tell() => $"{Number} {_text}";
    }

    internal sealed record Recorded(string Name, int[] Numbers);

    internal struct Structure(string name)
    {
        public string Name { get; set; } = name;
    }

    private sealed class TakesAnything : Terrasoft.Core.Tasks.IBackgroundTask<object>
    {
        internal static object? Last { get; private set; }

        public void Run(object parameters) => Last = parameters;
    }

    private sealed class TakesDurably : Terrasoft.Core.Tasks.IBackgroundTask<AbstractPart>
    {
        internal static AbstractPart? Last { get; private set; }

        public void Run(AbstractPart parameters) => Last = parameters;
    }

    private sealed class Contractless : Backrun.IBackgroundTask<object>
    {
        internal static object? Last { get; private set; }

        public void Run(object parameters) => Last = parameters;
    }
}
