namespace Backrun;

/// <summary>Opens the connections that tasks get through <see cref="IUserConnectionRequired"/>.</summary>
/// <remarks>
/// Given by <see cref="BackrunOptions.UserConnectionFactory"/> or found as a service in <see cref="BackrunOptions.Services"/>; without one, a run gets a plain
/// <see cref="UserConnection"/> of the identity. Called from many threads at once.
/// </remarks>
public interface IUserConnectionFactory
{
    /// <summary>Opens a connection for one run. What it throws is the failure of that task.</summary>
    /// <param name="identity">That of the connection that was current when the task was started.</param>
    /// <returns>Not null; disposed of by the engine after the run.</returns>
    UserConnection Open(UserIdentity identity);
}
