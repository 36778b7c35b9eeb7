using System;

namespace Backrun.Internals;

/// <summary>Where no logger can be reached: one line on the standard error output, and never an exception.</summary>
internal static class LastResort
{
    internal static void Report(string what, Exception exception) => Write($"Backrun: {what}: {exception.GetType()}: {ExceptionText.MessageOf(exception)}");

    /// <summary>A warning that no logger took.</summary>
    internal static void Warn(string message) => Write($"Backrun warning: {message}");

    private static void Write(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
        }
        catch (Exception)
        {
            // The standard error output is closed: there is nobody left to tell.
        }
    }
}
