using System;

namespace Backrun.Hosting;

/// <summary>What a health check of an engine calls unhealthy.</summary>
public sealed class BackrunHealthOptions
{
    /// <summary>
    /// How long a run may hold up what waits behind it (past <see cref="QueueOptions.StallThreshold"/>) before the engine is degraded: zero or more. Others run beside it as long as there are workers to take its
    /// place. Default: 1 min.
    /// </summary>
    public TimeSpan StalledRunAfter { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long nothing may begin in a queue with ready tasks and stalled runs before the engine is unhealthy: zero or more, counted from the first look that finds it so. Default: 30 s.</summary>
    public TimeSpan StalledQueueAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Tasks that may die within <see cref="DeadTasksWindow"/> before the engine is degraded; <see cref="long.MaxValue"/>: any number. Default: 0.</summary>
    public long DeadTasks { get; set; }

    /// <summary>
    /// The time that <see cref="DeadTasks"/> is counted in, zero or more, from the last look before it on; zero: since the last look, which with several that look is anybody's. Default: 5 min.
    /// </summary>
    public TimeSpan DeadTasksWindow { get; set; } = TimeSpan.FromMinutes(5);
}
