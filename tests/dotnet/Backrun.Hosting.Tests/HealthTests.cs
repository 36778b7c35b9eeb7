using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Hosting.Internals;
using Backrun.Hosting.Tests.Support;
using Backrun.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Xunit;

namespace Backrun.Hosting.Tests;

/// <summary>What the health check of an engine calls healthy, and what not.</summary>
public sealed class HealthTests
{
    [Fact]
    public async Task An_engine_is_healthy_between_its_start_and_its_end()
    {
        await using TestHost host = Build(new SetTime());
        HealthReportEntry before = await Look(host);
        Assert.Equal((HealthStatus.Unhealthy, "the engine has not been started yet"), (before.Status, before.Description));
        await host.Host.StartAsync();
        HealthReportEntry then = await Look(host);
        Assert.Equal((HealthStatus.Healthy, null, 0L), (then.Status, then.Description, then.Data["ready"]));
        await host.Stop();
        HealthReportEntry after = await Look(host);
        Assert.Equal((HealthStatus.Unhealthy, "the engine is shut down"), (after.Status, after.Description));
    }

    [Fact]
    public async Task Tasks_that_have_died_since_the_window_began_degrade_it_until_the_window_has_passed()
    {
        SetTime time = new();
        await using TestHost host = Build(time, static o => o.DeadTasks = 1);
        await host.Host.StartAsync();
        await Die(host, 1);
        Assert.Equal(HealthStatus.Healthy, (await Look(host)).Status);
        await Die(host, 1);
        HealthReportEntry look = await Look(host);
        Assert.Equal((HealthStatus.Degraded, "2 tasks have died of late", 2L), (look.Status, look.Description, look.Data["dead"]));

        // Several may look, and each sees it.
        Assert.Equal(HealthStatus.Degraded, (await Look(host)).Status);
        time.Now += TimeSpan.FromMinutes(5);
        Assert.Equal(HealthStatus.Healthy, (await Look(host)).Status);
        await Die(host, 2);
        Assert.Equal(HealthStatus.Degraded, (await Look(host)).Status);
    }

    [Fact]
    public async Task A_run_that_stalls_for_long_degrades_it_and_a_queue_where_nothing_begins_behind_it_is_unhealthy()
    {
        SetTime time = new();
        using ManualResetEventSlim gate = new();
        await using TestHost host = Build(time, static o => o.StalledRunAfter = TimeSpan.Zero);
        await host.Host.StartAsync();
        BackgroundTaskHandle stuck = host.Engine.Start(() => gate.WaitSoon());
        await Patience.Until(() => host.Engine.GetStatistics().Running == 1);
        BackgroundTaskHandle behind = host.Engine.Start(static () => { });
        await Patience.Until(() => host.Engine.GetStatistics().StalledRuns.Count == 1);
        HealthReportEntry first = await Look(host);
        Assert.Equal(HealthStatus.Degraded, first.Status);
        Assert.StartsWith($"1 runs hold up what waits behind them, task {stuck.Id.Value} '{typeof(Act).FullName}' in queue 'default' for ", first.Description, StringComparison.Ordinal);
        time.Now += TimeSpan.FromSeconds(29);
        Assert.Equal(HealthStatus.Degraded, (await Look(host)).Status);
        time.Now += TimeSpan.FromSeconds(1);
        HealthReportEntry then = await Look(host);
        Assert.Equal(HealthStatus.Unhealthy, then.Status);
        Assert.StartsWith("nothing has begun in queue 'default' for 00:00:30, where 1 tasks are ready behind 1 stalled runs; 1 runs hold up", then.Description, StringComparison.Ordinal);
        gate.Set();
        await Task.WhenAll(stuck.Done(), behind.Done());
        await Patience.Until(() => host.Engine.GetStatistics().StalledRuns.Count == 0);
        Assert.Equal(HealthStatus.Healthy, (await Look(host)).Status);
    }

    [Fact]
    public async Task A_store_that_does_not_take_the_ends_of_tasks_is_unhealthy_as_long_as_it_does_not()
    {
        // Counters as such a store leaves them: no disk can be full for one test of the process and not for those beside it.
        await using TestHost host = Build(new SetTime());
        EngineHealthCheck check = new(HostedEngines.Of(host.Host.Services, string.Empty), new BackrunHealthOptions(), new SetTime());
        HealthCheckContext context = new() { Registration = new HealthCheckRegistration("backrun", check, HealthStatus.Unhealthy, tags: null) };
        HealthCheckResult ill = check.Judge(Unsaved(3), context);
        Assert.Equal((HealthStatus.Unhealthy, "the store does not take the ends of 3 tasks: its disk may be full or gone", 3L), (ill.Status, ill.Description, ill.Data["unsaved"]));
        Assert.Equal(HealthStatus.Healthy, check.Judge(Unsaved(0), context).Status);

        static EngineStatistics Unsaved(long count) => new(
            counter => counter == Counter.StoreUnsaved ? count : 0, new Dictionary<string, QueueStatistics>(StringComparer.Ordinal), [], new Dictionary<string, TaskNameStatistics>(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_engine_with_a_key_has_a_check_of_its_own_and_a_status_as_it_is_told_to()
    {
        await using TestHost host = TestHost.Build(static builder =>
        {
            builder.Services.AddBackrun(static o => o.Store = BackrunStore.Memory);
            builder.Services.AddBackrun("reports", static o => o.Store = BackrunStore.Memory);
            builder.Services.AddHealthChecks().AddBackrun().AddBackrun(engine: "reports", failureStatus: HealthStatus.Degraded, tags: ["ready"]);
        });
        HealthReport report = await host.Host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(["backrun", "backrun-reports"], report.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((HealthStatus.Degraded, "engine 'reports' has not been started yet"), (report.Entries["backrun-reports"].Status, report.Entries["backrun-reports"].Description));
    }

    [Fact]
    public async Task A_check_of_an_engine_that_nobody_added_says_so_and_which_there_are()
    {
        await using TestHost host = TestHost.Build(static builder =>
        {
            builder.Services.AddBackrun("reports", static o => o.Store = BackrunStore.Memory);
            builder.Services.AddHealthChecks().AddBackrun(engine: "report");
        });
        InvalidOperationException wrong = await Assert.ThrowsAsync<InvalidOperationException>(() => host.Host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync());
        Assert.Equal("No engine 'report' was added to the services; AddBackrun(\"report\", o => …) adds it. There are: 'reports'.", wrong.Message);
    }

    [Fact]
    public void A_limit_out_of_its_range_is_refused_by_name()
    {
        IHealthChecksBuilder builder = new ServiceCollection().AddHealthChecks();
        Assert.Contains(
            "BackrunHealthOptions.StalledRunAfter is -00:00:01; give it zero or more",
            Assert.Throws<ArgumentOutOfRangeException>(() => builder.AddBackrun(static o => o.StalledRunAfter = TimeSpan.FromSeconds(-1))).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.AddBackrun(static o => o.DeadTasks = -1));
    }

    private static TestHost Build(TimeProvider time, Action<BackrunHealthOptions>? configure = null) => TestHost.Build(builder =>
    {
        builder.Services.AddSingleton(time);
        builder.Services.AddBackrun(static o =>
        {
            o.Store = BackrunStore.Memory;
            o.Workers = 1;
            o.MaxWorkers = 1;
        });
        builder.Services.AddHealthChecks().AddBackrun(configure);
    });

    private static async Task<HealthReportEntry> Look(TestHost host) =>
        (await host.Host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["backrun"];

    private static async Task Die(TestHost host, int count)
    {
        for (int each = 0; each < count; each++)
        {
            await host.Engine.Start(static () => throw new InvalidOperationException("on purpose")).Fails<InvalidOperationException>();
        }
    }

    private sealed class SetTime : TimeProvider
    {
        internal DateTimeOffset Now { get; set; } = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
