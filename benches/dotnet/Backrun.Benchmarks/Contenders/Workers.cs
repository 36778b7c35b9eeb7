using System;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace Backrun.Benchmarks.Contenders;

/// <summary>
/// The loop that everybody writes who needs background tasks in a process: an unbounded channel, and as many readers as
/// there are workers. The readers wait asynchronously and take all there is before they wait again, on threads of the
/// pool; continuations do not run on the writer.
/// </summary>
/// <typeparam name="T">What is in the channel.</typeparam>
internal sealed class Workers<T> : IDisposable
{
    private readonly Channel<T> _channel = Channel.CreateUnbounded<T>(new UnboundedChannelOptions
    {
        SingleReader = false,
        SingleWriter = false,
    });
    private readonly Task[] _loops;

    public Workers(int workers, Action<T> run)
    {
        _loops = new Task[workers];
        for (int i = 0; i < workers; i++)
        {
            _loops[i] = Task.Run(() => LoopAsync(run));
        }
    }

    public ChannelWriter<T> Writer => _channel.Writer;

    public void Dispose()
    {
        _channel.Writer.Complete();
        Task.WaitAll(_loops);
    }

    private async Task LoopAsync(Action<T> run)
    {
        while (await _channel.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_channel.Reader.TryRead(out T? item))
            {
                run(item);
            }
        }
    }
}
