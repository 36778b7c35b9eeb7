using System;
using System.Threading;
using Backrun.Benchmarks.Measuring;

namespace Backrun.Benchmarks.Work;

/// <summary>What a task does to whoever runs it.</summary>
public enum Burden
{
    /// <summary>None: it ends at once.</summary>
    None,

    /// <summary>Holds its thread for 20 s, asleep.</summary>
    Sleeping,

    /// <summary>Holds its thread and a core, until it is released.</summary>
    Burning,
}

/// <summary>Does it.</summary>
public static class Burdens
{
    private static readonly TimeSpan Sleep = TimeSpan.FromSeconds(20);

    // The system's own event: what the pool would notice, and make up for with another thread, is waiting for a Task.
    private static readonly ManualResetEvent Release = new(initialState: false);
    private static bool _released;

    /// <summary>Runs a task.</summary>
    public static void Run(Burden burden)
    {
        switch (burden)
        {
            case Burden.Sleeping:
                Release.WaitOne(Sleep);
                break;
            case Burden.Burning:
                while (!Volatile.Read(ref _released))
                {
                    // Nothing: that is what it is.
                }
                break;
            default:
                Done.One();
                break;
        }
    }

    /// <summary>Lets all end that sleep or burn.</summary>
    public static void ReleaseAll()
    {
        Volatile.Write(ref _released, true);
        Release.Set();
    }
}

/// <summary>A task of Backrun's.</summary>
public sealed class BurdenTask : IBackgroundTask<Burden>
{
    /// <inheritdoc/>
    public void Run(Burden parameters) => Burdens.Run(parameters);
}
