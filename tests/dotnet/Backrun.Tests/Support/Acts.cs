using System;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Tasks;

namespace Backrun.Tests.Support;

/// <summary>What tests give their tasks to do: tasks get a number and look up here what it stands for.</summary>
internal static class Acts
{
    private static readonly ConcurrentDictionary<int, Delegate> All = new();
    private static int _last;

    internal static BackgroundTaskHandle Start(this BackrunEngine engine, Action act, StartOptions? options = null) => engine.StartNew<Act, int>(Add(act), options);

    internal static BackgroundTaskHandle StartAsync(
        this BackrunEngine engine, Func<BackgroundTaskContext, CancellationToken, Task> act, StartOptions? options = null) =>
        engine.StartNew<AsyncAct, int>(Add(act), options);

    internal static int Add(Delegate act)
    {
        int number = Interlocked.Increment(ref _last);
        All[number] = act;
        return number;
    }

    internal static T Take<T>(int number)
        where T : Delegate => (T)All[number];
}

/// <summary>Does what a test gave it, synchronously.</summary>
public sealed class Act : IBackgroundTask<int>
{
    public void Run(int parameters) => Acts.Take<Action>(parameters)();
}

/// <summary>Does what a test gave it, asynchronously.</summary>
public sealed class AsyncAct : IAsyncBackgroundTask<int>
{
    public Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken) =>
        Acts.Take<Func<BackgroundTaskContext, CancellationToken, Task>>(parameters)(context, cancellationToken);
}

/// <summary>Does what a test gave it, with the user's connection.</summary>
public sealed class UserAct : IBackgroundTask<int>, IUserConnectionRequired
{
    private UserConnection? _connection;

    public void SetUserConnection(UserConnection userConnection) => _connection = userConnection;

    public void Run(int parameters) => Acts.Take<Action<UserConnection?>>(parameters)(_connection);
}
