using System;
using System.Buffers;
using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Backrun.Sample;

/// <summary>The file for <c>--json</c>: one JSON object a line.</summary>
internal sealed class JsonLines : IDisposable
{
    private const int EnoughToWrite = 64 * 1024;

    // Names stay readable: only what JSON itself asks for is escaped.
    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly FileStream _stream;

    private JsonLines(FileStream stream) => _stream = stream;

    /// <summary>The whole path: this file is not to be indexed.</summary>
    public string Path => _stream.Name;

    public static JsonLines Create(string path)
    {
        try
        {
            // Without a buffer of its own: what cannot be written is then known in Write, not in Dispose.
            var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
            return new JsonLines(stream);
        }
        catch (Exception e) when (Reason.IsOfFiles(e))
        {
            throw NotWritten(path, e);
        }
    }

    public void Write(FileIndex index, Folder folder)
    {
        try
        {
            var lines = new ArrayBufferWriter<byte>();
            using var json = new Utf8JsonWriter(lines, WriterOptions);
            foreach (IndexedFile file in index.Sorted)
            {
                Write(json, file, folder);
                json.Reset();
                lines.Write("\n"u8);
                if (lines.WrittenCount > EnoughToWrite)
                {
                    _stream.Write(lines.WrittenSpan);
                    lines.ResetWrittenCount();
                }
            }
            _stream.Write(lines.WrittenSpan);
        }
        catch (IOException e)
        {
            throw NotWritten(Path, e);
        }
    }

    public void Dispose() => _stream.Dispose();

    private static void Write(Utf8JsonWriter json, IndexedFile file, Folder folder)
    {
        json.WriteStartObject();
        json.WriteString("path", folder.Relative(file.Path));
        json.WriteNumber("bytes", file.Facts.Bytes);
        json.WriteNumber("lines", file.Facts.Lines);
        json.WriteNumber("words", file.Facts.Words);
        json.WriteString("sha256", file.Facts.Sha256);
        json.WriteNumber("attempt", file.Attempt);
        json.WriteString("user", file.User);
        json.WriteEndObject();
        json.Flush();
    }

    private static CouldNotRunException NotWritten(string path, Exception e) =>
        new($"The file {path} cannot be written: {e.Message}");
}
