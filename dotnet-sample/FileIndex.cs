using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;

namespace Backrun.Sample;

/// <summary>What was found in a file. <c>Sha256</c> is in lower-case hexadecimal.</summary>
public sealed record FileFacts(long Bytes, long Lines, long Words, string Sha256);

/// <summary>
/// A file that is done: when it was modified, in which attempt it was read, and on whose behalf. The result of its task.
/// </summary>
public sealed record IndexedFile(string Path, long Modified, FileFacts Facts, int Attempt, string User);

/// <summary>
/// Where the tasks leave their results. Tasks run on several threads at once, so it is safe for that.
/// </summary>
public sealed class FileIndex(bool keepResults)
{
    private readonly ConcurrentDictionary<string, IndexedFile> _files = new(StringComparer.Ordinal);

    /// <summary>By path, in the order of its UTF-16 code units.</summary>
    public IEnumerable<IndexedFile> Sorted => _files.Values.OrderBy(file => file.Path, StringComparer.Ordinal);

    /// <summary>Adds a file; a second time it replaces the first.</summary>
    public void Add(IndexedFile file)
    {
        // Nobody will ask for the results of a million files if they are not to be written.
        if (keepResults)
        {
            _files[file.Path] = file;
        }
    }
}
