namespace Backrun;

/// <summary>A task that was running.</summary>
/// <param name="Id">Its id.</param>
/// <param name="TaskName">Its name.</param>
public readonly record struct RunningTask(BackgroundTaskId Id, string TaskName)
{
    /// <summary>The id and the name.</summary>
    public override string ToString() => $"{Id.Value} '{TaskName}'";
}
