using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MessagePack;
using MessagePack.Formatters;

namespace Backrun.Internals;

/// <summary>
/// MessagePack-CSharp's formatters of a type, looked up once: the look-up through resolvers, a generic virtual call, costs as much as writing a small member. Calling a
/// formatter is what the serialiser itself does with these options, which neither compress nor write the old format.
/// </summary>
/// <typeparam name="T">What is written and read.</typeparam>
internal sealed class Formatters<T>
{
    private IMessagePackFormatter<T>? _contractless;
    private IMessagePackFormatter<T>? _keyed;
    private IMessagePackFormatter<T>? _typeless;

    /// <exception cref="NotSupportedException">Not a format of this version.</exception>
    /// <exception cref="FormatterNotRegisteredException">The type cannot be written in this format.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal IMessagePackFormatter<T> Of(PayloadFormat format, EngineFormats engine, out MessagePackSerializerOptions options)
    {
        if (format == PayloadFormat.Standard)
        {
            options = engine.Keyed;
            return _keyed ??= LookUp(options);
        }

        if (format == PayloadFormat.Contractless)
        {
            options = engine.Contractless;
            return _contractless ??= LookUp(options);
        }

        if (format != PayloadFormat.Typeless)
        {
            ThrowUnknown(format);
        }

        options = engine.Typeless;
        return _typeless ??= (IMessagePackFormatter<T>)(object)new TypelessRoot<T>();
    }

    // Types that MessagePack's generator or hand-written formatters do not cover need code made at run time: programs for NativeAOT use PayloadFormat.Standard with such
    // formatters, as the documentation of PayloadFormat says. What a look-up throws is not kept: the next one throws it again.
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "TParameters is named by the application's own call; see above.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "See above.")]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static IMessagePackFormatter<T> LookUp(MessagePackSerializerOptions options) => options.Resolver.GetFormatterWithVerify<T>();

    [DoesNotReturn]
    private static void ThrowUnknown(PayloadFormat format) =>
        throw new NotSupportedException($"PayloadFormat.{format}: this version cannot read or write it.");
}
