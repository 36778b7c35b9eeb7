using System;
using Backrun.Internals;
using Backrun.Native;

namespace Backrun;

/// <summary>What was known of a task at one moment.</summary>
public sealed class BackgroundTaskStatus
{
    private readonly bool _isFinal;
    private readonly byte[]? _result;
    private readonly EngineFormats _formats;

    internal unsafe BackgroundTaskStatus(backrun_task_status* status, EngineFormats formats)
    {
        Id = new BackgroundTaskId(NativeMethods.backrun_task_status_id(status));
        State = (BackgroundTaskState)NativeMethods.backrun_task_status_state(status);
        _isFinal = NativeMethods.backrun_task_status_is_final(status) != 0;
        Attempt = (int)NativeMethods.backrun_task_status_attempt(status);
        Lease = NativeMethods.backrun_task_status_lease(status);
        TaskName = NativeText.ToManaged(NativeMethods.backrun_task_status_name(status));
        Queue = NativeText.ToManaged(NativeMethods.backrun_task_status_queue(status));
        Priority = (BackgroundTaskPriority)NativeMethods.backrun_task_status_priority(status);
        SubmittedAt = UnixTime.FromMicroseconds(NativeMethods.backrun_task_status_submitted_at(status));
        StartedAt = UnixTime.FromMicrosecondsOrNull(NativeMethods.backrun_task_status_started_at(status));
        FinishedAt = UnixTime.FromMicrosecondsOrNull(NativeMethods.backrun_task_status_finished_at(status));
        Error = ReadError(status);
        IsCancelRequested = NativeMethods.backrun_task_status_is_cancel_requested(status) != 0;
        CancelReason = NativeText.ToManagedOrNull(NativeMethods.backrun_task_status_cancel_reason(status));
        double progress = NativeMethods.backrun_task_status_progress(status);
        Progress = progress < 0 ? null : progress;
        ProgressText = NativeText.ToManagedOrNull(NativeMethods.backrun_task_status_progress_text(status));
        NextRunAt = UnixTime.FromMicrosecondsOrNull(NativeMethods.backrun_task_status_run_at_unix_us(status));
        StalledFor = UnixTime.SpanFromMicrosecondsOrNull(NativeMethods.backrun_task_status_stalled_us(status));
        backrun_bytes result = NativeMethods.backrun_task_status_result(status);
        _result = result.len == 0 ? null : new ReadOnlySpan<byte>(result.data, checked((int)result.len)).ToArray();
        _formats = formats;
    }

    /// <summary>The id.</summary>
    public BackgroundTaskId Id { get; }

    /// <summary>Where the task is.</summary>
    public BackgroundTaskState State { get; }

    /// <summary>Whether nothing more will happen to it: succeeded, dead, cancelled or dropped.</summary>
    public bool IsFinal => _isFinal;

    /// <summary>Runs begun so far; those that a shutdown interrupted do not count.</summary>
    public int Attempt { get; }

    /// <summary>A number that grows with each claim of the task by a worker; 0 before the first.</summary>
    public long Lease { get; }

    /// <summary>The task name.</summary>
    public string TaskName { get; }

    /// <summary>The queue.</summary>
    public string Queue { get; }

    /// <summary>The priority.</summary>
    public BackgroundTaskPriority Priority { get; }

    /// <summary>When it was accepted (UTC).</summary>
    public DateTimeOffset SubmittedAt { get; }

    /// <summary>When its last run began (UTC); null before the first.</summary>
    public DateTimeOffset? StartedAt { get; }

    /// <summary>When it came to its final state (UTC); null before.</summary>
    public DateTimeOffset? FinishedAt { get; }

    /// <summary>What is recorded of its last failed run; null if none failed.</summary>
    public BackgroundTaskError? Error { get; }

    /// <summary>Whether its cancellation was asked for.</summary>
    public bool IsCancelRequested { get; }

    /// <summary>Why it was cancelled or asked to stop; null if it was not, or no reason was given.</summary>
    public string? CancelReason { get; }

    /// <summary>How far its run said that it is, 0 to 1 (<see cref="BackgroundTaskContext.ReportProgress"/>); null if none ever said.</summary>
    public double? Progress { get; }

    /// <summary>What it said of its progress; null if nothing.</summary>
    public string? ProgressText { get; }

    /// <summary>
    /// When a scheduled task may run (UTC), as far as that is known now; null if it is not scheduled, or waits until the thread of its last run, which was given up at its time limit,
    /// comes back.
    /// </summary>
    public DateTimeOffset? NextRunAt { get; }

    /// <summary>For how long its run has held up what waits behind it; null if it does not.</summary>
    public TimeSpan? StalledFor { get; }

    /// <summary>
    /// Whether there is a result: the task succeeded, left one (<see cref="BackgroundTaskContext.SetResult"/>), and the time for which it is kept
    /// (<see cref="TaskOptions.ResultRetention"/>) was not over.
    /// </summary>
    public bool HasResult => _result is not null;

    /// <summary>The result of the task: a new copy with each call.</summary>
    /// <typeparam name="TResult">As what it was left, or another type that its MessagePack can be read as.</typeparam>
    /// <exception cref="InvalidOperationException">There is none: see <see cref="HasResult"/>.</exception>
    /// <exception cref="TaskSerializationException">It cannot be read as <typeparamref name="TResult"/>.</exception>
    public TResult GetResult<TResult>() => _result is null
        ? throw new InvalidOperationException(
            $"Task {Id.Value} ('{TaskName}') has no result: it was {State} when this status was taken, {(State == BackgroundTaskState.Succeeded ? "and left none, or it is no longer kept" : "and results are those of tasks that succeeded")}. Look at HasResult first.")
        : ResultSerializer.Deserialize<TResult>(_result, _formats, TaskName);

    /// <summary>Id, name and state.</summary>
    public override string ToString() => $"{Id.Value} '{TaskName}' {State}";

    private static unsafe BackgroundTaskError? ReadError(backrun_task_status* status)
    {
        backrun_str type = NativeMethods.backrun_task_status_error_type(status);
        backrun_str message = NativeMethods.backrun_task_status_error_message(status);
        backrun_str detail = NativeMethods.backrun_task_status_error_detail(status);
        return type.len == 0 && message.len == 0 && detail.len == 0
            ? null
            : new BackgroundTaskError(NativeText.ToManaged(type), NativeText.ToManaged(message), NativeText.ToManaged(detail));
    }
}
