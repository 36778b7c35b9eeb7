using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>The front end of classes with Backrun's own interfaces.</summary>
internal readonly struct TaskInvokers : IFrontEnd
{
    /// <summary>For tasks that are only started here: who runs them is a library that registered itself with native.</summary>
    internal static TaskInvoker<TParameters> OfAnother<TParameters>() => new(typeof(EngineReference))
    {
        Create = static _ => throw new NotSupportedException("Tasks of this name are run by a native library."),
    };

    /// <inheritdoc/>
    public static TaskInvoker<TParameters> For<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(IServiceProvider? services)
        where TTask : class
    {
        Type type = typeof(TTask);
        bool runs = typeof(IBackgroundTask<TParameters>).IsAssignableFrom(type);
        bool runsAsync = typeof(IAsyncBackgroundTask<TParameters>).IsAssignableFrom(type);
        if (runs == runsAsync)
        {
            throw new ArgumentException(
                $"{TypeNames.Of(type)} implements {(runs ? "both" : "neither")} IBackgroundTask<{TypeNames.Of(typeof(TParameters))}> and IAsyncBackgroundTask<{TypeNames.Of(typeof(TParameters))}>; " +
                "a background task implements exactly one of them.");
        }

        Func<IServiceProvider?, object> create = TaskFactory.For<TTask>(services, out bool needsServices);

        // Unsafe.As: what is made is a TTask, and what a TTask implements was looked at above. It saves each run a cast to a variant interface.
        return new TaskInvoker<TParameters>(type)
        {
            Create = create,
            NeedsServices = needsServices,
            SetUserConnection = typeof(IUserConnectionRequired).IsAssignableFrom(type)
                ? static (task, connection) => Unsafe.As<IUserConnectionRequired>(task).SetUserConnection(connection)
                : null,
            Run = runs ? static (task, parameters) => Unsafe.As<IBackgroundTask<TParameters>>(task).Run(parameters) : null,
            RunAsync = runsAsync
                ? static (task, parameters, context, token) => Unsafe.As<IAsyncBackgroundTask<TParameters>>(task).RunAsync(parameters, context, token)
                : null,
        };
    }
}
