using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace Backrun.Internals;

/// <summary>The engines of the process, by the keys that native hands back to <see cref="ObserverCallbacks"/>.</summary>
internal static class EngineTable
{
    private static readonly ConcurrentDictionary<nint, EngineCore> Engines = new();
    private static long _lastKey;
    private static int _hooked;

    internal static nint Add(EngineCore core)
    {
        if (Interlocked.Exchange(ref _hooked, 1) == 0)
        {
            AppDomain.CurrentDomain.ProcessExit += static (_, _) => ProcessExit.EndAll(Living());
        }

        nint key = (nint)Interlocked.Increment(ref _lastKey);
        Engines[key] = core;
        return key;
    }

    internal static EngineCore? Find(nint key) => Engines.GetValueOrDefault(key);

    internal static void Remove(nint key) => Engines.TryRemove(key, out _);

    private static List<EngineCore> Living() => Engines.Values.ToList();
}
