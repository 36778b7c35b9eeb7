using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Backrun.Internals;

namespace Backrun.Creatio;

/// <summary>The front end of classes with the platform's interfaces: run by the engine as Backrun's own are, with parameters as the platform serialises them.</summary>
internal readonly struct CreatioFrontEnd : IFrontEnd
{
    /// <inheritdoc/>
    public static TaskInvoker<TParameters> For<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(IServiceProvider? services)
        where TTask : class
    {
        Type type = typeof(TTask);
        Func<IServiceProvider?, object> create = TaskFactory.For<TTask>(services, out bool needsServices);

        // Unsafe.As: TTask is constrained to these interfaces wherever it comes from, and what is opened is made sure of below.
        return new TaskInvoker<TParameters>(type)
        {
            Create = create,
            NeedsServices = needsServices,
            PayloadFormat = PayloadFormat.Typeless,
            OpenConnection = Open,
            SetUserConnection = typeof(Terrasoft.Core.IUserConnectionRequired).IsAssignableFrom(type)
                ? static (task, connection) => Unsafe.As<Terrasoft.Core.IUserConnectionRequired>(task).SetUserConnection(Unsafe.As<Terrasoft.Core.UserConnection>(connection))
                : null,
            Run = static (task, parameters) => Unsafe.As<Terrasoft.Core.Tasks.IBackgroundTask<TParameters>>(task).Run(parameters),
        };
    }

    private static Terrasoft.Core.UserConnection Open(UserIdentity identity, IUserConnectionFactory? ofEngine)
    {
        if (CreatioTasks.UserConnectionFactory is { } open)
        {
            return open(identity) ?? throw new InvalidOperationException($"CreatioTasks.UserConnectionFactory returned null for user '{identity.Name}'; return a connection, or throw.");
        }

        if (ofEngine is null)
        {
            return new Terrasoft.Core.UserConnection(identity);
        }

        UserConnection? opened = ofEngine.Open(identity);
        if (opened is Terrasoft.Core.UserConnection fit)
        {
            return fit;
        }

        opened?.Dispose();
        throw new InvalidOperationException(
            $"{ofEngine.GetType()}.Open returned {opened?.GetType().ToString() ?? "null"} for user '{identity.Name}', and this operation takes a Terrasoft.Core.UserConnection. Return one, or one of a class derived " +
            "from it; or set CreatioTasks.UserConnectionFactory, which is asked in its place.");
    }
}
