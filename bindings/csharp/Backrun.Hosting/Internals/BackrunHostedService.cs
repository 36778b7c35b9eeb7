using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Backrun.Hosting.Internals;

/// <summary>Makes an engine when the host starts, and ends it with the host, within the host's time.</summary>
internal sealed class BackrunHostedService(HostedEngine hosted, ILoggerFactory loggers) : IHostedLifecycleService
{
    /// <summary>Of a drain that the host's time did not suffice for: for what still runs to answer its token.</summary>
    private static readonly TimeSpan LastMoment = TimeSpan.FromSeconds(1);

    /// <summary>Somebody's limit ends the wait long before; it is there so that the thread of a wait nobody looks at any more ends too.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private readonly ILogger _logger = loggers.CreateLogger("Backrun.Hosting");

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>On a thread of its own: opening a store's file may wait for the process that has it.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Task<BackrunEngine> making = Task.Factory.StartNew(
            () => hosted.Engine, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        BackrunEngine engine = await making.WaitAsync(cancellationToken).ConfigureAwait(false);
        HostLog.Started(_logger, hosted.DisplayName, engine.Core.IsDurable ? "durable" : "memory", hosted.Options.Store.ToString());
    }

    /// <summary>Now that everybody has had the time to register tasks.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (hosted.Existing is not { Core.IsDurable: true } engine)
        {
            return Task.CompletedTask;
        }

        return Task.Run(
            () =>
            {
                (IReadOnlyDictionary<string, long> names, bool isAll) = StoredTasks.WithoutHandler(engine, cancellationToken);
                if (names.Count != 0)
                {
                    string list = string.Join(", ", names.OrderBy(static each => each.Key, StringComparer.Ordinal).Select(static each => $"'{each.Key}' ({each.Value})"));
                    HostLog.NoHandler(_logger, hosted.DisplayName, isAll ? list : $"{list}, and maybe others");
                }
            },
            cancellationToken);
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (hosted.Existing is not { } engine)
        {
            return;
        }

        BackrunHostOptions options = hosted.Options;
        bool isDurable = engine.Core.IsDurable;
        ShutdownMode mode = options.Shutdown ?? (isDurable ? ShutdownMode.Cancel : ShutdownMode.Drain);
        ShutdownReport report;
        try
        {
            report = await EndAsync(engine, mode, options.ShutdownTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // Somebody else has ended it, and told what was left.
            return;
        }

        if (!report.Completed)
        {
            // The host's time is over: its services are disposed of next, and are not to wait for the same runs again.
            engine.DoNotWaitAgain();
            string names = string.Join(", ", report.Running.Take(10)) + (report.Running.Count > 10 ? ", …" : string.Empty);
            HostLog.LeftRunning(_logger, hosted.DisplayName, report.Running.Count, names, isDurable ? "they stay in the store, and run again after the next start" : "how they end will not be recorded");
        }

        if (report.QueuedCount != 0 && !isDurable)
        {
            HostLog.Lost(_logger, hosted.DisplayName, report.QueuedCount);
        }
        else if (report.Completed)
        {
            HostLog.Ended(_logger, hosted.DisplayName, report.QueuedCount);
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task<ShutdownReport> EndAsync(BackrunEngine engine, ShutdownMode mode, TimeSpan? limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (limit is { } time && time < Longest)
        {
            over.CancelAfter(time);
        }

        Task<ShutdownReport> ending = engine.ShutdownAsync(mode, cancellationToken.CanBeCanceled || limit is not null ? Longest : Timeout.InfiniteTimeSpan);
        try
        {
            return await ending.WaitAsync(over.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // A second shutdown brings the end of the first forward, and has the report.
            return await engine.ShutdownAsync(ShutdownMode.Cancel, mode == ShutdownMode.Drain ? LastMoment : TimeSpan.Zero).ConfigureAwait(false);
        }
    }
}
