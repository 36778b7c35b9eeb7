using System;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks.Contenders;

/// <summary>The package with its store in a file: one caller that waits for each task, or has so many on their way.</summary>
internal sealed class BackrunDurable : IDurableContender
{
    private readonly NamedParameters _parameters = NamedParameters.Sample();
    private readonly Task[] _inFlight;
    private readonly BackrunEngine _engine;

    public BackrunDurable(string file, Durability durability, int inFlight)
    {
        _inFlight = new Task[inFlight];
        Array.Fill(_inFlight, Task.CompletedTask);
        _engine = new BackrunEngine(new BackrunOptions
        {
            Workers = 2,
            Store = BackrunStore.Sqlite(file),
            Durability = durability,
            PayloadFormat = PayloadFormat.Contractless,
        });
    }

    public int Tasks => _inFlight.Length > 1 ? 100_000 : 5_000;

    public int Samples => 500;

    public void Enqueue(int tasks)
    {
        if (_inFlight.Length == 1)
        {
            for (int i = 0; i < tasks; i++)
            {
                _engine.StartNew<CountingTask<NamedParameters>, NamedParameters>(_parameters);
            }
            return;
        }
        EnqueueAsync(tasks).Wait();
    }

    public void WaitForEnds(long total)
    {
        Measuring.Done.WaitFor(total);
        // And until the store has the last of these ends.
        while (_engine.GetStatistics().Stored > 0)
        {
            Thread.Sleep(1);
        }
    }

    public void Stamp(long submittedAt) =>
        _engine.StartNew<StampTask, Stamp>(new Stamp { Index = 0, SubmittedAt = submittedAt });

    public void Dispose() => _engine.Dispose();

    private async Task EnqueueAsync(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            await _inFlight[i % _inFlight.Length].ConfigureAwait(false);
            _inFlight[i % _inFlight.Length] = _engine.SubmitAsync<CountingTask<NamedParameters>, NamedParameters>(_parameters).AsTask();
        }
        await Task.WhenAll(_inFlight).ConfigureAwait(false);
    }
}
