using System;
using System.Threading;
using Backrun.Internals;

namespace Backrun;

/// <summary>
/// What an application does on behalf of a user: an identity, and in derived classes whatever belongs to it (a database session, rights, caches).
/// </summary>
/// <remarks>
/// It never travels: a task that is started by a method whose name ends in <c>WithUserConnection</c> takes the <see cref="Identity"/> of
/// <see cref="Current"/> with it, and each of its runs gets a connection of its own from <see cref="IUserConnectionFactory"/>. A connection anywhere inside
/// the parameters of a task is refused.
/// </remarks>
public class UserConnection : IDisposable
{
    private static readonly AsyncLocal<UserConnection?> Ambient = new();
    private byte[]? _encodedIdentity;

    /// <summary>Makes a connection of this identity.</summary>
    /// <param name="identity">May not be null.</param>
    public UserConnection(UserIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        Identity = identity;
    }

    /// <summary>
    /// The connection in whose name the current code works, or null: set by <see cref="Use"/>, and by the engine during the run of a task that was started
    /// with a user connection. Flows with async calls.
    /// </summary>
    public static UserConnection? Current => Ambient.Value;

    /// <summary>Who the user is.</summary>
    public UserIdentity Identity { get; }

    /// <summary>Makes a connection the current one until the returned object is disposed of; then the earlier one is current again.</summary>
    /// <param name="connection">May not be null. It is not disposed of.</param>
    /// <returns>Ends it; to be disposed of in the same method, best by <c>using</c>.</returns>
    public static IDisposable Use(UserConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        Restore restore = new(Ambient.Value);
        Ambient.Value = connection;
        return restore;
    }

    /// <summary>Ends the connection. The engine does so after each run that it opened one for.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends what a derived class holds.</summary>
    /// <param name="disposing">True from <see cref="Dispose()"/>, false from a finalizer.</param>
    protected virtual void Dispose(bool disposing)
    {
    }

    internal static void SetCurrent(UserConnection? connection) => Ambient.Value = connection;

    /// <summary>The identity as it travels; made once, since it cannot change.</summary>
    internal byte[] EncodedIdentity() => _encodedIdentity ??= UserContextCodec.Encode(Identity);

    private sealed class Restore(UserConnection? earlier) : IDisposable
    {
        private int _done;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _done, 1) == 0)
            {
                Ambient.Value = earlier;
            }
        }
    }
}
