using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;

namespace Backrun.Internals;

/// <summary>What stands around the log lines of a run where loggers show scopes.</summary>
internal sealed class RunScope(long id, string taskName, int attempt) : IReadOnlyList<KeyValuePair<string, object?>>
{
    public int Count => 3;

    public KeyValuePair<string, object?> this[int index] => index switch
    {
        0 => new("TaskId", id),
        1 => new("TaskName", taskName),
        2 => new("Attempt", attempt),
        _ => throw new ArgumentOutOfRangeException(nameof(index), index, "A run's scope has three values."),
    };

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (int index = 0; index < Count; index++)
        {
            yield return this[index];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"task {id} '{taskName}', attempt {attempt}");
}
