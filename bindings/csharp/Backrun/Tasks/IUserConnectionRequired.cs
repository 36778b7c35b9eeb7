namespace Backrun;

/// <summary>A background task that works on behalf of a user.</summary>
public interface IUserConnectionRequired
{
    /// <summary>
    /// Receives the user's connection right before the run, on the same thread. Called only for tasks that were started
    /// by a method whose name ends in <c>WithUserConnection</c>.
    /// </summary>
    /// <param name="userConnection">Opened for this run, and disposed of after it: do not keep it.</param>
    void SetUserConnection(UserConnection userConnection);
}
