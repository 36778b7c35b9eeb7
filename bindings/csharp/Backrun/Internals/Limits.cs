namespace Backrun.Internals;

/// <summary>Limits of the engine that are checked here too, so that the message can speak of .NET things.</summary>
internal static class Limits
{
    internal const int PayloadBytes = 4 * 1024 * 1024;
    internal const int UserContextBytes = 64 * 1024;
    internal const int TaskNameBytes = 200;
    internal const int QueueNameBytes = 64;

    /// <summary>The longest that a delay, a time limit or a retention may be.</summary>
    internal const int LongestDays = 36_500;

    /// <summary>The latest time of day that a task may be started for.</summary>
    internal static readonly System.DateTimeOffset LatestRunAt = new(3000, 1, 1, 0, 0, 0, System.TimeSpan.Zero);
}
