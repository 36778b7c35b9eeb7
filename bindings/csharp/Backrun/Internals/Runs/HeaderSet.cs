using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>What travels with a task besides its parameters and its user: the starter's culture and trace context.</summary>
internal static unsafe class HeaderSet
{
    /// <summary>As many as <see cref="Capture"/> writes.</summary>
    internal const int Most = 4;

    /// <summary>Bytes that <see cref="Capture"/> needs for texts.</summary>
    internal const int TextBytes = TraceParentBytes + TraceStateBytes;

    // W3C: 55 for version 00; a tracestate has to be passed on up to 512 characters at least. Longer ones are left out, as the specification allows.
    private const int TraceParentBytes = 64;
    private const int TraceStateBytes = 1024;

    internal static ReadOnlySpan<byte> TraceParent => "traceparent"u8;

    internal static ReadOnlySpan<byte> TraceState => "tracestate"u8;

    /// <summary>Whether there is something to capture: most tasks carry nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsNeeded(Cultures cultures) => !cultures.AreCurrent || Activity.Current is not null;

    /// <summary>Writes the headers of a task that is started here and now.</summary>
    /// <param name="cultures">Those of the engine, which are not written.</param>
    /// <param name="headers">Room for <see cref="Most"/>.</param>
    /// <param name="texts">Room for <see cref="TextBytes"/>.</param>
    /// <returns>How many were written.</returns>
    internal static int Capture(Cultures cultures, backrun_header* headers, byte* texts)
    {
        int count = 0;
        if (!cultures.AreCurrent)
        {
            headers[count++] = Make(CultureHeaders.Culture, CultureHeaders.NameOf(CultureInfo.CurrentCulture));
            headers[count++] = Make(CultureHeaders.UICulture, CultureHeaders.NameOf(CultureInfo.CurrentUICulture));
        }

        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { Length: <= TraceParentBytes } id } activity)
        {
            headers[count++] = Make(TraceParent, Ascii(id, texts));
            if (activity.TraceStateString is { Length: > 0 and <= TraceStateBytes } state)
            {
                headers[count++] = Make(TraceState, Ascii(state, texts + TraceParentBytes));
            }
        }

        return count;
    }

    /// <summary>All headers of a task.</summary>
    internal static IReadOnlyDictionary<string, string> Read(backrun_task* task)
    {
        int count = (int)NativeMethods.backrun_task_header_count(task);
        if (count == 0)
        {
            return ReadOnlyDictionary<string, string>.Empty;
        }

        Dictionary<string, string> headers = new(count, StringComparer.Ordinal);
        for (int index = 0; index < count; index++)
        {
            backrun_str name = NativeMethods.backrun_task_header_name(task, (nuint)index);
            headers[NativeText.ToManaged(name)] = NativeText.ToManaged(NativeMethods.backrun_task_header(task, name));
        }

        return headers.AsReadOnly();
    }

    /// <summary>A header of a task, or null.</summary>
    /// <param name="task">During its callback.</param>
    /// <param name="name">A constant: its bytes do not move.</param>
    internal static string? Find(backrun_task* task, ReadOnlySpan<byte> name)
    {
        backrun_str value = NativeMethods.backrun_task_header(task, View(name));
        return value.data is null ? null : NativeText.ToManaged(value);
    }

    private static backrun_header Make(ReadOnlySpan<byte> name, backrun_str value) => new()
    {
        struct_size = (uint)sizeof(backrun_header),
        name = View(name),
        value = value,
    };

    // u8 literals lie in the assembly's image, which does not move.
    private static backrun_str View(ReadOnlySpan<byte> literal) =>
        new() { data = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(literal)), len = (nuint)literal.Length };

    private static backrun_str Ascii(string text, byte* to)
    {
        // Both are ASCII by their specification; anything else becomes '?', which readers take for a broken context.
        int length = System.Text.Encoding.ASCII.GetBytes(text, new Span<byte>(to, text.Length));
        return new backrun_str { data = to, len = (nuint)length };
    }
}
