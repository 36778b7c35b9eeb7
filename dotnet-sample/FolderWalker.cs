using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Enumeration;

namespace Backrun.Sample;

internal enum FoundKind
{
    File,
    Link,
    Trouble,
}

/// <summary>Something that lies in the folder.</summary>
/// <param name="Kind">What can be done about it.</param>
/// <param name="Path">Its whole path.</param>
/// <param name="Stamp">What it was when it was found.</param>
/// <param name="Note">Where a link points to, or what the trouble is.</param>
internal readonly record struct Found(FoundKind Kind, string Path, FileStamp Stamp = default, string Note = "");

/// <summary>Lists what lies in a folder and below it, while others may change it.</summary>
internal static class FolderWalker
{
    // In place of what it cannot decode .NET puts this character, so the name it gives is not the name of the file.
    private const char Undecodable = '\uFFFD';

    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
    };

    /// <summary>
    /// Gives entries as they are found: a folder of a million files needs no list of a million entries.
    /// </summary>
    public static IEnumerable<Found> Walk(Folder folder, Func<string, bool> leaveOut)
    {
        // A stack of our own: folders may be nested deeper than calls can be.
        var folders = new Stack<string>();
        folders.Push(folder.Path);
        while (folders.TryPop(out string? parent))
        {
            foreach (Found found in List(parent, folder.LeftOut, folders))
            {
                if (!leaveOut(found.Path))
                {
                    yield return found;
                }
            }
        }
    }

    /// <summary>Why a folder cannot be listed, or null: it can.</summary>
    public static string? TroubleWith(string folder)
    {
        Open(folder, out string? trouble)?.Dispose();
        return trouble;
    }

    private static IEnumerable<Found> List(string parent, IReadOnlySet<string> leftOut, Stack<string> folders)
    {
        // Two files may have names that look the same once they are decoded; the second is not the first.
        HashSet<string>? doubtful = null;
        using IEnumerator<string>? names = Open(parent, out string? trouble);
        while (names is not null && MoveNext(names, out trouble))
        {
            string name = names.Current;
            if (leftOut.Contains(name))
            {
                continue;
            }
            bool isDoubtful = name.Contains(Undecodable, StringComparison.Ordinal);
            bool isSecond = isDoubtful && !(doubtful ??= []).Add(name);
            Found found = Look(Path.Join(parent, name), isDoubtful, isSecond);
            if (found is { Kind: FoundKind.File, Stamp.Kind: FileKind.Folder })
            {
                folders.Push(found.Path);
            }
            else
            {
                yield return found;
            }
        }
        if (trouble is not null)
        {
            yield return new Found(FoundKind.Trouble, parent, Note: $"the folder cannot be listed: {trouble}");
        }
    }

    private static Found Look(string path, bool isDoubtful, bool isSecond)
    {
        try
        {
            FileStamp stamp = isSecond ? throw new FileNotFoundException() : FileStamp.Of(path);
            return stamp.Kind switch
            {
                FileKind.Link => new Found(FoundKind.Link, path, stamp, new FileInfo(path).LinkTarget ?? ""),
                FileKind.Other => new Found(FoundKind.Trouble, path, stamp, "not a regular file"),
                _ => new Found(FoundKind.File, path, stamp),
            };
        }
        catch (FileNotFoundException) when (isDoubtful)
        {
            return new Found(FoundKind.Trouble, path, Note: "its name cannot be decoded, so it cannot be opened");
        }
        catch (Exception e) when (Reason.IsOfFiles(e))
        {
            return new Found(FoundKind.Trouble, path, Note: Reason.Of(e));
        }
    }

    private static IEnumerator<string>? Open(string folder, out string? trouble)
    {
        IEnumerator<string>? names = null;
        trouble = TroubleOf(() =>
        {
            names = new FileSystemEnumerable<string>(folder, NameOf, Everything).GetEnumerator();
        });
        return names;
    }

    private static bool MoveNext(IEnumerator<string> names, out string? trouble)
    {
        bool isThere = false;
        trouble = TroubleOf(() => isThere = names.MoveNext());
        return isThere;
    }

    private static string NameOf(ref FileSystemEntry entry) => entry.FileName.ToString();

    private static string? TroubleOf(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception e) when (Reason.IsOfFiles(e))
        {
            return Reason.Of(e);
        }
    }
}
