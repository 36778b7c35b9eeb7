using System;
using System.Runtime.InteropServices;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>
/// A class that runs tasks of one name in one engine. What native's callbacks are given as user data, each name of the class through a GCHandle of its own that
/// <see cref="HandlerCallbacks"/> frees at the end.
/// </summary>
internal abstract unsafe class TaskRegistration
{
    private protected TaskRegistration(EngineCore core, Type frontEnd, string name, TaskOptions options, PayloadFormat? format)
    {
        Core = core;
        FrontEnd = frontEnd;
        Name = name;
        PayloadFormat = format ?? core.Formats.Default;
        Options = options;
    }

    internal EngineCore Core { get; }

    /// <summary>Whose interfaces the class has: the type of an <see cref="IFrontEnd"/>.</summary>
    internal Type FrontEnd { get; }

    /// <summary>How the parameters of what is started here are written.</summary>
    internal PayloadFormat PayloadFormat { get; }

    /// <summary>The task name.</summary>
    internal string Name { get; }

    /// <summary>As they were registered.</summary>
    internal TaskOptions Options { get; }

    internal abstract Type TaskType { get; }

    internal abstract Type ParametersType { get; }

    internal abstract bool TakesUserConnection { get; }

    /// <summary>What native takes in place of the task name; 0 before it was told of it.</summary>
    internal uint NativeNumber { get; private set; }

    /// <summary>The queue of a task that is started with these options.</summary>
    internal string QueueOf(StartOptions? options) => options?.Queue ?? Options.Queue ?? BackrunEngine.DefaultQueue;

    /// <summary>Native's callback: opens the user's connection, makes the task and hands it over.</summary>
    internal abstract int SetUserConnection(backrun_task* task, backrun_bytes userContext, void** taskState);

    /// <summary>Native's callback: runs the task.</summary>
    internal abstract int Run(backrun_task* task, backrun_bytes payload, void* taskState);

    /// <summary>Reads parameters from bytes, as a run does.</summary>
    /// <exception cref="TaskSerializationException">They cannot be deserialised.</exception>
    internal abstract object? Read(byte[] payload);

    /// <summary>Forgets that this is the last used registration of its types: the engine has ended.</summary>
    internal abstract void Forget();

    /// <summary>Asks native for the number of this registration's name, which it knows.</summary>
    internal void FindNumber(backrun_engine* engine)
    {
        Utf8Arena texts = default;
        try
        {
            uint number;
            backrun_error* error = null;
            NativeError.ThrowIfFailed(NativeMethods.backrun_engine_task_number(engine, texts.Add(Name), &number, &error), error);
            NativeNumber = number;
        }
        finally
        {
            texts.Dispose();
        }
    }

    /// <summary>Tells native of this registration under a name: its own or an alias.</summary>
    internal void RegisterNative(backrun_engine* engine, string name)
    {
        Utf8Arena texts = default;
        backrun_retry_policy retry = default;
        backrun_task_options options = default;
        GCHandle self = GCHandle.Alloc(this);
        try
        {
            NativeOptions.Write(Options, ref texts, ref options, &retry);
            backrun_handler handler = HandlerCallbacks.Make((void*)GCHandle.ToIntPtr(self), TakesUserConnection);
            backrun_error* error = null;

            // Counted first: the engine may end, and release the handler, before the call has returned.
            Core.HandlerRegistered();
            int code = NativeMethods.backrun_engine_register(engine, texts.Add(name), &handler, &options, &error);
            if (code != NativeConstants.BACKRUN_OK)
            {
                Core.HandlerReleased();
                throw NativeError.ToException(code, error);
            }
        }
        catch
        {
            self.Free();
            throw;
        }
        finally
        {
            texts.Dispose();
        }
    }
}
