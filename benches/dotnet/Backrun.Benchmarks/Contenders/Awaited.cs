using System.Threading.Tasks;
using Backrun.Benchmarks.Measuring;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks.Contenders;

/// <summary>So many callers at once, each of which hands a task over, awaits its end, and does so again.</summary>
internal abstract class Awaited : IThroughputContender
{
    private const int Callers = 1000;

    public abstract string Name { get; }

    public void HandOver(int tasks)
    {
        var callers = new Task[Callers];
        for (int i = 0; i < Callers; i++)
        {
            int share = (tasks / Callers) + (i < tasks % Callers ? 1 : 0);
            callers[i] = Task.Run(() => CallAsync(share));
        }
        Task.WaitAll(callers);
    }

    public abstract void Dispose();

    protected abstract Task StartAsync();

    private async Task CallAsync(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            await StartAsync().ConfigureAwait(false);
        }
    }
}

internal sealed class BackrunAwaited(int workers) : Awaited
{
    private readonly BackrunEngine _engine = new(new BackrunOptions { Workers = workers });

    public override string Name => "Backrun, Completion";

    public override void Dispose() => _engine.Dispose();

    // The smallest parameters there are: what is measured is the way back.
    protected override Task StartAsync() => _engine.StartNew<CountingTask<int>, int>(1).Completion;
}

internal sealed class ChannelAwaited(int workers) : Awaited
{
    private readonly Workers<TaskCompletionSource> _workers = new(workers, source =>
    {
        Done.One();
        source.SetResult();
    });

    public override string Name => "Channel<TaskCompletionSource>";

    public override void Dispose() => _workers.Dispose();

    protected override Task StartAsync()
    {
        // Otherwise the caller's continuation would run in the worker's loop: a slow caller would hold up all tasks.
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _workers.Writer.TryWrite(source);
        return source.Task;
    }
}
