using Backrun;

namespace Terrasoft.Core;

/// <summary>
/// The connection of a user: who it is. An application derives its own, with what else belongs to a user, and has it opened by <see cref="Backrun.Creatio.CreatioTasks.UserConnectionFactory"/>.
/// </summary>
/// <remarks>It never travels: an operation takes the <see cref="Backrun.UserConnection.Identity"/> with it, and each run gets a connection of its own.</remarks>
public class UserConnection : Backrun.UserConnection
{
    /// <summary>Makes a connection of this identity.</summary>
    /// <param name="identity">May not be null.</param>
    public UserConnection(UserIdentity identity)
        : base(identity)
    {
    }

    /// <summary><see cref="Backrun.UserConnection.Current"/>, where it is one of this class; else null.</summary>
    public static new UserConnection? Current => Backrun.UserConnection.Current as UserConnection;
}
