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

    /// <summary>Lets one more run in at one time, beside one that waits, until what this returns is disposed of.</summary>
    internal IDisposable LetIn(BackrunEngine engine, string queue)
    {
        Change(engine, queue, 1);
        return new Place(this, engine, queue);
    }

    private void Change(BackrunEngine engine, string queue, int more)
    {
        if (_all.TryGetValue(queue, out State? state))
        {
            lock (state)
            {
                state.More += more;
                engine.ConfigureNative(queue, Adapt(state.Options, state.More));
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

    private sealed class Place(TestQueues queues, BackrunEngine engine, string queue) : IDisposable
    {
        public void Dispose()
        {
            try
            {
                queues.Change(engine, queue, -1);
            }
            catch (Exception exception) when (exception is BackrunException or ObjectDisposedException)
            {
                // The engine was shut down meanwhile, and nothing runs there any more.
            }
        }
    }

    private sealed class State
    {
        internal QueueOptions Options { get; set; } = new();

        internal int More { get; set; }

        internal bool IsPaused { get; set; }
    }
}
