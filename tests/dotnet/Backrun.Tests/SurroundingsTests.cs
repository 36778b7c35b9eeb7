using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

/// <summary>What a run finds around it: culture, trace context, its own context, and nothing of the run before it.</summary>
public sealed class SurroundingsTests
{
    [Fact]
    public async Task A_run_has_the_culture_of_whoever_started_it_and_the_next_one_has_not()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        (string, string) own = (CultureInfo.CurrentCulture.Name, CultureInfo.CurrentUICulture.Name);
        Assert.Equal(("de-AT", "fr-CA"), await In("de-AT", "fr-CA", () => CulturesOfRun(engine)));
        Assert.Equal(own, await CulturesOfRun(engine));
        Assert.Equal(("", "ja-JP"), await In("", "ja-JP", () => CulturesOfAsyncRun(engine)));
        Assert.Equal(own, await CulturesOfAsyncRun(engine));
        await engine.Start(static () => CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("pt-BR")).Done();
        Assert.Equal(own, await CulturesOfRun(engine));
    }

    [Fact]
    public async Task An_engine_made_under_another_culture_still_gives_each_run_that_of_its_starter()
    {
        using BackrunEngine engine = In("sv-SE", "sv-SE", static () => Engines.New(new BackrunOptions { Workers = 1 }));
        (string, string) own = (CultureInfo.CurrentCulture.Name, CultureInfo.CurrentUICulture.Name);
        Assert.Equal(own, await CulturesOfRun(engine));
        Assert.Equal(("sv-SE", "sv-SE"), await In("sv-SE", "sv-SE", () => CulturesOfRun(engine)));
        Assert.Equal(own, await CulturesOfRun(engine));
    }

    [Fact]
    public async Task A_culture_that_is_not_known_here_fails_that_task_only()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = Raw.Submit<Act, int>(engine, [0x01], headerName: "culture", headerValue: "x!not a culture");
        await handle.Fails<CultureNotFoundException>();
        await engine.Start(static () => { }).Done();
    }

    [Fact]
    public async Task The_trace_context_of_the_starter_travels_as_headers()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource<IReadOnlyDictionary<string, string>> got = Patience.Signal<IReadOnlyDictionary<string, string>>();
        using Activity activity = new Activity("starter").SetIdFormat(ActivityIdFormat.W3C);
        activity.TraceStateString = "vendor=value";
        activity.Start();
        string id = activity.Id!;
        engine.Start(() => got.SetResult(BackgroundTaskContext.Current!.Headers));
        activity.Stop();
        IReadOnlyDictionary<string, string> headers = await got.Soon();
        Assert.Equal((id, "vendor=value"), (headers["traceparent"], headers["tracestate"]));
    }

    [Fact]
    public async Task Starts_and_runs_are_activities_under_that_of_the_starter_where_somebody_listens()
    {
        using Activity starter = new Activity("starter").SetIdFormat(ActivityIdFormat.W3C).Start();
        ConcurrentQueue<Activity> mine = new();
        using ActivityListener listener = new()
        {
            ShouldListenTo = static source => source.Name == "Backrun",

            // It hears of every engine of the process.
            Sample = (ref ActivityCreationOptions<ActivityContext> made) =>
                made.TraceId == starter.TraceId ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = mine.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource<ActivityTraceId> inside = Patience.Signal<ActivityTraceId>();
        await engine.Start(() => inside.SetResult(Activity.Current!.TraceId)).Done();
        await engine.StartAsync(static async (_, _) =>
        {
            await Task.Yield();
            throw new InvalidOperationException("on purpose");
        }).Fails<InvalidOperationException>();
        Assert.Equal(starter.TraceId, await inside.Soon());
        Activity[] sends = mine.Where(static each => each.Kind == ActivityKind.Producer).ToArray();
        Activity[] runs = mine.Where(static each => each.Kind == ActivityKind.Consumer).ToArray();
        Assert.All(sends, each => Assert.Equal(starter.SpanId, each.ParentSpanId));
        Assert.Equal(sends.Select(static each => each.SpanId), runs.Select(static each => each.ParentSpanId));
        Assert.Equal([ActivityStatusCode.Unset, ActivityStatusCode.Error], runs.Select(static each => each.Status));
    }

    [Fact]
    public async Task The_context_is_that_of_the_run_in_synchronous_and_asynchronous_ones()
    {
        using BackrunEngine engine = Engines.New();
        Assert.Null(BackgroundTaskContext.Current);
        TaskCompletionSource<BackgroundTaskContext> sync = Patience.Signal<BackgroundTaskContext>();
        BackgroundTaskHandle handle = engine.Start(() =>
        {
            Assert.Same(BackgroundTaskContext.Current, BackgroundTaskContext.Current);
            sync.SetResult(BackgroundTaskContext.Current!);
        });
        await handle.Done();
        BackgroundTaskContext context = await sync.Soon();
        BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
        Assert.Equal(
            (handle.Id, 1, status.Lease, status.TaskName, "default", BackgroundTaskPriority.Normal),
            (context.Id, context.Attempt, context.Lease, context.TaskName, context.Queue, context.Priority));
        Assert.Empty(context.Headers);
        await engine.StartAsync(static async (context, token) =>
        {
            Assert.Same(context, BackgroundTaskContext.Current);
            Assert.Equal(token, context.CancellationToken);
            await Task.Yield();
            Assert.Same(context, BackgroundTaskContext.Current);
            await Task.Run(() => Assert.Same(context, BackgroundTaskContext.Current), token);
        }).Done();
    }

    [Fact]
    public async Task The_continuation_of_an_async_run_inside_another_run_keeps_its_own_context()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        TaskCompletionSource inline = new();
        TaskCompletionSource waits = Patience.Signal();
        BackgroundTaskContext? before = null;
        BackgroundTaskContext? after = null;
        BackgroundTaskHandle waiting = engine.StartAsync(async (context, _) =>
        {
            before = context;
            waits.SetResult();
            await inline.Task.ConfigureAwait(false);
            after = BackgroundTaskContext.Current;
        });
        await waits.Soon();
        BackgroundTaskContext? own = null;
        await engine.Start(() =>
        {
            inline.SetResult();
            own = BackgroundTaskContext.Current;
        }).Done();
        await waiting.Done();
        Assert.Same(before, after);
        Assert.NotSame(own, after);
    }

    [Fact]
    public async Task What_a_run_sets_on_its_thread_does_not_reach_the_next_run()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        AsyncLocal<string?> local = new();
        await engine.Start(() =>
        {
            local.Value = "left behind";
            SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
            ExecutionContext.SuppressFlow();
        }).Done();
        (string?, SynchronizationContext?, bool) seen = ("unset", null, true);
        await engine.Start(() => seen = (local.Value, SynchronizationContext.Current, ExecutionContext.IsFlowSuppressed())).Done();
        Assert.Equal((null, null, false), seen);
    }

    [Fact]
    public async Task A_context_that_outlives_its_run_stays_readable_and_harmless()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskContext? kept = null;
        BackgroundTaskHandle handle = engine.Start(() => kept = BackgroundTaskContext.Current);
        await handle.Done();
        Assert.Equal(handle.Id, kept!.Id);
        Assert.False(kept.CancellationToken.CanBeCanceled);
        Assert.Equal(BackrunErrorCode.StaleLease, Assert.Throws<BackrunException>(() => kept.SetResult(1)).Code);
    }

    private static Task<(string, string)> CulturesOfRun(BackrunEngine engine)
    {
        TaskCompletionSource<(string, string)> got = Patience.Signal<(string, string)>();
        engine.Start(() => got.SetResult((CultureInfo.CurrentCulture.Name, CultureInfo.CurrentUICulture.Name)));
        return got.Soon();
    }

    private static Task<(string, string)> CulturesOfAsyncRun(BackrunEngine engine)
    {
        TaskCompletionSource<(string, string)> got = Patience.Signal<(string, string)>();
        engine.StartAsync(async (_, _) =>
        {
            await Task.Yield();
            got.SetResult((CultureInfo.CurrentCulture.Name, CultureInfo.CurrentUICulture.Name));
        });
        return got.Soon();
    }

    private static T In<T>(string culture, string uiCulture, Func<T> function)
    {
        (CultureInfo before, CultureInfo uiBefore) = (CultureInfo.CurrentCulture, CultureInfo.CurrentUICulture);
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(uiCulture);
            return function();
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
            CultureInfo.CurrentUICulture = uiBefore;
        }
    }
}
