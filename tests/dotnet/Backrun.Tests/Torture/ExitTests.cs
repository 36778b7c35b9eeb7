using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Torture;

/// <summary>A process ends when and as it wants to, whatever its workers are doing.</summary>
public sealed class ExitTests(ExitTests.Children children) : IClassFixture<ExitTests.Children>
{
    private const int Aborted = 128 + 6;
    private const int Terminated = 128 + 15;

    private const string Program = """
        using System;
        using System.Collections.Generic;
        using System.IO.Pipes;
        using System.Runtime.InteropServices;
        using System.Threading;
        using System.Threading.Tasks;
        using Backrun;
        using Microsoft.Extensions.Logging;

        public static class Started { public static readonly CountdownEvent All = new(5); }

        public sealed class Spin : IBackgroundTask<int>
        {
            public static volatile int Turns;
            public void Run(int parameters) { Started.All.Signal(); while (true) { Turns++; } }
        }

        public sealed class Loop : IBackgroundTask<int>
        {
            public void Run(int parameters) { Started.All.Signal(); while (true) { Thread.Sleep(1); } }
        }

        public sealed class Blocked : IBackgroundTask<int>
        {
            public static readonly object Lock = new();
            public void Run(int parameters) { Started.All.Signal(); lock (Lock) { } }
        }

        public sealed class BlockedInTheSystem : IBackgroundTask<int>
        {
            public void Run(int parameters)
            {
                using AnonymousPipeServerStream pipe = new(PipeDirection.In);
                Started.All.Signal();
                pipe.ReadByte();
            }
        }

        public sealed class Forever : IAsyncBackgroundTask<int>
        {
            public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
            {
                Started.All.Signal();
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
            }
        }

        public sealed class Nothing : IBackgroundTask<int> { public void Run(int parameters) { } }

        public sealed class Obeys : IBackgroundTask<int>
        {
            public static readonly SemaphoreSlim Running = new(0);
            public void Run(int parameters)
            {
                CancellationToken token = BackgroundTaskContext.Current!.CancellationToken;
                Running.Release();
                token.WaitHandle.WaitOne();
                token.ThrowIfCancellationRequested();
            }
        }

        public sealed class Exit : IBackgroundTask<int> { public void Run(int parameters) => Environment.Exit(parameters); }

        public sealed class ExitLater : IAsyncBackgroundTask<int>
        {
            public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
            {
                await Task.Yield();
                Environment.Exit(parameters);
            }
        }

        public sealed class ExitingLogger : ILoggerFactory, ILogger
        {
            public ILogger CreateLogger(string categoryName) => this;
            public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;
            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                string text = formatter(state, exception);
                Console.Error.WriteLine("Logged: " + text);
                if (exception is TimeZoneNotFoundException) { Environment.Exit(42); }
            }
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
            public void AddProvider(ILoggerProvider provider) { }
            public void Dispose() { }
        }

        public sealed class StuckLogger : ILoggerFactory, ILogger
        {
            public static readonly ManualResetEventSlim Stuck = new();
            private readonly object _lock = new();
            public ILogger CreateLogger(string categoryName) => this;
            public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;
            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                lock (_lock) { Stuck.Set(); Thread.Sleep(Timeout.Infinite); }
            }
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
            public void AddProvider(ILoggerProvider provider) { }
            public void Dispose() { }
        }

        public sealed class Fail : IBackgroundTask<int> { public void Run(int parameters) => throw new TimeZoneNotFoundException("on purpose"); }

        public static class Program
        {
            [DllImport("libc")]
            private static extern int kill(int process, int signal);

            [DllImport("libc")]
            private static extern unsafe int pipe(int* ends);

            [DllImport("libc")]
            private static extern int dup2(int from, int to);

            [DllImport("libc")]
            private static extern int fcntl(int file, int command, int argument);

            [DllImport("libc")]
            private static extern unsafe nint write(int file, byte* bytes, nint count);

            // To a pipe that is full and that nobody reads.
            private static unsafe void BlockErrorOutput()
            {
                const int SetFlags = 4;
                const int NonBlocking = 0x800;
                int* ends = stackalloc int[2];
                byte one = 0;
                if (pipe(ends) != 0 || fcntl(ends[1], SetFlags, NonBlocking) != 0) { Environment.Exit(3); }
                while (write(ends[1], &one, 1) == 1) { }
                if (fcntl(ends[1], SetFlags, 0) != 0 || dup2(ends[1], 2) != 2) { Environment.Exit(4); }
            }

            private static BackrunEngine? engine;

            private static void Busy(ILoggerFactory? log = null)
            {
                Monitor.Enter(Blocked.Lock);
                BackrunOptions options = new() { Workers = 8, LoggerFactory = log };

                // What is told here is what the end says, not that its run holds up what waits.
                options.Queues["one"] = new QueueOptions { Workers = 1, ConcurrencyLimit = 1, StallThreshold = TimeSpan.FromHours(1) };
                engine = new BackrunEngine(options);
                engine.StartNew<Spin, int>(1);
                engine.StartNew<Loop, int>(1);
                engine.StartNew<BlockedInTheSystem, int>(1);
                engine.StartNew<Forever, int>(1);
                engine.StartNew<Blocked, int>(1, new StartOptions { Queue = "one" });
                for (int number = 0; number < 3; number++)
                {
                    engine.StartNew<Nothing, int>(1, new StartOptions { Queue = "one" });
                }

                Started.All.Wait();
            }

            private static int Forever()
            {
                Thread.Sleep(Timeout.Infinite);
                return 1;
            }

            public static int Main(string[] arguments)
            {
                switch (arguments[0])
                {
                    case "return":
                        Busy();
                        return 42;
                    case "exit":
                        Busy();
                        Environment.Exit(42);
                        return 1;
                    case "exit on the thread pool":
                        Busy();
                        ThreadPool.QueueUserWorkItem(static _ => Environment.Exit(42));
                        return Forever();
                    case "exit in a run":
                        Busy();
                        engine!.StartNew<Exit, int>(42);
                        return Forever();
                    case "exit in two runs at once":
                        Busy();
                        engine!.SubmitMany<Exit, int>([42, 42]);
                        return Forever();
                    case "exit in an asynchronous run":
                        Busy();
                        engine!.StartNew<ExitLater, int>(42);
                        return Forever();
                    case "exit in TaskFinished":
                        Busy();
                        engine!.TaskFinished += static (_, _) => Environment.Exit(42);
                        engine.StartNew<Nothing, int>(1);
                        return Forever();
                    case "exit in the logger":
                        Busy(new ExitingLogger());
                        engine!.StartNew<Fail, int>(1);
                        return Forever();
                    case "a logger that never returns":
                        Busy(new StuckLogger());
                        engine!.StartNew<Fail, int>(1);
                        StuckLogger.Stuck.Wait();
                        return 42;
                    case "nobody reads the error output":
                        Busy();
                        BlockErrorOutput();
                        return 42;
                    case "exit while another thread disposes":
                        Busy();
                        using (ManualResetEventSlim disposing = new())
                        {
                            new Thread(() => { disposing.Set(); engine!.Dispose(); }) { IsBackground = true }.Start();
                            disposing.Wait();
                            Environment.Exit(42);
                        }

                        return 1;
                    case "SIGTERM":
                        Busy();
                        kill(Environment.ProcessId, 15);
                        return Forever();
                    case "throw":
                        Busy();
                        throw new TimeZoneNotFoundException("nobody catches this");
                    case "idle":
                        // Nothing is left: engines that never ran anything, that have run all, and one whose task hears of the end.
                        BackrunEngine idle = new();
                        BackrunEngine done = new(new BackrunOptions { Workers = 4 });
                        done.StartNew<Nothing, int>(1).Completion.Wait();
                        BackrunEngine obeys = new();
                        obeys.StartNew<Obeys, int>(1);
                        Obeys.Running.Wait();
                        GC.KeepAlive((idle, done, obeys));
                        Environment.Exit(42);
                        return 1;
                    case "many":
                        // One engine that cannot be ended does not take the time of those that can: their tasks hear of the end.
                        Busy();
                        BackrunEngine[] others = new BackrunEngine[20];
                        for (int number = 0; number < others.Length; number++)
                        {
                            others[number] = new BackrunEngine(new BackrunOptions { Workers = 1 });
                            others[number].StartNew<Obeys, int>(1);
                            Obeys.Running.Wait();
                        }

                        GC.KeepAlive(others);
                        return 42;
                    default:
                        return 2;
                }
            }
        }
        """;

    [Theory]
    [InlineData("return")]
    [InlineData("exit")]
    [InlineData("exit on the thread pool")]
    [InlineData("exit in a run")]
    [InlineData("exit in two runs at once")]
    [InlineData("exit in an asynchronous run")]
    [InlineData("exit in TaskFinished")]
    [InlineData("exit while another thread disposes")]
    [InlineData("a logger that never returns")]
    [InlineData("many")]
    public async Task With_running_looping_blocked_and_queued_tasks_the_process_ends_with_its_exit_code_and_one_line_of_what_is_left(string way)
    {
        ChildProgram.Result result = await children.Of(way);
        Assert.True(result.ExitCode == 42, $"Exit code {result.ExitCode}:\n{result.Errors}");
        string line = Assert.Single(result.ErrorLines, static line => line.Contains("still running", StringComparison.Ordinal));
        Assert.All(["'Spin'", "'Loop'", "'BlockedInTheSystem'", "'Forever'", "'Blocked'"], task => Assert.Contains(task, line, StringComparison.Ordinal));

        // Dispose has cancelled them where it came first.
        Assert.Contains(way == "exit while another thread disposes" ? "0 queued" : "3 queued", line, StringComparison.Ordinal);
        Assert.Single(result.ErrorLines);
    }

    [Fact]
    public async Task A_logger_may_end_the_process_which_then_says_how_much_is_left()
    {
        ChildProgram.Result result = await children.Of("exit in the logger");
        Assert.Equal(42, result.ExitCode);
        Assert.Equal(2, result.ErrorLines.Length);
        Assert.StartsWith("Logged: task 9 'Fail'", result.ErrorLines[0], StringComparison.Ordinal);
        Assert.StartsWith("Logged: The process ends", result.ErrorLines[1], StringComparison.Ordinal);
        Assert.Contains("with 5 tasks still running", result.ErrorLines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_ends_although_nobody_reads_what_it_has_to_say()
    {
        ChildProgram.Result result = await children.Of("nobody reads the error output");
        Assert.Equal((42, string.Empty), (result.ExitCode, result.Errors));
    }

    [Fact]
    public async Task A_process_that_is_asked_to_end_by_a_signal_ends_by_it()
    {
        // Since .NET 10 the runtime does nothing of its own about SIGTERM, so that nobody is left to say a word; hosts do.
        ChildProgram.Result result = await children.Of("SIGTERM");
        Assert.Equal(Terminated, result.ExitCode);
    }

    [Fact]
    public async Task An_exception_that_nobody_catches_ends_the_process_as_in_any_program()
    {
        ChildProgram.Result result = await children.Of("throw");
        Assert.Equal(Aborted, result.ExitCode);
        Assert.Contains("Unhandled exception. System.TimeZoneNotFoundException: nobody catches this", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idle_engines_and_tasks_that_obey_end_with_the_process_without_a_word()
    {
        ChildProgram.Result result = await children.Of("idle");
        Assert.Equal((42, string.Empty, string.Empty), (result.ExitCode, result.Output, result.Errors));
    }

    /// <summary>Runs each way of ending once, a few at a time: they mostly wait.</summary>
    public sealed class Children : IAsyncDisposable
    {
        private static readonly string[] Ways =
        [
            "return", "exit", "exit on the thread pool", "exit in a run", "exit in two runs at once", "exit in an asynchronous run", "exit in TaskFinished", "exit in the logger",
            "exit while another thread disposes", "a logger that never returns", "nobody reads the error output", "many", "SIGTERM", "throw", "idle",
        ];

        private readonly ChildProgram _program = ChildProgram.Compile(Program);
        private readonly SemaphoreSlim _some = new(3);
        private readonly Dictionary<string, Task<ChildProgram.Result>> _results;

        public Children() => _results = Ways.ToDictionary(static way => way, RunAsync, StringComparer.Ordinal);

        internal Task<ChildProgram.Result> Of(string way) => _results[way];

        public async ValueTask DisposeAsync()
        {
            // The last use the program until they have ended, however the tests did.
            await ((Task)Task.WhenAll(_results.Values)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _program.Dispose();
            _some.Dispose();
        }

        private async Task<ChildProgram.Result> RunAsync(string way)
        {
            await _some.WaitAsync();
            try
            {
                return await _program.RunAsync([way]);
            }
            finally
            {
                _some.Release();
            }
        }
    }
}
