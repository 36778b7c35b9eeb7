using System;

namespace Backrun.Internals;

/// <summary>What can be said of an exception, whatever its own members do.</summary>
internal static class ExceptionText
{
    // What the engine keeps, in bytes; a little more is sent, so that it is the engine that cuts.
    private const int MostMessage = 8 * 1024;
    private const int MostDetail = 64 * 1024;

    internal static string TypeOf(Exception exception) => TypeNames.Of(exception.GetType());

    internal static string MessageOf(Exception exception)
    {
        try
        {
            // Overriders return null, whatever the annotation says.
            return Cut(exception.Message ?? string.Empty, MostMessage);
        }
        catch (Exception second)
        {
            return $"(the Message of this exception threw {second.GetType()})";
        }
    }

    internal static string DetailOf(Exception exception)
    {
        try
        {
            return Cut(exception.ToString() ?? string.Empty, MostDetail);
        }
        catch (Exception second)
        {
            return $"(the ToString of this exception threw {second.GetType()})\n{StackOf(exception)}";
        }
    }

    private static string StackOf(Exception exception)
    {
        try
        {
            return Cut(exception.StackTrace ?? string.Empty, MostDetail);
        }
        catch (Exception)
        {
            return string.Empty;
        }
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];
}
