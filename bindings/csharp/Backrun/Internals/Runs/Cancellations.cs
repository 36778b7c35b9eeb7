using System.Collections.Concurrent;

namespace Backrun.Internals;

/// <summary>The runs of an engine whose cancellation somebody wants to hear of: those whose token was asked for.</summary>
internal sealed class Cancellations
{
    private readonly ConcurrentDictionary<(long Id, long Lease), BackgroundTaskContext> _runs = new();

    internal void Add(BackgroundTaskContext run) => _runs[(run.Id.Value, run.Lease)] = run;

    internal void Remove(BackgroundTaskContext run) => _runs.TryRemove((run.Id.Value, run.Lease), out _);

    internal void Cancel(long id, long lease)
    {
        if (_runs.TryGetValue((id, lease), out BackgroundTaskContext? run))
        {
            run.RequestCancellation();
        }
    }
}
