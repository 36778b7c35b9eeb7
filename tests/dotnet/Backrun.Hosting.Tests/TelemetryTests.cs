using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Hosting.Tests.Support;
using Backrun.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Xunit;

namespace Backrun.Hosting.Tests;

/// <summary>What OpenTelemetry's own SDK gets of an engine.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task A_start_is_a_producers_span_and_its_run_a_consumers_under_it_and_linked_with_it()
    {
        await using Watched watched = await Watched.Start();
        BackgroundTaskHandle handle;
        using (Activity request = Watched.Request())
        {
            handle = watched.Host.Tasks.StartNew<Act, int>(Acts.Add(static () => { }), new StartOptions { Queue = "mail" });
            Assert.Same(request, Activity.Current);
            await handle.Done();
            Activity[] spans = watched.SpansOf(request);
            Activity send = spans.Single(static span => span.Kind == ActivityKind.Producer);
            Activity run = spans.Single(static span => span.Kind == ActivityKind.Consumer);
            Assert.Equal(("send act", request.SpanId), (send.DisplayName, send.ParentSpanId));
            Assert.Equal(("process act", send.SpanId, true), (run.DisplayName, run.ParentSpanId, run.HasRemoteParent));
            Assert.Equal(send.SpanId, Assert.Single(run.Links).Context.SpanId);
            foreach ((Activity span, string operation) in new[] { (send, "send"), (run, "process") })
            {
                Assert.Equal("backrun", span.GetTagItem("messaging.system"));
                Assert.Equal((operation, operation), (span.GetTagItem("messaging.operation.name"), span.GetTagItem("messaging.operation.type")));
                Assert.Equal("mail", span.GetTagItem("messaging.destination.name"));
                Assert.Equal(handle.Id.ToString(), span.GetTagItem("messaging.message.id"));
                Assert.Equal("act", span.GetTagItem("messaging.backrun.task.name"));
                Assert.Equal("watched", span.GetTagItem("messaging.backrun.engine"));
                Assert.Equal(ActivityStatusCode.Unset, span.Status);
            }

            Assert.Equal(1, run.GetTagItem("messaging.backrun.attempt"));
        }
    }

    [Fact]
    public async Task Each_attempt_is_a_span_and_a_failed_one_has_its_exception()
    {
        await using Watched watched = await Watched.Start();
        using Activity request = Watched.Request();
        int runs = 0;
        BackgroundTaskHandle handle = watched.Host.Engine.StartAsync(
            async (_, _) =>
            {
                await Task.Yield();
                if (Interlocked.Increment(ref runs) == 1)
                {
                    throw new InvalidOperationException("on purpose");
                }
            },
            new StartOptions { Retry = new RetryPolicy { MaxAttempts = 2, Delay = TimeSpan.FromMilliseconds(1) } });
        await handle.Done();
        Activity[] attempts = watched.SpansOf(request).Where(static span => span.Kind == ActivityKind.Consumer).ToArray();
        Assert.Equal([1, 2], attempts.Select(static span => span.GetTagItem("messaging.backrun.attempt")));
        Assert.Equal([ActivityStatusCode.Error, ActivityStatusCode.Unset], attempts.Select(static span => span.Status));
        Assert.Equal("System.InvalidOperationException", attempts[0].GetTagItem("error.type"));
        Assert.Equal("on purpose", Assert.Single(attempts[0].Events, static each => each.Name == "exception").Tags.Single(static tag => tag.Key == "exception.message").Value);
        Assert.Null(attempts[1].GetTagItem("error.type"));
    }

    [Fact]
    public async Task A_batch_is_one_span_and_all_its_runs_are_under_it()
    {
        await using Watched watched = await Watched.Start();
        using Activity request = Watched.Request();
        IReadOnlyList<BackgroundTaskHandle> handles = watched.Host.Tasks.SubmitMany<Act, int>(Enumerable.Repeat(Acts.Add(static () => { }), 3));
        await Task.WhenAll(handles.Select(static handle => handle.Done()));
        Activity[] spans = watched.SpansOf(request);
        Activity send = Assert.Single(spans, static span => span.Kind == ActivityKind.Producer);
        Assert.Equal(3, send.GetTagItem("messaging.batch.message_count"));
        Assert.Equal(Enumerable.Repeat(send.SpanId, 3), spans.Where(static span => span.Kind == ActivityKind.Consumer).Select(static span => span.ParentSpanId));
    }

    [Fact]
    public async Task An_asynchronous_submit_is_a_span_that_its_caller_is_not_in()
    {
        await using Watched watched = await Watched.Start();
        using Activity request = Watched.Request();
        ValueTask<BackgroundTaskHandle> submitting = watched.Host.Tasks.SubmitAsync<Act, int>(Acts.Add(static () => { }));
        Assert.Same(request, Activity.Current);
        await (await submitting).Done();
        Activity[] spans = watched.SpansOf(request);
        Assert.Equal(request.SpanId, spans.Single(static span => span.Kind == ActivityKind.Producer).ParentSpanId);
        Assert.Equal(spans.Single(static span => span.Kind == ActivityKind.Producer).SpanId, spans.Single(static span => span.Kind == ActivityKind.Consumer).ParentSpanId);
    }

    [Fact]
    public async Task An_asynchronous_submit_leaves_its_caller_in_the_activity_that_it_is_in_even_if_that_has_stopped()
    {
        await using Watched watched = await Watched.Start();
        using Activity request = Watched.Request();
        await Task.Run(request.Stop);
        ValueTask<BackgroundTaskHandle> submitting = watched.Host.Tasks.SubmitAsync<Act, int>(Acts.Add(static () => { }));
        Assert.Same(request, Activity.Current);
        await (await submitting).Done();
        Assert.Same(request, Activity.Current);
    }

    [Fact]
    public async Task A_refused_start_is_a_span_with_its_error()
    {
        await using Watched watched = await Watched.Start();
        using Activity request = Watched.Request();
        Assert.Throws<BackrunException>(() => watched.Host.Tasks.StartNew<Act, int>(1, new StartOptions { Queue = "nowhere" }));
        Activity send = Assert.Single(watched.SpansOf(request));
        Assert.Equal((ActivityStatusCode.Error, "Backrun.BackrunException"), (send.Status, send.GetTagItem("error.type")));
    }

    [Fact]
    public async Task What_the_call_of_an_asynchronous_submit_throws_it_throws_whoever_listens()
    {
        await using Watched watched = await Watched.Start();
        using Activity request = Watched.Request();
        IBackgroundTasks tasks = watched.Host.Tasks;
#pragma warning disable BACKRUN102 // What the engine says to those who have not heard the analyzer.
        Assert.Throws<TaskSerializationException>(() => { _ = tasks.SubmitAsync<Take<Action>, Action>(static () => { }); });
#pragma warning restore BACKRUN102
        Assert.Same(request, Activity.Current);
        using CancellationTokenSource source = new();
        await source.CancelAsync();
        Assert.Throws<OperationCanceledException>(() => { _ = tasks.SubmitAsync<Act, int>(1, cancellationToken: source.Token); });
        Assert.Same(request, Activity.Current);
        Activity[] sends = watched.SpansOf(request);
        Assert.Equal(["Backrun.TaskSerializationException", "System.OperationCanceledException"], sends.Select(static send => send.GetTagItem("error.type")));
        Assert.All(sends, static send => Assert.Equal(ActivityStatusCode.Error, send.Status));
    }

    [Fact]
    public async Task A_run_that_was_asked_to_stop_and_did_is_no_error()
    {
        await using Watched watched = await Watched.Start();
        using Activity request = Watched.Request();
        TaskCompletionSource runs = Patience.Signal();
        BackgroundTaskHandle handle = watched.Host.Engine.StartAsync(async (_, token) =>
        {
            runs.SetResult();
            await Task.Delay(Timeout.Infinite, token);
        });
        await runs.Soon();
        watched.Host.Tasks.Cancel(handle.Id);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handle.Completion.WaitAsync(Patience.Long));
        Assert.Equal(ActivityStatusCode.Unset, watched.SpansOf(request).Single(static span => span.Kind == ActivityKind.Consumer).Status);
    }

    [Fact]
    public async Task Metrics_tell_how_long_starts_and_runs_take_by_task_queue_and_error()
    {
        await using Watched watched = await Watched.Start();
        await watched.Host.Tasks.StartNew<Act, int>(Acts.Add(static () => { })).Done();
        await watched.Host.Engine.StartAsync(static async (_, _) => await Task.Yield()).Done();
        await watched.Host.Tasks.StartNew<Act, int>(Acts.Add((Action)(static () => throw new InvalidOperationException("on purpose")))).Fails<InvalidOperationException>();
        watched.Host.Tasks.SubmitMany<Act, int>(Enumerable.Repeat(Acts.Add(static () => { }), 5), new StartOptions { Delay = TimeSpan.FromDays(1) });
        Assert.Throws<BackrunException>(() => watched.Host.Tasks.StartNew<Act, int>(1, new StartOptions { Queue = "nowhere" }));
        watched.Collect();
        Assert.Equal(7, watched.Sum("messaging.client.sent.messages", ("messaging.backrun.task.name", "act"), ("error.type", null)));
        Assert.Equal(1, watched.Sum("messaging.client.sent.messages", ("messaging.destination.name", "nowhere"), ("error.type", "Backrun.BackrunException")));
        Assert.Equal(3, watched.Count("messaging.client.operation.duration", ("messaging.backrun.task.name", "act"), ("error.type", null)));
        Assert.Equal(1, watched.Count("messaging.process.duration", ("messaging.backrun.task.name", "act"), ("error.type", null)));
        Assert.Equal(1, watched.Count("messaging.process.duration", ("messaging.backrun.task.name", "act"), ("error.type", "System.InvalidOperationException")));
        Assert.Equal(1, watched.Count("messaging.process.duration", ("messaging.backrun.task.name", "async-act"), ("messaging.system", "backrun")));
        Assert.Equal(3, watched.Sum("messaging.client.consumed.messages", ("messaging.destination.name", "default")));
    }

    [Fact]
    public async Task Metrics_tell_what_waits_runs_fails_and_dies_by_queue()
    {
        await using Watched watched = await Watched.Start();
        watched.Host.Engine.PauseQueue("mail");
        watched.Host.Tasks.SubmitMany<Act, int>(Enumerable.Repeat(Acts.Add(static () => { }), 4), new StartOptions { Queue = "mail" });
        watched.Host.Tasks.SubmitMany<Act, int>([1, 2], new StartOptions { Delay = TimeSpan.FromDays(1) });
        int runs = 0;
        await watched.Host.Tasks.StartNew<Act, int>(
            Acts.Add((Action)(() => throw new InvalidOperationException($"on purpose {Interlocked.Increment(ref runs)}"))),
            new StartOptions { Retry = new RetryPolicy { MaxAttempts = 3, Delay = TimeSpan.FromMilliseconds(1) } }).Fails<InvalidOperationException>();
        watched.Collect();
        Assert.Equal(4, watched.Sum("backrun.task.count", ("messaging.destination.name", "mail"), ("backrun.task.state", "ready")));
        Assert.Equal(2, watched.Sum("backrun.task.count", ("messaging.destination.name", "default"), ("backrun.task.state", "scheduled")));
        Assert.True(watched.Sum("backrun.task.size", ("messaging.destination.name", "mail")) > 0);
        Assert.Equal((3, 2, 1), (
            watched.Sum("backrun.failed.runs", ("messaging.destination.name", "default")),
            watched.Sum("backrun.retried.runs", ("messaging.destination.name", "default")),
            watched.Sum("backrun.ended.tasks", ("backrun.task.state", "dead"))));
        Assert.True(watched.Sum("backrun.worker.count", ("messaging.destination.name", "default")) > 0);
    }

    [Fact]
    public async Task Metrics_of_engines_with_keys_are_told_apart_by_their_meters()
    {
        await using Watched watched = await Watched.Start(static services => services.AddBackrun("reports", static o => o.Store = BackrunStore.Memory));
        BackrunEngine reports = watched.Host.Host.Services.GetRequiredKeyedService<BackrunEngine>("reports");
        await reports.Start(static () => { }).Done();
        watched.Collect();
        Assert.Equal(0, watched.Sum("backrun.ended.tasks", ("backrun.task.state", "succeeded")));
        Assert.Equal(1, watched.Sum("backrun.ended.tasks", "reports", ("backrun.task.state", "succeeded")));
    }

    /// <summary>A host whose telemetry is exported to memory.</summary>
    private sealed class Watched : IAsyncDisposable
    {
        private static readonly ActivitySource Requests = new("Backrun.Hosting.Tests");
        private readonly ConcurrentQueue<Activity> _spans = new();
        private readonly List<Metric> _metrics = [];

        internal TestHost Host { get; private set; } = null!;

        internal static async Task<Watched> Start(Action<IServiceCollection>? more = null)
        {
            Watched watched = new();
            watched.Host = await TestHost.Start(builder =>
            {
                builder.Services.AddBackrun(static o =>
                {
                    o.Store = BackrunStore.Memory;
                    o.Name = "watched";
                    o.Queues["mail"] = new QueueOptions();
                }).AddTask<Act, int>(name: "act").AddTask<AsyncAct, int>(name: "async-act");
                more?.Invoke(builder.Services);
                builder.Services.AddOpenTelemetry()
                    .WithTracing(tracing => tracing.AddSource("Backrun", "Backrun.Hosting.Tests").AddProcessor(new SimpleActivityExportProcessor(new InMemory(watched._spans))))
                    .WithMetrics(metrics => metrics.AddMeter("Backrun").AddInMemoryExporter(watched._metrics));
            });
            return watched;
        }

        /// <summary>What a request to the program would be. Spans of other tests, which the process's one source tells of too, are of other traces.</summary>
        internal static Activity Request() => Requests.StartActivity("request")!;

        internal Activity[] SpansOf(Activity request) => _spans.Where(span => span.TraceId == request.TraceId && span.Source.Name == "Backrun").ToArray();

        internal void Collect()
        {
            _metrics.Clear();
            Host.Host.Services.GetRequiredService<MeterProvider>().ForceFlush();
        }

        internal long Sum(string name, params (string Tag, string? Value)[] tags) => Sum(name, "watched", tags);

        internal long Sum(string name, string engine, params (string Tag, string? Value)[] tags) => Points(name, engine, tags).Sum(static point => point.GetSumLong());

        internal long Count(string name, params (string Tag, string? Value)[] tags) => Points(name, "watched", tags).Sum(static point => point.GetHistogramCount());

        public ValueTask DisposeAsync() => Host.DisposeAsync();

        private IEnumerable<MetricPoint> Points(string name, string engine, (string Tag, string? Value)[] tags)
        {
            foreach (Metric metric in _metrics.Where(metric => metric.Name == name && metric.MeterTags?.Any(tag => tag.Key == "messaging.backrun.engine" && (string?)tag.Value == engine) == true))
            {
                foreach (MetricPoint point in metric.GetMetricPoints())
                {
                    Dictionary<string, object?> has = new(StringComparer.Ordinal);
                    foreach ((string key, object? value) in point.Tags)
                    {
                        has[key] = value;
                    }

                    if (Array.TrueForAll(tags, tag => (string?)has.GetValueOrDefault(tag.Tag) == tag.Value))
                    {
                        yield return point;
                    }
                }
            }
        }

        /// <summary>The SDK's own keeps a list that is not for several threads.</summary>
        private sealed class InMemory(ConcurrentQueue<Activity> spans) : BaseExporter<Activity>
        {
            public override ExportResult Export(in Batch<Activity> batch)
            {
                foreach (Activity span in batch)
                {
                    spans.Enqueue(span);
                }

                return ExportResult.Success;
            }
        }
    }
}
