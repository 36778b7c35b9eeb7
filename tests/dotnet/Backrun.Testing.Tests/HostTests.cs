using System;
using System.Collections.Generic;
using System.IO;
using System.Threading.Tasks;
using Backrun.Testing.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Backrun.Testing.Tests;

/// <summary>An application whose tasks run under a test's hand.</summary>
public sealed class HostTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_applications_engine_is_the_tests_with_the_services_and_registrations_of_the_application(bool before)
    {
        using IHost host = Build(services =>
        {
            if (before)
            {
                services.AddBackrunTestEngine(TestMode.Manual);
            }

            AddApplication(services);
            if (!before)
            {
                services.AddBackrunTestEngine(TestMode.Manual);
            }
        });
        await host.StartAsync(TestContext.Current.CancellationToken);
        TestEngine engine = host.Services.GetRequiredService<TestEngine>();
        Assert.Same(engine.Engine, host.Services.GetRequiredService<BackrunEngine>());
        IBackgroundTasks tasks = host.Services.GetRequiredService<IBackgroundTasks>();
        await tasks.SubmitAsync<Greet, string>("Ada", new StartOptions { Durability = Durability.Committed }, TestContext.Current.CancellationToken);
        Assert.Equal("mail", engine.AssertStarted<Greet, string>(static name => name == "Ada").Queue);
        Greetings greetings = host.Services.GetRequiredService<Greetings>();
        Assert.Empty(greetings.All);
        Assert.Equal(1, engine.Drain());
        Assert.Equal(["busy"], greetings.All);
        engine.Advance(TimeSpan.FromHours(2));
        Assert.Equal(1, engine.Drain());
        Assert.Equal(["busy", "Hello, Ada"], greetings.All);
        await tasks.SubmitAsync<Greet, string>("Bob", cancellationToken: TestContext.Current.CancellationToken);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Tasks_of_an_application_run_at_the_call_and_by_the_tests_clock()
    {
        FakeTimeProvider clock = new();
        using IHost host = Build(services =>
        {
            AddApplication(services);
            services.AddBackrunTestEngine(TestMode.Inline, o => o.Clock = clock);
        });
        await host.StartAsync(TestContext.Current.CancellationToken);
        host.Services.GetRequiredService<BackrunEngine>().StartNew<Greet, string>("Ada");
        clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(["busy", "Hello, Ada"], host.Services.GetRequiredService<Greetings>().All);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task An_engine_with_a_name_has_a_test_engine_of_that_key()
    {
        using IHost host = Build(services =>
        {
            AddApplication(services);
            services.AddBackrun("reports", o => o.Store = BackrunStore.Memory);
            services.AddBackrunTestEngine(TestMode.Manual).AddBackrunTestEngine(TestMode.Inline, engine: "reports");
        });
        TestEngine manual = host.Services.GetRequiredService<TestEngine>();
        TestEngine inline = host.Services.GetRequiredKeyedService<TestEngine>("reports");
        host.Services.GetRequiredKeyedService<IBackgroundTasks>("reports").StartNew<SendMail, Mail>(new Mail());
        host.Services.GetRequiredService<IBackgroundTasks>().StartNew<SendLetter, Mail>(new Mail());
        Assert.Equal(BackgroundTaskState.Succeeded, inline.AssertStarted<SendMail, Mail>().GetStatus()!.State);
        Assert.Equal(BackgroundTaskState.Ready, manual.AssertStarted<SendLetter, Mail>().GetStatus()!.State);
        Assert.Same(inline.Engine, host.Services.GetRequiredKeyedService<BackrunEngine>("reports"));
        await Task.CompletedTask;
    }

    [Fact]
    public void Services_without_an_engine_and_a_second_call_are_errors_that_say_so()
    {
        using IHost host = Build(static services => services.AddBackrunTestEngine(TestMode.Manual));
        Assert.Contains("AddBackrun(", Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<TestEngine>().Engine).Message, StringComparison.Ordinal);
        ServiceCollection services = new();
        services.AddBackrunTestEngine(TestMode.Manual);
        Assert.Throws<InvalidOperationException>(() => services.AddBackrunTestEngine(TestMode.Inline));
    }

    [Fact]
    public async Task Hosts_of_several_tests_leave_the_default_engine_of_the_process_alone()
    {
        for (int each = 0; each < 2; each++)
        {
            using IHost host = Build(static services =>
            {
                services.AddBackrun(static o =>
                {
                    o.Store = BackrunStore.Memory;
                    o.UseAsDefault = true;
                });
                services.AddBackrunTestEngine(TestMode.Manual);
            });
            await host.StartAsync(TestContext.Current.CancellationToken);
            TestEngine engine = host.Services.GetRequiredService<TestEngine>();
            using (engine.UseAsDefault())
            {
                BackgroundTasks.StartNew<SendMail, Mail>(new Mail());
            }

            engine.AssertStarted<SendMail, Mail>();
            await host.StopAsync(TestContext.Current.CancellationToken);
        }
    }

    private static void AddApplication(IServiceCollection services)
    {
        services.AddSingleton<Greetings>();

        // As in production: a file, which must not be made here, and options that only such a store takes.
        services.AddBackrun(static o =>
        {
            o.Store = BackrunStore.Sqlite(Path.Combine(Path.GetTempPath(), "no such folder", "tasks.db"));
            o.Durability = Durability.Committed;
            o.KeepFor = TimeSpan.FromDays(1);
            o.MaxCrashes = 5;
            o.OwnerWait = TimeSpan.FromSeconds(1);
            o.Queues["mail"] = new QueueOptions { Workers = 4 };
        }).AddTask<Greet, string>(new TaskOptions { Queue = "mail", Retry = new RetryPolicy { MaxAttempts = 2, Delay = TimeSpan.FromHours(1) } });
    }

    private static IHost Build(Action<IServiceCollection> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        add(builder.Services);
        return builder.Build();
    }

    internal sealed class Greetings
    {
        internal List<string> All { get; } = [];
    }

    internal sealed class Greet(Greetings greetings) : IBackgroundTask<string>
    {
        public void Run(string parameters)
        {
            if (BackgroundTaskContext.Current!.Attempt == 1)
            {
                greetings.All.Add("busy");
                throw new IOException("busy");
            }

            greetings.All.Add($"Hello, {parameters}");
        }
    }
}
