using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests;

/// <summary>Events, log lines and services.</summary>
public sealed class ObservationTests
{
    [Fact]
    public async Task TaskFinished_tells_of_each_end_once_in_order_on_the_thread_pool()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        ConcurrentQueue<(long Id, BackgroundTaskState State)> told = new();
        bool inPool = true;
        engine.TaskFinished += (sender, args) =>
        {
            Assert.Same(engine, sender);
            inPool &= Thread.CurrentThread.IsThreadPoolThread;
            told.Enqueue((args.Id.Value, args.State));
        };
        BackgroundTaskHandle[] handles = Enumerable.Range(0, 300).Select(number => number % 3 == 0
            ? engine.Start(static () => throw new InvalidOperationException("on purpose"))
            : engine.Start(static () => { })).ToArray();
        await engine.ShutdownLater(ShutdownMode.Drain);
        Assert.Equal(handles.Select(static (handle, number) => (handle.Id.Value, number % 3 == 0 ? BackgroundTaskState.Dead : BackgroundTaskState.Succeeded)), told);
        Assert.True(inPool);
    }

    [Fact]
    public async Task TaskFinished_tells_of_cancelled_and_dropped_tasks_with_their_reason()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1, Queues = { ["default"] = new QueueOptions { Capacity = 1, WhenFull = WhenFull.DropOldest } } });
        ConcurrentDictionary<long, BackgroundTaskFinishedEventArgs> told = new();
        engine.TaskFinished += (_, args) => told[args.Id.Value] = args;
        using ManualResetEventSlim gate = new();
        using ManualResetEventSlim running = new();
        engine.Start(() =>
        {
            running.Set();
            gate.WaitSoon();
        });
        running.WaitSoon();
        BackgroundTaskHandle dropped = engine.Start(static () => { });
        BackgroundTaskHandle cancelled = engine.Start(static () => { });
        engine.Cancel(cancelled.Id, "the reason");
        gate.Set();
        await engine.ShutdownLater(ShutdownMode.Drain);
        Assert.Equal(BackgroundTaskState.Dropped, told[dropped.Id.Value].State);
        Assert.Equal((BackgroundTaskState.Cancelled, "the reason"), (told[cancelled.Id.Value].State, told[cancelled.Id.Value].ErrorMessage));
        Assert.Equal((0, TimeSpan.Zero), (told[cancelled.Id.Value].Attempt, told[cancelled.Id.Value].Duration));
    }

    [Fact]
    public async Task What_a_handler_throws_is_a_log_line_and_the_others_are_called()
    {
        TestLog log = new();
        using BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        TaskCompletionSource second = Patience.Signal();
        engine.TaskFinished += static (_, _) => throw new NotSupportedException("a handler that throws");
        engine.TaskFinished += (_, _) => second.TrySetResult();
        engine.Start(static () => { });
        await second.Soon();
        TestLog.Line line = await log.WaitFor(static each => each.Exception is NotSupportedException);
        Assert.Equal(LogLevel.Warning, line.Level);
        Assert.Contains("TaskFinished", line.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_was_removed_hears_no_more()
    {
        using BackrunEngine engine = Engines.New();
        int told = 0;
        void Handler(object? sender, BackgroundTaskFinishedEventArgs args) => Interlocked.Increment(ref told);
        engine.TaskFinished += Handler;
        engine.TaskFinished -= Handler;
        await engine.Start(static () => { }).Done();
        await engine.ShutdownLater(ShutdownMode.Drain);
        Assert.Equal(0, told);
        engine.Dispose();
        engine.TaskFinished -= Handler;
    }

    [Fact]
    public async Task A_handler_may_start_tasks_and_shut_the_engine_down()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource<ShutdownReport> report = Patience.Signal<ShutdownReport>();
        int first = 0;
        engine.TaskFinished += (_, _) =>
        {
            if (Interlocked.Exchange(ref first, 1) == 0)
            {
                engine.Start(static () => { }).Completion.Wait(Patience.Long);
                report.SetResult(engine.ShutdownAsync(ShutdownMode.Drain, Patience.Long).GetAwaiter().GetResult());
            }
        };
        engine.Start(static () => { });
        Assert.True((await report.Soon()).Completed);
    }

    [Fact]
    public async Task The_log_is_of_category_Backrun_and_has_the_tasks_id_and_name()
    {
        TestLog log = new();
        BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        BackgroundTaskHandle handle = engine.Start(static () => throw new InvalidTimeZoneException("on purpose"));
        await handle.Fails<InvalidTimeZoneException>();
        engine.Dispose();
        Assert.Equal("Backrun", log.Category);
        TestLog.Line failed = Assert.Single(log.Lines, static line => line.Level == LogLevel.Error);
        Assert.Equal((handle.Id.Value, "Backrun.Tests.Support.Act", "default"), (failed.Values["TaskId"], failed.Values["TaskName"], failed.Values["Queue"]));
        Assert.Contains($"task {handle.Id.Value} 'Backrun.Tests.Support.Act'", failed.Text, StringComparison.Ordinal);
        Assert.IsType<InvalidTimeZoneException>(failed.Exception);
        Assert.Contains(log.Lines, line => line.Level == LogLevel.Debug && (long?)line.Values.GetValueOrDefault("TaskId") == handle.Id.Value);
        Assert.Contains(log.Lines, static line => line.Level == LogLevel.Information);
    }

    [Fact]
    public async Task The_engine_tells_only_what_the_logger_wants()
    {
        TestLog log = new(LogLevel.Error);
        BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        await engine.Start(static () => throw new InvalidTimeZoneException("on purpose")).Fails<InvalidTimeZoneException>();
        engine.Dispose();
        Assert.All(log.Lines, static line => Assert.Equal(LogLevel.Error, line.Level));
        Assert.Single(log.Lines);
    }

    [Fact]
    public async Task No_payload_user_or_header_stands_in_any_log_line()
    {
        TestLog log = new();
        BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        using UserConnection mine = new(Users.Ada with { Name = "a-secret-user" });
        using IDisposable use = UserConnection.Use(mine);
        await engine.StartNew<FailWithText, string>("a-secret-text").Fails<InvalidTimeZoneException>();
        await engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(static _ => throw new InvalidTimeZoneException("on purpose")))).Fails<InvalidTimeZoneException>();
        engine.Dispose();
        Assert.NotEmpty(log.Lines);
        Assert.All(log.Lines, static line => Assert.DoesNotContain("secret", $"{line.Text}{line.Exception}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_logger_that_throws_takes_nothing_down()
    {
        BackrunEngine engine = new(new BackrunOptions { LoggerFactory = new ThrowingLoggers() });
        await engine.Start(static () => throw new InvalidTimeZoneException("on purpose")).Fails<InvalidTimeZoneException>();
        await engine.Start(static () => { }).Done();
        engine.Dispose();
    }

    [Fact]
    public async Task Services_give_the_constructor_parameters_the_logger_and_the_factory()
    {
        TestLog log = new();
        ServiceCollection collection = new();
        collection.AddSingleton<ILoggerFactory>(log);
        collection.AddSingleton<IUserConnectionFactory>(new Users.Factory(static identity => new Users.DerivedConnection(identity)));
        collection.AddScoped<Scoped>();
        await using ServiceProvider services = collection.BuildServiceProvider(validateScopes: true);
        using BackrunEngine engine = new(new BackrunOptions { Services = services });
        Injected.Seen.Clear();
        await engine.StartNew<Injected, int>(1).Done();
        await engine.StartNew<Injected, int>(2).Done();
        Assert.Equal(2, Injected.Seen.Distinct().Count());
        Assert.All(Injected.Seen, static scoped => Assert.True(scoped.Disposed));
        await engine.StartNew<InjectedAsync, int>(1).Done();
        await engine.StartNew<ManyConstructors, int>(1).Done();
        Assert.Equal("Backrun", log.Category);
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        await engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(static connection => Assert.IsType<Users.DerivedConnection>(connection)))).Done();
        await engine.Start(static () => { }).Done();
    }

    [Fact]
    public async Task A_service_that_is_missing_fails_that_task()
    {
        await using ServiceProvider services = new ServiceCollection().BuildServiceProvider();
        using BackrunEngine engine = Engines.New(new BackrunOptions { Services = services });
        InvalidOperationException thrown = await engine.StartNew<Injected, int>(1).Fails<InvalidOperationException>();
        Assert.Contains(nameof(Scoped), thrown.Message, StringComparison.Ordinal);
    }

    public sealed class FailWithText : IBackgroundTask<string>
    {
        public void Run(string parameters) => throw new InvalidTimeZoneException("on purpose");
    }

    public sealed class Scoped : IDisposable
    {
        internal bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }

    public sealed class Injected(Scoped scoped) : IBackgroundTask<int>
    {
        internal static List<Scoped> Seen { get; } = [];

        public void Run(int parameters)
        {
            Assert.False(scoped.Disposed);
            Seen.Add(scoped);
        }
    }

    public sealed class InjectedAsync(Scoped scoped) : IAsyncBackgroundTask<int>
    {
        public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
        {
            await Task.Yield();
            Assert.False(scoped.Disposed);
        }
    }

    public sealed class ManyConstructors : IBackgroundTask<int>
    {
        private readonly Scoped? _scoped;

        public ManyConstructors()
        {
        }

        public ManyConstructors(Scoped scoped) => _scoped = scoped;

        public void Run(int parameters) => Assert.NotNull(_scoped);
    }

    private sealed class ThrowingLoggers : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("a logger that throws");

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }
    }
}
