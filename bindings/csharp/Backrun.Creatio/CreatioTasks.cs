using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using Backrun.Internals;

namespace Backrun.Creatio;

/// <summary>
/// What <see cref="Terrasoft.Core.Tasks.Task"/> has no place for: who the system user is, how connections are opened, and the same tasks started in an engine that the caller names, with options and a handle.
/// </summary>
public static class CreatioTasks
{
    private static readonly UserConnection DefaultSystem =
        new(new UserIdentity(Guid.Empty, "System", string.Empty, string.Empty, new Dictionary<string, string>(StringComparer.Ordinal)));

    private static UserConnection? _system = DefaultSystem;
    private static Func<UserIdentity, Terrasoft.Core.UserConnection>? _factory;

    /// <summary>
    /// On whose behalf an operation runs that is started where there is no current connection. Null: starting it with a user connection throws there. Unless it is set, a user of the name <c>System</c> with
    /// an empty id.
    /// </summary>
    public static UserIdentity? SystemUser
    {
        get => Volatile.Read(ref _system)?.Identity;
        set => Volatile.Write(ref _system, value is null ? null : new UserConnection(value));
    }

    /// <summary>
    /// Opens the connection of a run, of the identity that its start captured; disposed of after the run. What it throws is that run's failure. Called from many threads at once. Null: the engine's
    /// <see cref="BackrunOptions.UserConnectionFactory"/> does, if it has one, and has to give connections of this class; else a run gets a plain one.
    /// </summary>
    public static Func<UserIdentity, Terrasoft.Core.UserConnection>? UserConnectionFactory
    {
        get => Volatile.Read(ref _factory);
        set => Volatile.Write(ref _factory, value);
    }

    /// <summary><see cref="BackrunEngine.Register"/> for an operation: needed for options, a name of its own, and for tasks that a durable store has from an earlier process.</summary>
    /// <typeparam name="TBackgroundTask">The class.</typeparam>
    /// <typeparam name="TParameters">What it takes. A class that takes two kinds of parameters needs a name for the second.</typeparam>
    /// <param name="engine">Where.</param>
    /// <param name="name">Null for that of its <see cref="BackgroundTaskAttribute"/> or its full name.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">Instances of the class cannot be made, its name is taken, or an option is out of its range.</exception>
    public static void Register<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TBackgroundTask, TParameters>(
        BackrunEngine engine, string? name = null, TaskOptions? options = null)
        where TBackgroundTask : class, Terrasoft.Core.Tasks.IBackgroundTask<TParameters>
    {
        ArgumentNullException.ThrowIfNull(engine);
        engine.Core.Registrations.Register<CreatioFrontEnd, TBackgroundTask, TParameters>(engine.Handle, name, options);
    }

    /// <summary>As <see cref="Terrasoft.Core.Tasks.Task.StartNew"/>, in an engine of the caller's choice.</summary>
    /// <typeparam name="TBackgroundTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What it takes.</typeparam>
    /// <param name="engine">Where.</param>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the operation gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The task's id, and its end to await.</returns>
    /// <remarks>The exceptions are those of <see cref="BackrunEngine.StartNew"/>.</remarks>
    public static BackgroundTaskHandle StartNew<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TBackgroundTask, TParameters>(
        BackrunEngine engine, TParameters parameters, StartOptions? options = null)
        where TBackgroundTask : class, Terrasoft.Core.Tasks.IBackgroundTask<TParameters> =>
        Submit<TBackgroundTask, TParameters>(engine, parameters, options, user: null);

    /// <summary>As <see cref="Terrasoft.Core.Tasks.Task.StartNewWithUserConnection"/>, in an engine of the caller's choice.</summary>
    /// <typeparam name="TBackgroundTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What it takes.</typeparam>
    /// <param name="engine">Where.</param>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the operation gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The task's id, and its end to await.</returns>
    /// <exception cref="InvalidOperationException">There is no current connection, and <see cref="SystemUser"/> was set to null.</exception>
    /// <remarks>The other exceptions are those of <see cref="BackrunEngine.StartNew"/>.</remarks>
    public static BackgroundTaskHandle StartNewWithUserConnection<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TBackgroundTask, TParameters>(
        BackrunEngine engine, TParameters parameters, StartOptions? options = null)
        where TBackgroundTask : class, Terrasoft.Core.Tasks.IBackgroundTask<TParameters>, Terrasoft.Core.IUserConnectionRequired
    {
        UserConnection user = UserConnection.Current ?? Volatile.Read(ref _system) ?? throw new InvalidOperationException(
            "There is no current user connection whose identity the operation could carry, and CreatioTasks.SystemUser is null. Surround the call by `using (UserConnection.Use(connection))`, or set a system user.");
        return Submit<TBackgroundTask, TParameters>(engine, parameters, options, user);
    }

    private static BackgroundTaskHandle Submit<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TBackgroundTask, TParameters>(
        BackrunEngine engine, TParameters parameters, StartOptions? options, UserConnection? user)
        where TBackgroundTask : class, Terrasoft.Core.Tasks.IBackgroundTask<TParameters>
    {
        ArgumentNullException.ThrowIfNull(engine);
        TaskRegistration<TParameters> registration = engine.Core.Registrations.Get<CreatioFrontEnd, TBackgroundTask, TParameters>(engine.Handle);
        return new BackgroundTaskHandle(engine, new BackgroundTaskId(Submitter.Submit(engine.Handle, registration, parameters, options, user)));
    }
}
