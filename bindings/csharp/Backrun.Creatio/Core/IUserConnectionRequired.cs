namespace Terrasoft.Core;

/// <summary>A background operation that works on behalf of a user.</summary>
public interface IUserConnectionRequired
{
    /// <summary>
    /// Takes the connection of the run. Called once, on the thread that then calls Run, if the operation was started by
    /// <see cref="Tasks.Task.StartNewWithUserConnection"/>.
    /// </summary>
    /// <param name="userConnection">Not null; disposed of after the run.</param>
    void SetUserConnection(UserConnection userConnection);
}
