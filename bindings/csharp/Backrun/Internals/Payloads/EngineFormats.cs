using MessagePack;

namespace Backrun.Internals;

/// <summary>How an engine writes, and by which names of types it reads.</summary>
internal sealed class EngineFormats(BackrunOptions options)
{
    /// <summary>The format of what does not say otherwise.</summary>
    internal PayloadFormat Default { get; } = options.PayloadFormat;

    /// <summary>Whether formatters of this engine are no other's.</summary>
    internal bool HasOwnFormatters { get; } = options.FormatterResolver is not null;

    internal MessagePackSerializerOptions Contractless { get; } = With(options.FormatterResolver, Formats.Contractless);

    internal MessagePackSerializerOptions Keyed { get; } = With(options.FormatterResolver, Formats.Keyed);

    internal TypelessOptions Typeless { get; } = new(new TypelessTypes(options.TypelessAssemblies, options.TypelessTypes), options.FormatterResolver);

    private static MessagePackSerializerOptions With(IFormatterResolver? first, MessagePackSerializerOptions format) =>
        first is null ? format : format.WithResolver(new OwnResolver(first, format.Resolver));
}
