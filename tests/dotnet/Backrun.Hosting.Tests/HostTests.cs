using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Hosting.Tests.Support;
using Backrun.Tests.Support;
using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Xunit;

namespace Backrun.Hosting.Tests;

/// <summary>An engine lives as long as its host, and what it does is the host's services' and log's.</summary>
public sealed class HostTests
{
    [Fact]
    public async Task A_host_without_a_store_does_not_start_and_says_how_to_choose_one()
    {
        await using TestHost host = TestHost.Build(static builder => builder.Services.AddBackrun(static o => o.Workers = 1));
        OptionsValidationException wrong = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync());
        Assert.Contains("o.Store = BackrunStore.Sqlite(Path.Combine(builder.Environment.ContentRootPath, \"tasks.db\"))", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("o.Store = BackrunStore.Memory", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_option_is_an_error_at_the_start_that_names_it_with_value_and_limits()
    {
        await using TestHost host = TestHost.Build(static builder => builder.Services.AddBackrun(static o =>
        {
            o.Store = BackrunStore.Memory;
            o.Workers = 65;
            o.Queues["mail"] = new QueueOptions { Capacity = 0 };
            o.ShutdownTimeout = TimeSpan.Zero;
        }));
        OptionsValidationException wrong = await Assert.ThrowsAsync<OptionsValidationException>(() => host.Host.StartAsync());
        Assert.Equal(3, wrong.Failures.Count());
        Assert.Contains("BackrunOptions.Workers is 65; give it 1 to 64 threads", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("QueueOptions.Capacity of queue 'mail' is 0; give it 1 to", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("BackrunHostOptions.ShutdownTimeout is 00:00:00; give it a time longer than zero", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Formatters_of_the_application_are_set_where_the_engine_is()
    {
        await using TestHost host = await TestHost.Start(static builder => builder.Services.AddBackrun(static o =>
        {
            o.Store = BackrunStore.Memory;
            o.FormatterResolver = CompositeResolver.Create(new PathFormatter());
        }));
        BackgroundTaskHandle task = host.Engine.StartNew<NamesPath, DirectoryInfo>(new DirectoryInfo("/tmp/x"));
        await task.Done();
        Assert.Equal("/tmp/x", host.Engine.GetStatus(task.Id)!.GetResult<string>());
    }

    [Fact]
    public async Task A_task_gets_its_services_from_a_scope_of_its_own()
    {
        await using TestHost host = await TestHost.Start(static builder =>
        {
            builder.Services.AddScoped<Scoped>();
            builder.Services.AddSingleton<Seen>();
            builder.Services.AddBackrun(static o => o.Store = BackrunStore.Memory).AddTask<UsesServices, int>();
        });
        await host.Tasks.StartNew<UsesServices, int>(1).Done();
        await host.Tasks.StartNew<UsesServices, int>(2).Done();
        Seen seen = host.Host.Services.GetRequiredService<Seen>();
        Assert.Equal(2, seen.Scopes.Distinct().Count());
        Assert.All(seen.Scopes, static scope => Assert.True(scope.IsDisposed));
    }

    [Fact]
    public async Task IBackgroundTasks_is_the_engine_that_is_injected()
    {
        await using TestHost host = await TestHost.Start(static builder => builder.Services.AddBackrun(static o => o.Store = BackrunStore.Memory));
        Assert.Same(host.Engine, host.Tasks);
        int ran = 0;
        Action count = () => Interlocked.Increment(ref ran);
        BackgroundTaskHandle one = host.Tasks.StartNew<Act, int>(Acts.Add(count));
        BackgroundTaskHandle two = await host.Tasks.SubmitAsync<Act, int>(Acts.Add(count));
        BackgroundTaskHandle three = host.Tasks.SubmitMany<Act, int>([Acts.Add(count)]).Single();
        await Task.WhenAll(one.Done(), two.Done(), three.Done());
        Assert.Equal(3, ran);
        Assert.Equal(BackgroundTaskState.Succeeded, host.Tasks.GetStatus(one.Id)!.State);
        Assert.Equal(CancelResult.AlreadyFinal, host.Tasks.Cancel(one.Id));
    }

    [Fact]
    public async Task An_engine_that_is_asked_for_before_the_start_is_the_one_that_the_host_starts()
    {
        await using TestHost host = TestHost.Build(static builder => builder.Services.AddBackrun(static o => o.Store = BackrunStore.Memory).AddTask<Act, int>());
        BackrunEngine before = host.Engine;
        await before.Start(static () => { }).Done();
        await host.Host.StartAsync();
        Assert.Same(before, host.Engine);
        await host.Stop();
        Assert.Equal(BackrunErrorCode.ShuttingDown, Assert.Throws<BackrunException>(() => before.Start(static () => { })).Code);
    }

    [Fact]
    public async Task Adding_an_engine_twice_adds_to_its_options_and_makes_one()
    {
        await using TestHost host = await TestHost.Start(static builder =>
        {
            builder.Services.AddBackrun(static o => o.Store = BackrunStore.Memory);
            builder.Services.AddBackrun(static o => o.Queues["mail"] = new QueueOptions());
        });
        Assert.Single(host.Host.Services.GetServices<IHostedService>());
        Assert.Contains("mail", host.Engine.GetStatistics().Queues.Keys);
    }

    [Fact]
    public async Task Engines_with_keys_are_apart_from_each_other_and_from_the_one_without()
    {
        await using TestHost host = await TestHost.Start(static builder =>
        {
            builder.Services.AddBackrun(static o => o.Store = BackrunStore.Memory);
            builder.Services.AddBackrun("reports", static o => o.Store = BackrunStore.Memory).AddTask<Act, int>(name: "report");
            builder.Services.AddSingleton<NeedsReports>();
        });
        IBackgroundTasks reports = host.Host.Services.GetRequiredService<NeedsReports>().Reports;
        Assert.NotSame(host.Tasks, reports);
        Assert.Same(reports, host.Host.Services.GetRequiredKeyedService<BackrunEngine>("reports"));
        BackgroundTaskHandle handle = reports.StartNew<Act, int>(Acts.Add(static () => { }));
        await handle.Done();
        Assert.Equal("report", reports.GetStatus(handle.Id)!.TaskName);
        Assert.Equal(0, host.Engine.GetStatistics().Accepted);
        await host.Stop();
        Assert.All([host.Engine, (BackrunEngine)reports], static engine => Assert.Throws<BackrunException>(() => engine.Start(static () => { })));
    }

    [Fact]
    public async Task What_needs_the_engine_to_make_it_is_told_so()
    {
        await using TestHost host = TestHost.Build(static builder =>
        {
            builder.Services.AddTransient<IUserConnectionFactory, NeedsTheEngine>();
            builder.Services.AddBackrun(static o => o.Store = BackrunStore.Memory);
        });
        InvalidOperationException wrong = await Assert.ThrowsAsync<InvalidOperationException>(() => host.Host.StartAsync().WaitAsync(Patience.Long));
        Assert.Contains("asks the services for BackrunEngine or IBackgroundTasks again", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_lines_of_a_run_stand_in_a_scope_with_its_task()
    {
        await using TestHost host = await TestHost.Start(static builder => builder.Services.AddBackrun(static o => o.Store = BackrunStore.Memory).AddTask<Logs, string>().AddTask<LogsLater, string>());
        BackgroundTaskHandle sync = host.Tasks.StartNew<Logs, string>("synchronous");
        BackgroundTaskHandle later = host.Tasks.StartNew<LogsLater, string>("asynchronous");
        await Task.WhenAll(sync.Done(), later.Done());
        Assert.Equal((sync.Id.Value, typeof(Logs).FullName, 1), ScopeOf("synchronous"));
        Assert.Equal((later.Id.Value, typeof(LogsLater).FullName, 1), ScopeOf("asynchronous"));

        (object?, object?, object?) ScopeOf(string text)
        {
            HostLogLines.Line line = host.Log.Lines.Single(each => each.Text == text);
            return (line.Scope["TaskId"], line.Scope["TaskName"], line.Scope["Attempt"]);
        }
    }

    [Fact]
    public async Task A_host_can_give_its_engine_to_the_static_BackgroundTasks()
    {
        await using TestHost host = await TestHost.Start(static builder => builder.Services.AddBackrun(static o =>
        {
            o.Store = BackrunStore.Memory;
            o.UseAsDefault = true;
        }));
        Assert.Same(host.Engine, BackrunEngine.Default);
        TaskCompletionSource ran = Patience.Signal();
        BackgroundTasks.StartNew<Act, int>(Acts.Add(() => ran.SetResult()));
        await ran.Soon();
    }

    [Fact]
    public async Task A_file_that_cannot_be_opened_keeps_the_host_from_starting()
    {
        await using TestHost host = TestHost.Build(static builder =>
            builder.Services.AddBackrun(o => o.Store = BackrunStore.Sqlite(Path.Combine(builder.Environment.ContentRootPath, "nowhere", "tasks.db"))));
        BackrunException wrong = await Assert.ThrowsAsync<BackrunException>(() => host.Host.StartAsync().WaitAsync(Patience.Long));
        Assert.Equal(BackrunErrorCode.Store, wrong.Code);
    }

    public sealed class Scoped : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    public sealed class Seen
    {
        public System.Collections.Concurrent.ConcurrentQueue<Scoped> Scopes { get; } = new();
    }

    public sealed class UsesServices(Scoped scoped, Seen seen) : IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
            Assert.False(scoped.IsDisposed);
            seen.Scopes.Enqueue(scoped);
        }
    }

    public sealed class NeedsReports([FromKeyedServices("reports")] IBackgroundTasks reports)
    {
        public IBackgroundTasks Reports { get; } = reports;
    }

    public sealed class NeedsTheEngine(IBackgroundTasks tasks) : IUserConnectionFactory
    {
        public UserConnection Open(UserIdentity identity) => throw new NotSupportedException(tasks.ToString());
    }

    public sealed class Logs(ILogger<Logs> logger) : IBackgroundTask<string>
    {
        public void Run(string parameters) => logger.Log(LogLevel.Information, default, parameters, null, static (text, _) => text);
    }

    public sealed class LogsLater(ILogger<LogsLater> logger) : IAsyncBackgroundTask<string>
    {
        public async Task RunAsync(string parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
        {
            await Task.Yield();
            logger.Log(LogLevel.Information, default, parameters, null, static (text, _) => text);
        }
    }

#pragma warning disable BACKRUN102 // The formatter below writes it.
    internal sealed class NamesPath : IBackgroundTask<DirectoryInfo>
#pragma warning restore BACKRUN102
    {
        public void Run(DirectoryInfo parameters) => BackgroundTaskContext.Current!.SetResult(parameters.FullName);
    }

    private sealed class PathFormatter : IMessagePackFormatter<DirectoryInfo?>
    {
        public void Serialize(ref MessagePackWriter writer, DirectoryInfo? value, MessagePackSerializerOptions options) => writer.Write(value!.FullName);

        public DirectoryInfo? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) => new(reader.ReadString()!);
    }
}
