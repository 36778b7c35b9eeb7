using System;
using System.Buffers;
using System.IO;
using System.Security.Cryptography;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace Backrun.Sample;

/// <summary>
/// The parameters of <see cref="IndexFile"/>. They travel as MessagePack: public properties, simple types, a
/// constructor without parameters.
/// </summary>
public sealed class FileToIndex
{
    /// <summary>The whole path. A task may run more than once; its file still stands in the index once.</summary>
    public string Path { get; set; } = "";

    /// <summary>In bytes, when the file was listed.</summary>
    public long Size { get; set; }

    /// <summary>In nanoseconds since 1970, when the file was listed.</summary>
    public long Modified { get; set; }
}

/// <summary>The file is not what was listed.</summary>
public sealed class FileChangedException(string message) : IOException(message);

/// <summary>
/// The background task: reads a file once, counts and hashes what it reads, and adds the result to the index.
/// </summary>
/// <param name="index">From the engine's <see cref="BackrunOptions.Services"/>.</param>
public sealed class IndexFile(FileIndex index) : IBackgroundTask<FileToIndex>, IUserConnectionRequired
{
    // A huge file needs no more memory than this. The pool keeps the buffer for the next task on this thread.
    private const int BufferSize = 1024 * 1024;

    private UserConnection? _userConnection;

    /// <inheritdoc/>
    public void SetUserConnection(UserConnection userConnection) => _userConnection = userConnection;

    /// <inheritdoc/>
    public void Run(FileToIndex parameters)
    {
        BackgroundTaskContext context = BackgroundTaskContext.Current!;
        // An exception that leaves Run makes the task a failed one, and reaches whoever awaits its handle's Completion.
        ThrowIfChanged(parameters, "changed since it was listed");
        FileFacts facts = Read(parameters, context.CancellationToken);
        ThrowIfChanged(parameters, "changed while it was read");
        string user = _userConnection!.Identity.Name;
        var file = new IndexedFile(parameters.Path, parameters.Modified, facts, context.Attempt, user);
        index.Add(file);
        // Kept with the task: where the program is killed, the next run has it from there.
        context.SetResult(file);
    }

    private static FileFacts Read(FileToIndex file, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using SafeFileHandle handle = File.OpenHandle(
            file.Path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.ReadWrite | FileShare.Delete,
            FileOptions.SequentialScan);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var words = new WordCounter();
            long size = 0;
            while (RandomAccess.Read(handle, buffer.AsSpan(0, BufferSize), size) is > 0 and int read)
            {
                cancellationToken.ThrowIfCancellationRequested();
                size += read;
                if (size > file.Size)
                {
                    // A file that grows as fast as it is read has no end.
                    throw new FileChangedException("grew while it was read");
                }
                hash.AppendData(buffer, 0, read);
                words.Add(buffer.AsSpan(0, read));
            }
            return new FileFacts(size, words.Lines, words.Words, Convert.ToHexStringLower(hash.GetHashAndReset()));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void ThrowIfChanged(FileToIndex file, string what)
    {
        // Also before the file is opened: what is a pipe by now would hold this worker until somebody writes to it.
        if (FileStamp.Of(file.Path) != new FileStamp(FileKind.Regular, file.Size, file.Modified))
        {
            throw new FileChangedException(what);
        }
    }
}
