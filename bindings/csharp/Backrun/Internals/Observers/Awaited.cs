using System.Threading.Tasks;

namespace Backrun.Internals;

/// <summary>A task whose end somebody awaits.</summary>
internal sealed class Awaited(BackrunEngine engine) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Kept from the garbage collector while somebody waits for it.</summary>
    internal BackrunEngine Engine { get; } = engine;
}
