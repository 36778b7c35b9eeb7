using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests;

/// <summary>What a task throws is its own failure, told whole, and touches nothing else.</summary>
public sealed class FailureTests
{
    [Fact]
    public async Task What_Run_throws_is_the_tasks_failure_with_type_message_and_stack()
    {
        TestLog log = new();
        using BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        TaskCompletionSource<BackgroundTaskFinishedEventArgs> told = Patience.Signal<BackgroundTaskFinishedEventArgs>();
        engine.TaskFinished += (_, args) => told.TrySetResult(args);
        Exception thrown = new InvalidOperationException("outer", new FormatException("inner"));
        BackgroundTaskHandle handle = engine.Start(() => ThrowFromHere(thrown));
        Assert.Same(thrown, await handle.Fails<InvalidOperationException>());

        BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
        Assert.Equal((BackgroundTaskState.Dead, true, 1), (status.State, status.IsFinal, status.Attempt));
        Assert.Equal(("System.InvalidOperationException", "outer"), (status.Error!.Type, status.Error.Message));
        Assert.Contains(nameof(ThrowFromHere), status.Error.Detail, StringComparison.Ordinal);
        Assert.Contains("System.FormatException: inner", status.Error.Detail, StringComparison.Ordinal);

        BackgroundTaskFinishedEventArgs args = await told.Soon();
        Assert.Equal((handle.Id, BackgroundTaskState.Dead, "default", 1), (args.Id, args.State, args.Queue, args.Attempt));
        Assert.Equal(("System.InvalidOperationException", "outer"), (args.ErrorType, args.ErrorMessage));
        Assert.Contains(nameof(ThrowFromHere), args.ErrorDetail, StringComparison.Ordinal);
        Assert.Same(thrown, args.Exception);

        TestLog.Line line = await log.WaitFor(static each => each.Level == LogLevel.Error);
        Assert.Same(thrown, line.Exception);
        Assert.Equal((handle.Id.Value, status.TaskName), (line.Values["TaskId"], line.Values["TaskName"]));
    }

    [Fact]
    public async Task What_a_constructor_throws_is_the_tasks_failure_as_it_was_thrown()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = engine.StartNew<ThrowingConstructor, int>(1);
        InvalidTimeZoneException thrown = await handle.Fails<InvalidTimeZoneException>();
        Assert.Equal("constructor", thrown.Message);
        Assert.Contains(".ctor", engine.GetStatus(handle.Id)!.Error!.Detail, StringComparison.Ordinal);
        await engine.Start(static () => { }).Done();
    }

    [Fact]
    public async Task What_SetUserConnection_throws_is_the_tasks_failure_and_the_instance_and_connection_are_disposed_of()
    {
        Users.DerivedConnection? opened = null;
        using BackrunEngine engine = Engines.New(new BackrunOptions { UserConnectionFactory = new Users.Factory(identity => opened = new Users.DerivedConnection(identity)) });
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        BackgroundTaskHandle handle = engine.StartNewWithUserConnection<ThrowingSetter, int>(1);
        await handle.Fails<InvalidTimeZoneException>();
        Assert.Contains(nameof(IUserConnectionRequired.SetUserConnection), engine.GetStatus(handle.Id)!.Error!.Detail, StringComparison.Ordinal);
        Assert.Equal((1, 1), (ThrowingSetter.Disposals, opened!.Disposals));
        await engine.Start(static () => { }).Done();
    }

    [Fact]
    public async Task What_RunAsync_throws_before_and_after_its_first_await_is_the_tasks_failure()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle atOnce = engine.StartAsync(static (_, _) => throw new InvalidTimeZoneException("at once"));
        BackgroundTaskHandle before = engine.StartAsync(static async (_, _) =>
        {
            await Task.CompletedTask;
            throw new InvalidTimeZoneException("before");
        });
        BackgroundTaskHandle after = engine.StartAsync(static async (_, _) =>
        {
            await Task.Yield();
            throw new InvalidTimeZoneException("after");
        });
        BackgroundTaskHandle none = engine.StartAsync(static (_, _) => null!);
        foreach ((BackgroundTaskHandle handle, string message) in new[] { (atOnce, "at once"), (before, "before"), (after, "after") })
        {
            Assert.Equal(message, (await handle.Fails<InvalidTimeZoneException>()).Message);
            BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
            Assert.Equal((BackgroundTaskState.Dead, "System.InvalidTimeZoneException", message), (status.State, status.Error!.Type, status.Error.Message));
            Assert.Contains(nameof(What_RunAsync_throws_before_and_after_its_first_await_is_the_tasks_failure), status.Error.Detail, StringComparison.Ordinal);
        }

        Assert.Contains("returned null", (await none.Fails<InvalidOperationException>()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exception_whose_own_members_throw_or_are_null_is_told_as_well_as_can_be()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle hostile = engine.Start(static () => throw new HostileException());
        try
        {
            await hostile.Done();
            Assert.Fail("It did not fail.");
        }
        catch (HostileException)
        {
            // xunit's own assertions would ask it for its message.
        }

        BackgroundTaskError error = engine.GetStatus(hostile.Id)!.Error!;
        Assert.Contains(nameof(HostileException), error.Type, StringComparison.Ordinal);
        Assert.Contains("threw", error.Message, StringComparison.Ordinal);
        Assert.Contains("threw", error.Detail, StringComparison.Ordinal);

        BackgroundTaskHandle empty = engine.Start(static () => throw new NullMessageException());
        await empty.Fails<NullMessageException>();
        Assert.Equal(string.Empty, engine.GetStatus(empty.Id)!.Error!.Message);

        BackgroundTaskHandle odd = engine.Start(static () => throw new InvalidOperationException("lone \ud800 surrogate, \0, ünï"));
        await odd.Fails<InvalidOperationException>();
        Assert.Contains("surrogate, \0, ünï", engine.GetStatus(odd.Id)!.Error!.Message, StringComparison.Ordinal);

        BackgroundTaskHandle huge = engine.Start(static () => throw new InvalidOperationException(new string('ä', 1_000_000)));
        Assert.Equal(1_000_000, (await huge.Fails<InvalidOperationException>()).Message.Length);
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(engine.GetStatus(huge.Id)!.Error!.Message), 4000, 4096);
        await engine.Start(static () => { }).Done();
    }

    [Fact]
    public async Task A_thousand_failures_leave_the_engine_as_it_was()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 4 });
        BackgroundTaskHandle[] failing = Enumerable.Range(0, 1_500).Select(number => engine.Start(() => throw new InvalidOperationException($"{number}"))).ToArray();
        BackgroundTaskHandle sound = engine.Start(static () => { });
        await sound.Done();
        foreach (BackgroundTaskHandle handle in failing)
        {
            Exception thrown = await Assert.ThrowsAnyAsync<Exception>(() => handle.Done());
            Assert.True(thrown is InvalidOperationException or BackgroundTaskFailedException);
        }

        Assert.Equal((1_500, 1), (engine.GetStatistics().Dead, engine.GetStatistics().Succeeded));
    }

    [Fact]
    public async Task An_exception_that_is_no_longer_kept_is_told_by_what_was_recorded()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        BackgroundTaskHandle oldest = engine.Start(static () => throw new InvalidTimeZoneException("the oldest"));
        BackgroundTaskHandle last = oldest;
        for (int number = 0; number < 1_100; number++)
        {
            last = engine.Start(static () => throw new InvalidOperationException("newer"));
        }

        await last.Fails<InvalidOperationException>();
        BackgroundTaskFailedException thrown = await oldest.Fails<BackgroundTaskFailedException>();
        Assert.Equal(BackrunErrorCode.TaskFailed, thrown.Code);
        Assert.Equal((oldest.Id, "System.InvalidTimeZoneException", "the oldest"), (thrown.Id, thrown.Error!.Type, thrown.Error.Message));
        Assert.Contains("the oldest", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Instances_are_disposed_of_after_the_run_however_it_ended()
    {
        TestLog log = new();
        using BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log });
        await engine.StartNew<Disposable, int>(0).Done();
        await engine.StartNew<Disposable, int>(1).Fails<InvalidOperationException>();
        await engine.StartNew<AsyncDisposable, int>(0).Done();
        Assert.Equal((2, 1), (Disposable.Disposals, AsyncDisposable.Disposals));
        await engine.StartNew<Disposable, int>(2).Done();
        TestLog.Line line = await log.WaitFor(static each => each.Exception is NotSupportedException);
        Assert.Equal(LogLevel.Warning, line.Level);
    }

    [Fact]
    public async Task A_sync_task_that_disposes_asynchronously_is_waited_for()
    {
        using BackrunEngine engine = Engines.New();
        await engine.StartNew<SlowlyDisposed, int>(0).Done();
        Assert.True(SlowlyDisposed.Disposed);
    }

    private static void ThrowFromHere(Exception exception) => throw exception;

    public sealed class ThrowingConstructor : IBackgroundTask<int>
    {
        public ThrowingConstructor() => throw new InvalidTimeZoneException("constructor");

        public void Run(int parameters)
        {
        }
    }

    public sealed class ThrowingSetter : IBackgroundTask<int>, IUserConnectionRequired, IDisposable
    {
        internal static int Disposals { get; private set; }

        public void SetUserConnection(UserConnection userConnection) => throw new InvalidTimeZoneException("setter");

        public void Run(int parameters)
        {
        }

        public void Dispose() => Disposals++;
    }

    public sealed class HostileException : Exception
    {
        public override string Message => throw new InvalidOperationException("no message");

        public override string ToString() => throw new InvalidOperationException("no text");
    }

    public sealed class NullMessageException : Exception
    {
        public override string Message => null!;

        public override string ToString() => null!;
    }

    public sealed class Disposable : IBackgroundTask<int>, IDisposable
    {
        private int _what;

        internal static int Disposals { get; private set; }

        public void Run(int parameters)
        {
            _what = parameters;
            if (parameters == 1)
            {
                throw new InvalidOperationException("on purpose");
            }
        }

        public void Dispose()
        {
            if (_what == 2)
            {
                throw new NotSupportedException("not to be disposed of");
            }

            Disposals++;
        }
    }

    public sealed class AsyncDisposable : IAsyncBackgroundTask<int>, IAsyncDisposable
    {
        internal static int Disposals { get; private set; }

        public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken) => await Task.Yield();

        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            Disposals++;
        }
    }

    public sealed class SlowlyDisposed : IBackgroundTask<int>, IAsyncDisposable
    {
        internal static bool Disposed { get; private set; }

        public void Run(int parameters)
        {
        }

        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            Disposed = true;
        }
    }
}
