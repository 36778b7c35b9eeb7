using System;
using System.IO;
using System.Security;

namespace Backrun.Sample;

/// <summary>Says in a few words why something could not be done.</summary>
internal static class Reason
{
    public static string Of(Exception exception) => exception switch
    {
        FileChangedException => exception.Message,
        FileNotFoundException or DirectoryNotFoundException => "gone since it was listed",
        UnauthorizedAccessException => "permission denied",
        PathTooLongException => "its path is too long",
        IOException => WithoutPath(exception.Message),
        _ => $"{exception.GetType().Name}: {exception.Message}",
    };

    /// <summary>Whether files do that, and no mistake in the program.</summary>
    public static bool IsOfFiles(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or SecurityException;

    // .NET adds the path: "No space left on device : '/some/path'". Here it stands beside it already.
    private static string WithoutPath(string message) =>
        message.IndexOf(" : '", StringComparison.Ordinal) is >= 0 and int end ? message[..end] : message;
}
