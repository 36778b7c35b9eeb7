using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Torture;

/// <summary>The garbage collector moves and frees what it can at every moment, and nothing is lost, mixed up or freed too early.</summary>
public sealed class GarbageCollectionTests
{
    private const string Program = """
        using System;
        using System.Collections.Concurrent;
        using System.Collections.Generic;
        using System.Linq;
        using System.Threading;
        using System.Threading.Tasks;
        using Backrun;
        using Microsoft.Extensions.Logging;

        public sealed class Load
        {
            public int Number { get; set; }
            public string Text { get; set; } = "";
            public byte[] Bytes { get; set; } = [];
            public Dictionary<string, List<int>> Map { get; set; } = [];

            public static Load Of(int number) => new()
            {
                Number = number,
                Text = new string((char)('a' + (number % 26)), number % 500),
                Bytes = Enumerable.Repeat((byte)number, number % 700).ToArray(),
                Map = new() { [$"{number}"] = Enumerable.Range(number, number % 20).ToList() },
            };

            public void Check()
            {
                Load expected = Of(Number);
                if (Text != expected.Text || !Bytes.SequenceEqual(expected.Bytes) || !Map[$"{Number}"].SequenceEqual(expected.Map[$"{Number}"]))
                {
                    Totals.Wrong($"task {Number} got something else");
                }
            }
        }

        public static class Totals
        {
            public static int Sync, Async, User, Failed, Cancelled, Events, Logged, Wrongs;
            public static void Wrong(string what)
            {
                Interlocked.Increment(ref Wrongs);
                Console.Error.WriteLine(what);
            }
        }

        public sealed class Sync : IBackgroundTask<Load>
        {
            public void Run(Load parameters) { parameters.Check(); Interlocked.Increment(ref Totals.Sync); }
        }

        public sealed class Async : IAsyncBackgroundTask<Load>
        {
            public async Task RunAsync(Load parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
            {
                long id = context.Id.Value;
                await Task.Yield();
                parameters.Check();
                if (BackgroundTaskContext.Current!.Id.Value != id) { Totals.Wrong("another context"); }
                Interlocked.Increment(ref Totals.Async);
            }
        }

        public sealed class ForUser : IBackgroundTask<Load>, IUserConnectionRequired
        {
            private UserConnection? _user;
            public void SetUserConnection(UserConnection userConnection) => _user = userConnection;
            public void Run(Load parameters)
            {
                parameters.Check();
                if (_user!.Identity.Name != $"user {parameters.Number % 10}") { Totals.Wrong($"task {parameters.Number} got {_user.Identity.Name}"); }
                Interlocked.Increment(ref Totals.User);
            }
        }

        public sealed class Failing : IBackgroundTask<int> { public void Run(int parameters) => throw new InvalidOperationException($"{parameters}"); }

        public sealed class Waiting : IBackgroundTask<int>
        {
            public void Run(int parameters)
            {
                CancellationToken token = BackgroundTaskContext.Current!.CancellationToken;
                token.WaitHandle.WaitOne();
                token.ThrowIfCancellationRequested();
            }
        }

        public sealed class Logger : ILoggerFactory, ILogger
        {
            public ILogger CreateLogger(string categoryName) => this;
            public bool IsEnabled(LogLevel logLevel) => true;
            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (formatter(state, exception).Length > 0) { Interlocked.Increment(ref Totals.Logged); }
            }
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
            public void AddProvider(ILoggerProvider provider) { }
            public void Dispose() { }
        }

        public static class Program
        {
            private static volatile bool stop;

            public static async Task<int> Main(string[] arguments)
            {
                int rounds = int.Parse(arguments[0]);
                int ofNursery = CollectionsOf64Mebibytes();
                Thread collector = new(static () =>
                {
                    for (int turn = 0; !stop; turn++)
                    {
                        GC.Collect(turn % 3, GCCollectionMode.Forced, blocking: true, compacting: turn % 2 == 0);
                        if (turn % 10 == 0) { GC.WaitForPendingFinalizers(); }
                    }
                });
                collector.Start();
                UserConnection[] users = Enumerable.Range(0, 10)
                    .Select(static number => new UserConnection(new UserIdentity(Guid.NewGuid(), $"user {number}", "", "", new Dictionary<string, string>()))).ToArray();
                BackrunEngine engine = new(new BackrunOptions { Workers = 3, LoggerFactory = new Logger() });
                engine.TaskFinished += static (_, _) => Interlocked.Increment(ref Totals.Events);
                await Task.WhenAll(Enumerable.Range(0, 3).Select(starter => Task.Run(() => Start(engine, users, starter, rounds))));
                if (!(await engine.ShutdownAsync(ShutdownMode.Drain, Timeout.InfiniteTimeSpan)).Completed) { return 2; }
                EngineStatistics numbers = engine.GetStatistics();
                long ended = numbers.Succeeded + numbers.Dead + numbers.Cancelled;
                SpinWait.SpinUntil(() => Volatile.Read(ref Totals.Events) == ended, TimeSpan.FromMinutes(2));
                engine.Dispose();
                stop = true;
                collector.Join();
                Console.WriteLine($"{Totals.Wrongs} {Totals.Sync} {Totals.Async} {Totals.User} {Totals.Failed} {Totals.Cancelled} {ended - Totals.Events} {ofNursery} {(System.Runtime.GCSettings.IsServerGC ? 1 : 0)} {(Totals.Logged > 0 ? 1 : 0)}");
                return 0;
            }

            private static int CollectionsOf64Mebibytes()
            {
                int before = GC.CollectionCount(0);
                for (int number = 0; number < 8_192; number++) { GC.KeepAlive(new byte[8 * 1024]); }
                return GC.CollectionCount(0) - before;
            }

            private static async Task Start(BackrunEngine engine, UserConnection[] users, int starter, int rounds)
            {
                for (int round = 0; round < rounds; round++)
                {
                    int number = (starter * rounds) + round;
                    int collections = GC.CollectionCount(0);
                    Task sync = engine.StartNew<Sync, Load>(Load.Of(number)).Completion;
                    Task async = engine.StartNew<Async, Load>(Load.Of(number)).Completion;
                    Task user;
                    using (UserConnection.Use(users[number % 10]))
                    {
                        user = engine.StartNewWithUserConnection<ForUser, Load>(Load.Of(number)).Completion;
                    }

                    BackgroundTaskHandle waiting = engine.StartNew<Waiting, int>(number);
                    BackgroundTaskHandle failing = engine.StartNew<Failing, int>(number);
                    IReadOnlyList<BackgroundTaskHandle> many = engine.SubmitMany<Sync, Load>([Load.Of(number), Load.Of(number + 1)]);
                    engine.Cancel(waiting.Id);
                    try { await waiting.Completion; } catch (OperationCanceledException) { Interlocked.Increment(ref Totals.Cancelled); }
                    try { await failing.Completion; } catch (InvalidOperationException exception) when (exception.Message == $"{number}") { Interlocked.Increment(ref Totals.Failed); }
                    await Task.WhenAll(sync, async, user, many[0].Completion, many[1].Completion);
                    while (GC.CollectionCount(0) == collections) { await Task.Yield(); }
                    if (round % 20 == 0)
                    {
                        // One that nobody disposes of: the collector finds it, with what it still has.
                        BackrunEngine forgotten = new(new BackrunOptions { Workers = 1, LoggerFactory = new Logger() });
                        forgotten.StartNew<Sync, Load>(Load.Of(number));
                        Interlocked.Decrement(ref Totals.Sync);
                        await forgotten.StartNew<Sync, Load>(Load.Of(number)).Completion;
                        Interlocked.Decrement(ref Totals.Sync);
                    }
                }
            }
        }
        """;

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public async Task With_a_tiny_nursery_and_a_collector_that_never_rests_every_task_gets_what_is_its_own_under_the_workstation_and_the_server_collector(string server)
    {
        int rounds = Effort.Times(60, 3_000);
        using ChildProgram program = ChildProgram.Compile(Program);
        ChildProgram.Result result = await program.RunAsync(
            [$"{rounds}"],
            new Dictionary<string, string> { ["DOTNET_GCgen0size"] = "0x10000", ["DOTNET_gcServer"] = server, ["DOTNET_GCHeapCount"] = "2", ["DOTNET_TieredPGO"] = "0" });
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Errors));
        int[] numbers = result.Output.Split(' ').Select(static number => int.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        int all = 3 * rounds;
        Assert.Equal([0, 3 * all, all, all, all, all, 0], numbers[..7]);
        // With the usual nursery there is hardly one.
        Assert.True(numbers[7] > 50, $"Only {numbers[7]} collections while 64 MiB were allocated: the nursery is not tiny.");

        // With one core there is no collector for servers.
        Assert.Equal((Environment.ProcessorCount == 1 ? 0 : int.Parse(server, CultureInfo.InvariantCulture), 1), (numbers[8], numbers[9]));
    }
}
