using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.Loader;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Backrun.Tests;

public sealed class StartingTests
{
    [Fact]
    public async Task A_started_task_runs_with_a_copy_of_its_parameters()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource<Contact> got = Patience.Signal<Contact>();
        KeepContact.Got[7] = got;
        Contact sent = new() { Key = 7, Name = "Ada", Tags = ["a", "b"] };
        BackgroundTaskHandle handle = engine.StartNew<KeepContact, Contact>(sent);
        Contact run = await got.Soon();
        await handle.Done();
        Assert.NotSame(sent, run);
        Assert.Equal(("Ada", "a,b"), (run.Name, string.Join(',', run.Tags)));
        Assert.True(handle.Id.Value > 0);
    }

    [Fact]
    public async Task Ids_grow_and_are_those_that_status_knows()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle first = engine.Start(static () => { });
        BackgroundTaskHandle second = engine.Start(static () => { });
        await Task.WhenAll(first.Done(), second.Done());
        Assert.True(second.Id.Value > first.Id.Value);
        Assert.Equal(first.Id, engine.GetStatus(first.Id)!.Id);
    }

    [Fact]
    public async Task Null_is_a_value_like_any_other()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource<string?> got = Patience.Signal<string?>();
        KeepText.Next = got;
        await engine.StartNew<KeepText, string?>(null).Done();
        Assert.Null(await got.Soon());
    }

    [Fact]
    public async Task Tasks_start_tasks_from_many_threads_and_from_inside_each_other()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 4 });
        int runs = 0;
        ConcurrentQueue<BackgroundTaskHandle> inner = new();
        Task[] starters = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int index = 0; index < 50; index++)
            {
                await engine.Start(() =>
                {
                    Interlocked.Increment(ref runs);
                    inner.Enqueue(engine.Start(() => Interlocked.Increment(ref runs)));
                }).Done();
            }
        })).ToArray();
        await Task.WhenAll(starters);
        await Task.WhenAll(inner.Select(static handle => handle.Done()));
        Assert.Equal(400, runs);
    }

#pragma warning disable BACKRUN108 // What the engine says to those who have not heard the analyzer.
    [Fact]
    public void A_class_with_both_or_neither_of_Run_and_RunAsync_is_refused_at_the_call()
    {
        using BackrunEngine engine = Engines.New();
        ArgumentException neither = Assert.Throws<ArgumentException>(() => engine.StartNew<Neither, int>(1));
        Assert.Contains("neither", neither.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(Neither), neither.Message, StringComparison.Ordinal);
        ArgumentException both = Assert.Throws<ArgumentException>(() => engine.StartNew<Both, int>(1));
        Assert.Contains("both", both.Message, StringComparison.Ordinal);
        Assert.Equal(0, engine.GetStatistics().Accepted);
    }

    [Fact]
    public void A_class_that_cannot_be_made_is_refused_at_the_call()
    {
        using BackrunEngine engine = Engines.New();
        Assert.Contains("no public constructor", Assert.Throws<ArgumentException>(() => engine.StartNew<Abstract, int>(1)).Message, StringComparison.Ordinal);
        ArgumentException parameters = Assert.Throws<ArgumentException>(() => engine.StartNew<WithParameters, int>(1));
        Assert.Contains("BackrunOptions.Services", parameters.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_task_is_named_after_its_class_nested_and_generic_ones_too()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle nested = engine.StartNew<Generic<List<int>>.Inner<string>, int>(1);
        await nested.Done();
        Assert.Equal(
            "Backrun.Tests.StartingTests+Generic<System.Collections.Generic.List<System.Int32>>+Inner<System.String>",
            engine.GetStatus(nested.Id)!.TaskName);
    }

    [Fact]
    public void A_name_over_200_bytes_is_refused_with_the_limit_and_the_way_out()
    {
        using BackrunEngine engine = Engines.New();
        ArgumentException long1 = Assert.Throws<ArgumentException>(() => engine.StartNew<Generic<Generic<Generic<Generic<Generic<int>.Inner<int>>.Inner<int>>>>.Inner<int>, int>(1));
        Assert.Contains("200", long1.Message, StringComparison.Ordinal);
        Assert.Contains("[BackgroundTask", long1.Message, StringComparison.Ordinal);
        ArgumentException long2 = Assert.Throws<ArgumentException>(() => engine.Register<Act, int>(new string('x', 201)));
        Assert.Contains("201 bytes", long2.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => engine.Register<Act, int>(" "));
    }

    [Fact]
    public async Task The_attribute_names_a_task_and_its_aliases_cannot_be_anothers()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = engine.StartNew<Named, int>(1);
        await handle.Done();
        Assert.Equal("named-task", engine.GetStatus(handle.Id)!.TaskName);
        ArgumentException taken = Assert.Throws<ArgumentException>(() => engine.Register<Act, int>("older-name"));
        Assert.Contains(nameof(Named), taken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_class_with_two_kinds_of_parameters_needs_a_name_for_the_second()
    {
        using BackrunEngine engine = Engines.New();
        await engine.StartNew<TwoKinds, int>(1).Done();
        ArgumentException second = Assert.Throws<ArgumentException>(() => engine.StartNew<TwoKinds, string>("a"));
        Assert.Contains("Register<TwoKinds, String>", second.Message, StringComparison.Ordinal);
        engine.Register<TwoKinds, string>("two-kinds-text");
        BackgroundTaskHandle handle = engine.StartNew<TwoKinds, string>("a");
        await handle.Done();
        Assert.Equal("two-kinds-text", engine.GetStatus(handle.Id)!.TaskName);
    }

    [Fact]
    public void Registering_again_changes_nothing_unless_something_differs()
    {
        using BackrunEngine engine = Engines.New();
        engine.Register<Act, int>("act", new TaskOptions { Queue = "default" });
        engine.Register<Act, int>("act", new TaskOptions { Queue = "default" });
        engine.Register<Act, int>("act");
        engine.Register<Act, int>();
        Assert.Throws<ArgumentException>(() => engine.Register<Act, int>("other"));
        Assert.Throws<ArgumentException>(() => engine.Register<Act, int>("act", new TaskOptions { Queue = "elsewhere" }));
        Assert.Equal(
            BackrunErrorCode.NotFound,
            Assert.Throws<BackrunException>(() => engine.Register<AsyncAct, int>(options: new TaskOptions { Queue = "nowhere" })).Code);
    }

    [Fact]
    public async Task Two_engines_do_not_mix_up_their_tasks()
    {
        using BackrunEngine one = Engines.New();
        using BackrunEngine two = Engines.New();
        for (int round = 0; round < 3; round++)
        {
            await one.Start(static () => { }).Done();
            await two.Start(static () => { }).Done();
        }

        Assert.Equal((3, 3), (one.GetStatistics().Succeeded, two.GetStatistics().Succeeded));
    }

    [Fact]
    public void Types_from_a_collectible_load_context_are_refused()
    {
        AssemblyLoadContext context = new("collectible", isCollectible: true);
        CSharpCompilation compilation = Compiler.Compile("public sealed class Unloadable : Backrun.IBackgroundTask<int> { public void Run(int parameters) { } }");
        using MemoryStream image = new();
        Assert.True(compilation.Emit(image, cancellationToken: TestContext.Current.CancellationToken).Success);
        image.Position = 0;
        Type type = context.LoadFromStream(image).GetType("Unloadable")!;
        using BackrunEngine engine = Engines.New();
        Exception thrown = Assert.ThrowsAny<Exception>(() => typeof(BackrunEngine).GetMethod(nameof(BackrunEngine.Register))!.MakeGenericMethod(type, typeof(int)).Invoke(engine, [null, null]));
        ArgumentException refused = Assert.IsType<ArgumentException>(thrown.InnerException);
        Assert.Contains("collectible", refused.Message, StringComparison.Ordinal);
        context.Unload();
    }

    [Fact]
    public void StartNewWithUserConnection_of_a_task_that_takes_none_does_not_compile()
    {
        const string Program = """
            using Backrun;
            public sealed class Plain : IBackgroundTask<int> { public void Run(int parameters) { } }
            public sealed class ForUser : IBackgroundTask<int>, IUserConnectionRequired { public void Run(int parameters) { } public void SetUserConnection(UserConnection userConnection) { } }
            public static class Program
            {
                public static void Starts(BackrunEngine engine)
                {
                    engine.StartNewWithUserConnection<ForUser, int>(1);
                    BackgroundTasks.StartNewWithUserConnection<ForUser, int>(1);
                    engine.StartNewWithUserConnection<Plain, int>(1); // line 10
                    BackgroundTasks.StartNewWithUserConnection<Plain, int>(1); // line 11
                    engine.SubmitAsyncWithUserConnection<Plain, int>(1); // line 12
                    engine.SubmitManyWithUserConnection<Plain, int>(new[] { 1 }); // line 13
                    engine.StartNew<string, int>(1); // line 14
                    engine.StartNew<ForUser, string>("1"); // line 15
                }
            }
            """;
        IEnumerable<Diagnostic> errors = Compiler.Compile(Program).GetDiagnostics(TestContext.Current.CancellationToken).Where(static each => each.Severity == DiagnosticSeverity.Error);
        Assert.Equal(
            [(10, "CS0311"), (11, "CS0311"), (12, "CS0311"), (13, "CS0311"), (14, "CS0311"), (15, "CS0311")],
            errors.Select(static each => (each.Location.GetLineSpan().StartLinePosition.Line + 1, each.Id)));
    }

    public sealed class Contact
    {
        public int Key { get; set; }

        public string Name { get; set; } = string.Empty;

        public string[] Tags { get; set; } = [];
    }

    public sealed class KeepContact : IBackgroundTask<Contact>
    {
        internal static readonly ConcurrentDictionary<int, TaskCompletionSource<Contact>> Got = new();

        public void Run(Contact parameters) => Got[parameters.Key].SetResult(parameters);
    }

    public sealed class KeepText : IBackgroundTask<string?>
    {
        internal static TaskCompletionSource<string?>? Next { get; set; }

        public void Run(string? parameters) => Next!.SetResult(parameters);
    }

    public sealed class Neither : IBackgroundTaskHandler<int>;

    public sealed class Both : IBackgroundTask<int>, IAsyncBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }

        public Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    public abstract class Abstract : IBackgroundTask<int>
    {
        public abstract void Run(int parameters);
    }

    public sealed class WithParameters(string text) : IBackgroundTask<int>
    {
        public void Run(int parameters) => _ = text;
    }

    public sealed class Generic<T>
    {
        private Generic()
        {
        }

        public sealed class Inner<TInner> : IBackgroundTask<int>
        {
            public void Run(int parameters) => _ = (typeof(T), typeof(TInner));
        }
    }

    [BackgroundTask("named-task", Aliases = ["older-name", "oldest-name"])]
    public sealed class Named : IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }
    }

    public sealed class TwoKinds : IBackgroundTask<int>, IBackgroundTask<string>
    {
        public void Run(int parameters)
        {
        }

        public void Run(string parameters)
        {
        }
    }
}
