using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Backrun.Sample;

/// <summary>
/// What an earlier run has left in the store: of one that was killed or stopped, the files that are done and those
/// that are not.
/// </summary>
internal sealed class EarlierRun(BackrunEngine engine, FileIndex index, Report report)
{
    private const int Page = 1000;

    private static readonly string IndexFileName = typeof(IndexFile).FullName!;
    private static readonly string RunEndedName = typeof(RunEnded).FullName!;

    private readonly Dictionary<string, FileStamp> _done = new(StringComparer.Ordinal);

    /// <summary>Finishes it, and takes what it has found into the index.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        var ended = new TaskFilter { TaskName = RunEndedName, States = [BackgroundTaskState.Succeeded], Limit = 1 };
        if (engine.ListTasks(ended).Count > 0)
        {
            // It came to its end: this run begins afresh.
            engine.Purge();
            return;
        }
        foreach (BackgroundTaskStatus task in Tasks(BackgroundTaskState.Ready, BackgroundTaskState.Running))
        {
            report.HandedOver();
            // One that fails is tried again below, as a file that is not done.
            await engine.GetHandle(task.Id).Completion.WaitAsync(cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            report.TakenBack();
        }
        foreach (BackgroundTaskStatus task in Tasks(BackgroundTaskState.Succeeded))
        {
            IndexedFile file = task.GetResult<IndexedFile>()!;
            index.Add(file);
            _done[file.Path] = new FileStamp(FileKind.Regular, file.Facts.Bytes, file.Modified);
        }
        BackgroundTaskState[] failed = [BackgroundTaskState.Dead, BackgroundTaskState.Cancelled];
        engine.Purge(new TaskFilter { TaskName = IndexFileName, States = failed });
    }

    /// <summary>Whether a file is done, and has not changed since.</summary>
    public bool HasDone(Found file) => _done.TryGetValue(file.Path, out FileStamp stamp) && stamp == file.Stamp;

    private IEnumerable<BackgroundTaskStatus> Tasks(params BackgroundTaskState[] states)
    {
        var filter = new TaskFilter { TaskName = IndexFileName, States = states, Limit = Page };
        while (engine.ListTasks(filter) is { Count: > 0 } tasks)
        {
            foreach (BackgroundTaskStatus task in tasks)
            {
                yield return task;
            }
            filter.AfterId = tasks[^1].Id;
        }
    }
}
