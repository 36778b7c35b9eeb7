using System;

namespace Backrun.Sample;

/// <summary>
/// Counts lines (bytes 0x0A) and words (runs of bytes other than 0x09 to 0x0D and 0x20) in what comes piece by piece.
/// </summary>
internal struct WordCounter
{
    private bool _inWord;

    public long Lines { get; private set; }

    public long Words { get; private set; }

    public void Add(ReadOnlySpan<byte> piece)
    {
        Lines += piece.Count((byte)'\n');
        // Without branches on what is in the file: text would mispredict every other one.
        int begun = 0;
        int before = _inWord ? 1 : 0;
        foreach (byte b in piece)
        {
            int isInWord = (b != 0x20 & (uint)(b - 0x09) > 0x0D - 0x09) ? 1 : 0;
            begun += isInWord & ~before;
            before = isInWord;
        }
        _inWord = before != 0;
        Words += begun;
    }
}
