using System.Runtime.CompilerServices;
using Backrun.Internals;

namespace Backrun.Tests.Support;

/// <summary>Keeps what it was run with, apart for each engine: tests that run at the same time do not see each other's.</summary>
public sealed class Take<T> : IBackgroundTask<T>
{
    private static readonly ConditionalWeakTable<EngineCore, StrongBox<T>> Taken = [];

    internal static T LastIn(BackrunEngine engine)
    {
        Xunit.Assert.True(Taken.TryGetValue(engine.Core, out StrongBox<T>? last), "No such task has run in this engine.");
        return last!.Value!;
    }

    public void Run(T parameters) => Taken.AddOrUpdate(BackgroundTaskContext.Current!.Core, new StrongBox<T>(parameters));
}
