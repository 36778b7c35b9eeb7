using System;
using System.Threading.Channels;
using System.Threading.Tasks;
using Backrun.Benchmarks.Contenders;
using MessagePack;

namespace Backrun.Benchmarks.Children;

/// <summary>The smallest programs that run one task in the background: they say so at its end.</summary>
internal static class FirstTask
{
    public static void OfBackrun()
    {
        using var engine = new BackrunEngine();
        engine.StartNew<SayingTask, int>(1).Completion.Wait();
    }

    public static void OfChannel() => RunInChannel<Action>(Say, static run => run());

    /// <summary>With what Backrun does with parameters.</summary>
    public static void OfChannelOfBytes() => RunInChannel(
        MessagePackSerializer.Serialize(1, Formats.OptionsOf(PayloadFormat.Contractless)),
        static bytes => new SayingTask().Run(
            MessagePackSerializer.Deserialize<int>(bytes, Formats.OptionsOf(PayloadFormat.Contractless))));

    public static void Say()
    {
        using System.IO.Stream output = Console.OpenStandardOutput();
        output.Write("\n"u8);
    }

    private static void RunInChannel<T>(T item, Action<T> run)
    {
        Channel<T> channel = Channel.CreateUnbounded<T>();
        Task loop = Task.Run(() => LoopAsync(channel.Reader, run));
        channel.Writer.TryWrite(item);
        channel.Writer.Complete();
        loop.Wait();
    }

    private static async Task LoopAsync<T>(ChannelReader<T> reader, Action<T> run)
    {
        while (await reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (reader.TryRead(out T? item))
            {
                run(item);
            }
        }
    }
}

/// <summary>A task that says that it has run.</summary>
public sealed class SayingTask : IBackgroundTask<int>
{
    /// <inheritdoc/>
    public void Run(int parameters) => FirstTask.Say();
}
