using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Generators;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Xunit;

namespace Backrun.Analyzers.Tests.Support;

/// <summary>What all analyzers say of a source.</summary>
internal static class Analysis
{
    private static readonly CSharpParseOptions Options = new(LanguageVersion.Latest);

    internal const string Usings = """
        using System;
        using System.Collections.Generic;
        using System.IO;
        using System.Threading;
        using System.Threading.Tasks;
        using Backrun;
        using MessagePack;

        """;

    /// <summary>Everything that this program is made of.</summary>
    internal static ImmutableArray<MetadataReference> Libraries { get; } =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(static path => MetadataReference.CreateFromFile(path))];

    /// <summary>Without what only tests have.</summary>
    internal static ImmutableArray<MetadataReference> LibrariesOfPrograms { get; } = [.. Libraries.Where(static each => !IsOfTests(each))];

    internal static ImmutableArray<DiagnosticAnalyzer> Analyzers { get; } =
        [new ParametersAnalyzer(), new ConnectionCallAnalyzer(), new EndlessLoopAnalyzer(), new SameNameAnalyzer(), new MakeableAnalyzer()];

    /// <summary>The rule of the generator, which tells it by what it says of a class.</summary>
    internal static DiagnosticDescriptor OfGenerator() => OfGenerator(CSharpCompilation.Create(
        "Program", [Parse("[Backrun.BackgroundTask(\"a\")] public class A { }", "Program.cs")], LibrariesOfPrograms)).Single().Descriptor;

    private static ImmutableArray<Diagnostic> OfGenerator(CSharpCompilation compilation) =>
        CSharpGeneratorDriver.Create([new RegistrationGenerator().AsSourceGenerator()], parseOptions: Options).RunGenerators(compilation, TestContext.Current.CancellationToken).GetRunResult().Diagnostics;

    internal static async Task<ImmutableArray<Diagnostic>> Of(string source, IReadOnlyDictionary<string, string>? settings = null, bool withGenerator = false, params SyntaxTree[] beside)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Program" + Guid.NewGuid().ToString("N"),
            [Parse(Usings + source, "Program.cs"), .. beside],
            LibrariesOfPrograms,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable).WithMetadataImportOptions(MetadataImportOptions.Public));
        Diagnostic[] errors = [.. compilation.GetDiagnostics(cancellationToken).Where(static each => each.Severity == DiagnosticSeverity.Error)];
        Assert.True(errors.Length == 0, $"{string.Join('\n', errors.AsEnumerable())}\n{source}");
        CompilationWithAnalyzers with = compilation.WithAnalyzers(
            Analyzers,
            new CompilationWithAnalyzersOptions(
                new AnalyzerOptions([], new Settings(settings ?? ImmutableDictionary<string, string>.Empty)),
                static (exception, analyzer, _) => throw new InvalidOperationException($"{analyzer} has thrown.", exception),
                concurrentAnalysis: true,
                logAnalyzerExecutionTime: false));
        ImmutableArray<Diagnostic> told = await with.GetAnalyzerDiagnosticsAsync(cancellationToken);
        return [.. told.Concat(withGenerator ? OfGenerator(compilation) : []).OrderBy(static each => each.Location.SourceSpan.Start)];
    }

    internal static SyntaxTree Parse(string source, string path) => CSharpSyntaxTree.ParseText(source, Options, path);

    // A program is no test, for the rule that leaves tests alone.
    private static bool IsOfTests(MetadataReference reference)
    {
        string name = Path.GetFileName(reference.Display)!;
        return name.StartsWith("xunit", StringComparison.Ordinal) || name == "Backrun.Analyzers.Tests.dll";
    }

    private sealed class Settings(IReadOnlyDictionary<string, string> values) : AnalyzerConfigOptionsProvider
    {
        public override AnalyzerConfigOptions GlobalOptions => new Values(values);

        public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => new Values(values);

        public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) => new Values(values);

        private sealed class Values(IReadOnlyDictionary<string, string> values) : AnalyzerConfigOptions
        {
            public override bool TryGetValue(string key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? value) => values.TryGetValue(key, out value);
        }
    }
}
