using System;

namespace Backrun.Internals;

/// <summary>Stops a serialiser that has written more than could ever be accepted; never leaves this assembly.</summary>
#pragma warning disable CA1032, CA1064 // Internal: nobody else makes or catches one.
internal sealed class PayloadTooLargeException(int most) : Exception($"More than {most} bytes.")
{
    internal int Most { get; } = most;
}
#pragma warning restore CA1032, CA1064
