using System;
using System.Collections.Generic;
using System.Threading;

namespace Backrun.Hosting.Internals;

/// <summary>Looks in a store for tasks that nobody runs.</summary>
internal static class StoredTasks
{
    private const int Most = 10_000;
    private const int Page = 1_000;
    private static readonly BackgroundTaskState[] Waiting = [BackgroundTaskState.Ready, BackgroundTaskState.Scheduled];

    /// <summary>The names of waiting tasks without a handler, with how many there are, among the first 10,000 that wait.</summary>
    internal static (IReadOnlyDictionary<string, long> Names, bool IsAll) WithoutHandler(BackrunEngine engine, CancellationToken cancellationToken)
    {
        Dictionary<string, long> names = new(StringComparer.Ordinal);
        BackgroundTaskId? after = null;
        for (int seen = 0; seen < Most; seen += Page)
        {
            cancellationToken.ThrowIfCancellationRequested();
            IReadOnlyList<BackgroundTaskStatus> page = engine.ListTasks(new TaskFilter { States = Waiting, AfterId = after, Limit = Page });
            foreach (BackgroundTaskStatus task in page)
            {
                if (!engine.Core.Registrations.Knows(task.TaskName))
                {
                    names[task.TaskName] = names.GetValueOrDefault(task.TaskName) + 1;
                }
            }

            if (page.Count < Page)
            {
                return (names, true);
            }

            after = page[^1].Id;
        }

        return (names, false);
    }
}
