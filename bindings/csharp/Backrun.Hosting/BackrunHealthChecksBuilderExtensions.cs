using System;
using System.Collections.Generic;
using Backrun.Hosting;
using Backrun.Hosting.Internals;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds health checks of Backrun's engines.</summary>
public static class BackrunHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check of an engine that <c>AddBackrun</c> adds: unhealthy while it is not started or shut down, while its store does not take the ends of tasks, and where nothing begins in a queue any more behind
    /// runs that stall; degraded while runs stall for long and after tasks have died.
    /// </summary>
    /// <param name="builder">From <c>AddHealthChecks</c>.</param>
    /// <param name="configure">Sets the limits. Null: the defaults.</param>
    /// <param name="engine">The name of the engine; null: the one without.</param>
    /// <param name="name">Of the check. Null: <c>backrun</c>, and <c>backrun-</c> with the engine's name where it has one.</param>
    /// <param name="failureStatus">What to report instead of <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">To choose checks by.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit is out of its range.</exception>
    public static IHealthChecksBuilder AddBackrun(
        this IHealthChecksBuilder builder,
        Action<BackrunHealthOptions>? configure = null,
        string? engine = null,
        string? name = null,
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        BackrunHealthOptions options = new();
        configure?.Invoke(options);
        Check(options.StalledRunAfter, nameof(options.StalledRunAfter));
        Check(options.StalledQueueAfter, nameof(options.StalledQueueAfter));
        Check(options.DeadTasksWindow, nameof(options.DeadTasksWindow));
        ArgumentOutOfRangeException.ThrowIfNegative(options.DeadTasks, "BackrunHealthOptions.DeadTasks");
        return builder.Add(new HealthCheckRegistration(
            name ?? (engine is null ? "backrun" : $"backrun-{engine}"),
            services => new EngineHealthCheck(
                HostedEngines.Of(services, engine ?? Options.Options.DefaultName), options, services.GetService<TimeProvider>() ?? TimeProvider.System),
            failureStatus,
            tags));
    }

    private static void Check(TimeSpan value, string name)
    {
        if (value < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException($"BackrunHealthOptions.{name}", value, $"BackrunHealthOptions.{name} is {value}; give it zero or more.");
        }
    }
}
