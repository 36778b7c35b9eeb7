using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;
using Xunit;

namespace Backrun.Tests;

#pragma warning disable BACKRUN102, BACKRUN103, MsgPack003 // Formatters of the application write these, or the engine says why not.

/// <summary>Formatters of the application: <see cref="BackrunOptions.FormatterResolver"/>.</summary>
public sealed class ResolverTests
{
    private static IFormatterResolver OfMoney => CompositeResolver.Create(new MoneyFormatter());

    [Theory]
    [InlineData(PayloadFormat.Contractless)]
    [InlineData(PayloadFormat.Standard)]
    [InlineData(PayloadFormat.Typeless)]
    public async Task A_formatter_of_the_application_writes_and_reads_its_type_wherever_it_stands(PayloadFormat format)
    {
        await using BackrunEngine engine = Engines.New(new BackrunOptions { PayloadFormat = format, FormatterResolver = OfMoney });
        Money sent = Money.Of(12, "EUR");
        await engine.StartNew<Take<Money>, Money>(sent).Done();
        Assert.Equal(sent, Take<Money>.LastIn(engine));
        await engine.StartNew<Take<List<Money?>>, List<Money?>>([sent, null]).Done();
        Assert.Equal([sent, null], Take<List<Money?>>.LastIn(engine));
        await engine.StartNew<Take<Bill>, Bill>(new Bill { Total = sent, Lines = 3 }).Done();
        Assert.Equal((sent, 3), (Take<Bill>.LastIn(engine).Total, Take<Bill>.LastIn(engine).Lines));
    }

    [Fact]
    public async Task The_bytes_are_those_of_MessagePack_CSharp_with_the_same_resolvers()
    {
        await using BackrunEngine engine = Engines.New(new BackrunOptions { FormatterResolver = OfMoney });
        engine.PauseQueue("default");
        Bill bill = new() { Total = Money.Of(12, "EUR"), Lines = 3 };
        BackgroundTaskHandle queued = engine.StartNew<Take<Bill>, Bill>(bill);
        MessagePackSerializerOptions same = MessagePackSerializerOptions.Standard.WithResolver(CompositeResolver.Create(OfMoney, ContractlessStandardResolver.Instance));
        Assert.Equal(MessagePackSerializer.Serialize(bill, same, TestContext.Current.CancellationToken), Raw.PayloadOf(engine, queued.Id));
    }

    [Fact]
    public async Task Results_are_written_and_read_by_it_too()
    {
        await using BackrunEngine engine = Engines.New(new BackrunOptions { FormatterResolver = OfMoney });
        BackgroundTaskHandle handle = engine.Start(static () => BackgroundTaskContext.Current!.SetResult(Money.Of(1, "USD")));
        await handle.Done();
        Assert.Equal(Money.Of(1, "USD"), engine.GetStatus(handle.Id)!.GetResult<Money>());
    }

    [Fact]
    public async Task Each_engine_has_its_own()
    {
        await using BackrunEngine with = Engines.New(new BackrunOptions { FormatterResolver = OfMoney });
        await using BackrunEngine without = Engines.New();
        await using BackrunEngine other = Engines.New(new BackrunOptions { FormatterResolver = CompositeResolver.Create(new CentsFormatter()) });
        Assert.Throws<TaskSerializationException>(() => without.StartNew<Take<Money>, Money>(Money.Of(1, "EUR")));
        foreach (BackrunEngine each in new[] { with, other, with })
        {
            each.PauseQueue("default");
        }

        byte[] text = Raw.PayloadOf(with, with.StartNew<Take<Money>, Money>(Money.Of(1, "EUR")).Id);
        byte[] cents = Raw.PayloadOf(other, other.StartNew<Take<Money>, Money>(Money.Of(1, "EUR")).Id);
        Assert.Equal((byte)0x92, text[0]);
        Assert.Equal([1], cents);
        Assert.Throws<TaskSerializationException>(() => without.StartNew<Take<Money>, Money>(Money.Of(1, "EUR")));
    }

    [Fact]
    public async Task What_it_has_nothing_for_is_written_as_the_format_says()
    {
        Asked asked = new(null);
        await using BackrunEngine engine = Engines.New(new BackrunOptions { FormatterResolver = asked });
        engine.PauseQueue("default");
        BackgroundTaskHandle queued = engine.StartNew<Take<Plain>, Plain>(new Plain { Name = "x" });
        Assert.Equal(MessagePackSerializer.Serialize(new Plain { Name = "x" }, ContractlessStandardResolver.Options, TestContext.Current.CancellationToken), Raw.PayloadOf(engine, queued.Id));
        Assert.Equal([typeof(Plain), typeof(string)], asked.Types.Order(Comparer<Type>.Create(static (x, y) => string.CompareOrdinal(x.Name, y.Name))));
    }

    [Fact]
    public async Task It_is_asked_once_for_a_type_however_many_tasks_there_are()
    {
        Asked asked = new(OfMoney);
        await using BackrunEngine engine = Engines.New(new BackrunOptions { FormatterResolver = asked });
        for (int count = 0; count < 3; count++)
        {
            await engine.StartNew<Take<Bill>, Bill>(new Bill { Total = Money.Of(count, "EUR") }).Done();
            await engine.StartNew<Take<Money>, Money>(Money.Of(count, "EUR")).Done();
        }

        Assert.Equal(1, asked.Types.Count(static type => type == typeof(Money)));
    }

    [Fact]
    public async Task What_it_throws_fails_the_start_and_the_next_one_asks_again()
    {
        Asked asked = new(OfMoney) { Fails = true };
        await using BackrunEngine engine = Engines.New(new BackrunOptions { FormatterResolver = asked });
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<Money>, Money>(Money.Of(1, "EUR")));
        Assert.Contains("no formatter today", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(0, engine.GetStatistics().Accepted);
        asked.Fails = false;
        await engine.StartNew<Take<Money>, Money>(Money.Of(1, "EUR")).Done();
    }

    [Fact]
    public async Task A_user_connection_stays_refused_whoever_has_a_formatter_for_it()
    {
        await using BackrunEngine engine = Engines.New(new BackrunOptions { FormatterResolver = CompositeResolver.Create(new ConnectionFormatter()) });
        using UserConnection connection = new(Users.Ada);
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(() => engine.StartNew<Take<UserConnection>, UserConnection>(connection));
        Assert.Contains("connections never travel", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Starts_of_many_threads_at_once_all_find_it()
    {
        await using BackrunEngine engine = Engines.New(new BackrunOptions { FormatterResolver = OfMoney });
        await Task.WhenAll(Enumerable.Range(0, 64).Select(number => Task.Run(() => engine.StartNew<Take<Bill>, Bill>(new Bill { Total = Money.Of(number, "EUR") }).Done())));
        Assert.Equal(64, engine.GetStatistics().Succeeded);
    }

    /// <summary>Nothing that a format could write: its constructor is hidden, and so are its values.</summary>
    public sealed record Money
    {
        private readonly (long Amount, string Currency) _value;

        private Money(long amount, string currency) => _value = (amount, currency);

        internal static Money Of(long amount, string currency) => new(amount, currency);

        internal long GetAmount() => _value.Amount;

        internal string GetCurrency() => _value.Currency;
    }

    [MessagePackObject(keyAsPropertyName: true)]
    public sealed class Bill
    {
        public Money? Total { get; set; }

        public int Lines { get; set; }
    }

    public sealed class Plain
    {
        public string? Name { get; set; }
    }

    private sealed class MoneyFormatter : IMessagePackFormatter<Money?>
    {
        public void Serialize(ref MessagePackWriter writer, Money? value, MessagePackSerializerOptions options)
        {
            if (value is null)
            {
                writer.WriteNil();
                return;
            }

            writer.WriteArrayHeader(2);
            writer.Write(value.GetAmount());
            writer.Write(value.GetCurrency());
        }

        public Money? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            if (reader.TryReadNil())
            {
                return null;
            }

            reader.ReadArrayHeader();
            return Money.Of(reader.ReadInt64(), reader.ReadString()!);
        }
    }

    private sealed class CentsFormatter : IMessagePackFormatter<Money?>
    {
        public void Serialize(ref MessagePackWriter writer, Money? value, MessagePackSerializerOptions options) => writer.Write(value!.GetAmount());

        public Money? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) => Money.Of(reader.ReadInt64(), "EUR");
    }

    private sealed class ConnectionFormatter : IMessagePackFormatter<UserConnection?>
    {
        public void Serialize(ref MessagePackWriter writer, UserConnection? value, MessagePackSerializerOptions options) => writer.WriteNil();

        public UserConnection? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            reader.ReadNil();
            return null;
        }
    }

    private sealed class Asked(IFormatterResolver? inner) : IFormatterResolver
    {
        private readonly List<Type> _types = [];
        private readonly object _gate = new();

        internal bool Fails { get; set; }

        internal IReadOnlyList<Type> Types
        {
            get
            {
                lock (_gate)
                {
                    return [.. _types];
                }
            }
        }

        public IMessagePackFormatter<T>? GetFormatter<T>()
        {
            if (Fails)
            {
                throw new InvalidOperationException("no formatter today");
            }

            lock (_gate)
            {
                _types.Add(typeof(T));
            }

            return inner?.GetFormatter<T>();
        }
    }
}
