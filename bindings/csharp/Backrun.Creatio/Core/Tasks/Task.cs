using System;
using System.Diagnostics.CodeAnalysis;
using Backrun;
using Backrun.Creatio;

namespace Terrasoft.Core.Tasks;

/// <summary>Starts background operations, in <see cref="BackrunEngine.Default"/>.</summary>
/// <remarks>
/// For the task's id, its end, or start options there is <see cref="CreatioTasks"/>, which starts the same tasks. A file that imports <c>System.Threading.Tasks</c> at the same level writes the whole name, or
/// <c>using Task = Terrasoft.Core.Tasks.Task;</c>.
/// </remarks>
public static class Task
{
    /// <summary>
    /// Starts a background operation that needs no user connection: serialises the parameters and queues it. Even a class that implements <see cref="IUserConnectionRequired"/> gets none.
    /// </summary>
    /// <typeparam name="TBackgroundTask">The class whose <see cref="IBackgroundTask{TParameters}.Run"/> does it; an instance is made for each run.</typeparam>
    /// <typeparam name="TParameters">What it takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the operation gets a copy. May be null.</param>
    /// <exception cref="TaskSerializationException">The parameters cannot be serialised, hold a user connection, or hold a type that may not be read back; nothing was queued.</exception>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    /// <exception cref="BackrunException">Nothing was queued; <see cref="BackrunException.Code"/> and the message say why.</exception>
    /// <exception cref="ArgumentException">Instances of the class cannot be made, or its name is taken.</exception>
    public static void StartNew<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TBackgroundTask, TParameters>(TParameters parameters)
        where TBackgroundTask : class, IBackgroundTask<TParameters> =>
        CreatioTasks.StartNew<TBackgroundTask, TParameters>(BackrunEngine.Default, parameters);

    /// <summary>
    /// Starts a background operation on behalf of the user of the current connection (<see cref="Backrun.UserConnection.Current"/>) or, where there is none, of the system user
    /// (<see cref="CreatioTasks.SystemUser"/>). Its run gets a connection of its own by <see cref="IUserConnectionRequired.SetUserConnection"/>.
    /// </summary>
    /// <typeparam name="TBackgroundTask">The class whose <see cref="IBackgroundTask{TParameters}.Run"/> does it; an instance is made for each run.</typeparam>
    /// <typeparam name="TParameters">What it takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the operation gets a copy. May be null.</param>
    /// <exception cref="InvalidOperationException">There is no current connection, and <see cref="CreatioTasks.SystemUser"/> was set to null.</exception>
    /// <remarks>The other exceptions are those of <see cref="StartNew"/>.</remarks>
    public static void StartNewWithUserConnection<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TBackgroundTask, TParameters>(TParameters parameters)
        where TBackgroundTask : class, IBackgroundTask<TParameters>, IUserConnectionRequired =>
        CreatioTasks.StartNewWithUserConnection<TBackgroundTask, TParameters>(BackrunEngine.Default, parameters);
}
