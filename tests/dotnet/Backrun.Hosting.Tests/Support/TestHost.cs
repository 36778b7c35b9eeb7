using System;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Backrun.Hosting.Tests.Support;

/// <summary>A real generic host with a content root and a log of its own.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly bool _ownsFolder;

    private TestHost(IHost host, HostLogLines log, string folder, bool ownsFolder)
    {
        Host = host;
        Log = log;
        Folder = folder;
        _ownsFolder = ownsFolder;
    }

    internal IHost Host { get; }

    internal HostLogLines Log { get; }

    /// <summary>The content root.</summary>
    internal string Folder { get; }

    internal IBackgroundTasks Tasks => Host.Services.GetRequiredService<IBackgroundTasks>();

    internal BackrunEngine Engine => Host.Services.GetRequiredService<BackrunEngine>();

    /// <param name="add">Adds what the test is about.</param>
    /// <param name="json">What stands in appsettings.json.</param>
    /// <param name="folder">The content root of an earlier host.</param>
    internal static TestHost Build(Action<IHostApplicationBuilder> add, string json = "{}", string? folder = null)
    {
        string root = folder ?? Directory.CreateTempSubdirectory("backrun-hosting-").FullName;
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = root });
        builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json)));
        HostLogLines log = new();
        builder.Logging.AddProvider(log).SetMinimumLevel(LogLevel.Debug);
        builder.Services.AddMetrics();
        add(builder);
        return new TestHost(builder.Build(), log, root, folder is null);
    }

    internal static async Task<TestHost> Start(Action<IHostApplicationBuilder> add, string json = "{}", string? folder = null)
    {
        TestHost host = Build(add, json, folder);
        await host.Host.StartAsync().WaitAsync(Patience.Long);
        return host;
    }

    internal Task Stop() => Host.StopAsync().WaitAsync(Patience.Long);

    public async ValueTask DisposeAsync()
    {
        await ((IAsyncDisposable)Host).DisposeAsync();
        if (_ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
