using System;

namespace Backrun.Native;

/// <summary>Times and spans as they cross the border.</summary>
internal static class UnixTime
{
    internal static DateTimeOffset FromMicroseconds(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    internal static DateTimeOffset? FromMicrosecondsOrNull(long microseconds) => microseconds == 0 ? null : FromMicroseconds(microseconds);

    internal static TimeSpan? SpanFromMicrosecondsOrNull(long microseconds) => microseconds == 0 ? null : TimeSpan.FromTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>Whole milliseconds, up: a wait is never shorter than asked for.</summary>
    internal static long ToMilliseconds(TimeSpan span) => (span.Ticks / TimeSpan.TicksPerMillisecond) + (span.Ticks % TimeSpan.TicksPerMillisecond > 0 ? 1 : 0);
}
