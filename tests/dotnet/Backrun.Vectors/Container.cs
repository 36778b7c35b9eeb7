using System;
using System.Collections.Generic;
using Backrun.Vectors.Text;
using MessagePack;

namespace Backrun.Vectors;

/// <summary>How a message with compression lies in its bytes.</summary>
internal sealed class Container
{
    private readonly List<(int Unpacked, int Packed)> _chunks = [];
    private byte[] _head = [];
    private byte? _chunkHeader;

    /// <summary>As the lines name it.</summary>
    public string Kind { get; private set; } = "plain";

    public static Container Read(byte[] message, int body)
    {
        var container = new Container();
        var reader = new MessagePackReader(message);
        if (reader.NextMessagePackType == MessagePackType.Array)
            container.ReadArray(message, ref reader);
        else if (reader.NextMessagePackType == MessagePackType.Extension && reader.ReadExtensionFormatHeader() is { TypeCode: 99 } header)
            container.ReadBlock(message, ref reader, header.Length);
        if (container.Kind == "plain" && message.Length != body)
            throw new InvalidOperationException("A message with compression is neither plain nor of the two known forms.");
        return container;
    }

    private void ReadBlock(byte[] message, ref MessagePackReader reader, uint length)
    {
        var begun = (int)reader.Consumed;
        var unpacked = reader.ReadInt32();
        var packed = (int)length - ((int)reader.Consumed - begun);
        Kind = "ext99";
        _head = message[..(int)reader.Consumed];
        _chunks.Add((unpacked, packed));
    }

    private void ReadArray(byte[] message, ref MessagePackReader reader)
    {
        var count = reader.ReadArrayHeader();
        if (count == 0 || reader.NextMessagePackType != MessagePackType.Extension || reader.ReadExtensionFormatHeader().TypeCode != 98)
            return;
        Kind = "array+ext98";
        var lengths = new int[count - 1];
        for (var i = 0; i < lengths.Length; i++)
            lengths[i] = reader.ReadInt32();
        var at = (int)reader.Consumed;
        _head = message[..at];
        _chunkHeader = message[at];
        foreach (var length in lengths)
            _chunks.Add((length, (int)reader.ReadBytes()!.Value.Length));
    }

    public void Write(Json json)
    {
        if (_chunkHeader is { } header)
            json.Name("chunk_header").Text($"{header:x2}");
        json.Name("container").Text(Kind);
        if (Kind == "plain")
            return;
        json.Name("head").Text(Convert.ToHexStringLower(_head)).Name("chunks").Open('[');
        foreach (var (unpacked, packed) in _chunks)
            json.Open('[').Number(unpacked).Number(packed).Close(']');
        json.Close(']');
    }
}
