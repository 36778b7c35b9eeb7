using System.IO;
using System.Runtime.InteropServices;

namespace Backrun.Sample;

internal enum FileKind
{
    Regular,
    Folder,
    Link,
    Other,
}

/// <summary>
/// What an entry of a folder is, and what tells one content of a file from another without reading it.
/// </summary>
/// <param name="Kind">Its kind; a link is a link, whatever it points to.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Modified">In nanoseconds since 1970; to be compared, not to be shown.</param>
internal readonly partial record struct FileStamp(FileKind Kind, long Size, long Modified)
{
    private const int CurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const uint TypeAndModifiedAndSize = 0x1 | 0x40 | 0x200;

    /// <remarks>
    /// .NET does not tell a named pipe or a device from a regular file, and to open a pipe means to wait until somebody
    /// writes to it. So the kernel is asked, by the one call whose struct is the same on every processor.
    /// </remarks>
    public static unsafe FileStamp Of(string path)
    {
        Statx found;
        if (NativeStatx(CurrentFolder, path, NoFollow, TypeAndModifiedAndSize, &found) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            const int NoEntry = 2, NotAFolder = 20;
            throw error is NoEntry or NotAFolder
                ? new FileNotFoundException(null, path)
                : new IOException(Marshal.GetPInvokeErrorMessage(error));
        }
        FileKind kind = (found.Mode & 0xF000) switch
        {
            0x8000 => FileKind.Regular,
            0x4000 => FileKind.Folder,
            0xA000 => FileKind.Link,
            _ => FileKind.Other,
        };
        long modified = unchecked((found.ModifiedSeconds * 1_000_000_000) + found.ModifiedNanoseconds);
        return new FileStamp(kind, (long)found.Size, modified);
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int NativeStatx(int folder, string path, int flags, uint wanted, Statx* found);

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(112)]
        public long ModifiedSeconds;

        [FieldOffset(120)]
        public uint ModifiedNanoseconds;
    }
}
