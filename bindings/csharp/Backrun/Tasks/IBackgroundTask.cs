namespace Backrun;

/// <summary>A background task that runs on a thread of the engine from beginning to end.</summary>
/// <remarks>
/// An instance is made for each run and, where it is <see cref="System.IDisposable"/> or <see cref="System.IAsyncDisposable"/>, disposed of after it.
/// What the constructor or <see cref="Run"/> throws is the failure of that task and of nothing else.
/// </remarks>
/// <typeparam name="TParameters">What a task is started with; travels as MessagePack.</typeparam>
public interface IBackgroundTask<in TParameters> : IBackgroundTaskHandler<TParameters>
{
    /// <summary>
    /// Does the work. On a worker thread of the engine, which it may block as long as it needs; ask
    /// <see cref="BackgroundTaskContext.Current"/> for the run's token to hear of a cancellation.
    /// </summary>
    /// <param name="parameters">A copy of what the task was started with; null if it was started with null.</param>
    void Run(TParameters parameters);
}
