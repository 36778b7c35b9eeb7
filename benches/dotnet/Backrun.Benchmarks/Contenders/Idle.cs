using System.Threading;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks.Contenders;

internal sealed class BackrunIdle(int workers) : ILatencyContender
{
    private readonly BackrunEngine _engine = new(new BackrunOptions
    {
        Workers = workers,
        PayloadFormat = PayloadFormat.Standard,
    });

    public string Name => "Backrun";

    public void HandOver(int index, long submittedAt) =>
        _engine.StartNew<StampTask, Stamp>(new Stamp { Index = index, SubmittedAt = submittedAt });

    public void Dispose() => _engine.Dispose();
}

internal sealed class ChannelIdle(int workers) : ILatencyContender
{
    private readonly Workers<Stamp> _workers = new(workers, stamp => new StampTask().Run(stamp));

    public string Name => "Channel<T> by reference";

    public void HandOver(int index, long submittedAt) =>
        _workers.Writer.TryWrite(new Stamp { Index = index, SubmittedAt = submittedAt });

    public void Dispose() => _workers.Dispose();
}

/// <summary>
/// The pool's own queue. It has as many threads as it likes, which does not matter where one task runs at a time.
/// </summary>
internal sealed class ThreadPoolIdle : ILatencyContender
{
    public string Name => "ThreadPool";

    public void HandOver(int index, long submittedAt) =>
        ThreadPool.UnsafeQueueUserWorkItem(
            static stamp => new StampTask().Run(stamp),
            new Stamp { Index = index, SubmittedAt = submittedAt },
            preferLocal: false);

    public void Dispose()
    {
    }
}
