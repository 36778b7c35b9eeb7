using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using System.Threading.Tasks;

namespace Backrun;

/// <summary>
/// What most of a program needs of a <see cref="BackrunEngine"/>: to start tasks, to ask for them and to cancel them. For classes that are given it by their constructor and are tested without an engine. More
/// members may come in a minor version.
/// </summary>
public interface IBackgroundTasks
{
    /// <summary>Starts a task: see <see cref="BackrunEngine.StartNew"/>.</summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    BackgroundTaskHandle StartNew<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(TParameters parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>;

    /// <summary>Starts a task on behalf of the user of <see cref="UserConnection.Current"/>: see <see cref="BackrunEngine.StartNewWithUserConnection"/>.</summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    BackgroundTaskHandle StartNewWithUserConnection<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(
        TParameters parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired;

    /// <summary>Starts a task without holding the calling thread up: see <see cref="BackrunEngine.SubmitAsync"/>.</summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait for room; nothing is queued then.</param>
    ValueTask<BackgroundTaskHandle> SubmitAsync<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(
        TParameters parameters, StartOptions? options = null, CancellationToken cancellationToken = default)
        where TTask : class, IBackgroundTaskHandler<TParameters>;

    /// <summary>Starts a task on behalf of the user, without holding the calling thread up: see <see cref="BackrunEngine.SubmitAsyncWithUserConnection"/>.</summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait for room; nothing is queued then.</param>
    ValueTask<BackgroundTaskHandle> SubmitAsyncWithUserConnection<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(
        TParameters parameters, StartOptions? options = null, CancellationToken cancellationToken = default)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired;

    /// <summary>Starts many tasks of one class, all or none: see <see cref="BackrunEngine.SubmitMany"/>.</summary>
    /// <typeparam name="TTask">The class that runs them.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">One value a task; enumerated once.</param>
    /// <param name="options">Null for the defaults.</param>
    IReadOnlyList<BackgroundTaskHandle> SubmitMany<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(
        IEnumerable<TParameters> parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>;

    /// <summary>Starts many tasks on behalf of the user, all or none: see <see cref="BackrunEngine.SubmitManyWithUserConnection"/>.</summary>
    /// <typeparam name="TTask">The class that runs them.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">One value a task; enumerated once.</param>
    /// <param name="options">Null for the defaults.</param>
    IReadOnlyList<BackgroundTaskHandle> SubmitManyWithUserConnection<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(
        IEnumerable<TParameters> parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired;

    /// <summary>What is known of a task now, or null: see <see cref="BackrunEngine.GetStatus"/>.</summary>
    /// <param name="id">From the call that started it.</param>
    BackgroundTaskStatus? GetStatus(BackgroundTaskId id);

    /// <summary>The handle of a task whose id is all that is left: see <see cref="BackrunEngine.GetHandle"/>.</summary>
    /// <param name="id">From the call that started it.</param>
    BackgroundTaskHandle GetHandle(BackgroundTaskId id);

    /// <summary>Cancels a task: see <see cref="BackrunEngine.Cancel"/>.</summary>
    /// <param name="id">From the call that started it.</param>
    /// <param name="reason">For people; kept with the task, up to 512 bytes. May be null.</param>
    /// <returns>What the cancellation met.</returns>
    CancelResult Cancel(BackgroundTaskId id, string? reason = null);
}
