using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Makes the native engine.</summary>
internal static unsafe class EngineStart
{
    internal static EngineHandle Start(EngineCore core, BackrunOptions options)
    {
        Utf8Arena texts = default;
        NativeKeys keys = default;
        try
        {
            backrun_engine_options native = default;
            NativeOptions.Write(options, ref texts, ref native);
            keys.Write(options.Encryption, ref native);
            native.on_log = ObserverCallbacks.LogFunction;
            native.on_event = ObserverCallbacks.EventFunction;
            native.on_end = ObserverCallbacks.EndFunction;
            native.observer_user_data = (void*)core.Key;
            native.observer_release = ObserverCallbacks.ReleaseFunction;
            native.log_level = core.Log.NativeLevel;

            // Events cost nothing while nobody has subscribed.
            native.event_kinds = FinishedEvents.NoKinds;
            backrun_queue_options queue = default;
            if (options.Queues.TryGetValue(BackrunEngine.DefaultQueue, out QueueOptions? defaultQueue))
            {
                NativeOptions.Write(BackrunEngine.DefaultQueue, options.Probe?.Adapt(defaultQueue) ?? defaultQueue, ref texts, ref queue);
                native.default_queue = &queue;
                core.Queues[BackrunEngine.DefaultQueue] = defaultQueue with { };
            }
            else if (NativeOptions.StallThresholdWhereNotSaid is not null || options.Probe is not null)
            {
                QueueOptions usual = new();
                NativeOptions.Write(BackrunEngine.DefaultQueue, options.Probe?.Adapt(usual) ?? usual, ref texts, ref queue);
                native.default_queue = &queue;
            }

            backrun_engine* engine = null;
            backrun_error* error = null;
            core.ObserverStarts();
            int code = NativeMethods.backrun_engine_new(&native, &engine, &error);
            if (code != NativeConstants.BACKRUN_OK)
            {
                core.ObserverReleased();
                throw NativeError.ToException(code, error);
            }

            return new EngineHandle(engine, core.EngineReleased);
        }
        finally
        {
            keys.Dispose();
            texts.Dispose();
        }
    }
}
