using Backrun.Benchmarks.Work;
using MessagePack;

namespace Backrun.Benchmarks.Contenders;

/// <summary>
/// A channel of bytes with the same MessagePack work as Backrun's: what is handed over is a snapshot, as it is there.
/// The bytes have to be an array of their own, since nobody knows when they will be read.
/// </summary>
/// <typeparam name="TParameters">The parameters.</typeparam>
internal sealed class ChannelOfBytes<TParameters> : IThroughputContender
    where TParameters : ISample<TParameters>
{
    private readonly TParameters _parameters = TParameters.Sample();
    private readonly MessagePackSerializerOptions _options;
    private readonly Workers<byte[]> _workers;

    public ChannelOfBytes(int workers, PayloadFormat format)
    {
        _options = Formats.OptionsOf(format);
        _workers = new Workers<byte[]>(workers, Run);
    }

    public string Name => "Channel<byte[]> and MessagePack";

    public void HandOver(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _workers.Writer.TryWrite(MessagePackSerializer.Serialize(_parameters, _options));
        }
    }

    public void Dispose() => _workers.Dispose();

    private void Run(byte[] bytes) =>
        new CountingTask<TParameters>().Run(MessagePackSerializer.Deserialize<TParameters>(bytes, _options));
}
