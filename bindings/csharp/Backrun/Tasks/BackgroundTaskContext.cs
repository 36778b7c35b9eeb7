using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Internals;
using Backrun.Native;

namespace Backrun;

/// <summary>The run of a task, as the task sees it. Its values are those of the run and stay readable after it.</summary>
#pragma warning disable CA1001 // Without a timer or a wait handle, a CancellationTokenSource has nothing to dispose of, and its token may be held for longer than the run.
public sealed class BackgroundTaskContext
{
    // Only asynchronous runs flow; a synchronous one is that of its thread, and its context is made when first asked for.
    private static readonly AsyncLocal<BackgroundTaskContext?> Flowing = new();
    private readonly object _gate = new();
    private readonly TaskRegistration _registration;
    private unsafe backrun_task* _task;
    private CancellationTokenSource? _source;
    private byte[]? _result;
    private bool _ended;

    internal unsafe BackgroundTaskContext(TaskRegistration registration, backrun_task* task)
    {
        _registration = registration;
        _task = task;
        Id = new BackgroundTaskId(NativeMethods.backrun_task_id(task));
        Attempt = (int)NativeMethods.backrun_task_attempt(task);
        Lease = NativeMethods.backrun_task_lease(task);
        TaskName = NativeText.ToManaged(NativeMethods.backrun_task_name(task));
        Queue = NativeText.ToManaged(NativeMethods.backrun_task_queue(task));
        Priority = (BackgroundTaskPriority)NativeMethods.backrun_task_priority(task);
        Headers = HeaderSet.Read(task);
    }

    /// <summary>
    /// The run that the current code belongs to, or null outside of any. In a synchronous run that is its own thread, in an asynchronous one all that it awaits and
    /// starts.
    /// </summary>
    public static BackgroundTaskContext? Current => Flowing.Value ?? WorkerRun.Active?.Context;

    /// <summary>The id of the task.</summary>
    public BackgroundTaskId Id { get; }

    /// <summary>The number of this attempt, 1 for the first.</summary>
    public int Attempt { get; }

    /// <summary>The lease of this run: a number that grows with each claim of the task by a worker.</summary>
    public long Lease { get; }

    /// <summary>The task name; an alias, if the task was accepted under it.</summary>
    public string TaskName { get; }

    /// <summary>The queue that the task runs in.</summary>
    public string Queue { get; }

    /// <summary>The priority of the task.</summary>
    public BackgroundTaskPriority Priority { get; }

    /// <summary>
    /// The small texts that travel with the task: <c>traceparent</c> and <c>tracestate</c> of the activity that started it (W3C trace context), if there was one, and
    /// <c>culture</c> and <c>ui-culture</c> of its starter where they are not the engine's own.
    /// </summary>
    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>
    /// Cancelled when the run is asked to stop: by <see cref="BackrunEngine.Cancel"/>, a shutdown or its time limit (<see cref="StartOptions.TimeLimit"/>). Callbacks registered with it run on the thread pool. After the
    /// run it stays what it was.
    /// </summary>
    public unsafe CancellationToken CancellationToken
    {
        get
        {
            lock (_gate)
            {
                if (_source is null)
                {
                    if (_ended)
                    {
                        return CancellationToken.None;
                    }

                    _source = new CancellationTokenSource();
                    _registration.Core.Cancellations.Add(this);

                    // The request may have come before there was anybody to tell.
                    if (_task is not null && NativeMethods.backrun_task_is_cancelled(_task) != 0)
                    {
                        _source.Cancel();
                    }
                }

                return _source.Token;
            }
        }
    }

    internal EngineCore Core => _registration.Core;

    /// <summary>
    /// Tells how far the run is: <see cref="BackgroundTaskStatus.Progress"/> shows it until this run or a later attempt tells something newer. From any thread, while the run
    /// lasts. Takes a lock: tell it some times a second, not for each of a million steps.
    /// </summary>
    /// <param name="fraction">0 (nothing is done) to 1 (all is done).</param>
    /// <param name="text">What it is at, for people; kept up to 512 bytes. May be null.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fraction"/> is not a number from 0 to 1.</exception>
    /// <exception cref="BackrunException">The run has ended, or was given up at its time limit (<see cref="BackrunErrorCode.StaleLease"/>).</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of, and this run was left behind.</exception>
    public unsafe void ReportProgress(double fraction, string? text = null)
    {
        if (!(fraction is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, $"The progress is {fraction}; give it a number from 0 to 1.");
        }

        Utf8Arena texts = default;
        try
        {
            backrun_error* error = null;
            int code;
            lock (_gate)
            {
                if (_task is not null)
                {
                    code = NativeMethods.backrun_task_set_progress(_task, fraction, texts.Add(text), &error);
                }
                else
                {
                    using EngineHandle.Use engine = Core.Borrow();
                    code = NativeMethods.backrun_engine_set_progress(engine.Pointer, Id.Value, Lease, fraction, texts.Add(text), &error);
                }
            }

            NativeError.ThrowIfFailed(code, error);
        }
        finally
        {
            texts.Dispose();
        }
    }

    /// <summary>
    /// Leaves the result of the task, for <see cref="BackgroundTaskStatus.GetResult"/>: kept once the run has succeeded, for as long as <see cref="TaskOptions.ResultRetention"/>
    /// says. The last one that a run leaves counts; that of a run that fails or is cancelled is forgotten. From any thread, while the run lasts.
    /// </summary>
    /// <typeparam name="TResult">Written as the engine's <see cref="BackrunOptions.PayloadFormat"/> says.</typeparam>
    /// <param name="result">Up to 4 MiB as MessagePack; a copy is kept.</param>
    /// <exception cref="TaskSerializationException">The result cannot be serialised, or holds a <see cref="UserConnection"/>.</exception>
    /// <exception cref="BackrunException">It is too large (<see cref="BackrunErrorCode.TooLarge"/>), or the run has ended or was given up at its time limit
    /// (<see cref="BackrunErrorCode.StaleLease"/>; of an asynchronous one that was given up the log tells when it ends).</exception>
    public unsafe void SetResult<TResult>(TResult result)
    {
        PayloadWriter writer = PayloadWriter.Rent(16 * Limits.PayloadBytes);
        try
        {
            ResultSerializer.Serialize(writer, result, Core.Formats, TaskName);
            lock (_gate)
            {
                if (_ended)
                {
                    throw new BackrunException(
                        BackrunErrorCode.StaleLease, $"The run of task {Id.Value} ('{TaskName}') has ended: a result that is left now is nobody's. Call SetResult before the run returns.");
                }

                if (_task is null)
                {
                    // It goes to native with the outcome.
                    _result = writer.WrittenSpan.ToArray();
                    return;
                }

                backrun_error* error = null;
                backrun_bytes bytes = new() { data = writer.Start, len = (nuint)writer.WrittenCount };
                NativeError.ThrowIfFailed(NativeMethods.backrun_task_set_result(_task, bytes, &error), error);
            }
        }
        finally
        {
            writer.Return();
        }
    }

    internal static void Flow(BackgroundTaskContext context) => Flowing.Value = context;

    /// <summary>
    /// Whether what a run threw is its answer to having been asked to stop: it was asked, and the exception is of its token or of another one that is cancelled,
    /// such as one linked to it.
    /// </summary>
    internal bool IsAnswerToCancellation(Exception exception)
    {
        CancellationTokenSource? source = _source;
        return source is { IsCancellationRequested: true }
            && exception is OperationCanceledException { CancellationToken.IsCancellationRequested: true };
    }

    /// <summary>Cancels the token, without running anybody's callbacks on the current thread.</summary>
    internal void RequestCancellation()
    {
        CancellationTokenSource? source;
        lock (_gate)
        {
            source = _source;
        }

        if (source is { IsCancellationRequested: false })
        {
            _ = CancelAsync(source);
        }
    }

    /// <summary>The result that was left since the native callback ended, or null. None is taken after this.</summary>
    internal byte[]? TakeResult()
    {
        lock (_gate)
        {
            _ended = true;
            return _result;
        }
    }

    /// <summary>The native callback ends, and with it what native lends; the run may go on.</summary>
    internal unsafe void Detach()
    {
        lock (_gate)
        {
            _task = null;
        }
    }

    /// <summary>The run has ended.</summary>
    internal unsafe void End()
    {
        lock (_gate)
        {
            _task = null;
            _ended = true;
            if (_source is not null)
            {
                Core.Cancellations.Remove(this);
            }
        }
    }

    private async Task CancelAsync(CancellationTokenSource source)
    {
        try
        {
            await source.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Core.Log.Warning($"A callback of the cancellation token of task {Id.Value} ('{TaskName}') failed.", exception);
        }
    }
}
