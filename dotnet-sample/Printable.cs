using System.Text;

namespace Backrun.Sample;

/// <summary>
/// Makes any text fit for a line on a terminal.
/// A file may be named with line breaks, or with what would recolour or rewrite the screen.
/// </summary>
internal static class Printable
{
    public static string Of(string text)
    {
        StringBuilder? printable = null;
        for (int i = 0; i < text.Length; i++)
        {
            if (IsHarmless(text[i]))
            {
                printable?.Append(text[i]);
                continue;
            }
            printable ??= new StringBuilder(text, 0, i, text.Length + 16);
            printable.Append(text[i] switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                char other => $"\\u{(int)other:x4}",
            });
        }
        return printable?.ToString() ?? text;
    }

    // Marks of writing direction (the two ranges) are harmless in a text, but in a list they turn around what follows.
    private static bool IsHarmless(char c) =>
        !char.IsControl(c)
        && c is not ('\u2028' or '\u2029')
        && c is not (>= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069');
}
