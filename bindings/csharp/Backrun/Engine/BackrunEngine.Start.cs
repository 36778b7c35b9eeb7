using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Internals;

namespace Backrun;

/// <content>Handing tasks over.</content>
public sealed partial class BackrunEngine
{
    private const DynamicallyAccessedMemberTypes Constructors = DynamicallyAccessedMemberTypes.PublicConstructors;

    /// <summary>
    /// Starts a task: serialises its parameters and queues it. It carries no user, and its run gets no user connection. With a durable store this waits until the task is safe there
    /// (<see cref="Durability.Committed"/>: about 0.1 to 10 ms); <see cref="SubmitAsync"/> does not, and is what a user interface's thread calls.
    /// </summary>
    /// <typeparam name="TTask">The class that runs it; registered under its full name, or that of its <see cref="BackgroundTaskAttribute"/>, if it was not before.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes. May be a value type.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The task's id, and its end to await.</returns>
    /// <exception cref="TaskSerializationException">The parameters cannot be serialised, or hold a <see cref="UserConnection"/>; nothing was queued.</exception>
    /// <exception cref="QueueFullException">The queue is full, and was to the end where the call waits for room.</exception>
    /// <exception cref="BackrunException">Nothing was queued: no such queue (<see cref="BackrunErrorCode.NotFound"/>), the parameters are too large
    /// (<see cref="BackrunErrorCode.TooLarge"/>), the engine is shut down (<see cref="BackrunErrorCode.ShuttingDown"/>), a task would wait for room in its own engine
    /// (<see cref="BackrunErrorCode.WouldDeadlock"/>), the store could not take it (<see cref="BackrunErrorCode.Store"/>).</exception>
    /// <exception cref="ArgumentException"><typeparamref name="TTask"/> has neither or both of Run and RunAsync, no fit constructor, a name that is taken or too long, or comes from
    /// a collectible AssemblyLoadContext; or an option is out of its range.</exception>
    /// <exception cref="NotSupportedException">An option asks for what this version cannot do yet.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public BackgroundTaskHandle StartNew<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(TParameters parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>
    {
        TaskRegistration<TParameters> registration = _core.Registrations.Get<TaskInvokers, TTask, TParameters>(Handle);
        return new BackgroundTaskHandle(this, new BackgroundTaskId(Submitter.Submit(Handle, registration, parameters, options, user: null)));
    }

    /// <summary>
    /// Starts a task on behalf of the user of <see cref="UserConnection.Current"/>: it carries that identity, and each of its runs gets a connection of its own by
    /// <see cref="IUserConnectionRequired.SetUserConnection"/>.
    /// </summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The task's id, and its end to await.</returns>
    /// <exception cref="InvalidOperationException">There is no current user connection.</exception>
    /// <exception cref="BackrunException">As <see cref="StartNew"/>; also <see cref="BackrunErrorCode.TooLarge"/> where the identity takes more than 64 KiB.</exception>
    /// <remarks>The other exceptions are those of <see cref="StartNew"/>.</remarks>
    public BackgroundTaskHandle StartNewWithUserConnection<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(
        TParameters parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired
    {
        UserConnection user = CurrentUser();
        TaskRegistration<TParameters> registration = _core.Registrations.Get<TaskInvokers, TTask, TParameters>(Handle);
        return new BackgroundTaskHandle(this, new BackgroundTaskId(Submitter.Submit(Handle, registration, parameters, options, user)));
    }

    /// <summary>
    /// As <see cref="StartNew"/>, but never holds the calling thread up: where the queue is full and the task is to wait for room (<see cref="WhenFull.Wait"/>), and where a durable store has to write,
    /// the returned task waits. So one thread can have thousands on their way into the store, which share its writes. The parameters are serialised before it returns.
    /// </summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait for room; nothing is queued then. It does not take a task back that is on its way into the store, and does not cancel one that was accepted.</param>
    /// <returns>Ends when the task is accepted (as safe as its <see cref="StartOptions.Durability"/> says), not when it is done.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    /// <exception cref="TaskSerializationException">The parameters cannot be serialised: thrown by the call itself, as is whatever makes <typeparamref name="TTask"/> unfit and a token that is cancelled already.</exception>
    /// <remarks>The other exceptions are those of <see cref="StartNew"/>; they come with the returned task or from the call itself.</remarks>
    public ValueTask<BackgroundTaskHandle> SubmitAsync<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(
        TParameters parameters, StartOptions? options = null, CancellationToken cancellationToken = default)
        where TTask : class, IBackgroundTaskHandler<TParameters> =>
        SubmitOrWaitAsync(_core.Registrations.Get<TaskInvokers, TTask, TParameters>(Handle), parameters, options, user: null, cancellationToken);

    /// <summary><see cref="SubmitAsync"/> on behalf of the user of <see cref="UserConnection.Current"/>: see <see cref="StartNewWithUserConnection"/>.</summary>
    /// <typeparam name="TTask">The class that runs it.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">Up to 4 MiB as MessagePack; the task gets a copy.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait for room; nothing is queued then.</param>
    /// <returns>Ends when the task is accepted, not when it is done.</returns>
    /// <exception cref="InvalidOperationException">There is no current user connection.</exception>
    public ValueTask<BackgroundTaskHandle> SubmitAsyncWithUserConnection<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(
        TParameters parameters, StartOptions? options = null, CancellationToken cancellationToken = default)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired
    {
        UserConnection user = CurrentUser();
        return SubmitOrWaitAsync(_core.Registrations.Get<TaskInvokers, TTask, TParameters>(Handle), parameters, options, user, cancellationToken);
    }

    /// <summary>Starts many tasks of one class, all or none, in one step: several times cheaper than one by one. They are ready in the order of the values.</summary>
    /// <typeparam name="TTask">The class that runs them.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">One value a task; enumerated once. Each up to 4 MiB as MessagePack, and all together up to 2 GiB.</param>
    /// <param name="options">For all of them; null for the defaults.</param>
    /// <returns>The tasks, in the order of the values.</returns>
    /// <exception cref="TaskSerializationException">A value cannot be serialised; the message says which. Nothing was queued.</exception>
    /// <exception cref="QueueFullException">The queue has not enough room for all of them. Nothing was queued.</exception>
    /// <remarks>The other exceptions are those of <see cref="StartNew"/>.</remarks>
    public IReadOnlyList<BackgroundTaskHandle> SubmitMany<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(
        IEnumerable<TParameters> parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return BatchSubmitter.Submit(this, Handle, _core.Registrations.Get<TaskInvokers, TTask, TParameters>(Handle), parameters, options, user: null);
    }

    /// <summary><see cref="SubmitMany"/> on behalf of the user of <see cref="UserConnection.Current"/>: see <see cref="StartNewWithUserConnection"/>.</summary>
    /// <typeparam name="TTask">The class that runs them.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="parameters">One value a task; enumerated once.</param>
    /// <param name="options">For all of them; null for the defaults.</param>
    /// <returns>The tasks, in the order of the values.</returns>
    /// <exception cref="InvalidOperationException">There is no current user connection.</exception>
    public IReadOnlyList<BackgroundTaskHandle> SubmitManyWithUserConnection<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(
        IEnumerable<TParameters> parameters, StartOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>, IUserConnectionRequired
    {
        ArgumentNullException.ThrowIfNull(parameters);
        UserConnection user = CurrentUser();
        return BatchSubmitter.Submit(this, Handle, _core.Registrations.Get<TaskInvokers, TTask, TParameters>(Handle), parameters, options, user);
    }

    /// <summary>
    /// Names a class that runs tasks before the first of them is started: needed for options, for a name of its own, and for tasks that a durable store has from an earlier
    /// process, which run from then on. Doing it again with the same types and name changes nothing.
    /// </summary>
    /// <typeparam name="TTask">The class.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes. A class that takes two kinds of parameters needs a name for the second.</typeparam>
    /// <param name="name">1 to 200 bytes of printable UTF-8. Null: that of its <see cref="BackgroundTaskAttribute"/>, with its aliases, else its full name.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">The class is not fit (see <see cref="StartNew"/>), the name is taken, empty or too long, or the class is registered with another name or other
    /// options already.</exception>
    /// <exception cref="NotSupportedException">An option asks for what this version cannot do yet.</exception>
    /// <exception cref="BackrunException">No such queue (<see cref="BackrunErrorCode.NotFound"/>), or the engine is shut down.</exception>
    public void Register<[DynamicallyAccessedMembers(Constructors)] TTask, TParameters>(string? name = null, TaskOptions? options = null)
        where TTask : class, IBackgroundTaskHandler<TParameters> =>
        _core.Registrations.Register<TaskInvokers, TTask, TParameters>(Handle, name, options);

    private static UserConnection CurrentUser() =>
        UserConnection.Current ?? throw new InvalidOperationException(
            "There is no current user connection whose identity the task could carry. Surround the call by `using (UserConnection.Use(connection))`, or use the method without WithUserConnection.");

    private ValueTask<BackgroundTaskHandle> SubmitOrWaitAsync<TParameters>(
        TaskRegistration<TParameters> registration, TParameters parameters, StartOptions? options, UserConnection? user, CancellationToken cancellationToken)
    {
        if (_core.Probe is null && !SendWatch.IsWanted(_core))
        {
            return SubmitUnwatchedAsync(registration, parameters, options, user, cancellationToken);
        }

        ValueTask<BackgroundTaskHandle> submitting = _core.Probe is { } probe
            ? SubmitProbedAsync(probe, registration, parameters, options, user, cancellationToken)
            : SubmitWatchedAsync(registration, parameters, options, user, cancellationToken);

        // What is wrong already is thrown by the call, as where nobody watches: who does not await it hears of it too.
        return submitting.IsFaulted || submitting.IsCanceled ? new ValueTask<BackgroundTaskHandle>(submitting.GetAwaiter().GetResult()) : submitting;
    }

    private async ValueTask<BackgroundTaskHandle> SubmitProbedAsync<TParameters>(
        EngineProbe probe, TaskRegistration<TParameters> registration, TParameters parameters, StartOptions? options, UserConnection? user, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        BackgroundTaskContext? starter = probe.Starting(registration);
        SendWatch watch = SendWatch.Begin(registration, options);
        BackgroundTaskHandle handle;
        byte[] payload;
        try
        {
            payload = Submitter.Serialize(registration, parameters);
            TimeSpan limit = WaitingSubmitter.LimitOf(registration, options);
            handle = limit == TimeSpan.Zero
                ? new BackgroundTaskHandle(this, new BackgroundTaskId(Submitter.SubmitBytes(Handle, registration, payload, options, user)))
                : await WaitingSubmitter.SubmitAsync(this, registration, payload, options, user, limit, cancellationToken).ConfigureAwait(false);
            watch.Accepted(handle.Id.Value);
        }
        catch (Exception exception)
        {
            watch.Failed(exception);
            probe.NotStarted();
            throw;
        }

        probe.Started(handle.Id.Value, registration, payload, options, user, starter);
        await probe.FinishAsync([handle.Id.Value], starter).ConfigureAwait(false);
        return handle;
    }

    // An asynchronous method: what is current in it is not so for its caller.
    private async ValueTask<BackgroundTaskHandle> SubmitWatchedAsync<TParameters>(
        TaskRegistration<TParameters> registration, TParameters parameters, StartOptions? options, UserConnection? user, CancellationToken cancellationToken)
    {
        SendWatch watch = SendWatch.Begin(registration, options);
        try
        {
            BackgroundTaskHandle handle = await SubmitUnwatchedAsync(registration, parameters, options, user, cancellationToken).ConfigureAwait(false);
            watch.Accepted(handle.Id.Value);
            return handle;
        }
        catch (Exception exception)
        {
            watch.Failed(exception);
            throw;
        }
    }

    private ValueTask<BackgroundTaskHandle> SubmitUnwatchedAsync<TParameters>(
        TaskRegistration<TParameters> registration, TParameters parameters, StartOptions? options, UserConnection? user, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TimeSpan limit = WaitingSubmitter.LimitOf(registration, options);
        if (limit == TimeSpan.Zero)
        {
            if (_core.IsDurable)
            {
                return new ValueTask<BackgroundTaskHandle>(Submitter.SubmitAsync(this, registration, parameters, options, user));
            }

            return new ValueTask<BackgroundTaskHandle>(
                new BackgroundTaskHandle(this, new BackgroundTaskId(Submitter.SubmitUnwatched(Handle, registration, parameters, options, user))));
        }

        byte[] payload = Submitter.Serialize(registration, parameters);
        return new ValueTask<BackgroundTaskHandle>(WaitingSubmitter.SubmitAsync(this, registration, payload, options, user, limit, cancellationToken));
    }
}
