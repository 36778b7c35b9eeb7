using System.Diagnostics.CodeAnalysis;

namespace Backrun;

/// <summary>Starts tasks in <see cref="BackrunEngine.Default"/>: the shortest way to a background task.</summary>
public static class BackgroundTasks
{
    /// <summary>Starts a task in the default engine: see <see cref="BackrunEngine.StartNew"/>, whose exceptions it throws.</summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    public static void StartNew<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(TParameters parameters)
        where TTask : class, IBackgroundTaskHandler<TParameters> => BackrunEngine.Default.StartNew<TTask, TParameters>(parameters);

    /// <summary>
    /// Starts a task in the default engine on behalf of the user of <see cref="UserConnection.Current"/>: see <see cref="BackrunEngine.StartNewWithUserConnection"/>, whose
    /// exceptions it throws.
    /// </summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    public static void StartNewWithUserConnection<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(TParameters parameters)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired =>
        BackrunEngine.Default.StartNewWithUserConnection<TTask, TParameters>(parameters);
}
