using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using MessagePack;

namespace Backrun.Vectors.Making;

/// <summary>Any MessagePack there can be, whoever wrote it; and what is none.</summary>
internal static class Messages
{
    public static byte[] Any(Source s, int depth)
    {
        var bytes = new List<byte>();
        Value(s, bytes, depth);
        return [.. bytes];
    }

    private static void Value(Source s, List<byte> to, int depth)
    {
        switch (s.Below(depth > 0 ? 14 : 10))
        {
            case 0: to.Add(s.Pick<byte>([0xc0, 0xc2, 0xc3])); break;
            case 1: to.Add((byte)s.Below(128)); break;
            case 2: to.Add((byte)s.Between(0xe0, 0xff)); break;
            case 3: Number(s, to); break;
            case 4: Add(to, 0xca, Big((ulong)BitConverter.SingleToUInt32Bits((float)Scalars.Make(s, typeof(float))!), 4)); break;
            case 5: Add(to, 0xcb, Big(BitConverter.DoubleToUInt64Bits((double)Scalars.Make(s, typeof(double))!), 8)); break;
            case 6 or 7: Text(s, to); break;
            case 8: Binary(s, to); break;
            case 9: Extension(s, to, depth); break;
            case 10 or 11: Many(s, to, depth); break;
            default: Map(s, to, depth); break;
        }
    }

    private static void Number(Source s, List<byte> to)
    {
        var code = s.Between(0xcc, 0xd3);
        var size = 1 << ((code - 0xcc) & 3);
        Add(to, (byte)code, s.OneIn(2) ? s.Bytes(size) : Big((ulong)(UInt128)s.Edgy(0, ulong.MaxValue), size));
    }

    private static byte[] Big(ulong number, int size)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        return bytes[^size..];
    }

    private static void Add(List<byte> to, byte code, byte[] rest)
    {
        to.Add(code);
        to.AddRange(rest);
    }

    /// <summary>A header in the form that is due, or in a wider one.</summary>
    private static void Header(Source s, List<byte> to, int length, int fix, int limit, byte? code8, byte code16)
    {
        var forms = new List<int>();
        if (fix >= 0 && length < limit)
            forms.Add(0);
        if (code8 is not null && length < 256)
            forms.Add(1);
        if (length < 65_536)
            forms.Add(2);
        forms.Add(4);
        var form = s.OneIn(5) ? s.Pick(forms) : forms[0];
        if (form == 0)
            to.Add((byte)(fix | length));
        else
            Add(to, form == 1 ? code8!.Value : (byte)(code16 + (form >> 2)), Big((ulong)length, form));
    }

    private static void Text(Source s, List<byte> to)
    {
        var bytes = s.OneIn(6) ? s.Bytes(s.Below(12)) : Encoding.UTF8.GetBytes((string)Scalars.Make(s, typeof(string))!);
        if (bytes.Length > 300)
            bytes = bytes[..300];
        Header(s, to, bytes.Length, 0xa0, 32, 0xd9, 0xda);
        to.AddRange(bytes);
    }

    private static void Binary(Source s, List<byte> to)
    {
        var bytes = s.Bytes(s.Below(20));
        Header(s, to, bytes.Length, -1, 0, 0xc4, 0xc5);
        to.AddRange(bytes);
    }

    private static void Extension(Source s, List<byte> to, int depth)
    {
        switch (s.Below(8))
        {
            case 0 or 1 or 2:
                Timestamp(s, to);
                break;
            case 3 when depth > 0:
                var body = new List<byte>();
                Text(s, body);
                Value(s, body, depth - 1);
                ExtensionOf(s, to, 100, [.. body]);
                break;
            default:
                ExtensionOf(s, to, (byte)s.Bits(), s.Bytes(s.Pick([0, 1, 2, 3, 4, 5, 8, 12, 16, 17])));
                break;
        }
    }

    private static void Timestamp(Source s, List<byte> to)
    {
        var body = s.Below(4) switch
        {
            0 => s.Bytes(4),
            1 => s.Bytes(8),
            2 => s.Bytes(12),
            _ => TimestampOf(Scalars.MakeTime(s)),
        };
        ExtensionOf(s, to, 0xff, body);
    }

    private static byte[] TimestampOf(DateTime time)
    {
        var since = time.Ticks - DateTime.UnixEpoch.Ticks;
        var (seconds, ticks) = Math.DivRem(since, TimeSpan.TicksPerSecond);
        return [.. Big((ulong)((ticks < 0 ? ticks + TimeSpan.TicksPerSecond : ticks) * 100), 4), .. Big((ulong)(ticks < 0 ? seconds - 1 : seconds), 8)];
    }

    private static void ExtensionOf(Source s, List<byte> to, byte type, byte[] body)
    {
        var fixedForm = Array.IndexOf([1, 2, 4, 8, 16], body.Length);
        if (fixedForm >= 0 && !s.OneIn(5))
            to.Add((byte)(0xd4 + fixedForm));
        else
            Header(s, to, body.Length, -1, 0, 0xc7, 0xc8);
        to.Add(type);
        to.AddRange(body);
    }

    private static void Many(Source s, List<byte> to, int depth)
    {
        var count = s.OneIn(20) ? s.Between(14, 20) : s.Below(5);
        Header(s, to, count, 0x90, 16, null, 0xdc);
        for (var i = 0; i < count; i++)
            Value(s, to, s.Below(depth));
    }

    private static void Map(Source s, List<byte> to, int depth)
    {
        var count = s.OneIn(20) ? s.Between(14, 20) : s.Below(5);
        Header(s, to, count, 0x80, 16, null, 0xde);
        for (var i = 0; i < count; i++)
        {
            if (s.OneIn(4))
                Value(s, to, s.Below(depth));
            else
                Text(s, to);
            Value(s, to, s.Below(depth));
        }
    }

    /// <summary>The same message, some of it in wider forms than are due.</summary>
    public static byte[] Widen(Source s, byte[] message)
    {
        var to = new List<byte>();
        var at = 0;
        while (at < message.Length)
            at = WidenOne(s, message, at, to);
        return [.. to];
    }

    private static int WidenOne(Source s, byte[] from, int at, List<byte> to)
    {
        var code = from[at];
        var reader = new MessagePackReader(from.AsMemory(at));
        switch (reader.NextMessagePackType)
        {
            case MessagePackType.Integer when code is < 0x80 or >= 0xcc and <= 0xcf:
                var unsigned = reader.ReadUInt64();
                Widened(s, to, unsigned, 0xcc, unsigned <= long.MaxValue && s.OneIn(3) ? 0xd3 : null);
                break;
            case MessagePackType.String:
                var text = reader.ReadStringSequence()!.Value.ToArray();
                Header(s, to, text.Length, 0xa0, 32, 0xd9, 0xda);
                to.AddRange(text);
                break;
            case MessagePackType.Binary:
                var binary = reader.ReadBytes()!.Value.ToArray();
                Header(s, to, binary.Length, -1, 0, 0xc4, 0xc5);
                to.AddRange(binary);
                break;
            case MessagePackType.Array:
                Header(s, to, reader.ReadArrayHeader(), 0x90, 16, null, 0xdc);
                break;
            case MessagePackType.Map:
                Header(s, to, reader.ReadMapHeader(), 0x80, 16, null, 0xde);
                break;
            case MessagePackType.Extension:
                var extension = reader.ReadExtensionFormat();
                ExtensionOf(s, to, (byte)extension.TypeCode, extension.Data.ToArray());
                break;
            default:
                reader.Skip();
                to.AddRange(from[at..(at + (int)reader.Consumed)]);
                break;
        }
        return at + (int)reader.Consumed;
    }

    private static void Widened(Source s, List<byte> to, ulong number, int code, int? signed)
    {
        var least = number switch { <= byte.MaxValue => 0, <= ushort.MaxValue => 1, <= uint.MaxValue => 2, _ => 3 };
        var width = s.Between(least, 3);
        if (number < 128 && s.OneIn(3))
            to.Add((byte)number);
        else if (signed is { } wide)
            Add(to, (byte)wide, Big(number, 8));
        else
            Add(to, (byte)(code + width), Big(number, 1 << width));
    }

    /// <summary>A message with something wrong in it, or something that is still right.</summary>
    public static byte[] Break(Source s, byte[] message)
    {
        var bytes = new List<byte>(message);
        for (var times = s.Between(1, 2); times > 0 && bytes.Count > 0; times--)
        {
            var at = s.Below(bytes.Count);
            switch (s.Below(7))
            {
                case 0: bytes.RemoveRange(at, bytes.Count - at); break;
                case 1: bytes[at] = (byte)s.Bits(); break;
                case 2: bytes[at] ^= (byte)(1 << s.Below(8)); break;
                case 3: bytes.RemoveAt(at); break;
                case 4: bytes.Insert(at, (byte)s.Bits()); break;
                case 5: bytes[0] = (byte)s.Bits(); break;
                default: bytes[at] = s.Pick<byte>([0xc0, 0xc1, 0x80, 0x90, 0xa0, 0xc4, 0xd9, 0xdc, 0xdd, 0xdf, 0xc7, 0xd6, 0xcb, 0xff]); break;
            }
        }
        return [.. bytes];
    }
}
