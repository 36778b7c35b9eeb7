using System.Threading;
using Backrun.Benchmarks.Work;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backrun.Benchmarks.Contenders;

internal sealed class BackrunBurdened(int workers) : IBurdenedContender
{
    // Its warnings of what it sees would stand between the tables.
    private readonly BackrunEngine _engine = new(new BackrunOptions
    {
        Workers = workers,
        LoggerFactory = NullLoggerFactory.Instance,
    });

    public void HandOver(Burden burden, int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _engine.StartNew<BurdenTask, Burden>(burden);
        }
    }

    public void Dispose() => _engine.Dispose();
}

internal sealed class ChannelBurdened(int workers) : IBurdenedContender
{
    private readonly Workers<Burden> _workers = new(workers, Burdens.Run);

    public void HandOver(Burden burden, int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _workers.Writer.TryWrite(burden);
        }
    }

    public void Dispose() => _workers.Dispose();
}

/// <summary>The pool as it is: it begins with a thread a core, and adds one now and then while none is free.</summary>
internal sealed class ThreadPoolBurdened : IBurdenedContender
{
    public void HandOver(Burden burden, int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(Burdens.Run, burden, preferLocal: false);
        }
    }

    public void Dispose()
    {
    }
}
