using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace Backrun.Native;

/// <summary>
/// The engine that a thread is calling now, where it does not count its calls: counting takes two interlocked operations on a word that all threads share, which is
/// 25 ns for one producer and several times that for two. A thread writes its own slot instead; whoever ends an engine looks at all of them.
/// </summary>
/// <remarks>
/// The caller writes its slot and then reads whether the engine has ended; the ender writes that it has, then has
/// <see cref="Interlocked.MemoryBarrierProcessWide"/> order the memory of every thread, then reads the slots. If the caller read "not ended", its read came before that
/// barrier, and so did its write: the ender sees it, and leaves the rest to it. When it leaves it writes its slot and reads again: if the ender saw it inside, this write, and
/// therefore the read behind it, come after the barrier, and it reads "ended". So either the ender or the last who leaves finds nobody inside.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal sealed class CallSlot
{
    private static readonly List<WeakReference<CallSlot>> All = [];
    private static int _pruneAt = 64;

    [ThreadStatic]
    private static CallSlot? _slot;

    // Two cache lines before it, and about two behind it: processors fetch them in pairs.
    [FieldOffset(128)]
    private volatile EngineHandle? _engine;

    /// <summary>The one of the current thread.</summary>
    internal static CallSlot OfThisThread
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _slot ?? Make();
    }

    /// <summary>The engine that the thread is calling, or null.</summary>
    internal EngineHandle? Engine
    {
        get => _engine;
        set => _engine = value;
    }

    /// <summary>Whether a thread is calling an engine. To be asked after a barrier that every thread has passed, or after one's own call.</summary>
    internal static bool AnyIn(EngineHandle engine)
    {
        lock (All)
        {
            foreach (WeakReference<CallSlot> each in All)
            {
                if (each.TryGetTarget(out CallSlot? slot) && slot._engine == engine)
                {
                    return true;
                }
            }

            return false;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static CallSlot Make()
    {
        CallSlot made = new();
        lock (All)
        {
            if (All.Count >= _pruneAt)
            {
                // Threads that have ended.
                All.RemoveAll(static each => !each.TryGetTarget(out _));
                _pruneAt = Math.Max(64, 2 * All.Count);
            }

            All.Add(new WeakReference<CallSlot>(made));
        }

        _slot = made;
        return made;
    }
}
