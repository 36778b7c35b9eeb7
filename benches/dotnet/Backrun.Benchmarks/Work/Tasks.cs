using Backrun.Benchmarks.Measuring;
using MessagePack;

namespace Backrun.Benchmarks.Work;

/// <summary>A task that does nothing but say that it has run: what is measured is what is around it.</summary>
/// <typeparam name="TParameters">Its parameters.</typeparam>
public sealed class CountingTask<TParameters> : IBackgroundTask<TParameters>
{
    /// <inheritdoc/>
    public void Run(TParameters parameters) => Done.One();
}

/// <summary>When a task was handed over.</summary>
[MessagePackObject]
public sealed class Stamp
{
    /// <summary>Which of the round's tasks.</summary>
    [Key(0)]
    public int Index { get; set; }

    /// <summary>In ticks of the stopwatch.</summary>
    [Key(1)]
    public long SubmittedAt { get; set; }
}

/// <summary>A task that says when it began.</summary>
public sealed class StampTask : IBackgroundTask<Stamp>
{
    /// <inheritdoc/>
    public void Run(Stamp parameters) => Latencies.Started(parameters.Index, parameters.SubmittedAt);
}
