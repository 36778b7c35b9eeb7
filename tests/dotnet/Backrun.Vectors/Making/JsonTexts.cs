using System.Globalization;
using System.Numerics;
using System.Text;

namespace Backrun.Vectors.Making;

/// <summary>JSON texts, and texts that are nearly so.</summary>
internal static class JsonTexts
{
    public static string Any(Source s)
    {
        var text = new StringBuilder();
        Value(s, text, s.Below(4));
        while (s.OneIn(12))
            Value(s, text.Append(' '), s.Below(2));
        return s.OneIn(4) ? Break(s, text.ToString()) : text.ToString();
    }

    private static void Value(Source s, StringBuilder to, int depth)
    {
        Blank(s, to);
        switch (s.Below(depth > 0 ? 9 : 5))
        {
            case 0: to.Append(s.Pick(["true", "false", "null"])); break;
            case 1 or 2: to.Append(Number(s)); break;
            case 3 or 4: Text(s, to); break;
            case 5 or 6: Many(s, to, depth, '[', ']', withNames: false); break;
            default: Many(s, to, depth, '{', '}', withNames: true); break;
        }
        Blank(s, to);
    }

    private static void Blank(Source s, StringBuilder to)
    {
        while (s.OneIn(6))
            to.Append(s.Pick([' ', '\n', '\t', '\r']));
    }

    private static void Many(Source s, StringBuilder to, int depth, char open, char close, bool withNames)
    {
        to.Append(open);
        for (var left = s.OneIn(15) ? 17 : s.Below(5); left > 0; left--)
        {
            if (withNames)
            {
                Text(s, to);
                to.Append(':');
            }
            Value(s, to, s.Below(depth));
            if (left > 1)
                to.Append(',');
        }
        to.Append(close);
    }

    private static string Number(Source s)
    {
        var whole = s.Edgy(-(BigInteger.One << 66), BigInteger.One << 66).ToString(CultureInfo.InvariantCulture);
        return s.Below(6) switch
        {
            0 => whole + "." + s.Below(1000).ToString(CultureInfo.InvariantCulture),
            1 => s.Between(-99, 99).ToString(CultureInfo.InvariantCulture) + s.Pick(["e", "E", "e+", "e-", "E-"]) + s.Below(320).ToString(CultureInfo.InvariantCulture),
            2 => ((double)Scalars.Make(s, typeof(double))!).ToString("R", CultureInfo.InvariantCulture),
            3 => s.Below(70_000).ToString(CultureInfo.InvariantCulture),
            _ => whole,
        };
    }

    private static void Text(Source s, StringBuilder to)
    {
        to.Append('"');
        var text = (string)Scalars.Make(s, typeof(string))!;
        if (text.Length > 300)
            text = text[..300];
        for (var i = 0; i < text.Length; i++)
        {
            // Half a pair of surrogates stands in no text of UTF-8, but it can be told.
            var isPair = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]);
            if (isPair && s.OneIn(2))
                to.Append(text, i++, 2);
            else if (text[i] is '"' or '\\' or < ' ' || char.IsSurrogate(text[i]) || s.OneIn(20))
                to.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:X4}");
            else
                to.Append(text[i]);
        }
        while (s.OneIn(4))
            to.Append(s.Pick(["\\n", "\\r", "\\t", "\\b", "\\f", "\\/", "\\\\", "\\\"", "\\u00e9", "\\uD83D\\uDE00"]));
        to.Append('"');
    }

    private static string Break(Source s, string text)
    {
        var broken = new StringBuilder(text);
        for (var times = s.Between(1, 2); times > 0 && broken.Length > 0; times--)
        {
            var at = s.Below(broken.Length);
            switch (s.Below(4))
            {
                case 0: broken.Length = at; break;
                case 1: broken.Remove(at, 1); break;
                case 2: broken.Insert(at, s.Pick(["]", "}", "[", "{", ",", ":", "\"", "\\", "\\x", "\\u12", "-", "+", ".", "e", "NaN", "0x1F", "//", " ", "1", "tru", "nul", "'", "\0", "_", "\u00a0"])); break;
                default: broken[at] = s.Pick([',', ':', ' ', '"', '1', ']', '}', '.', 'E', 'f', '\\', '\ufeff']); break;
            }
        }
        // What is left of a pair that was cut.
        for (var i = 0; i < broken.Length; i++)
        {
            if (i + 1 < broken.Length && char.IsSurrogatePair(broken[i], broken[i + 1]))
                i++;
            else if (char.IsSurrogate(broken[i]))
                broken[i] = '?';
        }
        return broken.ToString();
    }
}
