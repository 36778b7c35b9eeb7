namespace Backrun;

/// <summary>How an engine ends.</summary>
public enum ShutdownMode
{
    /// <summary>
    /// Runs what is ready, waits for what runs, takes nothing new. It does not wait for what is scheduled (delayed tasks, retries) or stands in a paused queue: with the memory store, those are cancelled.
    /// </summary>
    Drain = 1,

    /// <summary>Starts nothing more, asks what runs to stop, waits for it, takes nothing new.</summary>
    Cancel = 2,
}
