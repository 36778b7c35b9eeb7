namespace Backrun;

/// <summary>How safe a task is when the call that started it returns.</summary>
public enum Durability
{
    /// <summary>On disk (fsync or commit). The default of durable stores. Not yet: throws <see cref="System.NotSupportedException"/>.</summary>
    Committed = 1,

    /// <summary>Accepted: it may be lost in a power cut and, with the memory store, at the end of the process. The default, and only one, of the memory store.</summary>
    Buffered = 2,
}
