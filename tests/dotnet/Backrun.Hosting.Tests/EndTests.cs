using System;
using System.Collections.Concurrent;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Hosting.Tests.Support;
using Backrun.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Backrun.Hosting.Tests;

/// <summary>A host that stops ends its engine within its own time; what is left is told, and what a file has is there after the next start.</summary>
public sealed class EndTests
{
    [Fact]
    public async Task What_a_host_left_in_its_file_the_next_host_runs()
    {
        using Folder folder = new();
        BackgroundTaskId id;
        await using (TestHost first = await Durable(folder))
        {
            first.Engine.PauseQueue("paused");
            id = (await first.Tasks.SubmitAsync<Act, int>(Acts.Add(static () => { }), new StartOptions { Queue = "paused" })).Id;
            await first.Stop();
            Assert.Contains(first.Log.Lines, static line => line.Text == "Backrun: the engine has ended; 1 tasks stay in its store");
        }

        await using TestHost second = await Durable(folder);
        second.Engine.ResumeQueue("paused");
        await second.Tasks.GetHandle(id).Done();
    }

    [Fact]
    public async Task A_stop_interrupts_a_durable_run_which_the_next_host_runs_again_as_the_same_attempt()
    {
        using Folder folder = new();
        TaskCompletionSource runs = Patience.Signal();
        ConcurrentQueue<int> attempts = new();
        int act = Acts.Add(async (BackgroundTaskContext context, CancellationToken token) =>
        {
            attempts.Enqueue(context.Attempt);
            if (attempts.Count == 1)
            {
                runs.SetResult();
                await Task.Delay(Timeout.Infinite, token);
            }
        });
        BackgroundTaskId id;
        await using (TestHost first = await Durable(folder))
        {
            id = first.Tasks.StartNew<AsyncAct, int>(act).Id;
            await runs.Soon();
            await first.Stop();
            Assert.Empty(first.Log.Warnings);
        }

        await using TestHost second = await Durable(folder);
        await second.Tasks.GetHandle(id).Done();
        Assert.Equal([1, 1], attempts);
    }

    [Fact]
    public async Task A_stop_runs_what_the_memory_store_would_lose()
    {
        await using TestHost host = await TestHost.Start(static builder => builder.Services.AddBackrun(static o =>
        {
            o.Store = BackrunStore.Memory;
            o.Workers = 1;
        }));
        using ManualResetEventSlim gate = new();
        int ran = 0;
        host.Engine.Start(() => gate.WaitSoon());
        host.Tasks.SubmitMany<Act, int>(Enumerable.Repeat(Acts.Add((Action)(() => Interlocked.Increment(ref ran))), 100));
        Task stop = host.Stop();
        await Patience.Until(() => host.Engine.IsShutDown);
        gate.Set();
        await stop;
        Assert.Equal(100, ran);
        Assert.Empty(host.Log.Warnings);
    }

    [Fact]
    public async Task A_stop_ends_with_the_time_of_the_host_though_a_task_loops_and_tells_what_is_left()
    {
        using ManualResetEventSlim gate = new();
        TaskCompletionSource runs = Patience.Signal();
        TestHost host = await TestHost.Start(static builder =>
        {
            builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = TimeSpan.FromMilliseconds(50));
            builder.Services.AddBackrun(static o =>
            {
                o.Store = BackrunStore.Memory;
                o.Workers = 1;
                o.MaxWorkers = 1;
            });
        });
        try
        {
            BackgroundTaskHandle stuck = host.Engine.Start(() =>
            {
                runs.SetResult();
                gate.WaitSoon();
            });
            BackgroundTaskHandle behind = host.Engine.Start(static () => { });
            await runs.Soon();
            await host.Stop();
            Assert.False(stuck.Completion.IsCompletedSuccessfully);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => behind.Completion.WaitAsync(Patience.Long));
            Assert.Contains(host.Log.Warnings, line => line.Contains($"with 1 tasks still running ({new RunningTask(stuck.Id, typeof(Act).FullName!)})", StringComparison.Ordinal));
            Assert.Contains(host.Log.Warnings, static line => line.Contains("has ended with 1 tasks that had not run", StringComparison.Ordinal));
        }
        finally
        {
            // It has waited once, and told.
            await host.DisposeAsync();
            Assert.False(gate.IsSet);
            Assert.DoesNotContain(host.Log.Warnings, static line => line.Contains("Dispose waited", StringComparison.Ordinal));
            gate.Set();
        }
    }

    [Fact]
    public async Task Time_of_its_own_leaves_the_rest_of_the_hosts_to_others()
    {
        using ManualResetEventSlim gate = new();
        TaskCompletionSource runs = Patience.Signal();
        await using TestHost host = await TestHost.Start(static builder => builder.Services.AddBackrun(static o =>
        {
            o.Store = BackrunStore.Memory;
            o.Shutdown = ShutdownMode.Cancel;
            o.ShutdownTimeout = TimeSpan.FromMilliseconds(50);
        }));
        host.Engine.Start(() =>
        {
            runs.SetResult();
            gate.WaitSoon();
        });
        await runs.Soon();
        await host.Host.StopAsync(CancellationToken.None).WaitAsync(Patience.Long);
        Assert.Contains(host.Log.Warnings, static line => line.Contains("with 1 tasks still running", StringComparison.Ordinal));
        gate.Set();
    }

    [Fact]
    public async Task A_drain_that_the_time_does_not_suffice_for_asks_what_runs_to_stop()
    {
        TaskCompletionSource asked = Patience.Signal();
        TaskCompletionSource runs = Patience.Signal();
        await using TestHost host = await TestHost.Start(static builder => builder.Services.AddBackrun(static o =>
        {
            o.Store = BackrunStore.Memory;
            o.ShutdownTimeout = TimeSpan.FromMilliseconds(50);
        }));
        host.Engine.StartAsync(async (_, token) =>
        {
            runs.SetResult();
            using CancellationTokenRegistration registration = token.Register(() => asked.SetResult());
            await asked.Task;
        });
        await runs.Soon();
        await host.Stop();
        await asked.Soon();
    }

    [Fact]
    public async Task Stored_tasks_that_no_class_is_registered_for_are_told_with_their_names()
    {
        using Folder folder = new();
        await using (TestHost first = await TestHost.Start(
            static builder => builder.Services.AddBackrun(o => o.Store = BackrunStore.Sqlite(Path.Combine(builder.Environment.ContentRootPath, "tasks.db")))
                .AddTask<Act, int>(name: "known")
                .AddTask<AsyncAct, int>(name: "left alone"),
            folder: folder.Path))
        {
            first.Engine.PauseQueue("default");
            first.Engine.SubmitMany<AsyncAct, int>([1, 2, 3]);
            first.Engine.StartNew<Act, int>(Acts.Add(static () => { }));
            await first.Stop();
        }

        await using TestHost second = await TestHost.Start(
            static builder => builder.Services.AddBackrun(o => o.Store = BackrunStore.Sqlite(Path.Combine(builder.Environment.ContentRootPath, "tasks.db"))).AddTask<Act, int>(name: "known"),
            folder: folder.Path);
        string warning = Assert.Single(second.Log.Warnings);
        Assert.Contains("no class is registered for, by name (and how many): 'left alone' (3).", warning, StringComparison.Ordinal);
    }

    private static Task<TestHost> Durable(Folder folder) => TestHost.Start(
        static builder => builder.Services.AddBackrun(o =>
        {
            o.Store = BackrunStore.Sqlite(Path.Combine(builder.Environment.ContentRootPath, "tasks.db"));
            o.Queues["paused"] = new QueueOptions();
        }).AddTask<Act, int>().AddTask<AsyncAct, int>(),
        folder: folder.Path);

    private sealed class Folder : IDisposable
    {
        internal string Path { get; } = Directory.CreateTempSubdirectory("backrun-hosting-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
