using System;
using Backrun.Benchmarks.Measuring;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks.Contenders;

/// <summary>The payload of tasks that do nothing: 100 bytes.</summary>
internal static class NoOpPayload
{
    public const int Size = 100;

    public static byte[] New()
    {
        byte[] payload = new byte[Size];
        Random.Shared.NextBytes(payload);
        return payload;
    }
}

/// <summary>
/// The typed way with bytes as parameters: MessagePack frames them, and the task gets an array of its own. More than
/// the others here do.
/// </summary>
internal sealed class BackrunBytes(int workers) : IThroughputContender
{
    private readonly byte[] _payload = NoOpPayload.New();
    private readonly BackrunEngine _engine = new(new BackrunOptions { Workers = workers });

    public string Name => "Backrun, byte[] parameters";

    public void HandOver(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _engine.StartNew<CountingTask<byte[]>, byte[]>(_payload);
        }
    }

    public void Dispose() => _engine.Dispose();
}

/// <summary>A channel that keeps what Backrun keeps: a copy of the bytes as they were at the call.</summary>
internal sealed class NoOpChannelOfBytes(int workers) : IThroughputContender
{
    private readonly byte[] _payload = NoOpPayload.New();
    private readonly Workers<byte[]> _workers = new(workers, bytes => Done.One());

    public string Name => "Channel<byte[]>";

    public void HandOver(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _workers.Writer.TryWrite(_payload.AsSpan().ToArray());
        }
    }

    public void Dispose() => _workers.Dispose();
}

/// <summary>
/// A channel of work objects that refer to what the caller has: nothing is copied, nothing is kept as it was.
/// </summary>
internal sealed class NoOpChannelByReference(int workers) : IThroughputContender
{
    private readonly byte[] _payload = NoOpPayload.New();
    private readonly Workers<Work> _workers = new(workers, work => work.Run());

    public string Name => "Channel<T> by reference";

    public void HandOver(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _workers.Writer.TryWrite(new Work(_payload));
        }
    }

    public void Dispose() => _workers.Dispose();

    private sealed class Work(byte[] payload)
    {
        private readonly byte[] _payload = payload;

        public void Run()
        {
            GC.KeepAlive(_payload);
            Done.One();
        }
    }
}
