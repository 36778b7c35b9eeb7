namespace Backrun.Analyzers;

/// <summary>How an engine writes parameters: its PayloadFormat, as far as it decides what can be written.</summary>
internal enum PayloadKind
{
    /// <summary>Public members by their names; attributes where a type has them.</summary>
    Contractless,

    /// <summary>Types with attributes only.</summary>
    Standard,

    /// <summary>Private members too, and names of types where a place does not say enough.</summary>
    Typeless,
}
