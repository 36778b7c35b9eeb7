using System;
using System.Collections.Concurrent;
using System.Globalization;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>The culture of whoever started a task, as headers.</summary>
internal static unsafe class CultureHeaders
{
    // As many entries as cultures are used. UTF-8 in memory that never moves.
    private static readonly ConcurrentDictionary<string, byte[]> Names = new(StringComparer.Ordinal);

    internal static ReadOnlySpan<byte> Culture => "culture"u8;

    internal static ReadOnlySpan<byte> UICulture => "ui-culture"u8;

    /// <summary>The name of a culture as native takes it, valid for ever.</summary>
    internal static backrun_str NameOf(CultureInfo culture) => NativeText.ViewOfPinned(Names.GetOrAdd(culture.Name, static name => NativeText.ToPinned(name)));

    /// <summary>Sets the culture that a task carries, if it carries one.</summary>
    /// <exception cref="CultureNotFoundException">It is not known here: the task's failure.</exception>
    internal static void Apply(backrun_task* task)
    {
        if (HeaderSet.Find(task, Culture) is { } culture && !string.Equals(culture, CultureInfo.CurrentCulture.Name, StringComparison.Ordinal))
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
        }

        if (HeaderSet.Find(task, UICulture) is { } uiCulture && !string.Equals(uiCulture, CultureInfo.CurrentUICulture.Name, StringComparison.Ordinal))
        {
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(uiCulture);
        }
    }
}
