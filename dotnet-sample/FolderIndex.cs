using System;
using System.Collections.Generic;
using System.Globalization;
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

    private readonly SemaphoreSlim _room = new(Room);
    private readonly Folder _folder;
    private readonly Report _report;
    private readonly ServiceProvider _services;
    private readonly BackrunEngine _engine;
    private int _taken;

    public FolderIndex(Folder folder, Report report, bool keepResults)
    {
        _folder = folder;
        _report = report;
        Results = new FileIndex(keepResults);
        _services = new ServiceCollection().AddSingleton(Results).BuildServiceProvider();
        _engine = new BackrunEngine(new BackrunOptions
        {
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
            await _engine.ShutdownAsync(ShutdownMode.Drain, TimeToStop);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _report.Interrupted();
            // What is queued is cancelled, and what runs is asked to stop, by the token of its context.
            await _engine.ShutdownAsync(ShutdownMode.Cancel, TimeToStop);
            using var patience = new CancellationTokenSource(TimeToStop);
            await AllEndedAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose()
    {
        _engine.Dispose();
        _services.Dispose();
        _room.Dispose();
    }

    private async Task HandOverAsync(string? leaveOut, CancellationToken cancellationToken)
    {
        // The tasks run on behalf of this user: each run gets a connection of its own, with the identity of this one.
        using var userConnection = new UserConnection(Me());
        using IDisposable scope = UserConnection.Use(userConnection);
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
