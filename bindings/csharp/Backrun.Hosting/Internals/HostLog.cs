using Microsoft.Extensions.Logging;

namespace Backrun.Hosting.Internals;

/// <summary>What the host's log is told.</summary>
internal static partial class HostLog
{
    [LoggerMessage(1, LogLevel.Information, "Backrun: {Engine} is started, {Kind} store {Store}")]
    internal static partial void Started(ILogger logger, string engine, string kind, string store);

    [LoggerMessage(
        2,
        LogLevel.Warning,
        "Backrun: {Engine} has tasks in its store that no class is registered for, by name (and how many): {TaskNames}. They wait. Name their classes by AddBackrunTask, or purge them with the command line")]
    internal static partial void NoHandler(ILogger logger, string engine, string taskNames);

    [LoggerMessage(3, LogLevel.Information, "Backrun: {Engine} has ended; {Queued} tasks stay in its store")]
    internal static partial void Ended(ILogger logger, string engine, long queued);

    [LoggerMessage(4, LogLevel.Warning, "Backrun: the time for ending {Engine} was over with {Count} tasks still running ({Tasks}): {Consequence}")]
    internal static partial void LeftRunning(ILogger logger, string engine, int count, string tasks, string consequence);

    [LoggerMessage(5, LogLevel.Warning, "Backrun: {Engine} has ended with {Queued} tasks that had not run, and its memory store has lost them. A durable store keeps them: BackrunStore.Sqlite")]
    internal static partial void Lost(ILogger logger, string engine, long queued);
}
