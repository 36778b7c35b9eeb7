using System.Collections.Generic;

namespace Backrun.Internals;

/// <summary>
/// The tasks whose end somebody awaits, by id. Ids follow each other, so that their lowest bits spread them evenly over the parts, each of which has a lock of its own,
/// and over the buckets of a part.
/// </summary>
internal sealed class AwaitedTable
{
    private const int PartBits = 4;
    private readonly Part[] _parts = new Part[1 << PartBits];

    internal AwaitedTable()
    {
        for (int index = 0; index < _parts.Length; index++)
        {
            _parts[index] = new Part();
        }
    }

    /// <summary>The entry of a task, made where there is none.</summary>
    internal Awaited GetOrAdd(BackrunEngine engine, long id, out bool added)
    {
        Part part = PartOf(id);
        lock (part)
        {
            Awaited? found = part.Find(id);
            added = found is null;
            return found ?? part.Add(new Awaited(engine, id));
        }
    }

    /// <summary>Takes the entry of a task out, or null: nobody waits for it, or somebody else took it.</summary>
    internal Awaited? Take(long id)
    {
        Part part = PartOf(id);
        lock (part)
        {
            return part.Take(id);
        }
    }

    /// <summary>Takes all entries out.</summary>
    internal List<Awaited> TakeAll()
    {
        List<Awaited> all = [];
        foreach (Part part in _parts)
        {
            lock (part)
            {
                part.TakeAll(all);
            }
        }

        return all;
    }

    private Part PartOf(long id) => _parts[(int)id & (_parts.Length - 1)];

    private sealed class Part
    {
        private const int FewestBuckets = 16;
        private Awaited?[] _buckets = new Awaited?[FewestBuckets];
        private int _count;

        internal Awaited? Find(long id)
        {
            Awaited? at = BucketOf(id);
            while (at is not null && at.Id != id)
            {
                at = at.Next;
            }

            return at;
        }

        internal Awaited Add(Awaited made)
        {
            if (_count == _buckets.Length)
            {
                Resize(2 * _count);
            }

            Put(made);
            _count++;
            return made;
        }

        internal Awaited? Take(long id)
        {
            ref Awaited? link = ref BucketOf(id);
            Awaited? before = null;
            for (Awaited? at = link; at is not null; before = at, at = at.Next)
            {
                if (at.Id == id)
                {
                    if (before is null)
                    {
                        link = at.Next;
                    }
                    else
                    {
                        before.Next = at.Next;
                    }

                    at.Next = null;
                    Removed();
                    return at;
                }
            }

            return null;
        }

        internal void TakeAll(List<Awaited> all)
        {
            foreach (Awaited? first in _buckets)
            {
                for (Awaited? at = first; at is not null; at = at.Next)
                {
                    all.Add(at);
                }
            }

            _buckets = new Awaited?[FewestBuckets];
            _count = 0;
        }

        private void Removed()
        {
            _count--;
            if (_count == 0 && _buckets.Length > 64 * FewestBuckets)
            {
                // After a large backlog the memory goes back.
                _buckets = new Awaited?[FewestBuckets];
            }
        }

        private void Resize(int buckets)
        {
            Awaited?[] before = _buckets;
            _buckets = new Awaited?[buckets];
            foreach (Awaited? first in before)
            {
                Awaited? at = first;
                while (at is not null)
                {
                    Awaited? next = at.Next;
                    Put(at);
                    at = next;
                }
            }
        }

        private void Put(Awaited entry)
        {
            ref Awaited? bucket = ref BucketOf(entry.Id);
            entry.Next = bucket;
            bucket = entry;
        }

        private ref Awaited? BucketOf(long id) => ref _buckets[(int)(id >> PartBits) & (_buckets.Length - 1)];
    }
}
