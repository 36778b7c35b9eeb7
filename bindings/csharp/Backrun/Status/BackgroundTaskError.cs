namespace Backrun;

/// <summary>What is recorded of a failed run.</summary>
/// <param name="Type">The full name of the exception's type; empty if there was none. Kept up to 512 bytes.</param>
/// <param name="Message">The exception's message. Kept up to 4 KiB.</param>
/// <param name="Detail">The exception as text, with its stack and those inside it. Kept up to 32 KiB.</param>
public sealed record BackgroundTaskError(string Type, string Message, string Detail);
