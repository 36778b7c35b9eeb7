namespace Backrun.Sample;

/// <summary>
/// A background task that does nothing: that it is in the store says that the run has come to its end.
/// </summary>
public sealed class RunEnded : IBackgroundTask<int>
{
    /// <inheritdoc/>
    public void Run(int parameters)
    {
    }
}
