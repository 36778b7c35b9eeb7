namespace Backrun;

/// <summary>What went wrong, as a number that stays the same for ever; those of the C header's <c>BACKRUN_INVALID_ARGUMENT</c> and its kin.</summary>
public enum BackrunErrorCode
{
    /// <summary>Nothing. No exception has this code.</summary>
    None = 0,

    /// <summary>A value is out of its range, or at odds with another one.</summary>
    InvalidArgument = 1,

    /// <summary>The native library and this assembly are of different versions.</summary>
    AbiMismatch = 2,

    /// <summary>The native library is older than this assembly and does not know an option that was set.</summary>
    UnsupportedField = 3,

    /// <summary>The engine or its store cannot do this (yet). Thrown as a <see cref="System.NotSupportedException"/> that names the option.</summary>
    NotSupported = 4,

    /// <summary>There is no such task or queue, or the task is no longer kept.</summary>
    NotFound = 5,

    /// <summary>The queue is full. Thrown as a <see cref="QueueFullException"/>.</summary>
    QueueFull = 6,

    /// <summary>The engine is shutting down or has been shut down: it takes no new work.</summary>
    ShuttingDown = 7,

    /// <summary>The engine ended while the task was still running: how it ends will not be recorded.</summary>
    ShutdownIncomplete = 8,

    /// <summary>A thread of the engine, or a run, asked to wait for the engine itself.</summary>
    WouldDeadlock = 9,

    /// <summary>The task was claimed anew, settled already or abandoned: this run's word no longer counts.</summary>
    StaleLease = 10,

    /// <summary>Memory could not be had; nothing was accepted or changed.</summary>
    OutOfMemory = 11,

    /// <summary>The process is a fork of the one that made the engine.</summary>
    Forked = 12,

    /// <summary>A bug in Backrun. The engine then answers only status, shutdown and dispose.</summary>
    Panic = 13,

    /// <summary>A value is larger than its limit; the message names both.</summary>
    TooLarge = 14,

    /// <summary>A handler of this task name is registered already.</summary>
    AlreadyRegistered = 15,

    /// <summary>No handler of this task name is registered.</summary>
    NoHandler = 16,

    /// <summary>The operating system refused something the engine needs, such as a thread.</summary>
    System = 17,

    /// <summary>The store failed, or cannot be opened: another process has it, the disk is full, the file is damaged. Of a call that starts a task: nothing was queued.</summary>
    Store = 18,

    /// <summary>Bytes are not the MessagePack that they should be, or a value has no form in it; the message names the byte.</summary>
    InvalidPayload = 19,

    /// <summary>A task failed: see <see cref="BackgroundTaskFailedException"/>. A code of .NET programs only.</summary>
    TaskFailed = 1000,

    /// <summary>Parameters cannot be serialised: see <see cref="TaskSerializationException"/>. A code of .NET programs only.</summary>
    Serialization = 1001,
}
