namespace Backrun;

/// <summary>How an engine ends.</summary>
public enum ShutdownMode
{
    /// <summary>Runs what is queued, waits for what runs, takes nothing new.</summary>
    Drain = 1,

    /// <summary>Starts nothing more, asks what runs to stop, waits for it, takes nothing new.</summary>
    Cancel = 2,
}
