using System.Collections.Generic;
using System.Linq;

namespace Backrun.Testing.Internals;

/// <summary>The tasks that were started, by their ids.</summary>
internal sealed class Ledger
{
    private readonly object _gate = new();
    private readonly SortedDictionary<long, StartRecord> _all = [];
    private long _forgottenUpTo;

    internal void Add(StartRecord record)
    {
        lock (_gate)
        {
            _all.Add(record.Id, record);
        }
    }

    internal StartRecord? Find(long id)
    {
        lock (_gate)
        {
            return _all.GetValueOrDefault(id);
        }
    }

    /// <summary>All of them, those too that the test no longer wants to see.</summary>
    internal StartRecord[] All()
    {
        lock (_gate)
        {
            return [.. _all.Values];
        }
    }

    /// <summary>What the test is shown.</summary>
    internal StartRecord[] Shown()
    {
        lock (_gate)
        {
            return _all.Values.Where(record => record.Id > _forgottenUpTo).ToArray();
        }
    }

    /// <summary>Shows none of those that there are.</summary>
    internal void Forget()
    {
        lock (_gate)
        {
            _forgottenUpTo = _all.Count == 0 ? 0 : _all.Keys.Last();
        }
    }

    /// <summary>Notes that the test is told of a death. False: it was already.</summary>
    internal bool Tell(StartRecord record, long lease)
    {
        lock (_gate)
        {
            if (record.ToldLease == lease)
            {
                return false;
            }

            record.ToldLease = lease;
            return true;
        }
    }
}
