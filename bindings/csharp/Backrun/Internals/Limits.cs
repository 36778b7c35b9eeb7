namespace Backrun.Internals;

/// <summary>Limits of the engine that are checked here too, so that the message can speak of .NET things.</summary>
internal static class Limits
{
    internal const int PayloadBytes = 4 * 1024 * 1024;
    internal const int UserContextBytes = 64 * 1024;
    internal const int TaskNameBytes = 200;
    internal const int QueueNameBytes = 64;
}
