namespace Backrun;

/// <summary>How safe a task is when the call that started it returns.</summary>
public enum Durability
{
    /// <summary>
    /// On disk, past a power cut: the call waits for a sync of the disk, which takes about 0.1 to 10 ms, and which calls that come at the same time share. The default of durable stores. The memory store
    /// throws <see cref="System.NotSupportedException"/>.
    /// </summary>
    Committed = 1,

    /// <summary>
    /// Accepted: with a durable store it survives the end of the process, however it comes, but may be lost in a power cut; with the memory store it ends with the process. The default, and only one, of the
    /// memory store.
    /// </summary>
    Buffered = 2,
}
