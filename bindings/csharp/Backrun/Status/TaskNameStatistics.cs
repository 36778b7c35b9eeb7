using System;

namespace Backrun;

/// <summary>How long the tasks of one name waited and ran since the start of the engine.</summary>
public sealed class TaskNameStatistics
{
    internal TaskNameStatistics(TaskDurations waited, TaskDurations ran)
    {
        Waited = waited;
        Ran = ran;
    }

    /// <summary>From when a task was ready until a worker took it, to about 4 ms. What it waited for its time before is not in it.</summary>
    public TaskDurations Waited { get; }

    /// <summary>How long its runs held a worker. What an asynchronous run awaits after that is not in it.</summary>
    public TaskDurations Ran { get; }
}

/// <summary>
/// Many durations. While runs take less than 100 µs on average, one in eight turns of a worker is looked at and stands for the others; longer runs are all
/// looked at.
/// </summary>
public sealed class TaskDurations
{
    internal TaskDurations(Func<uint, ulong> microseconds)
    {
        Count = (long)microseconds(0);
        Mean = TimeSpan.FromMicroseconds(microseconds(1));
        Median = TimeSpan.FromMicroseconds(microseconds(2));
        Percentile90 = TimeSpan.FromMicroseconds(microseconds(3));
        Percentile99 = TimeSpan.FromMicroseconds(microseconds(4));
        Longest = TimeSpan.FromMicroseconds(microseconds(5));
    }

    /// <summary>How many, about.</summary>
    public long Count { get; }

    /// <summary>Their mean.</summary>
    public TimeSpan Mean { get; }

    /// <summary>Half of them are not longer; at most 25 % too long, as the other shares are.</summary>
    public TimeSpan Median { get; }

    /// <summary>90 % are not longer.</summary>
    public TimeSpan Percentile90 { get; }

    /// <summary>99 % are not longer.</summary>
    public TimeSpan Percentile99 { get; }

    /// <summary>The longest that was looked at.</summary>
    public TimeSpan Longest { get; }
}
