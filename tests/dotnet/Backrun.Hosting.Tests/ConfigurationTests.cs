using System;
using System.Collections.Concurrent;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Backrun.Hosting.Tests.Support;
using Backrun.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace Backrun.Hosting.Tests;

/// <summary>Options in a configuration: each is read, and what does not fit keeps the host from starting, with key, value and what would fit.</summary>
public sealed class ConfigurationTests
{
    private const string Everything = """
        { "Backrun": {
            "Store": { "Sqlite": "data/tasks.db" }, "Durability": "buffered", "OwnerWait": "00:00:05", "Workers": 2, "MaxWorkers": "8", "PayloadFormat": "Standard", "VerifyRoundTrip": true,
            "KeepFinished": 100, "KeepDead": 0, "KeepFor": "7.00:00:00", "MaxCrashes": 5, "WorkerStackBytes": 2097152, "ObserverCapacity": 1000, "LogScopes": false, "Shutdown": "Drain", "ShutdownTimeout": "00:00:10",
            "UseAsDefault": false,
            "Queues": { "mail": { "Workers": 1, "ConcurrencyLimit": 3, "Capacity": 1000, "CapacityBytes": 65536, "WhenFull": "Wait", "WhenFullTimeout": "00:00:01", "StallThreshold": "00:00:00.5", "AgeingStep": "00:01:00" } } } }
        """;

    [Fact]
    public async Task Every_option_is_read_and_a_relative_path_is_under_the_content_root()
    {
        await using TestHost host = TestHost.Build(Add, Everything);
        BackrunHostOptions options = Options(host);
        Assert.Equal($"Sqlite({Path.Combine(host.Folder, "data", "tasks.db")})", options.Store.ToString());
        Assert.Equal((Durability.Buffered, TimeSpan.FromSeconds(5), 2, 8), (options.Durability, options.OwnerWait, options.Workers, options.MaxWorkers));
        Assert.Equal((PayloadFormat.Standard, true, 100, 0, TimeSpan.FromDays(7)), (options.PayloadFormat, options.VerifyRoundTrip, options.KeepFinished, options.KeepDead, options.KeepFor));
        Assert.Equal(5, options.MaxCrashes);
        Assert.Equal((2_097_152, 1000, false, ShutdownMode.Drain, TimeSpan.FromSeconds(10)), (options.WorkerStackBytes, options.ObserverCapacity, options.LogScopes, options.Shutdown, options.ShutdownTimeout));
        QueueOptions expected = new()
        {
            Workers = 1,
            ConcurrencyLimit = 3,
            Capacity = 1000,
            CapacityBytes = 65536,
            WhenFull = WhenFull.Wait,
            WhenFullTimeout = TimeSpan.FromSeconds(1),
            StallThreshold = TimeSpan.FromMilliseconds(500),
            AgeingStep = TimeSpan.FromMinutes(1),
        };
        Assert.Equal(expected, Assert.Single(options.Queues, static each => each.Key == "mail").Value);
    }

    [Fact]
    public async Task Every_option_that_code_can_set_by_a_value_can_stand_in_a_configuration()
    {
        await using TestHost host = TestHost.Build(Add, """{ "Backrun": { "Nothing": 1, "Queues": { "mail": { "Nothing": 1 } } } }""");
        string message = Assert.Throws<OptionsValidationException>(() => Options(host)).Message;
        Assert.All(
            typeof(BackrunHostOptions).GetProperties().Concat(typeof(QueueOptions).GetProperties()).Where(static each => each.PropertyType.IsValueType).Select(static each => each.Name).Append("Store").Append("Queues"),
            name => Assert.Contains(name, message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_typeless_payloads_may_name_is_read_from_a_configuration()
    {
        await using TestHost host = TestHost.Build(Add, """
            {
              "Backrun": {
                "Store": "Memory", "PayloadFormat": "Typeless",
                "TypelessAssemblies": ["Backrun.Hosting.Tests"],
                "TypelessTypes": ["System.Net.Cookie, System.Net.Primitives", "System.Collections.Concurrent.ConcurrentBag`1, System.Collections.Concurrent"]
              }
            }
            """);
        Assert.Equal([typeof(ConfigurationTests).Assembly], Options(host).TypelessAssemblies);
        Assert.Equal([typeof(Cookie), typeof(ConcurrentBag<>)], Options(host).TypelessTypes.OrderBy(static type => type.IsGenericType));
    }

    [Theory]
    [InlineData("\"TypelessAssemblies\": \"Shop.Orders\"", "TypelessAssemblies is 'Shop.Orders'; it has to be a list of names of assemblies.")]
    [InlineData("\"TypelessAssemblies\": [\"Shop.Orders\"]", "TypelessAssemblies:0 is 'Shop.Orders', which is not found")]
    [InlineData("\"TypelessAssemblies\": [\"\"]", "TypelessAssemblies:0 is '', which is not found")]
    [InlineData("\"TypelessTypes\": [\"Shop.Orders.Order\"]", "TypelessTypes:0 is 'Shop.Orders.Order', which is not found")]
    [InlineData("\"TypelessTypes\": [\"Shop.Orders.Order, Shop, =\"]", "TypelessTypes:0 is 'Shop.Orders.Order, Shop, =', which is not found")]
    public async Task What_is_not_there_for_typeless_payloads_is_an_error_when_the_host_starts(string setting, string problem)
    {
        await using TestHost host = TestHost.Build(Add, $"{{ \"Backrun\": {{ \"Store\": \"Memory\", {setting} }} }}");
        Assert.Contains(problem, (await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync(TestContext.Current.CancellationToken))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_starts_with_a_file_that_a_configuration_names()
    {
        await using TestHost host = await TestHost.Start(Add, """{ "Backrun": { "Store": { "Sqlite": "tasks.db" }, "Queues": { "default": { "Workers": 1 } } } }""");
        await host.Tasks.StartNew<Act, int>(Acts.Add(static () => { })).Done();
        Assert.True(File.Exists(Path.Combine(host.Folder, "tasks.db")));
    }

    [Fact]
    public async Task What_code_sets_goes_before_the_configuration()
    {
        await using TestHost host = TestHost.Build(
            static builder => builder.Services.AddBackrun(builder.Configuration.GetSection("Backrun"), static o => o.Workers = 3), """{ "Backrun": { "Store": "memory", "Workers": 5, "MaxWorkers": null, "KeepDead": "" } }""");
        Assert.Equal((3, null, null, BackrunStore.Memory), (Options(host).Workers, Options(host).MaxWorkers, Options(host).KeepDead, Options(host).Store));
    }

    [Fact]
    public async Task A_configuration_without_the_section_says_that_no_store_is_chosen()
    {
        await using TestHost host = TestHost.Build(Add);
        Assert.StartsWith("No store is chosen", Assert.Throws<OptionsValidationException>(() => Options(host)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_of_a_configuration_encrypt_and_no_message_has_a_secret()
    {
        byte[] secret = Enumerable.Range(1, 32).Select(static each => (byte)each).ToArray();
        string text = Convert.ToBase64String(secret);
        string json = $$"""{ "Backrun": { "Store": { "Sqlite": "tasks.db" }, "Encryption": { "Required": true, "Keys": [{ "Id": "2027", "Secret": "{{text}}" }] } } }""";
        await using TestHost host = await TestHost.Start(Add, json);
        EncryptionOptions encryption = Options(host).Encryption!;
        Assert.True(encryption.Required);
        Assert.Equal(("2027", text), (Assert.Single(encryption.Keys).Id, Convert.ToBase64String(encryption.Keys[0].Secret)));
        await host.Tasks.StartNew<Act, int>(Acts.Add(static () => { })).Done();
        await using TestHost wrong = TestHost.Build(Add, json.Replace(text, text[1..], StringComparison.Ordinal).Replace("Required", "Requires", StringComparison.Ordinal));
        string message = Assert.Throws<OptionsValidationException>(() => Options(wrong)).Message;
        Assert.Contains("Backrun:Encryption:Keys:0 is no key; give it { \"Id\": \"<a name>\", \"Secret\": \"<32 random bytes in Base64>\" }", message, StringComparison.Ordinal);
        Assert.Contains("Backrun:Encryption:Requires is no option of Encryption; there are Keys, Required", message, StringComparison.Ordinal);
        Assert.DoesNotContain(text[1..], message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_whole_configuration_in_place_of_a_section_is_refused_with_what_to_pass()
    {
        await using TestHost host = TestHost.Build(static builder => builder.Services.AddBackrun(builder.Configuration), Everything);
        Assert.Contains("Pass the section with the options, such as GetSection(\"Backrun\")", Assert.Throws<OptionsValidationException>(() => Options(host)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"Wokers\": 1", "Backrun:Wokers is no option of Backrun; there are Durability, Encryption, KeepDead")]
    [InlineData("\"Workers\": \"many\"", "Backrun:Workers is 'many'; give it a whole number")]
    [InlineData("\"Workers\": 0", "Backrun:Workers is 0; give it 1 to 64 threads")]
    [InlineData("\"MaxWorkers\": 5000", "Backrun:MaxWorkers is 5000; give it 1 to 4096")]
    [InlineData("\"maxworkers\": 5000", "Backrun:maxworkers is 5000; give it 1 to 4096")]
    [InlineData("\"Workers\": { \"Least\": 1 }", "Backrun:Workers is a section; give it a whole number")]
    [InlineData("\"VerifyRoundTrip\": \"yes\"", "Backrun:VerifyRoundTrip is 'yes'; give it true or false")]
    [InlineData("\"KeepFor\": 30", "Backrun:KeepFor is '30'; give it a time as hh:mm:ss or d.hh:mm:ss")]
    [InlineData("\"KeepFor\": \"00:00:00\"", "Backrun:KeepFor is 00:00:00; give it a time longer than zero")]
    [InlineData("\"ShutdownTimeout\": \"-00:00:01\"", "Backrun:ShutdownTimeout is -00:00:01; give it a time longer than zero")]
    [InlineData("\"Durability\": \"Safe\"", "Backrun:Durability is 'Safe'; give it one of Committed, Buffered")]
    [InlineData("\"Durability\": 1", "Backrun:Durability is '1'; give it one of Committed, Buffered")]
    [InlineData("\"PayloadFormat\": \"Json\"", "Backrun:PayloadFormat is 'Json'; give it one of Contractless, Standard")]
    [InlineData("\"Queues\": \"mail\"", "Backrun:Queues is 'mail'; it has to be a section")]
    [InlineData("\"Queues\": { \"mail\": { \"Speed\": 1 } }", "Backrun:Queues:mail:Speed is no option of a queue; there are AgeingStep, Capacity")]
    [InlineData("\"Queues\": { \"mail\": { \"Capacity\": 0 } }", "Backrun:Queues:mail:Capacity is 0; give it 1 to")]
    [InlineData("\"Queues\": { \"mail\": { \"WhenFull\": \"Panic\" } }", "Backrun:Queues:mail:WhenFull is 'Panic'; give it one of Refuse, Wait, DropOldest")]
    public async Task A_wrong_value_is_named_with_its_key_and_what_would_fit(string wrong, string message)
    {
        await using TestHost host = TestHost.Build(Add, $$"""{ "Backrun": { "Store": "Memory", {{wrong}} } }""");
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync());
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Parameter", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"Disk\"", "Backrun:Store is 'Disk'; give it \"Memory\", or { \"Sqlite\": \"<path of a file>\" }")]
    [InlineData("{ \"Postgres\": \"password=secret\" }", "Backrun:Store has the keys Postgres; give it")]
    [InlineData("{ \"Sqlite\": \"\" }", "Backrun:Store has the keys Sqlite; give it")]
    [InlineData("{ \"Sqlite\": \"a\", \"Memory\": true }", "Backrun:Store has the keys Memory, Sqlite; give it")]
    public async Task A_wrong_store_is_named_without_what_may_be_secret(string store, string message)
    {
        await using TestHost host = TestHost.Build(Add, $$"""{ "Backrun": { "Store": {{store}} } }""");
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync());
        Assert.StartsWith(message, Assert.Single(thrown.Failures), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", thrown.Message, StringComparison.Ordinal);
    }

    private static void Add(Microsoft.Extensions.Hosting.IHostApplicationBuilder builder) => builder.Services.AddBackrun(builder.Configuration.GetSection("Backrun"));

    private static BackrunHostOptions Options(TestHost host) => host.Host.Services.GetRequiredService<IOptionsMonitor<BackrunHostOptions>>().CurrentValue;
}
