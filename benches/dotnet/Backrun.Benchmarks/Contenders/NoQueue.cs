using System.Buffers;
using Backrun.Benchmarks.Work;
using MessagePack;

namespace Backrun.Benchmarks.Contenders;

/// <summary>
/// The same MessagePack work and the same task with nothing in between, on the producer's thread: the least there is.
/// </summary>
/// <typeparam name="TParameters">The parameters.</typeparam>
internal sealed class NoQueue<TParameters>(PayloadFormat format) : IThroughputContender
    where TParameters : ISample<TParameters>
{
    private readonly TParameters _parameters = TParameters.Sample();
    private readonly MessagePackSerializerOptions _options = Formats.OptionsOf(format);

    public string Name => "(no queue at all)";

    public void HandOver(int tasks)
    {
        var buffer = new ArrayBufferWriter<byte>();
        for (int i = 0; i < tasks; i++)
        {
            buffer.ResetWrittenCount();
            MessagePackSerializer.Serialize(buffer, _parameters, _options);
            var parameters = MessagePackSerializer.Deserialize<TParameters>(buffer.WrittenMemory, _options);
            new CountingTask<TParameters>().Run(parameters);
        }
    }

    public void Dispose()
    {
    }
}
