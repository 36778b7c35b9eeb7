using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;

namespace Backrun.Internals;

/// <summary>A line of the engine's log with what it is about, for structured loggers.</summary>
internal readonly struct LogLine : IReadOnlyList<KeyValuePair<string, object?>>
{
    internal static readonly Func<LogLine, Exception?, string> Format = static (line, _) => line.ToString();
    private readonly string _message;
    private readonly long _taskId;
    private readonly long _lease;
    private readonly string _taskName;
    private readonly string _queue;

    internal LogLine(string message, long taskId = 0, long lease = 0, string taskName = "", string queue = "")
    {
        _message = message;
        _taskId = taskId;
        _lease = lease;
        _taskName = taskName;
        _queue = queue;
    }

    public int Count => _taskId == 0 && _taskName.Length == 0 && _queue.Length == 0 ? 1 : 5;

    public KeyValuePair<string, object?> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            return (index + (Count == 1 ? 4 : 0)) switch
            {
                0 => new("TaskId", _taskId),
                1 => new("TaskName", _taskName),
                2 => new("Queue", _queue),
                3 => new("Lease", _lease),
                _ => new("{OriginalFormat}", _message),
            };
        }
    }

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (int index = 0; index < Count; index++)
        {
            yield return this[index];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The line with what it is about in front.</summary>
    public override string ToString()
    {
        string about = (_taskId, _taskName.Length) switch
        {
            (0, 0) => string.Empty,
            (0, _) => $"task '{_taskName}'",
            _ => string.Create(CultureInfo.InvariantCulture, $"task {_taskId} '{_taskName}'"),
        };
        if (_queue.Length != 0)
        {
            about = about.Length == 0 ? $"queue '{_queue}'" : $"{about} in queue '{_queue}'";
        }

        return about.Length == 0 ? _message : $"{about}: {_message}";
    }
}
