using System.Collections.Generic;
using System.Numerics;

namespace Backrun.Vectors.Making;

/// <summary>Random numbers that a seed determines for ever: SplitMix64, which is none of .NET's to change.</summary>
internal sealed class Source(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The numbers of one line, which does not depend on those before it.</summary>
    public static Source Of(ulong seed, string family, int index)
    {
        var state = seed ^ ((ulong)index * 0x9e37_79b9_7f4a_7c15);
        foreach (var unit in family)
            state = (state ^ unit) * 0x0000_0100_0000_01b3;
        return new(state);
    }

    public ulong Bits()
    {
        _state += 0x9e37_79b9_7f4a_7c15;
        var z = (_state ^ (_state >> 30)) * 0xbf58_476d_1ce4_e5b9;
        z = (z ^ (z >> 27)) * 0x94d0_49bb_1331_11eb;
        return z ^ (z >> 31);
    }

    public int Below(int limit) => (int)(Bits() % (ulong)limit);

    public int Between(int least, int most) => least + Below(most - least + 1);

    public bool OneIn(int chances) => Below(chances) == 0;

    public T Pick<T>(IReadOnlyList<T> list) => list[Below(list.Count)];

    public byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)Bits();
        return bytes;
    }

    /// <summary>A number that is more often than not at an edge: of a width, of a code, of nothing.</summary>
    public BigInteger Edgy(BigInteger least, BigInteger most)
    {
        for (var tries = 0; tries < 20; tries++)
        {
            var size = BigInteger.One << Below(129);
            var number = Below(4) switch
            {
                0 => size + Between(-2, 2),
                1 => -size + Between(-2, 2),
                2 => new BigInteger(Bytes(Between(1, 17))),
                _ => Pick([BigInteger.Zero, least, most, -32, -33, 127, 128, 255, 256, least + 1, most - 1]),
            };
            if (number >= least && number <= most)
                return number;
        }
        return least;
    }
}
