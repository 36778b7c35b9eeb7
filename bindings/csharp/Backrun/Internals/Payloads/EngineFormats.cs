namespace Backrun.Internals;

/// <summary>How an engine writes, and by which names of types it reads.</summary>
internal sealed class EngineFormats(BackrunOptions options)
{
    /// <summary>The format of what does not say otherwise.</summary>
    internal PayloadFormat Default { get; } = options.PayloadFormat;

    internal TypelessOptions Typeless { get; } = new(new TypelessTypes(options.TypelessAssemblies, options.TypelessTypes));
}
