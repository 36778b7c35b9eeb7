using System.Threading.Tasks;

namespace Backrun.Internals;

/// <summary>A task whose end somebody awaits. An entry of <see cref="AwaitedTable"/>, linked by itself, so that awaiting takes this object and its Task and nothing else.</summary>
internal sealed class Awaited : TaskCompletionSource
{
    internal Awaited(BackrunEngine engine, long id)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        Engine = engine;
        Id = id;
    }

    /// <summary>Kept from the garbage collector while somebody waits for it.</summary>
    internal BackrunEngine Engine { get; }

    internal long Id { get; }

    /// <summary>The next in the same bucket of the table.</summary>
    internal Awaited? Next { get; set; }
}
