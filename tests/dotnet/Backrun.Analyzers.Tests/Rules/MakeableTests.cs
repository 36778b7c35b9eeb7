using System;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Analyzers.Tests.Support;
using Backrun.CodeFixes;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Backrun.Analyzers.Tests.Rules;

/// <summary>BACKRUN108.</summary>
public sealed class MakeableTests
{
    [Theory]
    [InlineData("public class A : IBackgroundTask<int> { private A() { } public void Run(int parameters) { } }", "it has no public constructor")]
    [InlineData("public class A : IBackgroundTask<int> { internal A() { } protected A(int a) { } public void Run(int parameters) { } }", "it has no public constructor")]
    [InlineData("public abstract class A : IBackgroundTask<int> { public A() { } public abstract void Run(int parameters); }", "it is abstract")]
    [InlineData("public interface A : IBackgroundTask<int> { }", "it is an interface")]
    public async Task A_class_that_the_engine_cannot_make_is_warned_of_where_it_is_started(string task, string reason)
    {
        Diagnostic told = Assert.Single(await Analysis.Of($"{task} class Program {{ void M(BackrunEngine engine) => engine.StartNew<A, int>(1); }}"));
        Assert.Equal("BACKRUN108", told.Id);
        Assert.Contains($"'A': {reason}", told.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_class_that_runs_one_kind_of_parameters_in_two_ways_is_warned_of()
    {
        Diagnostic told = Assert.Single(await Analysis.Of(
            """
            public class A : IBackgroundTask<int>, IAsyncBackgroundTask<int>
            {
                public void Run(int parameters) { }
                public Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken) => Task.CompletedTask;
            }
            class Program { void M(BackrunEngine engine) => engine.Register<A, int>(); }
            """));
        Assert.Contains("it implements both", told.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_class_with_neither_of_the_interfaces_is_warned_of() =>
        Assert.Contains("it implements neither IBackgroundTask<int> nor", Assert.Single(await Analysis.Of(
            "public class A : IBackgroundTaskHandler<int> { } class Program { void M(BackrunEngine engine) => engine.StartNew<A, int>(1); }")).GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    /// <summary>What the analyzer says, the engine says too.</summary>
    [Fact]
    public void The_engine_refuses_these_classes()
    {
        using BackrunEngine engine = new();
        Assert.Throws<ArgumentException>(() => engine.StartNew<Hidden, int>(1));
        Assert.Throws<ArgumentException>(() => engine.StartNew<Base, int>(1));
        Assert.Throws<ArgumentException>(() => engine.StartNew<IBackgroundTask<int>, int>(1));
        Assert.Throws<ArgumentException>(() => engine.StartNew<Twice, int>(1));
        Assert.Throws<ArgumentException>(() => engine.StartNew<Neither, int>(1));
        Assert.NotEqual(default, engine.StartNew<Fine, int>(1));
    }

    [Theory]
    [InlineData("public class A : IBackgroundTask<int> { public void Run(int parameters) { } }")]
    [InlineData("internal class A(IServiceProvider services) : IBackgroundTask<int> { public void Run(int parameters) => _ = services; }")]
    [InlineData("public class A : IBackgroundTask<int> { private A(int a) { } public A() : this(1) { } public void Run(int parameters) { } }")]
    public async Task A_public_constructor_is_enough_with_and_without_parameters(string task) =>
        Assert.Empty(await Analysis.Of($"{task} class Program {{ void M(BackrunEngine engine) => engine.StartNew<A, int>(1); void N<T>(BackrunEngine engine) where T : class, IBackgroundTask<int> => engine.StartNew<T, int>(1); }}"));

    [Fact]
    public async Task A_class_that_nobody_starts_is_left_alone_and_one_with_a_name_is_to_be_started() =>
        Assert.Equal(["BACKRUN108"], (await Analysis.Of(
            """
            public class A : IBackgroundTask<int> { private protected A() { } public void Run(int parameters) { } }
            [BackgroundTask("b")] public class B : IBackgroundTask<int> { private B() { } public void Run(int parameters) { } }
            class Program { void M(BackrunEngine engine) => engine.StartNew<B, int>(1); }
            """)).Select(static each => each.Id));

    [Fact]
    public Task The_fix_makes_the_constructor_public() => Fix<MakeableAnalyzer, ConstructorFix>.Makes(
        """
        public class A : IBackgroundTask<int>
        {
            internal A()
            {
            }

            public void Run(int parameters) { }
        }

        [BackgroundTask("b")]
        public class {|BACKRUN108:B|} : IBackgroundTask<int>
        {
            B(int a) { }

            public void Run(int parameters) { }
        }

        class Program
        {
            void M(BackrunEngine engine) => engine.StartNew<{|BACKRUN108:A|}, int>(1);
        }
        """,
        """
        public class A : IBackgroundTask<int>
        {
            public A()
            {
            }

            public void Run(int parameters) { }
        }

        [BackgroundTask("b")]
        public class B : IBackgroundTask<int>
        {
            public B(int a) { }

            public void Run(int parameters) { }
        }

        class Program
        {
            void M(BackrunEngine engine) => engine.StartNew<A, int>(1);
        }
        """,
        iterations: 2);

    [Fact]
    public Task Of_several_constructors_none_is_made_public() => Fix<MakeableAnalyzer, ConstructorFix>.IsNone(
        """
        public class A : IBackgroundTask<int>
        {
            internal A() { }

            internal A(int a) { }

            public void Run(int parameters) { }
        }

        class Program
        {
            void M(BackrunEngine engine) => engine.StartNew<{|BACKRUN108:A|}, int>(1);
        }
        """);

    private sealed class Hidden : IBackgroundTask<int>
    {
        private Hidden()
        {
        }

        public void Run(int parameters) => _ = new Hidden();
    }

    private abstract class Base : IBackgroundTask<int>
    {
        public abstract void Run(int parameters);
    }

    private sealed class Twice : IBackgroundTask<int>, IAsyncBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }

        public Task RunAsync(int parameters, BackgroundTaskContext context, System.Threading.CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class Neither : IBackgroundTaskHandler<int>;

    private sealed class Fine : IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }
    }
}
