using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>A run of an asynchronous task. Where it has to wait it holds no worker, and tells native by itself how it ended.</summary>
internal sealed class PendingRun
{
    private readonly TaskRegistration _registration;
    private readonly BackgroundTaskContext _context;
    private RunResources _resources;
    private EngineHandle? _engine;
    private long _startedAt;

    internal PendingRun(TaskRegistration registration, BackgroundTaskContext context, RunResources resources)
    {
        _registration = registration;
        _context = context;
        _resources = resources;
    }

    private EngineCore Core => _registration.Core;

    /// <summary>Runs the task to its end and disposes of what it held. The result is what it threw, or null.</summary>
    internal async Task<Exception?> RunAsync<TParameters>(
        Func<object, TParameters, BackgroundTaskContext, CancellationToken, Task> runAsync, object instance, TParameters parameters)
    {
        // Seen by all that the run awaits and starts; the method's end takes it back on the worker's thread.
        BackgroundTaskContext.Flow(_context);
        Exception? thrown = null;
        try
        {
            Task running = runAsync(instance, parameters, _context, _context.CancellationToken)
                ?? throw new InvalidOperationException($"{TypeNames.Of(instance.GetType())}.RunAsync returned null instead of a Task.");
            await running.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            thrown = exception;
            if (!_context.IsAnswerToCancellation(exception))
            {
                Tracing.Fail(_resources.Activity, exception);
            }
        }

        await _resources.DisposeAsync(Core.Log, _registration.Name).ConfigureAwait(false);
        return thrown;
    }

    /// <summary>Tells native how the run ended, on the thread pool, once it has; until then the engine is kept.</summary>
    /// <param name="whole">From <see cref="RunAsync"/>.</param>
    /// <param name="startedAt">When the run began, where somebody measures it; else 0.</param>
    internal void SettleAfter(Task<Exception?> whole, long startedAt)
    {
        _startedAt = startedAt;

        // No engine: it was given up while this run was on its way, and its word no longer counts.
        _engine = Core.TryKeepEngine();
        Core.PendingRuns.TryAdd(this, 0);
        _ = whole.ContinueWith(
            static (ended, state) => ((PendingRun)state!).Settle(ended.IsFaulted ? ended.Exception!.InnerException : ended.Result),
            this,
            CancellationToken.None,
            TaskContinuationOptions.DenyChildAttach,
            TaskScheduler.Default);
    }

    private void Settle(Exception? thrown)
    {
        try
        {
            if (_startedAt != 0)
            {
                Exception? failure = thrown is null || _context.IsAnswerToCancellation(thrown) ? null : thrown;
                Core.Metrics.Ran(_context.Queue, _registration.Name, Stopwatch.GetElapsedTime(_startedAt), failure);
            }

            if (_engine is not null)
            {
                Tell(_engine, thrown);
            }
        }
        catch (Exception exception)
        {
            Core.Log.Internal($"The outcome of task {_context.Id.Value} ('{_context.TaskName}') could not be recorded", exception);
        }
        finally
        {
            _context.End();
            Core.PendingRuns.TryRemove(this, out _);
            _engine?.DangerousRelease();
        }
    }

    private unsafe void Tell(EngineHandle engine, Exception? thrown)
    {
        backrun_outcome outcome = new()
        {
            struct_size = (uint)sizeof(backrun_outcome),
            code = CodeOf(thrown),
            retry_after_ms = Outcomes.RetryAfterMilliseconds(thrown),
        };
        backrun_failure failure;
        byte[]? result = _context.TakeResult();
        backrun_error* error = null;
        int code;
        Utf8Arena texts = default;
        try
        {
            if (outcome.code is not (NativeConstants.BACKRUN_RUN_DONE or NativeConstants.BACKRUN_RUN_CANCELLED))
            {
                Core.Failures.Keep(_context.Id.Value, _context.Lease, thrown!);
                failure = NativeFailure.Make(thrown!, ref texts);
                outcome.failure = &failure;
            }

            fixed (byte* bytes = result)
            {
                if (outcome.code == NativeConstants.BACKRUN_RUN_DONE && result is not null)
                {
                    outcome.result = new backrun_bytes { data = bytes, len = (nuint)result.Length };
                }

                code = NativeMethods.backrun_task_settle((backrun_engine*)engine.DangerousGetHandle(), _context.Id.Value, _context.Lease, &outcome, &error);
            }
        }
        finally
        {
            texts.Dispose();
        }

        if (code != NativeConstants.BACKRUN_OK)
        {
            // Nobody is to be told that the task failed by what came too late.
            Core.Failures.Forget(_context.Id.Value, _context.Lease);
            Core.Log.Warning(
                $"The outcome of task {_context.Id.Value} ('{_context.TaskName}', lease {_context.Lease}) was refused: {NativeError.TakeMessage(code, error)}", thrown);
        }
    }

    private int CodeOf(Exception? thrown) => thrown switch
    {
        null => NativeConstants.BACKRUN_RUN_DONE,
        not null when _context.IsAnswerToCancellation(thrown) => NativeConstants.BACKRUN_RUN_CANCELLED,
        _ => Outcomes.OfFailure(thrown),
    };
}
