using System;
using System.Collections.Generic;
using System.Threading;

namespace Backrun.Tests.Support;

/// <summary>Users and their connections.</summary>
public static class Users
{
    public static UserIdentity Ada { get; } = new(
        Guid.Parse("6f1a1c54-52d2-4c0e-9f47-0d0c2bb9a1de"), "Ada", "de-AT", "Europe/Vienna", new Dictionary<string, string> { ["role"] = "admin", ["ünï"] = "códé" });

    public static UserIdentity Bob { get; } = new(Guid.Parse("00000000-0000-0000-0000-0000000000b0"), "Bob", string.Empty, string.Empty, new Dictionary<string, string>());

    public sealed class DerivedConnection(UserIdentity identity) : UserConnection(identity)
    {
        private int _disposals;

        public int OpenedOnThread { get; } = Environment.CurrentManagedThreadId;

        public int Disposals => Volatile.Read(ref _disposals);

        protected override void Dispose(bool disposing)
        {
            Interlocked.Increment(ref _disposals);
            base.Dispose(disposing);
        }
    }

    internal sealed class Factory(Func<UserIdentity, UserConnection?> open) : IUserConnectionFactory
    {
        public UserConnection Open(UserIdentity identity) => open(identity)!;
    }
}
