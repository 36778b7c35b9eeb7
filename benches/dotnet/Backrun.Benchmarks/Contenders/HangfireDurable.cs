using System;
using Backrun.Benchmarks.Measuring;
using Backrun.Benchmarks.Work;
using Hangfire;
using Hangfire.Storage.SQLite;

namespace Backrun.Benchmarks.Contenders;

/// <summary>Hangfire's server with two workers, its jobs in SQLite. Its parameters travel as its own JSON.</summary>
internal sealed class HangfireDurable : IDurableContender
{
    private readonly NamedParameters _parameters = NamedParameters.Sample();
    private readonly SQLiteStorage _storage;
    private readonly BackgroundJobClient _client;
    private readonly BackgroundJobServer _server;

    /// <param name="file">Where.</param>
    /// <param name="poll">How often idle workers look; null: the storage's default, 15 s.</param>
    public HangfireDurable(string file, TimeSpan? poll)
    {
        var options = new SQLiteStorageOptions();
        IsAsleep = poll is null;
        options.QueuePollInterval = poll ?? options.QueuePollInterval;
        _storage = new SQLiteStorage(file, options);
        _client = new BackgroundJobClient(_storage);
        _server = new BackgroundJobServer(new BackgroundJobServerOptions { WorkerCount = 2 }, _storage);
    }

    public bool IsAsleep { get; }

    public int Tasks => 300;

    public int Samples => IsAsleep ? 3 : 50;

    public void Enqueue(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _client.Enqueue<CountingTask<NamedParameters>>(task => task.Run(_parameters));
        }
    }

    public void WaitForEnds(long total) => Done.WaitFor(total);

    public void Stamp(long submittedAt) => _client.Enqueue(() => Latencies.Started(0, submittedAt));

    public void Dispose()
    {
        _server.Dispose();
        (_storage as IDisposable)?.Dispose();
    }
}
