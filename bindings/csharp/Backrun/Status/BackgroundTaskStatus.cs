using System;
using Backrun.Native;

namespace Backrun;

/// <summary>What was known of a task at one moment.</summary>
public sealed class BackgroundTaskStatus
{
    private readonly bool _isFinal;

    internal unsafe BackgroundTaskStatus(backrun_task_status* status)
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

    /// <summary>How far it is, 0 to 1; null if it never said. Not yet: always null.</summary>
    public double? Progress { get; }

    /// <summary>What it said of its progress. Not yet: always null.</summary>
    public string? ProgressText { get; }

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
