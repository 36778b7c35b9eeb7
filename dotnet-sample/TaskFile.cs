using System;
using System.IO;
using System.Security.Cryptography;
using System.Text;

namespace Backrun.Sample;

/// <summary>The file that keeps the tasks.</summary>
internal static class TaskFile
{
    // What the store has beside its file.
    private static readonly string[] Suffixes = ["", "-wal", "-shm", "-journal", "-owner", "-running"];

    /// <summary>
    /// The whole path of the file that was asked for, or of the one that the folder has in the repository; in a folder
    /// that exists.
    /// </summary>
    public static string For(Folder folder, string? asked)
    {
        if (asked is null)
        {
            string repository = Folder.RepositoryPath() ?? throw new CouldNotRunException(
                $"{AppContext.BaseDirectory} is not in Backrun's repository. Say where to keep the tasks: "
                + "--store FILE, or --memory.");
            // Each folder has a file of its own, so that what is left of one is never finished for another one.
            string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder.Path)))[..16];
            asked = Path.Join(repository, "artifacts", "sample", hash + ".db");
        }
        string path = Path.GetFullPath(asked);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path) ?? path);
        }
        catch (Exception e) when (Reason.IsOfFiles(e))
        {
            throw new CouldNotRunException($"The folder of {path} cannot be made: {e.Message}");
        }
        return path;
    }

    /// <summary>Whether a file is the store's, and changes while it is at work.</summary>
    public static bool IsOf(string store, string path) =>
        path.StartsWith(store, StringComparison.Ordinal) && Array.IndexOf(Suffixes, path[store.Length..]) >= 0;
}
