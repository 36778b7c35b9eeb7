using System;
using System.Diagnostics;

namespace Backrun.Testing.Internals;

/// <summary>Whether runs begin.</summary>
internal sealed class Progress(TimeSpan patience)
{
    private long _runs = -1;
    private long _since;

    /// <summary>Whether none has begun for a while. Then that while begins anew.</summary>
    internal bool IsHeldUp(long runs)
    {
        if (runs != _runs)
        {
            _runs = runs;
            _since = Stopwatch.GetTimestamp();
            return false;
        }

        if (Stopwatch.GetElapsedTime(_since) < patience)
        {
            return false;
        }

        _since = Stopwatch.GetTimestamp();
        return true;
    }
}
