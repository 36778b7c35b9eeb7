using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Generators;
using Backrun.Hosting.Tests.Support;
using Backrun.Tests.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Backrun.Hosting.Tests;

/// <summary>Classes with [BackgroundTask] are registered by code that the compiler is given, and nobody looks for them when the program runs.</summary>
public sealed class GeneratorTests
{
    private const string Usings = "using System.Collections.Generic; using System.Threading; using System.Threading.Tasks; using Backrun;\n";

    [Fact]
    public async Task A_host_runs_every_class_of_the_assembly_that_has_the_attribute()
    {
        await using TestHost host = await TestHost.Start(static builder =>
        {
            builder.Services.AddBackrun(static o => o.Store = BackrunStore.Memory);
            builder.Services.AddBackrunTasks();
            builder.Services.AddBackrun("reports", static o => o.Store = BackrunStore.Memory).AddTasks();
        });
        await RunsAll(host.Engine);
        await RunsAll(host.Host.Services.GetRequiredKeyedService<BackrunEngine>("reports"));
    }

    [Fact]
    public async Task An_engine_without_a_host_registers_them_in_one_call()
    {
        await using BackrunEngine engine = new();
        BackrunGenerated.RegisterAll(engine);
        await RunsAll(engine);
    }

    [Fact]
    public async Task A_class_that_was_registered_with_options_before_keeps_them()
    {
        await using BackrunEngine engine = new();
        engine.ConfigureQueue("mail", new QueueOptions());
        engine.Register<AddsOne, int>(options: new TaskOptions { Queue = "mail" });
        BackrunGenerated.RegisterAll(engine);
        BackgroundTaskHandle handle = engine.StartNew<AddsOne, int>(1);
        await handle.Done();
        Assert.Equal("mail", engine.GetStatus(handle.Id)!.Queue);
    }

    [Theory]
    [InlineData("[BackgroundTask(\"a\")] public abstract class A : IBackgroundTask<int> { public abstract void Run(int parameters); }", "'A' is not registered by the generated code: it is abstract")]
    [InlineData("[BackgroundTask(\"a\")] public class A<T> : IBackgroundTask<T> { public void Run(T parameters) { } }", "it is generic")]
    [InlineData("public class O<T> { [BackgroundTask(\"a\")] public class A : IBackgroundTask<int> { public void Run(int parameters) { } } }", "it is generic")]
    [InlineData("public class O { [BackgroundTask(\"a\")] private class A : IBackgroundTask<int> { public void Run(int parameters) { } } }", "generated code cannot see it")]
    [InlineData("[BackgroundTask(\"a\")] file class A : IBackgroundTask<int> { public void Run(int parameters) { } }", "generated code cannot see it")]
    [InlineData("public class O { private class P { } [BackgroundTask(\"a\")] internal class A : IBackgroundTask<P> { void IBackgroundTask<P>.Run(P parameters) { } } }", "generated code cannot see its parameters' class")]
    [InlineData("[BackgroundTask(\"a\")] public class A { }", "it implements neither IBackgroundTask<T> nor IAsyncBackgroundTask<T>")]
    [InlineData("[BackgroundTask(\"a\")] public class A : IBackgroundTask<int>, IBackgroundTask<string> { public void Run(int parameters) { } public void Run(string parameters) { } }", "it runs tasks in more than one way")]
    public void A_class_that_cannot_be_registered_is_a_warning_with_what_to_do(string source, string message)
    {
        (string? code, ImmutableArray<Diagnostic> told) = Generate(source);
        Diagnostic warning = Assert.Single(told);
        Assert.Equal(("BACKRUN101", DiagnosticSeverity.Warning), (warning.Id, warning.Severity));
        Assert.Contains(message, warning.GetMessage(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Equal("A", source.Substring(warning.Location.SourceSpan.Start - Usings.Length, 1));
        Assert.Null(code);
    }

    [Fact]
    public void Classes_are_registered_in_the_order_of_their_names_with_their_parameters_types_in_full()
    {
        (string? code, ImmutableArray<Diagnostic> told) = Generate(
            """
            namespace Shop { [BackgroundTask("b")] public record B : IBackgroundTask<List<int?>> { public void Run(List<int?> parameters) { } } }
            namespace Shop { [BackgroundTask("a")] internal partial class A { } internal partial class A : IAsyncBackgroundTask<(int X, string?[] Y)> {
                public Task RunAsync((int X, string?[] Y) parameters, BackgroundTaskContext context, CancellationToken cancellationToken) => Task.CompletedTask; } }
            namespace Shop { public class None : IBackgroundTask<int> { public void Run(int parameters) { } } }
            """);
        Assert.Empty(told);
        string[] calls = code!.Split('\n').Select(static line => line.Trim()).Where(static line => line.StartsWith("engine.Register", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, calls.Length);
        Assert.StartsWith("engine.Register<global::Shop.A, (int X, string", calls[0], StringComparison.Ordinal);
        Assert.Equal("engine.Register<global::Shop.B, global::System.Collections.Generic.List<int?>>();", calls[1]);
    }

    [Fact]
    public void A_program_without_such_classes_is_given_no_code() => Assert.Null(Generate("public class A { }").Code);

    [Fact]
    public void A_library_without_a_host_is_given_no_code_for_one()
    {
        string code = Generate("[BackgroundTask(\"a\")] public class A : IBackgroundTask<int> { public void Run(int parameters) { } }", withHosting: false).Code!;
        Assert.Contains("RegisterAll", code, StringComparison.Ordinal);
        Assert.DoesNotContain("Microsoft.Extensions", code, StringComparison.Ordinal);
    }

    private static async Task RunsAll(BackrunEngine engine)
    {
        BackgroundTaskHandle sync = engine.StartByName("generated-sync", 20);
        BackgroundTaskHandle later = engine.StartByName("generated-async", "text");
        await Task.WhenAll(sync.Done(), later.Done());
        Assert.Equal(21, engine.GetStatus(sync.Id)!.GetResult<int>());
        Assert.Equal("text!", engine.GetStatus(later.Id)!.GetResult<string>());
    }

    /// <summary>What the generator makes of a source, which compiles with it.</summary>
    private static (string? Code, ImmutableArray<Diagnostic> Told) Generate(string source, bool withHosting = true)
    {
        CSharpParseOptions options = new(LanguageVersion.Latest);
        IEnumerable<string> libraries = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Program",
            [CSharpSyntaxTree.ParseText(Usings + source, options, "Program.cs")],
            libraries.Where(path => withHosting || !path.EndsWith("Backrun.Hosting.dll", StringComparison.Ordinal)).Select(static path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        GeneratorDriver driver = CSharpGeneratorDriver.Create([new RegistrationGenerator().AsSourceGenerator()], parseOptions: options)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation after, out _);
        Assert.Empty(after.GetDiagnostics().Where(static each => each.Severity == DiagnosticSeverity.Error));
        GeneratorRunResult result = driver.GetRunResult().Results.Single();
        Assert.Null(result.Exception);
        return (result.GeneratedSources.SingleOrDefault().SourceText?.ToString(), result.Diagnostics);
    }

    [BackgroundTask("generated-sync")]
    internal sealed class AddsOne : IBackgroundTask<int>
    {
        public void Run(int parameters) => BackgroundTaskContext.Current!.SetResult(parameters + 1);
    }

    [BackgroundTask("generated-async")]
    internal sealed class Shouts : IAsyncBackgroundTask<string>
    {
        public async Task RunAsync(string parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
        {
            await Task.Yield();
            context.SetResult($"{parameters}!");
        }
    }
}
