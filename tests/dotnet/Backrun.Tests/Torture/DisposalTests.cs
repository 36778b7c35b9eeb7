using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests.Torture;

/// <summary>An engine can be disposed of at any moment and in any place.</summary>
public sealed class DisposalTests
{
    [Fact]
    public async Task Under_load_Dispose_ends_every_task_and_nothing_runs_after_it()
    {
        for (int round = 0; round < Effort.Times(40, 2_000); round++)
        {
            int running = 0;
            int started = 0;
            int finished = 0;
            int late = 0;
            bool disposed = false;
            BackrunOptions options = new() { Workers = 1 + (round % 4) };
            options.Queues["default"] = new QueueOptions { Capacity = 5_000 };
            BackrunEngine engine = Engines.New(options);
            int sync = Acts.Add((Action)(() =>
            {
                Interlocked.Increment(ref started);
                NoteIfLate();
                Interlocked.Increment(ref finished);
            }));
            int async = Acts.Add((Func<BackgroundTaskContext, CancellationToken, Task>)(async (_, _) =>
            {
                Interlocked.Increment(ref started);
                await Task.Yield();
                NoteIfLate();
                Interlocked.Increment(ref finished);
            }));
            Task<List<Task>>[] starters = Enumerable.Range(0, 4).Select(number => OnThreadOfItsOwn(() =>
            {
                List<Task> completions = [];
                Interlocked.Increment(ref running);
                try
                {
                    for (int count = 0; ; count++)
                    {
                        try
                        {
                            BackgroundTaskHandle handle = number % 2 == 0 ? engine.StartNew<Act, int>(sync) : engine.StartNew<AsyncAct, int>(async);
                            if (count % 100 == 0)
                            {
                                completions.Add(handle.Completion);
                            }
                        }
                        catch (QueueFullException)
                        {
                            Thread.Yield();
                        }
                    }
                }
                catch (Exception exception) when (IsOfTheEnd(exception))
                {
                    return completions;
                }
            })).ToArray();
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref running) == starters.Length && Volatile.Read(ref started) > 10 * (round % 10), Patience.Long));
            engine.Dispose();
            Volatile.Write(ref disposed, true);
            foreach (Task completion in (await Task.WhenAll(starters).WaitAsync(Patience.Long)).SelectMany(static each => each))
            {
                // Each that was asked for ends: it ran, or was cancelled, or the engine ended first, or it had been forgotten before it was asked for.
                try
                {
                    await completion.WaitAsync(Patience.Long);
                }
                catch (Exception exception) when (IsOfTheEnd(exception) || exception is OperationCanceledException or BackrunException { Code: BackrunErrorCode.NotFound })
                {
                    // As it should be.
                }
            }

            Assert.Equal(0, Volatile.Read(ref late));
            Assert.Equal(Volatile.Read(ref started), Volatile.Read(ref finished));

            void NoteIfLate()
            {
                if (Volatile.Read(ref disposed))
                {
                    Interlocked.Increment(ref late);
                }
            }
        }
    }

    [Fact]
    public async Task Under_load_Dispose_from_many_threads_and_inside_runs_at_once_ends_the_engine_for_all_of_them()
    {
        for (int round = 0; round < Effort.Times(40, 2_000); round++)
        {
            BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 2 });
            using Barrier together = new(4);
            int inside = Acts.Add((Action)engine.Dispose);
            Task<bool>[] all =
            [
                .. Enumerable.Range(0, 2).Select(number => OnThreadOfItsOwn(() =>
                {
                    together.SignalAndWait(Patience.Long);
                    if (number == 0)
                    {
                        engine.Dispose();
                        return true;
                    }

                    return engine.DisposeAsync().AsTask().Wait(Patience.Long);
                })),
                .. Enumerable.Range(0, 2).Select(_ => OnThreadOfItsOwn(() =>
                {
                    together.SignalAndWait(Patience.Long);
                    try
                    {
                        while (true)
                        {
                            engine.StartNew<Act, int>(inside);
                        }
                    }
                    catch (Exception exception) when (IsOfTheEnd(exception))
                    {
                        return true;
                    }
                })),
            ];
            Assert.DoesNotContain(false, await Task.WhenAll(all).WaitAsync(Patience.Long));
            engine.Dispose();
            Assert.Throws<ObjectDisposedException>(() => engine.StartNew<Act, int>(inside));
        }
    }

    [Theory]
    [InlineData("a constructor")]
    [InlineData("SetUserConnection")]
    [InlineData("the factory of connections")]
    [InlineData("the parameters, when they are read")]
    [InlineData("the parameters, when they are written")]
    [InlineData("Run")]
    [InlineData("RunAsync")]
    [InlineData("the disposal of the task")]
    [InlineData("the disposal of the connection")]
    [InlineData("the cancellation token")]
    [InlineData("TaskFinished")]
    [InlineData("a continuation of Completion")]
    [InlineData("the logger")]
    public async Task Inside_any_callback_Dispose_returns_and_the_engine_is_gone(string place)
    {
        for (int round = 0; round < Effort.Times(3, 300); round++)
        {
            using Disposer disposer = new(place);
            BackrunEngine engine = new(new BackrunOptions { Workers = 2, LoggerFactory = disposer, UserConnectionFactory = disposer });
            engine.TaskFinished += (_, _) => disposer.At("TaskFinished");
            disposer.Engine = engine;
            using UserConnection mine = new(Users.Ada);
            using (UserConnection.Use(mine))
            {
                try
                {
                    BackgroundTaskHandle handle = place is "RunAsync"
                        ? engine.StartNewWithUserConnection<EverywhereAsync, Parameters>(new Parameters { Key = disposer.Key })
                        : engine.StartNewWithUserConnection<Everywhere, Parameters>(new Parameters { Key = disposer.Key });
                    if (place == "a continuation of Completion")
                    {
                        _ = handle.Completion.ContinueWith(_ => disposer.At(place), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                    }
                    else if (place == "the cancellation token")
                    {
                        await disposer.Waiting.Soon();
                        engine.Cancel(handle.Id);
                    }
                }
                catch (Exception exception) when (IsOfTheEnd(exception))
                {
                    Assert.True(place is "the parameters, when they are written" or "the logger");
                }
            }

            await disposer.Disposed.Soon();
            Assert.Throws<ObjectDisposedException>(() => engine.GetStatistics());
        }
    }

    [Fact]
    public async Task In_a_finalizer_Dispose_ends_the_engine_and_finalizers_go_on()
    {
        for (int round = 0; round < Effort.Times(5, 500); round++)
        {
            TestLog log = new();
            TaskCompletionSource ended = Patience.Signal();
            TaskCompletionSource<bool> heard = Patience.Signal<bool>();
            MakeOwnerAndForget(log, ended, heard);
            await Patience.UntilCollected(() => ended.Task.IsCompleted);
            Assert.True(await heard.Soon());

            // What ran obeyed: the finalizer was not held up for the 5 s that Dispose may take.
            Assert.DoesNotContain(log.Lines, static line => line.Text.Contains("Dispose waited", StringComparison.Ordinal));
            Assert.Contains(log.Lines, static line => line.Text.Contains("cancelled 1 queued", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_logger_that_does_not_return_holds_Dispose_up_for_a_bounded_time_only()
    {
        ManualResetEventSlim gate = new();
        TaskCompletionSource stuck = Patience.Signal();
        BackrunEngine engine = new(new BackrunOptions { LoggerFactory = new StuckLogger(gate, stuck) });
        try
        {
            engine.Start(static () => throw new InvalidOperationException("to be told"));
            await stuck.Soon();
            await Task.Run(engine.Dispose, TestContext.Current.CancellationToken).WaitAsync(Patience.Long);
            Assert.Throws<ObjectDisposedException>(() => engine.GetStatistics());
        }
        finally
        {
            gate.Set();
        }
    }

    [Fact]
    public async Task Two_engines_whose_runs_dispose_of_each_other_both_end_at_the_time_limit()
    {
        BackrunEngine one = Engines.New();
        BackrunEngine other = Engines.New();
        using Barrier together = new(2);
        TaskCompletionSource[] ended = [Patience.Signal(), Patience.Signal()];
        Start(one, other, ended[0]);
        Start(other, one, ended[1]);
        await Task.WhenAll(ended[0].Soon(), ended[1].Soon());
        Assert.Throws<ObjectDisposedException>(() => one.GetStatistics());
        Assert.Throws<ObjectDisposedException>(() => other.GetStatistics());

        void Start(BackrunEngine engine, BackrunEngine victim, TaskCompletionSource end) => engine.Start(() =>
        {
            Assert.True(together.SignalAndWait(Patience.Long));
            victim.Dispose();
            end.SetResult();
        });
    }

    private static Task<T> OnThreadOfItsOwn<T>(Func<T> function) => Task.Factory.StartNew(function, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static bool IsOfTheEnd(Exception exception) =>
        exception is ObjectDisposedException or BackrunException { Code: BackrunErrorCode.ShuttingDown or BackrunErrorCode.ShutdownIncomplete };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeOwnerAndForget(TestLog log, TaskCompletionSource ended, TaskCompletionSource<bool> heard)
    {
        BackrunEngine engine = new(new BackrunOptions { Workers = 1, LoggerFactory = log });
        using ManualResetEventSlim running = new();
        engine.Start(() =>
        {
            CancellationToken token = BackgroundTaskContext.Current!.CancellationToken;
            running.Set();
            heard.SetResult(token.WaitHandle.WaitOne(Patience.Long));
        });
        engine.Start(static () => { });
        running.WaitSoon();
        _ = new Owner(engine, ended);
    }

    private sealed class Owner(BackrunEngine engine, TaskCompletionSource ended)
    {
        ~Owner()
        {
            engine.Dispose();
            ended.TrySetResult();
        }
    }

    private sealed class StuckLogger(ManualResetEventSlim gate, TaskCompletionSource stuck) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error)
            {
                stuck.TrySetResult();
                gate.Wait();
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Disposes of an engine in one of many places, once.</summary>
    private sealed class Disposer : ILoggerFactory, ILogger, IUserConnectionFactory
    {
        private static readonly System.Collections.Concurrent.ConcurrentDictionary<int, Disposer> All = new();
        private static int _last;
        private readonly string _place;
        private int _done;

        internal Disposer(string place)
        {
            _place = place;
            Key = Interlocked.Increment(ref _last);
            All[Key] = this;
        }

        internal int Key { get; }

        internal BackrunEngine? Engine { get; set; }

        internal TaskCompletionSource Disposed { get; } = Patience.Signal();

        internal TaskCompletionSource Waiting { get; } = Patience.Signal();

        internal bool Waits => _place == "the cancellation token";

        internal static Disposer Of(int key) => All[key];

        internal void At(string place)
        {
            if (place == _place && Engine is { } engine && Interlocked.Exchange(ref _done, 1) == 0)
            {
                engine.Dispose();
                Disposed.SetResult();
            }
        }

        public UserConnection Open(UserIdentity identity)
        {
            At("the factory of connections");
            return new Connection(identity, this);
        }

        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => At("the logger");

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose() => All.TryRemove(Key, out _);
    }

    private sealed class Connection(UserIdentity identity, Disposer disposer) : UserConnection(identity)
    {
        internal static void At(string place) => (Current as Connection)?.Of.At(place);

        internal Disposer Of => disposer;

        protected override void Dispose(bool disposing)
        {
            disposer.At("the disposal of the connection");
            base.Dispose(disposing);
        }
    }

    public sealed class Parameters
    {
        private int _key;

        public int Key
        {
            get
            {
                Disposer.Of(_key).At("the parameters, when they are written");
                return _key;
            }

            set
            {
                _key = value;
                if (BackgroundTaskContext.Current is not null)
                {
                    Disposer.Of(_key).At("the parameters, when they are read");
                }
            }
        }
    }

    public sealed class Everywhere : IBackgroundTask<Parameters>, IUserConnectionRequired, IDisposable
    {
        public Everywhere() => Connection.At("a constructor");

        public void SetUserConnection(UserConnection userConnection) => Connection.At("SetUserConnection");

        public void Run(Parameters parameters)
        {
            Connection.At("Run");
            Disposer disposer = ((Connection)UserConnection.Current!).Of;
            if (disposer.Waits)
            {
                CancellationToken token = BackgroundTaskContext.Current!.CancellationToken;
                token.Register(() => disposer.At("the cancellation token"));
                disposer.Waiting.SetResult();
                token.WaitHandle.WaitOne(Patience.Long);
            }
        }

        public void Dispose() => Connection.At("the disposal of the task");
    }

    public sealed class EverywhereAsync : IAsyncBackgroundTask<Parameters>, IUserConnectionRequired
    {
        public void SetUserConnection(UserConnection userConnection)
        {
        }

        public async Task RunAsync(Parameters parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
        {
            await Task.Yield();
            Connection.At("RunAsync");
        }
    }
}
