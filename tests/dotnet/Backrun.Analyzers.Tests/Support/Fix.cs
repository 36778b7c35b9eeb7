using System;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Testing;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Testing;
using Xunit;

namespace Backrun.Analyzers.Tests.Support;

/// <summary>An analyzer and its fix, by Roslyn's own testing package: a place that is to be warned of stands between <c>{|ID:</c> and <c>|}</c>.</summary>
internal static class Fix<TAnalyzer, TFix>
    where TAnalyzer : DiagnosticAnalyzer, new()
    where TFix : CodeFixProvider, new()
{
    /// <summary>Each fix is made one by one, and then all of them at once.</summary>
    internal static Task Makes(string before, string after, string? key = null, int iterations = 1, string? beside = null, string? besideAfter = null)
    {
        CSharpCodeFixTest<TAnalyzer, TFix, DefaultVerifier> test = Test(before);
        test.FixedCode = With(after);
        test.CodeActionEquivalenceKey = key;
        test.NumberOfIncrementalIterations = iterations;
        test.NumberOfFixAllIterations = Math.Min(1, iterations);
        if (beside is not null)
        {
            test.TestState.Sources.Add(("Beside.cs", With(beside)));
            test.FixedState.Sources.Add(("Beside.cs", With(besideAfter!)));
        }

        return test.RunAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The warnings are there, and nobody knows what to do about them.</summary>
    internal static Task IsNone(string source) => Makes(source, source, iterations: 0);

    private static CSharpCodeFixTest<TAnalyzer, TFix, DefaultVerifier> Test(string before)
    {
        // What this program runs on, and no package: nothing is fetched.
        CSharpCodeFixTest<TAnalyzer, TFix, DefaultVerifier> test = new()
        {
            TestCode = With(before),
            ReferenceAssemblies = new ReferenceAssemblies("net10.0"),
            CompilerDiagnostics = CompilerDiagnostics.Errors,
        };
        test.TestState.AdditionalReferences.AddRange(Analysis.LibrariesOfPrograms);
        test.SolutionTransforms.Add(static (solution, project) => solution
            .WithProjectParseOptions(project, new CSharpParseOptions(LanguageVersion.Latest))
            .WithProjectCompilationOptions(project, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable)));
        return test;
    }

    private static string With(string source) => source.StartsWith("using", StringComparison.Ordinal) ? source : Analysis.Usings + source;
}
