using System.Reflection;

namespace Backrun.Internals;

/// <summary>
/// The words of OpenTelemetry's semantic conventions for messaging (status: development), version 1.30 and later: a queue is the destination, a task the message. What is Backrun's own stands below
/// <c>messaging.backrun</c>, as they ask.
/// </summary>
internal static class Conventions
{
    internal const string Source = "Backrun";
    internal const string SystemName = "backrun";
    internal const string Send = "send";
    internal const string Process = "process";

    internal const string System = "messaging.system";
    internal const string OperationName = "messaging.operation.name";
    internal const string OperationType = "messaging.operation.type";
    internal const string Destination = "messaging.destination.name";
    internal const string MessageId = "messaging.message.id";
    internal const string BatchCount = "messaging.batch.message_count";
    internal const string ErrorType = "error.type";
    internal const string Engine = "messaging.backrun.engine";
    internal const string TaskName = "messaging.backrun.task.name";
    internal const string Attempt = "messaging.backrun.attempt";

    /// <summary>The version of the library: that of the source of its spans and of its meter.</summary>
    internal static string? Version { get; } = typeof(Conventions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
}
