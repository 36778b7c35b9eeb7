using System;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Backrun.Internals;

/// <summary>One call that starts tasks, while somebody listens to spans or to metrics.</summary>
internal readonly struct SendWatch
{
    private readonly TaskRegistration _registration;
    private readonly string _queue;
    private readonly Activity? _activity;
    private readonly long _startedAt;

    private SendWatch(TaskRegistration registration, string queue)
    {
        _registration = registration;
        _queue = queue;
        _activity = Tracing.Source.HasListeners() ? Tracing.StartSend(registration, queue) : null;
        _startedAt = Stopwatch.GetTimestamp();
    }

    private EngineCore Core => _registration.Core;

    /// <summary>Whether anybody listens: all that a call costs where nobody does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsWanted(EngineCore core) => Tracing.Source.HasListeners() || core.Metrics.WatchesSends;

    internal static SendWatch Begin(TaskRegistration registration, StartOptions? options) => new(registration, registration.QueueOf(options));

    /// <summary>One task was accepted.</summary>
    internal void Accepted(long id)
    {
        _activity?.SetTag(Conventions.MessageId, id.ToString(CultureInfo.InvariantCulture));
        End(1, failure: null);
    }

    /// <summary>Many were, all of them.</summary>
    internal void AllAccepted(int count)
    {
        _activity?.SetTag(Conventions.BatchCount, count);
        End(count, failure: null);
    }

    /// <summary>None was.</summary>
    internal void Failed(Exception exception, int count = 1)
    {
        Tracing.Fail(_activity, exception);
        End(count, exception);
    }

    private void End(int count, Exception? failure)
    {
        _activity?.Dispose();
        Core.Metrics.Sent(_queue, _registration.Name, count, Stopwatch.GetElapsedTime(_startedAt), failure);
    }
}
