using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backrun.Sample;

/// <summary>Indexes a folder: hands every file over as a background task and watches how each ends.</summary>
internal sealed class FolderIndex : IDisposable
{
    // Unfinished tasks at one time. Enough to keep every worker busy, and a folder of a million files needs no more
    // memory than one of a thousand.
    private const int Room = 4096;

    private static readonly TimeSpan TimeToStop = TimeSpan.FromSeconds(5);

    // Whoever loops for ever will not stop in five seconds either.
    private static readonly TimeSpan TimeToStopLooping = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim _room = new(Room);
    private readonly Folder _folder;
    private readonly Report _report;
    private readonly ServiceProvider _services;
    private readonly BackrunEngine _engine;
    private readonly bool _loop;
    private readonly string? _store;
    private int _taken;
    private bool _isStuck;

    public FolderIndex(Folder folder, Report report, string? store, bool keepResults, bool loop)
    {
        _loop = loop;
        _store = store;
        _folder = folder;
        _report = report;
        Results = new FileIndex(keepResults);
        _services = new ServiceCollection().AddSingleton(Results).BuildServiceProvider();
        _engine = new BackrunEngine(new BackrunOptions
        {
            Workers = loop ? LoopForever.Count : null,
            Store = store is null ? BackrunStore.Memory : BackrunStore.Sqlite(store),
            // Another run on the same file may be at its end. One that was killed is not waited for.
            OwnerWait = store is null ? null : TimeSpan.FromSeconds(5),
            // The results of all files, should the next run need them.
            KeepFinished = store is null ? null : long.MaxValue,
            // Where the constructor parameters of tasks come from.
            Services = _services,
            // Failed tasks would be lines on the error output; here they stand in the report.
            LoggerFactory = NullLoggerFactory.Instance,
        });
    }

    public FileIndex Results { get; }

    /// <summary>
    /// Ends when every file is done or has failed; or, once cancelled, when what was running has stopped.
    /// </summary>
    public async Task RunAsync(string? leaveOut, CancellationToken cancellationToken)
    {
        try
        {
            // Listing a folder blocks, so it is done on another thread.
            await Task.Run(() => HandOverAsync(leaveOut, cancellationToken), cancellationToken);
            _report.AllFound();
            await AllEndedAsync(cancellationToken);
            if (_store is not null)
            {
                await _engine.StartNew<RunEnded, int>(0).Completion.WaitAsync(cancellationToken);
            }
            await EndAsync(ShutdownMode.Drain);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _report.Interrupted();
            // What is queued is cancelled, or kept in the store; what runs is asked to stop, by the token of its context.
            await EndAsync(ShutdownMode.Cancel);
            using var patience = new CancellationTokenSource(TimeToStop);
            await AllEndedAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose()
    {
        // To dispose of the engine is to wait for what runs, for a while. What is stuck ends with the process.
        if (!_isStuck)
        {
            _engine.Dispose();
            _services.Dispose();
        }
        _room.Dispose();
    }

    private async Task HandOverAsync(string? leaveOut, CancellationToken cancellationToken)
    {
        var earlier = new EarlierRun(_engine, Results, _report);
        if (_store is not null)
        {
            // From here on what an earlier run left is run.
            _engine.Register<IndexFile, FileToIndex>();
            await earlier.FinishAsync(cancellationToken);
        }
        // The tasks run on behalf of this user: each run gets a connection of its own, with the identity of this one.
        using var userConnection = new UserConnection(Me());
        using IDisposable scope = UserConnection.Use(userConnection);
        if (_loop)
        {
            StartLooping();
        }
        bool IsLeftOut(string path) => path == leaveOut || (_store is not null && TaskFile.IsOf(_store, path));
        foreach (Found found in FolderWalker.Walk(_folder, IsLeftOut))
        {
            if (found.Kind != FoundKind.File)
            {
                _report.Add(found);
                continue;
            }
            if (earlier.HasDone(found))
            {
                _report.HandedOver();
                _report.Done(found.Stamp.Size);
                continue;
            }
            await _room.WaitAsync(cancellationToken);
            var file = new FileToIndex
            {
                Path = found.Path,
                Size = found.Stamp.Size,
                Modified = found.Stamp.Modified,
            };
            // Not one after the other: those that come while the store writes to the disk share its next write.
            ValueTask<BackgroundTaskHandle> handle = _engine.SubmitAsyncWithUserConnection<IndexFile, FileToIndex>(
                file, options: null, cancellationToken);
            _report.HandedOver();
            _ = WatchAsync(handle, file);
        }
    }

    private void StartLooping()
    {
        // Those that an earlier run left in the store loop on.
        _engine.Register<LoopForever, int>();
        int left = _engine.ListTasks(new TaskFilter { TaskName = typeof(LoopForever).FullName })
            .Count(task => task.State is BackgroundTaskState.Ready or BackgroundTaskState.Running);
        for (int number = 1 + left; number <= LoopForever.Count; number++)
        {
            _engine.StartNew<LoopForever, int>(number);
        }
    }

    private async Task WatchAsync(ValueTask<BackgroundTaskHandle> handle, FileToIndex file)
    {
        try
        {
            await (await handle).Completion;
            _report.Done(file.Size);
        }
        catch (OperationCanceledException)
        {
            // Neither done nor failed: left.
        }
        catch (Exception e)
        {
            _report.Failed(file.Path, Reason.Of(e));
        }
        finally
        {
            _room.Release();
        }
    }

    private async Task EndAsync(ShutdownMode mode)
    {
        // While they last, the engine can tell which runs hold others up, on which worker, and for how long.
        IReadOnlyList<StalledRun> stalled = _engine.GetStatistics().StalledRuns;
        ShutdownReport left = await _engine.ShutdownAsync(mode, _loop ? TimeToStopLooping : TimeToStop);
        _isStuck = !left.Completed;
        foreach (RunningTask task in left.Running)
        {
            StalledRun run = stalled.FirstOrDefault(run => run.Id == task.Id);
            _report.Stuck(
                $"task {task}",
                run == default
                    ? "did not stop"
                    : string.Create(CultureInfo.InvariantCulture, $"did not stop; held worker {run.Worker} for {run.Duration.TotalSeconds:0.0} s while others waited"));
        }
    }

    private async Task AllEndedAsync(CancellationToken cancellationToken)
    {
        // Once all the room is taken by us nobody else is in it.
        for (; _taken < Room; _taken++)
        {
            await _room.WaitAsync(cancellationToken);
        }
    }

    private static UserIdentity Me() => new(
        Guid.NewGuid(),
        Environment.UserName,
        CultureInfo.CurrentCulture.Name,
        TimeZoneInfo.Local.Id,
        new Dictionary<string, string>());
}
