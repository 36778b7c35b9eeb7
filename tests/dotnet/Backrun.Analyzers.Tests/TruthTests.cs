using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Analyzers.Tests.Support;
using Backrun.Analyzers.Tests.Truth;
using Backrun.Tests.Support;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Backrun.Analyzers.Tests;

/// <summary>What the analyzer says of parameters is what an engine says of them when a task is started.</summary>
public sealed class TruthTests
{
    private static readonly SyntaxTree[] Sources =
        [.. new[] { "Shapes.cs", "Sample.cs" }.Select(static name => Analysis.Parse(File.ReadAllText(Repository.PathOf("tests/dotnet/Backrun.Analyzers.Tests/Truth", name)), name))];

    private static readonly Task<ILookup<string, string>> OfContractless = Ask("contractless");
    private static readonly Task<ILookup<string, string>> OfTypeless = Ask("typeless");
    private static readonly Task<ILookup<string, string>> OfStandard = Ask("standard");

    public static TheoryData<string> Names => [.. Samples.Contractless.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_analyzer_says_of_a_type_what_an_engine_says_of_its_value(string name)
    {
        Sample one = Samples.Contractless[name];
        await using BackrunEngine engine = new();
        string? refusal = await one.Travel(engine);
        string[] said = [.. (await OfContractless)[name]];
        bool asEngine = one.Verdict switch
        {
            Verdict.Travels => refusal is null,
            Verdict.Refused => refusal is not null,
            _ => true,
        };
        Assert.True(
            asEngine && (one.Verdict == Verdict.Refused) == said.Length > 0,
            $"{name} is to be: {one.Verdict}\nthe engine: {refusal ?? "ran it"}\nthe analyzer: {string.Join('\n', said)}");
    }

    /// <summary>Typeless engines take more; what the analyzer still warns of, they refuse.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public Task The_analyzer_does_not_warn_of_what_a_typeless_engine_takes(string name) => WarnsOfNothingThatTravels(name, PayloadFormat.Typeless, OfTypeless);

    [Theory]
    [MemberData(nameof(Names))]
    public Task The_analyzer_does_not_warn_of_what_an_engine_takes_that_asks_for_attributes(string name) => WarnsOfNothingThatTravels(name, PayloadFormat.Standard, OfStandard);

    private static async Task WarnsOfNothingThatTravels(string name, PayloadFormat format, Task<ILookup<string, string>> told)
    {
        await using BackrunEngine engine = new(new BackrunOptions { PayloadFormat = format });
        string? refusal = await Samples.Contractless[name].Travel(engine);
        string[] said = [.. (await told)[name]];
        Assert.True(said.Length == 0 || refusal is not null, $"{name}\nthe engine: {refusal ?? "ran it"}\nthe analyzer: {string.Join('\n', said)}");
    }

    /// <summary>What the analyzer says of all samples, by their names: each is started on a line of its own of one program.</summary>
    private static async Task<ILookup<string, string>> Ask(string format)
    {
        string[] names = [.. Samples.Contractless.Keys];
        string calls = string.Join('\n', names.Select(static name => $"engine.StartNew<Backrun.Analyzers.Tests.Truth.Probe<{name}>, {name}>(default!);"));
        ImmutableArray<Diagnostic> told = await Analysis.Of($"class Program {{ void Start(BackrunEngine engine) {{\n{calls}\n}} }}", new Dictionary<string, string> { ["backrun_payload_format"] = format }, beside: Sources);
        return told.ToLookup(each => names[each.Location.GetLineSpan().StartLinePosition.Line - 8], static each => each.ToString());
    }
}
