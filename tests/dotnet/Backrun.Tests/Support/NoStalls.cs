using System;
using System.Runtime.CompilerServices;
using Backrun.Internals;

namespace Backrun.Tests.Support;

/// <summary>
/// Where a test does not say otherwise, nobody is replaced: on a busy machine a run of a few milliseconds lasts past 100, and a test with one worker has two.
/// Those that are about stalls say what they want.
/// </summary>
internal static class NoStalls
{
    /// <summary>What users have.</summary>
    internal static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(100);

    [ModuleInitializer]
    internal static void Initialize() => NativeOptions.StallThresholdWhereNotSaid = TimeSpan.FromHours(1);
}
