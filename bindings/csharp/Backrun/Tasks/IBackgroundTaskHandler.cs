namespace Backrun;

/// <summary>
/// What <see cref="IBackgroundTask{TParameters}"/> and <see cref="IAsyncBackgroundTask{TParameters}"/> have in common: a class that runs tasks with
/// these parameters. Implement one of the two, not this interface alone and not both: such a class is refused with an
/// <see cref="System.ArgumentException"/> when it is first named.
/// </summary>
/// <typeparam name="TParameters">What a task is started with.</typeparam>
#pragma warning disable CA1040 // A marker on purpose: the constraint that lets one StartNew take both kinds.
public interface IBackgroundTaskHandler<in TParameters>
{
}
#pragma warning restore CA1040
