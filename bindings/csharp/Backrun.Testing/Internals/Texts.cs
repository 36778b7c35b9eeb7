using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Backrun.Internals;
using MessagePack;

namespace Backrun.Testing.Internals;

/// <summary>Tasks, in words.</summary>
internal static class Texts
{
    private const int MostShown = 20;
    private const int MostOfParameters = 200;

    /// <summary>Class, parameters, options, state.</summary>
    internal static string Of(StartRecord record, BackrunEngine engine)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"task {record.Id} {TypeNames.Of(record.Registration.TaskType)}({Parameters(record)})");
        string queue = record.Registration.QueueOf(record.Options);
        if (!string.Equals(queue, BackrunEngine.DefaultQueue, StringComparison.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $" in queue '{queue}'");
        }

        if (record.Options is { } options)
        {
            Add(text, options);
        }

        if (record.User is { } user)
        {
            text.Append(CultureInfo.InvariantCulture, $", on behalf of '{user.Name}'");
        }

        if (record.Parent != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $", started by task {record.Parent}");
        }

        return text.Append(CultureInfo.InvariantCulture, $": {State(record, engine)}").ToString();
    }

    internal static string List(IReadOnlyCollection<StartRecord> records, BackrunEngine engine)
    {
        if (records.Count == 0)
        {
            return "Nothing was started.";
        }

        string more = records.Count > MostShown ? string.Create(CultureInfo.InvariantCulture, $"\n  and {records.Count - MostShown} more") : string.Empty;
        return $"Started were:\n  {string.Join("\n  ", records.Take(MostShown).Select(record => Of(record, engine)))}{more}";
    }

    /// <summary>The tasks that started one another, the first of them first.</summary>
    internal static string Chain(StartRecord last, Ledger ledger)
    {
        List<string> names = [];
        for (StartRecord? record = last; record is not null && names.Count < 5; record = ledger.Find(record.Parent))
        {
            names.Add($"'{record.Registration.Name}'");
        }

        names.Reverse();
        return (last.Depth > names.Count ? "… > " : string.Empty) + string.Join(" > ", names);
    }

    internal static string Last(Ledger ledger, BackrunEngine engine)
    {
        StartRecord? last = ledger.Last();
        return last is null ? "none was started by this program" : $"the last one is {Of(last, engine)}";
    }

    internal static string StillOnTheWay(BackrunEngine engine)
    {
        IReadOnlyList<BackgroundTaskStatus> found = engine.ListTasks(
            new TaskFilter { States = [BackgroundTaskState.Running, BackgroundTaskState.Pending, BackgroundTaskState.Ready], Limit = MostShown });
        return found.Count == 0
            ? "none of them runs, or is ready"
            : string.Join(", ", found.OrderBy(static task => task.State == BackgroundTaskState.Ready).Select(static task => $"{task} (attempt {task.Attempt.ToString(CultureInfo.InvariantCulture)})"));
    }

    private static void Add(StringBuilder text, StartOptions options)
    {
        if (options.Priority != BackgroundTaskPriority.Normal)
        {
            text.Append(CultureInfo.InvariantCulture, $", priority {options.Priority}");
        }

        if (options.Delay is { } delay)
        {
            text.Append(CultureInfo.InvariantCulture, $", delayed by {delay:c}");
        }

        if (options.RunAt is { } at)
        {
            text.Append(CultureInfo.InvariantCulture, $", not before {at:O}");
        }
    }

    private static string State(StartRecord record, BackrunEngine engine)
    {
        try
        {
            return engine.Look(new BackgroundTaskId(record.Id))?.State.ToString() ?? "no longer kept";
        }
        catch (ObjectDisposedException)
        {
            return "its engine has ended";
        }
    }

    private static string Parameters(StartRecord record)
    {
        try
        {
            string json = MessagePackSerializer.ConvertToJson(record.Payload);
            return json.Length > MostOfParameters ? string.Concat(json.AsSpan(0, MostOfParameters), "…") : json;
        }
        catch (Exception exception) when (exception is MessagePackSerializationException or NotSupportedException or InvalidOperationException)
        {
            // What JSON has no words for.
            return string.Create(CultureInfo.InvariantCulture, $"{record.Payload.Length} bytes");
        }
    }
}
