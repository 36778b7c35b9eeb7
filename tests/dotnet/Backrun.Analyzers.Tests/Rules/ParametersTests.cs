using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Analyzers.Tests.Support;
using Backrun.CodeFixes;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Backrun.Analyzers.Tests.Rules;

/// <summary>BACKRUN102: where it stands, what it says, and what is done about it. What is warned of is a matter of <see cref="TruthTests"/>.</summary>
public sealed class ParametersTests
{
    private const string Imports = """
        public class ImportArgs { public Source? Source { get; set; } }
        public class Source { public Stream? Stream { get; set; } public List<Action>? Done { get; set; } }

        """;

    [Fact]
    public async Task The_warning_stands_where_the_class_names_its_parameters_and_has_the_path_to_each_member()
    {
        ImmutableArray<Diagnostic> told = await Analysis.Of(Imports + "public class Import : IBackgroundTask<ImportArgs> { public void Run(ImportArgs parameters) { } }");
        Assert.Equal(2, told.Length);
        Assert.All(told, static each => Assert.Equal(("BACKRUN102", DiagnosticSeverity.Warning), (each.Id, each.Severity)));
        Assert.All(told, static each => Assert.Equal("ImportArgs", each.Location.SourceTree!.ToString().Substring(each.Location.SourceSpan.Start, each.Location.SourceSpan.Length)));
        string[] messages = [.. told.Select(static each => each.GetMessage(CultureInfo.InvariantCulture)).Order()];
        Assert.Equal("The parameters of 'Import' cannot be serialised: 'ImportArgs.Source.Done[]' is a delegate, which is code and no data", messages[0]);
        Assert.StartsWith("The parameters of 'Import' cannot be serialised: 'ImportArgs.Source.Stream' is a stream", messages[1]);
    }

    [Theory]
    [InlineData("void M(BackrunEngine x) => x.StartNew<Run<ImportArgs>, ImportArgs>(new());")]
    [InlineData("void M(BackrunEngine x) => x.SubmitAsync<Run<ImportArgs>, ImportArgs>(new());")]
    [InlineData("void M(BackrunEngine x) => x.SubmitMany<Run<ImportArgs>, ImportArgs>([]);")]
    [InlineData("void M(BackrunEngine x) => x.Register<Run<ImportArgs>, ImportArgs>();")]
    [InlineData("void M(IBackgroundTasks x) => x.StartNew<Run<ImportArgs>, ImportArgs>(new());")]
    [InlineData("void M() => BackgroundTasks.StartNew<Run<ImportArgs>, ImportArgs>(new());")]
    [InlineData("void M(Backrun.Testing.TestEngine x) => x.StartNew<Run<ImportArgs>, ImportArgs>(new());")]
    [InlineData("void M(Backrun.Hosting.BackrunBuilder x) => x.AddTask<Run<ImportArgs>, ImportArgs>();")]
    [InlineData("void M(Backrun.Hosting.BackrunHostOptions x) => x.Register<Run<ImportArgs>, ImportArgs>();")]
    [InlineData("void M(Microsoft.Extensions.DependencyInjection.IServiceCollection x) => Microsoft.Extensions.DependencyInjection.BackrunServiceCollectionExtensions.AddBackrunTask<Run<ImportArgs>, ImportArgs>(x);")]
    public async Task Every_start_and_registration_of_a_generic_class_is_looked_at(string method)
    {
        ImmutableArray<Diagnostic> told = await Analysis.Of(Imports + $"public class Run<T> : IBackgroundTask<T> {{ void IBackgroundTask<T>.Run(T parameters) {{ }} }} class Program {{ {method} }}");
        Assert.Equal(["BACKRUN102", "BACKRUN102"], told.Select(static each => each.Id));
    }

    [Fact]
    public async Task What_the_class_says_of_itself_is_not_said_again_where_it_is_started() =>
        Assert.Equal(2, (await Analysis.Of(Imports + """
            public class Import : IBackgroundTask<ImportArgs> { public void Run(ImportArgs parameters) { } }
            class Program { void M(BackrunEngine x) { x.StartNew<Import, ImportArgs>(new()); x.Register<Import, ImportArgs>(); } }
            """)).Length);

    [Fact]
    public async Task A_class_gets_parameters_by_a_base_class_too() =>
        Assert.Equal(["BACKRUN102", "BACKRUN102", "BACKRUN102"], (await Analysis.Of("""
            public class Args { public Action? Done { get; set; } }
            public abstract class Of<T> : IBackgroundTask<T> { public abstract void Run(T parameters); }
            public class A : Of<Args> { public override void Run(Args parameters) { } }
            public abstract class B : IBackgroundTask<Args> { public abstract void Run(Args parameters); }
            public class C : B { public override void Run(Args parameters) { } }
            public record D : IBackgroundTask<Args> { public void Run(Args parameters) { } }
            """)).Select(static each => each.Id));

    [Fact]
    public async Task Parameters_of_an_abstract_class_are_fine_for_the_task_and_not_for_a_start_with_them() =>
        Assert.Equal(["BACKRUN102"], (await Analysis.Of("""
            public abstract class Args { }
            public class More : Args { }
            public class A : IBackgroundTask<Args> { public void Run(Args parameters) { } }
            class Program { void M(BackrunEngine x) { x.StartNew<A, More>(new()); x.StartNew<A, Args>(new More()); } }
            """)).Select(static each => each.Id));

    [Fact]
    public async Task The_format_of_Creatio_names_what_a_place_does_not_say() =>
        Assert.Empty(await Analysis.Of("""
            public interface ISource { }
            internal class Args { private ISource? _a; public object? B; public Args(int whatever) => _a = null; }
            internal class A : Terrasoft.Core.Tasks.IBackgroundTask<Args> { public void Run(Args parameters) { } }
            class Program { void M() => Terrasoft.Core.Tasks.Task.StartNew<A, Args>(new(1)); }
            """));

    [Theory]
    [InlineData("backrun_payload_format", "typeless")]
    [InlineData("backrun_types_with_formatters", "System.Guid, Shop.Outer+ISource")]
    public async Task A_project_says_in_its_editorconfig_how_its_engines_write(string key, string value)
    {
        const string Source = "namespace Shop { public class Outer { public interface ISource; } public class Args { public Outer.ISource? A { get; set; } } public class A : IBackgroundTask<Args> { public void Run(Args parameters) { } } }";
        Assert.Single(await Analysis.Of(Source));
        Assert.Empty(await Analysis.Of(Source, ImmutableDictionary<string, string>.Empty.Add(key, value)));
    }

    [Fact]
    public async Task A_format_that_asks_for_attributes_is_one_of_them() =>
        Assert.Contains("has no [MessagePackObject]", Assert.Single(await Analysis.Of(
            "public class Args { } public class A : IBackgroundTask<Args> { public void Run(Args parameters) { } }",
            ImmutableDictionary<string, string>.Empty.Add("backrun_payload_format", "standard"))).GetMessage(CultureInfo.InvariantCulture));

    [Fact]
    public Task A_member_is_left_out_where_nobody_needs_it_to_make_the_value() => Fix<ParametersAnalyzer, MemberFix>.Makes(
        """
        public class Args
        {
            public int Count { get; set; }

            /// <summary>What to do then.</summary>
            public Action? Done { get; set; }

            public Stream? Content;
        }

        public class A : IBackgroundTask<{|BACKRUN102:{|BACKRUN102:Args|}|}>
        {
            public void Run(Args parameters) { }
        }
        """,
        """
        public class Args
        {
            public int Count { get; set; }

            /// <summary>What to do then.</summary>
            [IgnoreMember]
            public Action? Done { get; set; }

            [IgnoreMember]
            public Stream? Content;
        }

        public class A : IBackgroundTask<Args>
        {
            public void Run(Args parameters) { }
        }
        """,
        key: "Ignore",
        iterations: 2);

    [Fact]
    public Task A_member_in_another_document_is_left_out_there() => Fix<ParametersAnalyzer, MemberFix>.Makes(
        "public class A : IBackgroundTask<{|BACKRUN102:Args|}> { public void Run(Args parameters) { } }",
        "public class A : IBackgroundTask<Args> { public void Run(Args parameters) { } }",
        beside:
        """
        public class Args
        {
            public Action? Done { get; set; }
        }
        """,
        besideAfter:
        """
        public class Args
        {
            [IgnoreMember]
            public Action? Done { get; set; }
        }
        """);

    [Fact]
    public Task A_key_that_is_missing_is_the_next_one() => Fix<ParametersAnalyzer, MemberFix>.Makes(
        """
        [MessagePackObject]
        public class Args
        {
            [Key(0)]
            public int Count { get; set; }

            [Key(4)]
            public int Size { get; set; }

            public string? Name { get; set; }
        }

        public class A : IBackgroundTask<{|BACKRUN102:Args|}>
        {
            public void Run(Args parameters) { }
        }
        """,
        """
        [MessagePackObject]
        public class Args
        {
            [Key(0)]
            public int Count { get; set; }

            [Key(4)]
            public int Size { get; set; }

            [Key(5)]
            public string? Name { get; set; }
        }

        public class A : IBackgroundTask<Args>
        {
            public void Run(Args parameters) { }
        }
        """,
        key: "Key");

    [Fact]
    public Task A_key_that_is_missing_among_names_is_the_members_name() => Fix<ParametersAnalyzer, MemberFix>.Makes(
        """
        [MessagePackObject]
        public class Args
        {
            [Key("count")]
            public int Count { get; set; }

            public string? Name { get; set; }
        }

        public class A : IBackgroundTask<{|BACKRUN102:Args|}>
        {
            public void Run(Args parameters) { }
        }
        """,
        """
        [MessagePackObject]
        public class Args
        {
            [Key("count")]
            public int Count { get; set; }

            [Key("Name")]
            public string? Name { get; set; }
        }

        public class A : IBackgroundTask<Args>
        {
            public void Run(Args parameters) { }
        }
        """,
        key: "Key");

    [Fact]
    public Task A_class_that_only_its_assembly_sees_is_made_public() => Fix<ParametersAnalyzer, MemberFix>.Makes(
        """
        internal class Args
        {
        }

        internal class A : IBackgroundTask<{|BACKRUN102:Args|}>
        {
            public void Run(Args parameters) { }
        }
        """,
        """
        public class Args
        {
        }

        internal class A : IBackgroundTask<Args>
        {
            public void Run(Args parameters) { }
        }
        """);

    [Fact]
    public Task A_member_that_a_constructor_takes_is_not_left_out() => Fix<ParametersAnalyzer, MemberFix>.IsNone(
        """
        public record Args(int Count, Action Done);

        public class Other(Action done)
        {
            public Action Done { get; } = done;
        }

        public class A : IBackgroundTask<{|BACKRUN102:Args|}>, IBackgroundTask<{|BACKRUN102:Other|}>
        {
            public void Run(Args parameters) { }

            public void Run(Other parameters) { }
        }
        """);
}
