using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;

namespace Backrun.Testing.Internals;

/// <summary>The queues of a test's engine: how many runs each lets in at one time, and which are paused by the code under test.</summary>
/// <remarks>
/// A concurrency limit keeps runs apart, and not the number of workers: it is exact at each moment. Where a run waits for another task of its queue, one more is let in.
/// </remarks>
internal sealed class TestQueues(TestMode mode, int concurrency)
{
    private readonly ConcurrentDictionary<string, State> _all = new(StringComparer.Ordinal);

    internal IEnumerable<string> Names => _all.Keys;

    internal IEnumerable<string> Open => _all.Where(static each => !each.Value.IsPaused).Select(static each => each.Key);

    /// <summary>Whether the code under test has paused it.</summary>
    internal bool IsPaused(string queue) => _all.TryGetValue(queue, out State? state) && state.IsPaused;

    internal bool AnyPaused => _all.Values.Any(static state => state.IsPaused);

    internal void Add(string queue, QueueOptions options)
    {
        State state = _all.GetOrAdd(queue, static _ => new State());
        lock (state)
        {
            state.Options = options with { };
            state.More = 0;
        }
    }

    internal void SetPaused(string queue, bool paused)
    {
        if (_all.TryGetValue(queue, out State? state))
        {
            state.IsPaused = paused;
        }
    }

    internal QueueOptions Adapt(QueueOptions options) => Adapt(options, more: 0);

    /// <summary>Lets so many more runs in at one time, or fewer where it is negative.</summary>
    internal void LetIn(BackrunEngine engine, string queue, int more)
    {
        if (_all.TryGetValue(queue, out State? state))
        {
            lock (state)
            {
                state.More = Math.Max(0, state.More + more);
                engine.ConfigureNative(queue, Adapt(state.Options, state.More));
            }
        }
    }

    /// <summary>Lets no more in than at the beginning.</summary>
    internal void LetInAsBefore(BackrunEngine engine)
    {
        foreach ((string queue, State state) in _all)
        {
            lock (state)
            {
                if (state.More != 0)
                {
                    state.More = 0;
                    engine.ConfigureNative(queue, Adapt(state.Options));
                }
            }
        }
    }

    // In one that runs at the call, a task that starts another one of a queue with a limit would wait for itself.
    private QueueOptions Adapt(QueueOptions options, int more)
    {
        int most = concurrency + more;
        return options with
        {
            Workers = most,
            ConcurrencyLimit = mode == TestMode.Manual && options.ConcurrencyLimit is { } own ? Math.Min(own, most) : most,
        };
    }

    private sealed class State
    {
        internal QueueOptions Options { get; set; } = new();

        internal int More { get; set; }

        internal bool IsPaused { get; set; }
    }
}
