using System;
using System.Collections.Generic;
using System.Linq;

namespace Backrun.Hosting.Internals;

/// <summary>What a health check remembers of its looks.</summary>
internal sealed class HealthMemory
{
    private readonly object _gate = new();

    // The newest look from before the window, and those in it. Before the first there were none dead.
    private readonly Queue<(DateTimeOffset At, long Dead)> _looks = new([(DateTimeOffset.MinValue, 0)]);
    private readonly Dictionary<string, (DateTimeOffset Since, long Started)> _standing = new(StringComparer.Ordinal);

    /// <summary>How many tasks have died since the last look that lies before the window.</summary>
    internal long NewlyDead(long dead, TimeSpan window, DateTimeOffset now)
    {
        lock (_gate)
        {
            while (_looks.Count > 1 && _looks.ElementAt(1).At <= now - window)
            {
                _looks.Dequeue();
            }

            long since = dead - _looks.Peek().Dead;
            _looks.Enqueue((now, dead));
            return since;
        }
    }

    /// <summary>Queues with ready tasks and stalled runs in which nothing has begun for so long, with how long.</summary>
    internal IReadOnlyList<(string Queue, TimeSpan For)> Standing(EngineStatistics statistics, TimeSpan limit, DateTimeOffset now)
    {
        lock (_gate)
        {
            List<(string, TimeSpan)> standing = [];
            foreach ((string name, QueueStatistics queue) in statistics.Queues)
            {
                if (queue.Ready == 0 || queue.Stalled == 0)
                {
                    _standing.Remove(name);
                }
                else if (!_standing.TryGetValue(name, out (DateTimeOffset Since, long Started) before) || before.Started != queue.Started)
                {
                    _standing[name] = (now, queue.Started);
                }
                else if (now - before.Since >= limit)
                {
                    standing.Add((name, now - before.Since));
                }
            }

            return standing;
        }
    }
}
