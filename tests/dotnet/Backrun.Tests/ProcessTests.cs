using System;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

/// <summary>What only a process of its own can show.</summary>
public sealed class ProcessTests
{
    private const string Tasks = """
        using System;
        using System.Threading;
        using Backrun;
        public sealed class Loop : IBackgroundTask<int>
        {
            public static readonly ManualResetEventSlim Started = new();
            public void Run(int parameters) { Started.Set(); while (true) { Thread.Sleep(10); } }
        }
        public sealed class Exit : IBackgroundTask<int> { public void Run(int parameters) => Environment.Exit(parameters); }
        public sealed class Fail : IBackgroundTask<int> { public void Run(int parameters) => throw new InvalidOperationException("on purpose"); }
        public sealed class Hello : IBackgroundTask<string> { public void Run(string parameters) => Console.WriteLine(parameters); }
        """;

    [Fact]
    public async Task A_program_ends_although_a_task_loops_and_one_line_tells_of_it()
    {
        ChildProgram.Result result = await ChildProgram.RunAsync(Tasks + """
            public static class Program
            {
                public static int Main()
                {
                    BackgroundTasks.StartNew<Loop, int>(1);
                    Loop.Started.Wait();
                    return 7;
                }
            }
            """);
        Assert.Equal(7, result.ExitCode);
        Assert.Contains("The process ends with 1 tasks still running (1 'Loop')", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_task_may_end_the_process()
    {
        ChildProgram.Result result = await ChildProgram.RunAsync(Tasks + """
            public static class Program
            {
                public static int Main()
                {
                    BackgroundTasks.StartNew<Exit, int>(9);
                    Thread.Sleep(Timeout.Infinite);
                    return 1;
                }
            }
            """);
        Assert.Equal(9, result.ExitCode);
    }

    [Fact]
    public async Task Without_a_logger_failures_go_to_the_standard_error_output_whole()
    {
        ChildProgram.Result result = await ChildProgram.RunAsync(Tasks + """
            public static class Program
            {
                public static int Main()
                {
                    using BackrunEngine engine = new();
                    engine.StartNew<Hello, string>("hello from a task").Completion.Wait();
                    try { engine.StartNew<Fail, int>(1).Completion.Wait(); } catch (AggregateException) { }
                    return 0;
                }
            }
            """);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("hello from a task\n", result.Output);
        Assert.Contains("Backrun error: task 2 'Fail' in queue 'default'", result.Errors, StringComparison.Ordinal);
        Assert.Contains("System.InvalidOperationException: on purpose", result.Errors, StringComparison.Ordinal);
        Assert.Contains("at Fail.Run(Int32 parameters)", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_disposes_of_its_engine_ends_without_a_word()
    {
        ChildProgram.Result result = await ChildProgram.RunAsync(Tasks + """
            public static class Program
            {
                public static int Main()
                {
                    using (BackrunEngine engine = new())
                    {
                        engine.StartNew<Hello, string>("hello").Completion.Wait();
                    }

                    BackgroundTasks.StartNew<Hello, string>("again");
                    BackrunEngine.Default.ShutdownAsync(ShutdownMode.Drain, Timeout.InfiniteTimeSpan).Wait();
                    return 0;
                }
            }
            """);
        Assert.Equal((0, "hello\nagain\n", string.Empty), (result.ExitCode, result.Output, result.Errors));
    }

    [Fact]
    public async Task Without_the_native_library_the_error_says_what_to_do()
    {
        ChildProgram.Result result = await ChildProgram.RunAsync("""
            using System;
            using System.IO;
            using Backrun;
            public static class Program
            {
                public static int Main()
                {
                    File.Delete(Path.Combine(AppContext.BaseDirectory, "libbackrun.so"));
                    try { new BackrunEngine().Dispose(); return 1; }
                    catch (PlatformNotSupportedException exception) { Console.WriteLine(exception.Message); return 0; }
                }
            }
            """);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("libbackrun.so", result.Output, StringComparison.Ordinal);
        Assert.Contains("runtimes/linux-x64/native", result.Output, StringComparison.Ordinal);
    }
}
