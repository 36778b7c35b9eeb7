using System;
using System.Threading;
using System.Threading.Tasks;

namespace Backrun.Internals;

/// <summary>
/// How tasks of one class are made and run, on delegates: the engine side knows no interface of any front end. <see cref="TaskInvokers"/> makes them for Backrun's own
/// interfaces; another front end brings its own.
/// </summary>
/// <typeparam name="TParameters">What <see cref="Run"/> takes.</typeparam>
internal sealed class TaskInvoker<TParameters>
{
    /// <summary>The class: for messages and the task name.</summary>
    internal required Type TaskType { get; init; }

    /// <summary>Makes an instance from a run's services (null unless <see cref="NeedsServices"/>).</summary>
    internal required Func<IServiceProvider?, object> Create { get; init; }

    /// <summary>Whether <see cref="Create"/> needs services, so that each run gets a scope.</summary>
    internal bool NeedsServices { get; init; }

    /// <summary>Whether instances can be disposed of, so that each is after its run.</summary>
    internal bool MayNeedDisposal { get; init; } = true;

    /// <summary>Hands an instance its user connection; null for tasks that take none.</summary>
    internal Action<object, UserConnection>? SetUserConnection { get; init; }

    /// <summary>Runs an instance on the current thread. This or <see cref="RunAsync"/>.</summary>
    internal Action<object, TParameters>? Run { get; init; }

    /// <summary>Starts an instance.</summary>
    internal Func<object, TParameters, BackgroundTaskContext, CancellationToken, Task>? RunAsync { get; init; }
}
