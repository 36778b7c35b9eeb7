using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;

namespace Backrun.Internals;

/// <summary>
/// The exceptions of the newest failed runs, whole, so that the log line and whoever awaits the task get what was thrown. Bounded: older ones are known by type, message
/// and detail only.
/// </summary>
internal sealed class FailureStore
{
    internal const int Most = 1_000;
    private readonly ConcurrentDictionary<(long Id, long Lease), Exception> _exceptions = new();
    private readonly ConcurrentQueue<(long Id, long Lease)> _order = new();
    private int _count;

    internal void Keep(long id, long lease, Exception exception)
    {
        if (_exceptions.TryAdd((id, lease), exception))
        {
            _order.Enqueue((id, lease));
            if (Interlocked.Increment(ref _count) > Most && _order.TryDequeue(out (long Id, long Lease) oldest))
            {
                Interlocked.Decrement(ref _count);
                _exceptions.TryRemove(oldest, out _);
            }
        }
    }

    /// <summary>The run's outcome was refused: it is not what the task failed by.</summary>
    internal void Forget(long id, long lease) => _exceptions.TryRemove((id, lease), out _);

    internal Exception? Find(long id, long lease) => _exceptions.GetValueOrDefault((id, lease));
}
