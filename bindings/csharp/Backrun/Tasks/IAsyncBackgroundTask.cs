using System.Threading;
using System.Threading.Tasks;

namespace Backrun;

/// <summary>A background task that holds no thread of the engine while it awaits.</summary>
/// <remarks>
/// An instance is made for each run and, where it is <see cref="System.IDisposable"/> or <see cref="System.IAsyncDisposable"/>, disposed of after it.
/// </remarks>
/// <typeparam name="TParameters">What a task is started with; travels as MessagePack.</typeparam>
public interface IAsyncBackgroundTask<in TParameters> : IBackgroundTaskHandler<TParameters>
{
    /// <summary>
    /// Does the work. Begins on a worker thread of the engine and goes on, after the first await that has to wait, on the thread pool.
    /// </summary>
    /// <param name="parameters">A copy of what the task was started with; null if it was started with null.</param>
    /// <param name="context">The run; also <see cref="BackgroundTaskContext.Current"/>.</param>
    /// <param name="cancellationToken">
    /// Cancelled when the run is asked to stop. A run that then throws an <see cref="System.OperationCanceledException"/> of this token, or of one linked to
    /// it, is cancelled; one that throws it unasked has failed.
    /// </param>
    /// <returns>A task that ends with the run. Null is a failure.</returns>
    Task RunAsync(TParameters parameters, BackgroundTaskContext context, CancellationToken cancellationToken);
}
