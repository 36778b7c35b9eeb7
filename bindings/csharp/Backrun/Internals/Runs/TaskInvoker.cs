using System;
using System.Threading;
using System.Threading.Tasks;

namespace Backrun.Internals;

/// <summary>
/// How tasks of one class are made and run, on delegates: the engine side knows no interface of any front end. An <see cref="IFrontEnd"/> makes
/// them: <see cref="TaskInvokers"/> for Backrun's own interfaces, another one for those of Backrun.Creatio.
/// </summary>
/// <typeparam name="TParameters">What <see cref="Run"/> takes.</typeparam>
internal sealed class TaskInvoker<TParameters>
{
    /// <param name="taskType">The class. Every instance is one of it, not of a class derived from it.</param>
    internal TaskInvoker(Type taskType)
    {
        TaskType = taskType;
        MayNeedDisposal = typeof(IDisposable).IsAssignableFrom(taskType) || typeof(IAsyncDisposable).IsAssignableFrom(taskType);
    }

    /// <summary>The class: for messages and the task name.</summary>
    internal Type TaskType { get; }

    /// <summary>Makes an instance from a run's services (null unless <see cref="NeedsServices"/>).</summary>
    internal required Func<IServiceProvider?, object> Create { get; init; }

    /// <summary>Whether <see cref="Create"/> needs services, so that each run gets a scope.</summary>
    internal bool NeedsServices { get; init; }

    /// <summary>Whether instances can be disposed of, so that each is after its run.</summary>
    internal bool MayNeedDisposal { get; }

    /// <summary>How the parameters of these tasks are written; null for as the engine's options say. They are read as they were written.</summary>
    internal PayloadFormat? PayloadFormat { get; init; }

    /// <summary>Opens the connection of a run, given the engine's factory or null; null for as the engine does. What it gives is what <see cref="SetUserConnection"/> takes.</summary>
    internal Func<UserIdentity, IUserConnectionFactory?, UserConnection>? OpenConnection { get; init; }

    /// <summary>Hands an instance its user connection; null for tasks that take none.</summary>
    internal Action<object, UserConnection>? SetUserConnection { get; init; }

    /// <summary>Runs an instance on the current thread. This or <see cref="RunAsync"/>.</summary>
    internal Action<object, TParameters>? Run { get; init; }

    /// <summary>Starts an instance.</summary>
    internal Func<object, TParameters, BackgroundTaskContext, CancellationToken, Task>? RunAsync { get; init; }
}
