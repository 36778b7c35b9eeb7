using System.Collections.Concurrent;
using System.Threading.Tasks;
using Backrun;
using Backrun.Creatio;
using Backrun.Tests.Support;

namespace CreatioTests.Support;

/// <summary>Keeps what it was run with. Tests that run at the same time have different parameters' types, or take turns.</summary>
internal sealed class Take<T> : Terrasoft.Core.Tasks.IBackgroundTask<T>
{
    private static readonly ConcurrentQueue<T> Taken = new();

    /// <summary>Starts a task with these parameters, waits for it, and gives what it was run with.</summary>
    internal static async Task<T> Sent(BackrunEngine engine, T value)
    {
        await CreatioTasks.StartNew<Take<T>, T>(engine, value).Done();
        Xunit.Assert.True(Taken.TryDequeue(out T? taken));
        return taken;
    }

    public void Run(T parameters) => Taken.Enqueue(parameters);
}
