using System;
using System.Runtime.InteropServices;
using Backrun.Internals;
using Backrun.Native;

namespace Backrun;

/// <content>Beside C and C++ in one process.</content>
public sealed partial class BackrunEngine
{
    /// <summary>
    /// The engine as C sees it, a <c>backrun_engine*</c>: for a library in this process that registers handlers and submits tasks by include/backrun.h. Passed to a P/Invoke as it is.
    /// </summary>
    /// <returns>Keeps the native engine: dispose of it when that library calls the engine no more. A shut down engine stays shut down meanwhile.</returns>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    /// <remarks>That library must be linked with the libbackrun that this process uses, and must not shut down, free or abandon the engine.</remarks>
    public SafeHandle GetNativeHandle() => new EngineReference(Handle);

    /// <summary>Starts a task by its name, whoever runs it: a library that registered a handler of that name by <see cref="GetNativeHandle"/>, or a class of this program.</summary>
    /// <typeparam name="TParameters">What is serialised. Whoever runs the task has to read it.</typeparam>
    /// <param name="taskName">A name that is registered.</param>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The task's id, and its end to await.</returns>
    /// <exception cref="ArgumentException">The name belongs to a class that takes other parameters, or an option is out of its range.</exception>
    /// <exception cref="BackrunException">As <see cref="StartNew"/>; also <see cref="BackrunErrorCode.NoHandler"/> where nobody has registered that name.</exception>
    /// <remarks>The other exceptions are those of <see cref="StartNew"/>.</remarks>
    public BackgroundTaskHandle StartByName<TParameters>(string taskName, TParameters parameters, StartOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(taskName);
        TaskRegistration<TParameters> registration = _core.Registrations.Named<TParameters>(Handle, taskName);
        return new BackgroundTaskHandle(this, new BackgroundTaskId(Submitter.Submit(Handle, registration, parameters, options, user: null)));
    }
}
