using System;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Backrun.Benchmarks.Contenders;

namespace Backrun.Benchmarks.Children;

/// <summary>The package's, with bytes as parameters. One worker, which a task holds.</summary>
internal sealed class BacklogOfBackrun : IBacklog
{
    private static readonly ManualResetEventSlim Held = new();
    private static readonly ManualResetEventSlim MayLeave = new();
    private readonly byte[] _payload = NoOpPayload.New();
    private readonly BackrunEngine _engine = new(new BackrunOptions { Workers = 1 });

    public void Prepare()
    {
        Add(1000);
        _engine.StartNew<HoldingTask, int>(0);
        Held.Wait();
    }

    public void Add(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _engine.StartNew<NothingTask, byte[]>(_payload);
        }
    }

    public void Dispose()
    {
        // What is queued is not to run, and nobody is to be warned of it.
        Task<ShutdownReport> shutdown = _engine.ShutdownAsync(ShutdownMode.Cancel, Timeout.InfiniteTimeSpan);
        MayLeave.Set();
        shutdown.Wait();
        _engine.Dispose();
    }

    internal sealed class HoldingTask : IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
            Held.Set();
            MayLeave.Wait();
        }
    }

    internal sealed class NothingTask : IBackgroundTask<byte[]>
    {
        public void Run(byte[] parameters)
        {
        }
    }
}

/// <summary>A channel of copies, which nobody reads once it is filled.</summary>
internal sealed class BacklogOfBytes : IBacklog
{
    private readonly byte[] _payload = NoOpPayload.New();
    private readonly Channel<byte[]> _channel = Channel.CreateUnbounded<byte[]>();

    public void Prepare()
    {
        Add(1000);
        while (_channel.Reader.TryRead(out _))
        {
        }
    }

    public void Add(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _channel.Writer.TryWrite(_payload.AsSpan().ToArray());
        }
    }

    public void Dispose() => _channel.Writer.Complete();
}

/// <summary>A channel of work objects with their own 100 bytes: what is queued by reference in earnest.</summary>
internal sealed class BacklogOfReferences : IBacklog
{
    private readonly Channel<Work> _channel = Channel.CreateUnbounded<Work>();

    public void Prepare()
    {
        Add(1000);
        while (_channel.Reader.TryRead(out _))
        {
        }
    }

    public void Add(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _channel.Writer.TryWrite(new Work(new byte[NoOpPayload.Size]));
        }
    }

    public void Dispose() => _channel.Writer.Complete();

    private sealed class Work(byte[] payload)
    {
        public byte[] Payload { get; } = payload;
    }
}
