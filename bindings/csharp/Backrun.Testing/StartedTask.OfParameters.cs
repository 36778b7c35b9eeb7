namespace Backrun.Testing;

#pragma warning disable MA0048 // Its file is named after what it is.
/// <summary>A task that was started, with the type of its parameters known.</summary>
/// <typeparam name="TParameters">What it was started with.</typeparam>
public sealed class StartedTask<TParameters> : StartedTask
{
    internal StartedTask(StartedTask same)
        : base(same)
    {
    }

    /// <inheritdoc cref="StartedTask.Parameters"/>
    public new TParameters Parameters => (TParameters)base.Parameters!;
}
