using System;
using System.Globalization;

namespace Backrun.Internals;

/// <summary>
/// The culture of an engine: that of the thread that made it. Tasks started in it carry no culture, and its workers stand in it, so that the usual case costs a comparison.
/// </summary>
internal sealed class Cultures
{
    private readonly CultureInfo _culture = CultureInfo.CurrentCulture;
    private readonly CultureInfo _uiCulture = CultureInfo.CurrentUICulture;

    /// <summary>Whether the current thread stands in it.</summary>
    internal bool AreCurrent => IsSame(CultureInfo.CurrentCulture, _culture) && IsSame(CultureInfo.CurrentUICulture, _uiCulture);

    /// <summary>Makes it that of the current thread, whatever becomes of <see cref="CultureInfo.DefaultThreadCurrentCulture"/> later.</summary>
    internal void ApplyOwn()
    {
        CultureInfo.CurrentCulture = _culture;
        CultureInfo.CurrentUICulture = _uiCulture;
    }

    private static bool IsSame(CultureInfo one, CultureInfo other) =>
        ReferenceEquals(one, other) || string.Equals(one.Name, other.Name, StringComparison.Ordinal);
}
