using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests.Torture;

/// <summary>Whatever a run throws is the failure of that run, told as well as it can be told, and of nothing else.</summary>
public sealed class OddExceptionTests
{
    private static readonly Exception Shared = new TimeZoneNotFoundException("one for all");

#pragma warning disable CA2201 // The runtime's own exceptions, as a run may throw them too.
    private static readonly Dictionary<string, Func<Exception>> Kinds = new(StringComparer.Ordinal)
    {
        ["no message"] = static () => new OddExceptions.NoMessageException(),
        ["a message that throws"] = static () => new OddExceptions.ThrowingMessageException(),
        ["a ToString that throws"] = static () => new OddExceptions.ThrowingTextException(),
        ["a ToString that throws itself"] = static () => new OddExceptions.ThrowingItselfException(),
        ["a stack trace that throws"] = static () => new OddExceptions.ThrowingStackException(),
        ["data that throws"] = static () => new OddExceptions.ThrowingDataException(),
        ["everything throws"] = static () => new FailureTests.HostileException(),
        ["equality and hash code that throw"] = static () => new OddExceptions.ThrowingEqualityException(),
        ["AggregateException"] = static () => new AggregateException("several", new InvalidOperationException("one"), new AggregateException(new FormatException("two"))),
        ["an empty AggregateException"] = static () => new AggregateException(),
        ["an AggregateException of a thousand"] = static () => new AggregateException(Enumerable.Range(0, 1_000).Select(static number => new InvalidOperationException($"{number}"))),
        ["ThreadInterruptedException"] = static () => new ThreadInterruptedException("nobody interrupted"),
        ["one that cannot be serialised"] = static () => new OddExceptions.NotSerialisableException(),
        ["TargetInvocationException"] = static () => new TargetInvocationException("outer", new InvalidOperationException("inner")),
        ["TypeInitializationException"] = static () => new TypeInitializationException("Some.Type", new InvalidOperationException("inner")),
        ["OutOfMemoryException"] = static () => new OutOfMemoryException("not really"),
        ["StackOverflowException"] = static () => new StackOverflowException("not really"),
        ["AccessViolationException"] = static () => new AccessViolationException("not really"),
        ["InvalidProgramException"] = static () => new InvalidProgramException("not really"),
        ["TaskCanceledException"] = static () => new TaskCanceledException("nobody asked"),
        ["OperationCanceledException of a foreign token"] = static () => new OperationCanceledException(new CancellationToken(canceled: true)),
        ["BackrunException"] = static () => new BackrunException(BackrunErrorCode.ShuttingDown, "not really"),
        ["QueueFullException"] = static () => new QueueFullException("not really"),
        ["TaskSerializationException"] = static () => new TaskSerializationException("not really"),
        ["ObjectDisposedException of the engine"] = static () => new ObjectDisposedException(nameof(BackrunEngine)),
        ["one instance for many runs"] = static () => Shared,
        ["a generic one with a long name"] = static () => new OddExceptions.GenericException<Dictionary<Dictionary<string, List<int>>, Dictionary<Dictionary<string, Type>, Dictionary<string, List<Dictionary<string, Action<string, string>>>>>>>(),
        ["one of a dynamic assembly"] = static () => (Exception)Activator.CreateInstance(DynamicException())!,
        ["a hundred thousand inner ones"] = static () => Nested(100_000, static inner => new InvalidOperationException("outer", inner)),
        ["a hundred thousand inner AggregateExceptions"] = static () => Nested(100_000, static inner => new AggregateException("outer", inner)),
        ["a tree of a million inner ones"] = static () => Nested(20, static inner => new AggregateException("twice", inner, new InvalidOperationException("again", inner))),
    };
#pragma warning restore CA2201

    public static TheoryData<string> KindNames => [.. Kinds.Keys];

    [Theory]
    [MemberData(nameof(KindNames))]
    public async Task Whatever_kind_it_is_it_reaches_whoever_awaits_the_status_the_event_and_the_log_and_nothing_else(string kind)
    {
        KeepingLog log = new();
        using BackrunEngine engine = new(new BackrunOptions { Workers = 1, LoggerFactory = log });
        List<BackgroundTaskId> ids = [];
        foreach (bool asynchronous in new[] { false, true })
        {
            Exception thrown = Kinds[kind]();
            TaskCompletionSource<BackgroundTaskFinishedEventArgs> told = Patience.Signal<BackgroundTaskFinishedEventArgs>();
            void Tell(object? sender, BackgroundTaskFinishedEventArgs args) => told.TrySetResult(args);
            engine.TaskFinished += Tell;
            BackgroundTaskHandle handle = asynchronous
                ? engine.StartAsync(async (_, _) =>
                {
                    await Task.Yield();
                    throw thrown;
                })
                : engine.Start(() => throw thrown);
            Assert.True(ReferenceEquals(thrown, await CaughtAsync(handle)), "Whoever awaits got another exception.");
            BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
            Assert.Equal(BackgroundTaskState.Dead, status.State);
            Assert.NotEmpty(status.Error!.Type);
            Assert.NotEmpty(status.Error.Detail);
            Assert.True(ReferenceEquals(thrown, (await told.Soon()).Exception), "TaskFinished told another exception.");
            engine.TaskFinished -= Tell;
            ids.Add(handle.Id);
            await engine.Start(static () => { }).Done();
        }

        Assert.Equal((2, 2), (engine.GetStatistics().Dead, engine.GetStatistics().Succeeded));
        engine.Dispose();
        Assert.Equal(ids.Select(static id => (id.Value, 1)), log.Counts);
    }

    [Fact]
    public async Task Something_thrown_that_is_no_exception_is_a_failure_too()
    {
        DynamicMethod method = new("ThrowText", typeof(void), Type.EmptyTypes, typeof(OddExceptionTests).Module);
        ILGenerator code = method.GetILGenerator();
        code.Emit(OpCodes.Ldstr, "a text is thrown");
        code.Emit(OpCodes.Throw);
        Action act = method.CreateDelegate<Action>();
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = engine.Start(act);
        Assert.Equal("a text is thrown", (await handle.Fails<RuntimeWrappedException>()).WrappedException);
        Assert.Equal("System.Runtime.CompilerServices.RuntimeWrappedException", engine.GetStatus(handle.Id)!.Error!.Type);
        await engine.Start(static () => { }).Done();
    }

    [Fact]
    public async Task A_run_that_is_interrupted_while_it_waits_fails_by_that_and_its_worker_goes_on()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        for (int round = 0; round < 20; round++)
        {
            TaskCompletionSource<Thread> running = Patience.Signal<Thread>();
            BackgroundTaskHandle handle = engine.Start(() =>
            {
                running.SetResult(Thread.CurrentThread);
                Thread.Sleep(Timeout.Infinite);
            });
            (await running.Soon()).Interrupt();
            await handle.Fails<ThreadInterruptedException>();
            Assert.Equal("System.Threading.ThreadInterruptedException", engine.GetStatus(handle.Id)!.Error!.Type);
            await engine.Start(static () => Thread.Sleep(1)).Done();
        }
    }

    [Fact]
    public async Task A_chain_of_exceptions_that_is_too_deep_to_print_is_told_by_its_first_ones()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = engine.Start(static () => throw Nested(100_000, static inner => new InvalidOperationException("outer", inner)));
        Assert.IsType<InvalidOperationException>(await CaughtAsync(handle));
        BackgroundTaskError error = engine.GetStatus(handle.Id)!.Error!;
        Assert.Equal(("System.InvalidOperationException", "outer"), (error.Type, error.Message));
        Assert.Contains("System.InvalidOperationException: outer", error.Detail, StringComparison.Ordinal);
        Assert.Contains(nameof(A_chain_of_exceptions_that_is_too_deep_to_print_is_told_by_its_first_ones), error.Detail, StringComparison.Ordinal);
        Assert.Contains("too deep", error.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_runs_that_throw_the_same_exception_at_once_each_fail_by_it()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 8 });
        BackgroundTaskHandle[] handles = Enumerable.Range(0, 500).Select(_ => engine.Start(static () => throw Shared)).ToArray();
        foreach (BackgroundTaskHandle handle in handles)
        {
            Assert.Same(Shared, await CaughtAsync(handle));
        }

        Assert.Equal(500, engine.GetStatistics().Dead);
    }

    /// <summary>xunit's own assertions would ask the exception for its message.</summary>
    private static async Task<Exception?> CaughtAsync(BackgroundTaskHandle handle)
    {
        try
        {
            await handle.Done();
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    private static Exception Nested(int levels, Func<Exception, Exception> wrap)
    {
        Exception exception = new FormatException("innermost");
        for (int level = 0; level < levels; level++)
        {
            exception = wrap(exception);
        }

        return exception;
    }

    private static Type DynamicException()
    {
        AssemblyBuilder assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("OddExceptions"), AssemblyBuilderAccess.Run);
        return assembly.DefineDynamicModule("Main").DefineType("Odd.Dynamic", TypeAttributes.Public, typeof(Exception)).CreateType();
    }

    /// <summary>Counts error lines by task, and never looks into an exception.</summary>
    private sealed class KeepingLog : ILoggerFactory, ILogger
    {
        private readonly System.Collections.Concurrent.ConcurrentDictionary<long, int> _counts = new();

        /// <summary>Each task with its lines. All that come have come when the engine is disposed of.</summary>
        internal IEnumerable<(long Id, int Lines)> Counts => _counts.Select(static pair => (pair.Key, pair.Value)).OrderBy(static pair => pair.Key);

        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error && state is IReadOnlyList<KeyValuePair<string, object?>> values)
            {
                long id = (long)(values.FirstOrDefault(static value => value.Key == "TaskId").Value ?? 0L);
                _counts.AddOrUpdate(id, 1, static (_, count) => count + 1);
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
}
