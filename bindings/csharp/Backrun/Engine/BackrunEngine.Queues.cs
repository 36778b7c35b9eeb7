using System;
using System.Collections.Generic;
using Backrun.Internals;
using Backrun.Native;

namespace Backrun;

/// <content>Queues.</content>
public sealed unsafe partial class BackrunEngine
{
    private delegate int QueueCall(backrun_engine* engine, backrun_str queue, backrun_error** error);

    /// <summary>Adds a queue or changes one.</summary>
    /// <param name="queue">1 to 64 bytes of printable UTF-8.</param>
    /// <param name="options">Copied. All of them apply anew: what is null gets its default again.</param>
    /// <exception cref="ArgumentException">The name or an option is out of its range.</exception>
    /// <exception cref="NotSupportedException">An option asks for what this version cannot do yet.</exception>
    /// <exception cref="BackrunException">The workers of all queues exceed <see cref="BackrunOptions.MaxWorkers"/>, a thread could not be started, or the engine is shut down.</exception>
    public void ConfigureQueue(string queue, QueueOptions options)
    {
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(options);
        OptionChecks.Name(queue, "The name of a queue", Limits.QueueNameBytes, nameof(queue));
        if (_core.Probe is { } probe)
        {
            // What is out of its range is so in a test too.
            NativeOptions.Check(queue, options);
            ConfigureNative(queue, probe.Adapt(options));
            _core.Queues[queue] = options with { };
            probe.QueueConfigured(this, queue, options);
            return;
        }

        ConfigureNative(queue, options);
        _core.Queues[queue] = options with { };
    }

    /// <summary>
    /// Lets no further task of a queue start; what runs goes on, tasks are still taken, and what is scheduled becomes ready. A shutdown by <see cref="ShutdownMode.Drain"/> does not wait
    /// for what is queued there. Doing it again changes nothing.
    /// </summary>
    /// <param name="queue">Its name.</param>
    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    /// <exception cref="BackrunException">No such queue (<see cref="BackrunErrorCode.NotFound"/>), or the engine is shut down.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public void PauseQueue(string queue) => SetPaused(queue, paused: true);

    /// <summary>Ends a pause; a queue that is not paused stays as it is.</summary>
    /// <param name="queue">Its name.</param>
    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    /// <exception cref="BackrunException">No such queue (<see cref="BackrunErrorCode.NotFound"/>), or the engine is shut down.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public void ResumeQueue(string queue) => SetPaused(queue, paused: false);

    /// <summary>Pauses a queue or ends that, whatever a test says.</summary>
    internal void SetPausedNative(string queue, bool paused)
    {
        if (paused)
        {
            CallQueue(queue, NativeMethods.backrun_engine_pause);
        }
        else
        {
            CallQueue(queue, NativeMethods.backrun_engine_resume);
        }
    }

    /// <summary>Adds a queue or changes one, whatever a test says.</summary>
    internal void ConfigureNative(string queue, QueueOptions options)
    {
        Utf8Arena texts = default;
        try
        {
            backrun_queue_options native = default;
            NativeOptions.Write(queue, options, ref texts, ref native);
            backrun_error* error = null;
            using EngineHandle.Use use = Borrow();
            NativeError.ThrowIfFailed(NativeMethods.backrun_engine_configure_queue(use.Pointer, &native, &error), error);
        }
        finally
        {
            texts.Dispose();
        }
    }

    private void SetPaused(string queue, bool paused)
    {
        if (_core.Probe is { } probe)
        {
            probe.SetPaused(this, queue, paused);
        }
        else
        {
            SetPausedNative(queue, paused);
        }
    }

    private void CallQueue(string queue, QueueCall call)
    {
        ArgumentNullException.ThrowIfNull(queue);
        OptionChecks.Name(queue, "The name of a queue", Limits.QueueNameBytes, nameof(queue));
        Utf8Arena texts = default;
        try
        {
            backrun_error* error = null;
            using EngineHandle.Use use = Borrow();
            NativeError.ThrowIfFailed(call(use.Pointer, texts.Add(queue), &error), error);
        }
        finally
        {
            texts.Dispose();
        }
    }

    private void ConfigureQueues(BackrunOptions options)
    {
        foreach (KeyValuePair<string, QueueOptions> queue in options.Queues)
        {
            // The one that exists already got its options with the engine.
            if (!string.Equals(queue.Key, DefaultQueue, StringComparison.Ordinal))
            {
                ConfigureQueue(queue.Key, queue.Value);
            }
        }
    }
}
