using System;
using System.Collections.Generic;
using System.IO;

namespace Backrun.Sample;

/// <summary>The folder to index.</summary>
internal sealed class Folder
{
    private readonly string _prefix;

    private Folder(string path, IReadOnlySet<string> leftOut)
    {
        Path = System.IO.Path.TrimEndingDirectorySeparator(path);
        LeftOut = leftOut;
        _prefix = System.IO.Path.EndsInDirectorySeparator(Path) ? Path : Path + System.IO.Path.DirectorySeparatorChar;
    }

    public string Path { get; }

    /// <summary>Names of entries that are left out, wherever they are.</summary>
    public IReadOnlySet<string> LeftOut { get; }

    public static Folder Named(string name)
    {
        if (name.Length == 0)
        {
            throw new CouldNotRunException("The name of the folder is empty.");
        }
        string path = System.IO.Path.GetFullPath(name);
        if (File.Exists(path))
        {
            throw new CouldNotRunException($"{path} is not a folder.");
        }
        if (!Directory.Exists(path))
        {
            throw new CouldNotRunException($"There is no folder {path}.");
        }
        if (FolderWalker.TroubleWith(path) is string trouble)
        {
            throw new CouldNotRunException($"The folder {path} cannot be listed: {trouble}.");
        }
        return new Folder(path, new HashSet<string>());
    }

    /// <summary>The repository that the program was built in, without what building it makes.</summary>
    public static Folder Repository() => new(
        RepositoryPath() ?? throw new CouldNotRunException(
            $"{AppContext.BaseDirectory} is not in Backrun's repository. Name the folder to index."),
        new HashSet<string> { "target", "bin", "obj", "artifacts", ".git" });

    /// <summary>The repository that the program was built in, or null.</summary>
    public static string? RepositoryPath()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Join(folder.FullName, "Backrun.slnx")))
            {
                return folder.FullName;
            }
        }
        return null;
    }

    /// <summary>A path below the folder, as people and JSON see it: relative, with <c>/</c>.</summary>
    public string Relative(string path) =>
        path.StartsWith(_prefix, StringComparison.Ordinal)
            ? path[_prefix.Length..].Replace(System.IO.Path.DirectorySeparatorChar, '/')
            : path;
}
