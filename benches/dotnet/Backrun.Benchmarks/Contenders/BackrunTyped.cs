using System;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks.Contenders;

/// <summary>
/// Backrun as applications use it, with all defaults but for the workers and the format; one at a time or in batches.
/// </summary>
/// <typeparam name="TParameters">The parameters.</typeparam>
internal sealed class BackrunTyped<TParameters> : IThroughputContender
    where TParameters : ISample<TParameters>
{
    private readonly TParameters _parameters = TParameters.Sample();
    private readonly TParameters[] _batch;
    private readonly BackrunEngine _engine;

    /// <param name="workers">As many as the others have.</param>
    /// <param name="format">How parameters are written.</param>
    /// <param name="batch">Tasks of one call; 1: StartNew, more: SubmitMany.</param>
    public BackrunTyped(int workers, PayloadFormat format, int batch = 1)
    {
        _batch = new TParameters[batch];
        Array.Fill(_batch, _parameters);
        _engine = new BackrunEngine(new BackrunOptions { Workers = workers, PayloadFormat = format });
        Name = batch == 1 ? "Backrun" : $"Backrun, SubmitMany of {batch}";
    }

    public string Name { get; }

    public void HandOver(int tasks)
    {
        if (_batch.Length == 1)
        {
            for (int i = 0; i < tasks; i++)
            {
                _engine.StartNew<CountingTask<TParameters>, TParameters>(_parameters);
            }
            return;
        }
        int left = tasks;
        for (; left >= _batch.Length; left -= _batch.Length)
        {
            _engine.SubmitMany<CountingTask<TParameters>, TParameters>(_batch);
        }
        _engine.SubmitMany<CountingTask<TParameters>, TParameters>(new ArraySegment<TParameters>(_batch, 0, left));
    }

    public void Dispose() => _engine.Dispose();
}
