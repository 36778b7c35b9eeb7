namespace Terrasoft.Core.Tasks;

/// <summary>A background operation.</summary>
/// <remarks>
/// An instance is made for each run and, where it is <see cref="System.IDisposable"/> or <see cref="System.IAsyncDisposable"/>, disposed of after it. What the constructor or <see cref="Run"/> throws is the
/// failure of that operation and of nothing else: it is in the log, and in the status of the task.
/// </remarks>
/// <typeparam name="TParameters">What it is started with; travels as MessagePack, with its private members.</typeparam>
public interface IBackgroundTask<in TParameters>
{
    /// <summary>Does the work, on a thread of the engine that it may block as long as it needs.</summary>
    /// <param name="parameters">A copy of what the operation was started with; null if it was started with null.</param>
    void Run(TParameters parameters);
}
