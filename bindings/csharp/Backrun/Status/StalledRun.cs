using System;

namespace Backrun;

/// <summary>A run that lasts while tasks of its queue wait, past <see cref="QueueOptions.StallThreshold"/>: another worker was started in place of its own, if one could be.</summary>
/// <param name="Id">The id of the task.</param>
/// <param name="TaskName">The task name.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Worker">The number of the worker that it holds, as in the name of the thread (<c>backrun-w-N</c>).</param>
/// <param name="Duration">For how long it has been seen to run.</param>
public readonly record struct StalledRun(BackgroundTaskId Id, string TaskName, string Queue, long Worker, TimeSpan Duration)
{
    /// <summary>The id, the name and for how long.</summary>
    public override string ToString() => FormattableString.Invariant($"{Id.Value} '{TaskName}' for {Duration.TotalSeconds:0.0} s");
}
