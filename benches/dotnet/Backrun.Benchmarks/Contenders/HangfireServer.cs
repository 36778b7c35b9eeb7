using System;
using Backrun.Benchmarks.Work;
using Hangfire;
using Hangfire.InMemory;

namespace Backrun.Benchmarks.Contenders;

/// <summary>Hangfire's server on its storage in memory, with as many workers; all else is its default.</summary>
internal sealed class HangfireInMemory : IDisposable
{
    private readonly InMemoryStorage _storage = new();
    private readonly BackgroundJobServer _server;

    public HangfireInMemory(int workers)
    {
        Client = new BackgroundJobClient(_storage);
        _server = new BackgroundJobServer(new BackgroundJobServerOptions { WorkerCount = workers }, _storage);
    }

    public BackgroundJobClient Client { get; }

    public void Dispose()
    {
        _server.Dispose();
        _storage.Dispose();
    }
}

internal sealed class HangfireBurdened(int workers) : IBurdenedContender
{
    private readonly HangfireInMemory _hangfire = new(workers);

    public void HandOver(Burden burden, int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _hangfire.Client.Enqueue(() => Burdens.Run(burden));
        }
    }

    public void Dispose() => _hangfire.Dispose();
}

/// <summary>The parameters travel as the JSON that Hangfire writes itself.</summary>
internal sealed class HangfireTyped(int workers) : IThroughputContender
{
    private readonly NamedParameters _parameters = NamedParameters.Sample();
    private readonly HangfireInMemory _hangfire = new(workers);

    public string Name => "Hangfire in memory";

    public int Burst => 5_000;

    public void HandOver(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _hangfire.Client.Enqueue<CountingTask<NamedParameters>>(task => task.Run(_parameters));
        }
    }

    public void Dispose() => _hangfire.Dispose();
}
