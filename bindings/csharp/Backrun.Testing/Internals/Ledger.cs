using System.Collections.Generic;

namespace Backrun.Testing.Internals;

/// <summary>The tasks that were started, by their ids.</summary>
internal sealed class Ledger
{
    private readonly object _gate = new();

    // Smallest id first. They come nearly in that order.
    private readonly List<StartRecord> _all = [];
    private long _forgottenUpTo;

    internal void Add(StartRecord record)
    {
        lock (_gate)
        {
            _all.Insert(IndexFrom(record.Id), record);
        }
    }

    internal StartRecord? Find(long id)
    {
        lock (_gate)
        {
            int index = IndexFrom(id);
            return index < _all.Count && _all[index].Id == id ? _all[index] : null;
        }
    }

    /// <summary>Those of this id and of larger ones, those too that the test no longer wants to see.</summary>
    internal StartRecord[] From(long id)
    {
        lock (_gate)
        {
            int index = IndexFrom(id);
            return _all.GetRange(index, _all.Count - index).ToArray();
        }
    }

    /// <summary>What the test is shown.</summary>
    internal StartRecord[] Shown() => From(_forgottenUpTo + 1);

    internal StartRecord? Last()
    {
        lock (_gate)
        {
            return _all.Count == 0 ? null : _all[^1];
        }
    }

    /// <summary>Shows none of those that there are.</summary>
    internal void Forget()
    {
        lock (_gate)
        {
            _forgottenUpTo = _all.Count == 0 ? 0 : _all[^1].Id;
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

    /// <summary>Where the first one stands that has this id or a larger one.</summary>
    private int IndexFrom(long id)
    {
        int low = 0;
        int high = _all.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_all[middle].Id < id)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
