using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Backrun.Hosting.Internals;

/// <summary>Looks at the counters of an engine. Makes none: one that has not been started is not healthy.</summary>
internal sealed class EngineHealthCheck(HostedEngine hosted, BackrunHealthOptions options, TimeProvider time) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        hosted.Existing?.Core.TryReadStatistics() is { } now
            ? Judge(now, context)
            : new HealthCheckResult(
                context.Registration.FailureStatus, hosted.Existing is null ? $"{hosted.DisplayName} has not been started yet" : $"{hosted.DisplayName} has been disposed of"));

    /// <summary>What these counters say.</summary>
    internal HealthCheckResult Judge(EngineStatistics now, HealthCheckContext context)
    {
        HealthMemory memory = hosted.Health.GetOrAdd(context.Registration.Name, static _ => new HealthMemory());
        DateTimeOffset at = time.GetUtcNow();
        List<string> failures = [];
        List<string> weaknesses = [];
        if (hosted.Existing is { IsShutDown: true })
        {
            failures.Add($"{hosted.DisplayName} is shut down");
        }

        if (now.StoreUnsaved > 0)
        {
            failures.Add(Text($"the store does not take the ends of {now.StoreUnsaved} tasks: its disk may be full or gone"));
        }

        foreach ((string queue, TimeSpan standing) in memory.Standing(now, options.StalledQueueAfter, at))
        {
            QueueStatistics of = now.Queues[queue];
            failures.Add(Text($"nothing has begun in queue '{queue}' for {standing:c}, where {of.Ready} tasks are ready behind {of.Stalled} stalled runs"));
        }

        StalledRun[] stalled = now.StalledRuns.Where(run => run.Duration >= options.StalledRunAfter).OrderByDescending(static run => run.Duration).ToArray();
        if (stalled.Length != 0)
        {
            StalledRun worst = stalled[0];
            weaknesses.Add(Text($"{stalled.Length} runs hold up what waits behind them, task {worst.Id.Value} '{worst.TaskName}' in queue '{worst.Queue}' for {worst.Duration:c}"));
        }

        long dead = memory.NewlyDead(now.Dead, options.DeadTasksWindow, at);
        if (dead > options.DeadTasks)
        {
            weaknesses.Add(Text($"{dead} tasks have died of late"));
        }

        Dictionary<string, object> data = new(StringComparer.Ordinal)
        {
            ["ready"] = now.Ready,
            ["scheduled"] = now.Scheduled,
            ["running"] = now.Running + now.Pending,
            ["stalled"] = now.Stalled,
            ["dead"] = now.Dead,
            ["unsaved"] = now.StoreUnsaved,
        };
        HealthStatus status = failures.Count != 0 ? context.Registration.FailureStatus : weaknesses.Count != 0 ? HealthStatus.Degraded : HealthStatus.Healthy;
        return new HealthCheckResult(status, status == HealthStatus.Healthy ? null : string.Join("; ", failures.Concat(weaknesses)), exception: null, data);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
