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
    private int _taken;
    private bool _isStuck;

    public FolderIndex(Folder folder, Report report, bool keepResults, bool loop)
    {
        _loop = loop;
        _folder = folder;
        _report = report;
        Results = new FileIndex(keepResults);
        _services = new ServiceCollection().AddSingleton(Results).BuildServiceProvider();
        _engine = new BackrunEngine(new BackrunOptions
        {
            Workers = loop ? LoopForever.Count : null,
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
            await EndAsync(ShutdownMode.Drain);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _report.Interrupted();
            // What is queued is cancelled, and what runs is asked to stop, by the token of its context.
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
        // The tasks run on behalf of this user: each run gets a connection of its own, with the identity of this one.
        using var userConnection = new UserConnection(Me());
        using IDisposable scope = UserConnection.Use(userConnection);
        for (int number = 1; _loop && number <= LoopForever.Count; number++)
        {
            _engine.StartNew<LoopForever, int>(number);
        }
        foreach (Found found in FolderWalker.Walk(_folder, leaveOut))
        {
            if (found.Kind != FoundKind.File)
            {
                _report.Add(found);
                continue;
            }
            await _room.WaitAsync(cancellationToken);
            var file = new FileToIndex
            {
                Id = Guid.NewGuid(),
                Path = found.Path,
                Size = found.Stamp.Size,
                Modified = found.Stamp.Modified,
            };
            BackgroundTaskHandle handle = _engine.StartNewWithUserConnection<IndexFile, FileToIndex>(file);
            _report.HandedOver();
            _ = WatchAsync(handle, file);
        }
    }

    private async Task WatchAsync(BackgroundTaskHandle handle, FileToIndex file)
    {
        try
        {
            await handle.Completion;
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
