using System;

namespace Backrun.Tests.Support;

/// <summary>How hard to try. <c>BACKRUN_TORTURE=1</c> asks for the long forms, which take minutes.</summary>
internal static class Effort
{
    internal static bool Long { get; } = Environment.GetEnvironmentVariable("BACKRUN_TORTURE") == "1";

    /// <summary>A count for the usual run, and one for the long form.</summary>
    internal static int Times(int usual, int longForm) => Long ? longForm : usual;
}
