using System;
using System.Collections.Generic;
using System.Text;

namespace Backrun.Internals;

/// <summary>What can be said of an exception, whatever its own members do.</summary>
internal static class ExceptionText
{
    // What the engine keeps, in bytes; a little more is sent, so that it is the engine that cuts.
    private const int MostMessage = 8 * 1024;
    private const int MostDetail = 64 * 1024;

    private const string TooMuchInside = "(the inner exceptions are too many or too deep to print)";

    // .NET prints inner exceptions by recursion, each of them as often as it is referred to: beyond these it is not let to.
    private const int MostDepth = 100;
    private const int MostInner = 5_000;
    private const int MostPrinted = 10;

    internal static string TypeOf(Exception exception) => TypeNames.Of(exception.GetType());

    internal static string MessageOf(Exception exception)
    {
        if (exception is AggregateException && HasTooMuchInside(exception))
        {
            return TooMuchInside;
        }

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
        if (HasTooMuchInside(exception))
        {
            return FirstOf(exception);
        }

        try
        {
            return Cut(exception.ToString() ?? string.Empty, MostDetail);
        }
        catch (Exception second)
        {
            return $"(the ToString of this exception threw {second.GetType()})\n{StackOf(exception)}";
        }
    }

    /// <summary>
    /// Whether the exceptions inside are so many, or so deep, that to print them would take all the stack or all the memory, and with it the process.
    /// </summary>
    internal static bool HasTooMuchInside(Exception exception)
    {
        if (exception.InnerException is null)
        {
            return false;
        }

        int seen = 0;
        Stack<(Exception Exception, int Depth)> left = new();
        left.Push((exception, 0));
        while (left.TryPop(out (Exception Exception, int Depth) next))
        {
            if (++seen > MostInner || next.Depth > MostDepth)
            {
                return true;
            }

            if (next.Exception is AggregateException aggregate)
            {
                foreach (Exception inner in aggregate.InnerExceptions)
                {
                    left.Push((inner, next.Depth + 1));
                }
            }
            else if (next.Exception.InnerException is { } inner)
            {
                left.Push((inner, next.Depth + 1));
            }
        }

        return false;
    }

    private static string FirstOf(Exception exception)
    {
        StringBuilder text = new();
        Exception? next = exception;
        for (int printed = 0; next is not null && printed < MostPrinted; printed++, next = next.InnerException)
        {
            text.Append(printed == 0 ? string.Empty : " ---> ").Append(TypeOf(next)).Append(": ").Append(MessageOf(next)).Append('\n');
        }

        return Cut(text.Append(" ---> ").Append(TooMuchInside).Append('\n').Append(StackOf(exception)).ToString(), MostDetail);
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
