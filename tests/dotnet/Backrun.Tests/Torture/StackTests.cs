using System;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Torture;

/// <summary>The stack of a worker, and what ends a process in it.</summary>
public sealed class StackTests
{
    private const int Aborted = 128 + 6;

    private const string Program = """
        using System;
        using System.Threading;
        using Backrun;

        public sealed class Act : IBackgroundTask<string>
        {
            public static void Do(string what)
            {
                switch (what)
                {
                    case "overflow": Overflow.Deeper(1); break;
                    case "fail fast": Environment.FailFast("failed fast on purpose", new TimeZoneNotFoundException("the reason")); break;
                    case "throw elsewhere":
                        Thread thread = new(static () => throw new TimeZoneNotFoundException("nobody catches this"));
                        thread.Start();
                        thread.Join();
                        break;
                }
            }

            public void Run(string parameters) => Do(parameters);
        }

        public static class Overflow
        {
            public static int Deeper(int depth) => depth == 0 ? 0 : Deeper(depth + 1) + Deeper(depth + 2);
        }

        public static class Program
        {
            public static int Main(string[] arguments)
            {
                if (arguments[0] == "thread")
                {
                    Thread thread = new(() => Act.Do(arguments[1]));
                    thread.Start();
                    thread.Join();
                    return 1;
                }

                using BackrunEngine engine = new();
                engine.StartNew<Act, string>(arguments[1]).Completion.Wait();
                return 2;
            }
        }
        """;

    [Theory]
    [InlineData("overflow", "Stack overflow.", "Overflow.Deeper(Int32)")]
    [InlineData("fail fast", "failed fast on purpose", "System.TimeZoneNotFoundException: the reason")]
    [InlineData("throw elsewhere", "Unhandled exception. System.TimeZoneNotFoundException: nobody catches this", "at Act.")]
    public async Task What_ends_a_process_on_any_thread_ends_it_in_a_run_too_in_the_same_words(string what, string words, string frame)
    {
        using ChildProgram program = ChildProgram.Compile(Program);
        ChildProgram.Result[] results = await Task.WhenAll(program.RunAsync(["thread", what]), program.RunAsync(["run", what]));
        foreach (ChildProgram.Result result in results)
        {
            Assert.Equal((Aborted, string.Empty), (result.ExitCode, result.Output));
            Assert.Contains(words, result.Errors, StringComparison.Ordinal);
            Assert.Contains(frame, result.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("Backrun warning", result.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("Backrun error", result.Errors, StringComparison.Ordinal);
        }

        Assert.Equal(results[0].ErrorLines[0], results[1].ErrorLines[0]);
        if (what != "throw elsewhere")
        {
            Assert.Contains("Act.Run", results[1].Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Run_can_recurse_as_deep_as_on_a_thread_of_NET()
    {
        // As much as Linux gives a thread where nobody set another limit.
        int onThread = 0;
        Thread thread = new(() => onThread = Deepest(), 8 << 20);
        thread.Start();
        thread.Join();
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 2 });
        for (int round = 0; round < 3; round++)
        {
            int inRun = await InRun(engine);
            Assert.True(inRun >= onThread * 0.98, $"{inRun} calls deep in a run, {onThread} on a thread of .NET.");
        }
    }

    [Fact]
    public async Task A_run_that_asks_for_too_much_stack_the_careful_way_fails_and_its_worker_goes_on()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        for (int round = 0; round < 2; round++)
        {
            await engine.Start(static () => Carefully(0)).Fails<InsufficientExecutionStackException>();
            await engine.Start(static () => { }).Done();
        }
    }

    [Fact]
    public async Task Deep_recursion_on_every_worker_at_once_while_the_collector_walks_their_stacks()
    {
        const int Workers = 4;
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = Workers });
        using CountdownEvent deep = new(Workers);
        using ManualResetEventSlim seen = new();
        BackgroundTaskHandle[] runs = Enumerable.Range(0, Workers).Select(_ => engine.Start(() => RecurseThen(20_000, () =>
        {
            deep.Signal();
            seen.WaitSoon();
        }))).ToArray();
        Assert.True(deep.Wait(Patience.Long));
        for (int round = 0; round < 3; round++)
        {
            GC.Collect();
        }

        seen.Set();
        await Task.WhenAll(runs.Select(static run => run.Done()));
    }

    [Fact]
    public async Task A_larger_stack_takes_deeper_recursion()
    {
        using BackrunEngine usual = Engines.New(new BackrunOptions { Workers = 1 });
        using BackrunEngine large = Engines.New(new BackrunOptions { Workers = 1, WorkerStackBytes = 64 << 20 });
        Assert.True(await InRun(large) > await InRun(usual) * 6);
    }

    private static async Task<int> InRun(BackrunEngine engine)
    {
        TaskCompletionSource<int> depth = Patience.Signal<int>();
        engine.Start(() => depth.SetResult(Deepest()));
        return await depth.Soon();
    }

    /// <summary>How deep calls can nest here. Never compiled anew while it is measured: another tier may have other frames.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static int Deepest() => RuntimeHelpers.TryEnsureSufficientExecutionStack() ? Deepest() + 1 : 0;

    // Few and large frames: an exception takes its time for each.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static int Carefully(int depth)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        Span<byte> large = stackalloc byte[16 * 1024];
        large[depth % large.Length] = 1;
        return Carefully(depth + 1) + large[0];
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static int RecurseThen(int levels, Action act)
    {
        object held = new();
        if (levels == 0)
        {
            act();
        }

        int deeper = levels == 0 ? 0 : RecurseThen(levels - 1, act);
        GC.KeepAlive(held);
        return deeper + 1;
    }
}
