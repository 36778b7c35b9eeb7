using System;
using System.Collections.Generic;
using Backrun.Vectors.Text;
using MessagePack;

namespace Backrun.Vectors;

/// <summary>How a message with compression lies in its bytes.</summary>
internal sealed class Container
{
    private readonly List<(int Unpacked, int Packed)> _chunks = [];
    private string _kind = "plain";
    private byte[] _head = [];
    private byte? _chunkHeader;

    public static Container Read(byte[] message, int body)
    {
        var container = new Container();
        var reader = new MessagePackReader(message);
        if (reader.NextMessagePackType == MessagePackType.Extension && reader.ReadExtensionFormatHeader() is { TypeCode: 99 } header)
            container.ReadBlock(message, ref reader, header.Length);
        else if (reader.NextMessagePackType == MessagePackType.Array)
            container.ReadArray(message, ref reader);
        if (container._kind == "plain" && message.Length != body)
            throw new InvalidOperationException("A message with compression is neither plain nor of the two known forms.");
        return container;
    }

    private void ReadBlock(byte[] message, ref MessagePackReader reader, uint length)
    {
        var begun = (int)reader.Consumed;
        var unpacked = reader.ReadInt32();
        var packed = (int)length - ((int)reader.Consumed - begun);
        _kind = "ext99";
        _head = message[..(int)reader.Consumed];
        _chunks.Add((unpacked, packed));
    }

    private void ReadArray(byte[] message, ref MessagePackReader reader)
    {
        var count = reader.ReadArrayHeader();
        if (count == 0 || reader.NextMessagePackType != MessagePackType.Extension || reader.ReadExtensionFormatHeader().TypeCode != 98)
            return;
        _kind = "array+ext98";
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
        json.Name("container").Text(_kind);
        if (_kind == "plain")
            return;
        json.Name("head").Text(Convert.ToHexStringLower(_head)).Name("chunks").Open('[');
        foreach (var (unpacked, packed) in _chunks)
            json.Open('[').Number(unpacked).Number(packed).Close(']');
        json.Close(']');
    }
}
