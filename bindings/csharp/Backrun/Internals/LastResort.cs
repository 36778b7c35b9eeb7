using System;

namespace Backrun.Internals;

/// <summary>Where no logger can be reached: one line on the standard error output, and never an exception.</summary>
internal static class LastResort
{
    internal static void Report(string what, Exception exception)
    {
        try
        {
            Console.Error.WriteLine($"Backrun: {what}: {exception.GetType()}: {ExceptionText.MessageOf(exception)}");
        }
        catch (Exception)
        {
            // The standard error output is closed: there is nobody left to tell.
        }
    }
}
