using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Numerics;
using System.Text;
using MessagePack;

namespace Backrun.Vectors.Making;

/// <summary>Values of the types that have no parts.</summary>
internal static class Scalars
{
    private const long Second = TimeSpan.TicksPerSecond;
    private static readonly long Epoch = DateTime.UnixEpoch.Ticks;

    private static readonly Dictionary<Type, Func<Source, object>> Makers = new()
    {
        [typeof(bool)] = s => s.OneIn(2),
        [typeof(sbyte)] = s => (sbyte)s.Edgy(sbyte.MinValue, sbyte.MaxValue),
        [typeof(byte)] = s => (byte)s.Edgy(byte.MinValue, byte.MaxValue),
        [typeof(short)] = s => (short)s.Edgy(short.MinValue, short.MaxValue),
        [typeof(ushort)] = s => (ushort)s.Edgy(ushort.MinValue, ushort.MaxValue),
        [typeof(int)] = s => (int)s.Edgy(int.MinValue, int.MaxValue),
        [typeof(uint)] = s => (uint)s.Edgy(uint.MinValue, uint.MaxValue),
        [typeof(long)] = s => (long)s.Edgy(long.MinValue, long.MaxValue),
        [typeof(ulong)] = s => (ulong)s.Edgy(ulong.MinValue, ulong.MaxValue),
        [typeof(Int128)] = s => (Int128)s.Edgy((BigInteger)Int128.MinValue, (BigInteger)Int128.MaxValue),
        [typeof(UInt128)] = s => (UInt128)s.Edgy(0, (BigInteger)UInt128.MaxValue),
        [typeof(BigInteger)] = MakeBigInteger,
        [typeof(char)] = s => (char)s.Edgy(char.MinValue, char.MaxValue),
        [typeof(float)] = MakeFloat,
        [typeof(double)] = MakeDouble,
        [typeof(Half)] = s => BitConverter.UInt16BitsToHalf((ushort)s.Edgy(0, ushort.MaxValue)),
        [typeof(decimal)] = MakeDecimal,
        [typeof(string)] = MakeString,
        [typeof(Rune)] = MakeRune,
        [typeof(Guid)] = s => s.OneIn(10) ? Guid.Empty : new Guid(s.Bytes(16)),
        [typeof(DateTime)] = s => MakeTime(s),
        [typeof(DateTimeOffset)] = MakeOffsetTime,
        [typeof(TimeSpan)] = s => new TimeSpan((long)s.Edgy(long.MinValue, long.MaxValue)),
        [typeof(DateOnly)] = s => DateOnly.FromDayNumber((int)s.Edgy(0, DateOnly.MaxValue.DayNumber)),
        [typeof(TimeOnly)] = s => new TimeOnly((long)s.Edgy(0, TimeOnly.MaxValue.Ticks)),
        [typeof(Complex)] = s => new Complex((double)MakeDouble(s), (double)MakeDouble(s)),
        [typeof(Uri)] = MakeUri,
        [typeof(Version)] = MakeVersion,
        [typeof(BitArray)] = s => new BitArray(s.Bytes(s.Below(4))) { Length = s.Below(20) },
        [typeof(StringBuilder)] = s => new StringBuilder((string)MakeString(s)),
        [typeof(byte[])] = MakeBytes,
        [typeof(Nil)] = _ => Nil.Default,
        [typeof(Type)] = s => s.Pick(SomeTypes),
    };

    private static readonly Type[] SomeTypes =
    [
        typeof(int), typeof(string), typeof(List<>), typeof(List<string>), typeof(Dictionary<Guid, int[]>), typeof(int[,][]),
        typeof(Uri), typeof(BigInteger), typeof(DateTime?), typeof(ConsoleColor), typeof(Stack<Version>), typeof(void),
    ];

    public static IReadOnlyCollection<Type> Types => Makers.Keys;

    public static object? Make(Source source, Type type)
    {
        if (Makers.TryGetValue(type, out var maker))
            return maker(source);
        return type.IsEnum ? MakeEnum(source, type) : null;
    }

    private static object MakeBigInteger(Source s) =>
        s.OneIn(20) ? new BigInteger(s.Bytes(s.Between(1, 300))) : s.Edgy(-(BigInteger.One << 128), BigInteger.One << 128);

    private static object MakeFloat(Source s) => s.Below(4) switch
    {
        0 => BitConverter.UInt32BitsToSingle((uint)s.Bits()),
        1 => s.Pick([0f, -0f, 1f, float.NaN, float.Epsilon, float.MaxValue, float.NegativeInfinity, 0.1f, 16777217f, 1e9f]),
        2 => BitConverter.UInt32BitsToSingle(0x7f80_0000 | ((uint)s.Bits() & 0x80ff_ffff)), // NaN, whatever its bits
        _ => (float)((double)s.Between(-2000, 2000) * Math.Pow(10, s.Between(-12, 12))),
    };

    private static object MakeDouble(Source s) => s.Below(5) switch
    {
        0 => BitConverter.UInt64BitsToDouble(s.Bits()),
        1 => s.Pick([0d, -0d, 1d, double.NaN, double.Epsilon, double.MaxValue, double.PositiveInfinity, 0.1, 1e17, 1e-5, 9007199254740993d]),
        2 => BitConverter.UInt64BitsToDouble(0x7ff0_0000_0000_0000 | (s.Bits() & 0x801f_ffff_ffff_ffff)),
        3 => (double)(float)MakeFloat(s),
        _ => s.Between(-20_000, 20_000) * Math.Pow(10, s.Between(-24, 24)),
    };

    private static object MakeDecimal(Source s)
    {
        var words = new int[3];
        for (var i = 0; i < s.Below(4); i++)
            words[i] = (int)(uint)s.Edgy(0, uint.MaxValue);
        return new decimal(words[0], words[1], words[2], s.OneIn(2), (byte)s.Between(0, 28));
    }

    private static object MakeRune(Source s)
    {
        var point = (int)s.Edgy(0, 0x10_ffff);
        return Rune.IsValid(point) ? new Rune(point) : new Rune(0x1f600 + s.Below(64));
    }

    /// <summary>Texts of every sort of letter, mostly short, sometimes as long as where another header begins.</summary>
    private static object MakeString(Source s)
    {
        var length = s.Below(40) switch
        {
            0 => s.Pick([0, 31, 32, 33, 255, 256, 257]),
            1 when s.OneIn(4) => s.Pick([65_535, 65_536, 40_000]),
            _ => s.Below(12),
        };
        var sort = s.Below(8);
        var text = new StringBuilder(length);
        while (text.Length < length)
            Letter(s, sort == 7 ? s.Below(7) : sort, text);
        return text.ToString();
    }

    private static void Letter(Source s, int sort, StringBuilder text)
    {
        var unit = sort switch
        {
            0 or 1 or 2 => s.Between(' ', '~'),
            3 => s.Between(0x80, 0x7ff),
            4 => s.Between(0x800, 0xd7ff),
            5 => s.Pick([0, 1, 7, 8, 9, 10, 12, 13, 27, 31, '"', '\\', '/', 0x7f, 0x85, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x2028]),
            _ => s.OneIn(2) ? s.Between(0xd800, 0xdfff) : -1, // a surrogate that may be alone, or a pair
        };
        if (unit >= 0)
            text.Append((char)unit);
        else
            text.Append(new Rune(s.Between(0x1_0000, 0x10_ffff)).ToString());
    }

    public static DateTime MakeTime(Source s)
    {
        var ticks = s.Below(6) switch
        {
            0 => s.Pick([0, DateTime.MaxValue.Ticks, Epoch, Epoch - 1, Epoch + 1]),
            1 => Epoch + (s.Pick([1L << 32, 1L << 34, 0, 1L << 31]) * Second) + s.Between(-1, 1),
            2 => Epoch + (s.Between(0, int.MaxValue) * Second),
            3 => Epoch + (s.Between(0, int.MaxValue) * Second) + s.Below((int)Second),
            4 => Epoch - (s.Between(0, int.MaxValue) * Second) - s.Below((int)Second),
            _ => (long)(s.Bits() % (ulong)DateTime.MaxValue.Ticks),
        };
        return new DateTime(ticks, s.Pick([DateTimeKind.Utc, DateTimeKind.Utc, DateTimeKind.Unspecified, DateTimeKind.Local]));
    }

    private static object MakeOffsetTime(Source s)
    {
        var clock = new DateTime(MakeTime(s).Ticks, DateTimeKind.Unspecified);
        var offset = TimeSpan.FromMinutes(s.Pick([0, 540, -300, 330, 840, -840, s.Between(-840, 840)]));
        var utc = clock.Ticks - offset.Ticks;
        return new DateTimeOffset(clock, utc < 0 || utc > DateTime.MaxValue.Ticks ? TimeSpan.Zero : offset);
    }

    private static object MakeUri(Source s) => new Uri(
        s.Pick(["http://example.com", "HTTP://Example.com:80/a b/../c?q=%7e#f", "a/b?c", "", "file:///tmp/x", "mailto:a@b", "http://b\u00fccher.example/\u00e9",
            "urn:x:" + s.Bits().ToString(CultureInfo.InvariantCulture)]),
        UriKind.RelativeOrAbsolute);

    private static object MakeVersion(Source s)
    {
        int Part() => (int)s.Edgy(0, int.MaxValue);
        return s.Below(3) switch
        {
            0 => new Version(Part(), Part()),
            1 => new Version(Part(), Part(), Part()),
            _ => new Version(Part(), Part(), Part(), Part()),
        };
    }

    private static object MakeBytes(Source s) => s.Bytes(s.Below(30) switch
    {
        0 => s.Pick([255, 256, 31, 32]),
        1 when s.OneIn(4) => s.Pick([65_535, 65_536]),
        _ => s.Below(10),
    });

    private static object MakeEnum(Source s, Type type)
    {
        var underlying = Enum.GetUnderlyingType(type);
        var values = Enum.GetValuesAsUnderlyingType(type);
        return Enum.ToObject(type, values.Length == 0 || s.OneIn(3) ? Make(s, underlying)! : values.GetValue(s.Below(values.Length))!);
    }
}
