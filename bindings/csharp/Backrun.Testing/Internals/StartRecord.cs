using Backrun.Internals;

namespace Backrun.Testing.Internals;

/// <summary>What is kept of a task that was started.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Registration">What runs it.</param>
/// <param name="Payload">Its parameters.</param>
/// <param name="Options">A copy of those of the call, or null.</param>
/// <param name="User">On whose behalf, or null.</param>
/// <param name="Parent">The task that started it; 0: none.</param>
/// <param name="Root">The first task of those that started one another: itself, where no task started it.</param>
/// <param name="Depth">How many started one another, itself included.</param>
internal sealed record StartRecord(long Id, TaskRegistration Registration, byte[] Payload, StartOptions? Options, UserIdentity? User, long Parent, long Root, int Depth)
{
    /// <summary>The lease of the run that it died by and that the test was told of; 0: none yet. Guarded by the ledger.</summary>
    internal long ToldLease { get; set; }
}
