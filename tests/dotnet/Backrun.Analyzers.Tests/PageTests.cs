using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Backrun.Analyzers.Tests.Support;
using Backrun.Tests.Support;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Backrun.Analyzers.Tests;

/// <summary>docs/analyzers.md has every rule, and its examples are what the rules say of them.</summary>
public sealed partial class PageTests
{
    private static readonly string Page = File.ReadAllText(Repository.PathOf("docs/analyzers.md"));

    private static readonly IReadOnlyList<(string Rule, string Word, string Code)> Examples = [.. Read()];

    public static TheoryData<string, string, string> All => [.. Examples.Select(static each => new TheoryDataRow<string, string, string>(each.Rule, each.Word, each.Code))];

    [Theory]
    [MemberData(nameof(All))]
    public async Task An_example_is_what_the_page_says_of_it(string rule, string word, string code)
    {
        ImmutableArray<Diagnostic> told = await Analysis.Of(code, withGenerator: true);
        Assert.Equal(word == "Right" ? [] : [rule], told.Select(static each => each.Id).Distinct());
        Assert.All(told, each => Assert.Equal(word == "Mentioned" ? DiagnosticSeverity.Info : DiagnosticSeverity.Warning, each.Severity));
    }

    [Fact]
    public void Every_rule_has_a_section_with_a_wrong_and_a_right_example_and_its_link_leads_there()
    {
        DiagnosticDescriptor[] rules = [.. Analysis.Analyzers.SelectMany(static each => each.SupportedDiagnostics), Analysis.OfGenerator()];
        Assert.Equal(8, rules.Length);
        foreach (DiagnosticDescriptor rule in rules)
        {
            Assert.EndsWith($"docs/analyzers.md#{rule.Id.ToLowerInvariant()}", rule.HelpLinkUri, StringComparison.Ordinal);
            Assert.Contains($"\n## {rule.Id}\n", Page, StringComparison.Ordinal);
            Assert.Contains($"| [{rule.Id}](#{rule.Id.ToLowerInvariant()}) | {(rule.DefaultSeverity == DiagnosticSeverity.Info ? "suggestion" : "warning")} |", Page, StringComparison.Ordinal);
            Assert.Equal(rule.Id == "BACKRUN104" ? ["Mentioned"] : ["Wrong", "Right"], Examples.Where(each => each.Rule == rule.Id).Select(static each => each.Word));
        }
    }

    private static IEnumerable<(string Rule, string Word, string Code)> Read()
    {
        foreach (Match section in Sections().Matches(Page))
        {
            foreach (Match example in Blocks().Matches(section.Groups["text"].Value))
            {
                yield return (section.Groups["rule"].Value, example.Groups["word"].Value, example.Groups["code"].Value);
            }
        }
    }

    [GeneratedRegex("^## (?<rule>BACKRUN\\d+)\n(?<text>.*?)(?=^## )", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.ExplicitCapture, 60_000)]
    private static partial Regex Sections();

    [GeneratedRegex("^(?<word>\\w+):\n\n```csharp\n(?<code>.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.ExplicitCapture, 60_000)]
    private static partial Regex Blocks();
}
