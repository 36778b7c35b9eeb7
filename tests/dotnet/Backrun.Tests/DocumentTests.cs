using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Backrun.Tests.Support;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Backrun.Tests;

/// <summary>What the documentation shows is what compiles.</summary>
public sealed class DocumentTests
{
    private const string Beginning = """
        using System;
        using System.IO;
        using System.Net;
        using System.Net.Http;
        using System.Threading;
        using System.Threading.Tasks;
        using Backrun;
        using MessagePack;
        using MessagePack.Formatters;
        using MessagePack.Resolvers;

        using var engine = new BackrunEngine();
        """;

    [Theory]
    [InlineData("docs/csharp.md", 8)]
    [InlineData("docs/coming-from-hangfire.md", 2)]
    [InlineData("docs/coming-from-a-channel.md", 2)]
    public void Every_example_of_a_page_for_CSharp_compiles(string path, int count)
    {
        string page = File.ReadAllText(Repository.PathOf(path));
        string[] examples = Regex.Matches(page, "^```csharp\n(.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.ExplicitCapture, Patience.Long)
            .Select(static match => match.Value.Split('\n')[1..^1])
            .Select(static lines => string.Join('\n', lines))
            .ToArray();
        Assert.Equal(count, examples.Length);
        foreach (string example in examples)
        {
            IEnumerable<Diagnostic> errors = Compiler.Compile($"{Beginning}\n{example}", OutputKind.ConsoleApplication).GetDiagnostics(TestContext.Current.CancellationToken)
                .Where(static each => each.Severity == DiagnosticSeverity.Error);
            Assert.True(!errors.Any(), $"{string.Join('\n', errors)}\n{example}");
        }
    }
}
