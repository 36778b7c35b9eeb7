using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Linq;
using System.Runtime.CompilerServices;

namespace Backrun.Internals;

/// <summary>
/// The meter <c>Backrun</c> of one engine: what OpenTelemetry's conventions for messaging ask for, measured where it happens, and under <c>backrun</c> the engine's own counters, read when somebody collects.
/// Where nobody listens it costs a look at a field.
/// </summary>
internal sealed class EngineMetrics : IDisposable
{
    private static readonly double[] Seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
    private readonly EngineCore _core;
    private readonly Meter _meter;
    private readonly bool _isOwn;
    private readonly Counter<long> _sent;
    private readonly Histogram<double> _sendDuration;
    private readonly Counter<long> _consumed;
    private readonly Histogram<double> _processDuration;

    /// <param name="core">The engine.</param>
    /// <param name="factory">Who makes meters, and disposes of them; null: this does.</param>
    internal EngineMetrics(EngineCore core, IMeterFactory? factory)
    {
        _core = core;
        MeterOptions options = new(Conventions.Source)
        {
            Version = Conventions.Version,
            Tags = core.Name is null ? null : [new(Conventions.Engine, core.Name)],
        };
        _isOwn = factory is null;
        _meter = factory?.Create(options) ?? new Meter(options);
        _sent = _meter.CreateCounter<long>("messaging.client.sent.messages", "{message}", "Tasks that were handed to the engine; those that it refused have error.type.");
        _sendDuration = Duration("messaging.client.operation.duration", "How long the calls that start tasks take.");
        _consumed = _meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Runs of tasks that have ended.");
        _processDuration = Duration("messaging.process.duration", "How long runs of tasks take, what asynchronous ones await included.");
        MeasureQueues();
        MeasureStore();
    }

    /// <summary>Whether anybody listens to how tasks are started.</summary>
    internal bool WatchesSends
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _sent.Enabled || _sendDuration.Enabled;
    }

    /// <summary>Whether anybody listens to how tasks run.</summary>
    internal bool WatchesRuns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _consumed.Enabled || _processDuration.Enabled;
    }

    public void Dispose()
    {
        if (_isOwn)
        {
            _meter.Dispose();
        }
    }

    internal void Sent(string queue, string taskName, int count, TimeSpan duration, Exception? failure)
    {
        TagList tags = Tags(Conventions.Send, queue, taskName, failure);
        _sent.Add(count, tags);
        _sendDuration.Record(duration.TotalSeconds, tags);
    }

    internal void Ran(string queue, string taskName, TimeSpan duration, Exception? failure)
    {
        TagList tags = Tags(Conventions.Process, queue, taskName, failure);
        _consumed.Add(1, tags);
        _processDuration.Record(duration.TotalSeconds, tags);
    }

    private static TagList Tags(string operation, string queue, string taskName, Exception? failure)
    {
        TagList tags = new()
        {
            { Conventions.System, Conventions.SystemName },
            { Conventions.OperationName, operation },
            { Conventions.OperationType, operation },
            { Conventions.Destination, queue },
            { Conventions.TaskName, taskName },
        };
        if (failure is not null)
        {
            tags.Add(Conventions.ErrorType, ExceptionText.TypeOf(failure));
        }

        return tags;
    }

    private Histogram<double> Duration(string name, string description) =>
#if NET9_0_OR_GREATER
        _meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });
#else
        _meter.CreateHistogram<double>(name, "s", description);
#endif

    private void MeasureQueues()
    {
        _meter.CreateObservableUpDownCounter(
            "backrun.task.count",
            () => OfQueues(
                "backrun.task.state",
                ("ready", static queue => queue.Ready),
                ("scheduled", static queue => queue.Scheduled),
                ("running", static queue => queue.Running),
                ("pending", static queue => queue.Pending)),
            "{task}",
            "Tasks that have not ended, by queue and state. Pending ones are asynchronous runs that await.");
        _meter.CreateObservableUpDownCounter(
            "backrun.task.size", () => OfQueues(static queue => queue.ReadyBytes + queue.ScheduledBytes), "By", "What the parameters, users and headers of waiting tasks take.");
        _meter.CreateObservableUpDownCounter(
            "backrun.worker.count",
            () => OfQueues(
                "backrun.worker.state",
                ("idle", static queue => queue.IdleWorkers),
                ("busy", static queue => Math.Max(0, queue.Workers - queue.IdleWorkers - queue.Stalled)),
                ("stalled", static queue => queue.Stalled)),
            "{thread}",
            "Worker threads. Stalled ones are busy with a run that holds up what waits behind it.");
        _meter.CreateObservableCounter(
            "backrun.ended.tasks",
            () => OfQueues(
                "backrun.task.state",
                ("succeeded", static queue => queue.Succeeded),
                ("dead", static queue => queue.Dead),
                ("cancelled", static queue => queue.Cancelled),
                ("dropped", static queue => queue.Dropped)),
            "{task}",
            "Tasks that have come to a final state.");
        Count("backrun.refused.tasks", "{task}", "Tasks that a queue did not take.", static queue => queue.Refused);
        Count("backrun.failed.runs", "{run}", "Runs that failed, those that another one follows included.", static queue => queue.RunsFailed);
        Count("backrun.retried.runs", "{run}", "Failed runs that another one follows.", static queue => queue.Retried);
        Count("backrun.stalled.runs", "{run}", "Runs that held up what waited behind them.", static queue => queue.Stalls);
        Count("backrun.interrupted.runs", "{run}", "Runs that a shutdown stopped.", static queue => queue.Interrupted + queue.Abandoned);
    }

    private void MeasureStore()
    {
        if (!_core.IsDurable)
        {
            return;
        }

        _meter.CreateObservableUpDownCounter("backrun.store.count", () => OfEngine(static engine => engine.Stored), "{task}", "Tasks in the store that have not ended, those that no class is registered for included.");
        _meter.CreateObservableUpDownCounter("backrun.store.size", () => OfEngine(static engine => engine.StoreBytes), "By", "What the store takes on the disk, its log included.");
        _meter.CreateObservableUpDownCounter("backrun.store.unsaved.count", () => OfEngine(static engine => engine.StoreUnsaved), "{task}", "Ends of tasks that the store has refused and is asked to take again. 0: it works.");
    }

    private void Count(string name, string unit, string description, Func<QueueStatistics, long> read) =>
        _meter.CreateObservableCounter(name, () => OfQueues(read), unit, description);

    private IEnumerable<Measurement<long>> OfEngine(Func<EngineStatistics, long> read) =>
        _core.TryReadStatistics() is { } now ? [new Measurement<long>(read(now))] : [];

    private IEnumerable<Measurement<long>> OfQueues(Func<QueueStatistics, long> read) =>
        from queue in Queues()
        select new Measurement<long>(read(queue.Value), new KeyValuePair<string, object?>(Conventions.Destination, queue.Key));

    private IEnumerable<Measurement<long>> OfQueues(string tag, params (string Value, Func<QueueStatistics, long> Read)[] parts) =>
        from queue in Queues()
        from part in parts
        select new Measurement<long>(part.Read(queue.Value), new(Conventions.Destination, queue.Key), new KeyValuePair<string, object?>(tag, part.Value));

    private IReadOnlyDictionary<string, QueueStatistics> Queues() => _core.TryReadStatistics()?.Queues ?? new Dictionary<string, QueueStatistics>(StringComparer.Ordinal);
}
